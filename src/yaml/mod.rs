//! The one YAML reader: image lists, answers files and fixtures all come through here.
//!
//! The manager reads YAML 1.1 with PyYAML, newer programs read YAML 1.2, and the two disagree on
//! syntax and on what unquoted scalars mean. [`read`] builds a tree with positions and accepts only
//! what both read alike; everything else is refused with its place and a remedy. There is never a
//! third reading.
//!
//! Where each rule lives: [`scalar`] judges plain scalars, `layout` refuses notation the readers
//! disagree on, `bounds` counts before `tree` expands anchors, aliases and merge keys. [`write`] writes
//! what every reader reads alike.

mod alike;
mod bounds;
mod indentation;
mod layout;
mod node;
pub mod scalar;
mod tree;
mod write;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests;

use crate::failure::{Code, Failure, Place, Problems};

pub(crate) use alike::{meant, stray};
pub use bounds::{MAX_BYTES, MAX_DEPTH, MAX_NODES};
pub(crate) use node::quoted;
pub use node::{Mark, Node, Value};
pub use write::write;

/// Reads one document; `file` is only named in messages. An empty file or document is [`Value::Null`].
///
/// # Errors
/// All problems at once: notation that PyYAML and YAML 1.2 read differently, duplicate keys, unclear
/// scalars; after a syntax error nothing further can be said.
pub fn read(file: &str, bytes: &[u8]) -> Result<Node, Vec<Failure>> {
    let (node, problems) = read_all(file, bytes);
    match node {
        Some(node) if problems.is_empty() => Ok(node),
        _ => Err(problems),
    }
}

/// Like [`read`], but hands out the tree beside its problems, so that a caller with rules of its own
/// can tell everything at once. A tree with problems must not be used for anything else.
pub fn read_all(file: &str, bytes: &[u8]) -> (Option<Node>, Vec<Failure>) {
    let text = match decode(file, bytes) {
        Ok(text) => text,
        Err(failure) => return (None, vec![failure]),
    };
    if let Err(failures) = printable(file, text) {
        return (None, failures);
    }
    let marks = alike::merge_markers(file, text);
    if !marks.is_empty() {
        // What follows from them is not reported.
        return (None, marks);
    }
    tree::build(file, text)
}

/// The text of a file: UTF-8, with or without a byte order mark.
fn decode<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Failure> {
    let start = Place { file: file.into(), line: 1, column: 1 };
    if bytes.len() > MAX_BYTES {
        return Err(Failure::new(Code::FileRead, format!("`{file}` is larger than {} MiB", MAX_BYTES >> 20))
            .why(format!("it has {} bytes", bytes.len()))
            .remedy("name the right file; an image list of 100,000 tags stays below it")
            .at(start));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Failure::new(Code::FileRead, format!("`{file}` is UTF-16 text"))
            .why("YAML files are read as UTF-8")
            .remedy(format!("save it as UTF-8, for example: `iconv -f UTF-16 -t UTF-8 {file}`"))
            .at(start));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let place = end_of(file, &String::from_utf8_lossy(good));
        let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        Failure::new(Code::FileRead, format!("`{file}` is not UTF-8 text"))
            .why(format!("the byte 0x{byte:02X} does not belong there"))
            .remedy("save the file as UTF-8")
            .at(place)
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Refuses characters that PyYAML refuses, and line breaks that only YAML 1.1 knows.
fn printable(file: &str, text: &str) -> Result<(), Vec<Failure>> {
    let mut failures = Problems::default();
    let (mut line, mut column, mut previous) = (1, 1, '\n');
    for c in text.chars() {
        let why = match c {
            '\u{85}' | '\u{2028}' | '\u{2029}' => {
                Some("it ends a line for YAML 1.1 readers and does not for newer ones")
            }
            '\t' | '\n' | '\r' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' => None,
            '\u{ff00}'..='\u{fffd}' | '\u{10000}'.. => None,
            '\u{feff}' => Some("a byte order mark may stand at the very start of a file only"),
            _ => Some("YAML files hold printable characters only"),
        };
        if let Some(why) = why {
            let place = Place { file: file.into(), line, column };
            failures.push_with(Code::YamlSyntax, place, || {
                let what = format!("The character U+{:04X} may not stand in a YAML file", c as u32);
                let remedy = format!(
                    "delete it; where it is meant, write the escape `\\u{:04X}` in double quotes",
                    c as u32
                );
                Failure::new(Code::YamlSyntax, what).why(why).remedy(remedy)
            });
        }
        if c == '\n' && previous == '\r' {
            // The line was counted at the carriage return.
        } else if matches!(c, '\n' | '\r') {
            line += 1;
            column = 1;
        } else {
            column += 1;
        }
        previous = c;
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.into_vec()) }
}

/// The place right after `text`, which starts the file.
fn end_of(file: &str, text: &str) -> Place {
    let line = 1 + text.matches('\n').count();
    let column = 1 + text.rsplit('\n').next().unwrap_or_default().chars().count();
    Place { file: file.into(), line, column }
}

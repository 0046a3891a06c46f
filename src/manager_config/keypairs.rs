//! Puts keypairs into a file that people have written into: by position, the rest stays byte for byte.

use std::path::Path;

use crate::{
    failure::{Code, Failure, Place},
    yaml::{self, Node, Value},
};

/// A keypair as the file is to hold it.
pub struct Entry {
    /// The access key, by which an entry is found.
    pub access: String,
    /// The fields in their order, each a name and a value as YAML writes it on one line.
    pub fields: Vec<(&'static str, String)>,
}

/// Why a file cannot be changed by position.
#[derive(Debug)]
pub enum Refused {
    /// It is no list of keypairs.
    NoList,
    /// It holds more than is read: the failure of the reader.
    TooMuch(Box<Failure>),
    /// The line, from 1, whose form cannot be changed safely.
    Line(usize),
}

impl Refused {
    /// As a failure of the file.
    pub fn of(self, path: &Path) -> Failure {
        let name = format!("`{}`", path.display());
        match self {
            Self::NoList => {
                Failure::new(Code::FileForeign, format!("{name} does not belong to this database"))
                    .why("it is not a list of keypairs")
                    .remedy("move it away, or name another path: `files.credentials`")
            }
            Self::TooMuch(failure) => {
                let place = failure
                    .place
                    .clone()
                    .map(|place| Place { file: path.display().to_string().into(), ..place });
                Failure { place, ..*failure }
                    .remedy("move the file away, or name another path: `files.credentials`")
            }
            Self::Line(line) => Failure::new(Code::FileForeign, format!("{name} cannot take the keypairs"))
                .why("its entries are not written with one `field: value` on a line")
                .remedy("write them so, move the file away, or name another path: `files.credentials`")
                .at(Place { file: path.display().to_string().into(), line, column: 1 }),
        }
    }
}

/// The text of a credentials file, when it is a list of keypairs.
///
/// # Errors
/// `E-FILE-FOREIGN`.
pub fn own_keypairs<'b>(path: &Path, bytes: &'b [u8]) -> Result<&'b str, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| Refused::NoList.of(path))?;
    splice(text, &[]).map_err(|refused| refused.of(path))?;
    Ok(text)
}

/// The text with these entries in it: an entry with the same access key gets our values in place, others
/// are added after the last entry.
///
/// # Errors
/// When the text is no list of keypairs, or is written in a form that cannot be changed by position.
pub fn splice(text: &str, entries: &[Entry]) -> Result<String, Refused> {
    let root = yaml::read("", text.as_bytes()).map_err(|failures| {
        let limit = failures.into_iter().find(|failure| failure.code == Code::YamlLimit);
        limit.map_or(Refused::NoList, |failure| Refused::TooMuch(failure.into()))
    })?;
    let items = root.get("keypairs").and_then(Node::items).filter(|items| !items.is_empty());
    let items = items.ok_or(Refused::NoList)?;
    if root.entries().len() != 1 || items.iter().any(|item| access_of(item).is_none()) {
        return Err(Refused::NoList);
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let mut added = String::new();
    for entry in entries {
        let mut found = items.iter().filter(|item| access_of(item) == Some(&entry.access)).peekable();
        if found.peek().is_none() {
            added.push_str(&block(entry, indentation(&lines, &items[0])?, end));
        }
        for item in found {
            for (name, value) in &entry.fields {
                let held = item.get(name).ok_or(Refused::Line(item.mark.line))?;
                if !says(held, value) {
                    replace(&mut lines, held, value)?;
                }
            }
        }
    }
    if !added.is_empty() {
        let last = items.last().ok_or(Refused::NoList)?;
        // The new entries stand as the first one does; a list in another form would not take them.
        indentation(&lines, last)?;
        let line = last_line(last);
        let before = lines.get_mut(line - 1).ok_or(Refused::Line(line))?;
        if !before.ends_with('\n') {
            before.push_str(end);
        }
        lines.insert(line, added);
    }
    let spliced = lines.concat();
    prove(&spliced, items, entries).ok_or(Refused::Line(items[0].mark.line))?;
    Ok(spliced)
}

fn access_of(item: &Node) -> Option<&str> {
    item.get("access_key").and_then(Node::as_text)
}

/// Does the node have the value that is written so?
fn says(node: &Node, written: &str) -> bool {
    value(written).is_some_and(|value| value == node.value)
}

fn value(written: &str) -> Option<Value> {
    yaml::read("", format!("v: {written}\n").as_bytes()).ok()?.get("v").map(|node| node.value.clone())
}

/// Whatever was not ours reads as before, and ours reads as it should: a slip in counting columns must
/// never cost somebody's keys.
fn prove(spliced: &str, before: &[Node], entries: &[Entry]) -> Option<()> {
    let root = yaml::read("", spliced.as_bytes()).ok()?;
    let items = root.get("keypairs")?.items()?;
    let ours = |item: &Node| entries.iter().find(|entry| access_of(item) == Some(&entry.access));
    for (at, item) in items.iter().enumerate() {
        let old = before.get(at);
        match ours(item) {
            Some(entry) => {
                entry.fields.iter().all(|(name, value)| item.get(name).is_some_and(|held| says(held, value)))
            }
            None => old.is_some_and(|old| old.to_serde() == item.to_serde()),
        }
        .then_some(())?;
        // Nothing changed places.
        old.is_none_or(|old| access_of(old) == access_of(item)).then_some(())?;
    }
    let all = |entry: &Entry| items.iter().any(|item| access_of(item) == Some(&entry.access));
    (items.len() >= before.len() && entries.iter().all(all)).then_some(())
}

/// The blanks before the dash of an item.
fn indentation<'a>(lines: &'a [String], item: &Node) -> Result<&'a str, Refused> {
    let refused = Refused::Line(item.mark.line);
    let Some(line) = lines.get(item.mark.line - 1) else { return Err(refused) };
    let dash = line.find(|c: char| c != ' ').unwrap_or(0);
    let between = line.get(dash + 1..item.mark.column - 1);
    if line[dash..].starts_with('-') && between.is_some_and(|it| !it.is_empty() && it.trim().is_empty()) {
        Ok(&line[..dash])
    } else {
        Err(refused)
    }
}

fn block(entry: &Entry, indentation: &str, end: &str) -> String {
    let line = |(at, (name, value)): (usize, &(&str, String))| {
        format!("{indentation}{}{name}: {value}{end}", if at == 0 { "- " } else { "  " })
    };
    entry.fields.iter().enumerate().map(line).collect()
}

/// The last line on which an item has a value.
fn last_line(item: &Node) -> usize {
    let below = match &item.value {
        Value::Mapping(entries) => {
            entries.iter().flat_map(|(key, value)| [last_line(key), last_line(value)]).max()
        }
        Value::Sequence(items) => items.iter().map(last_line).max(),
        _ => None,
    };
    below.unwrap_or(0).max(item.mark.line)
}

/// Replaces a scalar that stands on one line.
fn replace(lines: &mut [String], node: &Node, value: &str) -> Result<(), Refused> {
    let refused = || Refused::Line(node.mark.line);
    let line = lines.get_mut(node.mark.line - 1).ok_or_else(refused)?;
    let from = line.char_indices().nth(node.mark.column - 1).map(|(at, _)| at).ok_or_else(refused)?;
    let rest = &line[from..];
    let length = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            // Our values have neither quotes nor escapes; one that has is somebody's own form.
            let closing = rest[1..].find(quote).ok_or_else(refused)? + 2;
            let after = rest[closing..].trim_start();
            if rest[..closing].contains('\\') || !(after.is_empty() || after.starts_with('#')) {
                return Err(refused());
            }
            closing
        }
        Some('{' | '[' | '&' | '*' | '!' | '|' | '>') | None => return Err(refused()),
        Some(_) => rest.find(" #").unwrap_or(rest.len()).min(rest.trim_end().len()),
    };
    let length = rest[..length].trim_end().len();
    line.replace_range(from..from + length, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(access: &str, secret: &str) -> Entry {
        Entry {
            access: access.to_owned(),
            fields: vec![
                ("user_id", "a@b".to_owned()),
                ("access_key", access.to_owned()),
                ("secret_key", secret.to_owned()),
                ("is_admin", "true".to_owned()),
            ],
        }
    }

    const FILE: &str = "# mine\n\nkeypairs:\n  # of the other site\n  - user_id: o@p\n    access_key: OTHER\n    \
                        secret_key: 'kept'  # as is\n    is_admin: false\n\n  - user_id: a@b\n    access_key: OURS\n    \
                        secret_key: old # changed in spring\n    is_admin: true\n# the end\n";

    #[test]
    fn a_secret_changes_in_place_and_the_rest_stays() {
        let spliced = splice(FILE, &[entry("OURS", "new")]).expect("it can be spliced");
        assert_eq!(spliced, FILE.replace("secret_key: old #", "secret_key: new #"));
        assert_eq!(splice(&spliced, &[entry("OURS", "new")]).expect("it can be spliced"), spliced);
    }

    #[test]
    fn a_new_entry_stands_after_the_last_one() {
        for file in [FILE.to_owned(), FILE.replace('\n', "\r\n"), FILE.replace("\n  ", "\n     ")] {
            let spliced = splice(&file, &[entry("NEW", "s")]).expect("it can be spliced");
            let (before, after) = file.split_at(file.find("# the end").expect("it can be spliced"));
            assert!(spliced.starts_with(before) && spliced.ends_with(after), "{spliced}");
            assert_eq!(splice(&spliced, &[entry("NEW", "s")]).expect("it can be spliced"), spliced);
        }
        let open = "keypairs:\n- user_id: a@b\n  access_key: X\n  secret_key: s\n  is_admin: true";
        assert!(
            splice(open, &[entry("NEW", "s")])
                .expect("it can be spliced")
                .starts_with(&format!("{open}\n- user_id: a@b\n"))
        );
    }

    #[test]
    fn forms_that_cannot_be_changed_by_position_are_refused() {
        let flow = "# x\nkeypairs: [{user_id: a@b, access_key: OURS, secret_key: old, is_admin: true}]\n";
        let json = r#"{"keypairs": [{"user_id": "a@b", "access_key": "OURS", "secret_key": "old", "is_admin": true}]}"#;
        // A secret that another entry points at would change there too.
        let shared =
            FILE.replace("'kept'  # as is", "&it kept").replace("secret_key: old", "secret_key: *it");
        assert!(matches!(splice(&shared, &[entry("OTHER", "new")]), Err(Refused::Line(_))));
        assert!(matches!(splice(&shared, &[entry("OURS", "new")]), Err(Refused::Line(_))));
        assert!(splice(flow, &[entry("OURS", "old")]).is_ok_and(|same| same == flow));
        for text in [flow, json] {
            assert!(matches!(splice(text, &[entry("NEW", "new")]), Err(Refused::Line(_))), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_of_keypairs_is_none() {
        for text in ["", "a: b\n", "keypairs:\n", "keypairs: x\n", "keypairs:\n- a\n", "keypairs: [", "- a\n"]
        {
            assert!(matches!(splice(text, &[entry("X", "s")]), Err(Refused::NoList)), "{text}");
        }
    }
}

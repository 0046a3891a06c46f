//! Names, tags, digests, aliases: text that becomes part of an etcd key or its value.

use crate::{
    failure::{Code, Failure},
    text::first_unseen,
    yaml::Node,
};

/// Longer than any real name; etcd keys have no use for more.
const MAX_BYTES: usize = 4096;

/// A text without white space and control characters, not empty and not endless.
pub(super) fn word<'n>(node: &'n Node, file: &str, what: &str) -> Result<&'n str, Failure> {
    let text = node.text_or(file, what, Code::ImagesValue)?;
    check(text, what).map(|()| text).map_err(|failure| failure.at(node.place(file)))
}

fn check(text: &str, what: &str) -> Result<(), Failure> {
    let bad = |problem: String, why: &str, remedy: &str| {
        Err(Failure::new(Code::ImagesValue, format!("{what} {problem}")).why(why).remedy(remedy))
    };
    if text.is_empty() || text == ":" {
        return bad(
            "is empty".into(),
            "nobody could ask for it by name",
            "write a name, or remove the entry",
        );
    }
    if text.len() > MAX_BYTES {
        return bad(
            format!("has {} bytes", text.len()),
            "it becomes part of an etcd key",
            "shorten it to at most 4096 bytes",
        );
    }
    let unseen = first_unseen(text).map(|unseen| (unseen.what, unseen.column));
    let blank = || text.chars().position(char::is_whitespace).map(|at| (' ', at + 1));
    match unseen.or_else(blank) {
        Some((c, column)) => bad(
            format!("holds {}: `{text:?}`", describe(c, column)),
            "it becomes part of an etcd key, and nobody would see the character there",
            "remove white space and control characters; `-` and `_` are fine",
        ),
        None => Ok(()),
    }
}

fn describe(c: char, column: usize) -> String {
    match c {
        ' ' => "a space".into(),
        '\t' => "a tab".into(),
        '\n' | '\r' => "a line break".into(),
        c => {
            format!(
                "the invisible character U+{:04X} ({}) at column {column}",
                c as u32,
                crate::text::name(c)
            )
        }
    }
}

/// The known word closest to a misspelt one, when it is close enough to be meant.
///
/// Nobody misspells what is longer than a line, and a comparison takes as many steps as both are long times each
/// other: so only words are compared that have nearly the same letters.
pub(super) fn closest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    const CLOSE: f64 = 0.8;
    const LONGEST: usize = 100;
    // Where that many have the same letters, the first that are alike are as good as any.
    const COMPARED: usize = 300;
    if word.len() > LONGEST {
        return None;
    }
    let letters = letters(word);
    known
        .filter(|candidate| {
            // One step from one to the other changes two letters at most, and one in five may be changed.
            let longer = candidate.len().max(word.len());
            let apart = letters.iter().zip(self::letters(candidate)).map(|(one, other)| one.abs_diff(other));
            longer <= LONGEST && apart.map(usize::from).sum::<usize>() <= longer / 2
        })
        .take(COMPARED)
        .map(|candidate| (strsim::normalized_damerau_levenshtein(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= CLOSE)
        .max_by(|one, two| one.0.total_cmp(&two.0).then_with(|| two.1.cmp(one.1)))
        .map(|(_, candidate)| candidate)
}

/// How often each letter stands in a word, letters in 32 heaps.
fn letters(word: &str) -> [u16; 32] {
    let mut heaps = [0; 32];
    for byte in word.bytes().take(1_000) {
        heaps[usize::from(byte % 32)] += 1;
    }
    heaps
}

//! How the owners of keypairs are called once their numbers become texts: by the number, or by a name from a file.

use std::collections::BTreeMap;

use crate::{
    failure::{Code, Failure, Place, Problems},
    text::first_unseen,
};

use super::quote_literal;

/// A name has so many characters at most, as in the head.
pub const NAME_LIMIT: usize = 256;

/// More than these nobody reads at once.
const TOLD: usize = 20;

/// What is to become of the numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owners {
    /// Each number stays, as text.
    Numbers,
    /// Each gets the name that a file has for it.
    Named {
        /// The file, as messages name it.
        file: String,
        /// A name for each number.
        names: BTreeMap<i32, String>,
    },
}

impl Owners {
    /// Reads a file of lines `number name`; empty lines count for nothing.
    ///
    /// # Errors
    /// `E-USER-IDS` for each line that cannot be used, all at once.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Self, Vec<Failure>> {
        let mut problems = Problems::default();
        let mut names: BTreeMap<i32, (usize, String)> = BTreeMap::new();
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let refused = |what: String, remedy: &str| {
                let place = Place { file: file.into(), line: at + 1, column: 1 };
                Failure::new(Code::UserIds, what).remedy(remedy).at(place)
            };
            let Ok(line) = std::str::from_utf8(line) else {
                problems.push(refused("the line is not UTF-8".into(), "save the file as UTF-8"));
                continue;
            };
            match entry(line.strip_suffix('\r').unwrap_or(line)) {
                Ok(None) => {}
                Ok(Some((number, name))) => match names.get(&number) {
                    Some((first, _)) => problems.push(refused(
                        format!("number {number} stands in lines {first} and {}", at + 1),
                        "keep one of the two lines",
                    )),
                    None => drop(names.insert(number, (at + 1, name))),
                },
                Err((what, remedy)) => problems.push(refused(what, remedy)),
            }
        }
        if problems.is_empty() {
            let names = names.into_iter().map(|(number, (_, name))| (number, name)).collect();
            return Ok(Self::Named { file: file.to_owned(), names });
        }
        Err(problems.into_vec())
    }

    /// What this number becomes; none where the file has no name for it.
    pub fn text(&self, number: i32) -> Option<String> {
        match self {
            Self::Numbers => Some(number.to_string()),
            Self::Named { names, .. } => names.get(&number).cloned(),
        }
    }

    /// The statement that puts the names in the place of these numbers, once they are texts; none where they stay, or there
    /// is none.
    pub(super) fn statement(&self, numbers: &[i32]) -> Option<String> {
        let Self::Named { names, .. } = self else { return None };
        let named = numbers.iter().filter_map(|number| Some((number, names.get(number)?)));
        let rows: Vec<_> =
            named.map(|(number, name)| format!("    ('{number}', {})", quote_literal(name))).collect();
        (!rows.is_empty()).then(|| {
            format!(
                "UPDATE public.keypairs SET user_id = named.name\nFROM (VALUES\n{}\n) AS named (number, name)\n\
                 WHERE keypairs.user_id = named.number",
                rows.join(",\n")
            )
        })
    }
}

/// What is wrong with a line, and what to do.
type Refusal = (String, &'static str);

/// Number and name of a line; none for an empty one.
fn entry(line: &str) -> Result<Option<(i32, String)>, Refusal> {
    const FORM: &str = "write `NUMBER NAME`, for example `7 alice@example.com`";
    let line = line.trim_end_matches([' ', '\t']);
    if line.is_empty() {
        return Ok(None);
    }
    if let Some(unseen) = first_unseen(&line.replace('\t', " ")) {
        return Err((format!("the line has an invisible character: {unseen}"), "remove it"));
    }
    let text = line.trim_start_matches([' ', '\t']);
    let (number, name) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let name = name.trim_start_matches([' ', '\t']);
    let Ok(number) = number.parse::<i32>() else {
        // It is not repeated: whoever named the wrong file may have named one with a secret.
        return Err(("the line does not begin with a number that `user_id` can have".into(), FORM));
    };
    if name.is_empty() {
        return Err((format!("number {number} has no name"), FORM));
    }
    let length = name.chars().count();
    if length > NAME_LIMIT {
        let what = format!("the name of number {number} has {length} characters");
        return Err((what, "give it a name of at most 256 characters"));
    }
    Ok(Some((number, name.to_owned())))
}

/// Numbers in a row, the first ones alone where there are many.
pub(super) fn listed(numbers: &[i32]) -> String {
    let mut told: Vec<String> = numbers.iter().take(TOLD).map(ToString::to_string).collect();
    let more = numbers.len().saturating_sub(TOLD);
    told.extend((more > 0).then(|| format!("and {more} more")));
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Owners, Vec<(usize, String)>> {
        Owners::read("users.txt", text.as_bytes()).map_err(|failures| {
            let line = |failure: &Failure| failure.place.as_ref().map_or(0, |place| place.line);
            failures.iter().map(|failure| (line(failure), failure.what.clone())).collect()
        })
    }

    #[test]
    fn names_come_without_their_line_breaks() {
        let owners = read("\u{feff}1 alice\r\n\n  02\tbob b\t\n-3 c'\\").expect("a good file");
        let texts: Vec<_> = [1, 2, -3, 4].map(|number| owners.text(number)).into();
        assert_eq!(
            texts,
            [Some("alice".to_owned()), Some("bob b".to_owned()), Some("c'\\".to_owned()), None]
        );
        let sql = owners.statement(&[1, -3, 4]).expect("names");
        assert!(sql.contains("('1', 'alice'),\n    ('-3', E'c''\\\\')\n)"), "{sql}");
        assert_eq!(Owners::Numbers.statement(&[1]), None);
        assert_eq!(Owners::Numbers.text(7).as_deref(), Some("7"));
        assert_eq!(read("").expect("an empty file").statement(&[1]), None);
    }

    #[test]
    fn every_bad_line_is_found() {
        let long = "x".repeat(257);
        let text = format!("1 a\nx b\n2\n1 c\n99999999999 d\n3 {long}\n4 a\u{200b}b\n");
        let told = read(&text).expect_err("six bad lines");
        let lines: Vec<_> = told.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 7], "{told:?}");
        assert_eq!(told[2].1, "Number 1 stands in lines 1 and 4");
        assert!(Owners::read("f", b"1 \xff").is_err());
    }

    #[test]
    fn many_numbers_are_not_all_told() {
        assert_eq!(listed(&[1, 2]), "1, 2");
        let many: Vec<i32> = (0..25).collect();
        assert!(listed(&many).ends_with("18, 19, and 5 more"));
    }
}

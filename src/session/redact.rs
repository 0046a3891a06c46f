//! The YAML reader repeats what it stumbles over; where that is a secret it must not.

use crate::{
    failure::{Code, Failure, Place, Slip, Subject},
    guide::Guide,
    yaml,
};

/// The failures of a file that holds secrets, without a word of their values.
///
/// What tells a slip with lines, keys and signs alone stays as it is; what a reader says at a value of a secret
/// becomes a sentence about secrets.
pub(super) fn redacted(guide: &Guide, failures: Vec<Failure>, bytes: &[u8]) -> Vec<Failure> {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    let mut told_open = None;
    let words = secret_words(guide);
    let hush = |failure: Failure| {
        let place = failure.place.clone().filter(|_| repeats(failure.code));
        let found = place.and_then(|place| Some((secret_at(&words, &lines, &place)?, place)));
        let Some(((at, value), place)) = found else { return Some(failure) };
        if is_harmless(guide, &lines, &failure, &place, value) {
            return Some(failure);
        }
        if !is_open_reference(value) {
            return Some(of_a_secret(failure.code, place));
        }
        // What follows from the missing bracket is reported once.
        (told_open.replace(at) != Some(at)).then(|| open_reference(&lines, at, place))
    };
    failures.into_iter().filter_map(hush).collect()
}

fn repeats(code: Code) -> bool {
    matches!(code, Code::YamlScalar | Code::YamlUnsupported | Code::YamlSyntax)
}

fn of_a_secret(code: Code, place: Place) -> Failure {
    Failure::new(code, "The text at or below a secret cannot be read as YAML")
        .why("without quotes YAML may take it for something else than text")
        .remedy("put single quotes around the secret; a single quote in it is written twice")
        .at(place)
}

/// It has its place at the bracket that opens, not where the reader noticed.
fn open_reference(lines: &[&str], at: usize, place: Place) -> Failure {
    let before = lines[at].chars().take_while(|sign| as_meant(*sign) != '{').count();
    Failure::new(Code::YamlSyntax, "`{` opens here, and no `}` follows on its line")
        .why("a reference to a secret is written in braces")
        .remedy("write `}` at its end, for example `{env: DB_PASSWORD}`")
        .at(Place { line: at + 1, column: before + 1, ..place })
}

/// What the keys of secrets end with, in answers and in fixtures.
fn secret_words(guide: &Guide) -> Vec<&'static str> {
    let secrets = guide.variables().filter(|variable| variable.is_secret());
    let words = secrets.filter_map(|variable| variable.key.rsplit('.').next());
    words.chain(["secret_key"]).collect()
}

/// The line, from 0, and the value of the secret at which or below which a problem has its place: on its line, on the
/// next one, or further down where all is indented more than its key. A value may go on there, with colons of its own.
fn secret_at<'t>(words: &[&str], lines: &[&'t str], place: &Place) -> Option<(usize, &'t str)> {
    let until = &lines[..place.line.min(lines.len())];
    let mut least = usize::MAX;
    for (at, line) in until.iter().enumerate().rev() {
        let indent = line.chars().take_while(|sign| as_meant(*sign) == ' ' || *sign == '\t').count();
        let is_near = at + 2 >= until.len() || indent < least;
        let word = words.iter().filter_map(|word| line.find(word)).min();
        if let Some(rest) = word.and_then(|from| line.get(from..)) {
            let value = rest.split_once(COLONS).map_or("", |(_, value)| value);
            return is_near.then_some((at, value));
        }
        if !line.trim().is_empty() {
            least = least.min(indent);
        }
        if least == 0 && at + 2 < until.len() {
            return None;
        }
    }
    None
}

const COLONS: [char; 2] = [':', '\u{ff1a}'];

fn as_meant(sign: char) -> char {
    yaml::meant(sign).unwrap_or(sign)
}

/// What stands behind `{` of `{env: NAME}`, with whatever signs that is written: no secret, but where one is.
fn reference(value: &str) -> Option<String> {
    let value: String = value.chars().map(as_meant).collect();
    let inside = value.trim_start().strip_prefix('{')?.trim_start();
    let is_word =
        |word: &&str| inside.strip_prefix(*word).is_some_and(|rest| rest.trim_start().starts_with(':'));
    ["env", "file", "command"].iter().any(is_word).then(|| inside.to_owned())
}

fn is_open_reference(value: &str) -> bool {
    reference(value).is_some_and(|inside| !inside.contains('}'))
}

/// Whether a problem repeats nothing of the secret's value.
fn is_harmless(guide: &Guide, lines: &[&str], failure: &Failure, place: &Place, value: &str) -> bool {
    let Some(Subject::Slip(slip)) = failure.subject() else { return false };
    match slip {
        Slip::Marks => true,
        Slip::Keys(one, other) => is_key(guide, one) && is_key(guide, other),
        Slip::Sign => {
            let line = lines.get(place.line - 1).copied().unwrap_or_default();
            let before: String = line.chars().take(place.column - 1).map(as_meant).collect();
            let key = before.trim_end().trim_end_matches(':').trim_matches([' ', '-', '"', '\'']);
            key.is_empty() || is_key(guide, key) || reference(value).is_some()
        }
    }
}

/// A part of a key of the guide, or the dash of an item.
fn is_key(guide: &Guide, label: &str) -> bool {
    label == "-" || guide.variables().any(|variable| variable.key.split('.').any(|part| part == label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guides::september_2018::GUIDE;

    /// What is reported about an answers file with these lines of the database, with the places.
    fn told(lines: &str) -> Vec<(String, String)> {
        let text = format!("database:\n{lines}\n");
        let (_, failures) = yaml::read_all("a.yml", text.as_bytes());
        let told = redacted(&GUIDE, failures, text.as_bytes()).into_iter();
        told.map(|it| (it.what, it.place.map(|it| format!("{}:{}", it.line, it.column)).unwrap_or_default()))
            .collect()
    }

    const HUSHED: &str = "The text at or below a secret cannot be read as YAML";

    #[test]
    fn slips_beside_a_secret_are_told_as_such() {
        for (lines, what, place) in [
            ("  password: a\n=======\n  password: b", "A merge conflict is not resolved: `=======`", "3:1"),
            ("  user: a\n  password\u{ff1a} a", "`\u{ff1a}` (U+FF1A) stands where `:` is due", "3:11"),
            ("  user: a\n  password:\u{a0}a", "U+00A0 stands where a plain space is due", "3:12"),
            ("  password: \u{ff5b}env: X\u{ff5d}", "`\u{ff5b}` (U+FF5B) stands where `{` is due", "2:13"),
            ("  password: {env: X\n  user: a", "`{` opens here, and no `}` follows on its line", "2:13"),
            ("  password: { file : /x", "`{` opens here, and no `}` follows on its line", "2:13"),
            ("   password: x\n  user: a", "`user` does not line up with `password` on line 2", "3:3"),
            ("  password: x\n\tuser: a", "The indentation contains a tab", "3:1"),
        ] {
            let told = told(lines);
            let found = told.iter().find(|it| it.0 == what && it.1 == place);
            assert!(found.is_some(), "{lines}\n{told:#?}");
        }
    }

    #[test]
    fn nothing_of_a_secret_is_repeated() {
        for lines in [
            "  password: @hunter",
            "  password: hunter: 2",
            "  password: &hunter",
            "  password: *hunter",
            "  password: !hunter",
            "  password: \"hunter\\q\"",
            "  password: {hunter: \u{201c}2",
            "  password: \"hunter\n    \u{201c}two: 2",
            "  password: |\n      hunter: x\n    hunter2: y",
            "  password: 'x\n   hunter: x\n  hunter2: y'\n bad",
            "  {user: x, password: [hunter, 'x}",
            "  {password: hunter: x}",
        ] {
            let told = told(lines);
            assert!(!told.is_empty(), "{lines}");
            for (what, _) in &told {
                assert!(!what.contains("hunter") && !what.contains('\u{201c}'), "{lines}\n{told:#?}");
            }
            assert!(told.iter().any(|it| it.0 == HUSHED), "{lines}\n{told:#?}");
        }
    }
}

//! What people leave in a file without meaning to: the lines of a merge, and signs that only look like YAML's.

use super::Mark;
use crate::failure::{Code, Failure, Place, Slip, Subject, shortened};

/// The lines that a merge of two versions leaves where they contradict each other.
pub(super) fn merge_markers(file: &str, text: &str) -> Vec<Failure> {
    let is_marker = |line: &str, sign: &str| {
        line.strip_prefix(sign).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let told = |(at, line): (usize, &str)| {
        let sign =
            ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].into_iter().find(|sign| is_marker(line, sign))?;
        let failure = Failure::new(Code::YamlSyntax, format!("A merge conflict is not resolved: `{sign}`"))
            .about(Subject::Slip(Slip::Marks))
            .why("two versions of the file were merged, and both are in it")
            .remedy(
                "keep one of the two versions, and delete the lines with `<<<<<<<`, `=======` and `>>>>>>>`",
            );
        Some(failure.at(Place { file: file.into(), line: at + 1, column: 1 }))
    };
    shortened(text.lines().enumerate().filter_map(told))
}

/// The first sign that only looks like punctuation of YAML, on the line of a syntax error or the one before.
pub(super) fn near(file: &str, text: &str, line: usize) -> Option<Failure> {
    let lines = text.lines().enumerate().skip(line.saturating_sub(2)).take(2);
    let mut signs = lines.flat_map(|(at, text)| {
        text.chars().enumerate().map(move |(column, sign)| (Mark { line: at + 1, column: column + 1 }, sign))
    });
    signs.find_map(|(mark, sign)| {
        let code_point = format!("U+{:04X}", u32::from(sign));
        let (sign, meant) = match meant(sign)? {
            ' ' => (code_point, "a plain space".to_owned()),
            meant => (format!("`{sign}` ({code_point})"), format!("`{meant}`")),
        };
        Some(
            Failure::new(Code::YamlSyntax, format!("{sign} stands where {meant} is due"))
                .about(Subject::Slip(Slip::Sign))
                .why("it looks the same, but YAML does not read it as that")
                .remedy(format!("write {meant}"))
                .at(mark.place(file)),
        )
    })
}

/// The first tab that indents the line of a syntax error or one beside it.
pub(super) fn tab(file: &str, text: &str, line: usize) -> Option<Failure> {
    // A text that goes on is at an end on the line before.
    let mut lines = text.lines().enumerate().skip(line.saturating_sub(2)).take(3);
    let (at, column) = lines.find_map(|(at, text)| {
        let content = text.find(|c| !matches!(c, ' ' | '\t')).unwrap_or(text.len());
        Some((at, text[..content].find('\t')?))
    })?;
    Some(
        Failure::new(Code::YamlSyntax, "The indentation contains a tab")
            .about(Subject::Slip(Slip::Marks))
            .why("YAML indents with spaces alone")
            .remedy("replace each tab at the start of a line with spaces")
            .at(Mark { line: at + 1, column: column + 1 }.place(file)),
    )
}

/// Why a plain text was not taken apart: it has a sign that only looks like punctuation of YAML.
pub(crate) fn stray(plain: &str) -> Option<String> {
    let (sign, meant) = plain.chars().find_map(|sign| Some((sign, meant(sign)?)))?;
    let meant = if meant == ' ' { "a plain space".to_owned() } else { format!("`{meant}`") };
    Some(format!("U+{:04X} stands in it, which looks like {meant} and is none to YAML", u32::from(sign)))
}

/// What a sign is meant for that only looks like punctuation of YAML.
pub(crate) fn meant(sign: char) -> Option<char> {
    Some(match sign {
        '\u{ff1a}' => ':',
        '\u{ff0c}' | '\u{3001}' => ',',
        '\u{ff3b}' | '\u{3010}' => '[',
        '\u{ff3d}' | '\u{3011}' => ']',
        '\u{ff5b}' => '{',
        '\u{ff5d}' => '}',
        '\u{ff0d}' | '\u{2013}' | '\u{2014}' => '-',
        '\u{201c}' | '\u{201d}' | '\u{ff02}' => '"',
        '\u{2018}' | '\u{2019}' | '\u{ff07}' => '\'',
        '\u{a0}' | '\u{3000}' | '\u{2007}' | '\u{202f}' => ' ',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::read;

    #[test]
    fn a_merge_conflict_is_told_as_such() {
        let text = b"version: 1\n<<<<<<< HEAD\nname: a\n=======\nname: b\n>>>>>>> other\n";
        let failures = read("answers.yml", text).expect_err("it does not read");
        let lines: Vec<usize> =
            failures.iter().map(|failure| failure.place.as_ref().expect("a place").line).collect();
        assert_eq!(lines, [2, 4, 6]);
        assert!(failures[0].what.contains("merge conflict"), "{}", failures[0].what);
        assert!(read("answers.yml", b"a: '======='\n<<: {b: 1}\n").is_ok());
    }

    #[test]
    fn a_tab_in_the_indentation_is_told_once_with_its_place() {
        for (text, line, column) in [
            ("version: 1\netcd:\n\tnamespace: local\n", 3, 1),
            ("etcd:\n  namespace: local\n \tendpoints: [a]\n", 3, 2),
            ("images:\n- name: a\n\ttags: []\n", 3, 1),
            ("a:\n\t- b\n\t- c\n", 2, 1),
        ] {
            let failures = read("answers.yml", text.as_bytes()).expect_err("it does not read");
            let tabs: Vec<_> = failures.iter().filter(|failure| failure.what.contains("a tab")).collect();
            let places: Vec<_> = tabs.iter().filter_map(|it| it.place.as_ref()).collect();
            assert!(places.iter().any(|it| (it.line, it.column) == (line, column)), "{failures:#?}");
            assert!(failures.iter().all(|it| it.what.contains("a tab")), "{failures:#?}");
        }
    }

    #[test]
    fn punctuation_that_only_looks_alike_is_named() {
        for (text, place, what) in [
            ("version\u{ff1a} 1\nname: a\n", (1, 8), "`\u{ff1a}` (U+FF1A) stands where `:` is due"),
            ("a:\n  - [x, y\u{ff3d}\nb: 1\n", (2, 10), "`\u{ff3d}` (U+FF3D) stands where `]` is due"),
            ("a:\n\u{a0}\u{a0}b: 1\n c: 2\n", (2, 1), "U+00A0 stands where a plain space is due"),
        ] {
            let failures = read("answers.yml", text.as_bytes()).expect_err("it does not read");
            let told = failures.iter().find(|failure| failure.what == what);
            let told = told.unwrap_or_else(|| panic!("{failures:#?}"));
            let at = told.place.as_ref().expect("a place");
            assert_eq!((at.line, at.column), place);
        }
    }
}

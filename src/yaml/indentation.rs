//! Lines that do not line up: the commonest slip in YAML, and one that a parser tells in its own words.

use super::Mark;
use crate::failure::{Code, Failure, Slip, Subject};

/// A key, or the dash of an item, with its column from 0.
struct Entry<'t> {
    column: usize,
    label: &'t str,
    line: usize,
    /// Something stands behind it on its line.
    has_value: bool,
}

/// How far up the line is looked for with which another one should line up.
const LOOKED_AT: usize = 1_000;

/// What does not line up on the line of a syntax error, with what it should, and how many spaces make it so.
pub(super) fn misaligned(file: &str, text: &str, line: usize) -> Option<Failure> {
    let lines: Vec<&str> = text.lines().take(line).collect();
    let own = entries(lines.get(line.checked_sub(1)?)?, line).into_iter().next()?;
    let above = lines.iter().enumerate().rev().skip(1).take(LOOKED_AT);
    let mut beside: Option<Entry<'_>> = None;
    for entry in above.flat_map(|(at, text)| entries(text, at + 1).into_iter().rev()) {
        if entry.column == own.column {
            return None;
        }
        if entry.column < own.column {
            if beside.is_none() && entry.has_value && own.label != "-" && entry.label != "-" {
                beside = Some(entry);
            }
            break;
        }
        if beside.as_ref().is_none_or(|beside| entry.column <= beside.column) {
            beside = Some(entry);
        }
    }
    let beside = beside?;
    let (label, other) = (own.label, beside.label);
    let spaces = own.column.abs_diff(beside.column);
    let spaces = if spaces == 1 { "1 space".to_owned() } else { format!("{spaces} spaces") };
    let remedy = if own.column < beside.column {
        format!("put {spaces} more before `{label}`, if it belongs beside `{other}`")
    } else {
        format!("take {spaces} out before `{label}`, if it belongs beside `{other}`")
    };
    let mark = Mark { line, column: own.column + 1 };
    let what = format!("`{label}` does not line up with `{other}` on line {}", beside.line);
    Some(
        Failure::new(Code::YamlSyntax, what)
            .about(Subject::Slip(Slip::Keys(label.into(), other.into())))
            .why(format!(
                "`{label}` begins in column {}, `{other}` in column {}",
                own.column + 1,
                beside.column + 1
            ))
            .remedy(remedy)
            .at(mark.place(file)),
    )
}

/// What begins on a line: dashes, then a key. A line that is indented by tabs has none.
fn entries(text: &str, line: usize) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    let mut rest = text.trim_start_matches(' ');
    while let Some(behind) = rest.strip_prefix("- ").or(rest.strip_prefix('-').filter(|rest| rest.is_empty()))
    {
        let column = text.len() - rest.len();
        entries.push(Entry { column, label: "-", line, has_value: !behind.trim().is_empty() });
        rest = behind.trim_start_matches(' ');
    }
    let column = text.len() - rest.len();
    if let Some((label, value)) = rest.split_once(':')
        && !label.is_empty()
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        && (value.is_empty() || value.starts_with(' '))
    {
        let value = value.trim();
        let has_value = !value.is_empty() && !value.starts_with(['#', '|', '>', '&']);
        entries.push(Entry { column, label, line, has_value });
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::super::read;

    fn told(text: &str) -> (String, String, String) {
        let failures = read("f.yml", text.as_bytes()).expect_err("it does not read");
        let last = failures.last().expect("a failure");
        let place = last.place.as_ref().expect("a place").to_string();
        (place, last.what.clone(), last.remedy.clone().expect("a remedy"))
    }

    #[test]
    fn what_does_not_line_up_is_named() {
        for (text, place, what, remedy) in [
            (
                "etcd:\n    namespace: a\n  endpoints: [b]\n",
                "f.yml:3:3",
                "`endpoints` does not line up with `namespace` on line 2",
                "put 2 spaces more before `endpoints`, if it belongs beside `namespace`",
            ),
            (
                "etcd:\n  namespace: a\n   endpoints: [b]\n",
                "f.yml:3:4",
                "`endpoints` does not line up with `namespace` on line 2",
                "take 1 space out before `endpoints`, if it belongs beside `namespace`",
            ),
            (
                "images:\n  - name: a\n    tags: [[b, c]]\n   slots: {}\n",
                "f.yml:4:4",
                "`slots` does not line up with `name` on line 2",
                "put 1 space more before `slots`, if it belongs beside `name`",
            ),
            (
                "aliases:\n  - [a, b]\n - [c, d]\n",
                "f.yml:3:2",
                "`-` does not line up with `-` on line 2",
                "put 1 space more before `-`, if it belongs beside `-`",
            ),
            (
                " version: 1\nname: a\n",
                "f.yml:2:1",
                "`name` does not line up with `version` on line 1",
                "put 1 space more before `name`, if it belongs beside `version`",
            ),
        ] {
            assert_eq!(told(text), (place.into(), what.into(), remedy.into()), "{text}");
        }
    }

    #[test]
    fn other_slips_are_told_as_before() {
        for text in ["a: [b\nc: d\n", "a: 'b\n", "a:\n\tb: c\n", "a: b: c\n", "}\n"] {
            assert!(!told(text).1.contains("line up"), "{text}: {:?}", told(text));
        }
    }
}

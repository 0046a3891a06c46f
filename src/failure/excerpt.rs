//! The line of a file that a failure is about, with a mark below the column.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::text::is_unseen;

/// How much of a line is shown on each side of the column, in columns of the terminal.
const BESIDE: usize = 30;

/// A part of a line, as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// Its number, from 1.
    pub line: usize,
    /// What stands before the mark, without a character that has no picture.
    pub before: String,
    /// What stands from the mark on.
    pub from: String,
}

impl Excerpt {
    /// About 60 columns of a line around a column, which counts from 1 in characters. None where the line is not
    /// that long: a mark in the void helps nobody.
    pub fn of(line: usize, text: &str, column: usize) -> Option<Self> {
        let at = column.checked_sub(1)?;
        let shown: Vec<String> = text.chars().take(at + BESIDE + 2).map(shown).collect();
        if at > shown.len() || text.trim().is_empty() {
            return None;
        }
        let (before, after) = shown.split_at(at);
        let mut begin = String::new();
        let mut width = 0;
        let mut taken = 0;
        for part in before.iter().rev() {
            width += part.width();
            if width > BESIDE {
                break;
            }
            taken += 1;
        }
        if taken < before.len() {
            begin.push('…');
        }
        begin.extend(before.iter().skip(before.len() - taken).map(String::as_str));
        let mut rest = String::new();
        let mut parts = after.iter();
        while rest.width() < BESIDE {
            let Some(part) = parts.next() else { break };
            rest.push_str(part);
        }
        if parts.next().is_some() {
            rest.push('…');
        }
        Some(Self { line, before: begin, from: rest.trim_end().to_owned() })
    }
}

/// A character as it is shown: a tab as one space, what nobody sees as its code point.
fn shown(c: char) -> String {
    match c {
        '\t' => " ".to_owned(),
        c if is_unseen(c) => c.escape_unicode().to_string(),
        // A mark without a letter before it would be drawn upon the frame.
        c if c.width() == Some(0) => c.escape_unicode().to_string(),
        c => c.to_string(),
    }
}

/// Lines as positions count them: a carriage return alone ends one too.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, column: usize) -> (String, String) {
        let excerpt = Excerpt::of(1, text, column).expect("the column is there");
        let mark = format!("{}^", " ".repeat(excerpt.before.width()));
        (excerpt.before + &excerpt.from, mark)
    }

    #[test]
    fn the_mark_stands_below_its_column() {
        assert_eq!(told("a: [b", 4), ("a: [b".into(), "   ^".into()));
        assert_eq!(told("a: b", 5), ("a: b".into(), "    ^".into()));
        // Wide characters take two columns, what nobody sees as many as its code point has.
        assert_eq!(told("이름: x", 5), ("이름: x".into(), "      ^".into()));
        assert_eq!(told("a\u{200b}b: x", 3), ("a\\u{200b}b: x".into(), "         ^".into()));
        assert_eq!(told("\tb: x", 2), (" b: x".into(), " ^".into()));
        assert_eq!(Excerpt::of(1, "a: b", 7), None);
        assert_eq!(Excerpt::of(1, "   ", 1), None);
    }

    #[test]
    fn a_long_line_is_cut_around_the_column() {
        let line = format!("{}X{}", "a".repeat(500_000), "b".repeat(500_000));
        let (text, mark) = told(&line, 500_001);
        assert_eq!(text, format!("…{}X{}…", "a".repeat(30), "b".repeat(29)));
        assert_eq!(mark.len(), 32);
        assert_eq!(text.chars().nth(mark.len() - 1), Some('X'));
    }

    #[test]
    fn lines_are_those_of_the_positions() {
        let lines: Vec<&str> = lines("a\r\nb\rc\n\nd").collect();
        assert_eq!(lines, ["a", "b", "c", "", "d"]);
    }
}

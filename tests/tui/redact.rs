//! What differs from run to run becomes the same, without moving what stands beside it.
//!
//! No placeholder is wider than the narrowest thing that it stands for. What it is narrower by is given
//! back as spaces: before a number that stands at the right, else at the next gap after it.

use std::ops::Range;
use std::process::Command;
use std::sync::OnceLock;

use regex::Regex;
use unicode_width::UnicodeWidthStr;

use crate::servers::binary;

/// Which side of a thing stays where it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    /// The right side where a column of numbers seems to be: after two spaces or at a line's start.
    Number,
}

/// What the placeholders look like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// One can see that they are placeholders, and they are narrow.
    Plain,
    /// As a person would see it, for pictures.
    Real,
}

/// A line of a screen with something at each byte of it, such as its colours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line<S> {
    pub text: String,
    pub styles: Vec<S>,
}

/// A pattern, what stands for it plainly and in pictures, which side stays, in the first line only.
/// Its `thing` is replaced; the rest of it only has to be there.
type Rule<P> = (P, [&'static str; 2], Side, bool);

const RULES: &[Rule<&str>] = &[
    (r"(?:^|[ ·])(?<thing>[^\s@]+@[^\s@]+)$", ["u@h", "root@gpu-01"], Side::Right, true),
    (r"(?<thing>[^\s'`(]*/backendai-setup-test-[A-Za-z0-9-]*)", ["/T", "/srv"], Side::Left, false),
    (r"(?<thing>[0-9]{4}-[0-9]{2}-[0-9]{2})", ["####-##-##", "2026-03-02"], Side::Left, false),
    (
        r"(?<thing>[0-9]{8}T[0-9]{6}(?:\.[0-9]{3})?Z(?:-[0-9]+)?)",
        ["########T######Z", "20260302T140322Z-4711"],
        Side::Left,
        false,
    ),
    (
        r"(?:^|[^0-9:])(?<thing>[0-2][0-9]:[0-5][0-9]:[0-5][0-9])(?:[^0-9:]|$)",
        ["##:##:##", "14:03:22"],
        Side::Left,
        false,
    ),
    (
        r"(?:^|[^0-9A-Za-z.])(?<thing>[0-9]+ (?:ms|s|min|h|d) ago)(?:[^0-9A-Za-z]|$)",
        ["# ago", "12 min ago"],
        Side::Left,
        false,
    ),
    (
        r"(?:^|[^0-9A-Za-z.+-])(?<thing>[0-9]+(?:\.[0-9]+)? ms)(?:[^0-9A-Za-z]|$)",
        ["# s", "0.4 ms"],
        Side::Number,
        false,
    ),
    (
        r"(?:^|[^0-9A-Za-z.+-])(?<thing>(?:[0-9]+ min )?[0-9]+(?:\.[0-9]+)? s)(?:[^0-9A-Za-z]|$)",
        ["# s", "0.2 s"],
        Side::Number,
        false,
    ),
    (r"(?:^|[^0-9A-Za-z])(?<thing>\+[0-9]+\.[0-9]{3})(?:[^0-9.]|$)", ["+#.###", "+0.013"], Side::Left, false),
    // Cut off by the edge of its column.
    (r", (?<thing>[0-9]+(?:\.[0-9]*)? ?[KMGTP]?i?…)", ["#…", "1.2…"], Side::Left, false),
    (
        r"(?<thing>[0-9]+(?:\.[0-9]+)? [KMGTP]iB)(?: free| …| f…| fr…| fre…)",
        ["# iB", "1.2 TiB"],
        Side::Left,
        false,
    ),
    // The folder of a target.
    (r"backendai-setup/[^/\s]*-(?<thing>[0-9a-f]{8})(?:/|$)", ["########", "3f9a1c07"], Side::Left, false),
    // The same where the line was broken before it.
    (r"[-\s](?<thing>[0-9a-f]{8})/(?:answers\.yml|transcripts)", ["########", "3f9a1c07"], Side::Left, false),
    // PostgreSQL's system identifier.
    (
        r"(?:^|[^0-9A-Za-z])(?<thing>7[0-9]{18})(?:[^0-9A-Za-z]|$)",
        ["###################", "7000000000000000001"],
        Side::Left,
        false,
    ),
    (r"(?:^|[^0-9A-Za-z])pid (?<thing>[0-9]+)", ["#", "4711"], Side::Left, false),
];

/// Replaces the given texts first, as they stand, then everything that is known to differ.
pub fn redact(screen: &str, given: &[(&str, &str)]) -> String {
    let lines = screen.lines().enumerate().map(|(number, line)| {
        let mut line = Line { text: line.trim_end().to_owned(), styles: vec![(); line.trim_end().len()] };
        line.redact(number == 0, given, Look::Plain);
        line.text.trim_end().to_owned()
    });
    let lines: Vec<String> = lines.collect();
    lines.join("\n").trim_end().to_owned()
}

impl<S: Clone + Default> Line<S> {
    /// Replaces what differs in this line.
    pub fn redact(&mut self, first: bool, given: &[(&str, &str)], look: Look) {
        static KNOWN: OnceLock<Vec<Rule<Regex>>> = OnceLock::new();
        let known = KNOWN.get_or_init(|| {
            let known = RULES.iter().map(|(pattern, with, side, first)| {
                (Regex::new(pattern).expect("a pattern"), *with, *side, *first)
            });
            known.collect()
        });
        for (from, with) in given {
            self.replace_all(with, Side::Left, |line, at| {
                let start = at + line[at..].find(from)?;
                Some(start..start + from.len())
            });
        }
        for (version, with) in versions() {
            self.replace_all(with[look as usize], Side::Left, |line, at| whole_version(line, at, version));
        }
        for (pattern, with, side, first_only) in known {
            if first || !first_only {
                self.replace_all(with[look as usize], *side, |line, from| {
                    Some(pattern.captures_at(line, from)?.name("thing")?.range())
                });
            }
        }
    }

    fn replace_all(&mut self, with: &str, side: Side, next: impl Fn(&str, usize) -> Option<Range<usize>>) {
        let mut from = 0;
        while let Some(range) = next(&self.text, from) {
            from = self.replace(range, with, side);
        }
    }

    /// One replacement; where the placeholder ends.
    fn replace(&mut self, range: Range<usize>, with: &str, side: Side) -> usize {
        let missing = self.text[range.clone()].width().cast_signed() - with.width().cast_signed();
        let (before, after) = (&self.text[..range.start], &self.text[range.end..]);
        let column = before.ends_with("  ") || before.trim().is_empty();
        if side == Side::Right || side == Side::Number && column {
            // The last gap before it: at least two spaces, or the one beside a line of the frame.
            let gap =
                before.rfind("  ").map(|at| at + 2).or_else(|| before.rfind("│ ").map(|at| at + "│ ".len()));
            let gap = gap.or_else(|| before.trim().is_empty().then_some(before.len()));
            self.splice(range.clone(), with);
            let end = (range.start + with.len()).cast_signed() + self.stretch(gap, missing);
            end.unsigned_abs()
        } else {
            let gap = [after.find("  "), after.find(" │")].into_iter().flatten().min();
            let gap = gap.map(|at| self.text.len() - after[at..].trim_start_matches(' ').len());
            self.stretch(gap, missing);
            self.splice(range.clone(), with);
            range.start + with.len()
        }
    }

    /// Adds spaces where a gap ends, or takes some away, but never the last one; how many.
    fn stretch(&mut self, gap: Option<usize>, by: isize) -> isize {
        let Some(end) = gap else { return 0 };
        if by >= 0 {
            self.splice(end..end, &" ".repeat(by.unsigned_abs()));
            return by;
        }
        let spaces = end - self.text[..end].trim_end_matches(' ').len();
        let fewer = by.unsigned_abs().min(spaces.saturating_sub(1));
        self.splice(end - fewer..end, "");
        -fewer.cast_signed()
    }

    /// What is new looks like what it replaces, or like what stands before it.
    fn splice(&mut self, range: Range<usize>, with: &str) {
        let like = if range.is_empty() { range.start.saturating_sub(1) } else { range.start };
        let like = self.styles.get(like).cloned().unwrap_or_default();
        self.styles.splice(range.clone(), vec![like; with.len()]);
        self.text.replace_range(range, with);
    }
}

/// A version counts only as a whole: 15.1 is not in 15.18, nor in 10.15.1.2.
fn whole_version(line: &str, mut at: usize, version: &str) -> Option<Range<usize>> {
    let part = |character: Option<char>| character.is_some_and(|c| c == '.' || c.is_ascii_digit());
    loop {
        let start = at + line[at..].find(version)?;
        let end = start + version.len();
        let mut after = line[end..].chars();
        let (next, one_more) = (after.next(), after.next());
        let goes_on = next.is_some_and(|c| c.is_ascii_digit())
            || next == Some('.') && one_more.is_some_and(|c| c.is_ascii_digit());
        if !goes_on && !part(line[..start].chars().next_back()) {
            return Some(start..end);
        }
        at = end;
    }
}

/// The versions of the servers that the tests start.
fn versions() -> &'static [(String, [&'static str; 2])] {
    static VERSIONS: OnceLock<Vec<(String, [&str; 2])>> = OnceLock::new();
    VERSIONS.get_or_init(|| {
        let version = |program: &str, before: &str| {
            let output =
                Command::new(binary(program)).arg("--version").output().expect("the server is there");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let version = said.split_once(before).expect("it tells its version").1;
            version.split_whitespace().next().expect("it tells its version").trim_end_matches(')').to_owned()
        };
        vec![
            (version("postgres", "(PostgreSQL) "), ["#.#", "15.18"]),
            (version("etcd", "etcd Version: "), ["#.#.#", "3.4.23"]),
        ]
    })
}

#[test]
fn columns_stay_where_they_are() {
    // Numbers at the right, and what they become, whatever their width.
    for time in ["     0.3 ms", "     9.8 ms", "    10.1 ms", "   900.1 ms", "      1.2 s", " 2 min 05 s"] {
        assert_eq!(redact(&format!("x {time}"), &[]), "x         # s", "{time}");
        assert_eq!(redact(&format!("✓ keys {time} │ log"), &[]), "✓ keys         # s │ log", "{time}");
    }
    // In a sentence the start stays, and the next gap makes up for it.
    for (time, gap) in [("0.2 s", "     "), ("10.2 s", "    "), ("2 min 05 s", "")] {
        let line = format!("5 of 7 done, {time}{gap}     following  │");
        assert_eq!(redact(&line, &[]), "5 of 7 done, # s            following  │");
        assert_eq!(redact(&format!("in {time}: all{gap}  │ x"), &[]), "in # s: all         │ x");
        assert_eq!(redact(&format!("in {time}:{gap} │ x"), &[]), "in # s:        │ x");
    }
    assert_eq!(redact("in 0.3 s: 7 stages, 5 changed", &[]), "in # s: 7 stages, 5 changed");
    assert_eq!(redact("  12.0 ms", &[]), "      # s");
}

#[test]
fn what_is_known_to_differ() {
    for (line, becomes) in [
        ("│ +0.013 extension", "│ +#.### extension"),
        ("│ +10.013 extension  │", "│ +#.### extension   │"),
        ("Schema, since 14:03:22", "Schema, since ##:##:##"),
        ("failed 12 min ago    x", "failed # ago         x"),
        ("failed 3 s ago    x", "failed # ago      x"),
        ("at 2026-11-24 09:15:00", "at ####-##-## ##:##:##"),
        ("pid 4711  x", "pid #     x"),
        ("in /tmp/backendai-setup-test-aB3dE9/here/answers.yml", "in /T/here/answers.yml"),
        ("in /dev/shm/backendai-setup-test-pg-aB3…", "in /T…"),
        ("log 20261124T112859Z-4711.log", "log ########T######Z.log"),
        (
            "~/.local/state/backendai-setup/seoul-03-0a1b2c3d/answers.yml",
            "~/.local/state/backendai-setup/seoul-03-########/answers.yml",
        ),
        // And what is not.
        ("127.0.0.1  v15  8.0 GiB  0.32  3 stages  5s", "127.0.0.1  v15  8.0 GiB  0.32  3 stages  5s"),
        ("admin@example.com in line two only", "admin@example.com in line two only"),
        ("10 seconds, 3 msgs", "10 seconds, 3 msgs"),
    ] {
        assert_eq!(redact(&format!("title\n{line}"), &[]), format!("title\n{becomes}"));
    }
    assert_eq!(redact(" setup      root@gpu-01\nx@y", &[]), " setup              u@h\nx@y");
    assert_eq!(redact(" setup   root@my-box-01", &[]), " setup              u@h");
    assert_eq!(redact(" setup   seoul · root@b", &[]), " setup      seoul · u@h");
}

#[test]
fn what_is_given() {
    let given = &[("localhost:41234", "localhost:PORT"), ("db", "database")];
    assert_eq!(redact("at localhost:41234    15 ok", given), "at localhost:PORT     15 ok");
    assert_eq!(redact("in db           x", given), "in database     x");
    assert_eq!(redact("in db  x", given), "in database x", "there is no more to take");
    assert_eq!(redact("in db", given), "in database");
}

#[test]
fn what_stands_for_it_has_its_colours() {
    let mut line = Line { text: "x    10.1 ms".into(), styles: b"000001111111".to_vec() };
    line.redact(false, &[], Look::Real);
    assert_eq!(line.text, "x     0.4 ms");
    assert_eq!(line.styles, b"000000111111");
    let mut line = Line { text: "in 10.1 ms  x".into(), styles: b"0001111111002".to_vec() };
    line.redact(false, &[], Look::Plain);
    assert_eq!((line.text.as_str(), line.styles.as_slice()), ("in # s      x", &b"0001110000002"[..]));
}

#[test]
fn versions_of_the_servers() {
    let [(postgres, _), (etcd, _)] = versions() else { panic!("two servers") };
    let spaces = |version: &str, width| " ".repeat(version.len() - width);
    let line = format!("PostgreSQL {postgres}, UTF8  x");
    assert_eq!(redact(&line, &[]), format!("PostgreSQL #.#, UTF8  {}x", spaces(postgres, 3)));
    assert_eq!(redact(&format!("etcd {etcd}."), &[]), "etcd #.#.#.");
    for line in [format!("9{postgres}"), format!("{postgres}.1"), format!("{etcd}7")] {
        assert_eq!(redact(&line, &[]), line);
    }
}

//! Refuses notation that PyYAML and YAML 1.2 parsers read differently.
//!
//! The parser's events say where scalars are. What lies between two scalars is read again here,
//! character by character, with a short list of what may stand there; scalars themselves are held
//! against PyYAML's stricter rules. So a difference between two grammars ends in a refusal.

use std::collections::HashMap;

use saphyr_parser::ScalarStyle;

use super::node::{Mark, quoted};
use crate::failure::{Code, Failure, Problems};

/// PyYAML gives up on a key whose colon is 1024 characters away; this stays clear of it.
const MAX_KEY: usize = 1000;

pub(super) struct Layout<'a> {
    file: &'a str,
    chars: Vec<char>,
    /// Where each line starts, in characters.
    lines: Vec<usize>,
    pos: usize,
    flow: usize,
    /// A block scalar's `|` or `>` line has been read, its content has not.
    header: bool,
    anchors: HashMap<String, Mark>,
    pub(super) problems: Problems,
}

/// What the parser says about a scalar.
pub(super) struct Scalar<'s> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) style: ScalarStyle,
    pub(super) value: &'s str,
    /// An anchor or a tag stands before it, and `start` is where that begins.
    pub(super) decorated: bool,
}

impl<'a> Layout<'a> {
    pub(super) fn new(file: &'a str, text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut lines = vec![0];
        for (at, &c) in chars.iter().enumerate() {
            if c == '\n' || (c == '\r' && chars.get(at + 1) != Some(&'\n')) {
                lines.push(at + 1);
            }
        }
        Self {
            file,
            chars,
            lines,
            pos: 0,
            flow: 0,
            header: false,
            anchors: HashMap::new(),
            problems: Problems::default(),
        }
    }

    /// The position of a character, at most the end of the last line.
    pub(super) fn mark(&self, at: usize) -> Mark {
        let at = at.min(self.chars.len());
        let line = self.lines.partition_point(|&start| start <= at).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        Mark { line, column: at - start + 1 }
    }

    fn refuse(&mut self, at: usize, what: &str, why: &str, remedy: &str) {
        let place = self.mark(at).place(self.file);
        self.problems.push_with(Code::YamlUnsupported, place, || {
            Failure::new(Code::YamlUnsupported, what).why(why).remedy(remedy)
        });
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.pos + ahead).copied()
    }

    fn blank_at(&self, at: usize) -> bool {
        self.chars.get(at).is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | '\r'))
    }

    fn line_end(&self, from: usize) -> usize {
        (from..self.chars.len())
            .find(|&at| matches!(self.chars.get(at), Some('\n' | '\r')))
            .unwrap_or(self.chars.len())
    }

    fn at_line_start(&self) -> bool {
        self.pos == 0 || matches!(self.chars.get(self.pos - 1), Some('\n' | '\r'))
    }

    /// `---` or `...`, alone at the start of a line.
    fn marker(&self, c: char) -> bool {
        self.at_line_start() && (0..3).all(|ahead| self.peek(ahead) == Some(c)) && self.blank_at(self.pos + 3)
    }

    /// Reads what lies between the last scalar and `until`.
    pub(super) fn reach(&mut self, until: usize) {
        let until = until.min(self.chars.len());
        while self.pos < until {
            self.step();
        }
    }

    /// The end of the file.
    pub(super) fn finish(&mut self) {
        self.reach(usize::MAX);
    }

    /// One sign between scalars.
    fn step(&mut self) {
        let Some(c) = self.peek(0) else { return };
        match c {
            ' ' | '\n' | '\r' | ',' | ':' => self.pos += 1,
            '#' => self.pos = self.line_end(self.pos),
            '[' | '{' => {
                self.flow += 1;
                self.pos += 1;
            }
            ']' | '}' => {
                self.flow = self.flow.saturating_sub(1);
                self.pos += 1;
            }
            '-' if self.marker('-') => self.pos += 3,
            '-' if self.blank_at(self.pos + 1) => self.pos += 1,
            '&' | '*' => self.name(),
            '|' | '>' => self.block_header(),
            c => self.refuse_sign(c),
        }
    }

    /// A sign on whose meaning readers disagree, with all that belongs to it.
    fn refuse_sign(&mut self, c: char) {
        let until = |ends: &dyn Fn(usize) -> bool| (self.pos..self.chars.len()).find(|&at| ends(at));
        let (what, why, remedy, end) = match c {
            '.' if self.marker('.') => (
                "A `...` line is not supported".to_owned(),
                "YAML readers disagree on what may stand before and after it",
                "remove the line",
                self.pos + 3,
            ),
            '!' => {
                let end = until(&|at| self.blank_at(at)).unwrap_or(self.chars.len());
                let tag: String = self.chars.get(self.pos..end).unwrap_or_default().iter().collect();
                // What stands behind a single `!` may be the beginning of a secret.
                let tag = if tag.starts_with("!!") { tag.as_str() } else { "!…" };
                (
                    format!("The tag `{tag}` is not supported"),
                    "tags give values another type, and the manager fails on tags it does not know",
                    "remove the tag; put quotes around text",
                    end.max(self.pos + 1),
                )
            }
            '%' => (
                "A `%` directive is not supported".to_owned(),
                "the file is read as YAML 1.1 and 1.2 alike, whatever it says about itself",
                "remove the line",
                self.line_end(self.pos),
            ),
            '?' => (
                "A key that starts with `?` is not supported".to_owned(),
                "YAML readers disagree on how such keys end",
                "write `key: value` on one line",
                self.pos + 1,
            ),
            '\t' => (
                "A tab is used where only spaces are allowed".to_owned(),
                "the manager's YAML reader takes tabs in comments and inside quotes only",
                "replace it with spaces",
                until(&|at| self.chars.get(at) != Some(&'\t')).unwrap_or(self.chars.len()),
            ),
            _ => (
                format!("`{c}` stands where YAML readers disagree on what it means"),
                "it belongs to no value that all readers see",
                "put quotes around the text it belongs to, or remove it",
                self.pos + 1,
            ),
        };
        self.refuse(self.pos, &what, why, remedy);
        self.pos = end;
    }

    /// `&name` or `*name`.
    fn name(&mut self) {
        let start = self.pos;
        let anchor = self.peek(0) == Some('&');
        let ends = |c: &char| matches!(c, ' ' | '\t' | '\n' | '\r' | ',' | '[' | ']' | '{' | '}');
        let name: String = self.chars.iter().skip(start + 1).take_while(|c| !ends(c)).collect();
        self.pos += 1 + name.chars().count();
        if name.is_empty()
            || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            || matches!(self.peek(0), Some('[' | '{'))
        {
            self.refuse(
                start,
                &format!("{} has an unusual name: `{name}`", if anchor { "An anchor" } else { "An alias" }),
                "YAML readers disagree on where such a name ends",
                "use the letters a to z, digits, `-` and `_`, and put a space after the name",
            );
        } else if anchor && let Some(first) = self.anchors.insert(name.clone(), self.mark(start)) {
            self.refuse(
                start,
                &format!("The anchor `&{name}` is defined twice"),
                &format!("it is also defined on line {}", first.line),
                "give one of them another name",
            );
        }
    }

    /// `|`, `>-`, `|2+`: the line before a block of text.
    fn block_header(&mut self) {
        let end = self.line_end(self.pos);
        let line: String = self.chars.get(self.pos + 1..end).unwrap_or_default().iter().collect();
        let line = line.trim_start_matches(['+', '-', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        let rest = line.trim_start_matches(' ');
        let comment = rest.starts_with('#') && rest.len() < line.len();
        if !rest.is_empty() && !comment {
            self.refuse(
                self.pos,
                "The line that starts a block of text contains something else",
                "only `|` or `>`, `+` or `-`, a digit and a comment may stand there",
                "start the text on the next line, or put it in double quotes",
            );
        }
        self.header = true;
        self.pos = end;
    }

    /// Reads up to and over a scalar.
    pub(super) fn scalar(&mut self, scalar: &Scalar<'_>) {
        let empty = scalar.style == ScalarStyle::Plain && scalar.value.is_empty();
        if empty {
            // Nothing is there; anchors and tags before it are read on the way to the next scalar.
            return;
        }
        self.reach(scalar.start);
        if scalar.decorated {
            while matches!(self.peek(0), Some('&' | '!' | ' ' | '\t' | '\n' | '\r' | '#'))
                && self.pos < scalar.end
            {
                self.step();
            }
        }
        match scalar.style {
            ScalarStyle::Plain => self.plain(scalar),
            ScalarStyle::SingleQuoted => self.quoted('\''),
            ScalarStyle::DoubleQuoted => self.quoted('"'),
            ScalarStyle::Literal | ScalarStyle::Folded => self.block(scalar),
        }
    }

    fn plain(&mut self, scalar: &Scalar<'_>) {
        let start = self.pos;
        let source: String = self.chars.get(start..scalar.end).unwrap_or_default().iter().collect();
        let first = source.chars().next().unwrap_or(' ');
        self.pos = scalar.end.max(start);
        if source != scalar.value {
            self.refuse(
                start,
                "Text without quotes goes over several lines",
                "YAML readers disagree on where such text ends",
                "put it in double quotes on one line",
            );
        } else if source.contains('\t') {
            self.refuse(
                start,
                &format!("Text without quotes holds a tab: `{}`", quoted(&source)),
                "the manager's YAML reader takes tabs in comments and inside quotes only",
                "put quotes around the text, or use spaces",
            );
        } else if matches!(
            first,
            ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`'
        ) || (self.flow > 0 && (matches!(first, ':' | '?') || source.contains('?')))
            || (matches!(first, '-' | '?' | ':') && source.chars().count() == 1)
        {
            self.refuse(
                start,
                &format!("`{source}` needs quotes"),
                "YAML readers disagree on what it is without them",
                &format!("quote it: `{}`", quoted(&source)),
            );
        }
    }

    fn quoted(&mut self, quote: char) {
        let start = self.pos;
        self.pos += 1;
        while let Some(c) = self.peek(0) {
            self.pos += 1;
            if c == '\\' && quote == '"' {
                self.pos += 1;
            } else if c == quote {
                if quote == '\'' && self.peek(0) == Some('\'') {
                    self.pos += 1;
                } else {
                    break;
                }
            }
        }
        if self.chars.get(start) != Some(&quote) {
            self.refuse(
                start,
                "The quotes cannot be followed here",
                "something stands between them and the value they belong to",
                "write the value on one line of its own",
            );
        }
    }

    fn block(&mut self, scalar: &Scalar<'_>) {
        let start = self.pos;
        if !self.header && matches!(self.peek(0), Some('|' | '>')) {
            self.block_header();
        }
        self.header = false;
        let first =
            self.chars.iter().enumerate().skip(self.pos).find(|(_, c)| !matches!(c, ' ' | '\n' | '\r'));
        if first.is_some_and(|(at, _)| at < scalar.end && self.mark(at).column == 1) {
            self.refuse(
                start,
                "A block of text is not indented",
                "the manager's YAML reader wants each of its lines to start with a space",
                "indent the lines of the text",
            );
        }
        if self.chars.get(start..scalar.end).unwrap_or_default().contains(&'\t') {
            self.refuse(
                start,
                "A block of text holds a tab",
                "YAML readers disagree on tabs at the edge of a block",
                "put the text in double quotes and write the tab as `\\t`",
            );
        }
        self.pos = self.pos.max(scalar.end);
        if scalar.end >= self.chars.len() && !matches!(self.chars.last(), Some('\n' | '\r')) {
            self.refuse(
                start,
                "A block of text ends with the file, without a line break",
                "YAML readers disagree on whether the text has a line break at its end",
                "end the last line of the file with a line break",
            );
        }
    }

    /// A key has just been read, from `start`: its colon must follow on the same line.
    pub(super) fn key(&mut self, start: usize) {
        let mut colon = self.pos;
        while self.chars.get(colon) == Some(&' ') {
            colon += 1;
        }
        if self.chars.get(colon) != Some(&':') {
            self.refuse(
                start,
                "A key has no colon",
                "each entry of a mapping is a key, a colon, a space and a value, the colon on the line of the key",
                "write `key: value`, with a space after the colon",
            );
        } else if self.mark(start).line != self.mark(colon).line {
            self.refuse(
                start,
                "A key goes over several lines",
                "the manager's YAML reader wants a key and its colon on one line",
                "write the key on one line",
            );
        } else if colon - start > MAX_KEY {
            self.refuse(
                start,
                &format!("A key is longer than {MAX_KEY} characters"),
                "the manager's YAML reader gives up looking for its colon",
                "shorten the key",
            );
        }
    }
}

//! Failures: what failed, why, and what to do now.
//!
//! A [`Failure`] is a value, made where the trouble is understood and printed in one place.
//! Its [`Code`] is stable, gives the exit status, and has a page that `explain` prints.
//! Warnings are the same type with a `W-` code: only the verdict differs.

mod codes;
mod excerpt;
mod problems;
pub mod status;
mod subject;
mod tolerance;

use std::fmt;

use crate::text::{Room, clipped, visible};

use serde::Serialize;

pub use codes::Code;
pub use excerpt::Excerpt;
pub use problems::{Problems, count, shortened, with_excerpts};
pub use subject::{Details, Slip, Subject};
pub use tolerance::Tolerance;

/// A position in a file that somebody can open: line and column count from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file as the user named it.
    pub file: Box<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth saying, no reason to stop.
    Warning,
    /// A reason to stop.
    Failure,
}

/// What failed, why, and what to do now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    /// Stable code; gives the exit status.
    pub code: Code,
    /// As the code says, unless `--strict` or `--accept` says otherwise.
    pub severity: Severity,
    /// The headline: names the host, the user, the file. Never a library's phrase.
    pub what: String,
    /// The cause in more detail, for example the server's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to do now; names a command or a field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Where in which file, for input that a person can fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What it is about, and the line at its place where that may be shown.
    #[serde(skip)]
    pub aside: Option<Box<Details>>,
    /// How many problems it stands for that are not listed one by one; 0 for one that is.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: u32,
}

/// How much each part of a message tells. A server's log may stand in the cause, a command to be copied in what to
/// do.
const WHAT: Room = Room { whole: 400, quotation: 120, word: 80 };
const WHY: Room = Room { whole: 2_000, quotation: 200, word: 80 };
const REMEDY: Room = Room { whole: 4_000, quotation: 4_000, word: 400 };

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Failure {
    /// A failure with its headline: sentence case, backticks around literals.
    ///
    /// What a server or a file says may be in it, so characters that nobody sees are shown as code points, and
    /// a value is quoted by its beginning alone.
    /// A headline that begins with a plain word gets its capital here; names and literals stay as they are.
    pub fn new(code: Code, what: impl Into<String>) -> Self {
        let severity = if code.is_warning() { Severity::Warning } else { Severity::Failure };
        Self {
            code,
            severity,
            what: sentence(visible(&clipped(&what.into(), WHAT), false)),
            why: None,
            remedy: None,
            place: None,
            aside: None,
            more: 0,
        }
    }

    /// The world is not as the plan saw it. Whoever raises it has written nothing of the change that it names.
    pub fn stale(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Code::PlanStale, what)
            .why(why)
            .remedy("look at what is left with `plan`, then run again: what is done is skipped")
    }

    /// The same, mattering so much.
    #[must_use]
    pub fn with_severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// Adds the cause.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(visible(&clipped(&why.into(), WHY), true));
        self
    }

    /// Adds what to do now.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(visible(&clipped(&remedy.into(), REMEDY), true));
        self
    }

    /// Adds the position in a file.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Says what it is about.
    #[must_use]
    pub fn about(mut self, subject: Subject) -> Self {
        self.aside.get_or_insert_default().subject = Some(subject);
        self
    }

    /// What it is about, where somebody decides by it.
    pub fn subject(&self) -> Option<&Subject> {
        self.aside.as_ref()?.subject.as_ref()
    }

    /// The key of the variable that it is about.
    pub fn variable(&self) -> Option<&'static str> {
        match self.subject()? {
            Subject::Variable(key) | Subject::Unanswered(key) => Some(key),
            Subject::Image(_) | Subject::Slip(_) => None,
        }
    }

    /// The line at its place. For people alone: scripts have the place.
    pub fn excerpt(&self) -> Option<&Excerpt> {
        self.aside.as_ref()?.excerpt.as_ref()
    }

    /// The headline, behind its place where it has one.
    pub fn headline(&self) -> String {
        match &self.place {
            Some(place) => format!("{place}  {}", self.what),
            None => self.what.clone(),
        }
    }

    /// Whoever has read the other one learns nothing new.
    pub fn reads_like(&self, other: &Self) -> bool {
        self.what == other.what
    }

    /// How many problems it stands for, itself among them.
    fn stands_for(&self) -> u32 {
        self.more.max(1)
    }

    fn file(&self) -> Option<&str> {
        self.place.as_ref().map(|place| &*place.file)
    }

    /// The exit status that belongs to the code; 0 for a warning.
    pub fn status(&self) -> u8 {
        if self.is_warning() { status::SUCCESS } else { self.code.status() }
    }

    /// True when the server may have done what was asked although it never said so.
    pub fn leaves_doubt(&self) -> bool {
        matches!(
            self.code,
            Code::EtcdLost
                | Code::EtcdTimeout
                | Code::EtcdNotReady
                | Code::EtcdLeader
                | Code::DbLost
                | Code::DbTimeout
                | Code::FileHung
        )
    }

    /// Worth saying, no reason to stop.
    pub fn is_warning(&self) -> bool {
        self.severity == Severity::Warning
    }
}

fn sentence(mut text: String) -> String {
    let word = text.split([' ', ',']).next().unwrap_or_default();
    // Lower-case names: capitals would be wrong, or would name another file.
    let is_name = ["etcd", "alembic", "cpu", "mem", "gpu"].contains(&word);
    if !is_name && !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        text[..1].make_ascii_uppercase();
    }
    text
}

/// A word as a POSIX shell takes it: commands in remedies are copied.
pub fn shell_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The system's words without the number that means nothing to people.
pub fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    text.trim_start_matches("failed to lookup address information: ").to_owned()
}

//! What a run told, and what every message must hold to.

use std::thread;

use backendai_setup::failure::Code;
use serde_json::Value;

use super::case::without_digest;
use crate::servers::Outcome;

/// What libraries and the system say; no headline may.
const PHRASES: &[&str] = &[
    "transport error",
    "error communicating",
    "error returned from database",
    "os error",
    "io error",
    "i/o error",
    "grpc",
    "h2 ",
    "http2 error",
    "pool timed out",
    "broken pipe",
    "connection reset",
    "connection refused",
    "lookup address",
    "unexpected response",
    "deadline",
    "tonic",
    "sqlx",
    "serde",
    "panicked",
    "invalid type",
];

/// How a run ended: its events, and the failure that was expected.
pub struct Told {
    pub status: i32,
    pub events: Vec<Value>,
    pub failures: Vec<Value>,
    pub warnings: Vec<Value>,
    /// What stands in messages and differs from run to run, with what to show instead.
    pub redact: Vec<(String, &'static str)>,
    /// Owner messages were asked for.
    pub code: String,
}

impl Told {
    /// Reads the JSON of a run; the last line must be the summary, and its status the program's.
    pub fn read(outcome: &Outcome, redact: Vec<(String, &'static str)>) -> Self {
        let (stdout, status) = (&outcome.stdout, outcome.status);
        let events: Vec<Value> = stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}")))
            .collect();
        let last = events.last().unwrap_or_else(|| panic!("no event: {outcome:?}"));
        assert_eq!(events[0]["type"], "version", "the first event of {stdout}");
        assert_eq!(last["type"], "summary", "the last event of {stdout}");
        assert_eq!(last["status"], status, "summary and exit status differ: {stdout}");
        let failures = last["failures"].as_array().expect("a list of failures").clone();
        let notices = events.iter().filter(|event| event["type"] == "notice").map(|event| &event["warning"]);
        let rungs = events
            .iter()
            .filter(|event| event["type"] == "check")
            .flat_map(|event| event["rungs"].as_array().into_iter().flatten())
            .filter(|rung| rung["state"] == "warned")
            .map(|rung| &rung["failure"]);
        let warnings: Vec<Value> = notices.chain(rungs).cloned().collect();
        for message in failures.iter().chain(&warnings) {
            judge(message);
        }
        assert_eq!(status != 0, !failures.is_empty() || status == 9, "status and failures agree: {last}");
        Self { status, events, failures, warnings, redact, code: String::new() }
    }

    /// The expected code is among the failures or warnings.
    pub fn expect(mut self, code: &str) -> Self {
        self.code = code.to_owned();
        let (failures, warnings) = (&self.failures, &self.warnings);
        assert!(self.own().next().is_some(), "no {code} in {failures:#?} {warnings:#?}");
        self
    }

    fn own(&self) -> impl Iterator<Item = &Value> {
        self.failures.iter().chain(&self.warnings).filter(|message| message["code"] == *self.code)
    }

    /// Each of these words stands somewhere in the expected message.
    pub fn names<W: AsRef<str>>(self, words: &[W]) -> Self {
        let told: String = self.own().map(|message| text(message) + "\n").collect();
        for word in words {
            assert!(told.contains(word.as_ref()), "`{}` is not named in:\n{told}", word.as_ref());
        }
        self
    }

    /// What to do, of the expected message.
    pub fn remedy(&self) -> String {
        self.own().map(|message| said(message, "remedy").to_owned()).next().expect("the message has a remedy")
    }

    /// What a rung of a check says.
    pub fn rung(&self, check: &str, name: &str) -> String {
        let check = self.events.iter().find(|event| event["type"] == "check" && event["check"] == check);
        let rungs = check.and_then(|check| check["rungs"].as_array()).into_iter().flatten();
        let rung = rungs.into_iter().find(|rung| rung["name"] == name);
        said(rung.expect("the check has this rung"), "detail").to_owned()
    }

    /// These texts differ from run to run too.
    pub fn without(mut self, redact: &[(&str, &'static str)]) -> Self {
        self.redact.extend(redact.iter().map(|(what, shown)| ((*what).to_owned(), *shown)));
        self
    }

    /// The summary event.
    pub fn summary(&self) -> &Value {
        self.events.last().expect("read() saw to it")
    }

    /// Every failure as a person reads it, without what differs from run to run.
    pub fn text(&self) -> String {
        let mut told: String = if self.failures.is_empty() {
            self.own().map(text).collect::<Vec<_>>().join("\n")
        } else {
            self.failures.iter().map(text).collect::<Vec<_>>().join("\n")
        };
        for (what, shown) in &self.redact {
            told = told.replace(what, shown);
        }
        format!("[{}]\n{}", self.status, without_digest(&told))
    }
}

fn text(message: &Value) -> String {
    let mut lines = vec![format!("{}  {}", said(message, "code"), said(message, "what"))];
    if let Some(place) = message["place"].as_object() {
        let file = place["file"].as_str().unwrap_or_default();
        lines.push(format!("    at   {file}:{}:{}", place["line"], place["column"]));
    }
    for (label, part) in [("why", "why"), ("do ", "remedy")] {
        match said(message, part) {
            "" => {}
            said => lines.push(format!("    {label}  {said}")),
        }
    }
    lines.join("\n")
}

fn said<'a>(message: &'a Value, part: &str) -> &'a str {
    message[part].as_str().unwrap_or_default()
}

/// What every message must hold to.
pub fn judge(message: &Value) {
    let (code, what) = (said(message, "code"), said(message, "what"));
    assert!(code.parse::<Code>().is_ok(), "no code of the table: {message}");
    let first = what.chars().next().expect("a headline");
    let named = ["etcd ", "alembic", "cpu ", "mem ", "gpu "].iter().any(|name| what.starts_with(name));
    assert!(!first.is_lowercase() || named || what.contains(':'), "not in sentence case: {message}");
    assert!(!said(message, "remedy").is_empty() || code.starts_with("W-"), "no remedy: {message}");
    let headline = what.to_lowercase();
    for phrase in PHRASES {
        assert!(!headline.contains(phrase), "a library speaks in {message}");
    }
    let all = message.to_string().to_lowercase();
    for part in ["(os error", "  "] {
        assert!(!all.contains(part), "`{part}` in {message}");
    }
    // Whole words: the name of a folder, made by chance, may hold one of them.
    for word in all.split(|c: char| !c.is_ascii_alphanumeric()) {
        let unwanted =
            ["please", "simply", "oops", "mend", "anew", "cancel_if_permanent", "climb"].contains(&word);
        assert!(!unwanted, "`{word}` in {message}");
    }
    assert!(!what.ends_with('.'), "a headline has no full stop: {message}");
    assert_eq!(all.matches('`').count() % 2, 0, "a backtick is left open: {message}");
}

/// One row of a table of failures.
pub type Row<'a> = (&'static str, Box<dyn FnOnce() -> Told + Send + 'a>);

/// A row: what is wrong, and the run that must say so.
pub fn row<'a>(name: &'static str, run: impl FnOnce() -> Told + Send + 'a) -> Row<'a> {
    (name, Box::new(run))
}

/// Runs all rows side by side, since many of them wait for a time limit; gives back every message
/// in the order of the table.
pub fn together(rows: Vec<Row>) -> String {
    let text = |(name, run): Row| format!("## {name} {}", run().text());
    side_by_side(rows.into_iter().map(|row| (row.0, move || text(row))).collect())
}

/// What each of these gives, in the order of the table; they run side by side.
pub fn side_by_side(rows: Vec<(&str, impl FnOnce() -> String + Send)>) -> String {
    thread::scope(|scope| {
        let running: Vec<_> = rows.into_iter().map(|(name, run)| (name, scope.spawn(run))).collect();
        let mut fallen = Vec::new();
        let mut texts = Vec::new();
        for (name, thread) in running {
            match thread.join() {
                Ok(text) => texts.push(text),
                Err(_) => fallen.push(name),
            }
        }
        assert!(fallen.is_empty(), "these rows failed: {fallen:?}");
        texts.join("\n\n")
    })
}

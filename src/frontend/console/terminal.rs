//! Where results, lines and failures go.

use std::{
    collections::BTreeSet,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{
    failure::{Code, Failure, count, shortened, status, words},
    report::{Sink, Style, lost_record, write_failure},
    surroundings::Surroundings,
    text::{grouped, visible_json},
    workflow::{Event, EventKind, Summary},
};

/// What could not be written, each told once.
#[derive(Debug, Default)]
struct Lost {
    /// Where output is lost that somebody asked for: stdout, or files.
    outputs: BTreeSet<Option<PathBuf>>,
    /// Records of ours.
    records: BTreeSet<PathBuf>,
}

/// How results are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line on stdout
    Json,
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volume {
    /// Nothing when nothing changed and nothing is wrong.
    Quiet,
    /// The story.
    Normal,
    /// Every rung and every change.
    Verbose,
}

/// Stdout for results, stderr for lines and failures.
#[derive(Debug, Clone)]
pub struct Terminal {
    output: Output,
    /// How much is told.
    pub volume: Volume,
    /// Signs and colours.
    pub style: Style,
    /// Where it stands.
    pub surroundings: Surroundings,
    /// The same for every copy.
    lost: Arc<Mutex<Lost>>,
}

impl Terminal {
    /// A terminal that writes results in this form.
    pub fn new(output: Output, ascii: bool, surroundings: Surroundings) -> Self {
        let style = Style::detect(ascii, &surroundings.environment);
        Self { output, volume: Volume::Normal, style, surroundings, lost: Arc::default() }
    }

    /// The same, telling so much.
    #[must_use]
    pub fn at(self, volume: Volume) -> Self {
        Self { volume, ..self }
    }

    fn lost(&self) -> MutexGuard<'_, Lost> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// JSON on stdout?
    pub fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// Can a person be asked?
    pub fn can_ask(&self) -> bool {
        !self.is_json() && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Can a screen be shown, and does somebody sit at it?
    pub fn is_full(&self) -> bool {
        !self.is_json() && io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    /// Writes a result to stdout.
    pub fn result(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        let mut out = anstream::AutoStream::auto(io::stdout()).lock();
        self.record_write(write(&mut out).and_then(|()| out.flush()), Sink::Stdout);
    }

    /// Takes the outcome of a write. A closed pipe is no failure: whoever closed it has read enough. Anything else
    /// is reported once, and spoils a success when somebody asked for what is lost.
    pub fn record_write(&self, outcome: io::Result<()>, sink: Sink<'_>) {
        let Err(error) = outcome else { return };
        if error.kind() == io::ErrorKind::BrokenPipe {
            return;
        }
        let file = match sink {
            Sink::Stdout => None,
            Sink::Asked(file) => Some(file),
            Sink::Own(file) => {
                if self.lost().records.insert(file.to_owned()) {
                    self.tell(&[lost_record(file, &error)]);
                }
                return;
            }
        };
        if !self.lost().outputs.insert(file.map(Path::to_owned)) {
            return;
        }
        let (what, remedy) = match file {
            Some(file) => (
                format!("`{}` could not be written to its end", file.display()),
                "make room there, or name another file; what was done is done",
            ),
            None => (
                "the output could not be written".to_owned(),
                "make room where stdout goes; after a run `status` shows what was done",
            ),
        };
        self.tell(&[Failure::new(Code::Output, what).why(words(&error)).remedy(remedy)]);
    }

    /// The event as it has to be told: a summary does not promise success when some output is lost.
    pub fn with_lost_output(&self, mut event: Event) -> Event {
        match &mut event.kind {
            EventKind::Summary(summary)
                if summary.status == status::SUCCESS && !self.lost().outputs.is_empty() =>
            {
                let failure = Failure::new(Code::Output, "not all of the output could be written")
                    .why("a message before this one says which")
                    .remedy("make room there; what was done is done");
                summary.status = status::INTERNAL;
                summary.failed += 1;
                summary.failures.push(failure);
            }
            _ => {}
        }
        event
    }

    /// The exit status, spoilt when output was lost.
    pub fn status(&self, reached: u8) -> u8 {
        if reached == status::SUCCESS && !self.lost().outputs.is_empty() { status::INTERNAL } else { reached }
    }

    /// Writes a line to stderr.
    pub fn note(&self, line: &str) {
        let _ = writeln!(anstream::AutoStream::auto(io::stderr()).lock(), "{}", self.style.text(line));
    }

    /// Tells failures and warnings on stderr.
    pub fn tell(&self, failures: &[Failure]) {
        let mut err = anstream::AutoStream::auto(io::stderr()).lock();
        for failure in shortened(failures.iter().cloned()) {
            let _ = write_failure(&mut err, self.style, &failure);
        }
    }

    /// Tells failures that came before any event, and gives the exit status.
    pub fn fail(&self, failures: &[Failure]) -> u8 {
        self.end(worst(failures), failures)
    }

    /// Ends a command that failed, with this exit status: as lines, and in JSON as the two events that every
    /// command has.
    pub fn end(&self, status: u8, failures: &[Failure]) -> u8 {
        if self.is_json() {
            self.frame(None, status, failures);
        } else {
            self.tell(failures);
            let problems = count(failures);
            if problems > 1 {
                self.note(&format!("{} problems. Nothing was touched.", grouped(problems)));
            }
        }
        status
    }

    /// Ends a command that is no run with its result: as text, and in JSON as an object of this type between
    /// the two events that every command has.
    pub fn answer(&self, kind: &str, result: Value, status: u8, text: impl FnOnce()) -> u8 {
        if self.is_json() {
            self.frame(Some((kind, result)), status, &[]);
        } else {
            text();
        }
        status
    }

    /// As [`Terminal::answer`], where something is wrong besides.
    pub fn answer_and_fail(
        &self,
        kind: &str,
        result: Value,
        failures: &[Failure],
        text: impl FnOnce(),
    ) -> u8 {
        if self.is_json() {
            let status = worst(failures);
            self.frame(Some((kind, result)), status, failures);
            return status;
        }
        text();
        self.fail(failures)
    }

    fn frame(&self, result: Option<(&str, Value)>, status: u8, failures: &[Failure]) {
        let summary = Summary::of_failures("", status, failures.to_vec());
        let now = self.surroundings.clock.now();
        self.result(|out| {
            let version = Event::at(now, Event::version("", Vec::new(), Vec::new()));
            writeln!(out, "{}", visible_json(&serde_json::to_string(&version)?))?;
            if let Some((kind, result)) = result {
                let line = Answer { time: now, kind, result };
                writeln!(out, "{}", visible_json(&serde_json::to_string(&line)?))?;
            }
            let summary = Event::at(now, EventKind::Summary(summary));
            writeln!(out, "{}", visible_json(&serde_json::to_string(&summary)?))
        });
    }
}

fn worst(failures: &[Failure]) -> u8 {
    status::first_of(failures.iter().map(Failure::status)).unwrap_or(status::INTERNAL)
}

/// The result of a command that is no run, as a line of JSON.
#[derive(Serialize)]
struct Answer<'a> {
    time: Timestamp,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(flatten)]
    result: Value,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;

    #[test]
    fn what_one_terminal_loses_is_no_loss_of_another() {
        let terminal = || Terminal::new(Output::Text, true, Surroundings::new(Environment::default()));
        let (one, other) = (terminal(), terminal());
        one.clone().record_write(Err(io::Error::other("full")), Sink::Stdout);
        assert_eq!(
            (one.status(status::SUCCESS), other.status(status::SUCCESS)),
            (status::INTERNAL, status::SUCCESS)
        );
    }
}

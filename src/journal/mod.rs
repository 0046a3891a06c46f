//! The journal of a run: what it was about to write, and what stood there, so that it can be put back. It is the one file
//! that holds previous secrets, readable for its owner alone.

mod content;
mod entry;
mod read;

use std::{
    io::{self, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Clock,
    disk::{Access, Disk, LogFile},
    failure::{Code, Failure, words},
};

pub use content::Content;
pub use entry::{Entry, OldFile};
pub use read::{JournaledRun, journals, of_run};

/// The version of the file.
const VERSION: u32 = 1;
/// How many journals of a target are kept.
pub const KEPT: usize = 20;
/// The folder of the journals in that of a target.
const FOLDER: &str = "journals";

/// One line of the file. Each is a fact that was known when it was written: what a killed run left reads like any other.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line {
    /// The first.
    Run {
        version: u32,
        program: String,
        run: String,
        began: Timestamp,
        /// The run that it puts back, where it does that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undoes: Option<String>,
    },
    /// What a stage is about to write. The entries of a run are numbered from 0.
    Entries { stage: String, first: usize, entries: Vec<Entry> },
    /// The requests that write these entries are being sent.
    Sent { from: usize, to: usize },
    /// They were refused, or had been written by another run: nothing of them is ours.
    NotOurs { from: usize, to: usize },
    /// The last, unless the run was killed.
    Ended { status: u8 },
}

/// The journal of one run; the file is made when there is something to note.
#[derive(Debug)]
pub struct Journal {
    disk: Disk,
    clock: Clock,
    path: PathBuf,
    run: String,
    undoes: Option<String>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<LogFile>,
    entries: usize,
    /// A line of it is not whole: whatever came after it would not be read.
    is_broken: bool,
}

impl State {
    fn append(&mut self, line: &Line) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        if self.is_broken {
            return Err(io::Error::other("an earlier line of it could not be written"));
        }
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let written = file.write_all(&text);
        self.is_broken = written.is_err();
        written
    }
}

/// Entries that stand in the journal, as their numbers.
#[derive(Debug, Clone)]
pub struct Intent(Range<usize>);

impl Intent {
    /// Those that stand in no journal, where none is kept.
    pub fn unrecorded() -> Self {
        Self(0..0)
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    fn part(&self, part: &Range<usize>) -> (usize, usize) {
        let within = |at: usize| (self.0.start + at).min(self.0.end);
        (within(part.start), within(part.end))
    }
}

impl Journal {
    /// The journal of a run in the folder of its target.
    pub fn new(disk: Disk, clock: Clock, target: &Path, run: &str, undoes: Option<String>) -> Self {
        let path = target.join(FOLDER).join(format!("{run}.jsonl"));
        Self { disk, clock, path, run: run.to_owned(), undoes, state: Arc::default() }
    }

    /// Notes what a stage is about to write; it lies on the disk when this returns.
    ///
    /// # Errors
    /// `E-STATE-DIR` when it cannot be written, `E-FILE-HUNG` when nothing answers: then nothing must be written either.
    pub async fn intend(&self, stage: &str, entries: Vec<Entry>) -> Result<Intent, Failure> {
        let head = Line::Run {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            run: self.run.clone(),
            began: self.clock.now(),
            undoes: self.undoes.clone(),
        };
        let (state, stage) = (Arc::clone(&self.state), stage.to_owned());
        let (disk, path) = (self.disk.clone(), self.path.clone());
        let noted = self.disk.patiently(&self.path, Access::Write, move || {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.file.is_none() {
                state.file = Some(begin(&disk, &path, &head)?);
            }
            let first = state.entries;
            let intent = Intent(first..first + entries.len());
            state.append(&Line::Entries { stage, first, entries })?;
            state.entries = intent.0.end;
            state.file.as_ref().map_or(Ok(()), LogFile::sync_data)?;
            Ok(intent)
        });
        self.judged(noted.await.map_err(|stuck| stuck.failure(&self.path, Access::Write))?)
    }

    /// Notes that a part of what was intended is about to be sent. It outlives this process.
    ///
    /// # Errors
    /// As [`Journal::intend`].
    pub async fn send(&self, intent: &Intent, part: &Range<usize>) -> Result<(), Failure> {
        let (from, to) = intent.part(part);
        self.note(Line::Sent { from, to }).await
    }

    /// Notes that a part of it was refused, or is another run's work.
    ///
    /// # Errors
    /// As [`Journal::intend`].
    pub async fn is_not_ours(&self, intent: &Intent, part: &Range<usize>) -> Result<(), Failure> {
        let (from, to) = intent.part(part);
        self.note(Line::NotOurs { from, to }).await
    }

    /// Notes the end of the run.
    ///
    /// # Errors
    /// As [`Journal::intend`].
    pub async fn end(&self, status: u8) -> Result<(), Failure> {
        self.note(Line::Ended { status }).await
    }

    /// A journal in which nothing was intended has no file.
    async fn note(&self, line: Line) -> Result<(), Failure> {
        let state = Arc::clone(&self.state);
        let noted = self.disk.patiently(&self.path, Access::Write, move || {
            state.lock().unwrap_or_else(PoisonError::into_inner).append(&line)
        });
        self.judged(noted.await.map_err(|stuck| stuck.failure(&self.path, Access::Write))?)
    }

    fn judged<T>(&self, noted: io::Result<T>) -> Result<T, Failure> {
        noted.map_err(|error| {
            Failure::new(Code::StateDir, format!("the journal `{}` cannot be written", self.path.display()))
                .why(format!("nothing is written that could not be undone: {}", words(&error)))
                .remedy("make room there, or name another folder with `--state-dir DIR`, then run again")
        })
    }
}

fn begin(disk: &Disk, path: &Path, head: &Line) -> io::Result<LogFile> {
    let head = serde_json::to_string(head)?;
    disk.begin_log(path, &head, KEPT).map_err(|failure| io::Error::other(failure.what))?
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use super::*;

    fn key(name: &str, old: Option<&str>) -> Entry {
        let old = old.map(|old| Content::new(old.as_bytes()));
        Entry::Key { key: name.into(), old, new: Some("1".into()) }
    }

    #[tokio::test]
    async fn what_was_sent_and_is_ours_can_be_undone() {
        let folder = tempfile::tempdir().unwrap();
        let (disk, clock) = (Disk::default(), Clock::default());
        let journal = Journal::new(disk.clone(), clock, folder.path(), "1", None);
        let keys = ["a", "b", "c", "d"].map(|name| key(name, None));
        let intent = journal.intend("load-images", keys.to_vec()).await.unwrap();
        journal.send(&intent, &(0..2)).await.unwrap();
        journal.send(&intent, &(2..3)).await.unwrap();
        journal.is_not_ours(&intent, &(2..3)).await.unwrap();
        let mount = journal.intend("set-mount", vec![key("mount", Some("/old"))]).await.unwrap();
        journal.send(&mount, &(0..1)).await.unwrap();
        // A killed run ends in the middle of a line.
        let path = folder.path().join("journals/1.jsonl");
        let mut text = std::fs::read(&path).unwrap();
        text.extend(b"{\"line\":\"sen");
        std::fs::write(&path, text).unwrap();

        let found = journals(&disk, folder.path()).unwrap();
        let [run] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((run.id.as_str(), run.status), ("1", None));
        let names = |stage: &str| {
            let entries = run.entries(stage).iter();
            entries.map(|entry| serde_json::to_value(entry).unwrap()["key"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(names("load-images"), ["a", "b"]);
        assert_eq!(names("set-mount"), ["mount"]);
        assert_eq!(names("load-aliases"), [] as [&str; 0]);
    }

    #[tokio::test]
    async fn a_run_that_writes_nothing_has_no_journal() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(Disk::default(), Clock::default(), folder.path(), "1", None);
        journal.end(0).await.unwrap();
        assert!(!folder.path().join("journals").exists());
    }
}

//! When each stage last ran, and how it ended, for every target.

use std::{
    collections::BTreeMap,
    fs::DirBuilder,
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::{
    disk::{self, Access},
    state::target_folder,
    workflow::{Event, EventKind, Outcome},
};

use super::{Reporter, Sink};

/// The last run of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// When it ended.
    pub at: Timestamp,
    /// `changed`, `unchanged` or `failed`.
    pub outcome: String,
}

/// When each stage last ran on this target; empty when nothing is known.
pub fn history(state_dir: &Path, name: &str) -> BTreeMap<String, LastRun> {
    let path = path(state_dir, name);
    let asked = path.clone();
    let text = disk::access(&path, Access::Read, move || std::fs::read(asked)).ok().and_then(Result::ok);
    serde_json::from_slice(&text.unwrap_or_default()).unwrap_or_default()
}

fn path(state_dir: &Path, name: &str) -> PathBuf {
    target_folder(state_dir, name).join("history.json")
}

/// Notes how each stage ended. A stage that was skipped or stopped did not run.
pub struct History {
    path: PathBuf,
    ran: BTreeMap<String, LastRun>,
    new: bool,
}

impl History {
    /// The history of a target, to be added to.
    pub fn create(state_dir: &Path, name: &str) -> Self {
        Self { path: path(state_dir, name), ran: history(state_dir, name), new: false }
    }

    fn write(&self) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(serde_json::to_string_pretty(&self.ran)?.as_bytes())?;
        file.write_all(b"\n")?;
        file.persist(&self.path)?;
        Ok(())
    }
}

impl Reporter for History {
    fn report(&mut self, event: &Event) -> io::Result<()> {
        match &event.kind {
            EventKind::StageFinished { stage, outcome, .. } => {
                let outcome = match outcome {
                    Outcome::Changed(_) => "changed",
                    Outcome::Unchanged { .. } => "unchanged",
                    Outcome::Failed { .. } => "failed",
                    Outcome::Skipped { .. } | Outcome::LeftOut | Outcome::Cancelled { .. } => return Ok(()),
                };
                self.new = true;
                self.ran.insert((*stage).to_owned(), LastRun { at: event.time, outcome: outcome.to_owned() });
                Ok(())
            }
            // A run that touched nothing leaves no trace here either.
            EventKind::Summary(_) if self.new => self.write(),
            _ => Ok(()),
        }
    }

    fn sink(&self) -> Sink<'_> {
        Sink::Own(&self.path)
    }
}

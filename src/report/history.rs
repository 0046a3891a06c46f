//! When each stage last ran, and how it ended, for every target.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    disk::{Disk, replace_record},
    state::Target,
    workflow::{Event, EventKind, Outcome},
};

use super::{Reporter, Sink};

/// The last run of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// When it ended.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: LastOutcome,
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastOutcome {
    /// It changed something.
    Changed,
    /// There was nothing to do.
    Unchanged,
    /// It failed.
    Failed,
    /// Somebody left it out, and it was not done before.
    Skipped,
}

impl LastOutcome {
    /// What it is about is as it should be.
    pub fn is_well(self) -> bool {
        matches!(self, LastOutcome::Changed | LastOutcome::Unchanged)
    }
}

impl LastRun {
    /// What it came to, unless it went well, and how long ago: `failed 2 h ago`.
    pub fn words(&self, now: Timestamp) -> String {
        let ago = ago(self.at, now);
        match self.outcome {
            LastOutcome::Changed | LastOutcome::Unchanged => ago,
            LastOutcome::Failed => format!("failed {ago}"),
            LastOutcome::Skipped => format!("skipped {ago}"),
        }
    }
}

/// How long ago, in the largest unit: `12 min ago`.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..60 => "just now".to_owned(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        86_400..172_800 => "1 day ago".to_owned(),
        172_800..1_209_600 => format!("{} days ago", seconds / 86_400),
        _ => format!("{} weeks ago", seconds / 604_800),
    }
}

/// When each stage last ran on this target; empty when nothing is known.
pub fn history(target: &Target) -> BTreeMap<String, LastRun> {
    read(target.disk(), &path(target))
}

fn read(disk: &Disk, path: &Path) -> BTreeMap<String, LastRun> {
    serde_json::from_slice(&disk.record(path)).unwrap_or_default()
}

fn path(target: &Target) -> PathBuf {
    target.folder().join("history.json")
}

/// Notes how each stage ended. One that was stopped, or that comes after one that failed, did not run.
pub struct History {
    disk: Disk,
    path: PathBuf,
    /// The stages of this run.
    ran: BTreeMap<String, LastRun>,
    /// They are put back: what was done before is done no longer.
    is_undo: bool,
}

impl History {
    /// The history of a target, to be added to.
    pub fn create(target: &Target, is_undo: bool) -> Self {
        Self { disk: target.disk().clone(), path: path(target), ran: BTreeMap::new(), is_undo }
    }

    fn write(&self) -> io::Result<()> {
        let mut all = read(&self.disk, &self.path);
        if self.is_undo {
            let is_back = |stage: &String| self.ran.get(stage).is_some_and(|ran| ran.outcome.is_well());
            all.retain(|stage, _| !is_back(stage));
        } else {
            // What was left out now and done before is done.
            let is_news = |stage: &String, ran: &LastRun| {
                ran.outcome != LastOutcome::Skipped
                    || all.get(stage).is_none_or(|last| !last.outcome.is_well())
            };
            let news: Vec<_> =
                self.ran.clone().into_iter().filter(|(stage, ran)| is_news(stage, ran)).collect();
            all.extend(news);
        }
        let text = serde_json::to_string_pretty(&all)? + "\n";
        replace_record(&self.path, text.as_bytes())
    }
}

impl Reporter for History {
    fn report(&mut self, event: &Event) -> io::Result<()> {
        match &event.kind {
            EventKind::StageFinished { stage, outcome, .. } => {
                let outcome = match outcome {
                    Outcome::Changed(_) => LastOutcome::Changed,
                    Outcome::Unchanged { .. } => LastOutcome::Unchanged,
                    Outcome::Failed { .. } => LastOutcome::Failed,
                    Outcome::LeftOut => LastOutcome::Skipped,
                    Outcome::Skipped { .. } | Outcome::Cancelled { .. } => return Ok(()),
                };
                self.ran.insert((*stage).to_owned(), LastRun { at: event.time, outcome });
                Ok(())
            }
            // A run that touched nothing leaves no trace here either.
            EventKind::Summary(_) if !self.ran.is_empty() => self.write(),
            _ => Ok(()),
        }
    }

    fn sink(&self) -> Sink<'_> {
        Sink::Own(&self.path)
    }
}

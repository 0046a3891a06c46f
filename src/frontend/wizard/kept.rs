//! What was set up from this machine, as the last runs left it. No server is asked.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    failure::Failure,
    journal::journals,
    report::{LastOutcome, ago, history},
    session::Setup,
    state::{StateDir, Target},
};

/// A target as its last runs left it.
#[derive(Debug, Clone, Serialize)]
pub struct KeptTarget {
    /// What tells it from any other.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// All its servers, in words.
    pub servers: String,
    /// How many stages are done.
    pub done: usize,
    /// How many there are.
    pub stages: usize,
    /// The stages that failed.
    pub failed: Vec<String>,
    /// The stages that somebody skipped.
    pub skipped: Vec<String>,
    /// When the last stage ended; none when none ever did.
    pub last_run: Option<Timestamp>,
    /// How many runs can be undone.
    pub runs: usize,
    /// Where everything of it is kept.
    pub folder: PathBuf,
    /// The target itself.
    #[serde(skip)]
    pub target: Target,
}

impl KeptTarget {
    /// What is kept of a target.
    ///
    /// # Errors
    /// `E-FILE-HUNG` when nothing answers.
    pub fn of(setup: &Setup, target: &Target) -> Result<Self, Failure> {
        let history = history(target);
        let ended = |outcome: LastOutcome| {
            let ended = history.iter().filter(move |(_, last)| last.outcome == outcome);
            ended.map(|(stage, _)| stage.clone()).collect()
        };
        Ok(Self {
            id: target.id().to_owned(),
            name: target.name().to_owned(),
            servers: target.servers().to_string(),
            done: history.values().filter(|last| last.outcome.is_well()).count(),
            stages: setup.stage_abouts().len(),
            failed: ended(LastOutcome::Failed),
            skipped: ended(LastOutcome::Skipped),
            last_run: history.values().map(|last| last.at).max(),
            runs: runs(target)?,
            folder: target.folder().to_owned(),
            target: target.clone(),
        })
    }

    /// `7 of 7 done`, `5 of 7, Schema failed`, `5 of 7, 2 skipped`.
    pub fn state(&self, setup: &Setup) -> String {
        if self.last_run.is_none() {
            return "nothing done yet".into();
        }
        let count = format!("{} of {}", self.done, self.stages);
        match (self.failed.as_slice(), self.skipped.len()) {
            ([], 0) => format!("{count} done"),
            ([], skipped) => format!("{count}, {skipped} skipped"),
            ([failed], _) => format!("{count}, {} failed", setup.stage_title(failed)),
            (failed, _) => format!("{count}, {} failed", failed.len()),
        }
    }

    /// How long ago its last run was; empty when there was none.
    pub fn when(&self, now: Timestamp) -> String {
        self.last_run.map_or(String::new(), |at| ago(at, now))
    }

    /// The one place by which people know it: the database, or etcd where there is none.
    pub fn place(&self) -> String {
        let servers = self.target.servers();
        match &servers.database {
            Some(_) => crate::state::Servers { etcd: None, ..servers.clone() }.to_string(),
            None => self.servers.clone(),
        }
    }

    /// Every address of its servers.
    pub fn addresses(&self) -> Vec<String> {
        self.target.servers().addresses()
    }
}

/// How many runs of a target can be undone.
///
/// # Errors
/// `E-FILE-HUNG` when nothing answers.
pub fn runs(target: &Target) -> Result<usize, Failure> {
    Ok(journals(target.disk(), target.folder())?.iter().filter(|run| run.undoes.is_none()).count())
}

/// Every target of this state directory, by name.
///
/// # Errors
/// `E-FILE-HUNG` when nothing answers.
pub fn kept_targets(setup: &Setup, folder: &StateDir) -> Result<Vec<KeptTarget>, Failure> {
    folder.targets()?.iter().map(|target| KeptTarget::of(setup, target)).collect()
}

//! An event: one fact about a run. Owned, serialisable, free of secrets; also the JSON that scripts read.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use crate::failure::{Failure, count, shortened, status};

use super::{Change, Outcome, Rung, StageId, StagePlan, Verdict};

/// The version of the JSON events.
pub const SCHEMA: u32 = 1;

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The story.
    Info,
    /// Worth a look.
    Warning,
}

/// What a survey found of a stage, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageStatus {
    /// There is nothing to do.
    Done,
    /// There are changes to make.
    Pending,
    /// Something is in the way.
    Conflict,
    /// It could not be looked at.
    Failed,
}

impl StageStatus {
    /// The word, as people and scripts read it.
    pub fn word(self) -> &'static str {
        match self {
            StageStatus::Done => "done",
            StageStatus::Pending => "pending",
            StageStatus::Conflict => "conflict",
            StageStatus::Failed => "failed",
        }
    }
}

/// A stage's state as surveyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageState {
    /// The stage.
    pub stage: StageId,
    /// What people call it.
    pub title: &'static str,
    /// What was found.
    pub state: StageStatus,
    /// Why there is nothing to do, or how much is.
    pub summary: String,
    /// What would be written; in JSON its changes alone.
    #[serde(rename = "changes", serialize_with = "changes", skip_serializing_if = "has_none")]
    pub plan: Arc<StagePlan>,
    /// What deserves a look, whatever the state is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Failure>,
    /// What is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl StageState {
    /// What would be written.
    pub fn changes(&self) -> &[Change] {
        &self.plan.changes
    }
}

fn changes<S: Serializer>(plan: &Arc<StagePlan>, to: S) -> Result<S::Ok, S::Error> {
    plan.changes.serialize(to)
}

fn has_none(plan: &Arc<StagePlan>) -> bool {
    plan.changes.is_empty()
}

/// What is mounted at a path, as the kernel has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountedThere {
    /// `nfs4`, `ext4`.
    pub file_system: String,
    /// `nas:/export`, `/dev/vda1`.
    pub source: String,
    /// Where: the path itself, or a folder above it.
    pub at: String,
}

impl MountedThere {
    /// `nfs4, nas:/export`, seen from a path; and where it is mounted when that is not the path itself.
    pub fn seen_from(&self, path: &str) -> String {
        let Self { file_system, source, at } = self;
        if at == path {
            format!("{file_system}, {source}")
        } else {
            format!("{file_system}, {source}, mounted at {at}")
        }
    }
}

/// What a node found at the path of the shared folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFound {
    /// Its name.
    pub node: String,
    /// It has the same folder.
    pub passed: bool,
    /// What it found, in one line.
    pub found: String,
    /// The failure's code, when it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What is mounted there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mounted: Option<MountedThere>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// What the cluster is called.
    pub name: String,
    /// Exit status.
    pub status: u8,
    /// Stages that changed something.
    pub changed: usize,
    /// Stages that had nothing to do.
    pub unchanged: usize,
    /// Stages and checks that failed; nodes, when the shared folder is verified.
    pub failed: usize,
    /// Stages that were not started or stopped.
    pub skipped: usize,
    /// Every failure, in order.
    pub failures: Vec<Failure>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The transcript, when one is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
}

impl Summary {
    /// Was something written? Where only a failed stage wrote, its status says so.
    pub fn wrote(&self) -> bool {
        self.changed > 0 || self.status == status::PARTIAL
    }

    /// An end with these failures, where no stage was counted.
    pub fn of_failures(name: &str, status: u8, failures: Vec<Failure>) -> Self {
        Self {
            name: name.to_owned(),
            status,
            changed: 0,
            unchanged: 0,
            failed: count(&failures),
            skipped: 0,
            failures: shortened(failures),
            duration_ms: 0,
            transcript: None,
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventKind {
    /// Always first.
    Version {
        /// The version of these events.
        schema: u32,
        /// The program.
        program: &'static str,
        /// Its version.
        version: &'static str,
        /// What the cluster is called.
        name: String,
        /// The stages of this run, in order.
        stages: Vec<StageId>,
        /// The checks of this run, in order; verdicts come as they are ready.
        checks: Vec<&'static str>,
    },
    /// Something that a person should hear before anything is done.
    Notice {
        /// A `W-` code, why and what to do.
        warning: Failure,
    },
    /// A target is not up yet, and is waited for. Told again only when something else is in the way.
    Waiting {
        /// The check that waits.
        check: &'static str,
        /// What people call it.
        title: &'static str,
        /// When the waiting ends.
        until: Timestamp,
        /// What is in the way.
        failure: Failure,
    },
    /// A live check passed a rung. No part of the JSON, where the verdict has all of them.
    #[serde(skip)]
    Rung {
        /// The check's id.
        check: &'static str,
        /// What was asked and found.
        rung: Rung,
    },
    /// A live check ended.
    Check {
        /// Its id.
        check: &'static str,
        /// What people call it.
        title: &'static str,
        /// What it found.
        #[serde(flatten)]
        verdict: Verdict,
    },
    /// What would change.
    Plan {
        /// Each stage with its state.
        stages: Vec<StageState>,
    },
    /// What would change was saved, to be applied as it is.
    PlanSaved {
        /// The file, as it was named.
        path: String,
    },
    /// A stage begins. One that is skipped never does.
    StageStarted {
        /// The stage.
        stage: StageId,
    },
    /// A stage got on.
    Progress {
        /// The stage.
        stage: StageId,
        /// How much is done.
        done: usize,
        /// Of how much.
        total: usize,
    },
    /// A stage has something to tell.
    Log {
        /// The stage.
        stage: StageId,
        /// How much it matters.
        level: Level,
        /// What it tells.
        message: String,
    },
    /// A stage ended.
    StageFinished {
        /// The stage.
        stage: StageId,
        /// How it ended.
        #[serde(flatten)]
        outcome: Outcome,
        /// How long it took, in milliseconds.
        duration_ms: u64,
    },
    /// The shared folder is offered, to be verified on other nodes.
    MountOffered {
        /// The host that offers it.
        host: String,
        /// The folder.
        path: String,
        /// The file in it by which it is known again.
        file: String,
        /// When the offer ends.
        until: Timestamp,
        /// The command for the other nodes, on the host that offers.
        #[serde(skip_serializing_if = "Option::is_none")]
        command: Option<String>,
    },
    /// A node has looked at the shared folder; of several answers of one node the last counts.
    MountNode(NodeFound),
    /// Always last.
    Summary(Summary),
}

/// Something that happened, and when.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// When, in UTC.
    pub time: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl Event {
    /// It happened at this time.
    pub fn at(time: Timestamp, kind: EventKind) -> Self {
        Self { time, kind }
    }

    /// The first event of every run.
    pub fn version(name: &str, stages: Vec<StageId>, checks: Vec<&'static str>) -> EventKind {
        EventKind::Version {
            schema: SCHEMA,
            program: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            name: name.to_owned(),
            stages,
            checks,
        }
    }
}

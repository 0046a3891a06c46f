//! What a stage is, what it finds, and how it ends.

use serde::Serialize;

use crate::failure::Failure;

use super::plan::{StageId, StagePlan};

/// What a stage is, as data: menu, command line and documents derive from it.
#[derive(Debug)]
pub struct About {
    /// What scripts see.
    pub id: StageId,
    /// What people see.
    pub title: &'static str,
    /// What it writes.
    pub summary: &'static str,
    /// The sections whose answers it needs.
    pub sections: &'static [&'static str],
    /// The checks that must hold before it runs: what it touches.
    pub checks: &'static [&'static str],
    /// The stages whose result it needs: it starts when those of the same run have ended.
    pub after: &'static [StageId],
    /// The variables that name the files it writes.
    pub files: &'static [&'static str],
    /// The flags of the command line that mean nothing without it.
    pub flags: &'static [&'static str],
}

/// What a stage finds before it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing to do; says why.
    Done(String),
    /// This is to be written.
    Pending(StagePlan),
    /// Something foreign is in the way; names the choices.
    Conflict(Failure),
}

/// What a stage that did not come to its end has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// How sure that is.
    pub sure: Certainty,
    /// How far it was, of how much, in the units of its progress; `(0, 0)` when it told none.
    pub progress: (usize, usize),
}

/// Whether something was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// Nothing was.
    Nothing,
    /// Every write so far was confirmed.
    Something,
    /// The last write was sent, and never answered.
    Unknown,
}

/// What a stage did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// One line for people, with counts.
    pub summary: String,
    /// How many changes were made.
    pub changes: usize,
}

/// How a stage ended; made by the runner alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It changed something.
    Changed(Done),
    /// There was nothing to do.
    Unchanged {
        /// Why there was nothing to do.
        summary: String,
    },
    /// It failed.
    Failed {
        /// What failed, why, and what to do now.
        failure: Failure,
        /// In which state it leaves what it writes.
        left: String,
    },
    /// It was not started, because another failed.
    Skipped {
        /// The stage that failed before it.
        because: StageId,
    },
    /// It was left out on request.
    LeftOut,
    /// The run was stopped before or during it.
    Cancelled {
        /// In which state it leaves what it writes; none when it had not begun.
        #[serde(skip_serializing_if = "Option::is_none")]
        left: Option<String>,
    },
}

impl Outcome {
    /// All that the stage is for is there.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Changed(_) | Self::Unchanged { .. })
    }
}

//! What a look at one stage of a run has found.

use crate::{
    failure::{Code, Failure},
    workflow::Change,
};

/// What a look for one kind of thing has found.
#[derive(Default)]
pub(super) struct Looked {
    /// What can be put back.
    pub(super) changes: Vec<Change>,
    /// What cannot be, and why.
    pub(super) kept: Vec<Failure>,
}

impl Looked {
    pub(super) fn keep(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.kept.push(Failure::new(Code::UndoKept, format!("{}: {}", what.into(), why.into())));
    }

    pub(super) fn and(mut self, other: Self) -> Self {
        self.changes.extend(other.changes);
        self.kept.extend(other.kept);
        self
    }
}

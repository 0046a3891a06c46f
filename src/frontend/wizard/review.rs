//! What can be done at the review, and with one stage alone.

use crate::{
    failure::{Code, Failure},
    report::RunState,
    session::Grant,
};

use super::drift::is_drift;

/// One of the things that can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Write,
    Allow(Grant),
    /// Says what becomes of the numbers of owners in an upgrade.
    Owners,
    /// Shows in what the database is otherwise than its revision.
    Drift,
    Changes,
    Answers,
    Change,
    Again,
    Menu,
    Leave,
}

impl Step {
    /// What can be done with everything, by what was found.
    pub fn all(state: &RunState) -> Vec<Self> {
        let is_sound = state.summary.as_ref().is_some_and(|summary| summary.status == 0);
        let mut steps = Vec::new();
        if is_sound {
            steps.push(Self::Write);
        } else {
            steps.push(Self::Change);
            steps.extend(Grant::all(state.failures()).into_iter().map(Self::Allow));
            steps.extend(state.failures().iter().any(asks_for_owners).then_some(Self::Owners));
            steps.extend(state.failures().iter().any(is_drift).then_some(Self::Drift));
            steps.push(Self::Again);
        }
        if !state.plan.is_empty() {
            steps.push(Self::Changes);
        }
        steps.push(Self::Answers);
        if is_sound {
            steps.extend([Self::Change, Self::Again]);
        }
        steps.extend([Self::Menu, Self::Leave]);
        steps
    }

    /// What can be done with one stage that was looked at.
    pub fn alone(failures: &[Failure]) -> Vec<Self> {
        let write = failures.is_empty().then_some(Self::Write);
        let grants = Grant::all(failures).into_iter().map(Self::Allow);
        let owners = failures.iter().any(asks_for_owners).then_some(Self::Owners);
        let drift = failures.iter().any(is_drift).then_some(Self::Drift);
        write.into_iter().chain([Self::Menu]).chain(grants).chain(owners).chain(drift).collect()
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Write => "Write all this",
            Self::Allow(Grant::Mount) => "Replace the shared folder that etcd names",
            Self::Allow(Grant::StaleKeys) => "Remove the keys that are left from an older list",
            Self::Allow(Grant::Published) => "Give new secrets to keypairs that anybody can use",
            Self::Allow(Grant::Usage) => "Drop table usage with its rows",
            Self::Owners => "Say what the numbers of keypairs' owners become",
            Self::Drift => "Show how the tables differ",
            Self::Changes => "Show every change in full",
            Self::Answers => "Show every answer",
            Self::Change => "Change answers",
            Self::Again => "Check again",
            Self::Menu => "Run a single stage",
            Self::Leave => "Leave",
        }
    }
}

/// Is the question what the numbers of owners become in an upgrade, which is asked where it matters alone?
pub fn asks_for_owners(failure: &Failure) -> bool {
    failure.code == Code::DbUserIds
}

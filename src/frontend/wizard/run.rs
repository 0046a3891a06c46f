//! What can be done after a run: once it has failed, and at the end.

use crate::{failure::Code, report::RunState, session::Setup, workflow::StageId};

/// The choices after a failure; the first is the safe one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    Again,
    Look,
    Change,
    Skip,
    Leave,
}

impl Remedy {
    /// Those that there are; whether the stage that failed can be passed over is known already. What is out of date is
    /// looked at again before anything else.
    pub fn all(state: &RunState, can_skip: bool) -> Vec<Self> {
        if state.failures().iter().any(|failure| failure.code == Code::PlanStale) {
            return vec![Self::Look, Self::Change, Self::Leave];
        }
        let skip = can_skip.then_some(Self::Skip);
        [Self::Again, Self::Change].into_iter().chain(skip).chain([Self::Leave]).collect()
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Again => "Try again",
            Self::Look => "Look again",
            Self::Change => "Change an answer",
            Self::Skip => "Skip it",
            Self::Leave => "Leave",
        }
    }
}

/// What is left out when the stage that failed is passed over: itself, and those that need it. None when no stage
/// failed, and when nothing would be left to run.
pub fn passed_over(
    setup: &Setup,
    state: &RunState,
    order: &[StageId],
    skipped: &[StageId],
) -> Option<Vec<StageId>> {
    let (failed, _) = state.failed()?;
    let left_out = setup.with_dependents(failed, order);
    order.iter().any(|id| !left_out.contains(id) && !skipped.contains(id)).then_some(left_out)
}

/// The choices at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Review,
    Keypairs,
    Stage,
    Undo,
    Leave,
}

impl Ending {
    pub fn title(self) -> &'static str {
        match self {
            Self::Review => "Back to the review",
            Self::Keypairs => "Show the keypairs",
            Self::Stage => "Run a single stage",
            Self::Undo => "Undo the last run",
            Self::Leave => "Leave",
        }
    }
}

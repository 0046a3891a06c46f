//! The one reducer: what is known after each event.

use crate::failure::Failure;
use crate::workflow::{Event, EventKind, Outcome, StageId, StageState, Summary, Verdict};

/// A stage under way or done.
#[derive(Debug, Clone)]
pub struct StageProgress {
    /// The stage.
    pub stage: StageId,
    /// How much is done, of how much.
    pub progress: Option<(usize, usize)>,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
}

/// What is known of a run.
#[derive(Debug, Clone, Default)]
pub struct RunState {
    /// Each check that ended, in the order of the checks.
    pub checks: Vec<(&'static str, &'static str, Verdict)>,
    order: Vec<&'static str>,
    /// What would change.
    pub plan: Vec<StageState>,
    /// Each stage that was started or skipped, in that order.
    pub stages: Vec<StageProgress>,
    /// How it ended, once it has.
    pub summary: Option<Summary>,
}

impl RunState {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Version { checks, .. } => self.order.clone_from(checks),
            EventKind::Notice { .. }
            | EventKind::Waiting { .. }
            | EventKind::Rung { .. }
            | EventKind::Log { .. }
            | EventKind::MountOffered { .. }
            | EventKind::MountNode(_) => {}
            EventKind::Check { check, title, verdict } => {
                self.checks.push((check, title, verdict.clone()));
                self.checks.sort_by_key(|(check, ..)| self.order.iter().position(|known| known == check));
            }
            EventKind::Plan { stages } => self.plan.clone_from(stages),
            EventKind::StageStarted { stage } => {
                self.stages.push(StageProgress { stage, progress: None, outcome: None });
            }
            EventKind::Progress { stage, done, total } => {
                if let Some(known) = self.stage(stage) {
                    known.progress = Some((*done, *total));
                }
            }
            EventKind::StageFinished { stage, outcome, .. } => {
                let outcome = Some(outcome.clone());
                match self.stage(stage) {
                    Some(known) => known.outcome = outcome,
                    None => self.stages.push(StageProgress { stage, progress: None, outcome }),
                }
            }
            EventKind::Summary(summary) => self.summary = Some(summary.clone()),
        }
    }

    /// What the checks warned of, in the order of the checks.
    pub fn warnings(&self) -> impl Iterator<Item = &Failure> {
        self.checks.iter().flat_map(|(.., verdict)| verdict.warnings())
    }

    fn stage(&mut self, id: &str) -> Option<&mut StageProgress> {
        self.stages.iter_mut().find(|known| known.stage == id)
    }
}

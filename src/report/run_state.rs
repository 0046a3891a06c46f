//! The one reducer: what is known after each event.

use std::collections::BTreeMap;

use crate::{
    failure::Failure,
    workflow::{Event, EventKind, Outcome, StageId, StageState, Summary, Verdict},
};

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
    /// The stages of the run.
    wanted: Vec<StageId>,
    /// What would change.
    pub plan: Vec<StageState>,
    /// Where that was saved.
    pub saved: Option<String>,
    /// Each stage that was started or skipped, in that order.
    pub stages: Vec<StageProgress>,
    /// How it ended, once it has.
    pub summary: Option<Summary>,
}

impl RunState {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Version { checks, stages, .. } => {
                self.order.clone_from(checks);
                self.wanted.clone_from(stages);
            }
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
            EventKind::PlanSaved { path } => self.saved = Some(path.clone()),
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

    /// Why it did not end well, as its end says.
    pub fn failures(&self) -> &[Failure] {
        self.summary.as_ref().map_or(&[], |summary| &summary.failures)
    }

    /// Of these, those that stand in no ladder of a check.
    pub fn failures_beside_checks(&self) -> Vec<Failure> {
        let is_found = |failure| {
            self.checks.iter().any(|(.., verdict)| verdict.failures().any(|found| found == failure))
        };
        self.failures().iter().filter(|failure| !is_found(*failure)).cloned().collect()
    }

    /// The stage that failed first.
    pub fn failed(&self) -> Option<(StageId, &Failure)> {
        self.stages.iter().find_map(|stage| match &stage.outcome {
            Some(Outcome::Failed { failure, .. }) => Some((stage.stage, failure)),
            _ => None,
        })
    }

    /// How this stage ended, once it has.
    pub fn outcome(&self, id: StageId) -> Option<&Outcome> {
        self.stages.iter().find(|stage| stage.stage == id)?.outcome.as_ref()
    }

    /// How many stages ended so.
    pub fn count(&self, wanted: impl Fn(&Outcome) -> bool) -> usize {
        self.stages.iter().filter_map(|stage| stage.outcome.as_ref()).filter(|it| wanted(it)).count()
    }

    /// The end of a run that is not waited for any more: a summary comes all the same.
    pub fn broken_off(
        &self,
        name: &str,
        status: u8,
        failure: Failure,
        transcript: Option<String>,
    ) -> Summary {
        let changed = self.count(|outcome| matches!(outcome, Outcome::Changed(_)));
        let unchanged = self.count(|outcome| matches!(outcome, Outcome::Unchanged { .. }));
        let failed = self.count(|outcome| matches!(outcome, Outcome::Failed { .. }));
        // Whatever has not come to its end, begun or not, and those that were left out.
        let left_out = self.count(|outcome| matches!(outcome, Outcome::LeftOut));
        Summary {
            changed,
            unchanged,
            failed,
            skipped: (self.wanted.len() + left_out).saturating_sub(changed + unchanged + failed),
            transcript,
            ..Summary::of_failures(name, status, vec![failure])
        }
    }

    /// How many stages are done.
    pub fn done(&self) -> usize {
        self.count(Outcome::is_done)
    }

    /// What a stage did, in the words of the plan: `181 keys`.
    pub fn wrote(&self, id: StageId, changes: usize) -> String {
        let planned = self.plan.iter().find(|state| state.stage == id);
        match planned.map_or(&[][..], |state| state.changes()) {
            [first, rest @ ..] if changes > 1 && rest.iter().all(|it| it.unit(1) == first.unit(1)) => {
                format!("{changes} {}", first.unit(changes))
            }
            [_, ..] if changes > 1 => format!("{changes} changes"),
            _ => "done".to_owned(),
        }
    }

    /// In which state everything is after a run that did not come to its end: what each stage says that did not, and
    /// how many others are done.
    pub fn left(&self, titles: &BTreeMap<StageId, &'static str>) -> String {
        let left = |stage: &StageProgress| match &stage.outcome {
            Some(Outcome::Failed { left, .. } | Outcome::Cancelled { left: Some(left) }) => {
                Some((stage.stage, left.clone()))
            }
            _ => None,
        };
        let broken: Vec<(StageId, String)> = self.stages.iter().filter_map(left).collect();
        let mut parts: Vec<String> = match broken.as_slice() {
            [(_, left)] => vec![left.clone()],
            several => several
                .iter()
                .map(|(id, left)| format!("{}: {left}", titles.get(id).copied().unwrap_or_default()))
                .collect(),
        };
        let other = if parts.is_empty() { "" } else { "other " };
        parts.push(match self.done() {
            0 if parts.is_empty() => "nothing was written".to_owned(),
            0 => "no other stage is done".to_owned(),
            1 => format!("one {other}stage is done and stays so"),
            some => format!("{some} {other}stages are done and stay so"),
        });
        parts.join("; ")
    }

    /// What the checks warned of, in the order of the checks.
    pub fn warnings(&self) -> impl Iterator<Item = &Failure> {
        self.checks.iter().flat_map(|(.., verdict)| verdict.warnings())
    }

    fn stage(&mut self, id: &str) -> Option<&mut StageProgress> {
        self.stages.iter_mut().find(|known| known.stage == id)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{failure::Code, workflow::Done};

    #[test]
    fn who_leaves_at_once_has_skipped_whatever_has_not_come_to_its_end() {
        let mut state = RunState::default();
        let mut skipped_after = |kind| {
            state.apply(&Event::at(Timestamp::UNIX_EPOCH, kind));
            let summary = state.broken_off("site", 143, Failure::new(Code::Cancelled, "left"), None);
            (summary.changed, summary.skipped)
        };
        let finished = |stage, outcome| EventKind::StageFinished { stage, outcome, duration_ms: 0 };
        assert_eq!(skipped_after(Event::version("site", vec!["one", "two", "three"], Vec::new())), (0, 3));
        assert_eq!(skipped_after(finished("four", Outcome::LeftOut)), (0, 4));
        assert_eq!(skipped_after(EventKind::StageStarted { stage: "one" }), (0, 4));
        let done = Done { summary: "made".into(), changes: 1 };
        assert_eq!(skipped_after(finished("one", Outcome::Changed(done))), (1, 3));
        assert_eq!(skipped_after(finished("two", Outcome::Cancelled { left: None })), (1, 3));
    }
}

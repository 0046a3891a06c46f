//! The page of a run: the one reducer of events, and bounded logs to look at.

use std::time::Duration;

use jiff::Timestamp;
use tui_input::Input;

use crate::{
    failure::{Failure, status},
    frontend::drive::{broken_off, titles},
    report::{Line, Log, RunState, StageLogs, Tone},
    session::{Operation, Setup},
    workflow::{Event, EventKind, Outcome, StageId},
};

/// The page.
pub(super) struct RunPage {
    pub(super) setup: &'static Setup,
    /// The stages that were asked for; empty means all.
    pub(super) wanted: Vec<String>,
    pub(super) skip: Vec<String>,
    pub(super) order: Vec<StageId>,
    pub(super) state: RunState,
    /// Where it is written down.
    pub(super) transcript: Option<String>,
    pub(super) logs: StageLogs,
    pub(super) since: Duration,
    pub(super) ended: Option<Duration>,
    /// Why it could not even begin.
    pub(super) refused: Vec<Failure>,
    pub(super) stopping: bool,
    /// A person left without waiting for its end.
    pub(super) broken_off: bool,
    /// The stage that a person chose to look at; else the one that moves.
    pub(super) chosen: Option<usize>,
    pub(super) follow: bool,
    pub(super) scroll: usize,
    pub(super) errors_only: bool,
    pub(super) search: Input,
    pub(super) search_open: bool,
    /// The choice after a failure.
    pub(super) cursor: usize,
    pub(super) watch: Watch,
}

/// Is the server of a failed stage back?
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) asking: bool,
    pub(super) asked: Option<Duration>,
    /// Since when it answers, or why not.
    pub(super) found: Option<Result<Duration, Failure>>,
}

impl RunPage {
    pub(super) fn new(setup: &'static Setup, wanted: Vec<String>, skip: Vec<String>, now: Duration) -> Self {
        let order = setup.stage_abouts().into_iter().map(|about| about.id);
        let order = order.filter(|id| wanted.is_empty() || wanted.iter().any(|one| one == id)).collect();
        Self {
            setup,
            wanted,
            skip,
            order,
            state: RunState::default(),
            transcript: None,
            logs: StageLogs::new(titles(setup)),
            since: now,
            ended: None,
            refused: Vec::new(),
            stopping: false,
            broken_off: false,
            chosen: None,
            follow: true,
            scroll: 0,
            errors_only: false,
            search: Input::default(),
            search_open: false,
            cursor: 0,
            watch: Watch::default(),
        }
    }

    /// Takes in one event.
    pub(super) fn apply(&mut self, event: &Event, now: Duration) {
        self.state.apply(event);
        self.logs.apply(event);
        if let EventKind::Summary(summary) = &event.kind {
            self.ended = Some(now);
            if summary.status != status::SUCCESS {
                // The stage that failed, whatever was looked at meanwhile.
                self.chosen = None;
            }
        }
    }

    /// The stage whose log is shown.
    pub(super) fn shown(&self) -> usize {
        if let Some(chosen) = self.chosen {
            return chosen.min(self.order.len().saturating_sub(1));
        }
        let at = |id: StageId| self.order.iter().position(|known| *known == id).unwrap_or_default();
        let stopped = self.state.stages.iter().find(|stage| {
            matches!(stage.outcome, Some(Outcome::Cancelled { left: Some(_) }))
                && self.state.summary.is_some()
        });
        let failed = self.failed().map(|(id, _)| id).or(stopped.map(|stage| stage.stage)).map(at);
        let live = self.state.stages.iter().filter(|stage| stage.outcome.is_none());
        let live = live.map(|stage| at(stage.stage)).max();
        let last = self.state.stages.iter().map(|stage| at(stage.stage)).max();
        failed.or(live).or(last).unwrap_or_default()
    }

    pub(super) fn log(&self) -> Option<&Log> {
        self.logs.of(self.order.get(self.shown())?)
    }

    /// The numbers of the lines that are shown.
    pub(super) fn lines(&self) -> Vec<usize> {
        let Some(log) = self.log() else { return Vec::new() };
        let bad = |line: &Line| matches!(line.level, Tone::Warning | Tone::Error);
        let wanted = |(at, line): (usize, &Line)| (!self.errors_only || bad(line)).then_some(at);
        log.lines.iter().enumerate().filter_map(wanted).collect()
    }

    pub(super) fn outcome(&self, id: StageId) -> Option<&Outcome> {
        self.state.stages.iter().find(|stage| stage.stage == id)?.outcome.as_ref()
    }

    /// The stage that failed first.
    pub(super) fn failed(&self) -> Option<(StageId, &Failure)> {
        self.state.stages.iter().find_map(|stage| match &stage.outcome {
            Some(Outcome::Failed { failure, .. }) => Some((stage.stage, failure)),
            _ => None,
        })
    }

    /// It ended, and not well.
    pub(super) fn has_failed(&self) -> bool {
        !self.refused.is_empty() || self.state.summary.as_ref().is_some_and(|summary| summary.status != 0)
    }

    /// What to tell first about a run that did not end well.
    pub(super) fn failure(&self) -> Option<&Failure> {
        let told = self.failed().map(|(_, failure)| failure);
        let summary = self.state.summary.as_ref();
        told.or(self.refused.first()).or_else(|| summary.and_then(|summary| summary.failures.first()))
    }

    /// Nobody waits for its end any more: that is its end.
    pub(super) fn break_off(&mut self, name: &str, status: u8, now: Timestamp) {
        let summary = broken_off(&self.state, name, Operation::Run, status, self.transcript.clone());
        self.broken_off = true;
        self.state.apply(&Event::at(now, EventKind::Summary(summary)));
    }

    /// Something moves.
    pub(super) fn is_live(&self) -> bool {
        (self.state.summary.is_none() && self.refused.is_empty()) || self.has_failed()
    }

    pub(super) fn count(&self, wanted: impl Fn(&Outcome) -> bool) -> usize {
        self.order.iter().filter(|id| self.outcome(id).is_some_and(&wanted)).count()
    }

    /// Stages that a person left out after they had failed, with those that need them.
    pub(super) fn left_out(&self) -> Vec<StageId> {
        self.order.iter().copied().filter(|id| self.skip.iter().any(|skipped| skipped == id)).collect()
    }

    pub(super) fn done(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Changed(_) | Outcome::Unchanged { .. }))
    }

    /// What the window's title says.
    pub(super) fn title(&self) -> String {
        let total = self.order.len();
        let stage = self.order.get(self.shown()).map_or("", |id| self.setup.stage_title(id));
        match &self.state.summary {
            Some(summary) if summary.status == 0 => "Done".to_owned(),
            Some(_) => format!("Failed: {stage}"),
            None if !self.refused.is_empty() => "Not started".to_owned(),
            None => format!("{}/{total} {stage}", self.done()),
        }
    }
}

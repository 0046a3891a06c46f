//! The page of a run: the one reducer of events, and bounded logs to look at.

use std::time::Duration;

use jiff::Timestamp;
use tui_input::Input;

use crate::{
    failure::Failure,
    report::{Log, RunState, StageLogs},
    session::{Operation, Setup, broken_off},
    workflow::{Event, EventKind, Outcome, StageId, StageState, Summary},
};

/// The page.
pub(super) struct RunPage {
    pub(super) setup: &'static Setup,
    /// The stages that were asked for; empty means all.
    pub(super) wanted: Vec<StageId>,
    pub(super) skip: Vec<StageId>,
    /// What a person has confirmed, where one has.
    pub(super) confirmed: Option<Vec<StageState>>,
    /// It puts back what an earlier run wrote.
    pub(super) is_undo: bool,
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
    /// Where the cursor stands once it has ended.
    pub(super) focus: Focus,
    /// The log of a stage stands in the place of what is shown below the stages.
    pub(super) log_open: bool,
    pub(super) receipt_scroll: usize,
    /// When its first event came.
    pub(super) began: Option<Timestamp>,
    pub(super) watch: Watch,
}

/// What the cursor stands on in a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    /// A stage, whose log can be opened.
    Stage(usize),
    /// One of the things that can be done.
    Choice(usize),
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
    pub(super) fn new(
        setup: &'static Setup,
        wanted: Vec<StageId>,
        skip: Vec<StageId>,
        confirmed: Option<Vec<StageState>>,
        now: Duration,
    ) -> Self {
        let order = setup.stage_abouts().into_iter().map(|about| about.id);
        let order = order.filter(|id| wanted.is_empty() || wanted.contains(id)).collect();
        Self {
            setup,
            wanted,
            skip,
            confirmed,
            is_undo: false,
            order,
            state: RunState::default(),
            transcript: None,
            logs: StageLogs::new(setup.stage_titles()),
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
            focus: Focus::Choice(0),
            log_open: false,
            receipt_scroll: 0,
            began: None,
            watch: Watch::default(),
        }
    }

    /// Takes in one event.
    pub(super) fn apply(&mut self, event: &Event, now: Duration) {
        self.began.get_or_insert(event.time);
        self.state.apply(event);
        self.logs.apply(event);
        if matches!(event.kind, EventKind::Summary(_)) {
            self.ended = Some(now);
            // The stage that failed, whatever was looked at meanwhile.
            self.chosen = None;
        }
    }

    /// What a person has confirmed still holds as long as nothing was written; what is left of a half-written plan is
    /// planned anew.
    pub(super) fn still_confirmed(&self) -> Option<Vec<StageState>> {
        let wrote = self.state.summary.as_ref().is_some_and(Summary::wrote);
        self.confirmed.clone().filter(|_| !wrote)
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
        let failed = self.state.failed().map(|(id, _)| id).or(stopped.map(|stage| stage.stage)).map(at);
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
        self.log().map(|log| log.places(self.errors_only)).unwrap_or_default()
    }

    /// It ended, and not well.
    pub(super) fn has_failed(&self) -> bool {
        !self.refused.is_empty() || self.state.summary.as_ref().is_some_and(|summary| summary.status != 0)
    }

    /// What a run that did not end well has to tell, the most important first.
    pub(super) fn failures(&self) -> Vec<Failure> {
        let mut all: Vec<Failure> =
            self.state.failed().map(|(_, failure)| failure.clone()).into_iter().collect();
        for failure in self.refused.iter().chain(self.state.failures()) {
            if !all.contains(failure) {
                all.push(failure.clone());
            }
        }
        all
    }

    /// Nobody waits for its end any more: that is its end.
    pub(super) fn break_off(&mut self, name: &str, status: u8, now: Timestamp) {
        let failure = broken_off(Operation::Run);
        let summary = self.state.broken_off(name, status, failure, self.transcript.clone());
        self.broken_off = true;
        self.state.apply(&Event::at(now, EventKind::Summary(summary)));
    }

    /// Something moves.
    pub(super) fn is_live(&self) -> bool {
        (self.state.summary.is_none() && self.refused.is_empty()) || self.has_failed()
    }

    /// Stages that a person left out after they had failed, with those that need them.
    pub(super) fn left_out(&self) -> Vec<StageId> {
        self.order.iter().copied().filter(|id| self.skip.contains(id)).collect()
    }

    /// The variables that name the files which this run wrote, or found as they should be.
    pub(super) fn files(&self) -> Vec<&'static str> {
        if self.is_undo {
            return Vec::new();
        }
        let is_done = |id: &StageId| self.state.outcome(id).is_some_and(Outcome::is_done);
        let done: Vec<StageId> = self.order.iter().copied().filter(is_done).collect();
        self.setup.files_of(&done)
    }

    /// In which state everything is.
    pub(super) fn left(&self) -> String {
        self.state.left(&self.setup.stage_titles())
    }

    /// What the window's title says.
    pub(super) fn title(&self) -> String {
        let total = self.order.len();
        let stage = self.order.get(self.shown()).map_or("", |id| self.setup.stage_title(id));
        match &self.state.summary {
            Some(summary) if summary.status == 0 && self.left_out().is_empty() => "Done".to_owned(),
            Some(summary) if summary.status == 0 => "Done in part".to_owned(),
            Some(_) => format!("Failed: {stage}"),
            None if !self.refused.is_empty() => "Not started".to_owned(),
            None => format!("{}/{total} {stage}", self.state.done()),
        }
    }
}

//! The run, its failure, and what there is to do once it is done.

use std::time::Duration;

use crate::{
    failure::status,
    frontend::{
        tui::{
            app::{App, Overlay, Page},
            keymap::Action,
            msg::{Effect, Survey},
            running::{Focus, RunPage},
            theme::Sign,
        },
        wizard::first_of,
    },
    report::Log,
    workflow::{StageId, StageState},
};

use super::moved;

/// How often the server of a failed stage is asked again.
const WATCH: Duration = Duration::from_secs(2);

impl App {
    /// Runs these stages, or all, but for some; as it was confirmed, where somebody has.
    pub(super) fn start_run(
        &mut self,
        stages: Vec<StageId>,
        skip: Vec<StageId>,
        confirmed: Option<Vec<StageState>>,
    ) {
        if self.is_running() {
            return;
        }
        if skip.is_empty() {
            self.round.passed_over = None;
        }
        self.round.status = status::SUCCESS;
        self.last_transcript = self.transcript().map(str::to_owned);
        self.run = Some(RunPage::new(self.setup, stages.clone(), skip.clone(), confirmed.clone(), self.now));
        if self.page != Page::Run {
            self.trail.push(self.page);
        }
        self.page = Page::Run;
        self.overlay = None;
        let answers = Box::new(self.answers.clone());
        self.want(Effect::Run { stages, skip, confirmed, answers, overwrite: self.overwrite });
    }

    /// Shows what the last run wrote, to be put back.
    pub(super) fn look_at_undo(&mut self) {
        self.alone.result = None;
        self.overlay = Some(Overlay::Undo { scroll: 0 });
        self.look_at(Survey::Undo, self.overwrite);
    }

    /// Puts back what is on the screen.
    pub(super) fn undo(&mut self) {
        let states = self.alone.stages().to_vec();
        let obstacle = match &self.alone.result {
            None => Some("the servers are still being looked at".to_owned()),
            Some(Err(problems)) => Some(first_of(problems).unwrap_or_default()),
            Some(Ok(states)) => states.iter().find_map(|state| Some(state.failure.as_ref()?.what.clone())),
        };
        if let Some(obstacle) = obstacle {
            return self.say(Sign::Warning, format!("w is off: {obstacle}"));
        }
        if states.iter().all(|state| state.changes().is_empty()) {
            return self.say(Sign::Warning, "w is off: there is nothing to put back");
        }
        if self.is_running() {
            return;
        }
        let stages: Vec<StageId> = states.iter().map(|state| state.stage).collect();
        self.last_transcript = self.transcript().map(str::to_owned);
        let page = RunPage::new(self.setup, stages, Vec::new(), Some(states.clone()), self.now);
        self.run = Some(RunPage { is_undo: true, ..page });
        if self.page != Page::Run {
            self.trail.push(self.page);
        }
        self.round.passed_over = None;
        self.round.status = status::SUCCESS;
        self.page = Page::Run;
        self.overlay = None;
        self.want(Effect::Undo(states, Box::new(self.answers.clone())));
    }

    pub(super) fn run_key(&mut self, action: Action) {
        if self.run.as_ref().is_some_and(|run| run.has_ended() && !run.log_open) {
            return self.receipt_key(action);
        }
        let rows = usize::from(self.size.1.saturating_sub(14)).max(1);
        let Some(run) = &mut self.run else { return };
        match action {
            Action::Next if run.search_open => {
                run.search_open = false;
                run.find(true, rows);
            }
            Action::Back if run.search_open => {
                run.search_open = false;
                run.search.reset();
            }
            _ if run.search_open => {}
            Action::Follow => run.follow = true,
            Action::View => {
                run.errors_only = !run.errors_only;
                run.follow = true;
            }
            Action::PageUp => run.scroll_by(rows, true, rows),
            Action::PageDown => run.scroll_by(rows, false, rows),
            Action::Search => {
                run.search.reset();
                run.search_open = true;
            }
            Action::NextHit => run.find(true, rows),
            Action::PreviousHit => run.find(false, rows),
            Action::Save => self.save_log(),
            Action::Copy => self.copy_log(),
            Action::Up | Action::Down | Action::First | Action::Last => {
                let at = moved(run.shown(), run.order.len(), action, 1);
                run.chosen = Some(at);
                run.follow = true;
            }
            // From its log back to the receipt.
            Action::Next | Action::Back if run.has_ended() => {
                run.focus = Focus::Stage(run.shown());
                (run.log_open, run.chosen) = (false, None);
            }
            Action::Back => self.say(Sign::Warning, "Stages are running; ^C stops them"),
            _ => {}
        }
    }

    /// While a failure stands, its server is asked every other second.
    pub(super) fn watch(&mut self) {
        let now = self.now;
        if self.page != Page::Run {
            return;
        }
        let failed = self.run.as_ref().and_then(|run| run.state.failed());
        let Some(section) = failed.and_then(|(_, failure)| self.section_of_server(failure)) else { return };
        let Some(run) = &mut self.run else { return };
        let due = run.watch.asked.is_none_or(|asked| now.saturating_sub(asked) >= WATCH);
        if run.state.summary.is_none() || run.watch.asking || !due {
            return;
        }
        run.watch.asking = true;
        run.watch.asked = Some(now);
        self.want(Effect::Watch(section, Box::new(self.answers.clone())));
    }

    fn save_log(&mut self) {
        let Some(run) = &self.run else { return };
        if let Some(stage) = run.order.get(run.shown()) {
            self.want(Effect::SaveLog(stage, run.log().map(Log::text).unwrap_or_default()));
        }
    }

    fn copy_log(&mut self) {
        let Some(run) = &self.run else { return };
        let text = run.log().map(Log::text).unwrap_or_default();
        self.say(Sign::Done, "The log was sent to your terminal");
        self.want(Effect::Copy(text));
    }
}

impl RunPage {
    /// The first line that is shown, counted among the lines that are shown.
    pub(in crate::frontend::tui) fn top(&self, rows: usize) -> usize {
        let last = self.lines().len().saturating_sub(rows);
        if self.follow { last } else { self.scroll.min(last) }
    }

    fn scroll_by(&mut self, by: usize, back: bool, rows: usize) {
        let top = self.top(rows);
        let last = self.lines().len().saturating_sub(rows);
        self.scroll = if back { top.saturating_sub(by) } else { (top + by).min(last) };
        self.follow = self.scroll == last;
    }

    /// Goes to the next line with what is searched for, round the end.
    fn find(&mut self, forward: bool, rows: usize) {
        let wanted = self.search.value().to_lowercase();
        let shown = self.lines();
        let Some(log) = self.log().filter(|_| !wanted.is_empty()) else { return };
        let hits: Vec<usize> = shown
            .iter()
            .enumerate()
            .filter(|(_, line)| {
                log.lines.get(**line).is_some_and(|line| line.text.to_lowercase().contains(&wanted))
            })
            .map(|(at, _)| at)
            .collect();
        let here = self.top(rows);
        let next = if forward {
            hits.iter().find(|at| **at > here).or(hits.first())
        } else {
            hits.iter().rev().find(|at| **at < here).or(hits.last())
        };
        if let Some(at) = next {
            self.scroll = *at;
            self.follow = false;
        }
    }
}

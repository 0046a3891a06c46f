//! The run, its failure, and what there is to do once it is done.

use std::time::Duration;

use crate::{
    failure::status,
    frontend::{
        tui::{
            app::{App, Overlay, Page, Reading},
            keymap::Action,
            msg::{Effect, Errand, Survey},
            running::RunPage,
            theme::Sign,
        },
        wizard::{
            credentials, first_of,
            run::{Ending, Remedy, passed_over},
        },
    },
    guide::files,
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
        let rows = usize::from(self.size.1.saturating_sub(6)).max(1);
        let failed = self.run.as_ref().is_some_and(RunPage::has_failed);
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
            Action::Transcript => self.read_transcript(),
            Action::Undo if failed => self.look_at_undo(),
            Action::Remarks if failed => {
                let failures = run.failures();
                self.read(Reading::Problems(failures));
            }
            Action::Next if failed => self.do_remedy(),
            Action::Up | Action::Down | Action::First | Action::Last if failed => {
                let count = self.remedies().len();
                if let Some(run) = &mut self.run {
                    run.cursor = moved(run.cursor, count, action, 1);
                }
            }
            Action::Up | Action::Down | Action::First | Action::Last => {
                let at = moved(run.shown(), run.order.len(), action, 1);
                run.chosen = Some(at);
                run.follow = true;
            }
            Action::Back if failed => self.back(),
            Action::Back => self.say(Sign::Warning, "Stages are running; ^C stops them"),
            _ => {}
        }
    }

    /// What is left out when the stage that failed is passed over.
    pub(in crate::frontend::tui) fn passed_over(&self) -> Option<Vec<StageId>> {
        let run = self.run.as_ref().filter(|run| !run.is_undo)?;
        passed_over(self.setup, &run.state, &run.order, &run.skip)
    }

    /// What can be done after a failure.
    pub(in crate::frontend::tui) fn remedies(&self) -> Vec<Remedy> {
        let Some(run) = &self.run else { return Vec::new() };
        Remedy::all(&run.state, self.passed_over().is_some())
    }

    fn do_remedy(&mut self) {
        let Some(run) = &self.run else { return };
        let (wanted, mut skip) = (run.wanted.clone(), run.skip.clone());
        let (confirmed, is_undo) = (run.still_confirmed(), run.is_undo);
        match self.remedies().get(run.cursor) {
            // What is left of it is looked at first.
            Some(Remedy::Again | Remedy::Look) if is_undo => self.look_at_undo(),
            Some(Remedy::Again) => self.start_run(wanted, skip, confirmed),
            Some(Remedy::Change) => self.back_to_review(),
            Some(Remedy::Look) if !wanted.is_empty() => {
                self.back_to_review();
                self.go(Page::Menu);
            }
            Some(Remedy::Look) => {
                self.back_to_review();
                self.check_again();
            }
            Some(Remedy::Skip) => {
                skip.extend(self.passed_over().into_iter().flatten());
                self.round.passed_over = Some(self.round.status);
                self.start_run(wanted, skip, confirmed);
            }
            Some(Remedy::Leave) => self.quit(self.round.status),
            None => {}
        }
    }

    fn back_to_review(&mut self) {
        self.trail = vec![Page::Home];
        self.go(Page::Review);
        self.trail.truncate(1);
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

    fn read_transcript(&mut self) {
        let transcript = self.run.as_ref().and_then(|run| run.state.summary.as_ref()?.transcript.clone());
        match transcript {
            Some(path) => self.want(Effect::Away(Errand::Read(path.into()))),
            None => self.say(Sign::Warning, "The transcript is named once the run has ended"),
        }
    }

    /// What can be done at the end.
    pub(in crate::frontend::tui) fn endings(&self) -> Vec<Ending> {
        let is_whole = self.run.as_ref().is_none_or(|run| run.left_out().is_empty() && !run.is_undo);
        let again = (!is_whole).then_some(Ending::Review);
        let made = self.run.as_ref().is_some_and(|run| run.files().contains(&files::CREDENTIALS));
        let keys = credentials(&self.answers).filter(|_| made).map(|_| Ending::Keypairs);
        again.into_iter().chain(keys).chain([Ending::Stage, Ending::Undo, Ending::Leave]).collect()
    }

    pub(super) fn done_key(&mut self, action: Action) {
        let endings = self.endings();
        match action {
            Action::Next => match endings.get(self.done_cursor) {
                Some(Ending::Keypairs) => {
                    self.effects.extend(credentials(&self.answers).map(Effect::ReadKeypairs));
                }
                Some(Ending::Stage) => self.go(Page::Menu),
                Some(Ending::Undo) => self.look_at_undo(),
                Some(Ending::Review) => self.back_to_review(),
                Some(Ending::Leave) | None => self.quit(self.round.status),
            },
            Action::Back => self.back_to_review(),
            Action::Transcript => self.read_transcript(),
            Action::Undo => self.look_at_undo(),
            Action::Copy => {
                if let Some(command) = self.next_command() {
                    self.say(Sign::Done, "The next command was sent to your terminal");
                    self.want(Effect::Copy(command));
                }
            }
            _ => self.done_cursor = moved(self.done_cursor, endings.len(), action, 1),
        }
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

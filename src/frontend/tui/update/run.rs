//! The run, its failure, and what there is to do once it is done.

use std::time::Duration;

use crate::{
    failure::status,
    frontend::{
        tui::{
            app::{App, Page},
            keymap::Action,
            msg::{Effect, Errand},
            pages::Remedy,
            running::RunPage,
            theme::Sign,
        },
        wizard::credentials,
    },
    report::Tone,
};

use super::moved;

/// How often the server of a failed stage is asked again.
const WATCH: Duration = Duration::from_secs(2);

impl App {
    pub(super) fn start_run(&mut self, stages: Vec<String>, skip: Vec<String>) {
        if self.is_running() {
            return;
        }
        if skip.is_empty() {
            self.round.passed_over = None;
        }
        self.round.status = status::SUCCESS;
        self.run = Some(RunPage::new(self.setup, stages.clone(), skip.clone(), self.now));
        if self.page != Page::Run {
            self.trail.push(self.page);
        }
        self.page = Page::Run;
        self.overlay = None;
        let answers = Box::new(self.answers.clone());
        self.want(Effect::Run { stages, skip, answers, overwrite: self.overwrite });
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

    /// What can be done after a failure.
    pub(in crate::frontend::tui) fn remedies(&self) -> Vec<Remedy> {
        let stage_failed = self.run.as_ref().is_some_and(|run| run.failed().is_some());
        let skip = stage_failed.then_some(Remedy::Skip);
        [Remedy::Again, Remedy::Change].into_iter().chain(skip).chain([Remedy::Leave]).collect()
    }

    fn do_remedy(&mut self) {
        let Some(run) = &self.run else { return };
        let (wanted, mut skip) = (run.wanted.clone(), run.skip.clone());
        match self.remedies().get(run.cursor) {
            Some(Remedy::Again) => self.start_run(wanted, skip),
            Some(Remedy::Change) => self.back_to_review(),
            Some(Remedy::Skip) => {
                if let Some((failed, _)) = run.failed() {
                    skip.extend(
                        std::iter::once(failed)
                            .chain(self.setup.dependents(failed, &run.order))
                            .map(str::to_owned),
                    );
                }
                let left = run.order.iter().any(|id| !skip.iter().any(|skipped| skipped == id));
                if !left {
                    return self.say(Sign::Warning, "Nothing is left to run without it");
                }
                self.round.passed_over = Some(self.round.status);
                self.start_run(wanted, skip);
            }
            Some(Remedy::Leave) => self.quit(self.round.status),
            None => {}
        }
    }

    fn back_to_review(&mut self) {
        self.trail = vec![Page::Welcome];
        self.go(Page::Review);
        self.trail.truncate(1);
    }

    /// While a failure stands, its server is asked every other second.
    pub(super) fn watch(&mut self) {
        let now = self.now;
        if self.page != Page::Run {
            return;
        }
        let failed = self.run.as_ref().and_then(RunPage::failed);
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
            self.want(Effect::SaveLog(stage, run.text()));
        }
    }

    fn copy_log(&mut self) {
        let Some(text) = self.run.as_ref().map(RunPage::text) else { return };
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
    pub(in crate::frontend::tui) fn endings(&self) -> Vec<&'static str> {
        let left_out = self.run.as_ref().map(RunPage::left_out).unwrap_or_default();
        let made = self.run.as_ref().is_some_and(|run| run.order.contains(&"populate-fixtures"));
        let again = (!left_out.is_empty()).then_some("Back to the review");
        let keys = credentials(&self.answers).filter(|_| made && !left_out.contains(&"populate-fixtures"));
        let keys = keys.map(|_| "Show the keypairs");
        again.into_iter().chain(keys).chain(["Run a single stage", "Leave"]).collect()
    }

    pub(super) fn done_key(&mut self, action: Action) {
        let endings = self.endings();
        match action {
            Action::Next => match endings.get(self.done_cursor).copied() {
                Some("Show the keypairs") => {
                    credentials(&self.answers)
                        .into_iter()
                        .for_each(|path| self.want(Effect::ReadKeypairs(path)));
                }
                Some("Run a single stage") => self.go(Page::Menu),
                Some("Back to the review") => self.back_to_review(),
                _ => self.quit(self.round.status),
            },
            Action::Back => self.back_to_review(),
            Action::Transcript => self.read_transcript(),
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

    /// The log as text.
    pub(in crate::frontend::tui) fn text(&self) -> String {
        let Some(log) = self.log() else { return String::new() };
        let mut text = String::new();
        if log.dropped > 0 {
            text.push_str(&format!("{} earlier lines are in the transcript\n", log.dropped));
        }
        for line in &log.lines {
            let sign = match line.level {
                Tone::Warning => "! ",
                Tone::Error => "X ",
                Tone::Info | Tone::Good => "",
            };
            text.push_str(&format!("+{:.3} {sign}{}\n", line.after.as_secs_f64(), line.text));
        }
        text
    }
}

//! What can be done once a run has ended, whichever way.

use crate::frontend::{
    tui::{
        app::{App, Page, Reading},
        keymap::Action,
        msg::{Effect, Errand},
        running::{Focus, RunPage},
        theme::Sign,
    },
    wizard::{
        credentials,
        run::{Ending, Remedy, passed_over},
    },
};
use crate::{guide::files, workflow::StageId};

impl App {
    pub(super) fn receipt_key(&mut self, action: Action) {
        match action {
            Action::Next => self.do_focused(),
            Action::Back => self.leave_receipt(),
            Action::Transcript => self.read_transcript(),
            Action::Undo => self.look_at_undo(),
            Action::Copy => self.copy_receipt(),
            Action::Remarks => {
                let failures = self.run.as_ref().map(RunPage::failures).unwrap_or_default();
                match failures.is_empty() {
                    true => self.say(Sign::Done, "There is no problem"),
                    false => self.read(Reading::Problems(failures)),
                }
            }
            Action::PageUp | Action::PageDown => {
                let (last, seen) = self.receipt_extent();
                if let Some(run) = &mut self.run {
                    run.receipt_scroll = super::moved(run.receipt_scroll, last + 1, action, seen);
                }
            }
            action => self.move_focus_of_run(action),
        }
    }

    /// Stages stand above the choices; the cursor goes over both.
    fn move_focus_of_run(&mut self, action: Action) {
        let count = self.receipt_choices().len();
        let Some(run) = &mut self.run else { return };
        let stages = if run.refused.is_empty() { run.order.len() } else { 0 };
        let at = match run.focus {
            Focus::Stage(at) => at,
            Focus::Choice(at) => stages + at,
        };
        let at = super::moved(at, stages + count, action, 1);
        run.focus = if at < stages { Focus::Stage(at) } else { Focus::Choice(at - stages) };
        run.receipt_scroll = 0;
    }

    /// What can be done, each with what comes of it.
    pub(in crate::frontend::tui) fn receipt_choices(&self) -> Vec<(&'static str, String)> {
        let Some(run) = &self.run else { return Vec::new() };
        if run.has_failed() {
            let words = |remedy: Remedy| (remedy.title(), self.remedy_words(run, remedy));
            return self.remedies().into_iter().map(words).collect();
        }
        self.endings().into_iter().map(|ending| (ending.title(), String::new())).collect()
    }

    fn do_focused(&mut self) {
        let Some(run) = &mut self.run else { return };
        let at = match run.focus {
            Focus::Choice(at) => at,
            Focus::Stage(at) => {
                run.chosen = Some(at);
                (run.log_open, run.follow) = (true, true);
                return;
            }
        };
        if run.has_failed() {
            return self.do_remedy(at);
        }
        match self.endings().get(at) {
            Some(Ending::Keypairs) => {
                self.effects.extend(credentials(&self.answers).map(Effect::ReadKeypairs));
            }
            Some(Ending::Stage) => self.go(Page::Menu),
            Some(Ending::Undo) => self.look_at_undo(),
            Some(Ending::Review) => self.back_to_review(),
            Some(Ending::Leave) | None => self.quit(self.round.status),
        }
    }

    fn leave_receipt(&mut self) {
        match self.run.as_ref().is_some_and(RunPage::has_failed) && !self.trail.is_empty() {
            true => self.back(),
            false => self.back_to_review(),
        }
    }

    /// What is left out when the stage that failed is passed over.
    pub(in crate::frontend::tui) fn passed_over(&self) -> Option<Vec<StageId>> {
        let run = self.run.as_ref().filter(|run| !run.is_undo)?;
        passed_over(self.setup, &run.state, &run.order, &run.skip)
    }

    /// What can be done after a failure.
    fn remedies(&self) -> Vec<Remedy> {
        let Some(run) = &self.run else { return Vec::new() };
        Remedy::all(&run.state, self.passed_over().is_some())
    }

    fn do_remedy(&mut self, at: usize) {
        let Some(run) = &self.run else { return };
        let (wanted, mut skip) = (run.wanted.clone(), run.skip.clone());
        let (confirmed, is_undo) = (run.still_confirmed(), run.is_undo);
        match self.remedies().get(at) {
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

    /// What can be done at the end.
    fn endings(&self) -> Vec<Ending> {
        let is_whole = self.run.as_ref().is_none_or(|run| run.left_out().is_empty() && !run.is_undo);
        let again = (!is_whole).then_some(Ending::Review);
        let made = self.run.as_ref().is_some_and(|run| run.files().contains(&files::CREDENTIALS));
        let keys = credentials(&self.answers).filter(|_| made).map(|_| Ending::Keypairs);
        again.into_iter().chain(keys).chain([Ending::Stage, Ending::Undo, Ending::Leave]).collect()
    }

    fn read_transcript(&mut self) {
        match self.transcript().map(str::to_owned) {
            Some(path) => self.want(Effect::Away(Errand::Read(path.into()))),
            None => self.say(Sign::Warning, "No transcript was begun"),
        }
    }

    /// Copies the next command, else the receipt itself.
    fn copy_receipt(&mut self) {
        let (what, text) = match self.next_command() {
            Some(command) => ("The next command was", command),
            None => ("The receipt was", self.farewell().join("\n")),
        };
        self.say(Sign::Done, format!("{what} sent to your terminal"));
        self.want(Effect::Copy(text));
    }
}

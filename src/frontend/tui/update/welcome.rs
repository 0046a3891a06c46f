//! The first page: where are the servers?

use std::path::PathBuf;

use tui_input::Input;

use crate::{
    devstack::Beside,
    frontend::tui::{
        app::{App, Choice, Page},
        keymap::Action,
        msg::Effect,
        theme::Sign,
    },
};

use super::moved;

impl App {
    pub(super) fn welcome_key(&mut self, action: Action) {
        if self.welcome.path.is_some() {
            return self.path_key(action);
        }
        // While the development stack starts there is nothing to choose.
        if self.welcome.starting.is_some() {
            return;
        }
        let choices = self.choices();
        match action {
            Action::Next => {
                self.welcome.failures.clear();
                match choices.get(self.welcome.cursor) {
                    Some(Choice::Continue) => self.go_on(),
                    Some(Choice::Development) => self.start_development(),
                    Some(Choice::Beside(beside)) => self.start_stack(*beside),
                    Some(Choice::Servers) => self.go(Page::Section(0)),
                    Some(Choice::File) => self.welcome.path = Some(Input::new("answers.yml".into())),
                    None => {}
                }
            }
            Action::Back => self.say(Sign::NotNeeded, "This is the first page; q leaves"),
            _ => self.welcome.cursor = moved(self.welcome.cursor, choices.len(), action, choices.len()),
        }
    }

    fn start_development(&mut self) {
        if self.welcome.look.as_ref().is_some_and(|look| look.obstacle.is_some()) {
            // It may be out of the way by now. What is shown stays until then, or keys would meet other choices.
            self.say(Sign::UnderWay, "Looking at localhost again");
            self.welcome.looks_again = true;
            return self.want(Effect::Look);
        }
        self.start_stack(Beside::default());
    }

    fn start_stack(&mut self, beside: Beside) {
        self.welcome.starting = Some(Vec::new());
        self.want(Effect::StartStack(beside));
    }

    /// Takes an earlier round up where it was left.
    fn go_on(&mut self) {
        let Some(unfinished) = &self.unfinished else { return };
        self.answers = unfinished.answers(&self.answers);
        self.round.changed = true;
        self.refill();
        let Some(unfinished) = &self.unfinished else { return };
        let missing = (0..self.forms.len()).find(|at| !self.is_complete(*at));
        let page = unfinished.section(&self.sections(), missing).map_or(Page::Review, Page::Section);
        if let Page::Section(at) = page {
            for before in 0..at {
                self.visited.insert(before);
                self.trail.push(Page::Section(before));
                self.probe(before, false);
            }
        }
        let trail = std::mem::take(&mut self.trail);
        self.go(page);
        self.trail = std::iter::once(Page::Welcome).chain(trail).collect();
        self.focus_wanting();
    }

    fn path_key(&mut self, action: Action) {
        match action {
            Action::Next => {
                let path = self.welcome.path.as_ref().map(|input| input.value().trim());
                if let Some(path) = path.filter(|path| !path.is_empty()).map(PathBuf::from) {
                    self.want(Effect::Load(path));
                }
            }
            Action::Back => {
                self.welcome.path = None;
                self.welcome.failures.clear();
            }
            _ => {}
        }
    }
}

//! The first page: where are the servers?

use std::path::PathBuf;

use tui_input::Input;

use crate::devstack::Beside;
use crate::frontend::tui::{
    app::{App, Choice, Page},
    keymap::Action,
    msg::Effect,
    theme::Sign,
};

use super::moved;

/// Said while something that was in the way is looked at once more.
pub(super) const LOOKING_AGAIN: &str = "Looking at localhost again";

impl App {
    pub(super) fn welcome_key(&mut self, action: Action) -> Vec<Effect> {
        if self.welcome.path.is_some() {
            return self.path_key(action);
        }
        // While the development stack starts there is nothing to choose.
        if self.welcome.starting.is_some() {
            return Vec::new();
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
                    Some(Choice::File) => {
                        self.welcome.path = Some(Input::new("answers.yml".into()));
                        Vec::new()
                    }
                    None => Vec::new(),
                }
            }
            Action::Back => {
                self.say(Sign::NotNeeded, "This is the first page; q leaves");
                Vec::new()
            }
            _ => {
                self.welcome.cursor = moved(self.welcome.cursor, choices.len(), action, choices.len());
                Vec::new()
            }
        }
    }

    fn start_development(&mut self) -> Vec<Effect> {
        if self.welcome.look.as_ref().is_some_and(|look| look.obstacle.is_some()) {
            // It may be out of the way by now. What is shown stays until then, or keys would meet other choices.
            self.say(Sign::UnderWay, LOOKING_AGAIN);
            return vec![Effect::Look];
        }
        self.start_stack(Beside::default())
    }

    fn start_stack(&mut self, beside: Beside) -> Vec<Effect> {
        self.welcome.starting = Some(Vec::new());
        vec![Effect::StartStack(beside)]
    }

    /// Takes an earlier round up where it was left.
    fn go_on(&mut self) -> Vec<Effect> {
        let Some(unfinished) = &self.unfinished else { return Vec::new() };
        let mut answers = unfinished.answers.clone();
        answers.take_flags_of(&self.answers);
        self.answers = answers;
        self.answers.state_version();
        let page = Page::by_id(self.setup.guide, &unfinished.page);
        self.changed = true;
        self.refill();
        let mut effects = Vec::new();
        // A secret is not kept: that page comes first.
        let missing = (0..self.forms.len()).find(|at| !self.is_complete(*at));
        let page = match (page, missing) {
            (Page::Section(at), Some(missing)) => Page::Section(at.min(missing)),
            (Page::Section(at), None) => Page::Section(at),
            (_, Some(missing)) => Page::Section(missing),
            (page, None) => page,
        };
        if let Page::Section(at) = page {
            for before in 0..at {
                self.visited.insert(before);
                self.trail.push(Page::Section(before));
                effects.extend(self.probe(before, false));
            }
        }
        let trail = std::mem::take(&mut self.trail);
        effects.extend(self.go(page));
        self.trail = std::iter::once(Page::Welcome).chain(trail).collect();
        self.focus_wanting();
        effects
    }

    fn path_key(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Next => {
                let path = self.welcome.path.as_ref().map(|input| input.value().trim().to_owned());
                match path {
                    Some(path) if !path.is_empty() => vec![Effect::Load(PathBuf::from(path))],
                    _ => Vec::new(),
                }
            }
            Action::Back => {
                self.welcome.path = None;
                self.welcome.failures.clear();
                Vec::new()
            }
            _ => Vec::new(),
        }
    }
}

//! The development setup: straight to its review, unless something is in the way.

use crate::{
    devstack::{Beside, Look, Stack},
    failure::{Code, Failure},
    frontend::tui::{
        app::{App, Page},
        development::Way,
        keymap::Action,
        msg::Effect,
        theme::Sign,
    },
    guide::{Answers, Origin, database},
};

use super::moved;

impl App {
    /// Looks who is there before anything is started.
    pub(super) fn look_at_development(&mut self) {
        if self.dev.starting.is_some() || self.dev.is_looking {
            return;
        }
        self.dev.failure = None;
        self.dev.is_looking = true;
        self.want(Effect::Look);
    }

    /// With nothing in the way it starts; else the page of it tells what is, and what can be done.
    pub(super) fn looked(&mut self, look: Look) {
        let was_here = self.page == Page::Development;
        let is_clear = look.obstacle.is_none();
        self.dev.take(look);
        if is_clear {
            return self.start_stack(Beside::default());
        }
        if was_here {
            self.say(Sign::Warning, "It is still in the way");
        } else if self.page == Page::Home && self.overlay.is_none() {
            self.go(Page::Development);
        }
    }

    fn start_stack(&mut self, beside: Beside) {
        self.dev.failure = None;
        self.dev.starting = Some(Vec::new());
        self.want(Effect::StartStack(beside, self.dev.own_password()));
    }

    pub(super) fn stack_is_up(&mut self, stack: Result<Stack, Failure>) {
        self.dev.starting = None;
        let is_awaited = matches!(self.page, Page::Home | Page::Development) && self.overlay.is_none();
        let stack = match stack {
            Ok(stack) => stack,
            Err(failure) => {
                self.dev.failure = Some(failure);
                if self.page == Page::Home && is_awaited {
                    self.go(Page::Development);
                }
                return;
            }
        };
        if !is_awaited {
            return self
                .say(Sign::Done, "The development servers run; `Development` on the first page leads on");
        }
        // Nothing of another setup counts here.
        let mut answers = Answers::new(self.setup.guide);
        answers.state_version();
        answers.take_flags_of(&self.home.flags);
        let mut problems = stack.fill(&self.surroundings.environment, &mut answers);
        if let Some(password) = self.dev.own_password() {
            problems.extend(answers.set(database::PASSWORD, password, Origin::Typed).err());
        }
        if let Some(problem) = problems.into_iter().next() {
            self.dev.failure = Some(problem);
            return self.go(Page::Development);
        }
        self.exchange(answers, Vec::new());
        self.development = true;
        self.trail = vec![Page::Home];
        self.go(Page::Review);
        self.trail.truncate(1);
    }

    pub(super) fn development_key(&mut self, action: Action) {
        let count = self.dev.ways().len();
        match action {
            Action::Back => self.back(),
            _ if self.dev.starting.is_some() || self.dev.is_looking => {}
            Action::Next => self.take_way(),
            Action::Reveal => self.dev.password.revealed = !self.dev.password.revealed,
            Action::Forward | Action::Backward => {
                self.dev.password.revealed = false;
                let action = if action == Action::Forward { Action::Down } else { Action::Up };
                self.dev.cursor = moved(self.dev.cursor, count, action, 1);
            }
            _ => {}
        }
    }

    fn take_way(&mut self) {
        match self.dev.way() {
            Some(Way::There) if self.dev.password.is_empty() => self.dev.password.complain(),
            Some(Way::Again) | None => {
                self.say(Sign::UnderWay, "Looking again");
                self.look_at_development();
            }
            Some(way) => {
                self.dev.decide(way);
                if !self.dev.is_decided() {
                    return;
                }
                match self.dev.beside() {
                    Ok(beside) => self.start_stack(beside),
                    Err(text) => {
                        let failure =
                            Failure::new(Code::DevPort, format!("`{}` is no port", text.escape_debug()));
                        self.dev.failure = Some(failure.remedy("give a number from 1 to 65535"));
                    }
                }
            }
        }
    }
}

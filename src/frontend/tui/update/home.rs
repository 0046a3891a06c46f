//! The first page: what was set up from here, and what else can be.

use std::path::PathBuf;

use tui_input::Input;

use crate::{
    failure::Failure,
    frontend::{
        tui::{
            app::{App, Ask, Overlay, Page, Probe, Reading},
            form::Field,
            keymap::Action,
            msg::Effect,
            theme::Sign,
        },
        wizard::{
            home::{Choice, Opened, Wish},
            start::Loaded,
        },
    },
    guide::Answers,
};

use super::moved;

impl App {
    pub(super) fn home_key(&mut self, action: Action) {
        if self.home.path.is_some() {
            return self.path_key(action);
        }
        if self.home.search_open {
            return self.home_search_key(action);
        }
        match action {
            Action::Next => self.choose(),
            Action::Search => self.home.search_open = true,
            Action::Menu => match self.home.focused().is_some() {
                true => self.open_target(Wish::Stages),
                false => {
                    self.take_own_back();
                    self.go(Page::Menu);
                }
            },
            Action::Undo if self.home.focused().is_some() => self.open_target(Wish::Undo),
            Action::Undo => {
                self.say(Sign::NotNeeded, "u undoes the last run of what stands in the upper list")
            }
            Action::Back if !self.home.search.value().is_empty() => self.clear_search(),
            Action::Back => self.say(Sign::NotNeeded, "This is the first page; q leaves"),
            _ => {
                let choices = self.home.choices();
                let page = self.home_rows().list.max(1);
                let at = moved(self.home.cursor(), choices.len(), action, page);
                self.home.at = choices.into_iter().nth(at).unwrap_or(Choice::Servers);
            }
        }
    }

    fn home_search_key(&mut self, action: Action) {
        match action {
            Action::Next => {
                self.home.search_open = false;
                self.home.settle();
            }
            Action::Back => self.clear_search(),
            _ => {}
        }
    }

    fn clear_search(&mut self) {
        self.home.search.reset();
        self.home.search_open = false;
        self.home.settle();
    }

    /// Does what the cursor stands on.
    fn choose(&mut self) {
        // What was begun for another choice is wanted no more.
        self.home.opening = None;
        match self.home.at.clone() {
            Choice::Continue => self.go_on(),
            Choice::Target(_) => self.open_target(Wish::Review),
            Choice::Servers => {
                self.take_own_back();
                self.go(Page::Section(0));
            }
            Choice::Development => self.look_at_development(),
            Choice::File => self.home.path = Some(Input::new("answers.yml".into())),
        }
    }

    /// Reads the answers of the target on which the cursor stands.
    fn open_target(&mut self, wish: Wish) {
        let Some(target) = self.home.focused() else { return };
        let (id, kept) = (target.id.clone(), target.target.clone());
        self.home.opening = Some((id.clone(), wish));
        let flags = Box::new(self.home.flags.clone());
        self.want(Effect::Open(id, Box::new(kept), flags));
    }

    /// The answers of a target were read, unless something else was chosen meanwhile.
    pub(super) fn opened(&mut self, id: &str, opened: Result<Opened, Vec<Failure>>) {
        let is_wanted = self.page == Page::Home && self.overlay.is_none();
        let Some((_, wish)) = self.home.opening.take_if(|(wanted, _)| wanted == id).filter(|_| is_wanted)
        else {
            return;
        };
        let Opened { answers, notices, asks } = match opened {
            Ok(opened) => opened,
            Err(problems) => return self.read(Reading::Problems(problems)),
        };
        self.exchange(answers, notices);
        self.ask(wish, asks);
    }

    /// Asks for the first of these secrets, or goes on where nothing is to be asked.
    fn ask(&mut self, wish: Wish, mut asks: Vec<&'static str>) {
        let Some(variable) =
            (!asks.is_empty()).then(|| asks.remove(0)).and_then(|key| self.setup.guide.variable(key))
        else {
            return self.fulfil(wish);
        };
        self.overlay = Some(Overlay::Ask(Ask { wish, later: asks, field: Field::empty(variable) }));
    }

    pub(super) fn ask_key(&mut self, action: Action) {
        let Some(Overlay::Ask(ask)) = &mut self.overlay else { return };
        match action {
            Action::Back => self.overlay = None,
            Action::Reveal => ask.field.revealed = !ask.field.revealed,
            Action::Next if ask.field.is_empty() && ask.field.is_required() => ask.field.complain(),
            Action::Next => {
                ask.field.judge(&mut self.answers);
                if ask.field.error.is_some() {
                    return;
                }
                let (wish, later) = (ask.wish, std::mem::take(&mut ask.later));
                self.overlay = None;
                self.refill();
                self.ask(wish, later);
            }
            _ => {}
        }
    }

    /// Everything is known of the target: shows what was wanted of it. What else is missing has pages.
    fn fulfil(&mut self, wish: Wish) {
        let missing = (0..self.forms.len()).find(|at| !self.is_complete(*at));
        match (wish, missing) {
            (Wish::Review, Some(at)) => {
                self.go(Page::Section(at));
                self.focus_wanting();
                self.say(Sign::Here, "What is known of it is filled in; the rest is asked for");
            }
            (Wish::Review, None) => self.go(Page::Review),
            (Wish::Stages, _) => self.go(Page::Menu),
            (Wish::Undo, _) => self.look_at_undo(),
        }
    }

    /// Other answers take the place of those at hand, which stand aside until somebody names servers again.
    pub(super) fn exchange(&mut self, answers: Answers, notices: Vec<Failure>) {
        let before = std::mem::replace(&mut self.answers, answers);
        let heard = std::mem::replace(&mut self.notices, notices);
        self.home.own.get_or_insert((before, heard));
        self.answers_are_others();
        self.visited = (0..self.forms.len()).collect();
        // They are kept elsewhere, and what was left unfinished stays so.
        self.round.changed = false;
    }

    /// The answers that stood aside are at hand again.
    fn take_own_back(&mut self) {
        if let Some((answers, notices)) = self.home.own.take() {
            let was_changed = self.round.changed;
            (self.answers, self.notices) = (answers, notices);
            self.answers_are_others();
            self.visited.clear();
            self.round.changed = was_changed;
        }
    }

    /// Nothing that was found belongs to the answers at hand.
    fn answers_are_others(&mut self) {
        self.development = false;
        self.round.drafted = false;
        self.overwrite = self.given_overwrite;
        self.refill();
        self.probes.iter_mut().for_each(Probe::forget);
        self.answers_changed(self.image_list);
        self.remembered.clear();
    }

    /// Takes an earlier round up where it was left.
    fn go_on(&mut self) {
        let Some(unfinished) = &self.home.unfinished else { return };
        let answers = unfinished.answers(&self.home.flags);
        self.home.own = None;
        self.answers = answers;
        self.answers_are_others();
        let missing = (0..self.forms.len()).find(|at| !self.is_complete(*at));
        let Some(unfinished) = &self.home.unfinished else { return };
        let page = unfinished.section(&self.sections(), missing).map_or(Page::Review, Page::Section);
        // What was answered is not walked through once more.
        let is_answered = |at: &usize| {
            let variables = self.forms[*at].section.variables;
            self.is_complete(*at)
                && variables.iter().any(|variable| self.answers.given(variable.key).is_some())
        };
        self.visited = (0..self.forms.len()).filter(is_answered).collect();
        let page = match page {
            // Left on a page where nothing is missing: the next one where something is.
            Page::Section(at) if missing.is_some_and(|missing| missing > at) => {
                Page::Section(missing.unwrap_or(at))
            }
            page => page,
        };
        if let Page::Section(at) = page {
            for before in 0..at {
                self.trail.push(Page::Section(before));
                self.probe(before, false);
            }
        }
        let trail = std::mem::take(&mut self.trail);
        self.go(page);
        self.trail = std::iter::once(Page::Home).chain(trail).collect();
        self.focus_wanting();
    }

    fn path_key(&mut self, action: Action) {
        match action {
            Action::Next => {
                let path = self.home.path.as_ref().map(|input| input.value().trim());
                if let Some(path) = path.filter(|path| !path.is_empty()).map(PathBuf::from) {
                    self.want(Effect::Load(path));
                }
            }
            Action::Back => self.home.path = None,
            _ => {}
        }
    }

    /// An answers file was read.
    pub(super) fn loaded(&mut self, loaded: Loaded) {
        if self.page != Page::Home {
            return;
        }
        match loaded {
            Ok((answers, notices)) => {
                self.exchange(answers, notices);
                self.home.path = None;
                self.go(Page::Review);
            }
            // The path stays, to be corrected.
            Err(problems) => self.read(Reading::Problems(problems)),
        }
    }

    /// Asks whether the targets on the screen can be reached, each once.
    pub(in crate::frontend::tui) fn reach_out(&mut self) {
        if self.page != Page::Home {
            return;
        }
        let shown = self.home_rows().shown();
        let upper = self.home.upper();
        let mut addresses = Vec::new();
        for choice in upper.get(shown).unwrap_or_default() {
            if let Choice::Target(id) = choice
                && let Some(target) = self.home.target(id)
            {
                addresses.extend(target.addresses());
            }
        }
        for address in addresses {
            if !self.home.reached.contains_key(&address) {
                self.home.reached.insert(address.clone(), None);
                self.want(Effect::Reach(address));
            }
        }
    }
}

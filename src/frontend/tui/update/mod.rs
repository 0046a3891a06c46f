//! What each message changes. Pure: work is only asked for, as effects.

mod arrivals;
mod images;
mod review;
mod run;
mod section;
mod welcome;

pub(super) use run::Remedy;

use ratatui::crossterm::event::KeyEvent;
use secrecy::ExposeSecret;
use tui_input::{Input, InputRequest};

use crate::failure::status;

use super::{
    app::{App, IMAGES, Overlay, Page, Reading},
    form::edit,
    keymap::{self, Action, Place},
    msg::{Effect, Errand, Msg},
    theme::Sign,
};

impl App {
    /// Takes in a message and says what is to be done.
    pub fn update(&mut self, msg: Msg) -> Vec<Effect> {
        match msg {
            Msg::Key(key) => self.key(key),
            Msg::Paste(text) => self.paste(text.expose_secret()),
            Msg::Resize(columns, rows) => {
                self.size = (columns, rows);
                Vec::new()
            }
            Msg::Tick(now) => {
                self.now = now;
                self.watch()
            }
            Msg::Signal(status) => self.signal(status),
            Msg::Suspend => self.suspend(),
            other => self.arrived(other),
        }
    }

    fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        let place = self.place();
        let Some(action) = keymap::action(key, place) else { return self.typed(key, place) };
        self.notice = None;
        match action {
            Action::Interrupt => return self.interrupt(),
            Action::Help => {
                self.overlay = match self.overlay.take() {
                    Some(Overlay::Help) => None,
                    _ => Some(Overlay::Help),
                };
                return Vec::new();
            }
            Action::Redraw => return vec![Effect::Redraw],
            Action::PlainSigns => {
                self.theme.ascii = !self.theme.ascii;
                return Vec::new();
            }
            Action::Suspend => return self.suspend(),
            Action::Quit => {
                self.overlay = Some(Overlay::Leave { cursor: 0 });
                return Vec::new();
            }
            Action::Menu => return self.go(Page::Menu),
            _ => {}
        }
        if self.overlay.is_some() {
            return self.overlay_key(action);
        }
        match self.page {
            Page::Welcome => self.welcome_key(action),
            Page::Section(IMAGES) if place != Place::Text => self.images_key(action),
            Page::Section(_) => self.section_key(action),
            Page::Review => self.review_key(action),
            Page::Menu => self.menu_key(action),
            Page::Run => self.run_key(action),
            Page::Done => self.done_key(action),
        }
    }

    /// A key that is bound to nothing is text where text can be.
    fn typed(&mut self, key: KeyEvent, place: Place) -> Vec<Effect> {
        match place {
            Place::Path => {
                if let Some(path) = &mut self.welcome.path {
                    type_into(path, key);
                }
                Vec::new()
            }
            Place::Text | Place::Secret => self.type_into_field(key),
            Place::Search if self.page == Page::Run => {
                if let Some(run) = &mut self.run {
                    type_into(&mut run.search, key);
                }
                Vec::new()
            }
            Place::Search => {
                type_into(&mut self.images.search, key);
                self.images.cursor = 0;
                Vec::new()
            }
            Place::Confirm => {
                if let Some(Overlay::Confirm { input, .. }) = &mut self.overlay {
                    type_into(input, key);
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// A paste keeps its first line and says what was cut.
    fn paste(&mut self, text: &str) -> Vec<Effect> {
        // Terminals send line breaks of a paste as carriage returns.
        let mut lines = text.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        let more = lines.count();
        self.notice = None;
        if more > 0 {
            let what = if more == 1 { "1 more line was".into() } else { format!("{more} more lines were") };
            self.say(Sign::Warning, format!("{what} cut from what was pasted"));
        }
        let into = |input: &mut Input| {
            for character in first.chars().filter(|character| !character.is_control()) {
                input.handle(InputRequest::InsertChar(character));
            }
        };
        match self.place() {
            Place::Path => {
                self.welcome.path.iter_mut().for_each(into);
                Vec::new()
            }
            Place::Text | Place::Secret => self.paste_into_field(first),
            Place::Search if self.page == Page::Run => {
                self.run.iter_mut().for_each(|run| into(&mut run.search));
                Vec::new()
            }
            Place::Search => {
                into(&mut self.images.search);
                self.images.cursor = 0;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// ^C asks; a second one leaves. A run finishes its unit of work first.
    fn interrupt(&mut self) -> Vec<Effect> {
        if self.is_running() {
            let again = self.run.as_mut().is_some_and(|run| std::mem::replace(&mut run.stopping, true));
            if again {
                return self.break_off(status::INTERRUPTED);
            }
            self.say(Sign::Warning, "Stopping after the unit of work under way; ^C again leaves at once");
            return vec![Effect::StopRun(status::INTERRUPTED)];
        }
        if matches!(self.overlay, Some(Overlay::Leave { .. })) {
            return self.quit(self.status);
        }
        self.overlay = Some(Overlay::Leave { cursor: 0 });
        Vec::new()
    }

    fn suspend(&mut self) -> Vec<Effect> {
        if self.is_running() {
            self.say(Sign::Warning, "Not suspended: stages are running");
            return Vec::new();
        }
        vec![Effect::Away(Errand::Suspend)]
    }

    /// A signal ends the wizard after an orderly stop; the answers are kept.
    fn signal(&mut self, status: u8) -> Vec<Effect> {
        self.status = status;
        let again = self.run.as_mut().is_some_and(|run| std::mem::replace(&mut run.stopping, true));
        match (self.is_running(), again) {
            (true, false) => {
                let mut effects = vec![Effect::StopRun(status)];
                effects.extend(self.keep_draft());
                effects
            }
            (true, true) => self.break_off(status),
            (false, _) => self.quit(status),
        }
    }

    /// Leaves a run that does not stop in time.
    fn break_off(&mut self, status: u8) -> Vec<Effect> {
        let name = self.name();
        if let Some(run) = &mut self.run {
            run.break_off(&name, status);
        }
        self.status = status;
        self.quit(status)
    }

    pub(super) fn quit(&mut self, status: u8) -> Vec<Effect> {
        let mut effects = self.judge_all();
        effects.extend(self.keep_draft());
        effects.push(Effect::Quit(status));
        effects
    }

    /// The unfinished answers are worth keeping once something was typed, until all is done, and while a stage
    /// that failed was passed over.
    pub(super) fn keep_draft(&self) -> Vec<Effect> {
        let left_out = self.run.as_ref().is_some_and(|run| !run.left_out().is_empty());
        if left_out || self.changed && self.page != Page::Done {
            vec![Effect::SaveDraft(self.page.id(self.setup.guide), Box::new(self.answers.clone()))]
        } else {
            Vec::new()
        }
    }

    /// Goes to a page, with what it wants to know at once.
    pub(super) fn go(&mut self, page: Page) -> Vec<Effect> {
        let mut effects = self.judge_all();
        if page == self.page {
            return effects;
        }
        if let Page::Section(at) = self.page {
            effects.extend(self.probe(at, false));
            effects.extend(self.keep_draft());
        }
        self.trail.push(self.page);
        effects.extend(self.enter(page));
        effects
    }

    fn enter(&mut self, page: Page) -> Vec<Effect> {
        self.page = page;
        self.overlay = None;
        if let Page::Section(at) = page {
            self.visited.insert(at);
        }
        match page {
            Page::Section(IMAGES) => {
                self.images.in_fields = false;
                self.read_images()
            }
            Page::Section(at) if !self.development && self.is_complete(at) => self.probe(at, false),
            Page::Review => {
                self.review.cursor = None;
                let mut effects: Vec<Effect> =
                    (0..self.sections().len()).flat_map(|at| self.probe(at, false)).collect();
                effects.extend(self.survey_all());
                effects
            }
            Page::Menu => {
                let mut effects = self.survey_all();
                effects.push(Effect::Remember(Box::new(self.answers.clone())));
                effects
            }
            _ => Vec::new(),
        }
    }

    /// Goes back one thing; the first page never leaves.
    pub(super) fn back(&mut self) -> Vec<Effect> {
        let mut effects = self.judge_all();
        if let Page::Section(at) = self.page {
            effects.extend(self.probe(at, false));
        }
        if let Some(page) = self.trail.pop() {
            effects.extend(self.enter(page));
        }
        effects
    }

    fn overlay_key(&mut self, action: Action) -> Vec<Effect> {
        let page = usize::from(self.size.1.saturating_sub(6)).max(1);
        match &mut self.overlay {
            Some(Overlay::Leave { cursor }) => match action {
                Action::Up | Action::First => *cursor = 0,
                Action::Down | Action::Last => *cursor = 1,
                Action::Next if *cursor == 1 => return self.quit(self.status),
                Action::Next | Action::Back => self.overlay = None,
                _ => {}
            },
            Some(Overlay::Confirm { .. }) => return self.confirm_key(action),
            Some(Overlay::Alone { stage, .. }) if action == Action::Write => {
                let stage = *stage;
                return self.write_alone(stage);
            }
            Some(Overlay::Reading { what: Reading::Verdict(at), .. }) if action == Action::Next => {
                let page = Page::Section(*at);
                return self.go(page);
            }
            Some(Overlay::Reading { scroll, .. } | Overlay::Alone { scroll, .. }) => match action {
                Action::Up => *scroll = scroll.saturating_sub(1),
                Action::Down => *scroll = scroll.saturating_add(1),
                Action::PageUp => *scroll = scroll.saturating_sub(page),
                Action::PageDown => *scroll = scroll.saturating_add(page),
                Action::First => *scroll = 0,
                Action::Last => *scroll = usize::MAX,
                Action::Copy => return self.copy_shown(),
                Action::Back | Action::Next => self.overlay = None,
                _ => {}
            },
            Some(Overlay::Help) => {
                if matches!(action, Action::Back | Action::Next) {
                    self.overlay = None;
                }
            }
            None => {}
        }
        Vec::new()
    }

    /// Copies what stands in full; never the keypairs, which a terminal might keep.
    fn copy_shown(&mut self) -> Vec<Effect> {
        match &self.overlay {
            Some(Overlay::Reading { what: Reading::Keypairs(path, _), .. }) => {
                let path = path.display().to_string();
                self.say(Sign::Warning, format!("Secrets are not copied; they are in {path}"));
                Vec::new()
            }
            Some(_) => {
                let text = super::view::reading::text(self);
                self.say(Sign::Done, "Sent to your terminal");
                vec![Effect::Copy(text)]
            }
            None => Vec::new(),
        }
    }
}

/// Lets a line editor take a key.
pub(super) fn type_into(input: &mut Input, key: KeyEvent) {
    if let Some(request) = edit(key) {
        input.handle(request);
    }
}

/// Moves a cursor in a list of `count` entries.
pub(super) fn moved(cursor: usize, count: usize, action: Action, page: usize) -> usize {
    let last = count.saturating_sub(1);
    match action {
        Action::Up => cursor.saturating_sub(1),
        Action::Down => (cursor + 1).min(last),
        Action::PageUp => cursor.saturating_sub(page),
        Action::PageDown => (cursor + page).min(last),
        Action::First => 0,
        Action::Last => last,
        _ => cursor.min(last),
    }
}

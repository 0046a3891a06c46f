//! What each message changes. Pure: work is only asked for, as effects.

mod arrivals;
mod development;
mod home;
mod images;
mod receipt;
mod review;
mod run;
mod section;

use ratatui::crossterm::event::KeyEvent;
use secrecy::ExposeSecret;
use tui_input::{Input, InputRequest};

use crate::{failure::status, frontend::wizard::drift::is_drift};

use super::{
    app::{App, Overlay, Page, Reading},
    form::{Form, edit},
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
            Msg::Resize(columns, rows) => self.size = (columns, rows),
            Msg::Tick(now) => {
                self.now = now;
                self.watch();
            }
            Msg::Signal(status) => self.signal(status),
            Msg::Suspend => self.suspend(),
            other => self.arrived(other),
        }
        self.reach_out();
        std::mem::take(&mut self.effects)
    }

    fn key(&mut self, key: KeyEvent) {
        let place = self.place();
        let Some(action) = keymap::action(key, place) else { return self.typed(key, place) };
        self.notice = None;
        match action {
            Action::Interrupt => self.interrupt(),
            Action::Help => {
                let is_open = matches!(self.overlay, Some(Overlay::Help));
                self.overlay = (!is_open).then_some(Overlay::Help);
            }
            Action::Redraw => self.want(Effect::Redraw),
            Action::PlainSigns => self.theme.ascii = !self.theme.ascii,
            Action::Suspend => self.suspend(),
            Action::Quit => self.overlay = Some(Overlay::Leave { cursor: 0 }),
            Action::Menu if self.page != Page::Home => self.go(Page::Menu),
            Action::Differences if self.has_drifted(place) => self.look_at_drift(),
            Action::Differences => {}
            _ if self.overlay.is_some() => self.overlay_key(action),
            _ => match self.page {
                Page::Home => self.home_key(action),
                Page::Development => self.development_key(action),
                Page::Section(at) if at == self.image_list && place != Place::Text => self.images_key(action),
                Page::Section(_) => self.section_key(action),
                Page::Review => self.review_key(action),
                Page::Menu => self.menu_key(action),
                Page::Run => self.run_key(action),
            },
        }
    }

    /// Is what is shown here the check of a section that found the tables otherwise than they should be?
    pub(super) fn has_drifted(&self, place: Place) -> bool {
        let at = match (&self.overlay, self.page) {
            (Some(Overlay::Reading { what: Reading::Verdict(at), .. }), _) => *at,
            (None, Page::Section(at)) if matches!(place, Place::Text | Place::Secret) => at,
            _ => return false,
        };
        self.failures_of(at).iter().any(is_drift)
    }

    /// The line that is typed outside of a form.
    fn line(&mut self, place: Place) -> Option<&mut Input> {
        match (place, &mut self.overlay) {
            (Place::Path, _) => self.home.path.as_mut(),
            (Place::Search, _) if self.page == Page::Home => Some(&mut self.home.search),
            (Place::Search, _) if self.page == Page::Run => self.run.as_mut().map(|run| &mut run.search),
            (Place::Search, _) => {
                self.images.cursor = 0;
                Some(&mut self.images.search)
            }
            (Place::Confirm, Some(Overlay::Confirm { input, .. })) => Some(input),
            _ => None,
        }
    }

    /// A key that is bound to nothing is text where text can be.
    fn typed(&mut self, key: KeyEvent, place: Place) {
        if matches!(place, Place::Text | Place::Secret) {
            self.type_into_field(key);
        } else if let (Place::Ask, Some(Overlay::Ask(ask))) = (place, &mut self.overlay) {
            ask.field.type_key(key);
        } else if place == Place::Development {
            self.dev.type_in(key);
        } else if let (Some(line), Some(request)) = (self.line(place), edit(key)) {
            line.handle(request);
            self.home.settle();
        }
    }

    /// A paste keeps its first line and says what was cut.
    fn paste(&mut self, text: &str) {
        // Terminals send line breaks of a paste as carriage returns.
        let mut lines = text.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        let more = lines.count();
        self.notice = None;
        if more > 0 {
            let what = if more == 1 { "1 more line was".into() } else { format!("{more} more lines were") };
            self.say(Sign::Warning, format!("{what} cut from what was pasted"));
        }
        match self.place() {
            Place::Text | Place::Secret => self.paste_into_field(first),
            Place::Ask => {
                if let Some(Overlay::Ask(ask)) = &mut self.overlay {
                    ask.field.paste(first);
                }
            }
            Place::Development => self.dev.paste(first),
            // The word that allows something is typed.
            Place::Confirm => {}
            place => {
                if let Some(line) = self.line(place) {
                    for character in first.chars().filter(|character| !character.is_control()) {
                        line.handle(InputRequest::InsertChar(character));
                    }
                }
            }
        }
    }

    /// ^C asks; a second one leaves. A run finishes its unit of work first.
    fn interrupt(&mut self) {
        if self.is_running() {
            let again = self.run.as_mut().is_some_and(|run| std::mem::replace(&mut run.stopping, true));
            if again {
                return self.break_off(status::INTERRUPTED);
            }
            self.say(Sign::Warning, "Stopping after the unit of work under way; ^C again leaves at once");
            self.want(Effect::StopRun(status::INTERRUPTED));
        } else if matches!(self.overlay, Some(Overlay::Leave { .. })) {
            self.quit(self.round.status);
        } else {
            self.overlay = Some(Overlay::Leave { cursor: 0 });
        }
    }

    fn suspend(&mut self) {
        if self.is_running() {
            return self.say(Sign::Warning, "Not suspended: stages are running");
        }
        self.want(Effect::Away(Errand::Suspend));
    }

    /// A signal ends the wizard after an orderly stop; the answers are kept.
    fn signal(&mut self, status: u8) {
        self.round.status = status;
        let again = self.run.as_mut().is_some_and(|run| std::mem::replace(&mut run.stopping, true));
        match (self.is_running(), again) {
            (true, false) => {
                self.want(Effect::StopRun(status));
                self.keep_draft();
            }
            (true, true) => self.break_off(status),
            (false, _) => self.quit(status),
        }
    }

    /// Leaves a run that does not stop in time.
    fn break_off(&mut self, status: u8) {
        let (name, now) = (self.name(), self.surroundings.clock.now());
        if let Some(run) = &mut self.run {
            run.break_off(&name, status, now);
        }
        self.round.status = status;
        self.quit(status);
    }

    pub(super) fn quit(&mut self, status: u8) {
        self.judge_all();
        self.keep_draft();
        self.want(Effect::Quit(status));
    }

    /// The unfinished answers are worth keeping once something was typed, until all is done, and while a stage
    /// that failed was passed over.
    pub(super) fn keep_draft(&mut self) {
        let left_out = self.run.as_ref().is_some_and(|run| !run.left_out().is_empty());
        if left_out || self.round.changed && !self.is_at_the_end() {
            self.round.drafted = true;
            self.want(Effect::SaveDraft(self.page.id(self.setup.guide), Box::new(self.answers.clone())));
        }
    }

    /// A run has ended well, and its receipt is on the screen.
    fn is_at_the_end(&self) -> bool {
        self.page == Page::Run && self.run.as_ref().is_some_and(|run| run.has_ended() && !run.has_failed())
    }

    /// Shows something in full.
    pub(super) fn read(&mut self, what: Reading) {
        self.overlay = Some(Overlay::Reading { what, scroll: 0 });
    }

    /// Goes to a page, with what it wants to know at once.
    pub(super) fn go(&mut self, page: Page) {
        self.judge_all();
        if page == self.page {
            return;
        }
        if let Page::Section(at) = self.page {
            self.probe(at, false);
            self.keep_draft();
        }
        self.trail.push(self.page);
        self.enter(page);
    }

    fn enter(&mut self, page: Page) {
        self.page = page;
        self.overlay = None;
        // What was shown on request is hidden once it is left.
        self.forms.iter_mut().for_each(Form::hide);
        if let Page::Section(at) = page {
            self.visited.insert(at);
        }
        match page {
            Page::Section(at) if at == self.image_list => {
                self.images.in_fields = false;
                self.read_images();
            }
            Page::Section(at) if !self.development && self.is_complete(at) => self.probe(at, false),
            Page::Review => {
                self.review.cursor = None;
                (0..self.forms.len()).for_each(|at| self.probe(at, false));
                self.survey_all();
            }
            Page::Menu => {
                self.survey_all();
                self.want(Effect::Remember(Box::new(self.answers.clone())));
            }
            // What was set up meanwhile is listed, and looked at anew.
            Page::Home => {
                self.home.reached.clear();
                self.want(Effect::ReadHome);
                self.want(Effect::Glance);
            }
            _ => {}
        }
    }

    /// Goes back one thing; the first page never leaves.
    pub(super) fn back(&mut self) {
        self.judge_all();
        if let Page::Section(at) = self.page {
            self.probe(at, false);
        }
        if let Some(page) = self.trail.pop() {
            self.enter(page);
        }
    }

    fn overlay_key(&mut self, action: Action) {
        let page = usize::from(self.size.1.saturating_sub(6)).max(1);
        match &mut self.overlay {
            Some(Overlay::Leave { cursor }) => match action {
                Action::Up | Action::First => *cursor = 0,
                Action::Down | Action::Last => *cursor = 1,
                Action::Next if *cursor == 1 => self.quit(self.round.status),
                Action::Next | Action::Back => self.overlay = None,
                _ => {}
            },
            Some(Overlay::Confirm { .. }) => self.confirm_key(action),
            Some(Overlay::Ask(_)) => self.ask_key(action),
            Some(Overlay::Alone { stage, .. }) if action == Action::Write => {
                let stage = *stage;
                self.write_alone(stage);
            }
            Some(Overlay::Undo { .. }) if action == Action::Write => self.undo(),
            Some(Overlay::Reading { what: Reading::Verdict(at), .. }) if action == Action::Next => {
                let page = Page::Section(*at);
                self.go(page);
            }
            Some(
                Overlay::Reading { scroll, .. } | Overlay::Alone { scroll, .. } | Overlay::Undo { scroll },
            ) => match action {
                Action::Copy => self.copy_shown(),
                Action::Back | Action::Next => self.overlay = None,
                // Where it ends is known once it is drawn.
                _ => *scroll = moved(*scroll, usize::MAX, action, page),
            },
            Some(Overlay::Help) if matches!(action, Action::Back | Action::Next) => self.overlay = None,
            Some(Overlay::Help) | None => {}
        }
    }

    /// Copies what stands in full; never the keypairs, which a terminal might keep.
    fn copy_shown(&mut self) {
        if let Some(Overlay::Reading { what: Reading::Keypairs(path, _), .. }) = &self.overlay {
            let path = path.display().to_string();
            return self.say(Sign::Warning, format!("Secrets are not copied; they are in {path}"));
        }
        let text = super::view::reading::text(self);
        self.say(Sign::Done, "Sent to your terminal");
        self.want(Effect::Copy(text));
    }
}

/// Moves a cursor in a list of `count` entries.
pub(super) fn moved(cursor: usize, count: usize, action: Action, page: usize) -> usize {
    let last = count.saturating_sub(1);
    match action {
        Action::Up => cursor.saturating_sub(1),
        Action::Down => cursor.saturating_add(1).min(last),
        Action::PageUp => cursor.saturating_sub(page),
        Action::PageDown => cursor.saturating_add(page).min(last),
        Action::First => 0,
        Action::Last => last,
        _ => cursor.min(last),
    }
}

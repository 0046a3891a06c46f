//! A page of variables: fields, their judgement, and the live check beside them.

use ratatui::crossterm::event::KeyEvent;

use crate::{
    frontend::tui::{
        app::{App, Page, ProbeState},
        form::Form,
        keymap::Action,
        msg::{Effect, ProbeId},
        theme::Sign,
    },
    guide,
};

impl App {
    /// The section that is on the screen.
    fn at(&self) -> usize {
        match self.page {
            Page::Section(at) => at,
            _ => 0,
        }
    }

    pub(super) fn section_key(&mut self, action: Action) {
        let at = self.at();
        match action {
            Action::Next => self.next_field_or_page(),
            Action::Back if at == self.image_list && self.images.in_fields => self.leave_fields(),
            Action::Back => self.back(),
            Action::Forward | Action::Backward => self.move_focus(action == Action::Forward),
            Action::Reveal => {
                let field = self.forms.get_mut(at).and_then(|form| form.field_mut());
                if let Some(field) = field {
                    field.revealed = !field.revealed;
                }
            }
            Action::Development => self.fill_development(),
            _ => {}
        }
    }

    fn move_focus(&mut self, forward: bool) {
        let at = self.at();
        let Some(form) = self.forms.get_mut(at) else { return };
        let count = form.fields.len();
        let next = if forward { form.focus + 1 } else { form.focus + count.saturating_sub(1) };
        if at == self.image_list && (next >= count && forward || form.focus == 0 && !forward) {
            return self.leave_fields();
        }
        form.focus = next % count.max(1);
        self.left_field(at);
    }

    /// From the fields of the image list back to the table.
    fn leave_fields(&mut self) {
        self.images.in_fields = false;
        self.left_field(self.image_list);
    }

    /// A field was left: judge it, and probe once the section is complete.
    fn left_field(&mut self, at: usize) {
        self.forms.get_mut(at).into_iter().for_each(Form::hide);
        self.judge(at);
        self.probe(at, false);
        self.keep_draft();
    }

    fn next_field_or_page(&mut self) {
        let at = self.at();
        self.judge(at);
        if let Some(form) = self.forms.get_mut(at)
            && let Some(wanting) = form.next_wanting()
        {
            // Enter on the very field that is empty says why it stays.
            if wanting == form.focus {
                form.complain(wanting);
            }
            form.focus = wanting;
            return;
        }
        if at == self.image_list && self.images.in_fields {
            return self.leave_fields();
        }
        // Where two answers contradict each other, it stands on the page.
        if self.is_complete(at) {
            self.probe(at, false);
            self.go(self.page_after(at));
        }
    }

    /// The next page that was not finished before.
    pub(super) fn page_after(&self, at: usize) -> Page {
        let is_finished = |at: &usize| self.visited.contains(at) && self.is_complete(*at);
        (at + 1..self.forms.len()).find(|at| !is_finished(at)).map_or(Page::Review, Page::Section)
    }

    pub(super) fn focus_wanting(&mut self) {
        let at = self.at();
        if let (Page::Section(_), Some(form)) = (self.page, self.forms.get_mut(at)) {
            form.focus = 0;
            form.focus = form.next_wanting().unwrap_or(0);
        }
    }

    pub(super) fn type_into_field(&mut self, key: KeyEvent) {
        let at = self.at();
        let field = self.forms.get_mut(at).and_then(|form| form.field_mut());
        let Some(is_dirty) = field.and_then(|field| field.type_key(key).then(|| field.is_dirty())) else {
            return;
        };
        self.notice = None;
        if is_dirty {
            self.changed_field(at);
        }
    }

    /// A change makes what a probe found worthless and breaks off the one under way.
    fn changed_field(&mut self, at: usize) {
        self.round.changed = true;
        self.development = false;
        let Some(probe) = self.probes.get_mut(at) else { return };
        let was_running = matches!(probe.state, ProbeState::Running { .. });
        probe.forget();
        if was_running {
            self.want(Effect::CancelProbe(at));
        }
    }

    /// A pasted URL is split into its fields; an address replaces what stands in an address field.
    pub(super) fn paste_into_field(&mut self, line: &str) {
        let at = self.at();
        if let Some(parts) = guide::database_url(line)
            && self.sections().get(at).is_some_and(|section| section.id == guide::database::SECTION.id)
        {
            let Some(form) = self.forms.get_mut(at) else { return };
            for (key, value) in parts {
                if let Some(field) = form.find(key) {
                    field.fill(&value);
                    field.error = None;
                }
            }
            self.say(Sign::Done, "The URL was split into its fields");
            self.changed_field(at);
            return self.left_field(at);
        }
        let Some(field) = self.forms.get_mut(at).and_then(|form| form.field_mut()) else { return };
        let address = field.variable.is_address();
        if address && line.contains(':') && (field.variable.validate)(line).is_ok() {
            field.fill(line);
            field.error = None;
        } else {
            field.paste(line);
        }
        self.changed_field(at);
    }

    /// The guide's development values, in empty fields only.
    fn fill_development(&mut self) {
        let at = self.at();
        let environment = self.surroundings.environment.clone();
        let Some(form) = self.forms.get_mut(at) else { return };
        let mut filled = 0;
        for field in &mut form.fields {
            if let (true, Some(development)) = (field.is_empty(), field.variable.development) {
                field.fill(&development.value(&environment));
                filled += 1;
            }
        }
        if filled == 0 {
            return self.say(Sign::NotNeeded, "Nothing is empty that has a development value");
        }
        self.changed_field(at);
        self.left_field(at);
    }

    /// Judges the fields of a section; whatever depends on the answers is out of date when they changed.
    pub(super) fn judge(&mut self, at: usize) {
        if self.forms.get_mut(at).is_some_and(|form| form.judge(&mut self.answers)) {
            self.answers_changed(at);
        }
    }

    pub(super) fn answers_changed(&mut self, at: usize) {
        self.round.changed = true;
        for survey in [&mut self.survey, &mut self.alone] {
            survey.generation += 1;
            survey.result = None;
            survey.since = None;
        }
        // What is in etcd depends on where etcd is.
        self.images.survey.result = None;
        if at == self.image_list {
            self.read_images();
        }
    }

    pub(super) fn judge_all(&mut self) {
        (0..self.forms.len()).for_each(|at| self.judge(at));
    }

    /// Starts the live check of a section once it is complete, and again when asked to.
    pub(super) fn probe(&mut self, at: usize, again: bool) {
        if !self.has_check(at) || !self.is_complete(at) {
            return;
        }
        let now = self.now;
        let Some(probe) = self.probes.get_mut(at) else { return };
        if !again && !matches!(probe.state, ProbeState::Idle) {
            return;
        }
        let was = std::mem::replace(&mut probe.state, ProbeState::Running { since: now, rungs: Vec::new() });
        probe.generation += 1;
        let generation = probe.generation;
        if matches!(was, ProbeState::Running { .. }) {
            self.want(Effect::CancelProbe(at));
        }
        let id = ProbeId { section: at, generation };
        self.want(Effect::Probe(id, Box::new(self.answers.clone())));
    }
}

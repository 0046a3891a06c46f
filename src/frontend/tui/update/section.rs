//! A page of variables: fields, their judgement, and the live check beside them.

use ratatui::crossterm::event::KeyEvent;

use crate::{
    frontend::tui::{
        app::{App, IMAGES, Page, ProbeState},
        keymap::Action,
        msg::Effect,
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

    pub(super) fn section_key(&mut self, action: Action) -> Vec<Effect> {
        let at = self.at();
        match action {
            Action::Next => self.next_field_or_page(),
            Action::Back if at == IMAGES && self.images.in_fields => self.leave_fields(),
            Action::Back => self.back(),
            Action::Forward | Action::Backward => self.move_focus(action == Action::Forward),
            Action::Reveal => {
                let field = self.forms.get_mut(at).and_then(|form| form.field_mut());
                if let Some(field) = field {
                    field.revealed = !field.revealed;
                }
                Vec::new()
            }
            Action::Development => self.fill_development(),
            _ => Vec::new(),
        }
    }

    fn move_focus(&mut self, forward: bool) -> Vec<Effect> {
        let at = self.at();
        let Some(form) = self.forms.get_mut(at) else { return Vec::new() };
        let count = form.fields.len();
        let next = if forward { form.focus + 1 } else { form.focus + count.saturating_sub(1) };
        if at == IMAGES && (next >= count && forward || form.focus == 0 && !forward) {
            return self.leave_fields();
        }
        form.focus = next % count.max(1);
        self.left_field(at)
    }

    /// From the fields of the image list back to the table.
    fn leave_fields(&mut self) -> Vec<Effect> {
        self.images.in_fields = false;
        self.left_field(IMAGES)
    }

    /// A field was left: judge it, and probe once the section is complete.
    fn left_field(&mut self, at: usize) -> Vec<Effect> {
        let mut effects = self.judge(at);
        if self.is_complete(at) {
            effects.extend(self.probe(at, false));
        }
        effects.extend(self.keep_draft());
        effects
    }

    fn next_field_or_page(&mut self) -> Vec<Effect> {
        let at = self.at();
        let mut effects = self.judge(at);
        if let Some(form) = self.forms.get_mut(at)
            && let Some(wanting) = form.next_wanting()
        {
            // Enter on the very field that is empty says why it stays.
            if wanting == form.focus {
                form.complain(wanting);
            }
            form.focus = wanting;
            return effects;
        }
        if at == IMAGES && self.images.in_fields {
            effects.extend(self.leave_fields());
            return effects;
        }
        if !self.is_complete(at) {
            // Two answers contradict each other; it stands on the page.
            return effects;
        }
        effects.extend(self.probe(at, false));
        let next = if at + 1 < self.sections().len() { Page::Section(at + 1) } else { Page::Review };
        effects.extend(self.go(next));
        effects
    }

    pub(super) fn focus_wanting(&mut self) {
        let at = self.at();
        if let (Page::Section(_), Some(form)) = (self.page, self.forms.get_mut(at)) {
            form.focus = 0;
            form.focus = form.next_wanting().unwrap_or(0);
        }
    }

    pub(super) fn type_into_field(&mut self, key: KeyEvent) -> Vec<Effect> {
        let at = self.at();
        let Some(field) = self.forms.get_mut(at).and_then(|form| form.field_mut()) else {
            return Vec::new();
        };
        if !field.type_key(key) {
            return Vec::new();
        }
        self.notice = None;
        if field.is_dirty() { self.changed_field(at) } else { Vec::new() }
    }

    /// A change makes what a probe found worthless and breaks off the one under way.
    fn changed_field(&mut self, at: usize) -> Vec<Effect> {
        self.changed = true;
        self.development = false;
        let Some(probe) = self.probes.get_mut(at) else { return Vec::new() };
        probe.generation += 1;
        let was = std::mem::take(&mut probe.state);
        if matches!(was, ProbeState::Running { .. }) { vec![Effect::CancelProbe(at)] } else { Vec::new() }
    }

    /// A pasted URL is split into its fields; an address replaces what stands in an address field.
    pub(super) fn paste_into_field(&mut self, line: &str) -> Vec<Effect> {
        let at = self.at();
        if let Some(parts) = guide::database_url(line)
            && self.sections().get(at).is_some_and(|section| section.id == guide::database::SECTION.id)
        {
            let Some(form) = self.forms.get_mut(at) else { return Vec::new() };
            for (key, value) in parts {
                if let Some(field) = form.find(key) {
                    field.fill(&value);
                    field.error = None;
                }
            }
            self.say(Sign::Done, "The URL was split into its fields");
            let mut effects = self.changed_field(at);
            effects.extend(self.left_field(at));
            return effects;
        }
        let Some(field) = self.forms.get_mut(at).and_then(|form| form.field_mut()) else {
            return Vec::new();
        };
        let address = field.variable.is_address();
        if address && line.contains(':') && (field.variable.accept)(line).is_ok() {
            field.fill(line);
            field.error = None;
        } else {
            field.paste(line);
        }
        self.changed_field(at)
    }

    /// The guide's development values, in empty fields only.
    fn fill_development(&mut self) -> Vec<Effect> {
        let at = self.at();
        let Some(form) = self.forms.get_mut(at) else { return Vec::new() };
        let mut filled = 0;
        for field in &mut form.fields {
            if let (true, Some(development)) = (field.is_empty(), field.variable.development) {
                field.fill(&development());
                filled += 1;
            }
        }
        if filled == 0 {
            self.say(Sign::NotNeeded, "Nothing is empty that has a development value");
            return Vec::new();
        }
        let mut effects = self.changed_field(at);
        effects.extend(self.left_field(at));
        effects
    }

    /// Judges the fields of a section; whatever depends on the answers is out of date when they changed.
    pub(super) fn judge(&mut self, at: usize) -> Vec<Effect> {
        let Some(form) = self.forms.get_mut(at) else { return Vec::new() };
        if !form.judge(&mut self.answers) {
            return Vec::new();
        }
        self.answers_changed(at)
    }

    pub(super) fn answers_changed(&mut self, at: usize) -> Vec<Effect> {
        self.changed = true;
        for survey in [&mut self.survey, &mut self.alone] {
            survey.generation += 1;
            survey.result = None;
            survey.since = None;
        }
        // What is in etcd depends on where etcd is.
        self.images.survey.result = None;
        if at == IMAGES { self.read_images() } else { Vec::new() }
    }

    pub(super) fn judge_all(&mut self) -> Vec<Effect> {
        (0..self.forms.len()).flat_map(|at| self.judge(at)).collect()
    }

    /// Starts the live check of a section once it is complete, and again when asked to.
    pub(super) fn probe(&mut self, at: usize, again: bool) -> Vec<Effect> {
        if !self.has_check(at) || !self.is_complete(at) {
            return Vec::new();
        }
        let now = self.now;
        let Some(probe) = self.probes.get_mut(at) else { return Vec::new() };
        if !again && !matches!(probe.state, ProbeState::Idle) {
            return Vec::new();
        }
        let mut effects = Vec::new();
        if matches!(probe.state, ProbeState::Running { .. }) {
            effects.push(Effect::CancelProbe(at));
        }
        probe.generation += 1;
        probe.state = ProbeState::Running { since: now, rungs: Vec::new() };
        effects.push(Effect::Probe {
            section: at,
            generation: probe.generation,
            answers: Box::new(self.answers.clone()),
        });
        effects
    }
}

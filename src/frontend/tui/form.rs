//! A form: the fields of one section, what is typed into them and what is wrong with it.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use secrecy::{ExposeSecret, SecretString};
use tui_input::{Input, InputRequest};

use crate::{
    failure::{Code, Failure},
    guide::{Answers, Default, Refused, Section, Variable},
};

/// What stands in a field.
pub(super) enum Entry {
    /// Text with a cursor in it.
    Text(Input),
    /// A secret: typed at its end alone, since nobody sees where the cursor is.
    Secret(SecretString),
}

/// One field.
pub(super) struct Field {
    pub(super) variable: &'static Variable,
    pub(super) entry: Entry,
    /// Why what stands in it cannot be used.
    pub(super) error: Option<Failure>,
    /// Shown on request.
    pub(super) revealed: bool,
    /// Changed since it was last judged.
    dirty: bool,
}

impl Field {
    /// Nothing was typed into it yet.
    pub(super) fn empty(variable: &'static Variable) -> Self {
        let entry = match variable.is_secret() {
            true => Entry::Secret(SecretString::default()),
            false => Entry::Text(Input::default()),
        };
        Self { variable, entry, error: None, revealed: false, dirty: false }
    }

    fn new(variable: &'static Variable, answers: &Answers) -> Self {
        let given = answers.given(variable.key);
        let entry = if variable.is_secret() {
            Entry::Secret(given.map(|given| given.value().clone()).unwrap_or_default())
        } else {
            let text = given.and_then(|given| given.shown(variable)).unwrap_or_default();
            Entry::Text(Input::new(text.to_owned()))
        };
        Self { variable, entry, error: None, revealed: false, dirty: false }
    }

    pub(super) fn is_empty(&self) -> bool {
        match &self.entry {
            Entry::Text(input) => input.value().is_empty(),
            Entry::Secret(secret) => secret.expose_secret().is_empty(),
        }
    }

    /// What was typed, where that is a secret and not empty.
    pub(super) fn secret(&self) -> Option<SecretString> {
        match &self.entry {
            Entry::Secret(secret) if !self.is_empty() => Some(secret.clone()),
            _ => None,
        }
    }

    pub(super) fn is_required(&self) -> bool {
        matches!(self.variable.default, Default::Required)
    }

    /// Replaces what stands in it.
    pub(super) fn fill(&mut self, text: &str) {
        self.entry = match &self.entry {
            Entry::Text(_) => Entry::Text(Input::new(text.to_owned())),
            Entry::Secret(_) => Entry::Secret(text.into()),
        };
        self.dirty = true;
    }

    /// Takes one key; false when it means nothing in a text field.
    pub(super) fn type_key(&mut self, key: KeyEvent) -> bool {
        let Some(request) = edit(key) else { return false };
        self.request(request);
        true
    }

    fn request(&mut self, request: InputRequest) {
        let changed = match &mut self.entry {
            Entry::Text(input) => input.handle(request).is_some_and(|change| change.value),
            Entry::Secret(secret) => {
                let mut text = secret.expose_secret().to_owned();
                match request {
                    InputRequest::InsertChar(character) => text.push(character),
                    InputRequest::DeletePrevChar => drop(text.pop()),
                    InputRequest::DeleteLine | InputRequest::DeletePrevWord => text.clear(),
                    _ => return,
                }
                *secret = text.into();
                true
            }
        };
        if changed {
            self.dirty = true;
            self.error = None;
        }
    }

    /// Puts a pasted line where the cursor is.
    pub(super) fn paste(&mut self, line: &str) {
        match &mut self.entry {
            Entry::Text(input) => {
                for character in line.chars().filter(|character| !character.is_control()) {
                    input.handle(InputRequest::InsertChar(character));
                }
            }
            Entry::Secret(secret) => *secret = format!("{}{line}", secret.expose_secret()).into(),
        }
        self.dirty = true;
        self.error = None;
    }

    /// Says that it cannot stay empty.
    pub(super) fn complain(&mut self) {
        if self.error.is_none() && self.is_empty() {
            let what = format!("{} is needed to go on", self.variable.title);
            self.error = Some(Failure::new(Code::AnswersMissing, what));
        }
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Judges what stands in it and keeps it among the answers; true when the answers changed.
    pub(super) fn judge(&mut self, answers: &mut Answers) -> bool {
        if !std::mem::take(&mut self.dirty) {
            return false;
        }
        let text: SecretString = match &self.entry {
            Entry::Text(input) => input.value().trim().into(),
            Entry::Secret(secret) => secret.clone(),
        };
        let (changed, refused) = answers.type_in(self.variable, text);
        self.error = refused.map(Refused::failure);
        changed
    }
}

/// The fields of one section.
pub(super) struct Form {
    pub(super) section: &'static Section,
    pub(super) fields: Vec<Field>,
    pub(super) focus: usize,
}

impl Form {
    pub(super) fn new(section: &'static Section, answers: &Answers) -> Self {
        let is_asked =
            |variable: &&Variable| variable.is_always_asked() || answers.given(variable.key).is_some();
        let asked = section.variables.iter().filter(is_asked);
        Self { section, fields: asked.map(|variable| Field::new(variable, answers)).collect(), focus: 0 }
    }

    /// Puts the focus on a field, which is there from now on; false where the section has no such variable.
    pub(super) fn ask_for(&mut self, key: &str, answers: &Answers) -> bool {
        let Some(variable) = self.section.variables.iter().find(|variable| variable.key == key) else {
            return false;
        };
        let place = |fields: &[Field]| fields.iter().position(|field| field.variable.key == key);
        if place(&self.fields).is_none() {
            self.fields.push(Field::new(variable, answers));
        }
        self.focus = place(&self.fields).unwrap_or(self.focus);
        true
    }

    pub(super) fn field(&self) -> Option<&Field> {
        self.fields.get(self.focus)
    }

    pub(super) fn field_mut(&mut self) -> Option<&mut Field> {
        self.fields.get_mut(self.focus)
    }

    pub(super) fn find(&mut self, key: &str) -> Option<&mut Field> {
        self.fields.iter_mut().find(|field| field.variable.key == key)
    }

    /// Judges every field that was changed; true when the answers changed.
    pub(super) fn judge(&mut self, answers: &mut Answers) -> bool {
        let mut changed = false;
        for field in &mut self.fields {
            changed |= field.judge(answers);
        }
        changed
    }

    /// The next field, beginning with the one in focus and round, that is required and empty or refused.
    pub(super) fn next_wanting(&self) -> Option<usize> {
        let count = self.fields.len();
        (0..count).map(|step| (self.focus + step) % count).find(|at| {
            let field = &self.fields[*at];
            field.error.is_some() || (field.is_required() && field.is_empty())
        })
    }

    /// Says that a field cannot stay empty.
    pub(super) fn complain(&mut self, at: usize) {
        self.fields.get_mut(at).into_iter().for_each(Field::complain);
    }

    /// Hides what was shown on request.
    pub(super) fn hide(&mut self) {
        self.fields.iter_mut().for_each(|field| field.revealed = false);
    }

    pub(super) fn has_errors(&self) -> bool {
        self.fields.iter().any(|field| field.error.is_some())
    }
}

/// What a key does in a line of text; nothing when it does not belong there.
pub(super) fn edit(key: KeyEvent) -> Option<InputRequest> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER) {
        return None;
    }
    Some(match key.code {
        KeyCode::Char('a') if control => InputRequest::GoToStart,
        KeyCode::Char('e') if control => InputRequest::GoToEnd,
        KeyCode::Char('w') if control => InputRequest::DeletePrevWord,
        KeyCode::Char('u') if control => InputRequest::DeleteLine,
        KeyCode::Char(character) if !control && !character.is_control() => {
            InputRequest::InsertChar(character)
        }
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        _ => return None,
    })
}

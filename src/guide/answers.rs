//! Answers: the values given so far, by key, each judged when it is set.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::failure::{Code, Failure, Place, Subject};

use super::{
    general,
    reference::Reference,
    release::Guide,
    spelling::{did_you_mean, meant},
    validate::Refused,
    variable::{Default, Section, Variable},
};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `--set`.
    Flag,
    /// An answers file.
    File(Place),
    /// `--development`.
    Development,
    /// An environment name.
    Environment(String),
    /// The guide's default.
    Default,
    /// A person, at a prompt or in a form.
    Typed,
    /// An earlier, unfinished round.
    Draft,
}

impl Origin {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            Origin::Flag => "flag",
            Origin::File(_) => "file",
            Origin::Development => "development",
            Origin::Environment(_) => "environment",
            Origin::Default => "default",
            Origin::Typed => "typed",
            Origin::Draft => "draft",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag => f.write_str("`--set`"),
            Origin::File(place) => write!(f, "{place}"),
            Origin::Development => f.write_str("`--development`"),
            Origin::Environment(name) => write!(f, "the environment name `{name}`"),
            Origin::Default => f.write_str("the default"),
            Origin::Typed => f.write_str("what was typed"),
            Origin::Draft => f.write_str("an earlier round"),
        }
    }
}

/// A value and where it comes from.
#[derive(Debug, Clone)]
pub struct Given {
    value: SecretString,
    /// Where the value comes from.
    pub origin: Origin,
    reference: Option<Reference>,
}

impl Given {
    /// The value as a screen may show it; none for secrets.
    pub fn shown(&self, variable: &Variable) -> Option<&str> {
        (!variable.is_secret()).then(|| self.value.expose_secret())
    }

    /// The value in words; of a secret only that it is set, and from where.
    pub fn words(&self, variable: &Variable) -> String {
        match (self.shown(variable), &self.reference) {
            (Some(text), _) => text.to_owned(),
            (None, Some(Reference::Prompt)) => "to be asked for".to_owned(),
            (None, Some(reference)) => format!("set, from {reference}"),
            (None, None) => "set".to_owned(),
        }
    }

    /// The value, still wrapped.
    pub fn value(&self) -> &SecretString {
        &self.value
    }

    /// Where a secret was looked up.
    pub fn reference(&self) -> Option<&Reference> {
        self.reference.as_ref()
    }
}

/// The values given so far. Everything is kept as a secret; the key decides what may be shown.
#[derive(Debug, Clone)]
pub struct Answers {
    guide: &'static Guide,
    all: BTreeMap<&'static str, Given>,
}

impl Answers {
    /// No answers yet to what this guide asks.
    pub fn new(guide: &'static Guide) -> Self {
        Self { guide, all: BTreeMap::new() }
    }

    /// The guide that asks.
    pub fn guide(&self) -> &'static Guide {
        self.guide
    }

    /// Judges a value and keeps it, replacing an earlier one. Lists are joined by commas.
    ///
    /// # Errors
    /// `E-ANSWERS-KEY` for an unknown key, `E-ANSWERS-VALUE` for a value that cannot be right.
    pub fn set(&mut self, key: &str, value: SecretString, origin: Origin) -> Result<(), Failure> {
        let variable = self.guide.variable(key).ok_or_else(|| unknown_key(self.guide, key))?;
        if let Err(refused) = (variable.validate)(value.expose_secret()) {
            return Err(refuse(variable, value.expose_secret(), &origin, refused));
        }
        self.all.insert(variable.key, Given { value, origin, reference: None });
        Ok(())
    }

    /// Takes what a person typed, or nothing, for the answer: whether the answers changed, and why the text is refused.
    /// There is no answer then.
    pub fn type_in(&mut self, variable: &Variable, text: SecretString) -> (bool, Option<Refused>) {
        if self.is(variable.key, &text) {
            return (false, None);
        }
        let had = self.all.remove(variable.key).is_some();
        if text.expose_secret().is_empty() {
            return (had, None);
        }
        if let Err(refused) = (variable.validate)(text.expose_secret()) {
            return (had, Some(refused));
        }
        self.all.insert(variable.key, Given { value: text, origin: Origin::Typed, reference: None });
        (true, None)
    }

    /// Keeps where a secret is, without the secret itself.
    pub fn set_reference(&mut self, key: &'static str, reference: Reference, origin: Origin) {
        let given = Given { value: SecretString::default(), origin, reference: Some(reference) };
        self.all.insert(key, given);
    }

    /// Remembers where a secret was looked up, so that a saved file can say so.
    pub fn refer(&mut self, key: &str, reference: Reference) {
        if let Some(given) = self.all.get_mut(key) {
            given.reference = Some(reference);
        }
    }

    /// Environment names from which secrets among these answers were taken.
    pub fn secret_names(&self) -> Vec<String> {
        let references = self.all.values().filter_map(Given::reference);
        let names = references.filter_map(|reference| match reference {
            Reference::Env(name) => Some(name.clone()),
            _ => None,
        });
        names.chain(self.guide.secret_names()).collect()
    }

    /// Environment names under which a file that is written from these answers looks for secrets that were
    /// given as they are.
    pub fn secrets_left_out(&self) -> Vec<String> {
        let is_left_out = |variable: &&Variable| {
            let given = self.given(variable.key);
            let kept = |given: &Given| given.reference.is_some() || given.origin == Origin::Development;
            variable.is_secret() && given.is_some_and(|given| !kept(given))
        };
        self.guide.variables().filter(is_left_out).map(Variable::env).collect()
    }

    /// Takes over what the other answers have from `--set`.
    pub fn take_flags_of(&mut self, other: &Self) {
        let flags = other.all.iter().filter(|(_, given)| given.origin == Origin::Flag);
        self.all.extend(flags.map(|(key, given)| (*key, given.clone())));
    }

    /// Takes a value back; a default may count again.
    pub fn unset(&mut self, key: &str) {
        self.all.remove(key);
    }

    /// The value and origin of a key, if it has one.
    pub fn given(&self, key: &str) -> Option<&Given> {
        self.all.get(key)
    }

    /// A value that may be shown; none for secrets.
    pub fn text(&self, key: &str) -> Option<String> {
        debug_assert!(self.guide.variable(key).is_none_or(|variable| !variable.is_secret()));
        Some(self.all.get(key)?.value.expose_secret().to_owned())
    }

    /// A secret.
    pub fn secret(&self, key: &str) -> Option<SecretString> {
        Some(self.all.get(key)?.value.clone())
    }

    /// A path, made absolute; relative ones mean the working directory.
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        let text = self.text(key)?;
        Some(std::path::absolute(&text).unwrap_or_else(|_| PathBuf::from(text)))
    }

    /// True when the key has this value.
    pub fn is(&self, key: &str, value: &SecretString) -> bool {
        self.all.get(key).is_some_and(|given| given.value.expose_secret() == value.expose_secret())
    }

    /// Says the version of the answers, as each file must.
    pub fn state_version(&mut self) {
        let given = Given { value: general::CURRENT.into(), origin: Origin::Default, reference: None };
        self.all.insert(general::VERSION, given);
    }

    /// Fills the defaults of the guide where nothing is given.
    pub fn fill_defaults(&mut self) {
        for variable in self.guide.variables() {
            if let Default::Value(value) = variable.default {
                self.all.entry(variable.key).or_insert_with(|| Given {
                    value: value.into(),
                    origin: Origin::Default,
                    reference: None,
                });
            }
        }
    }

    /// The same, with the guide's values where nothing was answered.
    #[must_use]
    pub fn filled(&self) -> Self {
        let mut filled = self.clone();
        filled.fill_defaults();
        filled
    }

    /// Required answers of these sections that nobody gave, and answers that contradict each other.
    pub fn problems(&self, sections: &[&Section]) -> Vec<Failure> {
        let mut problems: Vec<Failure> = sections
            .iter()
            .flat_map(|section| section.variables.iter())
            .filter(|variable| matches!(variable.default, Default::Required))
            .filter(|variable| !self.all.contains_key(variable.key))
            .map(|variable| {
                let flag = if variable.is_secret() {
                    format!("`{}: {{env: NAME}}` or `{{file: PATH}}` in an answers file", variable.key)
                } else {
                    format!("`{}` in an answers file, `--set {}=VALUE`", variable.key, variable.key)
                };
                Failure::new(Code::AnswersMissing, format!("`{}` has no value", variable.key))
                    .why(format!("it is required: {}", start_small(variable.help)))
                    .remedy(format!("give {flag}, or the environment name `{}`", variable.env()))
                    .about(Subject::Unanswered(variable.key))
            })
            .collect();
        problems.extend(self.halves());
        problems.extend(self.contradictions());
        problems
    }
}

fn refuse(variable: &Variable, value: &str, origin: &Origin, refused: Refused) -> Failure {
    let key = variable.key;
    let failure = if variable.is_version() {
        Failure::new(Code::AnswersVersion, format!("`{key}` is `{value}`; {}", refused.why))
    } else if variable.is_secret() || value.is_empty() || may_hold_login(variable, value) {
        Failure::new(Code::AnswersValue, format!("`{key}` cannot be used: {}", refused.why))
    } else {
        let shown: String = value.chars().take(60).collect::<String>().escape_debug().to_string();
        Failure::new(Code::AnswersValue, format!("`{key}` cannot be `{shown}`: {}", refused.why))
    };
    let failure = failure.about(Subject::Variable(key));
    match origin {
        Origin::File(place) => failure.remedy(refused.remedy_in_yaml()).at(place.clone()),
        // Whoever typed it has it before their eyes.
        Origin::Typed => failure.remedy(refused.remedy),
        other => failure.remedy(refused.remedy).why(format!("the value comes from {other}")),
    }
}

/// A URL or `user:password@host` where an address is due holds a password.
fn may_hold_login(variable: &Variable, value: &str) -> bool {
    variable.is_address() && value.contains('@')
}

/// The failure for a key that is not known, with the nearest one that is.
pub(super) fn unknown_key(guide: &Guide, key: &str) -> Failure {
    if guide.unbuilt.contains(&key) {
        return Failure::new(Code::AnswersUnbuilt, format!("`{key}` is not supported in this version"))
            .remedy(format!("remove `{key}`"));
    }
    let failure = Failure::new(Code::AnswersKey, format!("there is no key `{}`", key.escape_debug()));
    match did_you_mean(key, guide.variables().map(|variable| variable.key)) {
        Some(near) => failure.remedy(meant(key, near)),
        None => failure.remedy("remove it; the README lists every key"),
    }
}

/// A sentence's text, to go on behind a colon.
fn start_small(text: &str) -> String {
    let mut text = text.trim_end_matches('.').to_owned();
    if text.chars().nth(1).is_some_and(|second| second.is_ascii_lowercase() || second == ' ') {
        text[..1].make_ascii_lowercase();
    }
    text
}

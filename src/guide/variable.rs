//! A variable: one value the guide asks for, as data.

use crate::{environment::Environment, failure::Failure};

use super::validate::Refused;

/// How a variable's value is written in the answers file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text.
    Text,
    /// A path of this host; a relative one means the working directory.
    Path,
    /// One `host:port`.
    Address,
    /// A list of texts; `--set` and the environment separate them by commas.
    List,
    /// A list of `host:port`.
    Addresses,
    /// A whole number.
    Number,
    /// The version of the answers themselves, a whole number: each file says it, and the environment never does.
    Version,
    /// A secret: the text itself, or a mapping that says where it is.
    Secret,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// The word `direct`, or a mapping that names a file: `{map: FILE}`, `map:FILE` where one text is due.
    DirectOrMap,
}

/// What the text of a [`Shape::DirectOrMap`] begins with where it names a file.
const MAP: &str = "map:";

/// The file that the text of a [`Shape::DirectOrMap`] names; none for the word.
pub(super) fn map_file(text: &str) -> Option<&str> {
    text.strip_prefix(MAP).map(str::trim_start)
}

/// The text that names this file.
pub(super) fn map_text(file: &str) -> String {
    format!("{MAP}{file}")
}

/// What happens when nobody gives a value.
#[derive(Debug, Clone, Copy)]
pub enum Default {
    /// A value is required.
    Required,
    /// Nothing is needed; the text says what happens then.
    Unset(&'static str),
    /// This value.
    Value(&'static str),
}

/// The guide's value for the development setup.
#[derive(Debug, Clone, Copy)]
pub enum Development {
    /// The same everywhere.
    Value(&'static str),
    /// Another in each environment.
    Local(fn(&Environment) -> String),
}

impl Development {
    /// What it is in this environment.
    pub fn value(self, environment: &Environment) -> String {
        match self {
            Self::Value(value) => value.to_owned(),
            Self::Local(value) => value(environment),
        }
    }
}

/// One value the guide asks for.
#[derive(Debug)]
pub struct Variable {
    /// Key in the answers file, for example `etcd.namespace`.
    pub key: &'static str,
    /// Label on screens.
    pub title: &'static str,
    /// One line of help in our own words.
    pub help: &'static str,
    /// How it is written in the answers file.
    pub shape: Shape,
    /// What counts when nobody gives a value.
    pub default: Default,
    /// The guide's value for the development setup.
    pub development: Option<Development>,
    /// The manager's own environment name, where it has one.
    pub manager_env: Option<&'static str>,
    /// Judges a value; the only place that does.
    pub validate: fn(&str) -> Result<(), Refused>,
}

impl Variable {
    /// The environment name that gives the value: the manager's own, else `BACKENDAI_SETUP_<KEY>`.
    pub fn env(&self) -> String {
        match self.manager_env {
            Some(name) => name.to_owned(),
            None => environment_name(self.key),
        }
    }

    /// The twin of a secret's environment name: it names a file that holds the secret.
    pub fn env_file(&self) -> Option<String> {
        self.is_secret().then(|| self.env() + "_FILE")
    }

    /// A value in the shape that an answers file has for it.
    pub fn json(&self, text: &str) -> serde_json::Value {
        match self.shape {
            Shape::List | Shape::Addresses => text.split(',').map(str::trim).collect(),
            Shape::Number | Shape::Version => text.parse::<u64>().map_or_else(|_| text.into(), Into::into),
            Shape::DirectOrMap => {
                map_file(text).map_or_else(|| text.into(), |file| serde_json::json!({ "map": file }))
            }
            Shape::Text | Shape::Path | Shape::Address | Shape::Secret | Shape::Choice(_) => text.into(),
        }
    }

    /// True when the value must never be shown.
    pub fn is_secret(&self) -> bool {
        self.shape == Shape::Secret
    }

    /// False for what the wizards ask for where it matters alone, and show once it is answered.
    pub fn is_always_asked(&self) -> bool {
        self.shape != Shape::DirectOrMap
    }

    /// True for the version of the answers.
    pub fn is_version(&self) -> bool {
        self.shape == Shape::Version
    }

    /// True for addresses of servers: what is pasted there may bring a password along.
    pub fn is_address(&self) -> bool {
        matches!(self.shape, Shape::Address | Shape::Addresses)
    }
}

/// The environment name of a key for which the manager has none.
pub fn environment_name(key: &str) -> String {
    format!("BACKENDAI_SETUP_{}", key.replace(['.', '-'], "_").to_uppercase())
}

/// The variables of one service; one page of the wizard.
#[derive(Debug)]
pub struct Section {
    /// Stable id, the first part of its keys.
    pub id: &'static str,
    /// Title on screens.
    pub title: &'static str,
    /// One sentence: what this service is for.
    pub intro: &'static str,
    /// The wizards ask for it; else it is for answers files alone.
    pub is_asked: bool,
    /// Its variables, in the order they are asked.
    pub variables: &'static [Variable],
}

impl Section {
    /// Those that are about one of its variables.
    pub fn own(&self, failures: Vec<Failure>) -> Vec<Failure> {
        let is_own = |failure: &Failure| {
            failure.variable().is_some_and(|key| self.variables.iter().any(|variable| variable.key == key))
        };
        failures.into_iter().filter(is_own).collect()
    }
}

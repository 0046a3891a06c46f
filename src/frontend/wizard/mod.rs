//! What both wizards share, the full-screen one and the line prompts.

mod draft;
pub mod drift;
pub mod home;
pub mod kept;
pub mod review;
pub mod round;
pub mod run;
pub mod start;
pub mod upgrade;

use std::path::PathBuf;

use crate::{
    failure::Failure,
    guide::{Answers, Origin, Section, Settings},
};

pub use draft::{Drafts, Unfinished};

/// What is missing or contradictory in the answers of a section.
pub fn problems_of(section: &'static Section, answers: &Answers) -> Vec<Failure> {
    section.own(answers.filled().problems(&[section]))
}

/// The answers, typed; what was not answered is as the guide says.
pub fn settings(answers: &Answers) -> Settings {
    Settings::new(&answers.filled())
}

/// The path that an answer names, as it was given; none where no file is wanted.
pub fn file(answers: &Answers, key: &str) -> Option<String> {
    let filled = answers.filled();
    let path = filled.given(key)?.shown(answers.guide().variable(key)?)?;
    (path != "none").then(|| path.to_owned())
}

/// The file of the keypairs, unless none is wanted.
pub fn credentials(answers: &Answers) -> Option<PathBuf> {
    settings(answers).files.credentials
}

/// What a person should hear about these answers: remarks from gathering them, unless the value was typed anew
/// since, and what the answers themselves say.
pub fn notes(answers: &Answers, loaded: &[Failure]) -> Vec<Failure> {
    let is_typed = |note: &Failure| {
        let given = note.variable().and_then(|key| answers.given(key));
        given.is_some_and(|given| given.origin == Origin::Typed)
    };
    loaded.iter().filter(|note| !is_typed(note)).cloned().chain(Settings::notes(answers)).collect()
}

/// The first of several, and how many more there are: for where one line must do.
pub fn first_of<'a>(failures: impl IntoIterator<Item = &'a Failure>) -> Option<String> {
    let mut failures = failures.into_iter();
    let first = failures.next()?.what.clone();
    Some(match failures.count() {
        0 => first,
        more => format!("{first} (and {more} more)"),
    })
}

//! What both wizards share, the full-screen one and the line prompts.

mod draft;
pub mod review;
pub mod round;
pub mod run;
pub mod start;

use std::path::{Path, PathBuf};

use crate::{
    failure::Failure,
    guide::{Answers, Origin, Section, Settings},
    report::{ago, history},
    session::{self, Setup},
};

pub use draft::Drafts;

/// What is missing or contradictory in the answers of a section.
pub fn problems_of(section: &'static Section, answers: &Answers) -> Vec<Failure> {
    section.own(answers.filled().problems(&[section]))
}

/// The answers, typed; what was not answered is as the guide says.
pub fn settings(answers: &Answers) -> Settings {
    Settings::new(&answers.filled())
}

/// What the cluster of these answers is called.
pub fn name(answers: &Answers) -> String {
    settings(answers).name
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

/// What is offered as "Continue".
#[derive(Debug)]
pub struct Unfinished {
    /// The answers so far.
    pub answers: Answers,
    /// The page they were left on.
    pub page: String,
    /// What happened and when: `4 of 7 done, Schema failed 12 min ago`.
    pub words: String,
}

/// What an earlier round left, if it left anything.
///
/// # Errors
/// `E-FILE-READ` for a draft that does not read.
pub fn unfinished(setup: &'static Setup, state_dir: &Path) -> Result<Option<Unfinished>, Failure> {
    let Some(draft) = session::draft(setup.guide, state_dir)? else { return Ok(None) };
    let ran = history(state_dir, &name(&draft.answers));
    let total = setup.stage_abouts().len();
    let done = ran.values().filter(|last| last.outcome.is_well()).count();
    let failed = ran.iter().find(|(_, last)| !last.outcome.is_well());
    let words = match failed {
        Some((id, last)) => {
            format!("{done} of {total} done, {} {}", setup.stage_title(id), last.words())
        }
        None => format!("answers left {}", ago(draft.saved)),
    };
    Ok(Some(Unfinished { answers: draft.answers, page: draft.page, words }))
}

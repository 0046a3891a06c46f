//! What both wizards share, the full-screen one and the line prompts.

mod draft;
pub mod recorder;
pub mod round;
pub mod work;

use std::path::PathBuf;

use crate::{
    devstack,
    environment::Environment,
    failure::{Code, Failure, Subject},
    guide::{Answers, Origin, Section, Settings, database, etcd, storage},
    report::{ago, history},
    session::{self, Overwrite, Setup},
    state::StateDir,
};

pub use draft::Drafts;

/// What is missing or contradictory in the answers of a section.
pub fn problems_of(section: &'static Section, answers: &Answers) -> Vec<Failure> {
    let mut filled = answers.clone();
    filled.fill_defaults();
    about(section, filled.problems(&[section]))
}

/// The answers, typed; what was not answered is as the guide says.
pub fn settings(answers: &Answers) -> Settings {
    let mut answers = answers.clone();
    answers.fill_defaults();
    Settings::new(&answers)
}

/// What the cluster of these answers is called.
pub fn name(answers: &Answers) -> String {
    settings(answers).name
}

/// The path that an answer names, as it was given; none where no file is wanted.
pub fn file(answers: &Answers, key: &str) -> Option<String> {
    let mut filled = answers.clone();
    filled.fill_defaults();
    let path = filled.given(key)?.shown(answers.guide().variable(key)?)?;
    (path != "none").then(|| path.to_owned())
}

/// The file of the keypairs, unless none is wanted.
pub fn credentials(answers: &Answers) -> Option<PathBuf> {
    settings(answers).files.credentials.map(|path| std::path::absolute(&path).unwrap_or(path))
}

/// The answers of a round begin with these.
pub fn begun(mut answers: Answers) -> Answers {
    answers.state_version();
    answers
}

/// Takes an earlier round up; what was said at the start counts.
pub fn taken_up(unfinished: Answers, flags: &Answers) -> Answers {
    let mut answers = unfinished;
    answers.take_flags_of(flags);
    begun(answers)
}

/// What a typed confirmation allows to overwrite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    Mount,
    StaleKeys,
    Published,
}

impl Grant {
    /// What would be allowed, for a conflict that can be overwritten.
    pub fn of(failure: &Failure) -> Option<Self> {
        match failure.code {
            Code::MountForeign => Some(Grant::Mount),
            Code::ImagesCircle | Code::ImagesHidden => Some(Grant::StaleKeys),
            Code::KeysPublished => Some(Grant::Published),
            _ => None,
        }
    }

    /// The word that confirms it.
    pub fn word(self) -> &'static str {
        match self {
            Grant::Mount => "replace",
            Grant::StaleKeys => "remove",
            Grant::Published => "renew",
        }
    }

    /// Allows it.
    pub fn allow(self, overwrite: &mut Overwrite) {
        match self {
            Grant::Mount => overwrite.mount = true,
            Grant::StaleKeys => overwrite.stale_keys = true,
            Grant::Published => overwrite.published = true,
        }
    }
}

/// The guide's development values, with the ports of the running stack.
pub fn development_answers(
    environment: &Environment,
    answers: &mut Answers,
    stack: &devstack::Stack,
) -> Vec<Failure> {
    let mut problems = Vec::new();
    for variable in answers.guide().variables() {
        let value = match variable.key {
            etcd::ENDPOINTS => Some(format!("localhost:{}", stack.etcd.port)),
            database::ADDRESS => Some(format!("localhost:{}", stack.postgres.port)),
            storage::MOUNT => Some(stack.mount.display().to_string()),
            _ => variable.development.map(|development| development.value(environment)),
        };
        let Some(value) = value else { continue };
        // What was said at the start counts.
        if answers.given(variable.key).is_some_and(|given| given.origin == Origin::Flag) {
            continue;
        }
        if let Err(failure) = answers.set(variable.key, value.into(), Origin::Development) {
            problems.push(failure);
        }
    }
    problems
}

/// Secrets that could not be looked up, as remarks: each is asked for on its page.
pub fn to_be_asked(to_ask: Vec<(&'static str, Failure)>) -> Vec<Failure> {
    let remark = |(key, failure): (&'static str, Failure)| {
        let note =
            Failure::new(Code::AnswersNote, format!("`{key}` is to be typed in: its source gave none"));
        let note = note.why(failure.what).remedy(format!("type `{key}` when it is asked for"));
        Failure { place: failure.place, ..note.about(Subject::Variable(key)) }
    };
    to_ask.into_iter().map(remark).collect()
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

/// Those that are about a variable of this section.
pub fn about(section: &Section, failures: Vec<Failure>) -> Vec<Failure> {
    let is_own = |failure: &Failure| {
        failure.variable().is_some_and(|key| section.variables.iter().any(|variable| variable.key == key))
    };
    failures.into_iter().filter(is_own).collect()
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
pub fn unfinished(setup: &'static Setup, state_dir: &StateDir) -> Result<Option<Unfinished>, Failure> {
    let Some(draft) = session::draft(setup.guide, state_dir)? else { return Ok(None) };
    let ran = history(state_dir, &name(&draft.answers));
    let total = setup.stage_abouts().len();
    let done = ran.values().filter(|last| last.outcome.is_well()).count();
    let now = state_dir.surroundings.clock.now();
    let failed = ran.iter().find(|(_, last)| !last.outcome.is_well());
    let words = match failed {
        Some((id, last)) => {
            format!("{done} of {total} done, {} {}", setup.stage_title(id), last.words(now))
        }
        None => format!("answers left {}", ago(draft.saved, now)),
    };
    Ok(Some(Unfinished { answers: draft.answers, page: draft.page, words }))
}

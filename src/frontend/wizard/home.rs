//! Where both wizards begin: what was set up from this machine, what was left unfinished, and what else can be set up.

use std::cmp::Reverse;

use crate::{
    failure::{Failure, Subject},
    guide::{Answers, Origin, database, etcd, general},
    session::{Inputs, Setup},
    state::{StateDir, Target},
    surroundings::Surroundings,
};

use super::{
    Unfinished,
    draft::unfinished,
    kept::{KeptTarget, kept_targets},
    start::{Gathered, gather},
};

/// One of the things that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The unfinished answers.
    Continue,
    /// What was set up before, by its id.
    Target(String),
    /// Servers that a person names.
    Servers,
    /// The guide's development setup, on this machine.
    Development,
    /// What an answers file says.
    File,
}

impl Choice {
    /// What is chosen where nothing was set up yet, or something else is to be.
    pub const OTHERS: [Self; 3] = [Self::Servers, Self::Development, Self::File];

    /// What people call it; empty for what has a name of its own.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Continue => "Continue",
            Self::Target(_) => "",
            Self::Servers => "Servers you name",
            Self::Development => "Development, this machine",
            Self::File => "From an answers file",
        }
    }
}

/// What is wanted of a target once everything is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Its review.
    Review,
    /// Its stages.
    Stages,
    /// Its last run, to be put back.
    Undo,
}

/// What the state directory tells.
#[derive(Debug, Default)]
pub struct Home {
    /// What was set up, the last run first.
    pub targets: Vec<KeptTarget>,
    /// Answers that were left unfinished.
    pub unfinished: Option<Unfinished>,
    /// What could not be read.
    pub notices: Vec<Failure>,
}

impl Home {
    /// Reads the state directory, and nothing else: no secret is looked up, no program started, no server asked.
    pub fn read(setup: &'static Setup, folder: &StateDir) -> Self {
        let mut home = Self::default();
        match kept_targets(setup, folder) {
            Ok(targets) => home.targets = targets,
            Err(failure) => home.notices.push(failure),
        }
        home.targets.sort_by_key(|target| (Reverse(target.last_run), target.name.clone()));
        // A draft that does not read is reported, and stays where it is.
        match unfinished(setup, folder) {
            Ok(found) => home.unfinished = found,
            Err(failure) => home.notices.push(failure),
        }
        home
    }
}

/// The answers of a target, as far as they are kept.
#[derive(Debug)]
pub struct Opened {
    /// The answers.
    pub answers: Answers,
    /// What a person should hear of them.
    pub notices: Vec<Failure>,
    /// The secrets that are kept nowhere, by key: only a person has them.
    pub asks: Vec<&'static str>,
}

/// Opens a target: its answers as they were saved, with their secrets looked up; else what is known of its servers. What
/// was given at the start counts.
///
/// # Errors
/// Every problem of the answers at once.
pub fn open(
    setup: &'static Setup,
    surroundings: &Surroundings,
    target: &Target,
    flags: &Answers,
) -> Result<Opened, Vec<Failure>> {
    let path = target.folder().join("answers.yml");
    let is_there = surroundings.disk.is_there(&path).map_err(|failure| vec![failure])?;
    let mut inputs = Inputs::new(setup, surroundings.clone());
    if is_there {
        inputs.answers = vec![path.display().to_string()];
    }
    let Gathered { mut answers, notices, to_ask } = gather(&inputs)?;
    if !is_there {
        fill(&mut answers, target);
    }
    answers.take_flags_of(flags);
    let asks = asks(setup, &answers, &to_ask);
    Ok(Opened { answers, notices, asks })
}

/// The secrets that are missing where everything else of their section is answered. A section that misses more has a page.
fn asks(setup: &Setup, answers: &Answers, to_ask: &[&'static str]) -> Vec<&'static str> {
    let filled = answers.filled();
    let mut asks = Vec::new();
    for section in setup.guide.asked() {
        let missing = filled.problems(&[section]);
        let missing: Vec<&str> = missing
            .iter()
            .filter_map(|problem| match problem.subject() {
                Some(Subject::Unanswered(key)) => Some(*key),
                _ => None,
            })
            .collect();
        let secrets = section.variables.iter().filter(|variable| variable.is_secret());
        let own: Vec<&'static str> = secrets
            .map(|variable| variable.key)
            .filter(|key| answers.given(key).is_none() && (missing.contains(key) || to_ask.contains(key)))
            .collect();
        if missing.iter().all(|key| own.contains(key)) {
            asks.extend(own);
        }
    }
    asks
}

/// What the record of a target tells, where its answers were not saved.
fn fill(answers: &mut Answers, target: &Target) {
    let servers = target.servers();
    let mut known = vec![(general::NAME, target.name().to_owned())];
    if let Some(place) = &servers.etcd {
        known.push((etcd::NAMESPACE, place.namespace.clone()));
        known.push((etcd::ENDPOINTS, place.endpoints.join(",")));
    }
    if let Some(place) = &servers.database {
        known.push((database::ADDRESS, place.address.clone()));
        known.push((database::NAME, place.name.clone()));
    }
    for (key, value) in known {
        // A value that this release refuses is asked for on its page.
        let _ = answers.set(key, value.into(), Origin::Draft);
    }
}

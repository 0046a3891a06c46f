//! Which run is put back.

use std::sync::Arc;

use crate::{
    failure::{Code, Failure},
    guide::Answers,
    guides::Setup,
    journal::{JournaledRun, journals},
    state::StateDir,
};

use super::Scope;

/// What is put back of the servers of these answers: the last run that wrote there, or this one; all of it, or these
/// stages.
///
/// # Errors
/// `E-UNDO-NOTHING` when no such run is written down, `E-USAGE` for stages that it wrote nothing in.
pub fn undo_scope(
    setup: &'static Setup,
    folder: &StateDir,
    answers: &Answers,
    run: Option<&str>,
    stages: &[String],
) -> Result<Scope, Failure> {
    let runs = match folder.known_target(answers)? {
        Some(target) => journals(target.disk(), target.folder())?,
        None => Vec::new(),
    };
    // An undo is no run that anybody would want to have put back.
    let mut runs = runs.into_iter().filter(|found| found.undoes.is_none());
    let found = match run {
        None => runs.next().ok_or_else(|| nothing(folder))?,
        Some(id) => {
            let all: Vec<JournaledRun> = runs.collect();
            let known: Vec<String> = all.iter().map(|found| found.id.clone()).collect();
            all.into_iter().find(|found| found.id == id).ok_or_else(|| unknown(folder, id, &known))?
        }
    };
    Scope::undo(setup, &Arc::new(found), stages)
}

fn nothing(folder: &StateDir) -> Failure {
    Failure::new(Code::UndoNothing, "there is no run to undo")
        .why(format!(
            "no run that is written down in `{}` has changed these servers",
            folder.path().display()
        ))
        .remedy("name the folder in which the run was written down: `--state-dir DIR`; `targets` lists what is in it")
}

fn unknown(folder: &StateDir, id: &str, known: &[String]) -> Failure {
    if known.is_empty() {
        return nothing(folder);
    }
    Failure::new(Code::UndoNothing, format!("there is no run `{}` to undo", id.escape_debug()))
        .remedy(format!("the runs on these servers are {}, the last one first", known.join(", ")))
}

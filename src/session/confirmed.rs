//! What somebody has looked at: that is written, or nothing.

use std::path::PathBuf;

use crate::{
    failure::{Failure, shell_word},
    workflow::{StagePlan, StageState},
};

/// A plan that a person confirmed, or that was saved.
#[derive(Debug, Clone)]
pub(super) struct Confirmed {
    pub(super) states: Vec<StageState>,
    /// Where it was saved.
    pub(super) file: Option<PathBuf>,
}

impl Confirmed {
    /// The failure that says so when something else is found.
    pub(super) fn out_of_date(&self, why: String) -> Failure {
        let Some(file) = &self.file else {
            return Failure::stale("what was confirmed is out of date: something changed meanwhile", why)
                .remedy("look again at what would change, then confirm that");
        };
        let what = format!("the plan in `{}` is out of date: something changed since", file.display());
        let word = shell_word(&file.to_string_lossy());
        Failure::stale(what, why)
            .remedy(format!("make it again and look at it: `plan --out {word}`, then apply that"))
    }

    /// Is what stops a stage in the way only since then? With a saved plan `--strict` may be new.
    pub(super) fn is_new(&self, failure: &Failure) -> bool {
        self.file.is_none() || !failure.code.is_warning()
    }

    /// The first thing in which what is found now differs.
    pub(super) fn difference(&self, found: &[StageState]) -> Option<String> {
        found.iter().find_map(|state| {
            let seen = self.states.iter().find(|seen| seen.stage == state.stage);
            let difference = match (&state.failure, seen) {
                (Some(failure), _) => failure.what.clone(),
                (None, Some(seen)) => seen.plan.difference(&state.plan)?,
                (None, None) => StagePlan::nothing(state.stage).difference(&state.plan)?,
            };
            Some(format!("{}: {difference}", state.title))
        })
    }
}

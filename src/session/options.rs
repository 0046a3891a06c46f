//! How work is done: by what it is reached, and what the command line gives beside answers.

use std::{path::PathBuf, time::Duration};

use crate::{failure::Tolerance, surroundings::Surroundings, world::Overwrite};

/// The options of a piece of work.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// By what the world is reached.
    pub surroundings: Surroundings,
    /// A fixture instead of the built-in one.
    pub fixture: Option<PathBuf>,
    /// What may be overwritten.
    pub overwrite: Overwrite,
    /// What counts as a failure.
    pub tolerance: Tolerance,
    /// How long to wait for targets that are not up yet.
    pub wait: Option<Duration>,
}

impl RunOptions {
    /// Nothing may be overwritten, and nothing is waited for.
    pub fn new(surroundings: Surroundings) -> Self {
        Self {
            surroundings,
            fixture: None,
            overwrite: Overwrite::default(),
            tolerance: Tolerance::default(),
            wait: None,
        }
    }
}

/// What is to be done with the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Live checks alone.
    Check,
    /// What would change; `detailed` gives status 9 when something would.
    Plan {
        /// Tell by the exit status whether there are changes.
        detailed: bool,
    },
    /// What is done, pending or in conflict.
    Status,
    /// What a run would do, with every check that it makes; writes nothing.
    Preview,
    /// Do it.
    Run,
    /// Meet other nodes at the shared folder.
    Rendezvous,
}

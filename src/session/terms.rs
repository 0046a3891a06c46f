//! On which terms work is done: what the command line gives beside answers.

use std::{path::PathBuf, time::Duration};

use crate::{failure::Tolerance, world::Overwrite};

/// The terms of a piece of work.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// A fixture instead of the built-in one.
    pub fixture: Option<PathBuf>,
    /// What may be overwritten.
    pub overwrite: Overwrite,
    /// What counts as a failure.
    pub tolerance: Tolerance,
    /// How long to wait for targets that are not up yet.
    pub wait: Option<Duration>,
}

//! What a run finds around itself, in one value: made first in `main`, and handed down to whoever works. Tests make
//! their own.

use crate::environment::Environment;

/// The surroundings of the work; cheap to copy, and every copy is the same.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// What the process was started with.
    pub environment: Environment,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Self {
        Self::new(Environment::of_process())
    }

    /// Those with this environment.
    pub fn new(environment: Environment) -> Self {
        Self { environment }
    }
}

//! What a run finds around itself, in one value: made first in `main`, and handed down to whoever works. Tests make
//! their own.

mod lookups;

use crate::{
    clock::Clock, disk::Disk, environment::Environment, fingerprint::FingerprintKey, limits::Limits,
};

pub use lookups::SecretLookups;

/// Ends the program at once, wherever it stands: the only place that does.
pub fn exit(status: u8) -> ! {
    std::process::exit(i32::from(status))
}

/// The surroundings of the work; cheap to copy, and every copy is the same.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// What the process was started with.
    pub environment: Environment,
    /// How long anything may take.
    pub limits: Limits,
    /// The time of day.
    pub clock: Clock,
    /// The door to the disk.
    pub disk: Disk,
    /// Programs that are asked for a secret.
    pub lookups: SecretLookups,
    /// Of the secrets in plans: a plan is only compared with one under the same key.
    pub fingerprints: FingerprintKey,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Self {
        Self::new(Environment::of_process())
    }

    /// Those with this environment.
    pub fn new(environment: Environment) -> Self {
        Self {
            environment,
            limits: Limits::default(),
            clock: Clock::default(),
            disk: Disk::default(),
            lookups: SecretLookups::default(),
            fingerprints: FingerprintKey::default(),
        }
    }

    /// The same with other limits.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { disk: self.disk.limited(limits), limits, ..self }
    }
}

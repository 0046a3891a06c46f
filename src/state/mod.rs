//! The state directory, and the folder of each target in it.

mod run;
mod servers;
mod target;

use std::path::{Path, PathBuf};

use crate::{
    failure::{Code, Failure},
    surroundings::Surroundings,
};

pub use run::RunRecord;
pub use servers::{DatabasePlace, EtcdPlace, Servers};
pub use target::{Identities, Target};

/// Where transcripts, history, drafts and answers are kept.
#[derive(Debug, Clone)]
pub struct StateDir {
    path: PathBuf,
    /// By what it is reached.
    pub surroundings: Surroundings,
}

impl StateDir {
    /// This folder.
    pub fn at(path: impl Into<PathBuf>, surroundings: Surroundings) -> Self {
        Self { path: path.into(), surroundings }
    }

    /// The state directory: named, else from the environment, else the user's own.
    ///
    /// # Errors
    /// `E-STATE-DIR` when there is none to be found, without HOME.
    pub fn find(named: Option<PathBuf>, surroundings: Surroundings) -> Result<Self, Failure> {
        let environment = &surroundings.environment;
        let named = named.or_else(|| environment.path("BACKENDAI_SETUP_STATE_DIR").map(Path::to_owned));
        let path = match named {
            Some(folder) => Some(std::path::absolute(&folder).unwrap_or(folder)),
            None => environment.state_directory().map(|folder| folder.join(env!("CARGO_PKG_NAME"))),
        };
        match path {
            Some(path) => Ok(Self { path, surroundings }),
            None => Err(Failure::new(Code::StateDir, "no state directory is known")
                .why("HOME is not set")
                .remedy("give `--state-dir DIR`, or set `BACKENDAI_SETUP_STATE_DIR`")),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

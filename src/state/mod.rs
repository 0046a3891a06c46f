//! The state directory, and the folder of each target in it.

mod run;
mod servers;
mod target;

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use crate::{
    failure::{Code, Failure, shell_word, words},
    fingerprint::FingerprintKey,
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

    /// The key of fingerprints that outlive this process. It is made when it is first needed; of several processes
    /// that make one at the same time the first counts.
    ///
    /// # Errors
    /// `E-STATE-DIR` when it cannot be kept, else as [`StateDir::kept_fingerprint_key`].
    pub fn fingerprint_key(&self) -> Result<FingerprintKey, Failure> {
        if let Some(key) = self.kept_fingerprint_key()? {
            return Ok(key);
        }
        let (disk, path) = (&self.surroundings.disk, self.fingerprint_key_path());
        disk.make_folder(&self.path)?;
        let key = FingerprintKey::default();
        let text = key.to_text()?;
        let Err(error) = disk.put_new(&path, text.expose_secret().as_bytes(), 0o600)? else { return Ok(key) };
        let unkept = Failure::new(Code::StateDir, format!("no key can be kept in `{}`", self.path.display()))
            .why(words(&error))
            .remedy("name a folder that can be written: `--state-dir DIR`");
        self.kept_fingerprint_key()?.ok_or(unkept)
    }

    /// The same, if it was made before.
    ///
    /// # Errors
    /// `E-STATE-DIR` when others can read it, or it is damaged; `E-FILE-READ` or `E-FILE-HUNG` when it cannot be read.
    pub fn kept_fingerprint_key(&self) -> Result<Option<FingerprintKey>, Failure> {
        let (disk, path) = (&self.surroundings.disk, self.fingerprint_key_path());
        if !disk.is_there(&path)? {
            return Ok(None);
        }
        let word = shell_word(&path.to_string_lossy());
        let unfit = |how| Failure::new(Code::StateDir, format!("the key in `{}` {how}", path.display()));
        if disk.secret_lies_open(&path)? {
            return Err(unfit("can be read by others").remedy(format!("chmod 600 {word}")));
        }
        let bytes = disk.read_input(&path)?;
        FingerprintKey::from_text(&bytes).map(Some).ok_or_else(|| {
            unfit("is damaged")
                .why("plans that were saved before cannot be told from others")
                .remedy(format!("rm {word}"))
        })
    }

    fn fingerprint_key_path(&self) -> PathBuf {
        self.path.join("fingerprint-key")
    }
}

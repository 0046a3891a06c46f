//! The transcript: every run written down in the state directory, secrets hidden because events hold none.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    failure::{Code, Failure, words},
    workflow::{Event, StageId},
};

use super::{Plain, Reporter};

/// How many transcripts of a target are kept.
const KEPT: usize = 50;

/// The state directory: named, else from the environment, else the user's own.
///
/// # Errors
/// `E-STATE-DIR` when there is none to be found, without HOME.
pub fn state_dir(named: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let from = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = named.or_else(|| from("BACKENDAI_SETUP_STATE_DIR")) {
        return Ok(std::path::absolute(&folder).unwrap_or(folder));
    }
    let found = etcetera::base_strategy::Xdg::new().ok().and_then(|strategy| strategy.state_dir());
    found.map(|folder| folder.join(env!("CARGO_PKG_NAME"))).ok_or_else(|| {
        Failure::new(Code::StateDir, "no state directory is known")
            .why("HOME is not set")
            .remedy("give `--state-dir DIR`, or set `BACKENDAI_SETUP_STATE_DIR`")
    })
}

/// The folder of one target in the state directory.
pub fn target_folder(state_dir: &Path, target: &str) -> PathBuf {
    // A name is the user's own text; a folder must not lead anywhere else.
    const KEPT_AS_IS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'@');
    state_dir.join(utf8_percent_encode(target, KEPT_AS_IS).to_string())
}

/// Writes events into a file of the state directory.
pub struct Transcript {
    plain: Plain<anstream::StripStream<File>>,
    path: PathBuf,
}

impl Transcript {
    /// Opens a new transcript for a target, and lets go of the oldest ones.
    ///
    /// # Errors
    /// `E-STATE-DIR` when it cannot be written.
    pub fn create(
        state_dir: &Path,
        target: &str,
        titles: BTreeMap<StageId, &'static str>,
    ) -> Result<Self, Failure> {
        let folder = target_folder(state_dir, target).join("transcripts");
        let stamp = Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ").to_string();
        let path = folder.join(format!("{stamp}-{}.log", std::process::id()));
        let open = || {
            DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            // A full disk shows now, and not when there is something to tell.
            writeln!(file, "{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))?;
            file.sync_all()?;
            Ok(file)
        };
        let file = open().map_err(|error: io::Error| {
            Failure::new(Code::StateDir, format!("no transcript can be written in `{}`", folder.display()))
                .why(words(&error))
                .remedy("name a folder that can be written: `--state-dir DIR`")
        })?;
        forget_oldest(&folder);
        Ok(Self { plain: Plain::dated(anstream::StripStream::new(file), titles), path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Reporter for Transcript {
    fn report(&mut self, event: &Event) -> io::Result<()> {
        self.plain.report(event)
    }
}

/// Names begin with the time, so they sort by age.
fn forget_oldest(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut logs: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    logs.sort();
    let surplus = logs.len().saturating_sub(KEPT);
    for old in logs.drain(..surplus) {
        let _ = fs::remove_file(old);
    }
}

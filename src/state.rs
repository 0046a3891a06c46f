//! The state directory, and the folder of each target in it.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::failure::{Code, Failure};

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

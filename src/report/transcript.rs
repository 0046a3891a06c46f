//! The transcript: every run written down in the state directory, secrets hidden because events hold none.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use crate::{
    disk::{Disk, LogFile},
    failure::{Code, Failure, words},
    state::Target,
    workflow::{Event, StageId},
};

use super::{Plain, Reporter, Sink};

/// How many transcripts of a target are kept.
const KEPT: usize = 50;

/// Writes events into a file of the state directory.
pub struct Transcript {
    plain: Plain<anstream::StripStream<LogFile>>,
    path: PathBuf,
    /// The user named the file.
    asked: bool,
}

impl Transcript {
    /// Opens a new transcript for a run on a target, and lets go of the oldest ones.
    ///
    /// # Errors
    /// `E-STATE-DIR` when it cannot be written.
    pub fn create(
        target: &Target,
        run: &str,
        titles: BTreeMap<StageId, &'static str>,
    ) -> Result<Self, Failure> {
        let folder = target.folder().join("transcripts");
        let path = folder.join(format!("{run}.log"));
        let head = format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        let begun = target.disk().begin_log(&path, &head, KEPT)?;
        let file = begun.map_err(|error| {
            Failure::new(Code::StateDir, format!("no transcript can be written in `{}`", folder.display()))
                .why(words(&error))
                .remedy("name a folder that can be written: `--state-dir DIR`")
        })?;
        Ok(Self { plain: Plain::dated(anstream::StripStream::new(file), titles), path, asked: false })
    }

    /// Goes on at the end of a file that the user named, in every detail.
    ///
    /// # Errors
    /// `E-FILE-WRITE` when it cannot be written.
    pub fn append(
        disk: &Disk,
        path: &Path,
        titles: BTreeMap<StageId, &'static str>,
    ) -> Result<Self, Failure> {
        let Some(opened) = disk.open_log(path)? else {
            let what = format!("the log file `{}` is a pipe", path.display());
            return Err(Failure::new(Code::FileWrite, what).remedy("name a file with `--log-file`"));
        };
        let file = opened.map_err(|error| {
            Failure::new(Code::FileWrite, format!("the log file `{}` cannot be written", path.display()))
                .why(words(&error))
                .remedy("name another file with `--log-file`, in a folder that is there")
        })?;
        let plain = Plain::dated(anstream::StripStream::new(file), titles).telling_all(true);
        Ok(Self { plain, path: path.to_owned(), asked: true })
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

    fn sink(&self) -> Sink<'_> {
        if self.asked { Sink::Asked(&self.path) } else { Sink::Own(&self.path) }
    }
}

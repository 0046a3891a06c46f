//! What a run writes down: files that grow at their end, and small ones that are replaced.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, FileType, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::failure::Failure;

use super::{Access, Disk};

/// A file that grows at its end, written by whoever has opened it.
pub type LogFile = File;

impl Disk {
    /// Begins a log of ours with its first line, and lets go of the oldest in its folder, so that so many are kept. The
    /// result within is what the system says.
    ///
    /// # Errors
    /// `E-FILE-HUNG` when nothing answers.
    pub fn begin_log(&self, path: &Path, head: &str, kept: usize) -> Result<io::Result<LogFile>, Failure> {
        let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
        let (into, path, head) = (folder.clone(), path.to_owned(), head.to_owned());
        self.access(&folder, Access::Write, move || {
            make(&into)?;
            let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?;
            // A full disk shows now, and not when there is something to tell.
            writeln!(file, "{head}")?;
            file.sync_all()?;
            forget_oldest(&into, path.extension(), kept);
            Ok(file)
        })
    }

    /// Opens a file that the user named, to go on at its end; none when it is a pipe, which would wait for a reader
    /// that may never come. The result within is what the system says.
    ///
    /// # Errors
    /// `E-FILE-HUNG` when nothing answers.
    pub fn open_log(&self, path: &Path) -> Result<Option<io::Result<LogFile>>, Failure> {
        let asked = path.to_owned();
        self.access(path, Access::Write, move || {
            let is_pipe = fs::metadata(&asked).is_ok_and(|meta| meta.file_type().is_fifo());
            let open = || OpenOptions::new().append(true).create(true).mode(0o600).open(&asked);
            (!is_pipe).then(open)
        })
    }

    /// The folders in a folder of ours; none when it is not there, or does not let us look.
    ///
    /// # Errors
    /// `E-FILE-HUNG` when nothing answers.
    pub fn folders(&self, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
        self.entries(folder, |kind| kind.is_dir())
    }

    /// The files in a folder of ours, by name; none when it is not there.
    ///
    /// # Errors
    /// `E-FILE-HUNG` when nothing answers.
    pub fn files(&self, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
        self.entries(folder, |kind| kind.is_file())
    }

    fn entries(
        &self,
        folder: &Path,
        is_meant: impl Fn(&FileType) -> bool + Send + 'static,
    ) -> Result<Vec<PathBuf>, Failure> {
        let asked = folder.to_owned();
        self.access(folder, Access::Look, move || {
            let entries = fs::read_dir(asked).into_iter().flatten().flatten();
            let meant = entries.filter(|entry| entry.file_type().is_ok_and(|kind| is_meant(&kind)));
            let mut found: Vec<PathBuf> = meant.map(|entry| entry.path()).collect();
            found.sort();
            found
        })
    }

    /// Removes a folder of ours with everything in it. The result within is what the system says.
    ///
    /// # Errors
    /// `E-FILE-HUNG` when nothing answers.
    pub fn remove_folder(&self, folder: &Path) -> Result<io::Result<()>, Failure> {
        let asked = folder.to_owned();
        self.access(folder, Access::Write, move || fs::remove_dir_all(asked))
    }

    /// What a record of ours holds; nothing when it does not read.
    pub fn record(&self, path: &Path) -> Vec<u8> {
        let asked = path.to_owned();
        let read = self.access(path, Access::Read, move || fs::read(asked));
        read.ok().and_then(Result::ok).unwrap_or_default()
    }
}

/// Writes a record of ours, readable for its owner alone, with its folder: on the thread of whoever asks, who has a
/// limit.
///
/// # Errors
/// What the system says.
pub fn replace_record(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Names begin with the time, so they sort by age.
fn forget_oldest(folder: &Path, extension: Option<&OsStr>, kept: usize) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut logs: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension() == extension)
        .collect();
    logs.sort();
    let surplus = logs.len().saturating_sub(kept);
    for old in logs.drain(..surplus) {
        let _ = fs::remove_file(old);
    }
}

//! How a file is written: all of it or nothing, and never more open than what stood there.

use std::{
    fs::{self, File, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use secrecy::{ExposeSecret, SecretSlice};
use tempfile::NamedTempFile;

use crate::failure::{Code, Failure, words};

use super::{
    Access, Disk,
    guarded::{Guard, Refused, leave_place, take_place},
    names::{name, parent},
};

/// A file that was written.
#[derive(Debug)]
pub struct Put {
    /// Its permission bits.
    pub mode: u32,
    /// Where the old content is kept.
    pub backup: Option<PathBuf>,
}

/// The same permissions without those of others; the owner can read what is ours.
pub(super) fn closed(mode: u32) -> u32 {
    mode & 0o700 | 0o400
}

impl Disk {
    /// Writes a file that only the owner can read: a new file beside it, synced, takes its place in one step. It keeps
    /// its group, where this user may give it, and what its owner may do: 0400 stays 0400. `keep` is the old
    /// content, if a backup is to stay beside it; no backup stays beside a file that could not be written.
    ///
    /// # Errors
    /// `E-FILE-WRITE`; what stood there before still does. `E-FILE-HUNG` when nothing answers.
    pub fn replace(&self, path: &Path, bytes: &[u8], keep: Option<&[u8]>) -> Result<Put, Failure> {
        self.access(path, Access::Write, replacing(path, bytes, keep, None))?
    }

    /// Puts back what a file held, with the permissions that it had, where what the guard saw still stands.
    ///
    /// # Errors
    /// As [`Disk::replace_guarded`].
    pub async fn restore_guarded(
        &self,
        path: &Path,
        bytes: &[u8],
        mode: u32,
        guard: Guard,
    ) -> Result<Put, Failure> {
        let (asked, bytes) = (path.to_owned(), secret(bytes));
        let restore = move || replace_now(&asked, bytes.expose_secret(), Some(mode), None, Some(&guard));
        let put = self.patiently(path, Access::Write, restore).await;
        put.map_err(|stuck| stuck.failure(path, Access::Write))?
    }

    /// The files beside this one that a killed run left half-written.
    ///
    /// # Errors
    /// `E-FILE-HUNG` when nothing answers.
    pub async fn half_written(&self, path: &Path) -> Result<Vec<PathBuf>, Failure> {
        let asked = path.to_owned();
        let find = move || {
            let prefix = prefix(&asked);
            let found = half_written(parent(&asked), &prefix);
            found.map(|(path, _)| path).collect()
        };
        let found = self.patiently(path, Access::Look, find).await;
        found.map_err(|stuck| stuck.failure(path, Access::Look))
    }

    /// Removes a file where what the guard saw still stands.
    ///
    /// # Errors
    /// As [`Disk::replace_guarded`].
    pub async fn remove_guarded(&self, path: &Path, guard: Guard) -> Result<(), Failure> {
        let asked = path.to_owned();
        let remove = move || match leave_place(&asked, &guard) {
            Ok(()) => Ok(()),
            Err(Refused::Failure(failure)) => Err(failure),
            Err(Refused::Io(error)) => Err(unremoved(&asked, &error)),
        };
        let removed = self.patiently(path, Access::Write, remove).await;
        removed.map_err(|stuck| stuck.failure(path, Access::Write))?
    }

    /// As [`Disk::replace`], beside the tasks, where what the guard saw still stands.
    ///
    /// # Errors
    /// As [`Disk::replace`], and `E-PLAN-STALE` when something else stands there.
    pub async fn replace_guarded(
        &self,
        path: &Path,
        bytes: &[u8],
        keep: Option<&[u8]>,
        guard: Guard,
    ) -> Result<Put, Failure> {
        let put = self.patiently(path, Access::Write, replacing(path, bytes, keep, Some(guard))).await;
        put.map_err(|stuck| stuck.failure(path, Access::Write))?
    }

    /// Where the old content of a file would be kept beside it by [`Disk::replace`]; none where a backup with this content
    /// is there.
    ///
    /// # Errors
    /// `E-FILE-HUNG` when nothing answers.
    pub async fn new_backup(&self, path: &Path, bytes: &[u8]) -> Result<Option<PathBuf>, Failure> {
        let (asked, bytes) = (path.to_owned(), secret(bytes));
        let find = move || {
            let bytes = bytes.expose_secret();
            backups(&asked).find_map(|backup| match fs::symlink_metadata(&backup) {
                Err(_) => Some(Some(backup)),
                Ok(_) => is_backup(&backup, bytes).then_some(None),
            })
        };
        let found = self.patiently(path, Access::Look, find).await;
        Ok(found.map_err(|stuck| stuck.failure(path, Access::Look))?.flatten())
    }

    /// Writes a file that is not there yet, all of it or nothing. The result within is `AlreadyExists` when there is one,
    /// else what the system says; nothing was written then.
    ///
    /// # Errors
    /// `E-FILE-HUNG` when nothing answers.
    pub fn put_new(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<io::Result<()>, Failure> {
        let (asked, bytes) = (path.to_owned(), secret(bytes));
        self.access(path, Access::Write, move || put_new_now(&asked, bytes.expose_secret(), mode))
    }
}

/// The work of the thread that writes, with copies of its own.
fn replacing(
    path: &Path,
    bytes: &[u8],
    keep: Option<&[u8]>,
    guard: Option<Guard>,
) -> impl FnOnce() -> Result<Put, Failure> + Send + 'static {
    let (path, bytes, keep) = (path.to_owned(), secret(bytes), keep.map(secret));
    move || {
        let keep = keep.as_ref().map(ExposeSecret::expose_secret);
        replace_now(&path, bytes.expose_secret(), None, keep, guard.as_ref())
    }
}

fn secret(bytes: &[u8]) -> SecretSlice<u8> {
    bytes.to_vec().into()
}

fn replace_now(
    path: &Path,
    bytes: &[u8],
    mode: Option<u32>,
    keep: Option<&[u8]>,
    guard: Option<&Guard>,
) -> Result<Put, Failure> {
    let write = || {
        let mut file = beside(path)?;
        file.write_all(bytes)?;
        let mode = take_after(path, file.as_file(), mode)?;
        file.as_file().sync_all()?;
        Ok((file, mode))
    };
    let (file, mode) = write().map_err(|error| unwritten(path, &error))?;
    let kept = keep.map(|old| keep_backup(path, old)).transpose()?;
    if let Err(refused) = take_place(file, path, guard) {
        if let Some(Backup { path, is_new: true }) = &kept {
            let _ = fs::remove_file(path);
        }
        return Err(match refused {
            Refused::Failure(failure) => failure,
            Refused::Io(error) => unwritten(path, &error),
        });
    }
    File::open(parent(path)).and_then(|folder| folder.sync_all()).map_err(|error| {
        Failure::new(Code::FileWrite, format!("`{}` may not survive a crash of this machine", path.display()))
            .why(format!(
                "its new content stands there, but its folder could not be synced: {}",
                words(&error)
            ))
            .remedy("look at the disk, then run again")
    })?;
    Ok(Put { mode, backup: kept.map(|backup| backup.path) })
}

/// Gives a new file the group of the one whose place it takes, and the permissions that are asked for, else its owner's.
fn take_after(path: &Path, file: &File, mode: Option<u32>) -> io::Result<u32> {
    let Some(old) = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file) else { return Ok(0o600) };
    // A group that this user is not in stays out: nobody else can read the file anyway.
    let _ = fchown(file, None, Some(old.gid()));
    let mode = mode.unwrap_or_else(|| closed(old.permissions().mode()));
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(mode)
}

fn put_new_now(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = beside(path)?;
    file.write_all(bytes)?;
    if mode != 0o600 {
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
    }
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|refused| refused.error)?;
    File::open(parent(path))?.sync_all()
}

struct Backup {
    path: PathBuf,
    /// One with the same content may be there from a run that was killed.
    is_new: bool,
}

/// The names of the backups of a file, in the order in which they are taken.
fn backups(path: &Path) -> impl Iterator<Item = PathBuf> {
    (0..).map(move |number| {
        let suffix = if number == 0 { "bak".to_owned() } else { format!("bak.{number}") };
        path.with_file_name(format!("{}.{suffix}", name(path)))
    })
}

fn is_backup(path: &Path, bytes: &[u8]) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
    is_file && fs::read(path).is_ok_and(|kept| kept == bytes)
}

/// Keeps the old content of a file beside it, readable for the owner alone; never overwrites one.
fn keep_backup(path: &Path, bytes: &[u8]) -> Result<Backup, Failure> {
    for backup in backups(path) {
        match put_new_now(&backup, bytes, 0o600) {
            Ok(()) => return Ok(Backup { path: backup, is_new: true }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if is_backup(&backup, bytes) {
                    return Ok(Backup { path: backup, is_new: false });
                }
            }
            Err(error) => return Err(unwritten(&backup, &error)),
        }
    }
    unreachable!("an endless range ended")
}

/// How new files beside another begin.
fn prefix(path: &Path) -> String {
    let short: String = name(path).chars().take(40).collect();
    format!(".{short}.{}-", env!("CARGO_PKG_NAME"))
}

/// A new file beside another, locked as long as it is written. Created 0600.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let prefix = prefix(path);
    sweep(parent(path), &prefix);
    loop {
        let file = NamedTempFile::with_prefix_in(&prefix, parent(path))?;
        // Another run that sweeps may have been quicker than our lock.
        let swept = flock(file.as_file(), FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK);
        if !swept && file.as_file().metadata()?.nlink() > 0 {
            return Ok(file);
        }
    }
}

/// Removes what a killed run left half-written: it holds secrets.
fn sweep(folder: &Path, prefix: &str) {
    for (path, _lock) in half_written(folder, prefix) {
        let _ = fs::remove_file(path);
    }
}

/// What killed runs left half-written, each locked. What another run still writes is locked by that.
fn half_written(folder: &Path, prefix: &str) -> impl Iterator<Item = (PathBuf, File)> {
    fs::read_dir(folder).into_iter().flatten().flatten().filter_map(move |entry| {
        let is_ours = entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes())
            && entry.file_type().is_ok_and(|kind| kind.is_file());
        let file = is_ours.then(|| File::open(entry.path()).ok()).flatten()?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
        Some((entry.path(), file))
    })
}

fn unremoved(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Code::FileWrite, format!("`{}` could not be removed", path.display()))
        .why(words(error))
        .remedy("fix the folder, then run again; the file still stands there")
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Code::FileWrite, format!("`{}` could not be written", path.display()))
        .why(words(error))
        .remedy("make room or fix the folder, then run again; what stood there before still does")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = || -> Vec<_> {
            let entries = fs::read_dir(folder.path()).expect("the folder is ours").flatten();
            entries.map(|entry| entry.file_name().into_string().expect("UTF-8")).collect()
        };
        // A folder that is not empty: nothing can take its place, which shows at the last step only.
        let path = folder.path().join("taken");
        fs::create_dir_all(path.join("within")).expect("the folder is ours");
        let failure =
            Disk::default().replace(&path, b"new", Some(b"old")).expect_err("a folder stands there");
        assert_eq!((failure.code, names()), (Code::FileWrite, vec!["taken".to_owned()]));
        // A backup that was there before stays.
        fs::write(folder.path().join("taken.bak"), "old").expect("the folder is ours");
        Disk::default().replace(&path, b"new", Some(b"old")).expect_err("a folder stands there");
        assert_eq!(names().len(), 2, "{:?}", names());
    }
}

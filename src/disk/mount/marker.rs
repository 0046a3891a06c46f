//! The file by which another node knows the shared folder again.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    fs::{AtFlags, CWD, OFlags, Timespec, Timestamps, UTIME_NOW, utimensat},
    io::Errno,
};
use tokio::task::JoinHandle;

use crate::{
    disk::{Access, Disk},
    failure::{Code, Failure, words},
};

use super::patiently;

/// How every name begins, so that people know whose it is.
const PREFIX: &str = ".backendai-setup-mount-";
/// More than any mark of ours has.
const LIMIT: u64 = 256;

/// A file that nobody has kept for so long is left from an offer that was killed. Longer than file systems
/// remember what a file was like.
const STALE: Duration = Duration::from_secs(300);

/// The name of a file.
pub fn name(id: &str) -> String {
    format!("{PREFIX}{id}")
}

/// Could this be such a name? What others wrote must not lead to another file.
pub fn is_name(name: &str) -> bool {
    name.starts_with(PREFIX) && !name.contains('/')
}

/// The file while it is there; removed at the latest when this is dropped.
#[derive(Debug)]
pub struct Marker {
    disk: Disk,
    path: Option<PathBuf>,
    /// The last try to keep it, which may hang.
    kept: Option<JoinHandle<()>>,
}

impl Marker {
    /// Creates the file with a mark in it and lets everybody read it, since other nodes may know this user
    /// by another number.
    ///
    /// # Errors
    /// `E-MOUNT-WRITE` or `E-MOUNT-READONLY`, or `E-MOUNT-HUNG` when the file system does not answer.
    pub async fn leave(disk: &Disk, folder: &Path, name: &str, mark: &str) -> Result<Self, Failure> {
        let path = folder.join(name);
        let (asked, text) = (path.clone(), format!("{mark}\n"));
        // Made first: an attempt that hangs may still make the file.
        let marker = Self { disk: disk.clone(), path: Some(path), kept: None };
        match patiently(disk, folder, move || write(&asked, &text)).await? {
            Ok(()) => Ok(marker),
            Err(error) => Err(refused(folder, "created", &error)),
        }
    }

    /// Tells whoever sweeps the folder that the file is still in use, by its time. Does not wait for a file
    /// system that hangs.
    pub fn keep(&mut self) {
        let is_done = self.kept.as_ref().is_none_or(JoinHandle::is_finished);
        if let (Some(path), true) = (self.path.clone(), is_done) {
            // The time of whoever keeps the files, not of this host.
            let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
            let times = Timestamps { last_access: now, last_modification: now };
            let disk = self.disk.clone();
            self.kept = Some(tokio::spawn(async move {
                let asked = path.clone();
                let touch = move || utimensat(CWD, &asked, &times, AtFlags::SYMLINK_NOFOLLOW);
                // The next one tries again.
                let _ = disk.patiently(&path, Access::Write, touch).await;
            }));
        }
    }

    /// Removes the file.
    ///
    /// # Errors
    /// `E-MOUNT-WRITE` when it stays, `E-MOUNT-HUNG` when the file system does not answer.
    pub async fn remove(mut self) -> Result<(), Failure> {
        let Some(path) = self.path.take() else { return Ok(()) };
        let asked = path.clone();
        match patiently(&self.disk, &path, move || fs::remove_file(&asked)).await? {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(refused(&path, "removed", &error)),
            _ => Ok(()),
        }
    }
}

impl Drop for Marker {
    /// Without waiting, since the file system may hang.
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            let asked = path.clone();
            self.disk.some_time(&path, move || drop(fs::remove_file(asked)));
        }
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
    // The mask of this process may have taken rights away.
    let written = file
        .set_permissions(Permissions::from_mode(0o644))
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written?;
    // Not every file system syncs folders.
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all().or(Ok(())))
}

fn refused(path: &Path, step: &str, error: &io::Error) -> Failure {
    if error.kind() == ErrorKind::ReadOnlyFilesystem {
        return super::read_only(path, error);
    }
    let what = match step {
        "created" => format!("no file could be created in `{}`", path.display()),
        _ => format!("`{}` could not be {step}", path.display()),
    };
    Failure::new(Code::MountWrite, what).why(words(error)).remedy(super::write_remedy(error))
}

/// Removes what killed offers have left, of this cluster or another: an offer that stands keeps its file. What
/// cannot be removed does no harm: no offer names it.
pub async fn sweep(disk: &Disk, folder: &Path, own: &str) {
    let (asked, own) = (folder.to_owned(), folder.join(own));
    let _ = patiently(disk, folder, move || {
        let time = |path: &Path| fs::symlink_metadata(path)?.modified();
        let now = time(&own)?;
        for entry in fs::read_dir(&asked)?.flatten() {
            let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
            let is_stale = || {
                time(&entry.path()).is_ok_and(|kept| now.duration_since(kept).is_ok_and(|age| age > STALE))
            };
            if is_ours && is_stale() {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    })
    .await;
}

/// The mark in a file; none when there is no such file, or something else that is no mark.
///
/// # Errors
/// `E-MOUNT-WRITE` when it may not be read, `E-MOUNT-HUNG` when the file system does not answer.
pub async fn read(disk: &Disk, folder: &Path, name: &str) -> Result<Option<String>, Failure> {
    let path = folder.join(name);
    let asked = path.clone();
    let found = patiently(disk, folder, move || {
        // A pipe of that name would wait for a writer, and a link lead elsewhere.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&asked)?;
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let mut text = Vec::new();
        file.take(LIMIT).read_to_end(&mut text)?;
        Ok(Some(String::from_utf8_lossy(&text).trim_end().to_owned()))
    })
    .await?;
    match found {
        Ok(found) => Ok(found),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => Ok(None),
        Err(error) => Err(Failure::new(Code::MountWrite, format!("`{}` cannot be read", path.display()))
            .why(words(&error))
            .remedy("check owner and mode of the folder, or what the network storage says")),
    }
}

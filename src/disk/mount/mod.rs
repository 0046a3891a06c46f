//! The shared folder: what is mounted, and whether it can be written. Nothing here may hang the program.

pub mod marker;

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use crate::{
    failure::{Code, Failure, words},
    limits::seconds,
};

use super::{Access, Disk, Stuck, unescape};

/// Does `/etc/fstab` know this place?
pub fn in_fstab(path: &Path) -> bool {
    fs::read_to_string("/etc/fstab").is_ok_and(|table| {
        table
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .filter_map(|line| line.split_whitespace().nth(1))
            .any(|place| unescape(place) == path)
    })
}

/// What a folder is.
#[derive(Debug)]
pub enum Kind {
    /// Nothing is there.
    Missing,
    /// Something else than a folder.
    Other,
    /// A folder above it is none.
    BelowFile,
    /// A folder, by its real path.
    Folder(PathBuf),
}

/// Looks what is at a path.
///
/// # Errors
/// `E-MOUNT-HUNG` when the file system does not answer, `E-MOUNT-WRITE` when it may not be looked at.
pub async fn kind(disk: &Disk, path: &Path) -> Result<Kind, Failure> {
    let asked = path.to_owned();
    patiently(disk, path, move || match fs::metadata(&asked) {
        Ok(meta) if meta.is_dir() => fs::canonicalize(&asked).map(Kind::Folder),
        Ok(_) => Ok(Kind::Other),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Kind::Missing),
        Err(error) if error.kind() == ErrorKind::NotADirectory => Ok(Kind::BelowFile),
        Err(error) => Err(error),
    })
    .await?
    .map_err(|error| {
        Failure::new(Code::MountWrite, format!("`{}` cannot be looked at", path.display()))
            .why(words(&error))
            .remedy("check owner and mode of the folders above it, or what the network storage says")
    })
}

/// Free and total bytes.
///
/// # Errors
/// `E-MOUNT-HUNG` when the file system does not answer.
pub async fn space(disk: &Disk, path: &Path) -> Result<Option<(u64, u64)>, Failure> {
    let asked = path.to_owned();
    let found = patiently(disk, path, move || Ok(rustix::fs::statvfs(&asked)?)).await?;
    Ok(found.ok().map(|facts| (facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize)))
}

/// Writes, syncs, renames and removes a probe file; leaves no trace.
///
/// # Errors
/// `E-MOUNT-READONLY`, `E-MOUNT-WRITE` naming the step, or `E-MOUNT-HUNG`.
pub async fn probe(disk: &Disk, path: &Path) -> Result<(), Failure> {
    let folder = path.to_owned();
    let outcome = patiently(disk, path, move || {
        let before = fs::metadata(&folder).and_then(|meta| meta.modified());
        let outcome = write_probe(&folder);
        // No trace: the folder's time of change as well, where it is ours to set.
        if let Ok(before) = before {
            let _ = File::open(&folder)
                .and_then(|open| open.set_times(fs::FileTimes::new().set_modified(before)));
        }
        Ok(outcome)
    })
    .await?;
    let (step, error) = match outcome {
        Ok(Ok(())) => return Ok(()),
        Ok(Err((step, error))) => (step, error),
        Err(error) => ("looked at", error),
    };
    if error.kind() == ErrorKind::ReadOnlyFilesystem {
        return Err(read_only(path, &error));
    }
    let what = format!("a probe file in `{}` could not be {step}", path.display());
    Err(Failure::new(Code::MountWrite, what).why(words(&error)).remedy(write_remedy(&error)))
}

fn read_only(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Code::MountReadOnly, format!("`{}` is mounted read-only", path.display()))
        .why(words(error))
        .remedy(format!("as root: mount -o remount,rw {}", path.display()))
}

fn write_remedy(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room or raise the quota; files may have run out as well as bytes (`df -i`)"
        }
        _ => "check owner and mode, and root squash of a network file system",
    }
}

fn write_probe(folder: &Path) -> Result<(), (&'static str, std::io::Error)> {
    let mut probe = tempfile::Builder::new()
        .prefix(".backendai-setup-probe-")
        .tempfile_in(folder)
        .map_err(|error| ("created", error))?;
    probe.write_all(b"probe\n").map_err(|error| ("written", error))?;
    probe.as_file().sync_all().map_err(|error| ("synced", error))?;
    let renamed = probe.path().with_extension("renamed");
    let probe = probe.into_temp_path();
    fs::rename(&probe, &renamed).map_err(|error| ("renamed", error))?;
    // The temporary path is gone by now; what is left to remove has the new name.
    let removed = fs::remove_file(&renamed).map_err(|error| ("removed", error));
    drop(probe);
    removed?;
    File::open(folder).and_then(|folder| folder.sync_all()).or(Ok(()))
}

/// Asks a file system; what hangs is reported with the code of the shared folder.
async fn patiently<T: Send + 'static>(
    disk: &Disk,
    path: &Path,
    ask: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<std::io::Result<T>, Failure> {
    disk.patiently(path, Access::Look, ask).await.map_err(|stuck| match stuck {
        Stuck::Hung(limit) => Failure::new(
            Code::MountHung,
            format!("`{}` did not answer in {}", path.display(), seconds(limit)),
        )
        .why("a network file system whose server is gone blocks every access")
        .remedy(format!("look at its server; `umount -l {}` frees the path", path.display())),
        other => other.failure(path, Access::Look),
    })
}

//! The shared folder: what is mounted, and whether it can be written. Nothing here may hang the program.

pub mod marker;

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use tokio::{task::spawn_blocking, time::timeout};

use crate::failure::{Code, Failure, words};

use super::{file_system_limit, seconds};

/// One line of the kernel's table of mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// Where.
    pub at: PathBuf,
    /// `nfs4`, `ext4`.
    pub kind: String,
    /// `nas:/export`, `/dev/vda1`.
    pub source: String,
    /// Mounted read-only.
    pub read_only: bool,
}

/// The mount that a path lies on, from the kernel's table: touches no file system.
pub fn mount_of(path: &Path) -> Option<Mounted> {
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    table
        .lines()
        .filter_map(mount_line)
        // Later lines cover earlier ones at the same place.
        .enumerate()
        .filter(|(_, mounted)| path.starts_with(&mounted.at))
        .max_by_key(|(line, mounted)| (mounted.at.as_os_str().len(), *line))
        .map(|(_, mounted)| mounted)
}

/// proc(5): id, parent, device, root, place, options, optional fields, `-`, type, source, super options.
fn mount_line(line: &str) -> Option<Mounted> {
    let (head, tail) = line.split_once(" - ")?;
    let head: Vec<&str> = head.split(' ').collect();
    let tail: Vec<&str> = tail.split(' ').collect();
    let read_only = |options: &&str| options.split(',').any(|option| option == "ro");
    Some(Mounted {
        at: unescape(head.get(4)?),
        kind: (*tail.first()?).to_owned(),
        source: unescape(tail.get(1)?).to_string_lossy().into_owned(),
        read_only: head.get(5).is_some_and(read_only) || tail.get(2).is_some_and(read_only),
    })
}

/// The kernel writes blanks as `\040`.
fn unescape(text: &str) -> PathBuf {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text.get(at + 1..at + 4).and_then(|code| u8::from_str_radix(code, 8).ok());
        match (bytes[at], code) {
            (b'\\', Some(code)) => {
                plain.push(code);
                at += 4;
            }
            (byte, _) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    PathBuf::from(std::ffi::OsStr::from_bytes(&plain))
}

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
pub async fn kind(path: &Path) -> Result<Kind, Failure> {
    let asked = path.to_owned();
    patiently(path, move || match fs::metadata(&asked) {
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
pub async fn space(path: &Path) -> Result<Option<(u64, u64)>, Failure> {
    let asked = path.to_owned();
    let found = patiently(path, move || Ok(rustix::fs::statvfs(&asked)?)).await?;
    Ok(found.ok().map(|facts| (facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize)))
}

/// Writes, syncs, renames and removes a probe file; leaves no trace.
///
/// # Errors
/// `E-MOUNT-READONLY`, `E-MOUNT-WRITE` naming the step, or `E-MOUNT-HUNG`.
pub async fn probe(path: &Path) -> Result<(), Failure> {
    let folder = path.to_owned();
    let outcome = patiently(path, move || {
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

/// Asks a file system on a thread of its own; a mount that hangs keeps the thread, not the program.
async fn patiently<T: Send + 'static>(
    path: &Path,
    ask: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<std::io::Result<T>, Failure> {
    match timeout(file_system_limit(), spawn_blocking(ask)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(Failure::new(Code::Internal, "a probe of the shared folder broke off")),
        Err(_) => Err(Failure::new(
            Code::MountHung,
            format!("`{}` did not answer in {}", path.display(), seconds(file_system_limit())),
        )
        .why("a network file system whose server is gone blocks every access")
        .remedy(format!("look at its server; `umount -l {}` frees the path", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_mountinfo() {
        let line = r"36 35 98:0 /mnt1 /mnt/two\040words rw,noatime master:1 - nfs4 nas:/a\011b ro,vers=4";
        let mounted = mount_line(line).expect("a well-formed line");
        assert_eq!(mounted.at, Path::new("/mnt/two words"));
        assert_eq!((mounted.kind.as_str(), mounted.source.as_str()), ("nfs4", "nas:/a\tb"));
        assert!(mounted.read_only);
        assert_eq!(mount_line("nonsense"), None);
    }

    #[test]
    fn the_root_is_a_mount() {
        assert_eq!(mount_of(Path::new("/")).map(|mounted| mounted.at), Some(PathBuf::from("/")));
    }
}

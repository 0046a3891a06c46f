//! Files: input that is read, and secret files that are written.

use std::{
    fs::{self, File, Metadata},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::Access;
use tempfile::NamedTempFile;

use crate::failure::{Code, Failure};

use super::net::words;

/// The largest input file that is read.
pub const INPUT_LIMIT: u64 = 8 * 1024 * 1024;

/// Reads an input file.
///
/// # Errors
/// `E-FILE-READ` when it cannot be read or is too large.
pub fn read_input(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let refuse = |what: String, why: String, remedy: &str| {
        Err(Failure::new(Code::FileRead, what).why(why).remedy(remedy))
    };
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(INPUT_LIMIT + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > INPUT_LIMIT => refuse(
            format!("`{shown}` is too large"),
            format!("more than {} MiB", INPUT_LIMIT / 1024 / 1024),
            "is it the right file?",
        ),
        Ok(_) => Ok(bytes),
        Err(error) => match error.kind() {
            ErrorKind::NotFound => {
                refuse(format!("`{shown}` is not there"), words(&error), "mind the spelling and the folder")
            }
            ErrorKind::PermissionDenied => {
                refuse(format!("`{shown}` may not be read"), words(&error), "mind its owner and mode")
            }
            ErrorKind::IsADirectory => {
                refuse(format!("`{shown}` is a folder"), words(&error), "name the file in it")
            }
            _ => refuse(format!("`{shown}` cannot be read"), words(&error), "look at the file"),
        },
    }
}

/// Can anybody but the owner read it?
pub fn others_can_read(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o044 != 0)
}

/// A file that is to be written, as it is now.
#[derive(Debug)]
pub struct Existing {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
}

/// Looks at a file that is to be written: its folder, its kind, its owner, its content.
///
/// # Errors
/// `E-FILE-PARENT`, `E-FILE-SYMLINK`, `E-FILE-OWNER`, or `E-FILE-READ`.
pub fn target(path: &Path) -> Result<Option<Existing>, Failure> {
    let shown = path.display();
    let parent = parent(path);
    match fs::metadata(parent) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => {
            return Err(Failure::new(Code::FileParent, format!("`{}` is not a folder", parent.display()))
                .remedy("name another path under `files`"));
        }
        Err(error) => {
            return Err(Failure::new(
                Code::FileParent,
                format!("the folder `{}` for {} is not there", parent.display(), name(path)),
            )
            .why(words(&error))
            .remedy(format!("mkdir -p {}", parent.display())));
        }
    }
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            return Err(Failure::new(Code::FileParent, format!("`{shown}` cannot be looked at"))
                .why(words(&error))
                .remedy("name another path under `files`"));
        }
        Ok(meta) => Some(meta),
    };
    if let Some(meta) = &found {
        judge(path, meta)?;
    }
    if let Err(error) = rustix::fs::access(parent, Access::WRITE_OK | Access::EXEC_OK) {
        return Err(Failure::new(
            Code::FileParent,
            format!("the folder `{}` for {} cannot be written", parent.display(), name(path)),
        )
        .why(words(&error.into()))
        .remedy("mind its owner and mode, or name another path under `files`"));
    }
    found
        .map(|meta| Ok(Existing { bytes: read_input(path)?, mode: meta.permissions().mode() & 0o7777 }))
        .transpose()
}

fn judge(path: &Path, meta: &Metadata) -> Result<(), Failure> {
    let shown = path.display();
    if meta.file_type().is_symlink() {
        return Err(Failure::new(Code::FileSymlink, format!("`{shown}` is a symbolic link"))
            .why(fs::read_link(path).map(|to| format!("it leads to {}", to.display())).unwrap_or_default())
            .remedy("name the real file under `files`"));
    }
    if !meta.is_file() {
        return Err(Failure::new(Code::FileSymlink, format!("`{shown}` is not a plain file"))
            .remedy("name another path under `files`"));
    }
    let me = rustix::process::geteuid().as_raw();
    if meta.uid() != me {
        return Err(Failure::new(Code::FileOwner, format!("`{shown}` belongs to another user"))
            .why(format!("it belongs to user number {}, and you are {me}", meta.uid()))
            .remedy("run as that user, or name another path under `files`"));
    }
    Ok(())
}

/// Writes a file that only the owner can read, all of it or nothing: a new file beside it, synced,
/// takes its place in one step.
///
/// # Errors
/// `E-FILE-WRITE`; what stood there before still does.
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || {
        // Created 0600, never chmod-ed afterwards.
        let mut file = NamedTempFile::with_prefix_in(format!(".{}-", name(path)), parent(path))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|refused| refused.error)?;
        File::open(parent(path))?.sync_all()
    };
    write().map_err(|error: std::io::Error| unwritten(path, &error))
}

/// Keeps the old content of a file beside it, readable for the owner alone; never overwrites one.
///
/// # Errors
/// `E-FILE-WRITE`.
pub fn keep_backup(path: &Path, bytes: &[u8]) -> Result<PathBuf, Failure> {
    for number in 0.. {
        let suffix = if number == 0 { "bak".to_owned() } else { format!("bak.{number}") };
        let backup = path.with_file_name(format!("{}.{suffix}", name(path)));
        let keep = || {
            let mut file = NamedTempFile::with_prefix_in(format!(".{}-", name(path)), parent(path))?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist_noclobber(&backup).map_err(|refused| refused.error)
        };
        match keep() {
            Ok(_) => return Ok(backup),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if fs::read(&backup).is_ok_and(|kept| kept == bytes) {
                    return Ok(backup);
                }
            }
            Err(error) => return Err(unwritten(&backup, &error)),
        }
    }
    unreachable!("an endless range ended")
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Code::FileWrite, format!("`{}` could not be written", path.display()))
        .why(words(error))
        .remedy("make room or mend the folder, then run again; what stood there before still does")
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

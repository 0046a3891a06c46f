//! A folder of our own on this machine, and the programs of this machine: looked at and written without a limit, for
//! whoever makes servers run there, or has come through the door.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

/// The path without symbolic links, whether anything is there or not.
pub fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// Is anything there?
pub fn is_there(path: &Path) -> bool {
    path.exists()
}

/// Is a file there?
pub fn is_file(path: &Path) -> bool {
    path.is_file()
}

/// Is a folder there?
pub fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

/// Makes a folder with this mode, and all above it.
///
/// # Errors
/// What the system says.
pub fn make_all(path: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(mode).create(path)
}

/// Makes a folder with this mode, unless it is there.
///
/// # Errors
/// What the system says.
pub fn make(path: &Path, mode: u32) -> io::Result<()> {
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// What stands in a folder, from one listing.
///
/// # Errors
/// What the system says.
pub fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}

/// The user that something belongs to.
///
/// # Errors
/// What the system says.
pub fn owner(path: &Path) -> io::Result<u32> {
    Ok(fs::metadata(path)?.uid())
}

/// Gives something to another user and group.
///
/// # Errors
/// What the system says.
pub fn give(path: &Path, user: u32, group: u32) -> io::Result<()> {
    chown(path, Some(user), Some(group))
}

/// Sets the permission bits.
///
/// # Errors
/// What the system says.
pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// The text of a file.
///
/// # Errors
/// What the system says.
pub fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
}

/// Writes a file, whatever stands there.
///
/// # Errors
/// What the system says.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    fs::write(path, content)
}

/// Writes a file that its owner alone can read, in the place of one that a killed run has left.
///
/// # Errors
/// What the system says.
pub fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// Gives something another name.
///
/// # Errors
/// What the system says.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Removes a file.
///
/// # Errors
/// What the system says.
pub fn remove_file(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Removes a folder with all that is in it.
///
/// # Errors
/// What the system says.
pub fn remove_all(folder: &Path) -> io::Result<()> {
    fs::remove_dir_all(folder)
}

/// Removes a folder, these files of it last: a removal that breaks off can be repeated by them.
///
/// # Errors
/// What the system says.
pub fn remove_all_but(folder: &Path, last: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if last.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    for name in last {
        fs::remove_file(folder.join(name))?;
    }
    fs::remove_dir(folder)
}

/// The first folder on the way to `path` that somebody of this user and group cannot enter.
pub fn barrier(path: &Path, user: u32, group: u32) -> Option<PathBuf> {
    let is_closed = |folder: &&Path| {
        fs::metadata(folder).is_ok_and(|it| {
            let bit = match () {
                () if it.uid() == user => 0o100,
                () if it.gid() == group => 0o010,
                () => 0o001,
            };
            it.mode() & bit == 0
        })
    };
    path.ancestors().find(is_closed).map(Path::to_owned)
}

/// A file by which runs keep out of each other's way; a lock that was taken is let go when this is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Opens the file, without taking the lock.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Takes the lock; false while somebody else has it.
    pub fn take(&self) -> bool {
        // Whoever has removed the folder meanwhile has taken the file away: then it locks nothing any more.
        let is_the_one = || Some(fs::metadata(&self.path).ok()?.ino() == self.file.metadata().ok()?.ino());
        flock(&self.file, FlockOperation::NonBlockingLockExclusive).is_ok() && is_the_one() == Some(true)
    }
}

/// Opens the log of a program for its output and its errors, and tells where they will begin.
///
/// # Errors
/// What the system says.
pub fn open_log(path: &Path) -> io::Result<(File, File, u64)> {
    let output = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let from = output.metadata()?.len();
    let errors = output.try_clone()?;
    Ok((output, errors, from))
}

/// A log from here on, at most one MiB of it; nothing when it does not read.
pub fn read_log(path: &Path, from: u64) -> String {
    let read = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(1 << 20).read_to_end(&mut bytes)?;
        io::Result::Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

/// The folders below `parent` that are named `prefix` and a number, the greatest number first.
pub fn numbered(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    found.into_iter().map(|(_, path)| path).collect()
}

/// Every program of this name in the folders that a `PATH` names, relative ones below this folder.
pub fn programs(name: &str, path: OsString, here: &Path) -> Vec<PathBuf> {
    if path.is_empty() {
        return Vec::new();
    }
    which::which_in_all(name, Some(path), here).map(Iterator::collect).unwrap_or_default()
}

//! A file takes the place of exactly what was seen there, or stays away.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};
use tempfile::NamedTempFile;

use crate::{failure::Failure, fingerprint::FingerprintKey};

use super::names::{name, parent};

/// What must stand where a file is written.
#[derive(Debug, Clone)]
pub struct Guard {
    /// The key of the fingerprint.
    pub key: FingerprintKey,
    /// The fingerprint of what was seen; none where nothing was.
    pub seen: Option<String>,
}

impl Guard {
    /// Is it what was seen, as far as one look can tell?
    fn is_kept(&self, path: &Path) -> Result<bool, Failure> {
        let is = match fs::read(path).and_then(|bytes| Ok((bytes, fs::symlink_metadata(path)?))) {
            Ok((bytes, meta)) => {
                let mode = meta.permissions().mode() & 0o7777;
                Some(self.key.of_file(mode, &bytes)?)
            }
            Err(_) => None,
        };
        Ok(is == self.seen)
    }
}

/// What is said of another content or mode.
const OTHER: &str = "its content or its mode is another one";

/// Why a file did not take its place.
pub(super) enum Refused {
    /// Something else stands there by now, or could not be looked at.
    Failure(Failure),
    /// What the system says.
    Io(io::Error),
}

impl From<Errno> for Refused {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Gives a file its place in one step. With a guard both are exchanged, looked at, and given back when it was not what
/// was seen: nobody else's content is lost, whenever it came.
pub(super) fn take_place(file: NamedTempFile, path: &Path, guard: Option<&Guard>) -> Result<(), Refused> {
    let Some(guard) = guard else {
        return file.persist(path).map(drop).map_err(|refused| Refused::Io(refused.error));
    };
    if guard.seen.is_none() {
        let Err(refused) = file.persist_noclobber(path) else { return Ok(()) };
        return Err(match refused.error.kind() {
            io::ErrorKind::AlreadyExists => stale(path, "it was not there then"),
            // The file system knows neither a rename that replaces nothing nor a second name for a file.
            io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported if is_absent(path) => {
                return refused.file.persist(path).map(drop).map_err(|refused| Refused::Io(refused.error));
            }
            _ => Refused::Io(refused.error),
        });
    }
    if !guard.is_kept(path)? {
        return Err(stale(path, OTHER));
    }
    let beside: PathBuf = file.path().to_owned();
    let exchange = || renameat_with(CWD, &beside, CWD, path, RenameFlags::EXCHANGE);
    match exchange() {
        Ok(()) => match guard.is_kept(&beside) {
            // What stood there is removed with the name that it got.
            Ok(true) => Ok(()),
            other => match exchange() {
                Ok(()) => other.map_err(Refused::from).and_then(|_| Err(stale(path, OTHER))),
                // What is another's is not removed: it goes back where nothing stands any more, or stays beside.
                Err(error) => {
                    let _ = renameat_with(CWD, &beside, CWD, path, RenameFlags::NOREPLACE);
                    let _ = file.keep();
                    Err(error.into())
                }
            },
        },
        Err(Errno::NOENT) => Err(stale(path, "it was removed")),
        // The file system cannot exchange.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => take_place(file, path, None),
        Err(error) => Err(error.into()),
    }
}

/// Takes a file away. It is moved aside in one step, looked at, and given back when it is not what was seen.
pub(super) fn leave_place(path: &Path, guard: &Guard) -> Result<(), Refused> {
    if !guard.is_kept(path)? {
        return Err(stale(path, OTHER));
    }
    let folder = parent(path);
    let move_aside =
        |to: &Path| renameat_with(CWD, path, CWD, to, RenameFlags::NOREPLACE).map_err(io::Error::from);
    let prefix = format!(".{}.removed-", name(path).chars().take(40).collect::<String>());
    match tempfile::Builder::new().prefix(&prefix).make_in(folder, move_aside) {
        Ok(aside) => match guard.is_kept(aside.path()) {
            // It is removed with the name that it got.
            Ok(true) => drop(aside),
            other => {
                let back = renameat_with(CWD, aside.path(), CWD, path, RenameFlags::NOREPLACE);
                // What is another's is not removed, also where something else took its place.
                let _ = aside.keep();
                back.map_err(io::Error::from).map_err(Refused::Io)?;
                return other.map_err(Refused::from).and_then(|_| Err(stale(path, OTHER)));
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(stale(path, "it was removed")),
        // The file system cannot move without replacing.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            fs::remove_file(path).map_err(Refused::Io)?;
        }
        Err(error) => return Err(Refused::Io(error)),
    }
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(Refused::Io)
}

fn is_absent(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn stale(path: &Path, why: &str) -> Refused {
    Refused::Failure(Failure::stale(format!("`{}` changed after the plan was made", path.display()), why))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::MetadataExt, path::PathBuf};

    use crate::{disk::Disk, failure::Code};

    use super::*;

    fn see(path: &Path, key: &FingerprintKey) -> Guard {
        let seen = fs::read(path).ok().map(|bytes| {
            let mode = fs::metadata(path).expect("it is there").permissions().mode() & 0o7777;
            key.of_file(mode, &bytes).expect("randomness")
        });
        Guard { key: key.clone(), seen }
    }

    /// What is done to the file after the look, whether the write goes on, and what stands there afterwards.
    type Case = (Option<&'static str>, fn(&Path), bool, Option<&'static str>);

    #[test]
    fn a_file_takes_the_place_of_what_was_seen_and_of_nothing_else() {
        let write = |path: &Path, text: &str| fs::write(path, text).expect("the folder is ours");
        let nothing: fn(&Path) = |_| {};
        let cases: [Case; 6] = [
            (None, nothing, true, Some("new")),
            (Some("old"), nothing, true, Some("new")),
            (None, |path| fs::write(path, "theirs").expect("ours"), false, Some("theirs")),
            (Some("old"), |path| fs::write(path, "theirs").expect("ours"), false, Some("theirs")),
            (Some("old"), |path| fs::remove_file(path).expect("ours"), false, None),
            (
                Some("old"),
                |path| fs::set_permissions(path, fs::Permissions::from_mode(0o640)).expect("ours"),
                false,
                Some("old"),
            ),
        ];
        let key = FingerprintKey::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        for (at, (before, meanwhile, goes_on, after)) in cases.into_iter().enumerate() {
            let folder = tempfile::tempdir().expect("a folder");
            let path: PathBuf = folder.path().join("file");
            if let Some(text) = before {
                write(&path, text);
            }
            let guard = see(&path, &key);
            meanwhile(&path);
            let inode = fs::metadata(&path).map(|meta| meta.ino()).ok();
            let old = before.map(str::as_bytes);
            let put = runtime.block_on(Disk::default().replace_guarded(&path, b"new", old, guard));
            let code = put.as_ref().err().map(|failure| failure.code);
            assert_eq!(code, (!goes_on).then_some(Code::PlanStale), "case {at}: {put:?}");
            assert_eq!(fs::read_to_string(&path).ok().as_deref(), after, "case {at}");
            if !goes_on {
                assert_eq!(
                    fs::metadata(&path).map(|meta| meta.ino()).ok(),
                    inode,
                    "case {at}: it is the same file"
                );
            }
            // Nothing else is left, but for the backup of what was replaced.
            let names = fs::read_dir(folder.path()).expect("ours").count();
            assert_eq!(
                names,
                usize::from(after.is_some()) + usize::from(goes_on && before.is_some()),
                "case {at}"
            );
        }
    }
}

//! The file by which another node knows the shared folder again.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    thread,
};

use crate::failure::{Code, Failure, words};

use super::patiently;

/// How every name begins, so that people know whose it is.
const PREFIX: &str = ".backendai-setup-mount-";
/// More than any mark of ours has.
const LIMIT: u64 = 256;

/// The name of a file: whose it is, and which.
pub fn name(owner: &str, id: &str) -> String {
    format!("{PREFIX}{owner}-{id}")
}

/// Could this be such a name? What others wrote must not lead to another file.
pub fn is_name(name: &str) -> bool {
    name.starts_with(PREFIX) && !name.contains('/')
}

/// The file while it is there; removed at the latest when this is dropped.
#[derive(Debug)]
pub struct Marker {
    path: Option<PathBuf>,
}

impl Marker {
    /// Creates the file with a mark in it and lets everybody read it, since other nodes may know this user
    /// by another number.
    ///
    /// # Errors
    /// `E-MOUNT-WRITE` or `E-MOUNT-READONLY`, or `E-MOUNT-HUNG` when the file system does not answer.
    pub async fn leave(folder: &Path, name: &str, mark: &str) -> Result<Self, Failure> {
        let path = folder.join(name);
        let (asked, text) = (path.clone(), format!("{mark}\n"));
        // Made first: an attempt that hangs may still make the file.
        let marker = Self { path: Some(path) };
        match patiently(folder, move || write(&asked, &text)).await? {
            Ok(()) => Ok(marker),
            Err(error) => Err(refused(folder, "created", &error)),
        }
    }

    /// Removes the file.
    ///
    /// # Errors
    /// `E-MOUNT-WRITE` when it stays, `E-MOUNT-HUNG` when the file system does not answer.
    pub async fn remove(mut self) -> Result<(), Failure> {
        let Some(path) = self.path.take() else { return Ok(()) };
        let asked = path.clone();
        match patiently(&path, move || fs::remove_file(&asked)).await? {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(refused(&path, "removed", &error)),
            _ => Ok(()),
        }
    }
}

impl Drop for Marker {
    /// On a thread of its own, since the file system may hang.
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            thread::spawn(move || fs::remove_file(path));
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

/// Removes what killed offers of the same owner have left. What cannot be removed does no harm: no offer
/// names it.
pub async fn sweep(folder: &Path, owner: &str, keep: &str) {
    let (asked, begin, keep) = (folder.to_owned(), name(owner, ""), OsString::from(keep));
    let _ = patiently(folder, move || {
        for entry in fs::read_dir(&asked)?.flatten() {
            let name = entry.file_name();
            if name != keep && name.to_string_lossy().starts_with(&begin) {
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
pub async fn read(folder: &Path, name: &str) -> Result<Option<String>, Failure> {
    let path = folder.join(name);
    let asked = path.clone();
    let found = patiently(folder, move || {
        // A pipe of that name would wait for a writer.
        if !fs::symlink_metadata(&asked)?.is_file() {
            return Ok(None);
        }
        let mut text = Vec::new();
        File::open(&asked)?.take(LIMIT).read_to_end(&mut text)?;
        Ok(Some(String::from_utf8_lossy(&text).trim_end().to_owned()))
    })
    .await?;
    match found {
        Ok(found) => Ok(found),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(Code::MountWrite, format!("`{}` cannot be read", path.display()))
            .why(words(&error))
            .remedy("mind owner and mode of the folder, or what the network storage says")),
    }
}

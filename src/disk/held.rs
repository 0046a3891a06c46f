//! A file that is locked for as long as a run goes on: the system lets go of it when the process ends, however it ends.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::{FlockOperation, OFlags, flock};

use super::{Access, Disk};

/// A locked file; let go when this is dropped.
#[derive(Debug)]
pub struct HeldFile {
    /// Device and inode, by which others find out whether it is the same file.
    pub id: String,
    _file: File,
}

impl HeldFile {
    /// Takes the lock of an open file; none while somebody else has it, or where nothing can be locked.
    fn lock(file: File) -> Option<Self> {
        let meta = file.metadata().ok()?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
        Some(Self { id: format!("{}:{}", meta.dev(), meta.ino()), _file: file })
    }
}

impl Disk {
    /// Locks a file, which is made where it is missing, with its folder. None while somebody else has it, and where it cannot
    /// be had: nobody depends on it.
    pub async fn hold(&self, path: &Path) -> Option<HeldFile> {
        let asked = path.to_owned();
        let hold = move || {
            DirBuilder::new().recursive(true).mode(0o700).create(asked.parent()?).ok()?;
            let open = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&asked);
            let held = HeldFile::lock(open.ok()?)?;
            // Whoever has removed the folder meanwhile has taken the file away.
            let there = std::fs::metadata(&asked).ok()?;
            (held.id == format!("{}:{}", there.dev(), there.ino())).then_some(held)
        };
        self.patiently(path, Access::Look, hold).await.ok().flatten()
    }

    /// Has whoever locked this very file ended? Not where nobody can tell.
    pub async fn is_let_go(&self, path: &Path, id: &str) -> bool {
        let (asked, id) = (path.to_owned(), id.to_owned());
        let look = move || {
            // What else may be there by now holds nobody up.
            let open =
                OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(asked);
            open.ok().and_then(HeldFile::lock).is_some_and(|held| held.id == id)
        };
        self.patiently(path, Access::Look, look).await.unwrap_or(false)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_held_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let (disk, path) = (Disk::default(), folder.path().join("target/lock"));
        let held = disk.hold(&path).await.unwrap();
        let id = held.id.clone();
        assert!(disk.hold(&path).await.is_none());
        assert!(!disk.is_let_go(&path, &id).await, "it is held");
        drop(held);
        assert!(disk.is_let_go(&path, &id).await);
        assert!(!disk.is_let_go(&path, "0:0").await, "another file at the same path");
        assert_eq!(disk.hold(&path).await.unwrap().id, id, "a look holds nothing");
        assert!(disk.hold(Path::new("/proc/lock")).await.is_none());
    }
}

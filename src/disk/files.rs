//! Files: input that is read, and those that are to be written.

use std::{
    fs::{self, DirBuilder, File, FileType, Metadata, OpenOptions},
    io::{self, ErrorKind, Read},
    os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use rustix::fs::{Access as Right, FsWord, OFlags};

use crate::{
    failure::{Code, Failure, shell_word, words},
    fingerprint::FingerprintKey,
};

use super::{
    Access, Disk, mount_of,
    names::{name, parent},
    put::closed,
};

/// The largest input file that is read.
pub const INPUT_LIMIT: u64 = crate::yaml::MAX_BYTES as u64;

impl Disk {
    /// Reads an input file that a user has named. Nothing that such a name may mean can hold us for ever: a pipe is taken
    /// from the shell alone, as in `<(command)`, where it has a writer, and a device never.
    ///
    /// # Errors
    /// `E-FILE-READ` when it cannot be read, is too large, or is no file; `E-FILE-HUNG` when nothing answers.
    pub fn read_input(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        self.read_input_of(path, INPUT_LIMIT)
    }

    /// The same for a file of at most so many bytes.
    ///
    /// # Errors
    /// As [`Disk::read_input`].
    pub fn read_input_of(&self, path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
        let asked = path.to_owned();
        match self.access(path, Access::Read, move || look_into(&asked, most))?? {
            Content::Whole(bytes) => Ok(bytes),
            // No disk: its writer, who may ask a vault first, takes the time that it needs, as with stdin.
            Content::Pipe(pipe) => take(path, pipe, most),
        }
    }

    /// Can anybody but the owner read it? Not when nothing answers: then it was not read either.
    pub fn others_can_read(&self, path: &Path) -> bool {
        let asked = path.to_owned();
        let look = move || {
            fs::metadata(asked).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o044 != 0)
        };
        self.access(path, Access::Look, look).unwrap_or(false)
    }

    /// Can others read the file of a secret although its owner is this user, who can change that? What
    /// Kubernetes, Docker or systemd has put there belongs to them, and pipes have no readers but ours.
    ///
    /// # Errors
    /// `E-FILE-HUNG` when nothing answers.
    pub fn secret_lies_open(&self, path: &Path) -> Result<bool, Failure> {
        let asked = path.to_owned();
        self.access(path, Access::Look, move || lies_open(&asked))
    }

    /// Is anything there, a link that leads nowhere included?
    ///
    /// # Errors
    /// `E-FILE-HUNG` when nothing answers.
    pub fn is_there(&self, path: &Path) -> Result<bool, Failure> {
        let asked = path.to_owned();
        self.access(path, Access::Look, move || fs::symlink_metadata(asked).is_ok())
    }

    /// Removes a file; one that is not there, or stays, is no matter.
    pub fn forget(&self, path: &Path) {
        let asked = path.to_owned();
        let _ = self.access(path, Access::Write, move || fs::remove_file(asked));
    }

    /// Makes a folder of ours with all above it, for its owner alone.
    ///
    /// # Errors
    /// `E-STATE-DIR` when that does not work, `E-FILE-HUNG` when nothing answers.
    pub fn make_folder(&self, folder: &Path) -> Result<(), Failure> {
        let asked = folder.to_owned();
        let made = self.access(folder, Access::Write, move || {
            DirBuilder::new().recursive(true).mode(0o700).create(asked)
        })?;
        made.map_err(|error| {
            Failure::new(Code::StateDir, format!("`{}` cannot be made", folder.display()))
                .why(words(&error))
                .remedy("name a folder that can be written: `--state-dir DIR`")
        })
    }

    /// Looks at a file that is to be written: its folder, its kind, its owner, its content.
    ///
    /// # Errors
    /// `E-FILE-PARENT`, `E-FILE-SYMLINK`, `E-FILE-OWNER`, or `E-FILE-READ`; `E-FILE-HUNG` when nothing answers.
    pub async fn target(&self, path: &Path) -> Result<Option<Existing>, Failure> {
        let asked = path.to_owned();
        let found = self.patiently(path, Access::Look, move || target(&asked, INPUT_LIMIT)).await;
        found.map_err(|stuck| stuck.failure(path, Access::Look))?
    }

    /// The same for a file of at most so many bytes, on the thread of whoever asks.
    ///
    /// # Errors
    /// As [`Disk::target`].
    pub fn target_of(&self, path: &Path, most: u64) -> Result<Option<Existing>, Failure> {
        let asked = path.to_owned();
        self.access(path, Access::Look, move || target(&asked, most))?
    }

    /// Is it a folder?
    ///
    /// # Errors
    /// `E-FILE-HUNG` when nothing answers.
    pub async fn is_folder(&self, path: &Path) -> Result<bool, Failure> {
        let asked = path.to_owned();
        let found = self.patiently(path, Access::Look, move || asked.is_dir()).await;
        found.map_err(|stuck| stuck.failure(path, Access::Look))
    }
}

/// What an input file holds.
enum Content {
    Whole(Vec<u8>),
    /// To be read yet.
    Pipe(File),
}

fn look_into(path: &Path, most: u64) -> Result<Content, Failure> {
    match open_input(path) {
        Ok(Opened::File(file)) => take(path, file, most).map(Content::Whole),
        Ok(Opened::Pipe(pipe)) => Ok(Content::Pipe(pipe)),
        Ok(Opened::Other(kind)) => {
            Err(Failure::new(Code::FileRead, format!("`{}` is no plain file", path.display()))
                .why(format!("it is {kind}"))
                .remedy("name a file; `--answers -` reads stdin"))
        }
        Err(error) => Err(unread(path, &error)),
    }
}

fn take(path: &Path, file: File, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    match file.take(most + 1).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > most => {
            Err(Failure::new(Code::FileRead, format!("`{}` is too large", path.display()))
                .why(format!("more than {} MiB", most / 1024 / 1024))
                .remedy("is it the right file?"))
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(unread(path, &error)),
    }
}

fn unread(path: &Path, error: &io::Error) -> Failure {
    let shown = path.display();
    let (what, remedy) = match error.kind() {
        ErrorKind::NotFound => (format!("`{shown}` is not there"), "check the spelling and the folder"),
        ErrorKind::PermissionDenied => (format!("`{shown}` may not be read"), "check its owner and mode"),
        ErrorKind::IsADirectory => (format!("`{shown}` is a folder"), "name the file in it"),
        _ => (format!("`{shown}` cannot be read"), "look at the file"),
    };
    Failure::new(Code::FileRead, what).why(words(error)).remedy(remedy)
}

/// proc, tracefs and debugfs, as in `linux/magic.h`.
const KERNEL: &[FsWord] = &[0x9fa0, 0x7472_6163, 0x6462_6720];

enum Opened {
    File(File),
    /// A pipe of the shell.
    Pipe(File),
    /// What it is instead.
    Other(&'static str),
}

fn open_input(path: &Path) -> io::Result<Opened> {
    let is_of_shell = ["/dev/fd", "/dev/stdin", "/proc"].iter().any(|start| path.starts_with(start));
    let kind = fs::metadata(path)?.file_type();
    // Opening a device may do something already.
    let judge = |kind: FileType| match () {
        () if kind.is_file() || kind.is_dir() => None,
        () if kind.is_fifo() && is_of_shell => None,
        () if kind.is_fifo() => Some("a pipe that nobody may write to"),
        () if kind.is_char_device() && path == Path::new("/dev/null") => None,
        () if kind.is_socket() => Some("a socket"),
        () => Some("a device"),
    };
    if let Some(other) = judge(kind) {
        return Ok(Opened::Other(other));
    }
    // A pipe without a writer would wait for one.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let kind = file.metadata()?.file_type();
    if let Some(other) = judge(kind) {
        return Ok(Opened::Other(other));
    }
    // What the kernel makes up passes for a plain file, and may have no end: /proc/kmsg, say.
    if kind.is_file() && KERNEL.contains(&rustix::fs::fstatfs(&file)?.f_type) {
        return Ok(Opened::Other("made up by the kernel"));
    }
    if kind.is_fifo() {
        // Its writer may still be at work.
        rustix::fs::fcntl_setfl(&file, OFlags::empty())?;
        return Ok(Opened::Pipe(file));
    }
    Ok(Opened::File(file))
}

fn lies_open(path: &Path) -> bool {
    let Ok(meta) = fs::metadata(path) else { return false };
    // Kubernetes mounts a secret as a link into a folder of its own, on a file system in memory.
    let is_mounted = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink());
    let is_own = meta.uid() == rustix::process::geteuid().as_raw();
    let is_given = ["/run/secrets", "/run/credentials"].iter().any(|folder| path.starts_with(folder));
    meta.is_file() && meta.permissions().mode() & 0o044 != 0 && is_own && !is_mounted && !is_given
}

/// A file that is to be written, as it is now.
pub struct Existing {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
}

impl Existing {
    /// The mode that it should have, where others can read or change it.
    pub fn mode_to_close(&self) -> Option<u32> {
        (self.mode & 0o077 != 0).then(|| closed(self.mode))
    }
}

impl Existing {
    /// What tells it from any other content or mode.
    ///
    /// # Errors
    /// As [`FingerprintKey::of`].
    pub fn fingerprint(&self, key: &FingerprintKey) -> Result<String, Failure> {
        key.of_file(self.mode, &self.bytes)
    }
}

// What such a file holds is secret.
impl std::fmt::Debug for Existing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Existing").field("mode", &self.mode).finish_non_exhaustive()
    }
}

fn target(path: &Path, most: u64) -> Result<Option<Existing>, Failure> {
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
            .remedy(format!("mkdir -p {}", shell_word(&parent.to_string_lossy()))));
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
    if let Err(error) = rustix::fs::access(parent, Right::WRITE_OK | Right::EXEC_OK) {
        return Err(Failure::new(
            Code::FileParent,
            format!("the folder `{}` for {} cannot be written", parent.display(), name(path)),
        )
        .why(words(&error.into()))
        .remedy("check its owner and mode, or name another path under `files`"));
    }
    found
        .map(|meta| match look_into(path, most)? {
            Content::Whole(bytes) => Ok(Existing { bytes, mode: meta.permissions().mode() & 0o7777 }),
            // It was a plain file a moment ago.
            Content::Pipe(_) => Err(not_plain(path)),
        })
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
        return Err(not_plain(path));
    }
    if let Ok(real) = fs::canonicalize(path)
        && mount_of(&real).is_some_and(|mounted| mounted.at == real)
    {
        let folder = parent(&real).display().to_string();
        return Err(Failure::new(Code::FileMount, format!("`{shown}` is a mount of its own"))
            .why("nothing can take the place of a file that is mounted")
            .remedy(format!("mount the folder `{folder}` instead, or name another path under `files`")));
    }
    let me = rustix::process::geteuid().as_raw();
    if meta.uid() != me {
        return Err(Failure::new(Code::FileOwner, format!("`{shown}` belongs to another user"))
            .why(format!("it belongs to user number {}, and you are {me}", meta.uid()))
            .remedy("run as that user, or name another path under `files`"));
    }
    Ok(())
}

fn not_plain(path: &Path) -> Failure {
    Failure::new(Code::FileSymlink, format!("`{}` is not a plain file", path.display()))
        .remedy("name another path under `files`")
}

//! The stack's folder: made, recognised, locked and removed with care.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::process::{self, BEAT};
use crate::disk::local::{self, Lock};
use crate::disk::mounted_below;
use crate::environment::Environment;
use crate::failure::{Code, Failure, shell_word, words};
use crate::guide::development_home;

const MARKER: &str = ".backendai-setup-dev";
const LOCK: &str = "lock";
/// What a remedy offers when this folder does not do.
pub(super) const ANOTHER: &str = "take another folder: `backendai-setup dev up --dir FOLDER`";
const PATIENCE: Duration = Duration::from_secs(90);

/// Somebody else to be: PostgreSQL refuses root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// Who runs PostgreSQL: for root the user `postgres`, else `nobody`; otherwise oneself.
    pub fn for_postgres(environment: &Environment) -> Result<Option<Self>, Failure> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let found =
            ["postgres", "_postgres", "nobody"].into_iter().find_map(|name| Self::find(environment, name));
        found.map(Some).ok_or_else(|| {
            Failure::new(
                Code::DevHome,
                "there is no user to run PostgreSQL as, and it refuses to run as root",
            )
            .remedy("add one: `useradd --system postgres`, or run this as an ordinary user")
        })
    }

    fn find(environment: &Environment, name: &str) -> Option<Self> {
        let id = |flag| {
            let output = process::plain(environment, "id").args([flag, name]).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        Some(Self { name: name.to_owned(), uid: id("-u")?, gid: id("-g")? })
    }
}

/// The stack's folder while nobody else works on it.
#[derive(Debug)]
pub(super) struct Home {
    /// Absolute and without symbolic links: servers are recognised by it.
    pub path: PathBuf,
    _lock: Lock,
}

/// True for a folder that this program has made.
pub(super) fn is_ours(home: &Path) -> bool {
    local::is_file(&home.join(MARKER))
}

/// Whose a folder is, from one listing: between two looks another run may have made or removed it.
enum Owner {
    Nobodys,
    Ours,
    Foreign,
}

fn whose(path: &Path) -> io::Result<Owner> {
    let names = local::names(path)?;
    Ok(match () {
        () if names.iter().any(|name| name == MARKER) => Owner::Ours,
        () if names.iter().all(|name| name == LOCK) => Owner::Nobodys,
        () => Owner::Foreign,
    })
}

impl Home {
    /// Makes the folder if need be and waits for its lock.
    pub async fn make(home: &Path) -> Result<Self, Failure> {
        // The user who runs PostgreSQL must get through; what is private below has its own mode.
        let mode = if rustix::process::geteuid().is_root() { 0o711 } else { 0o700 };
        local::make_all(home, mode).map_err(|error| unwritable(home, &error))?;
        let path = local::canonical(home);
        if let Owner::Foreign = whose(&path).map_err(|error| unwritable(&path, &error))? {
            return Err(foreign(&path));
        }
        let owner = local::owner(&path).map_err(|error| unwritable(&path, &error))?;
        if owner != rustix::process::geteuid().as_raw() {
            return Err(Failure::new(Code::DevHome, format!("{} belongs to another user", path.display()))
                .remedy(format!("run this as that user, or {ANOTHER}")));
        }
        let lock = lock(&path).await?;
        // A folder made by hand may have another mode.
        local::set_mode(&path, mode).map_err(|error| unwritable(&path, &error))?;
        if !is_ours(&path) {
            let text = "The development stack of backendai-setup. `backendai-setup dev reset` removes this folder.\n";
            local::write(&path.join(MARKER), text).map_err(|error| unwritable(&path, &error))?;
        }
        Ok(Self { path, _lock: lock })
    }

    /// Locks the folder if it is there and ours; nothing when there is none.
    pub async fn open(home: &Path) -> Result<Option<Self>, Failure> {
        let path = local::canonical(home);
        match whose(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unwritable(&path, &error)),
            Ok(Owner::Nobodys) => return Ok(None),
            Ok(Owner::Foreign) => return Err(foreign(&path)),
            Ok(Owner::Ours) => {}
        }
        let lock = lock(&path).await?;
        Ok(Some(Self { path, _lock: lock }))
    }

    /// Makes a folder in it.
    pub fn folder(&self, name: &str, mode: u32) -> Result<PathBuf, Failure> {
        let path = self.path.join(name);
        local::make(&path, mode).map_err(|error| unwritable(&path, &error))?;
        Ok(path)
    }

    /// Fails when another file system is mounted below: what lies on it may not be the stack's.
    pub fn nothing_mounted(&self) -> Result<(), Failure> {
        if let Some(mounted) = mounted_below(&self.path) {
            return Err(Failure::new(
                Code::DevHome,
                format!("something is mounted at {}; nothing was removed", mounted.display()),
            )
            .why("what lies on it may not be the stack's")
            .remedy(format!("unmount it first: `umount {}`", mounted.display())));
        }
        Ok(())
    }

    /// Removes the folder and all that is in it.
    pub fn remove(self) -> Result<(), Failure> {
        self.nothing_mounted()?;
        // The marker goes last: a removal that breaks off can be repeated.
        local::remove_all_but(&self.path, &[MARKER, LOCK]).map_err(|error| unwritable(&self.path, &error))
    }
}

async fn lock(home: &Path) -> Result<Lock, Failure> {
    let path = home.join(LOCK);
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let lock = Lock::open(&path).map_err(|error| unwritable(&path, &error))?;
        if lock.take() {
            return Ok(lock);
        }
        tokio::time::sleep(BEAT).await;
    }
    Err(Failure::new(
        Code::DevBusy,
        format!("another run works on the development stack in {}", home.display()),
    )
    .remedy("wait for it to end, then try again"))
}

/// The first folder on the way to `path` that this account cannot enter.
pub(super) fn barrier(path: &Path, account: &Account) -> Option<PathBuf> {
    local::barrier(path, account.uid, account.gid)
}

pub(super) fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Code::DevHome, format!("{} cannot be written", path.display()))
        .why(words(error))
        .remedy(format!("fix its rights or make room, or {ANOTHER}"))
}

fn foreign(path: &Path) -> Failure {
    Failure::new(
        Code::DevHome,
        format!("{} holds things that are not the development stack's", path.display()),
    )
    .why(format!("the file `{MARKER}` that marks the stack's folder is not in it"))
    .remedy(format!("leave it alone, and {ANOTHER}"))
}

/// A command for this stack and no other: what is copied must not hit the default one.
pub(super) fn command(environment: &Environment, home: &Path, what: &str) -> String {
    if home == local::canonical(&development_home(environment)) {
        return format!("backendai-setup dev {what}");
    }
    format!("backendai-setup dev {what} --dir {}", shell_word(&home.to_string_lossy()))
}

//! Storage: absolute, there, a directory, a mount point, writable.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use async_trait::async_trait;

use crate::{
    disk::{
        mount::{self, Kind},
        mount_of,
    },
    failure::{Code, Failure, shell_word},
    guide::{Expect, Storage, development_mount},
    workflow::{Ladder, Rung},
    world::World,
};

use super::check::{Check, CheckAbout, FailedRung};

static ABOUT: CheckAbout = CheckAbout {
    id: "storage",
    title: "storage",
    summary: "absolute, there, a directory, a mount point as `storage.expect` wants, space, a probe file",
    sections: &["storage"],
    is_server: false,
};

/// The check.
pub struct StorageCheck;

/// Below this a warning.
const LITTLE: u64 = 1 << 30;

#[async_trait]
impl Check for StorageCheck {
    fn about(&self) -> &'static CheckAbout {
        &ABOUT
    }

    async fn probe(&self, world: &World, ladder: &Ladder) {
        let climbed = match world.settings.storage() {
            Ok(storage) if storage.expect == Expect::Elsewhere => {
                let rung = Rung::not_needed("folder", "`storage.expect` is `elsewhere`");
                ladder.tell(rung.telling(format!("{} is not on this host", storage.mount)));
                Ok(())
            }
            Ok(storage) => climb(ladder, world, storage).await,
            Err(failure) => Err(("answers", failure, Instant::now())),
        };
        if let Err((rung, failure, since)) = climbed {
            ladder.note(rung, failure, since);
        }
    }
}

async fn climb(ladder: &Ladder, world: &World, storage: &Storage) -> Result<(), FailedRung> {
    let path = Path::new(&storage.mount);
    let real = folder(ladder, world, storage, path).await?;
    let since = Instant::now();
    mounted(ladder, storage, &real, since).map_err(|failure| ("mount", failure, since))?;
    space(ladder, world, path).await?;
    let since = Instant::now();
    mount::probe(&world.surroundings.disk, path).await.map_err(|failure| ("write", failure, since))?;
    ladder.pass("write", "a probe file written, synced, renamed, removed", since);
    Ok(())
}

/// How to mount what is not mounted.
fn to_mount(storage: &Storage, path: &Path) -> String {
    let shown = &storage.mount;
    if mount::in_fstab(path) {
        return format!("/etc/fstab has this folder; as root: mount {}", shell_word(shown));
    }
    format!(
        "mount it, or set `storage.expect: directory` if a plain folder is meant; fix `storage.mount` if `{shown}` is wrong"
    )
}

/// It is a folder; gives its real path.
async fn folder(
    ladder: &Ladder,
    world: &World,
    storage: &Storage,
    path: &Path,
) -> Result<PathBuf, FailedRung> {
    let shown = &storage.mount;
    let since = Instant::now();
    if !path.is_absolute() {
        let failure = Failure::new(Code::MountPath, format!("`{shown}` is not absolute"))
            .remedy("write the whole path, the same on every node");
        return Err(("path", failure, since));
    }
    let real = match mount::kind(&world.surroundings.disk, path)
        .await
        .map_err(|failure| ("folder", failure, since))?
    {
        Kind::Folder(real) => real,
        Kind::Missing => {
            let remedy = match storage.expect {
                // Without the rest of the stack's folder around it, the stack would take it for somebody else's.
                Expect::Directory if *path == development_mount(&world.surroundings.environment) => {
                    "backendai-setup dev up".to_owned()
                }
                Expect::Directory => format!("mkdir -p {}", shell_word(shown)),
                _ => format!("{}; then: mkdir -p {}", to_mount(storage, path), shell_word(shown)),
            };
            let failure = Failure::new(Code::MountMissing, format!("`{shown}` is not there")).remedy(remedy);
            return Err(("folder", failure, since));
        }
        Kind::BelowFile => {
            let failure = Failure::new(Code::MountKind, format!("`{shown}` cannot be: it lies below a file"))
                .remedy("fix `storage.mount`");
            return Err(("folder", failure, since));
        }
        Kind::Other => {
            let failure = Failure::new(Code::MountKind, format!("`{shown}` is not a directory"))
                .remedy("fix `storage.mount`");
            return Err(("folder", failure, since));
        }
    };
    let detour = if real == path { String::new() } else { format!(" → {}", real.display()) };
    ladder.tell(Rung::passed("folder", format!("{shown}{detour}"), since).telling(shown));
    Ok(real)
}

/// What is mounted there is what is expected.
fn mounted(ladder: &Ladder, storage: &Storage, real: &Path, since: Instant) -> Result<(), Failure> {
    let path = Path::new(&storage.mount);
    let shown = &storage.mount;
    let mounted = mount_of(real);
    let here = mounted.as_ref().filter(|mounted| mounted.at == real);
    let lies_on = mounted.as_ref().map_or("an unknown file system".to_owned(), |mounted| {
        format!("{} ({})", mounted.at.display(), mounted.kind)
    });
    match (storage.expect, here) {
        (Expect::MountPoint, None) => {
            let failure = Failure::new(Code::MountUnmounted, format!("nothing is mounted at `{shown}`"))
                .why(format!(
                    "it lies on {lies_on}; data written now would be hidden once the share is mounted"
                ))
                .remedy(to_mount(storage, path));
            return Err(failure);
        }
        (_, Some(mounted)) if mounted.read_only => {
            let failure = Failure::new(Code::MountReadOnly, format!("`{shown}` is mounted read-only"))
                .why(format!("{}, {}", mounted.kind, mounted.source))
                .remedy(format!("as root: mount -o remount,rw {}", shell_word(shown)));
            return Err(failure);
        }
        (_, Some(mounted)) => {
            let rung = Rung::passed("mount", format!("{}, {}", mounted.kind, mounted.source), since);
            ladder.tell(rung.telling(&mounted.kind));
        }
        // A plain folder, as `storage.expect: directory` says.
        (_, None) => ladder.not_needed("mount", format!("a plain folder on {lies_on}")),
    }
    Ok(())
}

/// There is room.
async fn space(ladder: &Ladder, world: &World, path: &Path) -> Result<(), FailedRung> {
    let since = Instant::now();
    let space =
        mount::space(&world.surroundings.disk, path).await.map_err(|failure| ("space", failure, since))?;
    match space {
        // Pseudo file systems have no size.
        Some((_, 0)) => ladder.not_needed("space", "the file system does not tell"),
        Some((free, total)) if free < LITTLE => {
            let warning = Failure::new(Code::MountSpace, format!("{} free of {}", bytes(free), bytes(total)))
                .remedy("make room before users come");
            ladder.note("space", warning, since);
        }
        Some((free, total)) => {
            let rung = Rung::passed("space", format!("{} free of {}", bytes(free), bytes(total)), since);
            ladder.tell(rung.telling(format!("{} free", bytes(free))));
        }
        None => ladder.not_needed("space", "the file system does not tell"),
    }
    Ok(())
}

/// `1.2 GiB`.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    #[allow(clippy::cast_precision_loss)]
    let mut size = count as f64 / 1024.0;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    format!("{size:.1} {unit}")
}

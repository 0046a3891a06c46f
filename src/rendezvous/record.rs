//! What both sides write, read and wait for.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    disk::{
        Disk,
        mount::{self, Kind},
        mount_of,
    },
    failure::{Code, Failure, shell_word},
    services::etcd::Store,
    workflow::{EventKind, MountedThere, NodeFound, Waiting},
};

/// How often each side looks for the other.
pub(super) const ROUND: Duration = Duration::from_millis(500);

/// The version of what is written into etcd.
pub(super) const VERSION: u32 = 1;

/// How long an offer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferLimits {
    /// At most this long.
    pub lasting: Duration,
    /// Until so many nodes have answered.
    pub nodes: Option<usize>,
}

/// How it ended.
#[derive(Debug, Default)]
pub struct RendezvousOutcome {
    /// What failed.
    pub failures: Vec<Failure>,
    /// How many nodes do not have the folder.
    pub failed: usize,
}

impl From<Failure> for RendezvousOutcome {
    fn from(failure: Failure) -> Self {
        Self { failures: vec![failure], failed: 1 }
    }
}

/// An offer, as it stands in etcd.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OfferRecord {
    pub(super) version: u32,
    /// What stands in the file.
    pub(super) nonce: String,
    pub(super) path: String,
    pub(super) file: String,
    pub(super) host: String,
    pub(super) made: Timestamp,
    pub(super) until: Timestamp,
    pub(super) mounted: Option<MountedThere>,
}

impl OfferRecord {
    /// Tells that it stands, and on its own host the command for the others.
    pub(super) fn told(&self, command: Option<String>) -> EventKind {
        EventKind::MountOffered {
            host: self.host.clone(),
            path: self.path.clone(),
            file: self.file.clone(),
            until: self.until,
            command,
        }
    }
}

/// A node's answer, as it stands in etcd.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AnswerRecord {
    pub(super) version: u32,
    /// Of the offer that it answers to.
    pub(super) nonce: String,
    pub(super) made: Timestamp,
    #[serde(flatten)]
    pub(super) found: NodeFound,
}

/// What every version of both begins with.
#[derive(Deserialize)]
pub(super) struct Versioned {
    version: u32,
}

/// Reads what another host has written; none when it is of another version.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let Versioned { version } = serde_json::from_slice(bytes).ok()?;
    if version == VERSION { serde_json::from_slice(bytes).ok() } else { None }
}

pub(super) fn written<T: Serialize>(note: &T) -> Result<String, Failure> {
    serde_json::to_string(note).map_err(|error| {
        Failure::new(Code::Internal, "a note for etcd could not be written down")
            .why(error.to_string())
            .remedy("report this")
    })
}

/// The other side is waited for, which looks as often.
pub(super) fn waiting() -> Waiting {
    Waiting::new("mount", "mount", ROUND)
}

/// The path of the shared folder, as the manager reads it.
///
/// # Errors
/// `E-STAGE-NEEDS` when there is none, `E-MOUNT-PATH` when it cannot be one.
pub(super) async fn shared_folder(store: &mut Store) -> Result<String, Failure> {
    let key = format!("{}{}", store.prefix(), store.keys().mount);
    let Some(held) = store.get(store.keys().mount).await? else {
        return Err(Failure::new(Code::StageNeeds, format!("`{key}` is not in etcd"))
            .why("it names the shared folder to the manager and the agents; another namespace may be meant")
            .remedy("check `etcd.namespace`, or run the stage `set-mount` where the cluster is set up"));
    };
    let path = held.text();
    if !path.starts_with('/') {
        return Err(Failure::new(Code::MountPath, format!("`{}` is not absolute", path.escape_debug()))
            .why(format!("the manager reads it from `{key}`"))
            .remedy("set `storage.mount`, then `backendai-setup run set-mount --replace-mount`"));
    }
    Ok(path)
}

/// The folder at a path, by its real path.
///
/// # Errors
/// `E-MOUNT-MISSING`, `E-MOUNT-KIND`, `E-MOUNT-WRITE` when it may not be looked at, or `E-MOUNT-HUNG`.
pub(super) async fn folder(disk: &Disk, path: &str) -> Result<PathBuf, Failure> {
    match mount::kind(disk, Path::new(path)).await? {
        Kind::Folder(real) => Ok(real),
        Kind::Missing => Err(Failure::new(Code::MountMissing, format!("`{path}` is not there"))
            .remedy(format!("mount the share there; for the folder itself: mkdir -p {}", shell_word(path)))),
        Kind::Other => Err(Failure::new(Code::MountKind, format!("`{path}` is not a directory"))
            .remedy("move it away and mount the share there, or fix `storage.mount`")),
        Kind::BelowFile => {
            Err(Failure::new(Code::MountKind, format!("`{path}` cannot be: it lies below a file"))
                .remedy("move the file away and mount the share there, or fix `storage.mount`"))
        }
    }
}

/// What is mounted at a path, from the kernel's table.
pub(super) fn mounted(path: &Path) -> Option<MountedThere> {
    mount_of(path).map(|mounted| MountedThere {
        file_system: mounted.kind,
        source: mounted.source,
        at: mounted.at.display().to_string(),
    })
}

pub(super) fn seen_from(mounted: Option<&MountedThere>, path: &str) -> String {
    mounted.map_or_else(|| "an unknown file system".to_owned(), |mounted| mounted.seen_from(path))
}

/// What this host is called.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

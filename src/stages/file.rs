//! What the stages that write files share: a file takes the place of what was seen, and that is noted first.

use std::path::Path;

use crate::{
    disk::{Existing, Guard, Put},
    failure::{Code, Failure},
    fingerprint::digest,
    journal::{Content, Entry, OldFile},
    workflow::Context,
    world::World,
};

/// Writes a file where what was seen still stands; with `keeps_old` its content stays in a backup beside it.
pub(super) async fn put(
    cx: &Context<World>,
    path: &Path,
    bytes: &[u8],
    existing: Option<&Existing>,
    keeps_old: bool,
) -> Result<Put, Failure> {
    let surroundings = &cx.world.surroundings;
    let key = &surroundings.fingerprints;
    let seen = existing.map(|existing| existing.fingerprint(key)).transpose()?;
    let backup = existing.map(|existing| existing.bytes.as_slice()).filter(|_| keeps_old);
    let mut entries = vec![entry(path, existing, bytes)];
    if let Some(old) = backup
        && let Some(path) = surroundings.disk.new_backup(path, old).await?
    {
        entries.push(entry(&path, None, old));
    }
    let intent = cx.intend(entries).await?;
    let guard = Guard { key: key.clone(), seen };
    cx.write(&intent, 0..intent.count(), surroundings.disk.replace_guarded(path, bytes, backup, guard)).await
}

fn entry(path: &Path, existing: Option<&Existing>, bytes: &[u8]) -> Entry {
    let old = |existing: &Existing| OldFile { mode: existing.mode, content: Content::new(&existing.bytes) };
    Entry::File { path: path.display().to_string(), old: existing.map(old), new: digest(&[bytes]) }
}

/// A file that was fit to be written when the plan was made, and is so no longer: what a look would call a conflict is a
/// plan that is out of date; anything else stays what it is.
pub(super) fn stale_file(failure: Failure, what: &str) -> Failure {
    match failure.code {
        Code::FileParent
        | Code::FileSymlink
        | Code::FileOwner
        | Code::FileMount
        | Code::FileForeign
        | Code::FileAlembic
        | Code::FileLogging => Failure::stale(what, failure.what),
        _ => failure,
    }
}

//! Files: each gets back what it held, or goes, where it still holds what was written.

use std::{collections::BTreeMap, path::Path};

use crate::{
    disk::Guard,
    failure::{Code, Failure},
    fingerprint::digest,
    journal::{Entry, Intent, OldFile},
    workflow::{Change, Context, StagePlan},
    world::World,
};

use super::looked::Looked;

/// What stood there before the first write, and the digest of what the last one wrote; the last file first.
fn written(entries: &[Entry]) -> Vec<(&str, Option<&OldFile>, &str)> {
    let mut all: Vec<(&str, Option<&OldFile>, &str)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in entries {
        let Entry::File { path, old, new } = entry else { continue };
        match places.get(path.as_str()) {
            Some(place) => all[*place].2 = new,
            None => {
                places.insert(path, all.len());
                all.push((path, old.as_ref(), new));
            }
        }
    }
    all.reverse();
    all
}

/// What can be put back; `stays` says why nothing can.
pub(super) async fn look(
    cx: &Context<World>,
    entries: &[Entry],
    stays: Option<&str>,
) -> Result<Looked, Failure> {
    let mut looked = Looked::default();
    let surroundings = &cx.world.surroundings;
    for (path, old, new) in written(entries) {
        looked = looked.and(left_over(cx, path).await?);
        let existing = match surroundings.disk.target(Path::new(path)).await {
            Ok(existing) => existing,
            Err(failure) if failure.code == Code::FileHung => return Err(failure),
            Err(failure) => {
                looked.keep(format!("`{path}` cannot be put back"), failure.what);
                continue;
            }
        };
        let Some(existing) = existing else {
            if old.is_some() {
                looked.keep(format!("`{path}` has been removed since"), "it is not made again");
            }
            continue;
        };
        let is_old = |old: &OldFile| old.mode == existing.mode && old.content.bytes() == existing.bytes;
        if old.is_some_and(is_old) {
            continue;
        }
        if digest(&[&existing.bytes]) != new {
            looked.keep(format!("`{path}` has been changed since"), "it does not hold what the run wrote");
            continue;
        }
        if let Some(why) = stays {
            looked.keep(format!("`{path}` is kept"), why);
            continue;
        }
        looked.changes.push(Change::File {
            path: path.to_owned(),
            what: if old.is_some() { "put back" } else { "remove" }.into(),
            is_new: false,
            is_removed: old.is_none(),
            seen: Some(existing.fingerprint(&surroundings.fingerprints)?),
        });
    }
    Ok(looked)
}

/// What a killed run left half-written beside a file: it may hold secrets.
async fn left_over(cx: &Context<World>, path: &str) -> Result<Looked, Failure> {
    let mut looked = Looked::default();
    let surroundings = &cx.world.surroundings;
    for path in surroundings.disk.half_written(Path::new(path)).await? {
        let Ok(Some(existing)) = surroundings.disk.target(&path).await else { continue };
        looked.changes.push(Change::File {
            path: path.display().to_string(),
            what: "remove, half-written".into(),
            is_new: false,
            is_removed: true,
            seen: Some(existing.fingerprint(&surroundings.fingerprints)?),
        });
    }
    Ok(looked)
}

pub(super) async fn apply(cx: &Context<World>, plan: &StagePlan, entries: &[Entry]) -> Result<(), Failure> {
    let written = written(entries);
    let surroundings = &cx.world.surroundings;
    for change in &plan.changes {
        let Change::File { path, seen, .. } = change else { continue };
        cx.checkpoint()?;
        let old = written.iter().find(|(written, ..)| written == path).and_then(|(_, old, _)| *old);
        let guard = Guard { key: surroundings.fingerprints.clone(), seen: seen.clone() };
        let path = Path::new(path);
        let put = async {
            match old {
                Some(OldFile { mode, content }) => {
                    surroundings.disk.restore_guarded(path, content.bytes(), *mode, guard).await.map(drop)
                }
                None => surroundings.disk.remove_guarded(path, guard).await,
            }
        };
        cx.write(&Intent::unrecorded(), 0..0, put).await?;
        cx.log(format!("{}: {}", if old.is_some() { "put back" } else { "removed" }, path.display())).await;
    }
    Ok(())
}

//! Keys in etcd: each gets back what it held, where it still holds what was written.

use std::collections::BTreeMap;

use crate::{
    failure::Failure,
    journal::{Content, Entry},
    services::etcd::Stored,
    stages::keys,
    workflow::{Change, Context, StagePlan},
    world::World,
};

use super::looked::Looked;

/// A key that a run wrote, once or several times.
struct WrittenKey<'e> {
    key: &'e str,
    old: Option<&'e Content>,
    new: Option<&'e str>,
}

/// What the key held before the first write, and after the last one.
fn written(entries: &[Entry]) -> Vec<WrittenKey<'_>> {
    let (mut all, mut places): (Vec<WrittenKey<'_>>, BTreeMap<&str, usize>) = (Vec::new(), BTreeMap::new());
    for entry in entries {
        let Entry::Key { key, old, new } = entry else { continue };
        match places.get(key.as_str()) {
            Some(place) => all[*place].new = new.as_deref(),
            None => {
                places.insert(key, all.len());
                all.push(WrittenKey { key, old: old.as_ref(), new: new.as_deref() });
            }
        }
    }
    all
}

pub(super) async fn look(cx: &Context<World>, entries: &[Entry]) -> Result<Looked, Failure> {
    let written = written(entries);
    let mut looked = Looked::default();
    if written.is_empty() {
        return Ok(looked);
    }
    let mut store = cx.world.etcd().await?;
    let prefix = store.prefix().to_owned();
    // One key is asked for alone, more of them are in one place.
    let below = |key: &str| key.strip_prefix(&prefix).unwrap_or_default().to_owned();
    let held: BTreeMap<String, Stored> = match written.as_slice() {
        [one] => {
            let key = below(one.key);
            store.get(&key).await?.map(|held| (key, held)).into_iter().collect()
        }
        more => {
            let folder = |key: &str| key.split_inclusive('/').next().unwrap_or_default().to_owned();
            store.read_all(&folder(&below(more[0].key))).await?
        }
    };
    // What was written last is put back first: an alias goes before its target.
    for WrittenKey { key, old, new } in written.into_iter().rev() {
        let now = held.get(&below(key));
        let is = |value: Option<&[u8]>| now.map(|held| held.value.as_slice()) == value;
        if is(old.map(Content::bytes)) {
            continue;
        }
        if !is(new.map(str::as_bytes)) {
            let (what, why) = match now {
                Some(_) => (
                    "has been changed since",
                    "it holds neither what the run wrote nor what stood there before",
                ),
                None => ("has been removed since", "the run wrote it, and it is not there any more"),
            };
            looked.keep(format!("`{key}` {what}"), why);
            continue;
        }
        looked.changes.push(Change::Key {
            key: key.to_owned(),
            old: now.map(Stored::text),
            old_bytes: now.and_then(Stored::no_text),
            new: old.map(|old| String::from_utf8_lossy(old.bytes()).into_owned()),
            new_bytes: old.filter(|old| old.text().is_none()).map(|old| old.bytes().to_vec()),
            revision: now.map_or(0, |held| held.revision),
        });
    }
    Ok(looked)
}

pub(super) async fn apply(cx: &Context<World>, plan: &StagePlan) -> Result<(), Failure> {
    if !plan.changes.iter().any(|change| matches!(change, Change::Key { .. })) {
        return Ok(());
    }
    keys::write(cx, &mut cx.world.etcd().await?, plan).await.map(drop)
}

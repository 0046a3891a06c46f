//! What the etcd stages share: compare keys with what is there, and write the difference.

use std::{collections::BTreeMap, sync::Arc};

use tokio::task::spawn_blocking;

use crate::{
    failure::{Code, Failure},
    journal::{Content, Entry},
    services::etcd::{Store, Stored, Write},
    workflow::{Certainty, Change, Context, Done, StagePlan, Written},
    world::World,
};

/// What etcd holds, without the namespace.
pub(super) type Held = BTreeMap<String, Stored>;

/// A key below the namespace with its new value, or none to remove it.
pub(super) type Wanted = (String, Option<String>);

/// The writes that make etcd hold `wanted`, in the order of `wanted`.
pub(super) fn missing(wanted: Vec<(String, String)>, held: &Held) -> Vec<Wanted> {
    wanted
        .into_iter()
        .filter(|(key, value)| held.get(key).is_none_or(|found| found.value != value.as_bytes()))
        .map(|(key, value)| (key, Some(value)))
        .collect()
}

/// The same as changes, for people.
pub(super) fn changes(prefix: &str, writes: Vec<Wanted>, held: &Held) -> Vec<Change> {
    writes
        .into_iter()
        .map(|(key, new)| Change::Key {
            old: held.get(&key).map(Stored::text),
            old_bytes: held.get(&key).and_then(Stored::no_text),
            revision: held.get(&key).map_or(0, |held| held.revision),
            key: format!("{prefix}{key}"),
            new,
            new_bytes: None,
        })
        .collect()
}

/// Compares the list with what etcd holds on a thread of its own: that takes its time with a large one, and the time
/// limits of the other stages' servers run meanwhile. Two stages take turns, since each needs room for the whole list
/// and for all that etcd holds of it.
pub(super) async fn compared<T: Send + 'static>(
    cx: &Context<World>,
    store: &mut Store,
    compare: impl FnOnce(&World, &Held) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let _turn = cx.world.comparing.lock().await;
    let held = store.read_all("images/").await?;
    let world = Arc::clone(&cx.world);
    let compared = spawn_blocking(move || compare(&world, &held)).await;
    compared.unwrap_or_else(|_| {
        let what = "the comparison with etcd stopped because of a bug in this program";
        Err(Failure::new(Code::Internal, what).remedy("report it with the image list"))
    })
}

/// In which state it leaves the keys when it breaks off.
pub(super) fn left(written: Written) -> String {
    let (done, total) = written.progress;
    let confirmed = match done {
        0 => "no key is confirmed".to_owned(),
        _ => {
            format!("{done} of {} are written and stay; no alias is without its target", count(total, "key"))
        }
    };
    match written.sure {
        Certainty::Nothing => "no key was written".to_owned(),
        Certainty::Something => confirmed,
        Certainty::Unknown => format!("{confirmed}; whether those under way arrived is not known"),
    }
}

/// Writes the keys of a plan in transactions that etcd takes, each with the guards of its keys; stops between two of
/// them when asked to.
pub(super) async fn write(cx: &Context<World>, store: &mut Store, plan: &StagePlan) -> Result<Done, Failure> {
    let write = |change| match change {
        &Change::Key { ref key, ref new, ref new_bytes, revision, .. } => {
            let value = new_bytes.as_deref().or(new.as_ref().map(String::as_bytes));
            Some(Write { key: key.as_str(), value, revision })
        }
        _ => None,
    };
    let writes: Vec<Write<'_>> = plan.changes.iter().filter_map(write).collect();
    let total = writes.len();
    let batches = store.batches(writes);
    let transactions = batches.len();
    let (mut done, mut changes, mut removed) = (0, 0, 0);
    cx.checkpoint()?;
    let intent = cx.intend(plan.changes.iter().filter_map(entry).collect()).await?;
    for batch in &batches {
        cx.checkpoint()?;
        let part = done..done + batch.len();
        let is_ours = cx
            .write_unless_there(&intent, part, store.write(batch))
            .await
            .map_err(|failure| if done == 0 { failure } else { half(failure, done, total) })?;
        if is_ours {
            changes += batch.len();
            removed += batch.iter().filter(|write| write.value.is_none()).count();
        }
        done += batch.len();
        cx.progress(done, total).await;
    }
    Ok(Done { summary: summary(changes - removed, removed, transactions), changes })
}

/// What stands where a key is written.
fn entry(change: &Change) -> Option<Entry> {
    let Change::Key { key, old, new, old_bytes, .. } = change else { return None };
    let old = old_bytes.as_deref().or(old.as_ref().map(String::as_bytes)).map(Content::new);
    Some(Entry::Key { key: key.clone(), old, new: new.clone() })
}

/// The same for images and their names. Says so when keys that were there became others: a running manager does not look
/// again.
pub(super) async fn write_names(
    cx: &Context<World>,
    store: &mut Store,
    plan: &StagePlan,
) -> Result<Done, Failure> {
    let done = write(cx, store, plan).await?;
    let was_there = |change: &&Change| matches!(change, Change::Key { old: Some(_), .. });
    let keys = match plan.changes.iter().filter(was_there).count() {
        0 => return Ok(done),
        1 => "1 key has changed".to_owned(),
        other => format!("{other} keys have changed"),
    };
    cx.warn(format!("{keys}: a running manager keeps names that it has looked up until it is restarted"))
        .await;
    Ok(done)
}

/// `181 keys in 2 transactions`, `3 keys written and 1 removed in 1 transaction`.
fn summary(written: usize, removed: usize, transactions: usize) -> String {
    let keys = match (written, removed) {
        // Another run has written the same.
        (0, 0) => return "nothing was left to write".into(),
        (_, 0) => count(written, "key"),
        (0, _) => format!("{} removed", count(removed, "key")),
        _ => format!("{} written and {removed} removed", count(written, "key")),
    };
    format!("{keys} in {}", count(transactions, "transaction"))
}

fn half(failure: Failure, done: usize, total: usize) -> Failure {
    let why = failure.why.clone().map(|why| format!("{why}; ")).unwrap_or_default();
    failure.why(format!("{why}etcd confirmed {done} of {total} keys"))
}

/// `1 key`, `181 keys`.
pub(super) fn count(number: usize, unit: &str) -> String {
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn counts_read_well() {
        for (written, removed, transactions, said) in [
            (0, 0, 0, "nothing was left to write"),
            (1, 0, 1, "1 key in 1 transaction"),
            (181, 0, 2, "181 keys in 2 transactions"),
            (0, 1, 1, "1 key removed in 1 transaction"),
            (0, 2, 1, "2 keys removed in 1 transaction"),
            (0, 200, 2, "200 keys removed in 2 transactions"),
            (1, 1, 1, "1 key written and 1 removed in 1 transaction"),
            (3, 1, 1, "3 keys written and 1 removed in 1 transaction"),
            (1, 3, 1, "1 key written and 3 removed in 1 transaction"),
            (200, 30, 3, "200 keys written and 30 removed in 3 transactions"),
        ] {
            assert_eq!(summary(written, removed, transactions), said);
        }
    }
}

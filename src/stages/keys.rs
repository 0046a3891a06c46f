//! What the etcd stages share: compare keys with what is there, and write the difference.

use std::collections::BTreeMap;

use crate::{
    failure::Failure,
    services::etcd::{Store, Write},
    workflow::{Change, Context, Done},
    world::World,
};

/// What etcd holds, without the namespace.
pub(super) type Held = BTreeMap<String, Vec<u8>>;

/// The writes that make etcd hold `wanted`, in the order of `wanted`.
pub(super) fn missing(wanted: Vec<(String, String)>, held: &Held) -> Vec<Write> {
    wanted
        .into_iter()
        .filter(|(key, value)| held.get(key).is_none_or(|found| found != value.as_bytes()))
        .map(|(key, value)| (key, Some(value)))
        .collect()
}

/// The same as changes, for people.
pub(super) fn changes(prefix: &str, writes: &[Write], held: &Held) -> Vec<Change> {
    writes
        .iter()
        .map(|(key, new)| Change::Key {
            key: format!("{prefix}{key}"),
            old: held.get(key).map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
            new: new.clone(),
        })
        .collect()
}

/// Writes in transactions that etcd takes; stops between two of them when asked to.
pub(super) async fn write(
    cx: &Context<World>,
    store: &mut Store,
    writes: Vec<Write>,
) -> Result<Done, Failure> {
    let total = writes.len();
    let removed = writes.iter().filter(|(_, value)| value.is_none()).count();
    let batches = store.batches(writes);
    let transactions = batches.len();
    let mut done = 0;
    for batch in &batches {
        cx.checkpoint()?;
        cx.written(store.write(batch).await)
            .map_err(|failure| if done == 0 { failure } else { half(failure, done, total) })?;
        done += batch.len();
        cx.progress(done, total).await;
    }
    let removed = if removed == 0 { String::new() } else { format!(", {removed} of them removed") };
    Ok(Done {
        summary: format!("{}{removed} in {}", count(total, "key"), count(transactions, "transaction")),
        changes: total,
    })
}

fn half(failure: Failure, done: usize, total: usize) -> Failure {
    let why = failure.why.clone().map(|why| format!("{why}; ")).unwrap_or_default();
    failure.why(format!("{why}etcd confirmed {done} of {total} keys"))
}

/// `1 key`, `181 keys`.
pub(super) fn count(number: usize, unit: &str) -> String {
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

//! Writing: transactions in which each key has its guard.

use std::borrow::Cow;

use etcd_client::{Client, Compare, CompareOp, Txn, TxnOp, TxnOpResponse};

use crate::{
    failure::Failure,
    limits::seconds,
    text::{Room, clipped},
};

use super::{ANSWER, Store, Stored, trouble::Trouble};

/// etcd takes 128 operations, and as many comparisons, in a transaction by default.
const OPERATIONS: usize = 100;
/// etcd takes 1.5 MiB in a request by default; keys count too.
const BYTES: usize = 512 * 1024;

/// One write and its guard.
#[derive(Debug, Clone, Copy)]
pub struct Write<'w> {
    /// The whole key.
    pub key: &'w str,
    /// Its new value, or none to remove it.
    pub value: Option<&'w [u8]>,
    /// The revision at which it must have been written last; 0 where it must not be there.
    pub revision: i64,
}

impl Store {
    /// Cuts writes into transactions that etcd takes, keeping their order.
    pub fn batches<'w>(&self, writes: Vec<Write<'w>>) -> Vec<Vec<Write<'w>>> {
        let mut batches: Vec<Vec<Write<'w>>> = Vec::new();
        let mut bytes = 0;
        for write in writes {
            // The key stands in the comparison too.
            let size = 2 * write.key.len() + write.value.map_or(0, <[u8]>::len) + 64;
            match batches.last_mut() {
                Some(batch) if batch.len() < OPERATIONS && bytes + size <= BYTES => {
                    bytes += size;
                    batch.push(write);
                }
                _ => {
                    bytes = size;
                    batches.push(vec![write]);
                }
            }
        }
        batches
    }

    /// Writes one batch in one transaction: all of it or, where one of its guards does not hold, nothing. A batch that is
    /// there already is no failure; true when it may be of this call's making, for it is repeated when its confirmation is
    /// lost.
    ///
    /// # Errors
    /// `E-PLAN-STALE` when a key is not as its guard says, `E-LOCK-LOST` when the lock is no longer this run's, and when
    /// etcd refuses the batch or does not confirm it.
    pub async fn write(&mut self, batch: &[Write<'_>]) -> Result<bool, Failure> {
        let guards = batch
            .iter()
            .map(|write| Compare::mod_revision(write.key, CompareOp::Equal, write.revision))
            .chain(self.fence.map(|fence| fence.compare(self.lock_key())))
            .collect::<Vec<_>>();
        let operations = batch
            .iter()
            .map(|write| match write.value {
                Some(value) => TxnOp::put(write.key, value, None),
                None => TxnOp::delete(write.key, None),
            })
            .collect::<Vec<_>>();
        let lock = self.fence.map(|_| TxnOp::get(self.lock_key(), None));
        let look = batch.iter().map(|write| TxnOp::get(write.key, None)).chain(lock).collect::<Vec<_>>();
        let guarded = Txn::new().when(guards).and_then(operations).or_else(look);
        let mut asked = 0;
        let ask = |client: Client| {
            asked += 1;
            let guarded = guarded.clone();
            async move { client.kv_client().max_decoding_message_size(ANSWER).txn(guarded).await }
        };
        let answer = self.repeat(ask).await;
        match answer {
            Ok(answer) if answer.succeeded() => Ok(true),
            Ok(answer) => {
                let found = answer.op_responses();
                let lost = self.lock_lost(found.get(batch.len())).filter(|_| asked == 1);
                match lost.map_or_else(|| judge(batch, &found), Err) {
                    Ok(()) => Ok(asked > 1),
                    // An earlier attempt may have been written before somebody else came.
                    Err(stale) if asked > 1 => {
                        Err(self.connection_lost(format!("its confirmation was lost, and {}", stale.what)))
                    }
                    Err(broken) => Err(broken),
                }
            }
            Err(Trouble::Silent(limit)) => {
                Err(self.connection_lost(format!("no confirmation in {}", seconds(limit))))
            }
            Err(error) if error.is_gone() => Err(self.connection_lost("the connection broke".into())),
            Err(error) => Err(self.explain(error, "a write").await),
        }
    }
}

/// What stands there, where a guard did not hold: the batch itself, or what nobody planned for.
fn judge(batch: &[Write<'_>], found: &[TxnOpResponse]) -> Result<(), Failure> {
    let held: Vec<(&Write<'_>, Option<Stored>)> = batch
        .iter()
        .zip(found)
        .map(|(write, answer)| match answer {
            TxnOpResponse::Get(answer) => (write, answer.kvs().first().map(Stored::of)),
            _ => (write, None),
        })
        .collect();
    let is_written =
        |(write, held): &&(&Write<'_>, Option<Stored>)| held.as_ref().map(AsRef::as_ref) == write.value;
    if held.iter().all(|pair| is_written(&pair)) {
        return Ok(());
    }
    let broken = || {
        let revision = |held: &Option<Stored>| held.as_ref().map_or(0, |held| held.revision);
        held.iter().filter(move |(write, held)| revision(held) != write.revision)
    };
    let foreign = broken().find(|pair| !is_written(pair)).or_else(|| broken().next());
    let (key, why) = match foreign {
        Some((write, Some(held))) => (write.key, format!("it is now `{}`", shown(&held.text()))),
        Some((write, None)) => (write.key, "it was removed".to_owned()),
        // It was so when etcd compared, and is so no longer.
        None => (batch.first().map_or("", |write| write.key), "another program writes there".to_owned()),
    };
    Err(Failure::stale(format!("`{}` changed after the plan was made", shown(key)), why))
}

fn shown(text: &str) -> Cow<'_, str> {
    clipped(text, Room { whole: 400, quotation: 400, word: 200 })
}

//! etcd: the store below the namespace with its lock, and beside it the offers of [`offers`].

mod answered;
mod connection;
mod fence;
mod guarded;
mod lock;
mod offers;
mod trouble;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, atomic::AtomicI64},
};

use etcd_client::{
    AlarmAction, AlarmType, Client, Compare, CompareOp, GetOptions, GetResponse, KeyValue, Txn, TxnOp,
    TxnOpResponse,
};

use crate::{
    failure::{Code, Failure},
    guide::{Address, Etcd, KeySpace},
};

use fence::LOCK;
use trouble::{Trouble, bounded};

pub use answered::Answered;
pub use fence::Fence;
pub use guarded::Write;
pub use lock::{LockFound, NamespaceLock};
pub use offers::{LEASE, Offered};

/// How many keys one answer may hold; fewer where their values are large.
const PAGE: i64 = 10_000;
/// The largest answer that is taken, in bytes. The library's own limit is 4 MiB, and one value may have 1.5 MiB or what
/// `--max-request-bytes` of etcd allows.
const ANSWER: usize = 16 << 20;

/// What a member says of itself.
#[derive(Debug, Clone)]
pub struct Member {
    /// For example `3.4.23`.
    pub version: String,
    /// Whether the cluster has a leader.
    pub has_leader: bool,
    /// It copies the others' data, has no vote yet, and refuses requests.
    pub is_learner: bool,
    /// Its own id.
    pub id: u64,
    /// The id of its cluster.
    pub cluster: u64,
}

impl Member {
    /// Why nobody can work with this member, when that is so.
    pub fn unusable(&self, endpoint: &Address) -> Option<Failure> {
        if self.is_learner {
            Some(trouble::learner(endpoint, Some(self.id)))
        } else if !self.has_leader {
            Some(trouble::leaderless(endpoint))
        } else {
            None
        }
    }
}

/// What a key holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its value.
    pub value: Vec<u8>,
    /// The revision of the cluster at which it was last written.
    pub revision: i64,
}

impl Stored {
    fn of(pair: &KeyValue) -> Self {
        Self { value: pair.value().to_vec(), revision: pair.mod_revision() }
    }

    /// Its value as text; what is no text is made readable.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.value).into_owned()
    }

    /// Its value, where it is no text.
    pub fn no_text(&self) -> Option<Vec<u8>> {
        std::str::from_utf8(&self.value).is_err().then(|| self.value.clone())
    }
}

impl AsRef<[u8]> for Stored {
    fn as_ref(&self) -> &[u8] {
        &self.value
    }
}

/// A connection to one endpoint.
#[derive(Clone)]
pub struct Store {
    client: Client,
    /// The endpoint, for messages.
    pub endpoint: Address,
    settings: Etcd,
    /// The cluster's id, once a member has told it.
    cluster: Option<u64>,
    prefix: String,
    rendezvous: String,
    /// Which endpoint answered last: others begin with it.
    answered: Arc<Answered>,
    /// The number of its connection.
    connection: usize,
    /// The lock that is held while something is written.
    fence: Option<Fence>,
    /// The lowest revision at which anything was read.
    oldest: Arc<AtomicI64>,
}

// The settings hold a password.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Store {
    /// The prefix of every key.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Which keys the manager has.
    pub fn keys(&self) -> &'static KeySpace {
        self.settings.keys
    }

    /// Asks the member for its version and leader.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn member(&mut self) -> Result<Member, Failure> {
        let mut client = self.client.maintenance_client();
        // Not repeated: who asks a member wants to know how it is now.
        let status = match bounded(self.settings.limits, client.status()).await {
            Ok(status) => status,
            Err(error) => return Err(self.explain(error, "the question for its version").await),
        };
        let cluster = status.header().map_or(0, |header| header.cluster_id());
        self.cluster = Some(cluster).filter(|cluster| *cluster != 0);
        Ok(Member {
            version: status.version().to_owned(),
            has_leader: status.leader() != 0,
            is_learner: status.is_learner(),
            id: status.header().map_or(0, |header| header.member_id()),
            cluster,
        })
    }

    /// Alarms that are raised: `NOSPACE`, `CORRUPT`.
    ///
    /// # Errors
    /// When it does not answer, or does not let us look.
    pub async fn alarms(&mut self) -> Result<Vec<&'static str>, Failure> {
        let ask =
            |mut client: Client| async move { client.alarm(AlarmAction::Get, AlarmType::None, None).await };
        let answer = match self.repeat(ask).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.explain(error, "the question for alarms").await),
        };
        let mut names: Vec<_> = answer
            .alarms()
            .iter()
            .map(|member| match member.alarm() {
                AlarmType::Nospace => "NOSPACE",
                AlarmType::Corrupt => "CORRUPT",
                AlarmType::None => "unknown",
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Asks etcd to judge our right to write below the namespace, without writing: a transaction whose
    /// comparison never holds, with a put in it.
    ///
    /// # Errors
    /// `E-ETCD-RIGHTS` or `E-ETCD-AUTH` when etcd says no.
    pub async fn may_write(&mut self) -> Result<(), Failure> {
        let key = |below: &str| format!("{}{below}", self.prefix);
        // A version is never negative. Whoever may not write the lock may not write the rest either.
        let written = self.keys().written.iter().chain([&LOCK]).map(|below| key(below));
        let never = written.clone().map(|key| Compare::version(key, CompareOp::Less, 0));
        let puts = written.map(|key| TxnOp::put(key, "", None));
        let probe = Txn::new().when(never.collect::<Vec<_>>()).and_then(puts.collect::<Vec<_>>());
        let ask = |mut client: Client| {
            let probe = probe.clone();
            async move { client.txn(probe).await }
        };
        match self.repeat(ask).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.explain(error, "the right to write").await),
        }
    }

    /// One key's value.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn get(&mut self, key: &str) -> Result<Option<Stored>, Failure> {
        let key = format!("{}{key}", self.prefix);
        let answer = self.read(key.into_bytes(), None).await?;
        Ok(answer.kvs().first().map(Stored::of))
    }

    /// Every key and value below a prefix of the namespace, without the namespace, at one revision.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read_all(&mut self, below: &str) -> Result<BTreeMap<String, Stored>, Failure> {
        let start = format!("{}{below}", self.prefix);
        let cut = self.prefix.len();
        let mut found = BTreeMap::new();
        self.pages(start, GetOptions::new(), |pair| {
            // A key that is no text is none of the manager's, and none of ours.
            if let Ok(key) = std::str::from_utf8(pair.key()) {
                found.insert(key[cut..].to_owned(), Stored::of(pair));
            }
        })
        .await?;
        Ok(found)
    }

    /// How many keys the namespace has.
    ///
    /// # Errors
    /// When they cannot be counted.
    pub async fn count(&mut self) -> Result<usize, Failure> {
        let prefix = self.prefix.clone().into_bytes();
        self.count_below(&prefix).await
    }

    /// Other namespaces beside it with how many keys each has: the first `most` of them, and whether there are
    /// more. No key is read but the first of each.
    ///
    /// # Errors
    /// When we may not look, which is no fault: a range outside one's rights is refused as a whole.
    pub async fn neighbours(&mut self, most: usize) -> Result<(Vec<(String, usize)>, bool), Failure> {
        let root = self.keys().root.as_bytes();
        let mut found = Vec::new();
        let mut from = root.to_vec();
        loop {
            let first = GetOptions::new().with_range(after_prefix(root)).with_limit(1).with_keys_only();
            let answer = self.read(from, Some(first)).await?;
            let Some(pair) = answer.kvs().first() else { return Ok((found, false)) };
            let Some(length) = pair.key()[root.len()..].iter().position(|byte| *byte == b'/') else {
                // A key of no namespace.
                from = [pair.key(), &[0]].concat();
                continue;
            };
            let prefix = &pair.key()[..=root.len() + length];
            if prefix != self.prefix.as_bytes() {
                if found.len() == most {
                    return Ok((found, true));
                }
                let name = String::from_utf8_lossy(&prefix[root.len()..prefix.len() - 1]).into_owned();
                let count = self.count_below(prefix).await?;
                found.extend((count > 0).then_some((name, count)));
            }
            from = after_prefix(prefix);
        }
    }

    /// Without the lock of the namespace, which is none of the manager's keys.
    async fn count_below(&mut self, prefix: &[u8]) -> Result<usize, Failure> {
        let counts = |options: GetOptions| options.with_count_only();
        let all = counts(GetOptions::new().with_range(after_prefix(prefix)));
        let lock = [prefix, LOCK.as_bytes()].concat();
        let both = Txn::new()
            .and_then([TxnOp::get(prefix, Some(all)), TxnOp::get(lock, Some(counts(GetOptions::new())))]);
        let ask = |mut client: Client| {
            let both = both.clone();
            async move { client.txn(both).await }
        };
        let answer = match self.repeat(ask).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.explain(error, "a read").await),
        };
        let counted: Vec<i64> = answer
            .op_responses()
            .iter()
            .map(|answer| if let TxnOpResponse::Get(answer) = answer { answer.count() } else { 0 })
            .collect();
        let [all, lock] = counted[..] else { return Ok(0) };
        Ok(usize::try_from(all - lock).unwrap_or_default())
    }

    async fn read(&mut self, key: Vec<u8>, options: Option<GetOptions>) -> Result<GetResponse, Failure> {
        match self.ask(key, options).await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.explain(error, "a read").await),
        }
    }

    async fn ask(&mut self, key: Vec<u8>, options: Option<GetOptions>) -> Result<GetResponse, Trouble> {
        let ask = |client: Client| {
            let (key, options) = (key.clone(), options.clone());
            async move { client.kv_client().max_decoding_message_size(ANSWER).get(key, options).await }
        };
        let answer = self.repeat(ask).await?;
        self.note_revision(answer.header().map_or(0, |header| header.revision()));
        Ok(answer)
    }

    async fn pages(
        &mut self,
        start: String,
        options: GetOptions,
        mut each: impl FnMut(&KeyValue),
    ) -> Result<(), Failure> {
        let end = after_prefix(start.as_bytes());
        let mut from = start.into_bytes();
        let mut revision = 0;
        let mut page = PAGE;
        loop {
            let options = options.clone().with_range(end.clone()).with_limit(page).with_revision(revision);
            let answer = match self.ask(from.clone(), Some(options)).await {
                Ok(answer) => answer,
                Err(error) if error.is_too_large() && page > 1 => {
                    page = (page / 8).max(1);
                    continue;
                }
                Err(error) => return Err(self.explain(error, "a read").await),
            };
            // Every page at the revision of the first, or a change in between would tear the picture.
            if revision == 0 {
                revision = answer.header().map_or(0, |header| header.revision());
            }
            answer.kvs().iter().for_each(&mut each);
            match answer.kvs().last() {
                Some(last) if answer.more() => {
                    from = last.key().to_vec();
                    from.push(0);
                }
                _ => return Ok(()),
            }
        }
    }

    fn connection_lost(&self, why: String) -> Failure {
        Failure::new(Code::EtcdLost, format!("{} stopped answering in the middle of the work", self.endpoint))
            .why(why)
            .remedy("run again when it is back: what is done is skipped")
    }
}

/// The first key after all keys with this prefix.
fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    vec![0]
}

#[cfg(test)]
mod tests {
    use super::after_prefix;

    #[test]
    fn the_end_of_a_prefix() {
        assert_eq!(after_prefix(b"/sorna/"), b"/sorna0");
        assert_eq!(after_prefix(b"a\xff"), b"b");
        assert_eq!(after_prefix(b"\xff"), b"\0");
    }
}

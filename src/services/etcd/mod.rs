//! etcd: the store below `/sorna/<namespace>/`, and beside it the offers of [`offers`].

mod offers;

use std::{collections::BTreeMap, future::Future};

use etcd_client::{
    AlarmAction, AlarmType, Client, Compare, CompareOp, ConnectOptions, Error, GetOptions, Txn, TxnOp,
};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use crate::{
    failure::{Code, Failure},
    guide::{Address, Etcd},
};

use super::{answer_limit, connect_limit, seconds};

pub use offers::{LEASE, Offered};

/// The manager's key for the path of the shared folder, below the namespace.
pub const MOUNT: &str = "volumes/_mount";

/// etcd takes 128 operations in a transaction by default.
const OPERATIONS: usize = 100;
/// etcd takes 1.5 MiB in a request by default; keys count too.
const BYTES: usize = 512 * 1024;
/// How many keys one answer may hold; an answer of more than 4 MiB is not taken.
const PAGE: i64 = 500;

/// What a member says of itself.
#[derive(Debug, Clone)]
pub struct Member {
    /// For example `3.4.23`.
    pub version: String,
    /// Whether the cluster has a leader.
    pub has_leader: bool,
    /// Its own id.
    pub id: u64,
    /// The id of its cluster.
    pub cluster: u64,
}

/// One write: a key with its new value, or none to remove it.
pub type Write = (String, Option<String>);

/// A connection to one endpoint.
#[derive(Clone)]
pub struct Store {
    client: Client,
    /// The endpoint, for messages.
    pub endpoint: Address,
    user: Option<String>,
    prefix: String,
    meeting: String,
}

impl Store {
    /// Connects to one endpoint; signs in when a user is given.
    ///
    /// # Errors
    /// When it does not answer or refuses the sign-in.
    pub async fn connect(etcd: &Etcd, endpoint: &Address) -> Result<Self, Failure> {
        // Every request has its time limit, so nothing else has to find out that nobody is there any more.
        let mut options = ConnectOptions::new().with_connect_timeout(connect_limit());
        if let Some((user, password)) = &etcd.user {
            options = options.with_user(user, password.expose_secret());
        }
        let user = etcd.user.as_ref().map(|(user, _)| user.clone());
        let connecting = Client::connect([endpoint.to_string()], Some(options));
        let client = bounded(connecting)
            .await
            .map_err(|error| explain(error, endpoint, user.as_deref(), "the sign-in", None))?;
        let (prefix, meeting) = (etcd.prefix(), etcd.meeting_prefix());
        Ok(Self { client, endpoint: endpoint.clone(), user, prefix, meeting })
    }

    /// Connects to the first endpoint that answers, beginning with this one; says which it was.
    ///
    /// # Errors
    /// The first endpoint's failure, when none answers.
    pub async fn connect_any(etcd: &Etcd, begin: usize) -> Result<(Self, usize), Failure> {
        let mut first = None;
        let count = etcd.endpoints.len();
        for (at, endpoint) in etcd.endpoints.iter().enumerate().cycle().skip(begin).take(count) {
            let attempt = async {
                let mut store = Self::connect(etcd, endpoint).await?;
                store.member().await?;
                Ok(store)
            };
            match attempt.await {
                Ok(store) => return Ok((store, at)),
                Err(failure) => first = first.or(Some(failure)),
            }
        }
        Err(first.unwrap_or_else(|| Failure::new(Code::EtcdConnect, "no etcd endpoint is given")))
    }

    /// The prefix of every key.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    fn explain(&self, error: Trouble, what: &str) -> Failure {
        explain(error, &self.endpoint, self.user.as_deref(), what, Some(&self.prefix))
    }

    /// Asks the member for its version and leader.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn member(&mut self) -> Result<Member, Failure> {
        let mut client = self.client.maintenance_client();
        let status = bounded(client.status())
            .await
            .map_err(|error| self.explain(error, "the question for its version"))?;
        Ok(Member {
            version: status.version().to_owned(),
            has_leader: status.leader() != 0,
            id: status.header().map_or(0, |header| header.member_id()),
            cluster: status.header().map_or(0, |header| header.cluster_id()),
        })
    }

    /// Alarms that are raised: `NOSPACE`, `CORRUPT`.
    ///
    /// # Errors
    /// When it does not answer, or does not let us look.
    pub async fn alarms(&mut self) -> Result<Vec<&'static str>, Failure> {
        let mut client = self.client.maintenance_client();
        let answer = bounded(client.alarm(AlarmAction::Get, AlarmType::None, None))
            .await
            .map_err(|error| self.explain(error, "the question for alarms"))?;
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
        // A version is never negative.
        let never = Compare::version(key(MOUNT), CompareOp::Less, 0);
        let puts = ["images/backendai-setup-probe", MOUNT].map(|below| TxnOp::put(key(below), "", None));
        let probe = Txn::new().when([never]).and_then(puts);
        bounded(self.client.txn(probe)).await.map_err(|error| self.explain(error, "the right to write"))?;
        Ok(())
    }

    /// One key's value.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        let key = format!("{}{key}", self.prefix);
        let answer =
            bounded(self.client.get(key, None)).await.map_err(|error| self.explain(error, "a read"))?;
        Ok(answer.kvs().first().map(|pair| pair.value().to_vec()))
    }

    /// Every key and value below a prefix of the namespace, without the namespace, at one revision.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read_all(&mut self, below: &str) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
        let start = format!("{}{below}", self.prefix);
        let cut = self.prefix.len();
        let mut found = BTreeMap::new();
        self.pages(start, GetOptions::new(), |pair| {
            // A key that is no text is none of the manager's, and none of ours.
            if let Ok(key) = std::str::from_utf8(pair.key()) {
                found.insert(key[cut..].to_owned(), pair.value().to_vec());
            }
        })
        .await?;
        Ok(found)
    }

    /// How many keys each namespace below `/sorna/` has.
    ///
    /// # Errors
    /// When we may not look, which is no fault: a range outside one's rights is refused as a whole.
    pub async fn namespaces(&mut self) -> Result<BTreeMap<String, usize>, Failure> {
        let root = "/sorna/";
        let mut counts = BTreeMap::new();
        self.pages(root.into(), GetOptions::new().with_keys_only(), |pair| {
            let key = String::from_utf8_lossy(&pair.key()[root.len()..]).into_owned();
            if let Some((namespace, _)) = key.split_once('/') {
                *counts.entry(namespace.to_owned()).or_insert(0) += 1;
            }
        })
        .await?;
        Ok(counts)
    }

    async fn pages(
        &mut self,
        start: String,
        options: GetOptions,
        mut each: impl FnMut(&etcd_client::KeyValue),
    ) -> Result<(), Failure> {
        let end = after_prefix(start.as_bytes());
        let mut from = start.into_bytes();
        let mut revision = 0;
        loop {
            let options = options.clone().with_range(end.clone()).with_limit(PAGE).with_revision(revision);
            let answer = bounded(self.client.get(from.clone(), Some(options)))
                .await
                .map_err(|error| self.explain(error, "a read"))?;
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

    /// Cuts writes into transactions that etcd takes, keeping their order.
    pub fn batches(&self, writes: Vec<Write>) -> Vec<Vec<Write>> {
        let mut batches: Vec<Vec<Write>> = Vec::new();
        let mut bytes = 0;
        for write in writes {
            let size = self.prefix.len() + write.0.len() + write.1.as_ref().map_or(0, String::len) + 32;
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

    /// Writes one batch in one transaction: all of it or nothing.
    ///
    /// # Errors
    /// When etcd refuses it or does not confirm it.
    pub async fn write(&mut self, batch: &[Write]) -> Result<(), Failure> {
        let operations: Vec<TxnOp> = batch
            .iter()
            .map(|(key, value)| {
                let key = format!("{}{key}", self.prefix);
                match value {
                    Some(value) => TxnOp::put(key, value.as_str(), None),
                    None => TxnOp::delete(key, None),
                }
            })
            .collect();
        bounded(self.client.txn(Txn::new().and_then(operations))).await.map_err(|error| match error {
            Trouble::Silent => self.lost(format!("no confirmation in {}", seconds(answer_limit()))),
            Trouble::Error(Error::GRpcStatus(status)) if is_gone(status.code().into(), status.message()) => {
                self.lost("the connection broke".into())
            }
            Trouble::Error(Error::TransportError(_)) => self.lost("the connection broke".into()),
            other => self.explain(other, "a write"),
        })?;
        Ok(())
    }

    fn lost(&self, why: String) -> Failure {
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

/// What can go wrong with a request: an error, or nothing at all for too long.
enum Trouble {
    Error(Error),
    Silent,
}

async fn bounded<T>(request: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
    match timeout(answer_limit(), request).await {
        Ok(answer) => answer.map_err(Trouble::Error),
        Err(_) => Err(Trouble::Silent),
    }
}

/// The gRPC codes of a connection that is no more: cancelled, unknown, deadline exceeded, unavailable.
fn is_gone(code: i32, message: &str) -> bool {
    matches!(code, 1 | 2 | 4 | 14) && !message.starts_with("etcdserver:")
}

fn broke(endpoint: &Address) -> Failure {
    Failure::new(Code::EtcdLost, format!("the connection to {endpoint} broke"))
        .remedy("is etcd still running there? Run again when it is back")
}

/// etcd tells its errors apart by their text; these are the ones that people can mend.
fn explain(
    error: Trouble,
    endpoint: &Address,
    user: Option<&str>,
    what: &str,
    prefix: Option<&str>,
) -> Failure {
    let who = user.map_or_else(|| "without a user".to_owned(), |user| format!("user `{user}`"));
    let Trouble::Error(error) = error else {
        return Failure::new(
            Code::EtcdTimeout,
            format!("{endpoint} did not answer {what} in {}", seconds(answer_limit())),
        )
        .remedy("look at etcd's log: a member without a quorum answers nothing");
    };
    let Error::GRpcStatus(status) = error else {
        return broke(endpoint);
    };
    let said = status.message();
    if said.contains("permission denied") {
        let range = prefix.unwrap_or("/sorna/");
        Failure::new(Code::EtcdRights, format!("{endpoint} refused {what} below {range} ({who})"))
            .why(said)
            .remedy(format!("`etcdctl role grant-permission ROLE --prefix=true readwrite {range}`"))
    } else if said.contains("authentication is not enabled") {
        Failure::new(Code::EtcdAuth, format!("{endpoint} wants no sign-in, and one is given ({who})"))
            .why(said)
            .remedy("take `etcd.user` and `etcd.password` out, or switch etcd's sign-in on: `etcdctl auth enable`")
    } else if said.contains("authentication failed") {
        Failure::new(Code::EtcdAuth, format!("{endpoint} refused the sign-in ({who})"))
            .why(said)
            .remedy("mend `etcd.user` and `etcd.password`")
    } else if said.contains("user name is empty") || said.contains("invalid auth token") {
        Failure::new(Code::EtcdAuth, format!("{endpoint} wants a sign-in, and none is given"))
            .why(said)
            .remedy("set `etcd.user` and `etcd.password`; the manager itself cannot sign in to etcd")
    } else if said.contains("mvcc: database space exceeded") {
        Failure::new(Code::EtcdAlarm, format!("{endpoint} has no space left and refuses writes"))
            .why(said)
            .remedy("compact and defragment, then `etcdctl alarm disarm`")
    } else if said.contains("no leader") {
        Failure::new(Code::EtcdLeader, format!("the cluster of {endpoint} has no leader"))
            .why(said)
            .remedy("start the missing members")
    } else if said.contains("request timed out") {
        Failure::new(Code::EtcdTimeout, format!("{endpoint} gave up on {what}"))
            .why(said)
            .remedy("look at etcd's log: a member without a quorum, or a slow disk")
    } else if is_gone(status.code().into(), said) {
        broke(endpoint)
    } else {
        Failure::new(Code::EtcdRefused, format!("{endpoint} refused {what} ({who})"))
            .why(said)
            .remedy("look at etcd's log")
    }
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

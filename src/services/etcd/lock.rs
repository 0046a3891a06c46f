//! The lock of a namespace: one key under a lease, by which runs keep out of each other's way.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use etcd_client::{Client, Compare, CompareOp, Error, KeyValue, PutOptions, Txn, TxnOp, TxnOpResponse};
use jiff::Timestamp;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    failure::{Code, Failure},
    limits::Limits,
    services::Holder,
    text::{Room, clipped},
};

use super::{
    LEASE, Store,
    fence::{Fence, LOCK},
    trouble::{Trouble, etcdctl},
};

/// How often the lease is renewed.
const RENEWAL: Duration = Duration::from_secs(4);
/// How soon it is tried again after a renewal that failed.
const SOON: Duration = Duration::from_secs(1);
/// How long one renewal may take, at all endpoints, with the opening of a channel: there is time for another one then.
const PATIENCE: Duration = Duration::from_secs(5);

/// A lock as it stands in etcd.
#[derive(Debug, Clone)]
pub struct LockFound {
    /// Whose it is; none where its value is none that this version has written.
    pub holder: Option<Holder>,
    text: String,
    has_lease: bool,
    revision: i64,
}

impl LockFound {
    fn of(pair: &KeyValue) -> Self {
        Self {
            holder: serde_json::from_slice(pair.value()).ok(),
            text: String::from_utf8_lossy(pair.value()).into_owned(),
            has_lease: pair.lease() != 0,
            revision: pair.mod_revision(),
        }
    }
}

/// The lock of a namespace, held. Its lease is kept alive until this is released or dropped.
#[derive(Debug)]
pub struct NamespaceLock {
    fence: Fence,
    stop: DropGuard,
    keeper: JoinHandle<()>,
}

impl NamespaceLock {
    /// What every write is to compare.
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// Was nothing at all written to etcd since this revision, but for the lock itself?
    pub fn follows(&self, oldest: i64) -> bool {
        self.fence.revision == oldest.saturating_add(1)
    }

    /// Lets go: the key is removed, or goes with its lease where etcd does not answer.
    pub async fn release(self) {
        drop(self.stop);
        let _ = self.keeper.await;
    }
}

impl Store {
    pub(super) fn lock_key(&self) -> String {
        format!("{}{LOCK}", self.prefix)
    }

    /// The same, writing only while this lock is held, and noting in `oldest` the lowest revision at which it reads.
    #[must_use]
    pub fn fenced(self, fence: Option<Fence>, oldest: &Arc<AtomicI64>) -> Self {
        Self { fence, oldest: Arc::clone(oldest), ..self }
    }

    /// The lock of the namespace, if somebody holds it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn lock_found(&mut self) -> Result<Option<LockFound>, Failure> {
        let answer = self.read(self.lock_key().into_bytes(), None).await?;
        Ok(answer.kvs().first().map(LockFound::of))
    }

    /// Takes the lock, in the place of one whose holder is dead where one is given; none when somebody else was faster.
    ///
    /// # Errors
    /// `E-ETCD-RIGHTS` among others, when it cannot be written.
    pub async fn take_lock(
        &mut self,
        holder: &Holder,
        over: Option<&LockFound>,
    ) -> Result<Option<NamespaceLock>, Failure> {
        let text = serde_json::to_string(holder).map_err(|error| {
            Failure::new(Code::Internal, "a lock for etcd could not be written down")
                .why(error.to_string())
                .remedy("report this")
        })?;
        let ttl = i64::try_from(LEASE.as_secs()).unwrap_or(i64::MAX);
        let granted =
            self.repeat(|mut client: Client| async move { client.lease_grant(ttl, None).await }).await;
        let lease = match granted {
            Ok(granted) => granted.id(),
            Err(error) => return Err(self.explain(error, "the question for a lease").await),
        };
        let key = self.lock_key();
        let is_as_seen =
            Compare::mod_revision(key.as_str(), CompareOp::Equal, over.map_or(0, |found| found.revision));
        let put = TxnOp::put(key.as_str(), text, Some(PutOptions::new().with_lease(lease)));
        let take = Txn::new().when([is_as_seen]).and_then([put]).or_else([TxnOp::get(key, None)]);
        let ask = |mut client: Client| {
            let take = take.clone();
            async move { client.txn(take).await }
        };
        let answer = match self.repeat(ask).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.explain(error, "the lock").await),
        };
        let revision = if answer.succeeded() {
            answer.header().map(|header| header.revision())
        } else {
            // The first of two attempts may have taken it, and its confirmation was lost.
            found(answer.op_responses().first())
                .filter(|pair| pair.lease() == lease)
                .map(|it| it.mod_revision())
        };
        let stop = CancellationToken::new();
        let patience = Limits::of_operations(Some(self.settings.limits.answer().min(PATIENCE)));
        let mut store = self.clone();
        store.settings.limits = patience;
        let Some(revision) = revision else {
            store.revoke(lease).await;
            return Ok(None);
        };
        let keeper = tokio::spawn(keep(store, lease, stop.clone()));
        Ok(Some(NamespaceLock { fence: Fence { revision }, stop: stop.drop_guard(), keeper }))
    }

    /// Keeps a lease for another while; false when it has run out.
    async fn renew(&mut self, lease: i64) -> Result<bool, Trouble> {
        // To open the stream is to ask once.
        match self.repeat(|mut client: Client| async move { client.lease_keep_alive(lease).await }).await {
            Ok(_) => Ok(true),
            // The client's own word for a lease that has run out.
            Err(Trouble::Error(Error::LeaseKeepAliveError(_))) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The same on a channel of its own: what is held up on the other one, a long request or the way to the server, holds up
    /// nothing on this one.
    async fn apart(&self) -> Self {
        let store = Self { answered: Arc::default(), fence: None, ..self.clone() };
        match Self::connect(&self.settings, &self.endpoint).await {
            Ok(Self { client, .. }) => Self { client, ..store },
            // Where its endpoint is gone, the next question finds another one.
            Err(_) => store,
        }
    }

    /// Gives a lease back with its key; where etcd does not confirm it they go when it runs out.
    async fn revoke(&mut self, lease: i64) {
        let _ = self.repeat(|mut client: Client| async move { client.lease_revoke(lease).await }).await;
    }

    /// The failure for somebody whom the holder of the lock keeps out.
    pub fn busy(&self, found: &LockFound, now: Timestamp) -> Failure {
        let namespace = format!("namespace `{}`", self.settings.namespace);
        let key = self.lock_key();
        let at = format!("its lock is the key `{key}` in etcd at {}", self.endpoint);
        let failure = match &found.holder {
            Some(holder) => Failure::new(Code::EtcdBusy, holder.told(&namespace, now)).why(at),
            None => {
                let value = clipped(&found.text, Room { whole: 400, quotation: 400, word: 200 }).into_owned();
                let what = format!("another setup is writing to {namespace}");
                Failure::new(Code::EtcdBusy, what).why(format!("{at}, and holds `{value}`"))
            }
        };
        failure.remedy(if found.has_lease {
            let lease = LEASE.as_secs();
            format!("wait for it with `--wait 10m`, or run again once it has ended; one that was killed expires after {lease} s")
        } else {
            // Somebody wrote it by hand, or restored a copy of etcd.
            let etcdctl = etcdctl(&self.endpoint, self.user());
            format!("it has no lease, so it does not expire: if nobody works there, remove it with `{etcdctl} del {key}`, then run again")
        })
    }

    /// Why nothing more is written, where the lock is no longer this run's by the answer to a comparison.
    pub(super) fn lock_lost(&self, answer: Option<&TxnOpResponse>) -> Option<Failure> {
        let fence = self.fence.as_ref()?;
        let found = found(answer).map(LockFound::of);
        if found.as_ref().is_some_and(|found| found.revision == fence.revision) {
            return None;
        }
        let what = format!("the run lost its lock on namespace `{}`", self.settings.namespace);
        let why = match found {
            Some(LockFound { holder: Some(holder), .. }) => format!("{} has taken it", holder.name()),
            Some(_) => "another program has taken it".to_owned(),
            None => format!("its lease was revoked, or not renewed for {} s", LEASE.as_secs()),
        };
        let remedy = "run again: what is done is skipped";
        Some(Failure::new(Code::LockLost, what).why(why).remedy(remedy))
    }

    /// Notes at which revision something was read.
    pub(super) fn note_revision(&self, revision: i64) {
        self.oldest.fetch_min(revision, Ordering::SeqCst);
    }
}

fn found(answer: Option<&TxnOpResponse>) -> Option<&KeyValue> {
    match answer? {
        TxnOpResponse::Get(answer) => answer.kvs().first(),
        _ => None,
    }
}

/// Renews a lease until it is to end. The channel for that is opened when the first renewal is due, which most runs do not
/// live to see, and anew after each one that failed.
async fn keep(store: Store, lease: i64, stop: CancellationToken) {
    let patience = store.settings.limits.answer();
    let mut own = None;
    let mut pause = RENEWAL;
    while stop.run_until_cancelled(sleep(pause)).await.is_some() {
        let renewal = async {
            let mut apart = match own.take() {
                Some(apart) => apart,
                None => store.apart().await,
            };
            let is_renewed = apart.renew(lease).await.ok()?;
            own = Some(apart);
            Some(is_renewed)
        };
        pause = match stop.run_until_cancelled(timeout(patience, renewal)).await {
            Some(Ok(Some(true))) => RENEWAL,
            // It ran out: whoever writes finds out.
            Some(Ok(Some(false))) => return,
            Some(Ok(None) | Err(_)) => SOON,
            None => break,
        };
    }
    let mut last = own.unwrap_or(store);
    last.revoke(lease).await;
}

//! Keys by which nodes meet: one offer at a time, the answers to it, and a lease under all of them.
//!
//! They stand below `/backendai-setup/<namespace>/`, where the manager never looks. A killed offer stops
//! keeping its lease, and etcd removes every key of it.

use std::{collections::BTreeMap, time::Duration};

use etcd_client::{Compare, CompareOp, Error, GetOptions, PutOptions, Txn, TxnOp};

use crate::failure::{Code, Failure};

use super::{
    Store, after_prefix,
    trouble::{Trouble, bounded},
};

/// How long keys stay when nobody keeps them: a stall of a server is passed over, a kill is soon forgotten.
pub const LEASE: Duration = Duration::from_secs(15);

const OFFER: &str = "mount/offer";
const NODES: &str = "mount/nodes/";

/// An offer as it stands in etcd.
#[derive(Debug, Clone)]
pub struct Offered {
    /// What it says.
    pub value: Vec<u8>,
    lease: i64,
    revision: i64,
}

impl Store {
    async fn explain_refusal(&mut self, error: Trouble, what: &str) -> Failure {
        let range = self.rendezvous.clone();
        self.explain_below(error, what, &range).await
    }

    /// The offer that stands, if one does.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn offer(&mut self) -> Result<Option<Offered>, Failure> {
        let key = format!("{}{OFFER}", self.rendezvous);
        let answer = match bounded(self.settings.limits, self.client.get(key, None)).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.explain_refusal(error, "a read").await),
        };
        Ok(answer.kvs().first().map(|pair| Offered {
            value: pair.value().to_vec(),
            lease: pair.lease(),
            revision: pair.create_revision(),
        }))
    }

    /// A new lease.
    ///
    /// # Errors
    /// When etcd gives none.
    pub async fn lease(&mut self) -> Result<i64, Failure> {
        let ttl = i64::try_from(LEASE.as_secs()).unwrap_or(i64::MAX);
        let answer = match bounded(self.settings.limits, self.client.lease_grant(ttl, None)).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.explain_refusal(error, "the question for a lease").await),
        };
        Ok(answer.id())
    }

    /// Makes the offer under a lease; false when another one stands.
    ///
    /// # Errors
    /// `E-ETCD-RIGHTS` among others, when it cannot be written.
    pub async fn make_offer(&mut self, lease: i64, value: &str) -> Result<bool, Failure> {
        let key = format!("{}{OFFER}", self.rendezvous);
        let put = TxnOp::put(key.as_str(), value, Some(PutOptions::new().with_lease(lease)));
        let make = Txn::new().when([Compare::version(key, CompareOp::Equal, 0)]).and_then([put]);
        let answer = match bounded(self.settings.limits, self.client.txn(make)).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.explain_refusal(error, "the offer").await),
        };
        Ok(answer.succeeded())
    }

    /// Keeps a lease for another while; false when it has run out.
    ///
    /// # Errors
    /// When etcd does not answer.
    pub async fn keep(&mut self, lease: i64) -> Result<bool, Failure> {
        // To open the stream is to ask once.
        match bounded(self.settings.limits, self.client.lease_keep_alive(lease)).await {
            Ok(_) => Ok(true),
            // The client's own word for a lease that has run out.
            Err(Trouble::Error(Error::LeaseKeepAliveError(_))) => Ok(false),
            Err(error) => Err(self.explain_refusal(error, "the renewal of a lease").await),
        }
    }

    /// Gives a lease back; every key under it is gone.
    ///
    /// # Errors
    /// When etcd does not confirm it; then the keys go when the lease runs out.
    pub async fn give_back(&mut self, lease: i64) -> Result<(), Failure> {
        match bounded(self.settings.limits, self.client.lease_revoke(lease)).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.explain_refusal(error, "the return of a lease").await),
        }
    }

    /// Every answer to the offer, by node.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn answers(&mut self) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
        let start = format!("{}{NODES}", self.rendezvous);
        let options = GetOptions::new().with_range(after_prefix(start.as_bytes()));
        let answer = match bounded(self.settings.limits, self.client.get(start.as_str(), Some(options))).await
        {
            Ok(answer) => answer,
            Err(error) => return Err(self.explain_refusal(error, "a read").await),
        };
        let named = |pair: &etcd_client::KeyValue| {
            let key = std::str::from_utf8(pair.key()).ok()?;
            Some((key.strip_prefix(&start)?.to_owned(), pair.value().to_vec()))
        };
        Ok(answer.kvs().iter().filter_map(named).collect())
    }

    /// Answers an offer, under its lease; false when it stands no more.
    ///
    /// # Errors
    /// `E-ETCD-RIGHTS` among others, when it cannot be written.
    pub async fn answer(&mut self, offer: &Offered, node: &str, value: &str) -> Result<bool, Failure> {
        let stands =
            Compare::create_revision(format!("{}{OFFER}", self.rendezvous), CompareOp::Equal, offer.revision);
        let key = format!("{}{NODES}{node}", self.rendezvous);
        let put = TxnOp::put(key, value, Some(PutOptions::new().with_lease(offer.lease)));
        match bounded(self.settings.limits, self.client.txn(Txn::new().when([stands]).and_then([put]))).await
        {
            Ok(answer) => Ok(answer.succeeded()),
            Err(Trouble::Error(Error::GRpcStatus(status)))
                if status.message().contains("lease not found") =>
            {
                Ok(false)
            }
            Err(error) => Err(self.explain_refusal(error, "the answer").await),
        }
    }

    /// The lease ran out, or etcd was away for as long: nobody can answer any more.
    pub fn lapsed(&self) -> Failure {
        Failure::new(Code::EtcdLost, format!("{} let the offer lapse", self.endpoint))
            .why(format!("its lease was not renewed for {} s", LEASE.as_secs()))
            .remedy("run `mount offer` again; `check etcd` tells whether etcd answers in time")
    }
}

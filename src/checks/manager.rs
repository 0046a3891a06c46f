//! The manager's own session with etcd: one plain address, no sign-in.

use std::time::Instant;

use async_trait::async_trait;

use crate::{
    failure::{Code, Failure},
    guide::{Address, Etcd},
    workflow::{Ladder, Rung},
    world::World,
};

use super::{
    check::{Check, CheckAbout},
    member::member,
};

static ABOUT: CheckAbout = CheckAbout {
    id: "manager",
    title: "manager",
    summary: "the manager's own session with etcd",
    sections: &["etcd"],
    is_server: false,
};

/// Warns of what the manager's own session will meet, where etcd itself is not checked.
pub(super) struct ManagerCheck;

#[async_trait]
impl Check for ManagerCheck {
    fn about(&self) -> &'static CheckAbout {
        &ABOUT
    }

    async fn probe(&self, world: &World, ladder: &Ladder) {
        let since = Instant::now();
        let Ok(etcd) = world.settings.etcd() else { return };
        let Some(address) = etcd.for_manager() else { return };
        // An address that no manager can use is not asked.
        let is_asked = !address.is_ipv6() && (etcd.user.is_none() || etcd.manager_endpoint.is_some());
        let met = if is_asked { session(etcd, address, None).await.err() } else { None };
        let unusable: Vec<_> = met.into_iter().map(|failure| (address.clone(), failure)).collect();
        let warnings = warnings(etcd, &unusable, &[], None).await;
        let mut rungs: Vec<Rung> =
            warnings.into_iter().map(|warning| Rung::noted("manager", warning, since)).collect();
        if rungs.is_empty() {
            rungs.push(Rung::passed("manager", format!("can use etcd at {address}"), since));
        }
        let first = rungs.remove(0).telling(format!("is given etcd at {address}"));
        for rung in std::iter::once(first).chain(rungs) {
            ladder.tell(rung);
        }
    }
}

/// Why the manager will not be able to use the address that `manager.env` gives it: these members cannot be
/// used, those can.
pub(super) async fn warnings(
    etcd: &Etcd,
    unusable: &[(Address, Failure)],
    usable: &[Address],
    cluster: Option<u64>,
) -> Vec<Failure> {
    let Some(address) = etcd.for_manager() else { return Vec::new() };
    let good = usable.iter().find(|endpoint| !endpoint.is_ipv6() && *endpoint != address);
    if etcd.manager_endpoint.is_some() {
        let known = unusable.iter().find(|(endpoint, _)| endpoint == address);
        let met = match known {
            Some((_, failure)) => Some(failure.clone()),
            None if cluster.is_none() => None,
            None => session(etcd, address, cluster).await.err(),
        };
        return Vec::from_iter(met.map(|failure| {
            let what =
                format!("the manager cannot use {address}, its `etcd.manager-endpoint`, as seen from here");
            let example = good
                .filter(|_| etcd.user.is_none())
                .map_or(String::new(), |good| format!(", for example `{good}`"));
            told(what, &failure).remedy(format!(
                "set `etcd.manager-endpoint` to a plain address of this etcd that wants no sign-in{example}"
            ))
        }));
    }
    let mut warnings = Vec::new();
    if address.is_ipv6() {
        let what = format!("the manager cannot use {address}: its etcd client takes no IPv6 address");
        let remedy = match good {
            Some(good) => instead(good),
            None => format!(
                "set `etcd.manager-endpoint: NAME:{}`, where NAME is a host name that resolves to {}",
                address.port, address.host
            ),
        };
        let why = "it joins host and port without brackets; a host name that resolves to one works";
        warnings.push(Failure::new(Code::EtcdManager, what).why(why).remedy(remedy));
    } else if let Some((_, failure)) = unusable.iter().find(|(endpoint, _)| endpoint == address) {
        let what = format!("the manager will use {address} alone, which cannot be used");
        let remedy = good.map_or("set `etcd.manager-endpoint` to an address that it can use".into(), instead);
        warnings.push(told(what, failure).remedy(remedy));
    }
    if etcd.user.is_some() {
        let warning = Failure::new(Code::EtcdManager, "the manager itself cannot sign in to etcd")
            .why("it sends no user, so a cluster that wants a sign-in refuses it")
            .remedy("give it a proxy that wants no sign-in, and name that as `etcd.manager-endpoint`");
        warnings.push(warning);
    }
    warnings
}

fn instead(good: &Address) -> String {
    format!("set `etcd.manager-endpoint: {good}`, or put it first in `etcd.endpoints`")
}

fn told(what: String, failure: &Failure) -> Failure {
    let why = failure.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
    Failure::new(Code::EtcdManager, what).why(format!("{}{why}", failure.what))
}

/// What the manager does at its start: it connects, reads and writes, without a user.
async fn session(etcd: &Etcd, address: &Address, cluster: Option<u64>) -> Result<(), Failure> {
    let plain = Etcd { user: None, endpoints: vec![address.clone()], ..etcd.clone() };
    let climbed = member(&Ladder::unseen(), &plain, address).await;
    let (member, mut store) = climbed.map_err(|(_, failure, _)| failure)?;
    if let Some(cluster) = cluster.filter(|cluster| *cluster != member.cluster) {
        let what = format!("{address} is of another cluster than `etcd.endpoints`");
        return Err(Failure::new(Code::EtcdOther, what)
            .why(format!("it is {:x}, and they are {cluster:x}", member.cluster)));
    }
    store.get(store.keys().mount).await?;
    store.may_write().await
}

//! etcd: every endpoint, leader, version, alarms, sign-in, the right to write, what is there already.

use std::time::Instant;

use async_trait::async_trait;
use futures::future::join_all;

use crate::{
    failure::{Code, Failure},
    guide::{Address, Etcd, Identity},
    services::etcd::{Member, Store},
    workflow::{Ladder, Rung},
    world::World,
};

use super::{
    check::{Check, CheckAbout, FailedRung},
    manager,
    member::member,
};

static ABOUT: CheckAbout = CheckAbout {
    id: "etcd",
    title: "etcd",
    summary: "every endpoint, leader, version, alarms, sign-in, the right to write, keys that are there",
    sections: &["etcd"],
    is_server: true,
};

/// The check.
pub struct EtcdCheck {
    /// Climbs on to the right to write below the manager's prefix, and to the keys there.
    pub rights: bool,
}

#[async_trait]
impl Check for EtcdCheck {
    fn about(&self) -> &'static CheckAbout {
        &ABOUT
    }

    async fn probe(&self, world: &World, ladder: &Ladder) {
        match world.settings.etcd() {
            Ok(etcd) => climb(ladder, world, etcd, self.rights).await,
            Err(failure) => ladder.note("answers", failure, Instant::now()),
        }
    }
}

async fn climb(ladder: &Ladder, world: &World, etcd: &Etcd, with_rights: bool) {
    let identity = &world.settings.identity;
    let mut reached: Vec<(Member, Store)> = Vec::new();
    let mut failures = Vec::new();
    // Side by side: several that do not answer cost the time of one. Their rungs keep the order of the endpoints.
    let (ladders, rungs): (Vec<_>, Vec<_>) = etcd.endpoints.iter().map(|_| Ladder::new()).unzip();
    let members = join_all(
        etcd.endpoints
            .iter()
            .zip(ladders)
            .map(|(endpoint, own)| async move { (endpoint, member(&own, etcd, endpoint).await) }),
    );
    let (members, ()) = tokio::join!(members, ladder.absorb(rungs));
    for (endpoint, climbed) in members {
        match climbed {
            Ok(member) => reached.push(member),
            Err((rung, failure, since)) => failures.push((rung, endpoint, failure, since)),
        }
    }
    let since = Instant::now();
    if let Some(failure) = not_meant(&reached, identity) {
        ladder.note("cluster", failure, since);
        return;
    }
    name_cluster(ladder, &reached, world, since);
    let usable: Vec<Address> = reached.iter().map(|(_, store)| store.endpoint.clone()).collect();
    let Some((Member { cluster, .. }, mut store)) = reached.into_iter().next() else {
        for (rung, _, failure, since) in failures {
            ladder.note(rung, failure, since);
        }
        return;
    };
    // The cluster answers; a member that does not is worth a word.
    let mut unusable = Vec::new();
    for (rung, endpoint, failure, since) in failures {
        let what = format!("member {endpoint} cannot be used: {}", failure.what);
        let mut warning = Failure::new(Code::EtcdMember, what).remedy(match failure.code {
            Code::EtcdLearner => "promote it, or remove it from `etcd.endpoints`",
            _ => "start it or fix its address, or remove it from `etcd.endpoints`",
        });
        warning.why.clone_from(&failure.why);
        ladder.note(rung, warning, since);
        unusable.push((endpoint.clone(), failure));
    }
    if !with_rights {
        return;
    }
    if let Err((rung, failure, since)) = rights(ladder, etcd, &mut store, world.thorough).await {
        ladder.note(rung, failure, since);
        return;
    }
    world.keep_etcd(store).await;
    let since = Instant::now();
    for warning in manager::warnings(etcd, &unusable, &usable, Some(cluster)).await {
        ladder.note("manager", warning, since);
    }
}

/// Whatever the endpoints are called, they must be members of one cluster, and of the one that is meant.
fn not_meant(reached: &[(Member, Store)], identity: &Identity) -> Option<Failure> {
    let (Member { cluster, .. }, first) = reached.first()?;
    if let Some((other, store)) = reached.iter().find(|(other, _)| other.cluster != *cluster) {
        let what = format!("{} and {} are not of one cluster", first.endpoint, store.endpoint);
        let failure = Failure::new(Code::EtcdOther, what)
            .why(format!("their clusters are {cluster:x} and {:x}", other.cluster))
            .remedy("remove the one that is not meant from `etcd.endpoints`");
        return Some(failure);
    }
    let expected = identity.other_cluster(*cluster)?;
    let what = format!("{} is another etcd cluster than expected", first.endpoint);
    let failure = Failure::new(Code::EtcdOther, what)
        .why(format!("it is {cluster:x}, and `expect.etcd-cluster` is `{expected}`"))
        .remedy("fix `etcd.endpoints`, or `expect.etcd-cluster` when this one is meant");
    Some(failure)
}

/// What etcd makes of its default name, peer address and token: every etcd that was started alone has it.
const ANYBODYS: u64 = 0xcdf8_1819_4e3a_8c32;

/// Says which cluster it is, and remembers it where its id tells that.
fn name_cluster(ladder: &Ladder, reached: &[(Member, Store)], world: &World, since: Instant) {
    let Some((member, _)) = reached.first() else { return };
    let id = format!("{:x}", member.cluster);
    if member.cluster != ANYBODYS {
        let _ = world.cluster.set(id.clone());
    }
    match anybodys(reached, &world.settings.identity) {
        Some(warning) => ladder.note("cluster", warning, since),
        None => ladder.pass("cluster", id, since),
    }
}

/// An id that many clusters have tells nothing where something hangs on it.
fn anybodys(reached: &[(Member, Store)], identity: &Identity) -> Option<Failure> {
    let (member, first) = reached.first().filter(|(member, _)| member.cluster == ANYBODYS)?;
    let twin = reached.iter().skip(1).find(|(other, _)| other.id == member.id);
    let what = match twin {
        Some((_, twin)) => format!("{} and {} may be two etcds", first.endpoint, twin.endpoint),
        None if identity.tells_cluster() => format!("{} may be another etcd than expected", first.endpoint),
        None => return None,
    };
    let warning = Failure::new(Code::EtcdCluster, what)
        .why(format!("every etcd that is started alone with default settings is cluster {ANYBODYS:x}"))
        .remedy("start etcd with an `--initial-cluster-token` of its own");
    Some(warning)
}

/// Alarms, the right to write, keys that are there, neighbours.
async fn rights(ladder: &Ladder, etcd: &Etcd, store: &mut Store, thorough: bool) -> Result<(), FailedRung> {
    let since = Instant::now();
    // Without the right to look, the write right below tells what matters.
    if let Ok(alarms) = store.alarms().await
        && !alarms.is_empty()
    {
        let (why, remedy) = if alarms.contains(&"NOSPACE") {
            ("its database has reached its quota, and it refuses every write", store.make_room().await)
        } else {
            let remedy = format!(
                "`etcdctl --endpoints={} endpoint hashkv --cluster` shows which member differs: remove it from the cluster and add it again with an empty data directory",
                store.endpoint
            );
            ("the data of its members differ", remedy)
        };
        let raised = format!("{} has raised {}", store.endpoint, alarms.join(" and "));
        let failure = Failure::new(Code::EtcdAlarm, raised).why(why).remedy(remedy);
        return Err(("alarms", failure, since));
    }

    let since = Instant::now();
    store.may_write().await.map_err(|failure| ("rights", failure, since))?;
    let who = etcd.user.as_ref().map_or("without sign-in".to_owned(), |(user, _)| format!("as {user}"));
    ladder.pass("sign in", who, since);
    ladder.pass("rights", format!("may write below {}", store.prefix()), since);

    let since = Instant::now();
    let here = store.count().await.map_err(|failure| ("keys", failure, since))?;
    let keys = |count: usize| if count == 1 { "1 key".to_owned() } else { format!("{count} keys") };
    let own = match here {
        0 => format!("namespace `{}` is empty", etcd.namespace),
        some => format!("namespace `{}` has {}", etcd.namespace, keys(some)),
    };
    // Counting others' keys costs etcd time, and matters where the namespace may be the wrong one.
    let neighbours = match here > 0 && !thorough {
        true => String::new(),
        false => match store.neighbours(5).await {
            Err(_) => "; not allowed to look at others".to_owned(),
            Ok((others, more)) => {
                let others = others.iter().map(|(name, count)| format!("`{name}` has {}", keys(*count)));
                let others: Vec<_> = others.chain(more.then(|| "and more".to_owned())).collect();
                match (others.is_empty(), here) {
                    (true, _) => String::new(),
                    (false, 0) => format!(", but {}", others.join(", ")),
                    (false, _) => format!("; {}", others.join(", ")),
                }
            }
        },
    };
    let told = format!("{own}{neighbours}");
    ladder.tell(Rung::passed("keys", &told, since).telling(told));
    Ok(())
}

//! The side that offers: leaves the file, holds the offer in etcd, and gathers the answers.

use std::{path::PathBuf, time::Duration};

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use rand::{TryRng, rngs::SysRng};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::{
    disk::mount::marker::{self, Marker},
    failure::{Code, Failure, shell_word},
    guide::{Address, Etcd, Expect, Guide, etcd},
    services::etcd::{LEASE, Store},
    workflow::{Context, EventKind},
    world::World,
};

use super::{
    nodes::{Answers, Nodes},
    record::{
        OfferLimits, OfferRecord, ROUND, RendezvousOutcome, VERSION, folder, host, mounted, read,
        shared_folder, waiting, written,
    },
};

/// How often the lease is renewed.
const RENEWAL: Duration = Duration::from_secs(4);

/// What the command for the other nodes cannot say.
pub fn notes(guide: &Guide, etcd: &Etcd) -> Vec<Failure> {
    let note = |what: String, remedy: &str| Failure::new(Code::AnswersNote, what).remedy(remedy);
    let mut notes = Vec::new();
    if etcd.endpoints.iter().all(Address::is_loopback) {
        let remedy = "put an address that they can reach into the command for them";
        let note = note("other nodes need another etcd address".into(), remedy);
        notes.push(note.why("`etcd.endpoints` means this host alone"));
    }
    if let (Some(_), Some(password)) = (&etcd.user, guide.variable(etcd::PASSWORD)) {
        let what = format!("other nodes need etcd's password in `{}`", password.env());
        notes.push(note(what, "set it there, or name a file with the password by its twin"));
    }
    notes
}

/// Offers the shared folder until the time is up, enough nodes have answered, or a signal comes.
pub async fn offer(cx: &Context<World>, wanted: OfferLimits) -> RendezvousOutcome {
    // Looking writes nothing: it can be broken off anywhere.
    let looked = match cx.wait(await_folder(cx, wanted)).await {
        Ok(Ok(looked)) => looked,
        Ok(Err(failure)) => return failure.into(),
        Err(_) => return RendezvousOutcome::default(),
    };
    let (name, nonce) = (&looked.offer.file, &looked.offer.nonce);
    let marker = match Marker::leave(&cx.world.surroundings.disk, &looked.real, name, nonce).await {
        Ok(marker) => marker,
        Err(failure) => return failure.into(),
    };
    stand(cx, &looked, wanted, marker).await
}

/// What is to be offered.
struct PreparedOffer {
    offer: OfferRecord,
    real: PathBuf,
    until: Instant,
}

/// What is to be offered; until the deadline the folder's path may yet be written.
async fn await_folder(cx: &Context<World>, wanted: OfferLimits) -> Result<PreparedOffer, Failure> {
    let mut waiting = waiting();
    loop {
        match look(cx, wanted).await {
            Err(failure) if failure.code == Code::StageNeeds => waiting.wait(cx, failure).await?,
            found => return found,
        }
    }
}

async fn look(cx: &Context<World>, wanted: OfferLimits) -> Result<PreparedOffer, Failure> {
    let mut store = cx.world.etcd().await?;
    let path = shared_folder(&mut store).await?;
    if let Ok(storage) = cx.world.settings.storage() {
        if storage.mount != path {
            let what = format!("etcd names `{path}` as the shared folder, the answers another");
            return Err(Failure::new(Code::MountForeign, what)
                .why(format!("`storage.mount` is `{}`", storage.mount))
                .remedy(format!(
                    "set `storage.mount: {path}`, or `backendai-setup run set-mount --replace-mount`"
                )));
        }
        if storage.expect == Expect::Elsewhere {
            return Err(Failure::new(Code::MountMissing, format!("`{path}` is not on this host"))
                .why("`storage.expect` is `elsewhere`, so there is nothing to offer here")
                .remedy("run `mount offer` on a node that has the folder, for example the manager's"));
        }
    }
    let real = folder(&cx.world.surroundings.disk, &path).await?;
    if let Some(other) = store.offer().await? {
        return Err(offered(&other.value));
    }
    let made = cx.world.surroundings.clock.now();
    let offer = OfferRecord {
        version: VERSION,
        nonce: random::<16>()?,
        file: marker::name(&random::<8>()?),
        host: host(),
        made,
        until: made.saturating_add(wanted.lasting).unwrap_or(Timestamp::MAX),
        mounted: mounted(&real),
        path,
    };
    Ok(PreparedOffer { offer, real, until: Instant::now() + wanted.lasting })
}

fn random<const BYTES: usize>() -> Result<String, Failure> {
    let mut bytes = [0; BYTES];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| {
        Failure::new(Code::Internal, "the operating system gave no randomness for an offer")
            .why(error.to_string())
            .remedy("run again")
    })?;
    Ok(HEXLOWER.encode(&bytes))
}

/// Another offer stands.
fn offered(value: &[u8]) -> Failure {
    let failure = match read::<OfferRecord>(value) {
        Some(OfferRecord { host, path, .. }) => {
            Failure::new(Code::MountOffered, format!("`{host}` offers the shared folder already"))
                .why(format!("its offer of `{path}` stands in etcd"))
        }
        None => Failure::new(Code::MountOffered, "another version of this program offers the shared folder"),
    };
    let lease = LEASE.as_secs();
    failure
        .remedy(format!("end the other `mount offer`, or wait: one that was killed expires after {lease} s"))
}

/// Makes the offer and gathers answers; whatever happens, etcd and the folder are as they were afterwards.
async fn stand(
    cx: &Context<World>,
    looked: &PreparedOffer,
    wanted: OfferLimits,
    mut marker: Marker,
) -> RendezvousOutcome {
    let begin = async {
        let mut store = cx.world.etcd().await?;
        let lease = store.lease().await?;
        Ok::<_, Failure>((store, lease))
    };
    let (mut store, lease) = match begin.await {
        Ok(begun) => begun,
        Err(failure) => {
            let mut ended = RendezvousOutcome::from(failure);
            ended.failures.extend(marker.remove().await.err());
            return ended;
        }
    };
    let mut nodes = Nodes::default();
    let outcome = match make(cx, looked, &mut store, lease).await {
        Ok(()) => load_answers(cx, looked, wanted, &mut store, lease, &mut marker, &mut nodes).await,
        Err(failure) => Err(failure),
    };
    // Neither waits for the other. What cannot be given back lapses by itself.
    let (_, removed) = tokio::join!(store.give_back(lease), marker.remove());
    let mut failures: Vec<Failure> = nodes.differ(&looked.offer).into_iter().collect();
    let mut failed = nodes.failed();
    match outcome {
        Ok(()) if cx.is_cancelled() => {}
        Ok(()) => failures.extend(nodes.lack(wanted, &looked.offer.host)),
        Err(failure) => {
            failures.push(failure);
            failed = failed.max(1);
        }
    }
    failures.extend(removed.err());
    RendezvousOutcome { failures, failed }
}

async fn make(
    cx: &Context<World>,
    looked: &PreparedOffer,
    store: &mut Store,
    lease: i64,
) -> Result<(), Failure> {
    let PreparedOffer { offer, real, .. } = looked;
    if !store.make_offer(lease, &written(offer)?).await? {
        // It came between our look and our offer.
        return Err(offered(&store.offer().await?.map(|other| other.value).unwrap_or_default()));
    }
    marker::sweep(&cx.world.surroundings.disk, real, &offer.file).await;
    cx.send(offer.told(Some(command(cx.world.settings.etcd()?)))).await;
    Ok(())
}

/// What is to be run on the other nodes.
fn command(etcd: &Etcd) -> String {
    let endpoints: Vec<String> = etcd.endpoints.iter().map(ToString::to_string).collect();
    let mut command = format!(
        "backendai-setup mount verify --set etcd.namespace={} --set etcd.endpoints={}",
        shell_word(&etcd.namespace),
        shell_word(&endpoints.join(","))
    );
    if let Some((user, _)) = &etcd.user {
        command += &format!(" --set etcd.user={}", shell_word(user));
    }
    command
}

/// Tells each answer as it comes, and keeps the lease.
async fn load_answers(
    cx: &Context<World>,
    looked: &PreparedOffer,
    wanted: OfferLimits,
    store: &mut Store,
    lease: i64,
    marker: &mut Marker,
    nodes: &mut Nodes,
) -> Result<(), Failure> {
    let mut kept = Instant::now();
    let mut is_last = false;
    // The last look has a moment more; an etcd that is silent then does not prolong the offer.
    let end = looked.until + 2 * ROUND;
    loop {
        if kept.elapsed() >= RENEWAL {
            marker.keep();
        }
        let Ok(answers) = cx.wait(timeout_at(end, round(store, lease, &mut kept))).await else {
            return Ok(());
        };
        let Ok(answers) = answers else { return Ok(()) };
        match answers {
            Ok(None) => return Err(store.lapsed()),
            Ok(Some(answers)) => {
                for found in nodes.take(answers, &looked.offer.nonce) {
                    cx.send(EventKind::MountNode(found)).await;
                }
            }
            // A short absence of etcd is passed over, as long as the lease may still be there.
            Err(failure) if kept.elapsed() >= LEASE => return Err(failure),
            Err(_) => {
                if let Ok(Ok(Ok(again))) = cx.wait(timeout_at(end, cx.world.etcd_again())).await {
                    *store = again;
                }
            }
        }
        if is_last || wanted.nodes.is_some_and(|wanted| nodes.others(&looked.offer.host) >= wanted) {
            return Ok(());
        }
        let pause = async {
            tokio::select! {
                () = sleep(ROUND) => false,
                () = sleep_until(looked.until) => true,
            }
        };
        match cx.wait(pause).await {
            Ok(time_is_up) => is_last = time_is_up,
            Err(_) => return Ok(()),
        }
    }
}

/// All answers that there are; none when the lease has run out.
async fn round(store: &mut Store, lease: i64, kept: &mut Instant) -> Result<Option<Answers>, Failure> {
    if kept.elapsed() >= RENEWAL {
        let asked = Instant::now();
        if !store.keep(lease).await? {
            return Ok(None);
        }
        *kept = asked;
    }
    store.answers().await.map(Some)
}

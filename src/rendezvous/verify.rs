//! The side that looks: is the file of the offer here too?

use std::path::Path;

use jiff::Timestamp;

use crate::{
    disk::{Disk, mount::marker},
    failure::{Code, Failure, status},
    services::etcd::{Offered, Store},
    workflow::{Context, EventKind, MountedThere, NodeFound},
    world::World,
};

use super::record::{
    AnswerRecord, OfferRecord, RendezvousOutcome, VERSION, folder, mounted, read, seen_from, shared_folder,
    waiting, written,
};

/// Looks whether this node has the folder that is offered, and answers. Leaves nothing behind: the answer
/// goes with the offer. Until the deadline an offer that is yet to come is waited for.
pub async fn verify(cx: &Context<World>, node: String) -> RendezvousOutcome {
    match cx.wait(look_and_answer(cx, node)).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(failure)) => failure.into(),
        Err(_) => RendezvousOutcome::default(),
    }
}

async fn look_and_answer(cx: &Context<World>, node: String) -> Result<RendezvousOutcome, Failure> {
    let mut store = cx.world.etcd().await?;
    let (path, offered, offer) = await_offer(cx, &mut store).await?;
    cx.send(offer.told(None)).await;
    let (outcome, mounted) = look(&cx.world.surroundings.disk, &path, &offer).await;
    let (passed, text, code) = match &outcome {
        Ok(()) if node == offer.host => (true, "the same folder, seen where it is offered".to_owned(), None),
        Ok(()) => (true, "the same folder".to_owned(), None),
        Err(failure) => {
            let differs = failure.code == Code::MountDiffers;
            let text = if differs { "another folder".to_owned() } else { failure.what.clone() };
            (false, text, Some(failure.code.to_string()))
        }
    };
    let found = NodeFound { node, passed, found: text, code, mounted };
    let answered = answer(cx.world.surroundings.clock.now(), &mut store, &offered, &offer, &found).await;
    cx.send(EventKind::MountNode(found)).await;
    let failures: Vec<Failure> = [outcome.err(), answered.err()].into_iter().flatten().collect();
    Ok(RendezvousOutcome { failed: usize::from(!failures.is_empty()), failures })
}

/// The path of the shared folder and the offer that stands, or what comes before the deadline.
async fn await_offer(
    cx: &Context<World>,
    store: &mut Store,
) -> Result<(String, Offered, OfferRecord), Failure> {
    let mut waiting = waiting();
    loop {
        let look = async {
            let path = shared_folder(store).await?;
            let (offered, offer) = standing(store).await?;
            Ok((path, offered, offer))
        };
        // etcd may be away for a moment while somebody waits, and the folder's path is yet to be written.
        let may_pass =
            |failure: &Failure| failure.status() == status::UNREACHABLE || failure.code == Code::StageNeeds;
        let failure = match look.await {
            Err(failure) if may_pass(&failure) => failure,
            found => return found,
        };
        let is_away = !matches!(failure.code, Code::MountNoOffer | Code::StageNeeds);
        waiting.wait(cx, failure).await?;
        if let (true, Ok(again)) = (is_away, cx.world.etcd_again().await) {
            *store = again;
        }
    }
}

/// The offer that stands.
async fn standing(store: &mut Store) -> Result<(Offered, OfferRecord), Failure> {
    let Some(offered) = store.offer().await? else {
        return Err(Failure::new(Code::MountNoOffer, "nobody offers the shared folder")
            .why(format!("there is no offer in the etcd at {}", store.endpoint))
            .remedy("run `backendai-setup mount offer` on a node that has the folder, then this again"));
    };
    match read::<OfferRecord>(&offered.value) {
        Some(offer) if marker::is_name(&offer.file) => Ok((offered, offer)),
        _ => Err(Failure::new(Code::MountNoOffer, "no offer stands that this version understands")
            .why("the one in etcd was made by another version of this program")
            .remedy("use one version of `backendai-setup` on all nodes")),
    }
}

/// Looks at the path that the manager reads.
async fn look(disk: &Disk, path: &str, offer: &OfferRecord) -> (Result<(), Failure>, Option<MountedThere>) {
    let real = match folder(disk, path).await {
        Ok(real) => real,
        Err(failure) => {
            let there = format!("on `{}`: {}", offer.host, seen_from(offer.mounted.as_ref(), &offer.path));
            let why = failure.why.clone().map_or(there.clone(), |why| format!("{why}\n{there}"));
            return (Err(failure.why(why)), mounted(Path::new(path)));
        }
    };
    let here = mounted(&real);
    let outcome = match marker::read(disk, &real, &offer.file).await {
        Ok(Some(mark)) if mark == offer.nonce => Ok(()),
        Ok(_) => Err(differs(path, offer, here.as_ref())),
        Err(failure) => Err(failure),
    };
    (outcome, here)
}

fn differs(path: &str, offer: &OfferRecord, here: Option<&MountedThere>) -> Failure {
    let host = &offer.host;
    let there = seen_from(offer.mounted.as_ref(), &offer.path);
    let mut why = format!("here: {}; on `{host}`: {there}", seen_from(here, path));
    if offer.path != path {
        why += &format!("; the offer is of `{}`, and etcd names another by now", offer.path);
    }
    Failure::new(Code::MountDiffers, format!("`{path}` is another folder than on `{host}`"))
        .why(why)
        .remedy(format!("mount the share that `{host}` has, then run `mount verify` again"))
}

async fn answer(
    made: Timestamp,
    store: &mut Store,
    offered: &Offered,
    offer: &OfferRecord,
    found: &NodeFound,
) -> Result<(), Failure> {
    let answer = AnswerRecord { version: VERSION, nonce: offer.nonce.clone(), made, found: found.clone() };
    if store.answer(offered, &found.node, &written(&answer)?).await? {
        return Ok(());
    }
    Err(Failure::new(
        Code::MountNoOffer,
        format!("the offer of `{}` ended before this node answered", offer.host),
    )
    .remedy("run `backendai-setup mount offer` there again, then this"))
}

//! The exchange with other nodes, as a piece of work.

use crate::{
    failure::{Code, Failure},
    rendezvous::{self, Rendezvous, RendezvousOutcome},
    workflow::Context,
    world::World,
};

/// A task of its own, so that a panic ends the rendezvous and not the program.
pub(super) async fn meet_nodes(rendezvous: Rendezvous, cx: Context<World>) -> RendezvousOutcome {
    let work = tokio::spawn(async move {
        match rendezvous {
            Rendezvous::Offer(limits) => rendezvous::offer(&cx, limits).await,
            Rendezvous::Verify { node } => rendezvous::verify(&cx, node).await,
        }
    });
    let broke = |_| {
        let failure = Failure::new(
            Code::Internal,
            "the exchange with other nodes stopped because of a bug in this program",
        );
        RendezvousOutcome::from(failure.remedy("run again; report it if it stays so"))
    };
    work.await.unwrap_or_else(broke)
}

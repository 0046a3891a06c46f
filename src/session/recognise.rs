//! Are the servers those that a target was made of? Nobody writes into one that only stands at the same address.

use crate::{
    disk::beside,
    failure::Failure,
    state::{Identities, RunRecord},
    world::World,
};

/// The failure for a server that is another one by now; remembers those that the target had not seen yet.
pub(super) async fn other_server(record: Option<&RunRecord>, world: &World) -> Option<Failure> {
    let target = record?.target.clone();
    let seen = Identities { cluster: world.cluster.get().cloned(), system: world.system.get().cloned() };
    beside(move || target.recognise(&seen)).await?.err()
}

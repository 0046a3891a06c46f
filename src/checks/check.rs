//! A check: one live probe.

use std::{net::SocketAddr, time::Instant};

use async_trait::async_trait;
use tokio::net::TcpStream;

use crate::{
    failure::Failure,
    guide::Address,
    limits::Limits,
    services::net::{self, Target},
    workflow::Ladder,
    world::World,
};

/// What a check is, as data.
#[derive(Debug)]
pub struct CheckAbout {
    /// What scripts see.
    pub id: &'static str,
    /// What people see.
    pub title: &'static str,
    /// What it looks at.
    pub summary: &'static str,
    /// The sections whose answers it needs; a wizard makes it when the last of them is answered.
    pub sections: &'static [&'static str],
    /// It asks a server, without which the stages that need the check cannot look at anything.
    pub is_server: bool,
}

/// One live probe.
#[async_trait]
pub trait Check: Send + Sync {
    /// What it is.
    fn about(&self) -> &'static CheckAbout;

    /// Climbs the ladder and tells each rung as it is passed; the first that fails is the last.
    async fn probe(&self, world: &World, ladder: &Ladder);
}

/// The rung that did not hold, why, and when it was tried.
pub(super) type FailedRung = (&'static str, Failure, Instant);

/// The first rungs of every server: resolve and connect.
pub(super) async fn reach(
    ladder: &Ladder,
    target: &Target,
    address: &Address,
    limits: Limits,
) -> Result<(TcpStream, SocketAddr), FailedRung> {
    let since = Instant::now();
    let found = net::resolve(target, address, limits).await.map_err(|failure| ("resolve", failure, since))?;
    let addresses: Vec<_> = found.iter().map(|address| address.ip().to_string()).collect();
    ladder.pass("resolve", format!("{} → {}", address.host, addresses.join(", ")), since);

    let since = Instant::now();
    let (stream, socket) =
        net::connect(target, address, &found, limits).await.map_err(|failure| ("connect", failure, since))?;
    ladder.pass("connect", socket.to_string(), since);
    Ok((stream, socket))
}

//! What is there before anything is started; changes nothing.

use std::path::PathBuf;
use std::time::Instant;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{ANSWER, ETCD_PORT, POSTGRES_PORT, ServerState, places, ports, programs, status};
use crate::failure::Failure;

/// One server of the stack as found.
#[derive(Debug, Clone, PartialEq)]
pub enum SeenState {
    /// It runs and answers.
    Answers {
        /// Its version.
        version: String,
    },
    /// Nobody is there; it will be started.
    WillStart {
        /// It has data from earlier.
        data: bool,
    },
    /// It runs, but does not answer.
    Silent,
    /// Somebody else has its port.
    Foreign,
}

/// One server and where it is, or will be.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// What people call it.
    pub title: &'static str,
    /// Its port on localhost.
    pub port: u16,
    /// What was found.
    pub state: SeenState,
    /// How long a connection took, in milliseconds.
    pub latency_ms: f64,
}

/// What is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// etcd.
    pub etcd: Seen,
    /// PostgreSQL.
    pub postgres: Seen,
    /// The shared folder, and whether it is there.
    pub mount: (PathBuf, bool),
    /// What [`super::up`] would stumble over at once.
    pub obstacle: Option<Failure>,
}

/// The ports that the stack in this folder had last, else the guide's.
pub(super) fn ports_before(home: &std::path::Path) -> (u16, u16) {
    let text = std::fs::read(home.join("stack.json")).unwrap_or_default();
    let stack: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let port = |server: &str, usual| {
        let port = stack.get(server).and_then(|server| server.get("port")?.as_u64());
        port.and_then(|port| u16::try_from(port).ok()).unwrap_or(usual)
    };
    (port("etcd", ETCD_PORT), port("postgres", POSTGRES_PORT))
}

/// Looks at the stack in this folder, and at the ports that it would take.
pub async fn look(home: &std::path::Path) -> Look {
    let found = status(home).await;
    let (etcd_port, postgres_port) = ports_before(&found.home);
    let seen = async |title, state, usual| {
        let (port, state) = match state {
            ServerState::Running(server) => (server.port, SeenState::Answers { version: server.version }),
            ServerState::Silent { port, .. } => (port.unwrap_or(usual), SeenState::Silent),
            ServerState::Stopped => (usual, SeenState::WillStart { data: true }),
            ServerState::Absent => (usual, SeenState::WillStart { data: false }),
        };
        let since = Instant::now();
        let connected = timeout(ANSWER, TcpStream::connect(("localhost", port))).await;
        let state = match (state, connected) {
            (SeenState::WillStart { .. }, Ok(Ok(_))) => SeenState::Foreign,
            (state, _) => state,
        };
        let latency_ms = (since.elapsed().as_secs_f64() * 10_000.0).round() / 10.0;
        Seen { title, port, state, latency_ms }
    };
    let (etcd, postgres) = futures::join!(
        seen("etcd", found.etcd, etcd_port),
        seen("PostgreSQL", found.postgres, postgres_port)
    );
    let starts = |seen: &Seen| matches!(seen.state, SeenState::WillStart { .. } | SeenState::Foreign);
    let wanted: Vec<_> = [(&etcd, "--etcd-port"), (&postgres, "--postgres-port")]
        .into_iter()
        .filter(|(seen, _)| starts(seen))
        .map(|(seen, flag)| (seen.title, seen.port, flag))
        .collect();
    let obstacle = programs(&places()).err().or_else(|| ports::free(&wanted).err());
    let mount = found.home.join("mount");
    Look { etcd, postgres, mount: (mount, found.mount.is_some()), obstacle }
}

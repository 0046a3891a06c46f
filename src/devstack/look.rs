//! What is there before anything is started; changes nothing.

use std::path::PathBuf;

use super::site::{Found, ServerSite, survey};
use super::{Beside, Options, home, places, programs};
use crate::disk::local;
use crate::failure::Failure;

/// One server of the stack as found.
#[derive(Debug, Clone, PartialEq)]
pub enum SeenState {
    /// The stack's own runs and answers.
    Answers {
        /// Its version.
        version: String,
    },
    /// Somebody else's answers and will be used.
    Used {
        /// `3.4.15 answers`.
        words: String,
    },
    /// Nobody is there; it will be started.
    WillStart {
        /// It has data from earlier.
        data: bool,
    },
    /// It runs, but does not answer.
    Silent,
    /// Something that cannot be used has its port.
    InTheWay {
        /// What it does, to stand after its name: `wants a sign-in`.
        words: String,
    },
}

impl SeenState {
    /// What it does or what becomes of it, in words.
    pub fn words(&self) -> String {
        match self {
            Self::Answers { version } => format!("{version} answers"),
            Self::Used { words } => format!("{words}, will be used"),
            Self::WillStart { data: false } => "nobody there; will be started".to_owned(),
            Self::WillStart { data: true } => "stopped; will be started with its data".to_owned(),
            Self::Silent => "runs, but does not answer".to_owned(),
            Self::InTheWay { words } => words.clone(),
        }
    }
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
    /// Other ports, where some of the usual ones cannot be had.
    pub beside: Option<Beside>,
}

/// Looks at the stack, and at the ports that it would take.
pub async fn look(options: &Options) -> Look {
    let site = survey(options).await;
    let obstacle = programs(&places(&options.surroundings.environment), site.wanted())
        .err()
        .or_else(|| site.obstacle(options));
    let mount = site.home.join("mount");
    let has_mount = home::is_ours(&site.home) && local::is_folder(&mount);
    let beside = site.beside();
    Look { etcd: seen(site.etcd), postgres: seen(site.postgres), mount: (mount, has_mount), obstacle, beside }
}

fn seen(server: ServerSite) -> Seen {
    let ServerSite { kind, port, has_data, latency_ms, .. } = server;
    let state = match server.found {
        Found::Ours { version: Some(version), .. } => SeenState::Answers { version },
        Found::Ours { version: None, .. } => SeenState::Silent,
        Found::Other { version } => SeenState::Used { words: format!("{version} {}", kind.does) },
        Found::Nobody => SeenState::WillStart { data: has_data },
        Found::InTheWay(unfit) => SeenState::InTheWay { words: unfit.words },
    };
    Seen { title: kind.title, port, state, latency_ms }
}

//! What is there before anything is started; changes nothing.

use std::net::IpAddr;
use std::path::PathBuf;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::ports::localhost;
use super::site::{Found, ServerSite, before, survey};
use super::{ANSWER, Beside, ETCD_PORT, Options, POSTGRES_PORT, etcd, home, places, postgres, programs};
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
        /// It is what is meant, with a sign-in of its own.
        has_own_sign_in: bool,
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
            Self::InTheWay { words, .. } => words.clone(),
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

/// One server of the stack as it looks from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outside {
    /// What people call it.
    pub title: &'static str,
    /// Its port on localhost.
    pub port: u16,
    /// Something accepts connections there.
    pub answers: bool,
    /// The stack has data for it.
    pub has_data: bool,
}

impl Outside {
    /// `etcd 8120 answers`, `PostgreSQL will start`.
    fn words(&self) -> String {
        match self.answers {
            true => format!("{} {} answers", self.title, self.port),
            false => format!("{} will start", self.title),
        }
    }
}

/// What can be told of the stack without a word to anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// etcd.
    pub etcd: Outside,
    /// PostgreSQL.
    pub postgres: Outside,
    /// The stack's folder is there.
    pub has_folder: bool,
}

impl Glance {
    /// Is something of it there?
    pub fn is_something(&self) -> bool {
        self.has_folder || [self.etcd, self.postgres].iter().any(|server| server.answers || server.has_data)
    }

    /// The same where there is little room: `PostgreSQL answers`.
    pub fn short(&self) -> &'static str {
        match (self.etcd.answers, self.postgres.answers) {
            (true, true) => "both servers answer",
            (true, false) => "etcd answers",
            (false, true) => "PostgreSQL answers",
            (false, false) => "both servers will start",
        }
    }

    /// `etcd 8120 answers, PostgreSQL will start`.
    pub fn words(&self) -> String {
        format!("{}, {}", self.etcd.words(), self.postgres.words())
    }
}

/// Looks at the stack from outside: nobody is signed in to, no program is started.
pub async fn glance(options: &Options) -> Glance {
    let home = local::canonical(&options.home);
    let environment = &options.surroundings.environment;
    let port = |own: Option<u16>, last: &str, usual| own.or(before(&home, last).0).unwrap_or(usual);
    let etcd_port = port(etcd::find(environment, &home).as_ref().and_then(etcd::port), "etcd", ETCD_PORT);
    let postgres_own = postgres::find(environment, &home).as_ref().and_then(postgres::port);
    let postgres_port = port(postgres_own, "postgres", POSTGRES_PORT);
    let has_folder = home::is_ours(&home);
    let outside = |title, port, has_data: bool| async move {
        let address = (localhost(), port);
        let answers = accepts(address).await;
        Outside { title, port, answers, has_data: has_folder && has_data }
    };
    let (etcd, postgres) = futures::join!(
        outside("etcd", etcd_port, local::is_there(&home.join("etcd"))),
        outside("PostgreSQL", postgres_port, postgres::has_data(&home)),
    );
    Glance { etcd, postgres, has_folder }
}

/// Does anything accept connections on this port of this host?
async fn accepts((hosts, port): (impl IntoIterator<Item = IpAddr>, u16)) -> bool {
    for host in hosts {
        if let Ok(Ok(_)) = timeout(ANSWER, TcpStream::connect((host, port))).await {
            return true;
        }
    }
    false
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
        Found::InTheWay(unfit) => {
            SeenState::InTheWay { words: unfit.words, has_own_sign_in: unfit.has_own_sign_in }
        }
    };
    Seen { title: kind.title, port, state, latency_ms }
}

//! Which stack is meant, and what is known of it.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;
use serde::Serialize;

use crate::guide::development_home;
use crate::surroundings::Surroundings;

/// etcd's port in the guide's development setup.
pub const ETCD_PORT: u16 = 8120;
/// PostgreSQL's port in the guide's development setup.
pub const POSTGRES_PORT: u16 = 8100;

/// The user and the password that the guide publishes.
pub(super) const USER: &str = "postgres";
pub(super) const PASSWORD: &str = "develove";

/// The names by which the processes are recognised.
pub(super) const ETCD: &str = "etcd";
pub(super) const POSTGRES: &str = "postgres";

/// How long a server may take from its start to its first answer.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);
/// How long one question may take.
pub(super) const ANSWER: Duration = Duration::from_secs(2);

/// Where something is asked: a remedy names what can be done there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Face {
    /// A command line.
    #[default]
    Command,
    /// A wizard, full screen or line prompts.
    Wizard,
}

/// Which stack is meant.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its folder.
    pub home: PathBuf,
    /// etcd's port; without one, the one it has or had last, else 8120.
    pub etcd_port: Option<u16>,
    /// PostgreSQL's port; without one, the one it has or had last, else 8100.
    pub postgres_port: Option<u16>,
    /// The password of somebody else's PostgreSQL that is to be used; without one, the guide's.
    pub password: Option<SecretString>,
    /// Where it is asked for.
    pub face: Face,
    /// By what it is reached.
    pub surroundings: Surroundings,
}

impl Options {
    /// The stack in this folder, on the ports that it has or had last.
    pub fn of(home: PathBuf, surroundings: Surroundings) -> Self {
        Self { home, etcd_port: None, postgres_port: None, password: None, face: Face::Command, surroundings }
    }

    /// The usual stack.
    pub fn usual(surroundings: Surroundings) -> Self {
        Self::of(development_home(&surroundings.environment), surroundings)
    }

    /// The usual stack as a wizard starts it, on other ports where the usual ones cannot be had.
    pub fn in_wizard(beside: Beside, surroundings: Surroundings) -> Self {
        let Beside { etcd_port, postgres_port } = beside;
        Self { etcd_port, postgres_port, face: Face::Wizard, ..Self::usual(surroundings) }
    }
}

/// Other ports, where some of the usual ones cannot be had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beside {
    /// For etcd.
    pub etcd_port: Option<u16>,
    /// For PostgreSQL.
    pub postgres_port: Option<u16>,
}

impl Beside {
    /// What would be started: `PostgreSQL on port 8101`.
    pub fn words(&self) -> String {
        let one = |title: &str, port: Option<u16>| port.map(|port| format!("{title} on port {port}"));
        let both: Vec<String> = [one("etcd", self.etcd_port), one("PostgreSQL", self.postgres_port)]
            .into_iter()
            .flatten()
            .collect();
        both.join(" and ")
    }
}

/// One running server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Server {
    /// Its port on localhost.
    pub port: u16,
    /// Its process; none for one that somebody else has started.
    pub pid: Option<u32>,
    /// Its version.
    pub version: String,
}

impl Server {
    /// True for one that the stack has started, and may stop.
    pub fn is_ours(&self) -> bool {
        self.pid.is_some()
    }
}

/// The stack when it is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stack {
    /// etcd.
    pub etcd: Server,
    /// PostgreSQL.
    pub postgres: Server,
    /// The shared folder.
    pub mount: PathBuf,
    /// False when everything ran already.
    #[serde(skip)]
    pub changed: bool,
}

/// What is known of one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ServerState {
    /// It was never started here.
    Absent,
    /// It has data, but does not run.
    Stopped,
    /// It runs, but does not answer.
    Silent {
        /// Its port, when its command line tells.
        port: Option<u16>,
        /// Its process.
        pid: u32,
    },
    /// It runs and answers; or somebody else's does, which is used.
    Running(Server),
    /// Something at its place cannot be used.
    InTheWay {
        /// The port.
        port: u16,
        /// What it does, to stand after its name: `wants a sign-in`.
        problem: String,
    },
}

impl ServerState {
    /// Where it is and what it does, in words.
    pub fn words(&self) -> String {
        match self {
            Self::Absent => "never started here".to_owned(),
            Self::Stopped => "stopped; its data are there".to_owned(),
            Self::Silent { port: Some(port), pid } => {
                format!("runs on localhost:{port} (process {pid}), but does not answer")
            }
            Self::Silent { port: None, pid } => format!("runs (process {pid}), but does not answer"),
            Self::Running(Server { port, pid: Some(pid), version }) => {
                format!("localhost:{port}  {version} (process {pid})")
            }
            Self::Running(Server { port, pid: None, version }) => {
                format!("localhost:{port}  {version} (not the stack's; used, never stopped)")
            }
            Self::InTheWay { port, problem } => format!("localhost:{port}  in the way: it {problem}"),
        }
    }
}

/// What is known of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Its folder.
    pub home: PathBuf,
    /// etcd.
    pub etcd: ServerState,
    /// PostgreSQL.
    pub postgres: ServerState,
    /// The shared folder, when it is there.
    pub mount: Option<PathBuf>,
}

impl Status {
    /// True when both servers answer and the shared folder is there.
    pub fn is_up(&self) -> bool {
        let runs = |state: &ServerState| matches!(state, ServerState::Running(_));
        runs(&self.etcd) && runs(&self.postgres) && self.mount.is_some()
    }
}

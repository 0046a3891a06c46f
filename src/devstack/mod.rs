//! The guide's development setup: a private etcd, a private PostgreSQL and a shared folder.
//!
//! The servers outlive the program. Whether they run is read from the process table, so there is
//! nothing that a crash could leave wrong. Nothing here prints: what happens is told to a callback.
//!
//! A server that answers at the stack's place and takes the development values is used, whoever started it, and
//! never stopped; only what does not fit is in the way.

mod etcd;
mod find;
mod home;
mod look;
mod ports;
mod postgres;
mod process;
mod site;
mod there;
mod up;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

pub use find::{Programs, Wanted, places, programs};
pub use look::{Look, Seen, SeenState, look};
pub use site::Beside;
pub use up::up;

use crate::failure::{Code, Failure};
use crate::guide::development_home;
use home::{Home, canonical, command};
use site::{Found, Spot, survey};

/// etcd's port in the guide's development setup.
pub const ETCD_PORT: u16 = 8120;
/// PostgreSQL's port in the guide's development setup.
pub const POSTGRES_PORT: u16 = 8100;

/// The user and the password that the guide publishes.
const USER: &str = "postgres";
const PASSWORD: &str = "develove";

/// The names by which the processes are recognised.
const ETCD: &str = "etcd";
const POSTGRES: &str = "postgres";

/// How long a server may take from its start to its first answer.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long one question may take.
const ANSWER: Duration = Duration::from_secs(2);

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Its folder.
    pub home: PathBuf,
    /// etcd's port; without one, the one it has or had last, else 8120.
    pub etcd_port: Option<u16>,
    /// PostgreSQL's port; without one, the one it has or had last, else 8100.
    pub postgres_port: Option<u16>,
    /// Where it is asked for.
    pub face: Face,
}

impl Default for Options {
    fn default() -> Self {
        Self::of(development_home())
    }
}

impl Options {
    /// The stack in this folder, on the ports that it has or had last.
    pub fn of(home: PathBuf) -> Self {
        Self { home, etcd_port: None, postgres_port: None, face: Face::Command }
    }

    /// The usual stack as a wizard starts it, on other ports where the usual ones cannot be had.
    pub fn in_wizard(beside: Beside) -> Self {
        let Beside { etcd_port, postgres_port } = beside;
        Self { etcd_port, postgres_port, face: Face::Wizard, ..Self::default() }
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

/// Stops what runs and keeps the data; true when something had to be stopped.
pub async fn down(home: &Path, say: &mut (dyn FnMut(&str) + Send)) -> Result<bool, Failure> {
    match Home::open(home).await? {
        Some(home) => stop_both(&home, say).await,
        None => {
            say("no development stack is running");
            Ok(false)
        }
    }
}

async fn stop_both(home: &Home, say: &mut (dyn FnMut(&str) + Send)) -> Result<bool, Failure> {
    let site = survey(&Options::of(home.path.clone())).await;
    let postgres = process::stop("PostgreSQL", || postgres::find(&home.path), postgres::STOP).await;
    let etcd = process::stop("etcd", || etcd::find(&home.path), etcd::STOP).await;
    for (spot, stopped) in [(&site.postgres, &postgres), (&site.etcd, &etcd)] {
        let title = spot.kind.title;
        match (stopped, &spot.found) {
            (Ok(true), _) => say(&format!("{title} stopped")),
            (Ok(false), Found::Other { version }) => {
                say(&format!("{title} {version} on {} is not the stack's; it is left alone", spot.address()));
            }
            (Ok(false), _) => say(&format!("{title} was not running")),
            (Err(_), _) => {}
        }
    }
    Ok(postgres? | etcd?)
}

/// Looks at the stack and at its places, and changes nothing.
pub async fn status(options: &Options) -> Status {
    let site = survey(options).await;
    let mount = site.home.join("mount");
    Status {
        etcd: state(site.etcd),
        postgres: state(site.postgres),
        mount: (home::is_ours(&site.home) && mount.is_dir()).then_some(mount),
        home: site.home,
    }
}

fn state(spot: Spot) -> ServerState {
    let Spot { port, has_data, .. } = spot;
    match spot.found {
        Found::Ours { process, version: Some(version) } => {
            ServerState::Running(Server { port, pid: Some(process.pid), version })
        }
        Found::Ours { process, version: None } => ServerState::Silent { port: Some(port), pid: process.pid },
        Found::Other { version } => ServerState::Running(Server { port, pid: None, version }),
        Found::InTheWay(unfit) => ServerState::InTheWay { port, problem: unfit.words },
        Found::Nobody if has_data => ServerState::Stopped,
        Found::Nobody => ServerState::Absent,
    }
}

/// What to ask before [`reset`]; nothing when there is nothing to remove.
pub fn reset_question(home: &Path) -> Option<String> {
    let home = canonical(home);
    home::is_ours(&home).then(|| {
        let foreign = site::foreign_before(&home);
        let foreign: Vec<String> =
            foreign.iter().map(|(title, port)| format!("{title} on localhost:{port}")).collect();
        let left = match foreign.len() {
            0 => String::new(),
            1 => format!(" {} is not the stack's, and is left alone.", foreign[0]),
            _ => format!(" {} are not the stack's, and are left alone.", foreign.join(" and ")),
        };
        format!(
            "{left} Stop the development stack and remove {} with all its data and the shared folder?",
            home.display()
        )
        .trim_start()
        .to_owned()
    })
}

/// What to say when nobody can answer [`reset_question`] and nobody has beforehand.
pub fn reset_unconfirmed(home: &Path) -> Failure {
    Failure::new(
        Code::NeedsConfirmation,
        format!("removing {} with all its data wants a confirmation", canonical(home).display()),
    )
    .remedy(format!("confirm it beforehand: {} --yes", command(&canonical(home), "reset")))
}

/// Stops the stack and removes its folder; true when there was one. The caller has asked.
pub async fn reset(home: &Path, say: &mut (dyn FnMut(&str) + Send)) -> Result<bool, Failure> {
    let Some(home) = Home::open(home).await? else {
        say("there is no development stack to remove");
        return Ok(false);
    };
    home.nothing_mounted()?;
    stop_both(&home, say).await?;
    let path = home.path.clone();
    home.remove()?;
    say(&format!("{} removed", path.display()));
    Ok(true)
}

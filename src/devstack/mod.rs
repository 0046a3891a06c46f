//! The guide's development setup: a private etcd, a private PostgreSQL and a shared folder.
//!
//! The servers outlive the program. Whether they run is read from the process table, so there is
//! nothing that a crash could leave wrong. Nothing here prints: what happens is told to a callback.

mod etcd;
mod find;
mod home;
mod look;
mod ports;
mod postgres;
mod process;

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use serde::Serialize;

pub use find::{Programs, places, programs};
pub use look::{Look, Seen, SeenState, look};

use crate::failure::{Code, Failure};
use crate::guide::development_home;
use home::{Account, Home, canonical, command};
use process::{BEAT, Log, Process};

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

/// Which stack is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Its folder.
    pub home: PathBuf,
    /// etcd's port; without one, the one it has or had last, else 8120.
    pub etcd_port: Option<u16>,
    /// PostgreSQL's port; without one, the one it has or had last, else 8100.
    pub postgres_port: Option<u16>,
}

impl Default for Options {
    fn default() -> Self {
        Self { home: development_home(), etcd_port: None, postgres_port: None }
    }
}

/// One running server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Server {
    /// Its port on localhost.
    pub port: u16,
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
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
    /// It runs and answers.
    Running(Server),
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

/// Starts what does not run and waits until both servers answer.
pub async fn up(options: &Options, say: &mut (dyn FnMut(&str) + Send)) -> Result<Stack, Failure> {
    let programs = programs(&places())?;
    let account = Account::for_postgres()?;
    let home = Home::make(&options.home).await?;
    let mount = home.folder("mount", 0o755)?;

    let (etcd_before, postgres_before) = look::ports_before(&home.path);
    let etcd = etcd::find(&home.path);
    let etcd_port = choose(&home.path, "etcd", etcd.as_ref(), etcd::port, options.etcd_port, etcd_before)?;
    let postgres = postgres::find(&home.path);
    let postgres_port = choose(
        &home.path,
        "PostgreSQL",
        postgres.as_ref(),
        postgres::port,
        options.postgres_port,
        postgres_before,
    )?;
    if etcd_port == postgres_port {
        return Err(Failure::new(
            Code::DevPort,
            format!("port {etcd_port} is wanted for etcd and for PostgreSQL"),
        )
        .remedy("give them two ports: `backendai-setup dev up --etcd-port PORT --postgres-port PORT`"));
    }
    let wanted = [
        ("etcd", etcd_port, "--etcd-port", etcd.is_none()),
        ("PostgreSQL", postgres_port, "--postgres-port", postgres.is_none()),
    ];
    let wanted: Vec<_> = wanted.iter().filter(|it| it.3).map(|it| (it.0, it.1, it.2)).collect();
    ports::free(&wanted)?;

    let bin = postgres::programs(&home.path, &programs.postgres)?;
    postgres::can_enter(&home, account.as_ref())?;

    // Both get going before either is waited for.
    let mut etcd_start = None;
    if etcd.is_none() {
        home.folder("etcd", 0o700)?;
        etcd_start = Some(etcd::start(&programs.etcd, &home.path, etcd_port)?);
    }
    let mut postgres_start = None;
    if postgres.is_none() {
        if postgres::initialise(&bin, &home, account.as_ref()).await? {
            say(&format!("PostgreSQL data made in {}", home.path.join("postgresql").display()));
        }
        postgres::clear_after_crash(&home.path).await?;
        postgres_start = Some(postgres::start(&bin, &home, account.as_ref(), postgres_port)?);
    }

    let changed = etcd_start.is_some() || postgres_start.is_some();
    let version = wait_for_etcd(&home.path, etcd_port, etcd_start.as_mut()).await?;
    let etcd = server("etcd", etcd_port, version, etcd::find(&home.path), etcd_start.is_some(), say)?;
    let version = wait_for_postgres(&home.path, postgres_port, postgres_start.as_mut()).await?;
    let found = postgres::find(&home.path);
    let postgres = server("PostgreSQL", postgres_port, version, found, postgres_start.is_some(), say)?;

    for (child, _) in [etcd_start, postgres_start].into_iter().flatten() {
        process::reap(child);
    }
    let stack = Stack { etcd, postgres, mount, changed };
    record(&home, &stack)?;
    Ok(stack)
}

/// The port of a server: what runs decides, and is never restarted behind somebody's back.
fn choose(
    home: &Path,
    title: &str,
    running: Option<&Process>,
    port: impl Fn(&Process) -> Option<u16>,
    wanted: Option<u16>,
    usual: u16,
) -> Result<u16, Failure> {
    let Some(actual) = running.and_then(port) else { return Ok(wanted.unwrap_or(usual)) };
    if wanted.is_some_and(|wanted| wanted != actual) {
        return Err(Failure::new(
            Code::DevPort,
            format!("{title} of the development stack runs already, on port {actual}"),
        )
        .remedy(format!("stop it first, the data stay: {}", command(home, "down"))));
    }
    Ok(actual)
}

fn server(
    title: &str,
    port: u16,
    version: String,
    process: Option<Process>,
    started: bool,
    say: &mut (dyn FnMut(&str) + Send),
) -> Result<Server, Failure> {
    let pid = process.map(|process| process.pid).ok_or_else(|| {
        Failure::new(Code::DevStart, format!("{title} answered on port {port} and was gone right after"))
            .remedy("run `backendai-setup dev up` again")
    })?;
    let verb = if started { "started" } else { "already running" };
    say(&format!("{title} {version} {verb} on localhost:{port}"));
    Ok(Server { port, pid, version })
}

async fn wait_for_etcd(
    home: &Path,
    port: u16,
    mut started: Option<&mut (Child, Log)>,
) -> Result<String, Failure> {
    let start = Instant::now();
    loop {
        // It is asked only while it lives: somebody else may have taken the port meanwhile.
        let ended = has_ended(started.as_deref_mut());
        if !ended && let Some(version) = etcd::answer(port).await {
            return Ok(version);
        }
        if ended || start.elapsed() > DEADLINE {
            return Err(no_start(home, "etcd", port, ended, started.map(|(_, log)| &*log), None));
        }
        tokio::time::sleep(BEAT).await;
    }
}

async fn wait_for_postgres(
    home: &Path,
    port: u16,
    mut started: Option<&mut (Child, Log)>,
) -> Result<String, Failure> {
    let start = Instant::now();
    loop {
        let ended = has_ended(started.as_deref_mut());
        let mut trouble = None;
        if !ended {
            match postgres::answer(port).await {
                Ok(version) => return Ok(version),
                Err(error) => trouble = Some(error),
            }
        }
        if ended || start.elapsed() > DEADLINE {
            return Err(no_start(home, "PostgreSQL", port, ended, started.map(|(_, log)| &*log), trouble));
        }
        tokio::time::sleep(BEAT).await;
    }
}

fn has_ended(started: Option<&mut (Child, Log)>) -> bool {
    started.is_some_and(|(child, _)| matches!(child.try_wait(), Ok(Some(_))))
}

fn no_start(
    home: &Path,
    title: &str,
    port: u16,
    ended: bool,
    log: Option<&Log>,
    trouble: Option<String>,
) -> Failure {
    let what = if ended {
        format!("{title} ended right after its start")
    } else {
        format!("{title} does not answer on localhost:{port} after {} s", DEADLINE.as_secs())
    };
    let mut failure = Failure::new(Code::DevStart, what);
    let lines = log.map(|log| format!("last lines of {}:\n{}", log.path.display(), log.tail()));
    let why: Vec<String> = [trouble, lines].into_iter().flatten().collect();
    if !why.is_empty() {
        failure = failure.why(why.join("\n"));
    }
    failure.remedy(format!(
        "{}, then `dev up`; if that does not help, `dev reset` starts afresh and removes the data",
        command(home, "down")
    ))
}

/// Writes down what runs, for people and scripts; the program itself asks the process table.
fn record(home: &Home, stack: &Stack) -> Result<(), Failure> {
    let path = home.path.join("stack.json");
    let text = serde_json::to_string_pretty(stack).unwrap_or_default() + "\n";
    if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    std::fs::write(&path, text).map_err(|error| home::unwritable(&path, &error))
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
    let postgres = process::stop("PostgreSQL", || postgres::find(&home.path), postgres::STOP).await;
    let etcd = process::stop("etcd", || etcd::find(&home.path), etcd::STOP).await;
    for (title, stopped) in [("PostgreSQL", &postgres), ("etcd", &etcd)] {
        match stopped {
            Ok(true) => say(&format!("{title} stopped")),
            Ok(false) => say(&format!("{title} was not running")),
            Err(_) => {}
        }
    }
    Ok(postgres? | etcd?)
}

/// Looks at the stack and changes nothing.
pub async fn status(home: &Path) -> Status {
    let home = canonical(home);
    let ours = home::is_ours(&home);
    let etcd = etcd::find(&home);
    let postgres = postgres::find(&home);
    let etcd_port = etcd.as_ref().and_then(etcd::port);
    let postgres_port = postgres.as_ref().and_then(postgres::port);
    let ask_etcd = async { etcd::answer(etcd_port?).await };
    let ask_postgres = async { postgres::answer(postgres_port?).await.ok() };
    let (etcd_version, postgres_version) = futures::join!(ask_etcd, ask_postgres);
    let mount = home.join("mount");
    Status {
        etcd: state(etcd, etcd_port, etcd_version, ours && home.join("etcd").exists()),
        postgres: state(postgres, postgres_port, postgres_version, ours && postgres::has_data(&home)),
        mount: (ours && mount.is_dir()).then_some(mount),
        home,
    }
}

fn state(process: Option<Process>, port: Option<u16>, version: Option<String>, data: bool) -> ServerState {
    match (process, port, version) {
        (Some(Process { pid, .. }), Some(port), Some(version)) => {
            ServerState::Running(Server { port, pid, version })
        }
        (Some(Process { pid, .. }), port, _) => ServerState::Silent { port, pid },
        (None, ..) if data => ServerState::Stopped,
        (None, ..) => ServerState::Absent,
    }
}

/// What to ask before [`reset`]; nothing when there is nothing to remove.
pub fn reset_question(home: &Path) -> Option<String> {
    let home = canonical(home);
    home::is_ours(&home).then(|| {
        format!(
            "Stop the development stack and remove {} with all its data and the shared folder?",
            home.display()
        )
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

//! Starts what is missing, and waits until both servers answer.

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use super::find::{places, programs};
use super::home::{Account, Home, command, unwritable};
use super::process::{self, BEAT, Log};
use super::site::{Found, ServerSite, Site, survey};
use super::{DEADLINE, Options, Server, Stack, etcd, postgres};
use crate::disk::local;
use crate::failure::{Code, Failure};

/// How long somebody else's server may take to come up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Uses what answers and fits, starts what is missing, and waits until both servers answer.
pub async fn up(options: &Options, say: &mut (dyn FnMut(&str) + Send)) -> Result<Stack, Failure> {
    let home = Home::make(&options.home).await?;
    let mount = home.folder("mount", 0o755)?;
    let options = &Options { home: home.path.clone(), ..options.clone() };
    let environment = &options.surroundings.environment;
    let Site { etcd: etcd_spot, postgres: postgres_spot, .. } = settled(options, say).await?;

    let starts_postgres = postgres_spot.starts();
    let wanted = super::Wanted { etcd: etcd_spot.starts(), postgres: starts_postgres };
    let programs = programs(&places(environment), wanted)?;
    let account = if starts_postgres { Account::for_postgres(environment)? } else { None };
    let bin = match starts_postgres {
        true => Some(postgres::programs(environment, &home.path, &programs.postgres)?),
        false => None,
    };
    if starts_postgres {
        postgres::can_enter(&home, account.as_ref())?;
    }
    for server in [&etcd_spot, &postgres_spot] {
        foretell(&home.path, server, say);
    }

    // Both get going before either is waited for.
    let mut etcd_start = None;
    if let Some(program) = programs.etcd.filter(|_| wanted.etcd) {
        home.folder("etcd", 0o700)?;
        etcd_start = Some(etcd::start(options.surroundings.clock, &program, &home.path, etcd_spot.port)?);
    }
    let mut postgres_start = None;
    if let Some(bin) = bin {
        if postgres::initialise(&bin, &home, account.as_ref()).await? {
            say(&format!("PostgreSQL data made in {}", home.path.join("postgresql").display()));
        }
        postgres::clear_after_crash(&home.path).await?;
        postgres_start = Some(postgres::start(&bin, &home, account.as_ref(), postgres_spot.port)?);
    }

    let changed = etcd_start.is_some() || postgres_start.is_some();
    let etcd = etcd_server(options, etcd_spot, etcd_start.as_mut(), say).await?;
    let postgres = postgres_server(options, postgres_spot, postgres_start.as_mut(), say).await?;

    for (child, _) in [etcd_start, postgres_start].into_iter().flatten() {
        process::reap(child);
    }
    let stack = Stack { etcd, postgres, mount, changed };
    record(&home, &stack)?;
    Ok(stack)
}

/// Waits until etcd answers.
async fn etcd_server(
    options: &Options,
    site: ServerSite,
    start: Option<&mut (Child, Log)>,
    say: &mut (dyn FnMut(&str) + Send),
) -> Result<Server, Failure> {
    let (port, is_new) = (site.port, start.is_some());
    if let Found::Other { version } = site.found {
        return Ok(Server { port, pid: None, version });
    }
    let version = wait_for_etcd(options, port, start).await?;
    let pid = etcd::find(&options.surroundings.environment, &options.home).map(|process| process.pid);
    server("etcd", Server { port, pid, version }, is_new, say)
}

/// Waits until PostgreSQL answers.
async fn postgres_server(
    options: &Options,
    site: ServerSite,
    start: Option<&mut (Child, Log)>,
    say: &mut (dyn FnMut(&str) + Send),
) -> Result<Server, Failure> {
    let (port, is_new) = (site.port, start.is_some());
    if let Found::Other { version } = site.found {
        return Ok(Server { port, pid: None, version });
    }
    let version = wait_for_postgres(options, port, start).await?;
    let pid = postgres::find(&options.surroundings.environment, &options.home).map(|process| process.pid);
    server("PostgreSQL", Server { port, pid, version }, is_new, say)
}

/// What is there, once nothing in the way is about to come up.
async fn settled(options: &Options, say: &mut (dyn FnMut(&str) + Send)) -> Result<Site, Failure> {
    let since = Instant::now();
    let mut site = survey(options).await;
    if site.is_passing() {
        say("waiting for a server that is starting up or shutting down");
    }
    while site.is_passing() && since.elapsed() < PATIENCE {
        tokio::time::sleep(BEAT).await;
        site = survey(options).await;
    }
    for (server, wanted) in [(&site.etcd, options.etcd_port), (&site.postgres, options.postgres_port)] {
        runs_where_wanted(options, server, wanted)?;
    }
    if site.etcd.port == site.postgres.port {
        return Err(Failure::new(
            Code::DevPort,
            format!("port {} is wanted for etcd and for PostgreSQL", site.etcd.port),
        )
        .remedy("give them two ports: `backendai-setup dev up --etcd-port PORT --postgres-port PORT`"));
    }
    match site.obstacle(options) {
        Some(obstacle) => Err(obstacle),
        None => Ok(site),
    }
}

/// What runs decides, and is never restarted behind somebody's back.
fn runs_where_wanted(options: &Options, server: &ServerSite, wanted: Option<u16>) -> Result<(), Failure> {
    let ServerSite { kind, port, .. } = server;
    if !matches!(server.found, Found::Ours { .. }) || wanted.is_none_or(|wanted| wanted == *port) {
        return Ok(());
    }
    let again = command(&options.surroundings.environment, &options.home, "down");
    Err(Failure::new(
        Code::DevPort,
        format!("{} of the development stack runs already, on port {port}", kind.title),
    )
    .remedy(format!("stop it first, the data stay: {}", again)))
}

/// Says which of the servers are somebody else's, and whose data count.
fn foretell(home: &Path, server: &ServerSite, say: &mut (dyn FnMut(&str) + Send)) {
    let (title, does) = (server.kind.title, server.kind.does);
    match &server.found {
        Found::Other { version } => {
            say(&format!("{title} {version} {does} on {}, will be used", server.address()));
            if server.has_data {
                let home = home.display();
                say(&format!("the stack's own {title} stays stopped, with its data in {home}"));
            }
        }
        Found::Nobody if server.was_used => say(&format!(
            "the {title} that answered on {} before is gone; the stack starts its own, with data of its own",
            server.address()
        )),
        _ => {}
    }
}

fn server(
    title: &str,
    server: Server,
    started: bool,
    say: &mut (dyn FnMut(&str) + Send),
) -> Result<Server, Failure> {
    let Server { port, pid, version } = &server;
    if pid.is_none() {
        return Err(Failure::new(
            Code::DevStart,
            format!("{title} answered on port {port} and was gone right after"),
        )
        .remedy("run `backendai-setup dev up` again"));
    }
    let verb = if started { "started" } else { "already running" };
    say(&format!("{title} {version} {verb} on localhost:{port}"));
    Ok(server)
}

async fn wait_for_etcd(
    options: &Options,
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
            return Err(no_start(options, "etcd", port, ended, started.map(|(_, log)| &*log), None));
        }
        tokio::time::sleep(BEAT).await;
    }
}

async fn wait_for_postgres(
    options: &Options,
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
            return Err(no_start(options, "PostgreSQL", port, ended, started.map(|(_, log)| &*log), trouble));
        }
        tokio::time::sleep(BEAT).await;
    }
}

fn has_ended(started: Option<&mut (Child, Log)>) -> bool {
    started.is_some_and(|(child, _)| matches!(child.try_wait(), Ok(Some(_))))
}

fn no_start(
    options: &Options,
    title: &str,
    port: u16,
    ended: bool,
    log: Option<&Log>,
    trouble: Option<String>,
) -> Failure {
    let again = |what| command(&options.surroundings.environment, &options.home, what);
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
        "run `{}`, then `{up}`; if that does not help, `{}` removes the data, and `{up}` makes them again",
        again("down"),
        again("reset"),
        up = again("up"),
    ))
}

/// Writes down what runs, for people and scripts; the program itself asks the process table.
fn record(home: &Home, stack: &Stack) -> Result<(), Failure> {
    let path = home.path.join("stack.json");
    let text = serde_json::to_string_pretty(stack).unwrap_or_default() + "\n";
    if local::read(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    local::write(&path, &text).map_err(|error| unwritable(&path, &error))
}

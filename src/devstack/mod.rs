//! The guide's development setup: a private etcd, a private PostgreSQL and a shared folder.
//!
//! The servers outlive the program. Whether they run is read from the process table, so there is
//! nothing that a crash could leave wrong. Nothing here prints: what happens is told to a callback.
//!
//! A server that answers at the stack's place and takes the development values is used, whoever started it, and
//! never stopped; only what does not fit is in the way.

mod answers;
mod etcd;
mod find;
mod home;
mod look;
mod ports;
mod postgres;
mod process;
mod site;
mod stack;
mod there;
mod up;

pub use find::{Programs, Wanted, places, programs};
pub use look::{Glance, Look, Outside, Seen, SeenState, glance, look};
pub use stack::{Beside, ETCD_PORT, Face, Options, POSTGRES_PORT, Server, ServerState, Stack, Status};
pub use up::up;

use crate::disk::local;
use crate::failure::{Code, Failure};
use home::{Home, command};
use site::{Found, ServerSite, survey};
use stack::{ANSWER, DEADLINE, ETCD, PASSWORD, POSTGRES, USER};

/// Stops what runs and keeps the data; true when something had to be stopped.
pub async fn down(options: &Options, say: &mut (dyn FnMut(&str) + Send)) -> Result<bool, Failure> {
    match Home::open(&options.home).await? {
        Some(home) => stop_both(options, &home, say).await,
        None => {
            say("no development stack is running");
            Ok(false)
        }
    }
}

async fn stop_both(
    options: &Options,
    home: &Home,
    say: &mut (dyn FnMut(&str) + Send),
) -> Result<bool, Failure> {
    let environment = &options.surroundings.environment;
    let site = survey(&Options::of(home.path.clone(), options.surroundings.clone())).await;
    let postgres =
        process::stop("PostgreSQL", || postgres::find(environment, &home.path), postgres::STOP).await;
    let etcd = process::stop("etcd", || etcd::find(environment, &home.path), etcd::STOP).await;
    for (server, stopped) in [(&site.postgres, &postgres), (&site.etcd, &etcd)] {
        let title = server.kind.title;
        match (stopped, &server.found) {
            (Ok(true), _) => say(&format!("{title} stopped")),
            (Ok(false), Found::Other { version }) => {
                say(&format!(
                    "{title} {version} on {} is not the stack's; it is left alone",
                    server.address()
                ));
            }
            (Ok(false), _) => say(&format!("{title} was not running")),
            (Err(_), _) => {}
        }
    }
    Ok(postgres? | etcd?)
}

/// The addresses of the servers whose data the stack has: not of somebody else's that it only uses.
pub async fn own_addresses(options: &Options) -> Vec<String> {
    let site = survey(&Options::of(options.home.clone(), options.surroundings.clone())).await;
    let is_own = |server: &&ServerSite| matches!(server.found, Found::Ours { .. } | Found::Nobody);
    [&site.etcd, &site.postgres].into_iter().filter(is_own).map(ServerSite::address).collect()
}

/// Looks at the stack and at its places, and changes nothing.
pub async fn status(options: &Options) -> Status {
    let site = survey(options).await;
    let mount = site.home.join("mount");
    Status {
        etcd: state(site.etcd),
        postgres: state(site.postgres),
        mount: (home::is_ours(&site.home) && local::is_folder(&mount)).then_some(mount),
        home: site.home,
    }
}

fn state(server: ServerSite) -> ServerState {
    let ServerSite { port, has_data, .. } = server;
    match server.found {
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
pub fn reset_question(options: &Options) -> Option<String> {
    let home = local::canonical(&options.home);
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
pub fn reset_unconfirmed(options: &Options) -> Failure {
    let home = local::canonical(&options.home);
    Failure::new(
        Code::NeedsConfirmation,
        format!("removing {} with all its data wants a confirmation", home.display()),
    )
    .remedy(format!(
        "confirm it beforehand: {} --yes",
        command(&options.surroundings.environment, &home, "reset")
    ))
}

/// Stops the stack and removes its folder; true when there was one. The caller has asked.
pub async fn reset(options: &Options, say: &mut (dyn FnMut(&str) + Send)) -> Result<bool, Failure> {
    let Some(home) = Home::open(&options.home).await? else {
        say("there is no development stack to remove");
        return Ok(false);
    };
    home.nothing_mounted()?;
    stop_both(options, &home, say).await?;
    let path = home.path.clone();
    home.remove()?;
    say(&format!("{} removed", path.display()));
    Ok(true)
}

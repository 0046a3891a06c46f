//! Both servers as they are found: ours, somebody else's that fits, nobody, or something in the way.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::find::Wanted;
use super::home::{command, is_ours};
use super::process::Process;
use super::there::{There, Unfit};
use super::{Beside, ETCD_PORT, Face, Options, POSTGRES_PORT, etcd, ports, postgres, there};
use crate::disk::{holder_of_port, local};
use crate::failure::{Code, Failure};
use crate::surroundings::Surroundings;

/// What people call a server, and the flag that gives it another port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    pub title: &'static str,
    pub flag: &'static str,
    /// What one that is used does: the one is asked, the other signed in to.
    pub does: &'static str,
}

const ETCD: Kind = Kind { title: "etcd", flag: "--etcd-port", does: "answers" };
const POSTGRES: Kind = Kind { title: "PostgreSQL", flag: "--postgres-port", does: "signs in" };

/// Who is where a server of the stack is or would be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    /// The stack's own runs; without a version it does not answer.
    Ours { process: Process, version: Option<String> },
    /// Somebody else's answers, and takes the development values.
    Other { version: String },
    /// Nobody; there may be data from earlier.
    Nobody,
    /// What cannot be used.
    InTheWay(Unfit),
}

/// One server and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ServerSite {
    pub kind: Kind,
    pub port: u16,
    pub found: Found,
    /// The stack has data of its own for it.
    pub has_data: bool,
    /// How long a connection took, in milliseconds.
    pub latency_ms: f64,
    /// Last time somebody else's was used here.
    pub was_used: bool,
}

impl ServerSite {
    /// True when the stack has to start its own.
    pub fn starts(&self) -> bool {
        self.found == Found::Nobody
    }

    /// `localhost:8120`.
    pub fn address(&self) -> String {
        format!("localhost:{}", self.port)
    }

    fn in_the_way(&self) -> Option<&Unfit> {
        if let Found::InTheWay(unfit) = &self.found { Some(unfit) } else { None }
    }
}

/// Both servers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Site {
    /// Absolute and without symbolic links.
    pub home: PathBuf,
    pub etcd: ServerSite,
    pub postgres: ServerSite,
}

/// What was written down when the stack was last up: the ports, and whether the server was somebody else's.
pub(super) fn before(home: &Path, server: &str) -> (Option<u16>, bool) {
    let text = local::read(&home.join("stack.json")).unwrap_or_default();
    let stack: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let Some(server) = stack.get(server) else { return (None, false) };
    let port = server.get("port").and_then(serde_json::Value::as_u64);
    let is_foreign = server.get("pid").is_some_and(serde_json::Value::is_null);
    (port.and_then(|port| u16::try_from(port).ok()), is_foreign)
}

/// The servers that were somebody else's when the stack was last up, each with its port.
pub(super) fn foreign_before(home: &Path) -> Vec<(&'static str, u16)> {
    let known = |kind: Kind, key| match before(home, key) {
        (Some(port), true) => Some((kind.title, port)),
        _ => None,
    };
    [known(ETCD, "etcd"), known(POSTGRES, "postgres")].into_iter().flatten().collect()
}

/// Looks at both places and changes nothing.
pub(super) async fn survey(options: &Options) -> Site {
    let home = local::canonical(&options.home);
    let has_home = is_ours(&home);
    let Surroundings { environment, limits, .. } = &options.surroundings;
    let limits = *limits;
    let etcd = async {
        let (last, was_used) = before(&home, "etcd");
        let process = etcd::find(environment, &home);
        let own = process.as_ref().and_then(etcd::port);
        let port = own.or(options.etcd_port).or(last).unwrap_or(ETCD_PORT);
        let (found, latency_ms) = match process {
            Some(process) => ours(process, etcd::answer(port)).await,
            None => found(there::etcd(port, limits).await, port),
        };
        let has_data = has_home && local::is_there(&home.join("etcd"));
        ServerSite { kind: ETCD, port, found, has_data, latency_ms, was_used }
    };
    let postgres = async {
        let (last, was_used) = before(&home, "postgres");
        let process = postgres::find(environment, &home);
        let own = process.as_ref().and_then(postgres::port);
        let port = own.or(options.postgres_port).or(last).unwrap_or(POSTGRES_PORT);
        let (found, latency_ms) = match process {
            Some(process) => ours(process, async { postgres::answer(port).await.ok() }).await,
            None => found(there::postgres(port, options.password.as_ref(), limits).await, port),
        };
        let has_data = has_home && postgres::has_data(&home);
        ServerSite { kind: POSTGRES, port, found, has_data, latency_ms, was_used }
    };
    let (etcd, postgres) = futures::join!(etcd, postgres);
    Site { home, etcd, postgres }
}

async fn ours(process: Process, answer: impl Future<Output = Option<String>>) -> (Found, f64) {
    let since = Instant::now();
    let version = answer.await;
    (Found::Ours { process, version }, there::milliseconds(since))
}

/// Where nobody answers, the port must be free too.
fn found((there, latency_ms): (There, f64), port: u16) -> (Found, f64) {
    let found = match there {
        There::Fits { version } => Found::Other { version },
        There::Unfit(unfit) => Found::InTheWay(unfit),
        There::Nobody => match ports::trouble(port) {
            None => Found::Nobody,
            Some(error) => Found::InTheWay(Unfit::new(match error.kind() {
                ErrorKind::AddrInUse => "does not listen".to_owned(),
                ErrorKind::PermissionDenied => "is reserved for root".to_owned(),
                _ => format!("cannot be used ({error})"),
            })),
        },
    };
    (found, latency_ms)
}

impl Site {
    pub fn servers(&self) -> [&ServerSite; 2] {
        [&self.etcd, &self.postgres]
    }

    /// What has to be started.
    pub fn wanted(&self) -> Wanted {
        Wanted { etcd: self.etcd.starts(), postgres: self.postgres.starts() }
    }

    /// True while something in the way may be what is meant, and come up by itself.
    pub fn is_passing(&self) -> bool {
        let mut unfit = self.servers().into_iter().filter_map(ServerSite::in_the_way).peekable();
        unfit.peek().is_some() && unfit.all(|unfit| unfit.is_passing)
    }

    /// Free ports beside those that cannot be had.
    pub fn beside(&self) -> Option<Beside> {
        let taken = [self.etcd.port, self.postgres.port];
        let free = |server: &ServerSite| {
            server.in_the_way()?;
            let mut others = (server.port.max(1024)..=u16::MAX).skip(1).filter(|port| !taken.contains(port));
            others.find(|port| ports::trouble(*port).is_none())
        };
        let beside = Beside { etcd_port: free(&self.etcd), postgres_port: free(&self.postgres) };
        (beside != Beside::default()).then_some(beside)
    }

    /// Everything that is in the way, in one message, with what to do about it where this is asked.
    pub fn obstacle(&self, options: &Options) -> Option<Failure> {
        let unfit: Vec<(&ServerSite, &Unfit)> =
            self.servers().into_iter().filter_map(|server| Some((server, server.in_the_way()?))).collect();
        if unfit.is_empty() {
            return None;
        }
        let what: Vec<String> = unfit.iter().map(|(server, unfit)| taken(server, unfit)).collect();
        let why: Vec<&str> = unfit.iter().filter_map(|(_, unfit)| unfit.why.as_deref()).collect();
        let mut failure = Failure::new(Code::DevPort, what.join("; "));
        if !why.is_empty() {
            failure = failure.why(why.join("\n"));
        }
        let own = self.postgres.in_the_way().is_some_and(|unfit| unfit.has_own_sign_in);
        Some(failure.remedy(self.remedy(options, own)))
    }

    fn remedy(&self, options: &Options, own_sign_in: bool) -> String {
        let beside = self.beside().unwrap_or_default();
        let address = self.postgres.address();
        match options.face {
            Face::Command => {
                let given = [
                    (self.etcd.kind.flag, beside.etcd_port.or(options.etcd_port)),
                    (self.postgres.kind.flag, beside.postgres_port.or(options.postgres_port)),
                ];
                let flags: String =
                    given.iter().filter_map(|(flag, port)| Some(format!(" {flag} {}", (*port)?))).collect();
                let own = match own_sign_in {
                    true => format!(
                        "; or leave the development setup out, and answer `database.address: {address}` with its own user and password"
                    ),
                    false => String::new(),
                };
                let up = command(&options.surroundings.environment, &self.home, &format!("up{flags}"));
                format!("stop it, or start another one beside it: `{up}`{own}")
            }
            Face::Wizard => {
                let own = match own_sign_in {
                    true => format!(", or give the one at {address} its own password"),
                    false => String::new(),
                };
                format!("stop it and check again, or start {} beside it{own}", beside.words())
            }
        }
    }
}

fn taken(server: &ServerSite, unfit: &Unfit) -> String {
    let ServerSite { kind, port, .. } = server;
    let meant = format!("port {port}, meant for {},", kind.title);
    match ports::trouble(*port).map(|error| error.kind()) {
        Some(ErrorKind::PermissionDenied) => format!("{meant} is reserved for root"),
        Some(ErrorKind::AddrInUse) | None => {
            format!("{meant} is taken by {}, which {}", holder_of_port(*port), unfit.words)
        }
        Some(_) => format!("{meant} {}", unfit.words),
    }
}

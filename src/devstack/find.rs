//! Where the servers' programs are, and how to get those that are missing.

use std::path::{Path, PathBuf};

use crate::disk::local::{self, numbered};
use crate::environment::{self, Environment};
use crate::failure::{Code, Failure};

/// The servers that the stack has to start itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// etcd.
    pub etcd: bool,
    /// PostgreSQL.
    pub postgres: bool,
}

/// The programs of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// `etcd`, where it is wanted.
    pub etcd: Option<PathBuf>,
    /// Folders that hold both `postgres` and `initdb`, best first.
    pub postgres: Vec<PathBuf>,
}

/// Where programs may be: `PATH`, then the places distributions use, newest version first.
pub fn places(environment: &Environment) -> Vec<PathBuf> {
    let mut places = environment.search_path();
    places.extend(numbered("/usr/lib/postgresql", "").into_iter().map(|folder| folder.join("bin")));
    places.extend(numbered("/usr", "pgsql-").into_iter().map(|folder| folder.join("bin")));
    places.extend(
        ["/usr/bin", "/usr/local/bin", "/usr/local/pgsql/bin", "/opt/homebrew/bin"].map(PathBuf::from),
    );
    for cellar in ["/opt/homebrew/opt", "/usr/local/opt"] {
        places.extend(numbered(cellar, "postgresql@").into_iter().map(|folder| folder.join("bin")));
    }
    places
}

/// Looks for the programs of these servers in the given folders; everything that is missing is named at once.
pub fn programs(places: &[PathBuf], wanted: Wanted) -> Result<Programs, Failure> {
    let etcd = all("etcd", places).into_iter().next();
    let mut postgres: Vec<PathBuf> = Vec::new();
    for server in all("postgres", places) {
        let Some(folder) = server.parent() else { continue };
        // A folder reached by two names (`/bin`, `/usr/bin`) counts once.
        if local::is_file(&folder.join("initdb")) && !postgres.iter().any(|known| known == folder) {
            postgres.push(folder.to_owned());
        }
    }
    match (wanted.etcd && etcd.is_none(), wanted.postgres && postgres.is_empty()) {
        (false, false) => Ok(Programs { etcd, postgres }),
        (etcd, postgres) => Err(missing(etcd, postgres)),
    }
}

fn all(name: &str, places: &[PathBuf]) -> Vec<PathBuf> {
    local::programs(name, environment::joined(places), Path::new("/"))
}

fn missing(etcd: bool, postgres: bool) -> Failure {
    let pick = |both: &str, etcd_alone: &str, postgres_alone: &str| match (etcd, postgres) {
        (true, true) => both.to_owned(),
        (true, false) => etcd_alone.to_owned(),
        _ => postgres_alone.to_owned(),
    };
    let what = pick(
        "etcd and PostgreSQL are not installed",
        "etcd is not installed",
        "PostgreSQL's server (`postgres` and `initdb`) is not installed",
    );
    let debian = pick("etcd-server postgresql", "etcd-server", "postgresql");
    let fedora =
        pick("etcd postgresql-server postgresql-contrib", "etcd", "postgresql-server postgresql-contrib");
    let brew = pick("etcd postgresql@17", "etcd", "postgresql@17");
    Failure::new(Code::DevMissing, what)
        .why("looked in PATH and in the places that distributions use")
        .remedy(format!(
            "Debian, Ubuntu: `apt-get install {debian}`. Fedora: `dnf install {fedora}`. Homebrew: `brew install {brew}`"
        ))
}

//! PostgreSQL: connections through option structs, and the facts that checks and stages ask for.
//!
//! Whatever is asked goes unnamed and inside one transaction ([`Transaction`]), so that a pooler between us and the
//! server keeps it on one session.

mod asking;
mod creation;
mod explain;
mod facts;
mod lock;
mod opening;
mod owners;
mod question;
mod shared;
mod sizes;
mod standing;
mod transaction;
mod upgrade;
mod usage;

use std::future::Future;

use secrecy::ExposeSecret;
use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::{
    failure::{Code, Failure},
    guide::{Database, SslMode},
    limits::Limits,
};

use super::{caught, pauses};

use asking::broke;
use explain::Method;
use opening::NoOpening;

pub use crate::schema::{quote_identifier, quote_literal};
pub use asking::{ask, close, scalar, unnamed};
pub use creation::{created_meanwhile, creation};
pub use explain::{explain, silent, sqlstate};
pub use facts::{
    Clash, Collation, Extension, ReadOnly, Rights, Server, clashes, collation, encoding, extension,
    has_extension, may_create_database, read_only, rights, server, shadows, system,
};
pub use lock::{Attempt, DatabaseLock, exclude_others};
pub use owners::{may_alter, may_upgrade};
pub use question::{Question, Questions, literals, script, statement, together};
pub use shared::Connections;
pub use sizes::{TableSize, sizes};
pub use standing::{stamped, standing};
pub use transaction::Transaction;
pub use upgrade::{facts, in_use, lock_tables};
pub use usage::{Function, Limit, Sessions, Use, sessions, use_of_schema};

/// Databases that a server has from the start; one of them is asked what cannot be asked elsewhere.
const MAINTENANCE: [&str; 2] = ["postgres", "template1"];

/// Signs in to a database of the server.
///
/// Everything is set: what is left unset would be taken from `PG*` names of the environment. Only what every
/// pooler knows is asked for at the start.
///
/// # Errors
/// What the server or the network says, told apart by SQLSTATE.
pub async fn connect(database: &Database, name: &str) -> Result<PgConnection, Refused> {
    let options = PgConnectOptions::new_without_pgpass()
        .host(&database.address.host)
        .port(database.address.port)
        .username(&database.user)
        .password(database.password.expose_secret())
        .database(name)
        .ssl_mode(match database.sslmode {
            SslMode::Disable => PgSslMode::Disable,
            SslMode::Prefer => PgSslMode::Prefer,
            SslMode::Require => PgSslMode::Require,
        })
        .application_name(env!("CARGO_PKG_NAME"))
        .extra_float_digits(None)
        .statement_cache_capacity(0);
    match timeout(database.limits.sign_in(), caught(PgConnection::connect_with(&options))).await {
        Err(_) => Err(silent(database, "the sign-in", database.limits.sign_in()).into()),
        Ok(Err(panic)) => Err(broke(database, &panic).into()),
        Ok(Ok(Ok(connection))) => Ok(connection),
        Ok(Ok(Err(error))) => Err(refusal(&error, database, name).await),
    }
}

/// What a failed sign-in means. Where the library cannot tell, the server is asked how it wants a sign-in.
async fn refusal(error: &sqlx::Error, database: &Database, name: &str) -> Refused {
    let code = sqlstate(error);
    let is_vague =
        matches!(code.as_deref(), Some("28000" | "28P01")) || matches!(error, sqlx::Error::Protocol(_));
    let before = match if is_vague { opening::ask(database, name).await } else { None } {
        Some(Ok(before) | Err(NoOpening::Refused(_, before))) => Some(before),
        // It is gone meanwhile, or no PostgreSQL: that is the cause of an answer that nobody understands.
        Some(Err(NoOpening::Failed(failure))) if code.is_none() => return failure.into(),
        _ => None,
    };
    let failure = explain::sign_in(error, database, name, before.as_ref());
    let is_of_line = code.is_none() && failure.code == Code::DbAuth;
    Refused { failure, is_of_database: is_of_line || code.as_deref().is_some_and(is_of_database) }
}

/// Said of this database. A wrong password is wrong everywhere: it is sent once, since some servers lock an account
/// after a few.
fn is_of_database(code: &str) -> bool {
    matches!(code, "28000" | "3D000" | "42501" | "55000" | "08P01")
}

/// Judges the first answer of a server before the library speaks to it, on a connection where it has said that it
/// offers no TLS.
async fn judge(stream: TcpStream, database: &Database) -> Result<(), Refused> {
    let name = database.name.as_str();
    match opening::open(stream, database, name).await {
        Ok(before) => match before.method {
            Method::Nothing | Method::ClearText | Method::Md5 | Method::Scram => Ok(()),
            _ => {
                let failure = explain::not_by_password(database, name, &before);
                Err(Refused { failure, is_of_database: true })
            }
        },
        Err(NoOpening::Failed(failure)) => Err(failure.into()),
        Err(NoOpening::Refused(said, before)) => {
            let failure = explain::refused(&said, database, name, Some(&before));
            Err(Refused { failure, is_of_database: is_of_database(&said.code) })
        }
    }
}

/// Repeats what writes nothing, or nothing that outlives a lost connection, while the server is away for a moment:
/// it restarts, or is about to listen. So many times at most, and as long as one operation may take.
///
/// # Errors
/// What the last attempt says.
pub async fn repeated<T, F>(
    limits: Limits,
    times: usize,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let began = Instant::now();
    let mut pauses = pauses().take(times);
    loop {
        let failure = match attempt().await {
            Err(failure) if matches!(failure.code, Code::DbLost | Code::DbStarting) => failure,
            ended => return ended,
        };
        let Some(pause) = pauses.next().filter(|pause| began.elapsed() + *pause < limits.answer()) else {
            return Err(failure);
        };
        sleep(pause).await;
    }
}

/// A sign-in that failed.
#[derive(Debug)]
pub struct Refused {
    /// What failed.
    pub failure: Failure,
    /// Another database of the server may let the user in: "may not go there" is not "may not sign in".
    pub is_of_database: bool,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self { failure, is_of_database: false }
    }
}

/// Signs in to the manager's database.
///
/// # Errors
/// `E-DB-MISSING` when it is not there, also where only another database can tell, else as [`connect`].
pub async fn connect_target(database: &Database) -> Result<PgConnection, Refused> {
    target(database, connect(database, &database.name).await).await
}

/// As [`connect_target`], after the server's first answer was judged on a connection of its own.
///
/// # Errors
/// As [`connect_target`]; `E-DB-PROTOCOL` for a stranger, before the library speaks to it.
pub async fn connect_judged(database: &Database, stream: TcpStream) -> Result<PgConnection, Refused> {
    let connected = match judge(stream, database).await {
        Ok(()) => connect(database, &database.name).await,
        Err(refused) => Err(refused),
    };
    target(database, connected).await
}

async fn target(
    database: &Database,
    connected: Result<PgConnection, Refused>,
) -> Result<PgConnection, Refused> {
    match connected {
        // A pooler says the same of a database that is not there and of one that it was not told of.
        Err(refused) if refused.failure.code == Code::DbPooler => {
            let Ok((connection, _)) = connect_elsewhere(database).await else { return Err(refused) };
            let mut look = Transaction::begin(connection, database).await?;
            let known = together(&mut look, database, encoding(&database.name)).await;
            look.end().await;
            Err(match known? {
                None => Refused { failure: failure_missing(database), is_of_database: true },
                Some(_) => refused,
            })
        }
        other => other,
    }
}

fn failure_missing(database: &Database) -> Failure {
    Failure::new(Code::DbMissing, format!("{} has no database `{}`", database.address, database.name))
        .remedy("run the stage `create-database`, which creates it")
}

/// Signs in to another database of the server: `postgres`, `template1`, or the one that is called like the
/// user. Says which it was.
///
/// # Errors
/// As [`connect`]; the failure for `postgres` when none lets us in. "May not go there" is not "may not sign in".
pub async fn connect_elsewhere(database: &Database) -> Result<(PgConnection, String), Failure> {
    let mut first = None;
    let names = MAINTENANCE.into_iter().chain([database.user.as_str()]);
    for name in names.filter(|name| *name != database.name) {
        match connect(database, name).await {
            Ok(connection) => return Ok((connection, name.to_owned())),
            Err(Refused { failure, is_of_database: true }) => first = first.or(Some(failure)),
            Err(Refused { failure, .. }) => return Err(failure),
        }
    }
    let failure = first.unwrap_or_else(|| failure_missing(database));
    let (name, role) = (quote_identifier(&database.name), quote_identifier(&database.user));
    Err(failure.remedy(format!(
        "as a superuser: CREATE DATABASE {name} OWNER {role}; or let `{}` connect to `postgres` or `template1`, where databases are created from",
        database.user,
    )))
}

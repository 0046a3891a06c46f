//! What PostgreSQL says, in words that lead on. Decisions go by SQLSTATE, by the routine that raised the
//! error, and by what is known: a server speaks the language of its `lc_messages`.

use std::time::Duration;

use sqlx::{Error, postgres::PgDatabaseError};

use crate::{
    failure::{Code, Failure, words},
    guide::{Database, SslMode},
    services::seconds,
};

use super::quote_identifier;

/// No answer within this time.
pub(super) fn silent(database: &Database, what: &str, limit: Duration) -> Failure {
    Failure::new(
        Code::DbTimeout,
        format!("{} did not answer {what} in {}", database.address, seconds(limit)),
    )
    .why("the server is overloaded or stopped, or another session holds a lock")
    .remedy("give it more time with `--timeout 60s`; `SELECT pid, state, query FROM pg_stat_activity` shows what it does")
}

/// The server's own words: message, SQLSTATE, DETAIL and HINT.
fn said_by(said: &PgDatabaseError) -> String {
    let mut text = format!("{} ({})", said.message(), said.code());
    // These two quote the whole row, and a row may hold a secret.
    let quotes_a_row = matches!(said.code(), "23502" | "23514");
    if let Some(detail) = said.detail().filter(|_| !quotes_a_row) {
        text.push_str(&format!("; detail: {}", detail.trim_end_matches('.')));
    }
    if let Some(hint) = said.hint() {
        text.push_str(&format!("; hint: {}", hint.trim_end_matches('.')));
    }
    text
}

fn pg(error: &Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// Explains why a sign-in failed.
pub(super) fn sign_in(error: &Error, database: &Database, name: &str) -> Failure {
    let (address, user) = (&database.address, &database.user);
    let Some(said) = pg(error) else {
        return match error {
            Error::Tls(why) => Failure::new(Code::DbTls, format!("{address} offers no TLS that can be used"))
                .why(why.to_string())
                .remedy("set `ssl = on` in postgresql.conf, or `database.sslmode: prefer`"),
            // It has greeted us as PostgreSQL before: what came then is a method or an encoding that the library
            // cannot read.
            Error::Protocol(_) => Failure::new(
                Code::DbAuth,
                format!("{address} asks `{user}` for a sign-in that is not by password, or refuses it in another encoding"),
            )
            .why("the manager signs in by password: `scram-sha-256` or `md5` in pg_hba.conf; gss and sspi want Kerberos")
            .remedy(format!(
                "add `host {} {} ADDRESS scram-sha-256` for this host to pg_hba.conf and reload, or fix `database.user` and `database.password`",
                name, user
            )),
            _ => explain(error, database, "the sign-in"),
        };
    };
    let why = said_by(said);
    let role = quote_identifier(user);
    let base = quote_identifier(name);
    match said.code() {
        "28P01" => Failure::new(
            Code::DbAuth,
            format!("{address} refused the password of `{user}`: wrong password, or no such user"),
        )
        .why(why)
        .remedy("fix `database.user` and `database.password`"),
        "28000" => not_let_in(said, database, name).why(why),
        "3D000" => Failure::new(Code::DbMissing, format!("{address} has no database `{name}`"))
            .why(why)
            .remedy("run the stage `create-database`, which creates it"),
        "42501" => Failure::new(
            Code::DbRights,
            format!("`{user}` may not connect to database `{name}` on {address}"),
        )
        .why(why)
        .remedy(format!("as its owner or a superuser: GRANT CONNECT ON DATABASE {base} TO {role}")),
        "57P01" | "57P02" | "57P03" => {
            Failure::new(Code::DbStarting, format!("{address} is starting up or shutting down"))
                .why(why)
                .remedy("try again in a moment, or wait for it with `--wait 60s`")
        }
        "53300" => Failure::new(Code::DbFull, format!("{address} has no free connection for `{user}`"))
            .remedy(more_connections(said, &role, &base))
            .why(why),
        "55000" => Failure::new(
            Code::DbRefused,
            format!("database `{name}` on {address} is closed to connections"),
        )
        .why(why)
        .remedy(format!(
            "set another `database.name`, or as a superuser: ALTER DATABASE {base} ALLOW_CONNECTIONS true"
        )),
        // Poolers answer so before and after the sign-in, whatever it is that they miss.
        "08P01" => Failure::new(
            Code::DbPooler,
            format!("the connection pooler at {address} refused `{user}` for database `{name}`"),
        )
        .why(why)
        .remedy(format!(
            "add `{name}` to the pooler's list of databases and `{user}` to its users, or set `database.address` to the PostgreSQL server itself"
        )),
        _ => explain(error, database, "the sign-in"),
    }
}

/// pg_hba.conf decides; which line it was the server does not say.
fn not_let_in(said: &PgDatabaseError, database: &Database, name: &str) -> Failure {
    let (address, user) = (&database.address, &database.user);
    if said.routine() == Some("ClientAuthentication") {
        let tls = match database.sslmode {
            SslMode::Disable => "; a `hostssl` line counts with `database.sslmode: prefer` only",
            SslMode::Prefer | SslMode::Require => "",
        };
        let code = if database.sslmode == SslMode::Disable { Code::DbTls } else { Code::DbAuth };
        return Failure::new(
            code,
            format!("{address} does not let `{user}` into database `{name}` from this host"),
        )
        .remedy(format!("add `host {name} {user} ADDRESS scram-sha-256` to pg_hba.conf and reload{tls}"));
    }
    Failure::new(Code::DbAuth, format!("{address} does not let `{user}` in"))
        .remedy("fix `database.user`: the role must be there, may sign in (LOGIN), and must not be bound to `ident`, `peer` or `cert` in pg_hba.conf, which take no password")
}

/// The routine that raised it tells whose limit it is.
fn more_connections(said: &PgDatabaseError, role: &str, base: &str) -> String {
    match said.routine() {
        Some("InitializeSessionUserId") => {
            format!("close some of its connections, or as a superuser: ALTER ROLE {role} CONNECTION LIMIT -1")
        }
        Some("CheckMyDatabase") => {
            format!(
                "close some of its connections, or as its owner: ALTER DATABASE {base} CONNECTION LIMIT -1"
            )
        }
        _ => "close some connections, or raise `max_connections` on the server and restart it".into(),
    }
}

/// Explains an error after the sign-in.
pub fn explain(error: &Error, database: &Database, what: &str) -> Failure {
    let (address, user) = (&database.address, &database.user);
    let lost = |why: String| {
        Failure::new(Code::DbLost, format!("{address} closed the connection during {what}"))
            .why(why)
            .remedy("run again when it is back: what is done is skipped")
    };
    if let Some(said) = pg(error) {
        let why = said_by(said);
        return match said.code() {
            "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "08006" | "08003" => lost(why),
            "42501" => Failure::new(Code::DbRights, format!("`{user}` may not do this on {address}: {what}"))
                .why(why)
                .remedy(format!(
                    "let it own the database: as a superuser, ALTER DATABASE {} OWNER TO {}",
                    quote_identifier(&database.name),
                    quote_identifier(user)
                )),
            "25006" => read_only(database, what).why(why),
            "53100" => Failure::new(Code::DbRefused, format!("{address} has no disk space left for {what}"))
                .why(why)
                .remedy("free some space on the server, then run again"),
            "53300" => Failure::new(Code::DbFull, format!("{address} has no free connection for `{user}`"))
                .why(why)
                .remedy("close some connections, then run again"),
            "57014" => Failure::new(Code::DbTimeout, format!("{address} cancelled {what}"))
                .why(why)
                .remedy("raise `statement_timeout` for this user, then run again"),
            "55P03" | "40P01" => {
                Failure::new(Code::DbBusy, format!("another session of {address} blocks {what}"))
                    .why(why)
                    .remedy("run again when it has ended")
            }
            _ => Failure::new(Code::DbRefused, format!("{address} refused {what}"))
                .why(why)
                .remedy("what PostgreSQL says above names the cause; remove it, then run again"),
        };
    }
    match error {
        Error::Io(error) => lost(words(error)),
        Error::Protocol(_) => Failure::new(
            Code::DbProtocol,
            format!("{address} answers {what} with something else than PostgreSQL's protocol"),
        )
        .remedy("fix `database.address`, or take out a proxy that lies between"),
        Error::RowNotFound
        | Error::ColumnDecode { .. }
        | Error::ColumnNotFound(_)
        | Error::ColumnIndexOutOfBounds { .. }
        | Error::Decode(_)
        | Error::TypeNotFound { .. } => {
            Failure::new(Code::DbRefused, format!("{address} gave an answer of another form to {what}"))
                .why(error.to_string())
                .remedy(
                    "set `database.address` to PostgreSQL itself, if something that imitates it lies between",
                )
        }
        other => lost(other.to_string()),
    }
}

/// The server or the session does not accept writes.
pub(super) fn read_only(database: &Database, what: &str) -> Failure {
    Failure::new(Code::DbReadOnly, format!("{} does not accept writes: {what}", database.address))
        .remedy("set `database.address` to the primary server")
}

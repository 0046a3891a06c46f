//! What PostgreSQL says, in words that lead on. Decisions go by SQLSTATE, by the routine that raised the
//! error, and by what is known: a server speaks the language of its `lc_messages`.

use std::{net::IpAddr, time::Duration};

use sqlx::{Error, postgres::PgDatabaseError};

use crate::{
    failure::{Code, Failure, words},
    guide::{Database, SslMode},
    limits::seconds,
};

use super::quote_identifier;

/// How a server wants a user to sign in, as the line of pg_hba.conf says that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Method {
    /// It asks for nothing: `trust`; or, when it refuses then, `ident`, `peer`, `cert` or no line at all.
    Nothing,
    /// `password`, `ldap`, `pam` and `radius` look alike.
    ClearText,
    /// `md5`.
    Md5,
    /// `scram-sha-256`.
    Scram,
    /// Kerberos.
    Gss,
    /// Windows.
    Sspi,
    /// Another one, by its name or number.
    Other(String),
}

/// What was learnt before the sign-in.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    pub(super) method: Method,
    /// The address from which the server was asked.
    pub(super) from: IpAddr,
}

/// Something greets as PostgreSQL does, and goes on otherwise.
pub(super) fn strange(database: &Database) -> Failure {
    let what =
        format!("{} answers the sign-in with something other than PostgreSQL's protocol", database.address);
    Failure::new(Code::DbProtocol, what)
        .remedy("fix `database.address`, or take out a proxy that lies between")
}

/// No answer within this time.
/// The failure for a server that does not answer in time.
pub fn silent(database: &Database, what: &str, limit: Duration) -> Failure {
    Failure::new(
        Code::DbTimeout,
        format!("{} did not answer {what} in {}", database.address, seconds(limit)),
    )
    .why("the server is overloaded or stopped, or another session holds a lock")
    .remedy("give it more time with `--timeout 60s`; `SELECT pid, state, query FROM pg_stat_activity` shows what it does")
}

/// What a server says when it refuses.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) code: String,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    routine: Option<String>,
}

impl Said {
    /// Reads the body of an ErrorResponse: fields of a letter and a text that ends with a zero byte.
    pub(super) fn read(body: &[u8]) -> Self {
        let mut said = Self::default();
        for field in body.split(|byte| *byte == 0) {
            let Some((kind, text)) = field.split_first() else { break };
            let text = String::from_utf8_lossy(text).into_owned();
            match kind {
                b'C' => said.code = text,
                b'M' => said.message = text,
                b'D' => said.detail = Some(text),
                b'H' => said.hint = Some(text),
                b'R' => said.routine = Some(text),
                _ => {}
            }
        }
        said
    }

    /// The server's own words: message, SQLSTATE, DETAIL and HINT.
    fn words(&self) -> String {
        let mut text = format!("{} ({})", self.message, self.code);
        // These two quote the whole row, and a row may hold a secret.
        let quotes_a_row = matches!(self.code.as_str(), "23502" | "23514");
        if let Some(detail) = self.detail.as_deref().filter(|_| !quotes_a_row) {
            text.push_str(&format!("; detail: {}", detail.trim_end_matches('.')));
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("; hint: {}", hint.trim_end_matches('.')));
        }
        text
    }
}

/// The SQLSTATE of what the server said, where it said something.
pub fn sqlstate(error: &Error) -> Option<String> {
    error.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

fn pg(error: &Error) -> Option<Said> {
    let said: &PgDatabaseError = error.as_database_error()?.try_downcast_ref()?;
    let owned = |text: &str| text.to_owned();
    Some(Said {
        code: owned(said.code()),
        message: owned(said.message()),
        detail: said.detail().map(owned),
        hint: said.hint().map(owned),
        routine: said.routine().map(owned),
    })
}

/// Explains why a sign-in failed, by what the server asked for before, where that is known.
pub(super) fn sign_in(error: &Error, database: &Database, name: &str, before: Option<&Opening>) -> Failure {
    let address = &database.address;
    if let Some(said) = pg(error) {
        return refused(&said, database, name, before);
    }
    match (error, before) {
        (Error::Tls(why), _) => Failure::new(Code::DbTls, format!("{address} offers no TLS that can be used"))
            .why(why.to_string())
            .remedy("set `ssl = on` in postgresql.conf, or `database.sslmode: prefer`"),
        // The library's word for a server that hung up instead of an answer whether it offers TLS.
        (Error::Protocol(why), _) if why.contains("SSLRequest: 0x00") => {
            connection_lost(database, "the sign-in", "it closed the connection without a word".into())
        }
        (Error::Protocol(_), Some(before)) => match before.method {
            Method::ClearText | Method::Md5 | Method::Scram => wrong_password(database, Some(before))
                .why("its answer cannot be read: PostgreSQL refuses in the encoding of `lc_messages`, which is not UTF-8 there"),
            Method::Nothing => strange(database),
            _ => not_by_password(database, name, before),
        },
        // It has greeted us as PostgreSQL before: what came then is a method or an encoding that the library
        // cannot read.
        (Error::Protocol(_), None) => Failure::new(
            Code::DbAuth,
            format!("{address} asks `{}` for a sign-in that is not by password, or refuses it in another encoding", database.user),
        )
        .why("the manager signs in by password: `scram-sha-256` or `md5` in pg_hba.conf; gss and sspi want Kerberos")
        .remedy(format!("{}, or fix `database.user` and `database.password`", add_line(database, name, None))),
        _ => explain(error, database, "the sign-in"),
    }
}

/// A server that asks for something that is no password.
pub(super) fn not_by_password(database: &Database, name: &str, before: &Opening) -> Failure {
    let (wants, line) = match &before.method {
        Method::Gss => ("a Kerberos ticket".to_owned(), "`gss`"),
        Method::Sspi => ("a Windows sign-in".to_owned(), "`sspi`"),
        Method::Other(other) => (format!("a sign-in by `{other}`"), "a method of its own"),
        _ => ("no password".to_owned(), "a method without a password"),
    };
    Failure::new(
        Code::DbAuth,
        format!("{} wants {wants} from `{}` for database `{name}`", database.address, database.user),
    )
    .why(format!(
        "the first line of pg_hba.conf that fits names {line}, and the manager signs in by password"
    ))
    .remedy(add_line(database, name, Some(before)))
}

/// The line for pg_hba.conf that lets the user in by password. The first line that fits counts.
fn add_line(database: &Database, name: &str, before: Option<&Opening>) -> String {
    let from = before.map_or_else(
        || "ADDRESS".to_owned(),
        |before| format!("{}/{}", before.from, if before.from.is_ipv4() { 32 } else { 128 }),
    );
    let (name, user) = (hba_word(name), hba_word(&database.user));
    format!("add `host {name} {user} {from} scram-sha-256` above the other lines of pg_hba.conf, and reload")
}

/// A name as pg_hba.conf takes it: quoted where it could mean something else.
fn hba_word(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let has_meaning = matches!(name, "all" | "sameuser" | "samerole" | "samegroup" | "replication");
    if is_plain && !has_meaning { name.to_owned() } else { quote_identifier(name) }
}

fn wrong_password(database: &Database, before: Option<&Opening>) -> Failure {
    let (address, user) = (&database.address, &database.user);
    let failure = Failure::new(
        Code::DbAuth,
        format!("{address} refused the password of `{user}`: wrong password, or no such user"),
    );
    let role = quote_identifier(user);
    // PostgreSQL tells these from a wrong password in its log alone.
    let expired = format!(
        "fix `database.user` and `database.password`; if both are right, the password expired (`ALTER ROLE {role} VALID UNTIL 'infinity'`)"
    );
    failure.remedy(match before.map(|before| &before.method) {
        Some(Method::Scram) => format!("{expired} or is stored as md5 (`\\password {role}` in psql)"),
        _ => expired,
    })
}

/// Explains a refusal before or after the password was sent.
pub(super) fn refused(said: &Said, database: &Database, name: &str, before: Option<&Opening>) -> Failure {
    let (address, user) = (&database.address, &database.user);
    let why = said.words();
    let role = quote_identifier(user);
    let base = quote_identifier(name);
    match said.code.as_str() {
        "28P01" => wrong_password(database, before).why(why),
        "28000" => not_let_in(said, database, name, before).why(why),
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
        _ => after(said, database, "the sign-in"),
    }
}

/// pg_hba.conf decides; which line it was the server does not say.
fn not_let_in(said: &Said, database: &Database, name: &str, before: Option<&Opening>) -> Failure {
    let (address, user) = (&database.address, &database.user);
    let line = add_line(database, name, before);
    match said.routine.as_deref() {
        // No line fits, one says `reject`, or one wants a certificate.
        Some("ClientAuthentication") => {
            let plain = database.sslmode == SslMode::Disable;
            let tls =
                if plain { "; a `hostssl` line counts with `database.sslmode: prefer` only" } else { "" };
            Failure::new(
                if plain { Code::DbTls } else { Code::DbAuth },
                format!("{address} does not let `{user}` into database `{name}` from this host"),
            )
            .remedy(format!("{line}{tls}"))
        }
        Some("auth_failed") => match before.map(|before| &before.method) {
            Some(Method::ClearText) => Failure::new(
                Code::DbAuth,
                format!("the directory that {address} asks refused the password of `{user}`"),
            )
            .remedy(format!(
                "fix `database.user` and `database.password` as that directory knows them (`ldap`, `pam` or `radius` in pg_hba.conf), or {line}"
            )),
            Some(Method::Nothing) => Failure::new(
                Code::DbAuth,
                format!("{address} refused `{user}` without asking for a password"),
            )
            .remedy(format!("{line}: `ident`, `peer` and `cert` there take no password")),
            _ => Failure::new(Code::DbAuth, format!("{address} refused the sign-in of `{user}`")).remedy(format!(
                "{line}: `ident`, `peer` and `cert` there take no password, `ldap`, `pam` and `radius` that of a directory"
            )),
        },
        _ => Failure::new(Code::DbAuth, format!("{address} does not let `{user}` in"))
            .remedy("fix `database.user`: the role must be there and may sign in (LOGIN)"),
    }
}

/// The routine that raised it tells whose limit it is.
fn more_connections(said: &Said, role: &str, base: &str) -> String {
    match said.routine.as_deref() {
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

/// The connection is no more.
pub(super) fn connection_lost(database: &Database, what: &str, why: String) -> Failure {
    Failure::new(Code::DbLost, format!("{} closed the connection during {what}", database.address))
        .why(why)
        .remedy("run again when it is back: what is done is skipped")
}

/// Explains what a server says after the sign-in.
fn after(said: &Said, database: &Database, what: &str) -> Failure {
    let (address, user) = (&database.address, &database.user);
    let why = said.words();
    match said.code.as_str() {
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "08006" | "08003" => {
            connection_lost(database, what, why)
        }
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
    }
}

/// Explains an error after the sign-in.
pub fn explain(error: &Error, database: &Database, what: &str) -> Failure {
    let address = &database.address;
    if let Some(said) = pg(error) {
        return after(&said, database, what);
    }
    match error {
        Error::Io(error) => connection_lost(database, what, words(error)),
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
        other => connection_lost(database, what, other.to_string()),
    }
}

/// The server or the session does not accept writes.
pub(super) fn read_only(database: &Database, what: &str) -> Failure {
    Failure::new(Code::DbReadOnly, format!("{} does not accept writes: {what}", database.address))
        .remedy("set `database.address` to the primary server")
}

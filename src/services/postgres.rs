//! PostgreSQL: connections through option structs, and the facts that checks and stages ask for.

use std::future::Future;

use secrecy::ExposeSecret;
use sqlx::{
    Connection, PgConnection, Row,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::time::timeout;

use crate::{
    failure::{Code, Failure, words},
    guide::{Database, SslMode},
};

use super::{answer_limit, limit, seconds};

/// Databases that a server has from the start; one of them is asked what cannot be asked elsewhere.
pub const MAINTENANCE: [&str; 2] = ["postgres", "template1"];

/// Signs in to a database of the server.
///
/// Everything is set: what is left unset would be taken from `PG*` names of the environment. The
/// statement cache is off, so that a pooler between us and the server does no harm.
///
/// # Errors
/// What the server or the network says, told apart by SQLSTATE.
pub async fn connect(database: &Database, name: &str) -> Result<PgConnection, Failure> {
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
        .statement_cache_capacity(0);
    match timeout(limit(15), PgConnection::connect_with(&options)).await {
        Err(_) => Err(silent(database, "the sign-in")),
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(explain_sign_in(&error, database, name)),
    }
}

/// Signs in to a maintenance database: `postgres`, else `template1`.
///
/// # Errors
/// As [`connect`]; the failure for `postgres` when neither lets us in.
pub async fn connect_maintenance(database: &Database) -> Result<PgConnection, Failure> {
    let mut first = None;
    for name in MAINTENANCE {
        match connect(database, name).await {
            Ok(connection) => return Ok(connection),
            Err(failure) if failure.code == Code::DbMissing || failure.code == Code::DbRights => {
                first = first.or(Some(failure));
            }
            Err(failure) => return Err(failure),
        }
    }
    let failure = first.unwrap_or_else(|| silent(database, "the sign-in"));
    let (name, role) = (quote_identifier(&database.name), quote_identifier(&database.user));
    Err(failure.remedy(format!(
        "let `{}` connect to one of {}, or as a superuser: CREATE DATABASE {name} OWNER {role}",
        database.user,
        MAINTENANCE.map(|name| format!("`{name}`")).join(" and "),
    )))
}

/// Runs a request with a time limit and explains its failure.
///
/// # Errors
/// `E-DB-TIMEOUT`, `E-DB-LOST`, `E-DB-RIGHTS` or `E-DB-REFUSED`.
pub async fn ask<T>(
    database: &Database,
    what: &str,
    request: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Failure> {
    match timeout(answer_limit(), request).await {
        Err(_) => Err(silent(database, what)),
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(explain(&error, database, what)),
    }
}

fn silent(database: &Database, what: &str) -> Failure {
    Failure::new(
        Code::DbTimeout,
        format!("{} did not answer {what} in {}", database.address, seconds(answer_limit())),
    )
    .remedy("look at the server's log: it is overloaded, or another session holds a lock")
}

fn explain_sign_in(error: &sqlx::Error, database: &Database, name: &str) -> Failure {
    let (address, user) = (&database.address, &database.user);
    let Some(said) = error.as_database_error() else {
        if let sqlx::Error::Tls(why) = error {
            return Failure::new(Code::DbTls, format!("{address} offers no TLS that can be used"))
                .why(why.to_string())
                .remedy("set `ssl = on` in postgresql.conf, or `database.sslmode: prefer`");
        }
        return explain(error, database, "the sign-in");
    };
    let why = said.message().to_owned();
    match said.code().as_deref().unwrap_or_default() {
        "28P01" => Failure::new(
            Code::DbAuth,
            format!("{address} refused the password of `{user}`: wrong password, or no such user"),
        )
        .why(why)
        .remedy("mend `database.user` and `database.password`"),
        // With `prefer` the server would have been asked for encryption: there the line is what lacks.
        "28000" if why.contains("no encryption") && database.sslmode == SslMode::Disable => {
            Failure::new(Code::DbTls, format!("{address} does not let `{user}` in without encryption"))
                .why(why)
                .remedy("set `database.sslmode: prefer`, or add a `host` line to pg_hba.conf and reload")
        }
        "28000" => Failure::new(Code::DbAuth, format!("{address} does not let `{user}` in"))
            .why(why)
            .remedy("mend `database.user`, or add a line for it to pg_hba.conf and reload"),
        "3D000" => Failure::new(Code::DbMissing, format!("{address} has no database `{name}`"))
            .why(why)
            .remedy("the stage `create-database` makes it"),
        "42501" => Failure::new(
            Code::DbRights,
            format!("`{user}` may not connect to database `{name}` on {address}"),
        )
        .why(why)
        .remedy(format!("as a superuser: GRANT CONNECT ON DATABASE \"{name}\" TO \"{user}\"")),
        "57P03" => Failure::new(Code::DbStarting, format!("{address} is starting up or shutting down"))
            .why(why)
            .remedy("try again in a moment"),
        "53300" => Failure::new(Code::DbFull, format!("{address} has no free connection for `{user}`"))
            .remedy(more_connections(&why, user, name))
            .why(why),
        "55000" => Failure::new(
            Code::DbRefused,
            format!("database `{name}` on {address} is closed to connections"),
        )
        .why(why)
        .remedy(format!(
            "set another `database.name`, or as a superuser: ALTER DATABASE {} ALLOW_CONNECTIONS true",
            quote_identifier(name)
        )),
        _ => explain(error, database, "the sign-in"),
    }
}

/// PostgreSQL tells only in its words whose limit it is.
fn more_connections(why: &str, user: &str, name: &str) -> String {
    if why.contains("for role") {
        format!(
            "close some of its connections, or as a superuser: ALTER ROLE {} CONNECTION LIMIT -1",
            quote_identifier(user)
        )
    } else if why.contains("for database") {
        format!(
            "close some of its connections, or as a superuser: ALTER DATABASE {} CONNECTION LIMIT -1",
            quote_identifier(name)
        )
    } else {
        "close some connections, or raise `max_connections` in postgresql.conf and restart the server".into()
    }
}

/// Explains an error after the sign-in.
pub fn explain(error: &sqlx::Error, database: &Database, what: &str) -> Failure {
    let (address, user) = (&database.address, &database.user);
    let lost = |why: String| {
        Failure::new(Code::DbLost, format!("{address} closed the connection during {what}"))
            .why(why)
            .remedy("run again when it is back: what is done is skipped")
    };
    match error {
        sqlx::Error::Database(said) => {
            let why = format!("{} ({})", said.message(), said.code().unwrap_or_default());
            match said.code().as_deref().unwrap_or_default() {
                "57P01" | "57P02" | "57P03" | "08006" => lost(why),
                "42501" => {
                    Failure::new(Code::DbRights, format!("`{user}` lacks the right for {what} on {address}"))
                        .why(why)
                        .remedy("let the user own the database, or run once as a superuser")
                }
                _ => Failure::new(Code::DbRefused, format!("{address} refused {what}"))
                    .why(why)
                    .remedy("look at the server's log"),
            }
        }
        sqlx::Error::Io(error) => lost(words(error)),
        sqlx::Error::Protocol(_) => Failure::new(
            Code::DbProtocol,
            format!("{address} answers {what} with something else than PostgreSQL"),
        )
        .remedy("mend `database.address`"),
        _ => lost("the connection is no longer usable".into()),
    }
}

/// A server's version as a number, 150018 for 15.18, and as text.
///
/// # Errors
/// As [`ask`].
pub async fn version(connection: &mut PgConnection, database: &Database) -> Result<(i32, String), Failure> {
    let sql = "SELECT current_setting('server_version_num')::int4, current_setting('server_version')";
    let row = ask(database, "the question for its version", sqlx::query(sql).fetch_one(connection)).await?;
    let text: String = row.get(1);
    Ok((row.get(0), text.split_whitespace().next().unwrap_or(&text).to_owned()))
}

/// The system identifier, which `initdb` makes and copies keep.
///
/// # Errors
/// As [`ask`].
pub async fn system(connection: &mut PgConnection, database: &Database) -> Result<u64, Failure> {
    let sql = "SELECT system_identifier FROM pg_control_system()";
    let asked = sqlx::query_scalar::<_, i64>(sql).fetch_one(connection);
    Ok(ask(database, "the question for its system identifier", asked).await?.cast_unsigned())
}

/// The encoding of a database; none when there is no such database.
///
/// # Errors
/// As [`ask`].
pub async fn encoding(
    connection: &mut PgConnection,
    database: &Database,
    name: &str,
) -> Result<Option<String>, Failure> {
    let sql = "SELECT pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = $1";
    let asked = sqlx::query_scalar(sql).bind(name).fetch_optional(connection);
    ask(database, "the question for the encoding", asked).await
}

/// May the user create databases?
///
/// # Errors
/// As [`ask`].
pub async fn may_create_database(
    connection: &mut PgConnection,
    database: &Database,
) -> Result<bool, Failure> {
    let sql = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user";
    ask(database, "the question for CREATEDB", sqlx::query_scalar(sql).fetch_one(connection)).await
}

/// May the user create what the schema needs, in the database it is connected to?
#[derive(Debug)]
pub struct Rights {
    /// CREATE on the database.
    pub database: bool,
    /// CREATE on schema public; none when there is no such schema.
    pub public: Option<bool>,
    /// Where the extension `uuid-ossp` is installed.
    pub extension_schema: Option<String>,
    /// What the server has to install from.
    pub extension: Extension,
}

/// Whether the user may create the extension `uuid-ossp`, from the catalogs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// The server does not have it.
    Unavailable,
    /// It takes a superuser, and the user is none.
    NeedsSuperuser,
    /// With CREATE on the database.
    WithCreate,
    /// The user is a superuser.
    Allowed,
}

/// Looks at the extension from any database of the server.
///
/// # Errors
/// As [`ask`].
pub async fn extension(connection: &mut PgConnection, database: &Database) -> Result<Extension, Failure> {
    let what = "the question for `uuid-ossp`";
    let superuser = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user";
    let superuser: bool =
        ask(database, what, sqlx::query_scalar(superuser).fetch_one(&mut *connection)).await?;
    let (number, _) = version(connection, database).await?;
    // Trusted extensions came with PostgreSQL 13, and the column with them.
    let trusted = if number >= 130_000 { "bool_or(trusted)" } else { "bool_or(false)" };
    let sql = format!(
        "SELECT {trusted} FROM pg_available_extension_versions WHERE name = 'uuid-ossp' HAVING count(*) > 0"
    );
    let asked = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_optional(connection);
    let trusted: Option<bool> = ask(database, what, asked).await?;
    Ok(match trusted {
        None => Extension::Unavailable,
        Some(_) if superuser => Extension::Allowed,
        Some(true) => Extension::WithCreate,
        Some(false) => Extension::NeedsSuperuser,
    })
}

/// Looks at the rights in the database that the connection is in.
///
/// # Errors
/// As [`ask`].
pub async fn rights(connection: &mut PgConnection, database: &Database) -> Result<Rights, Failure> {
    let sql = "SELECT has_database_privilege(current_database(), 'CREATE'), \
               (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = 'public'), \
               (SELECT nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace \
                WHERE extname = 'uuid-ossp')";
    let row = ask(database, "the question for rights", sqlx::query(sql).fetch_one(&mut *connection)).await?;
    Ok(Rights {
        database: row.get(0),
        public: row.get(1),
        extension_schema: row.get(2),
        extension: extension(connection, database).await?,
    })
}

/// What stands in schema public, as far as the manager's schema is concerned.
#[derive(Debug, Default)]
pub struct Standing {
    /// The rows of `alembic_version`; none when there is no such table.
    pub revisions: Option<Vec<String>>,
    /// Which of the asked tables are there.
    pub tables: Vec<String>,
    /// Which of the asked types are there.
    pub types: Vec<String>,
}

/// Looks which of these tables and types are there, and at the alembic revision.
///
/// # Errors
/// As [`ask`].
pub async fn standing(
    connection: &mut PgConnection,
    database: &Database,
    tables: &[&str],
    types: &[&str],
) -> Result<Standing, Failure> {
    let what = "the question for the schema";
    // In one statement, hence in one snapshot: another setup may commit the whole schema meanwhile.
    let sql = "SELECT relname::text AS name, true AS is_table \
               FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace \
               WHERE nspname = 'public' AND relkind IN ('r', 'p', 'v', 'm', 'f') \
               UNION ALL SELECT typname::text, false \
               FROM pg_type JOIN pg_namespace n ON n.oid = typnamespace \
               WHERE nspname = 'public' AND typtype = 'e' ORDER BY name";
    let found: Vec<(String, bool)> =
        ask(database, what, sqlx::query_as(sql).fetch_all(&mut *connection)).await?;
    let (there, enums): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, is_table)| *is_table);
    let names = |found: Vec<(String, bool)>| found.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let (there, enums) = (names(there), names(enums));
    let revisions = if there.iter().any(|table| table == "alembic_version") {
        let sql = "SELECT version_num::text FROM public.alembic_version ORDER BY version_num";
        Some(ask(database, what, sqlx::query_scalar(sql).fetch_all(&mut *connection)).await?)
    } else {
        None
    };
    Ok(Standing {
        revisions,
        tables: there.into_iter().filter(|name| tables.contains(&name.as_str())).collect(),
        types: enums.into_iter().filter(|name| types.contains(&name.as_str())).collect(),
    })
}

/// A name as SQL takes it: `CREATE DATABASE` has no bind parameters.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

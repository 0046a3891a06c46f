//! What is wrong with a PostgreSQL server for this work, and the line that puts it right.

use crate::{
    failure::{Code, Failure},
    guide::Database,
    services::{
        net::Greeting,
        postgres::{Clash, Collation, Extension, Limit, ReadOnly, Rights, Sessions, quote_identifier},
    },
};

/// The manager's SQLAlchemy and asyncpg of that day.
const OLDEST: i32 = 90_600;

/// How many sessions this program has at once, with one that is just ending; the manager has more.
const SESSIONS: i64 = 4;

pub(super) fn server(
    database: &Database,
    number: i32,
    text: &str,
    there: bool,
    encoding: &str,
) -> Result<(), Failure> {
    if number < OLDEST {
        return Err(Failure::new(Code::DbVersion, format!("{} is PostgreSQL {text}", database.address))
            .why("the manager needs 9.6 or newer")
            .remedy("upgrade the server, or set another `database.address`"));
    }
    if encoding == "UTF8" {
        return Ok(());
    }
    let name = quote_identifier(&database.name);
    let role = quote_identifier(&database.user);
    // The locale C goes with every encoding; the server's own may not go with UTF-8.
    let create = format!("CREATE DATABASE {name} OWNER {role} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
    Err(if there {
        Failure::new(Code::DbEncoding, format!("database `{}` is encoded in {encoding}", database.name))
            .why("names and e-mail addresses outside of it would not survive")
            .remedy(format!("set another `database.name`, or drop it, and as a superuser: {create}"))
    } else {
        Failure::new(Code::DbEncoding, format!("a new database would be encoded in {encoding}"))
            .why(format!("that is the encoding of template1 on {}", database.address))
            .remedy(format!("as a superuser: {create}"))
    })
}

pub(super) fn other_system(database: &Database, system: u64, expected: &str) -> Failure {
    Failure::new(Code::DbOther, format!("{} is another PostgreSQL server than expected", database.address))
        .why(format!("it is {system}, and `expect.database-system` is `{expected}`"))
        .remedy("fix `database.address`, or `expect.database-system` when this one is meant")
}

pub(super) fn system_untold(database: &Database) -> Failure {
    let (role, name) = (quote_identifier(&database.user), quote_identifier(&database.name));
    Failure::new(Code::DbRights, format!("`{}` may not ask {} who it is", database.user, database.address))
        .why("`expect.database-system` is compared with what pg_control_system() tells")
        .remedy(format!(
            "remove `expect.database-system`, or in database {name}, as a superuser: GRANT EXECUTE ON FUNCTION pg_control_system() TO {role}"
        ))
}

pub(super) fn read_only(database: &Database, why: ReadOnly, elsewhere: Option<&str>) -> Failure {
    let failure = |what: &str| {
        Failure::new(Code::DbReadOnly, format!("{} does not accept writes: {what}", database.address))
    };
    match why {
        ReadOnly::Standby => failure("it is a standby, or is being recovered")
            .why("pg_is_in_recovery() is true")
            .remedy("set `database.address` to the primary server; or promote this one: SELECT pg_promote()"),
        ReadOnly::Default => {
            let (role, name) = (quote_identifier(&database.user), elsewhere.unwrap_or(&database.name));
            failure(&format!("sessions of `{}` are read-only", database.user))
                .why("`default_transaction_read_only` is on")
                .remedy(format!(
                    "as that user or a superuser: BEGIN READ WRITE; ALTER ROLE {role} IN DATABASE {} SET default_transaction_read_only = off; COMMIT",
                    quote_identifier(name)
                ))
        }
    }
}

pub(super) fn sessions(database: &Database, found: &Sessions) -> Result<(), Failure> {
    let (role, name) = (quote_identifier(&database.user), quote_identifier(&database.name));
    let left = found.left();
    if left >= SESSIONS {
        return Ok(());
    }
    let Sessions { limit, reserved, used, .. } = found;
    let (whose, remedy) = match found.whose {
        Limit::Role => (
            format!("the CONNECTION LIMIT of role `{}`", database.user),
            format!("as a superuser: ALTER ROLE {role} CONNECTION LIMIT -1"),
        ),
        Limit::Database => (
            format!("the CONNECTION LIMIT of database `{}`", database.name),
            format!("as its owner or a superuser: ALTER DATABASE {name} CONNECTION LIMIT -1"),
        ),
        Limit::Server => (
            "`max_connections` of the server".to_owned(),
            "close some connections, or raise `max_connections` on the server and restart it".to_owned(),
        ),
    };
    let kept = if *reserved > 0 { format!(", {reserved} of them reserved") } else { String::new() };
    Err(Failure::new(Code::DbFull, format!("{} has too few free connections: {left}", database.address))
        .why(format!("{whose} is {limit}{kept}, and {used} are in use; this setup needs {SESSIONS} at once, and the manager more"))
        .remedy(remedy))
}

pub(super) fn collation(database: &Database, found: &Collation, there: bool) -> Failure {
    let Collation { recorded, actual } = found;
    let why = format!(
        "it was made with version {recorded}, the server has {}",
        actual.as_deref().unwrap_or("none that it could tell")
    );
    if there {
        let name = quote_identifier(&database.name);
        let what = format!("database `{}` was made with another version of its collation", database.name);
        return Failure::new(Code::DbCollationOld, what).why(why).remedy(format!(
            "in database {name}, as its owner: REINDEX DATABASE {name}; ALTER DATABASE {name} REFRESH COLLATION VERSION"
        ));
    }
    let what = format!("{} cannot copy template1: its collation has another version", database.address);
    Failure::new(Code::DbCollation, what)
        .why(why)
        .remedy("as a superuser: ALTER DATABASE template1 REFRESH COLLATION VERSION")
}

pub(super) fn no_createdb(database: &Database) -> Failure {
    let (name, role) = (quote_identifier(&database.name), quote_identifier(&database.user));
    Failure::new(
        Code::DbRights,
        format!(
            "`{}` may not create the database `{}` on {}",
            database.user, database.name, database.address
        ),
    )
    .remedy(format!("as a superuser: ALTER ROLE {role} CREATEDB, or CREATE DATABASE {name} OWNER {role}"))
}

/// Something else has a name that the schema needs.
pub(super) fn clashes(database: &Database, found: &[Clash], rights: &Rights) -> Result<(), Failure> {
    // Functions of that name are in the way of the extension alone.
    let there = rights.extension_schema.is_some();
    let told: Vec<_> = found
        .iter()
        .filter(|clash| !(there && clash.kind == "function"))
        .map(|clash| format!("{} `{}`", clash.kind, clash.name))
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    let what = format!("database `{}` has objects with names that the schema needs", database.name);
    Err(Failure::new(Code::DbClash, what)
        .why(format!("in schema public: {}", told.join(", ")))
        .remedy("rename or drop them, or set another `database.name`"))
}

/// May the user create the extension? `create` is its right in the database, unknown before there is one.
pub(super) fn creatable(
    database: &Database,
    extension: Extension,
    create: Option<bool>,
) -> Result<(), Failure> {
    let user = &database.user;
    match extension {
        Extension::Allowed => Ok(()),
        Extension::WithCreate if create != Some(false) => Ok(()),
        Extension::WithCreate => Err(Failure::new(
            Code::DbRights,
            format!("`{user}` may not create the extension `uuid-ossp` in `{}`", database.name),
        )
        .remedy(format!(
            "as a superuser: GRANT CREATE ON DATABASE {} TO {}",
            quote_identifier(&database.name),
            quote_identifier(user)
        ))),
        Extension::NeedsSuperuser => Err(Failure::new(
            Code::DbExtension,
            format!("only a superuser may create the extension `uuid-ossp` on {}", database.address),
        )
        .why("it is a trusted extension from PostgreSQL 13 on")
        .remedy({
            let (name, role) = (quote_identifier(&database.name), quote_identifier(user));
            let extension = "CREATE EXTENSION \"uuid-ossp\" WITH SCHEMA public";
            match create {
                Some(_) => format!("in database {name}, as a superuser: {extension}"),
                None => format!("as a superuser: CREATE DATABASE {name} OWNER {role}, then in it: {extension}"),
            }
        })),
        Extension::Unavailable => Err(Failure::new(
            Code::DbExtension,
            format!("{} has no extension `uuid-ossp`", database.address),
        )
        .remedy("on the server: install PostgreSQL's contrib modules (Debian: apt-get install postgresql-contrib)")),
    }
}

/// Something else than PostgreSQL answers.
pub(super) fn stranger(database: &Database, greeting: &Greeting) -> Failure {
    let address = &database.address;
    let at = |what: &str| Failure::new(Code::DbProtocol, format!("{address} is not PostgreSQL: {what}"));
    let port =
        "fix the port in `database.address`; PostgreSQL's usual one is 5432, the development setup's 8100";
    match greeting {
        Greeting::Silent => {
            Failure::new(Code::DbTimeout, format!("{address} accepts connections but does not answer"))
                .why("a stopped process, or a program that waits for something else")
                .remedy(format!("check what listens there (`ss -ltnp`), and {port}"))
        }
        // A server that starts or stops does so, and a relay before one that is not up yet.
        Greeting::Closed => {
            Failure::new(Code::DbLost, format!("{address} accepts connections and closes them at once"))
                .why("PostgreSQL is starting or stopping there, a relay has nobody behind it, or something else listens")
                .remedy(format!("wait for it with `--wait 60s`, or {port}"))
        }
        Greeting::Http1 => at("a web server answers").remedy(port),
        Greeting::Http2 => at("etcd answers, or a web server that speaks HTTP/2").remedy(port),
        Greeting::Tls => at("it wants TLS from the first byte").remedy(port),
        Greeting::Other(seen) => {
            at("another protocol answers").why(format!("it begins with `{seen}`")).remedy(port)
        }
        _ => at("another protocol answers").remedy(port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::{Address, SslMode};

    fn database() -> Database {
        Database {
            address: Address { host: "db-01".into(), port: 5432 },
            name: "backend".into(),
            user: "baiadmin".into(),
            password: "x".into(),
            sslmode: SslMode::Prefer,
            limits: crate::limits::Limits::default(),
        }
    }

    #[test]
    fn old_servers_and_extensions() {
        let judge =
            |number, text| server(&database(), number, text, true, "UTF8").map_err(|failure| failure.code);
        assert_eq!(judge(90_524, "9.5.24"), Err(Code::DbVersion));
        assert_eq!(judge(90_600, "9.6.0"), Ok(()));
        let may =
            |extension, create| creatable(&database(), extension, create).map_err(|failure| failure.code);
        assert_eq!(may(Extension::Unavailable, None), Err(Code::DbExtension));
        assert_eq!(may(Extension::NeedsSuperuser, Some(true)), Err(Code::DbExtension));
        assert_eq!(may(Extension::WithCreate, Some(false)), Err(Code::DbRights));
        assert_eq!(may(Extension::WithCreate, None), Ok(()));
        assert_eq!(may(Extension::Allowed, Some(false)), Ok(()));
    }
}

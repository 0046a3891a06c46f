//! PostgreSQL: version, encoding, the database, the rights, its revision.

use std::time::Instant;

use async_trait::async_trait;
use sqlx::PgConnection;

use crate::{
    failure::{Code, Failure},
    guide::{Database, Identity, SslMode},
    schema,
    services::{
        net::{self, Greeting},
        postgres::{self, Extension},
    },
    workflow::Verdict,
    world::World,
};

use super::{Check, CheckAbout, Fell, reach};

static ABOUT: CheckAbout = CheckAbout {
    id: "database",
    title: "PostgreSQL",
    summary: "version, encoding, the database or the right to create it, the extension, its revision",
    sections: &["database"],
};

pub(super) struct DatabaseCheck;

/// The manager's SQLAlchemy and asyncpg of that day.
const OLDEST: i32 = 90_600;

#[async_trait]
impl Check for DatabaseCheck {
    fn about(&self) -> &'static CheckAbout {
        &ABOUT
    }

    async fn probe(&self, world: &World) -> Verdict {
        let mut verdict = Verdict::new();
        let climbed = match world.settings.database() {
            Ok(database) => climb(&mut verdict, database, &world.settings.identity).await,
            Err(failure) => Err(("answers", failure, Instant::now())),
        };
        if let Err((rung, failure, since)) = climbed {
            verdict.note(rung, failure, since);
        }
        verdict
    }
}

async fn climb(verdict: &mut Verdict, database: &Database, identity: &Identity) -> Result<(), Fell> {
    let address = &database.address;
    let (stream, socket) = reach(verdict, &net::POSTGRES, address).await?;

    let since = Instant::now();
    match (net::greet_postgres(stream).await, database.sslmode) {
        (Greeting::PostgresTls | Greeting::PostgresPlain, SslMode::Disable) => {
            verdict.not_needed("TLS", "switched off by `database.sslmode`");
        }
        (Greeting::PostgresTls, _) => verdict.pass("TLS", "offered and used", since),
        (Greeting::PostgresPlain, SslMode::Prefer) => verdict.not_needed("TLS", "the server offers none"),
        (Greeting::PostgresPlain, SslMode::Require) => {
            let failure = Failure::new(Code::DbTls, format!("{address} offers no TLS"))
                .why("`database.sslmode` is `require`")
                .remedy("set `ssl = on` in postgresql.conf, or `database.sslmode: prefer`");
            return Err(("TLS", failure, since));
        }
        (Greeting::Silent, _) if net::speaks_http2(socket).await => {
            return Err(("server", stranger(database, &Greeting::Http2), since));
        }
        (other, _) => return Err(("server", stranger(database, &other), since)),
    }

    let since = Instant::now();
    let signed_in = match postgres::connect(database, &database.name).await {
        Ok(connection) => Ok((connection, true)),
        Err(failure) if failure.code == Code::DbMissing => {
            postgres::connect_maintenance(database).await.map(|connection| (connection, false))
        }
        Err(failure) => Err(failure),
    };
    let (mut connection, there) = signed_in.map_err(|failure| ("sign in", failure, since))?;
    verdict.pass("sign in", format!("as {}", database.user), since);

    let since = Instant::now();
    let (number, text) =
        postgres::version(&mut connection, database).await.map_err(|failure| ("server", failure, since))?;
    // A database that is yet to be made takes its encoding from template1.
    let name = if there { database.name.as_str() } else { "template1" };
    let encoding = postgres::encoding(&mut connection, database, name)
        .await
        .map_err(|failure| ("server", failure, since))?
        .unwrap_or_default();
    judge_server(database, number, &text, there, &encoding).map_err(|failure| ("server", failure, since))?;
    verdict.pass("server", format!("PostgreSQL {text}, {encoding}"), since);
    verdict.tell(format!("{address}, PostgreSQL {text}"));

    let since = Instant::now();
    let system =
        postgres::system(&mut connection, database).await.map_err(|failure| ("system", failure, since))?;
    if let Some(expected) = identity.other_system(system) {
        let failure =
            Failure::new(Code::DbOther, format!("{address} is another PostgreSQL server than expected"))
                .why(format!("it is {system}, and `expect.database-system` is `{expected}`"))
                .remedy("mend `database.address`, or `expect.database-system` when this one is meant");
        return Err(("system", failure, since));
    }
    verdict.pass("system", system.to_string(), since);

    if there {
        existing(verdict, &mut connection, database).await
    } else {
        absent(verdict, &mut connection, database).await
    }
}

fn judge_server(
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
    let name = postgres::quote_identifier(&database.name);
    let role = postgres::quote_identifier(&database.user);
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

/// The database is there: rights in it, extension, revision.
async fn existing(
    verdict: &mut Verdict,
    connection: &mut PgConnection,
    database: &Database,
) -> Result<(), Fell> {
    let since = Instant::now();
    let standing = postgres::standing(connection, database, schema::TABLES, schema::TYPES)
        .await
        .map_err(|failure| ("database", failure, since))?;
    let at_head = standing.revisions.as_deref() == Some(&[schema::HEAD.to_owned()]);

    let since_rights = Instant::now();
    let rights =
        postgres::rights(connection, database).await.map_err(|failure| ("rights", failure, since_rights))?;
    let user = &database.user;
    let name = postgres::quote_identifier(&database.name);
    let role = postgres::quote_identifier(user);
    if at_head {
        verdict.not_needed("rights", "the schema is there");
    } else {
        let public = rights.public.ok_or_else(|| {
            let failure =
                Failure::new(Code::DbShape, format!("database `{}` has no schema public", database.name))
                    .remedy(format!("in it, as its owner: CREATE SCHEMA public AUTHORIZATION {role}"));
            ("rights", failure, since_rights)
        })?;
        if !public {
            let failure = Failure::new(
                Code::DbRights,
                format!("`{user}` may not create tables in schema public of `{}`", database.name),
            )
            .remedy(format!("as a superuser: ALTER DATABASE {name} OWNER TO {role}; in it: GRANT CREATE ON SCHEMA public TO {role}"));
            return Err(("rights", failure, since_rights));
        }
        let extension = match rights.extension_schema.as_deref() {
            Some("public" | "pg_catalog") => "uuid-ossp is there".to_owned(),
            Some(other) => {
                let failure = Failure::new(
                    Code::DbExtension,
                    format!("extension `uuid-ossp` of `{}` is in schema `{other}`", database.name),
                )
                .why("the tables call `public.uuid_generate_v4()`")
                .remedy("as a superuser: ALTER EXTENSION \"uuid-ossp\" SET SCHEMA public");
                return Err(("rights", failure, since_rights));
            }
            None => {
                creatable(database, rights.extension, Some(rights.database))
                    .map_err(|failure| ("rights", failure, since_rights))?;
                "may create tables and uuid-ossp".to_owned()
            }
        };
        verdict.pass("rights", extension, since_rights);
    }
    let state = match standing.revisions.as_deref() {
        Some([revision]) if at_head => format!("`{}` is at the head, {revision}", database.name),
        Some([revision]) => format!("`{}` is at revision {revision}", database.name),
        Some([]) | None if standing.tables.is_empty() && standing.types.is_empty() => {
            format!("`{}` is there, without the manager's tables", database.name)
        }
        Some([]) | None => format!("`{}` has the manager's tables, but no revision", database.name),
        Some(several) => format!("`{}` is at {} revisions at once", database.name, several.len()),
    };
    verdict.tell(&state);
    verdict.pass("database", state, since);
    Ok(())
}

/// The database is not there: the right to create it, and the extension.
async fn absent(
    verdict: &mut Verdict,
    connection: &mut PgConnection,
    database: &Database,
) -> Result<(), Fell> {
    let since = Instant::now();
    let user = &database.user;
    let allowed = postgres::may_create_database(connection, database)
        .await
        .map_err(|failure| ("rights", failure, since))?;
    if !allowed {
        let (name, role) = (postgres::quote_identifier(&database.name), postgres::quote_identifier(user));
        let failure = Failure::new(
            Code::DbRights,
            format!("`{user}` may not create the database `{}` on {}", database.name, database.address),
        )
        .remedy(format!(
            "as a superuser: ALTER ROLE {role} CREATEDB, or CREATE DATABASE {name} OWNER {role}"
        ));
        return Err(("rights", failure, since));
    }
    let extension =
        postgres::extension(connection, database).await.map_err(|failure| ("rights", failure, since))?;
    creatable(database, extension, None).map_err(|failure| ("rights", failure, since))?;
    verdict.pass("rights", "may create the database and uuid-ossp", since);
    let state = format!("no database `{}` yet", database.name);
    verdict.tell(&state);
    verdict.pass("database", state, since);
    Ok(())
}

/// May the user create the extension? `create` is its right in the database, unknown before there is one.
fn creatable(database: &Database, extension: Extension, create: Option<bool>) -> Result<(), Failure> {
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
            postgres::quote_identifier(&database.name),
            postgres::quote_identifier(user)
        ))),
        Extension::NeedsSuperuser => Err(Failure::new(
            Code::DbExtension,
            format!("only a superuser may create the extension `uuid-ossp` on {}", database.address),
        )
        .why("it is a trusted extension from PostgreSQL 13 on")
        .remedy("as a superuser, in the database: CREATE EXTENSION \"uuid-ossp\" WITH SCHEMA public")),
        Extension::Unavailable => Err(Failure::new(
            Code::DbExtension,
            format!("{} has no extension `uuid-ossp`", database.address),
        )
        .remedy("on the server: install PostgreSQL's contrib modules (Debian: apt-get install postgresql-contrib)")),
    }
}

/// Something else than PostgreSQL answers.
fn stranger(database: &Database, greeting: &Greeting) -> Failure {
    let address = &database.address;
    let at = |what: &str| Failure::new(Code::DbProtocol, format!("{address} is not PostgreSQL: {what}"));
    let port =
        "mend the port in `database.address`; PostgreSQL's usual one is 5432, the development setup's 8100";
    match greeting {
        Greeting::Silent => {
            Failure::new(Code::DbTimeout, format!("{address} accepts connections and answers nothing"))
                .why("a stopped process, or a program that waits for something else")
                .remedy(format!("look what listens there (`ss -ltnp`), and {port}"))
        }
        Greeting::Closed => at("it closes the connection at once").remedy(port),
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
    use crate::guide::Address;

    fn database() -> Database {
        Database {
            address: Address { host: "db-01".into(), port: 5432 },
            name: "backend".into(),
            user: "baiadmin".into(),
            password: "x".into(),
            sslmode: SslMode::Prefer,
        }
    }

    #[test]
    fn old_servers_and_extensions() {
        let judge = |number, text| {
            judge_server(&database(), number, text, true, "UTF8").map_err(|failure| failure.code)
        };
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

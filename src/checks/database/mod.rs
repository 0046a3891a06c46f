//! PostgreSQL: version, encoding, the database, the rights, its revision.

mod judge;
mod usable;

use std::time::Instant;

use async_trait::async_trait;
use sqlx::PgConnection;

use crate::{
    failure::{Code, Failure},
    guide::{Database, SslMode},
    schema::{Found, Revision, Schema},
    services::{
        net::{self, Greeting},
        postgres::{self, Refused, Server, Transaction},
    },
    workflow::{Ladder, Rung},
    world::World,
};

use super::check::{Check, CheckAbout, FailedRung, reach};

static ABOUT: CheckAbout = CheckAbout {
    id: "database",
    title: "PostgreSQL",
    summary: "version, encoding, the database or the right to create it, the extension, its revision",
    sections: &["database"],
    is_server: true,
};

/// The check.
pub struct DatabaseCheck;

#[async_trait]
impl Check for DatabaseCheck {
    fn about(&self) -> &'static CheckAbout {
        &ABOUT
    }

    async fn probe(&self, world: &World, ladder: &Ladder) {
        let climbed = match world.settings.database() {
            Ok(database) => climb(ladder, database, world).await,
            Err(failure) => Err(("answers", failure, Instant::now())),
        };
        if let Err((rung, failure, since)) = climbed {
            ladder.note(rung, failure, since);
        }
    }
}

async fn climb(ladder: &Ladder, database: &Database, world: &World) -> Result<(), FailedRung> {
    let address = &database.address;
    let (mut stream, socket) = reach(ladder, &net::POSTGRES, address, database.limits).await?;

    let since = Instant::now();
    let greeting = net::greet_postgres(&mut stream, database.limits).await;
    // It goes on without TLS on this connection, so its next answer can be judged before the library speaks to it.
    let plain = (greeting == Greeting::PostgresPlain).then_some(stream);
    match (greeting, database.sslmode) {
        (Greeting::PostgresTls | Greeting::PostgresPlain, SslMode::Disable) => {
            ladder.not_needed("TLS", "switched off by `database.sslmode`");
        }
        (Greeting::PostgresTls, _) => ladder.pass("TLS", "offered and used", since),
        (Greeting::PostgresPlain, SslMode::Prefer) => ladder.not_needed("TLS", "the server offers none"),
        (Greeting::PostgresPlain, SslMode::Require) => {
            let failure = Failure::new(Code::DbTls, format!("{address} offers no TLS"))
                .why("`database.sslmode` is `require`")
                .remedy("set `ssl = on` in postgresql.conf, or `database.sslmode: prefer`");
            return Err(("TLS", failure, since));
        }
        (Greeting::Silent, _) if net::speaks_http2(socket, database.limits).await => {
            return Err(("server", judge::stranger(database, &Greeting::Http2), since));
        }
        (other, _) => return Err(("server", judge::stranger(database, &other), since)),
    }

    let since = Instant::now();
    let at = |rung| move |failure| (rung, failure, since);
    let connected = match plain {
        Some(stream) => postgres::connect_judged(database, stream).await,
        None => postgres::connect_target(database).await,
    };
    let (connection, elsewhere) = match connected {
        Ok(connection) => (connection, None),
        Err(Refused { failure, is_of_database: true }) => {
            entered_elsewhere(database, failure).await.map_err(at("sign in"))?
        }
        Err(Refused { failure, .. }) => return Err(at("sign in")(failure)),
    };
    let whereto = elsewhere.as_ref().map_or_else(String::new, |name| format!(", in database {name}"));
    ladder.pass("sign in", format!("as {}{whereto}", database.user), since);

    let mut look = Transaction::begin(connection, database).await.map_err(at("server"))?;
    let climbed = inside(ladder, &mut look, database, world, elsewhere.as_deref()).await;
    match climbed {
        Ok(()) => world.connections.keep(look, elsewhere.as_deref()).await,
        Err(_) => look.end().await,
    }
    climbed
}

/// Another database of the server lets us in: where the manager's is not there, all can be asked from it. Else
/// the failure says where the user may go.
async fn entered_elsewhere(
    database: &Database,
    refused: Failure,
) -> Result<(PgConnection, Option<String>), Failure> {
    let missing = refused.code == Code::DbMissing;
    match postgres::connect_elsewhere(database).await {
        Ok((connection, name)) if missing => Ok((connection, Some(name))),
        Ok((connection, name)) => {
            postgres::close(connection, database.limits).await;
            let why = refused.why.clone().map(|why| format!("{why}; ")).unwrap_or_default();
            Err(refused.why(format!("{why}database `{name}` lets `{}` in", database.user)))
        }
        Err(failure) if missing => {
            let why = refused.why.clone().map(|why| format!("{why}; ")).unwrap_or_default();
            let nowhere =
                format!("{why}and nowhere to create it from: {}", failure.why.unwrap_or(failure.what));
            let remedy = failure.remedy.unwrap_or_default();
            Err(refused.why(nowhere).remedy(remedy))
        }
        Err(_) => Err(refused),
    }
}

/// What the server says once we are in, in one transaction.
async fn inside(
    ladder: &Ladder,
    look: &mut PgConnection,
    database: &Database,
    world: &World,
    elsewhere: Option<&str>,
) -> Result<(), FailedRung> {
    let (address, identity) = (&database.address, &world.settings.identity);
    let since = Instant::now();
    let at = |rung| move |failure| (rung, failure, since);
    let server = postgres::server(look, database).await.map_err(at("server"))?;
    // A database that is yet to be made takes its encoding and collation from template1.
    let name = elsewhere.map_or(database.name.as_str(), |_| "template1");
    let encoding = postgres::encoding(look, database, name).await.map_err(at("server"))?.unwrap_or_default();
    let text = &server.version;
    judge::server(database, server.number, text, elsewhere.is_none(), &encoding).map_err(at("server"))?;
    let rung = Rung::passed("server", format!("PostgreSQL {text}, {encoding}"), since);
    ladder.tell(rung.telling(format!("{address}, PostgreSQL {text}")));

    let since = Instant::now();
    let at = |rung| move |failure| (rung, failure, since);
    match postgres::system(look, database).await.map_err(at("system"))? {
        Some(system) => {
            if let Some(expected) = identity.other_system(system) {
                return Err(at("system")(judge::other_system(database, system, expected)));
            }
            let _ = world.system.set(system.to_string());
            ladder.pass("system", system.to_string(), since);
        }
        None if identity.tells_system() => return Err(at("system")(judge::system_untold(database))),
        None => ladder.not_needed("system", "the user may not ask for its identifier"),
    }

    let since = Instant::now();
    let at = |rung| move |failure| (rung, failure, since);
    if let Some(why) = postgres::read_only(look, database).await.map_err(at("writes"))? {
        return Err(at("writes")(judge::read_only(database, why, elsewhere)));
    }
    let sessions = postgres::sessions(look, database).await.map_err(at("writes"))?;
    judge::sessions(database, &sessions).map_err(at("writes"))?;
    let collation = postgres::collation(look, database, &server, name).await.map_err(at("writes"))?;
    if let Some(failure) = collation.map(|found| judge::collation(database, &found, elsewhere.is_none())) {
        if !failure.is_warning() {
            return Err(at("writes")(failure));
        }
        ladder.note("writes", failure, since);
    } else {
        ladder.pass("writes", "takes writes", since);
    }
    match elsewhere {
        None => existing(ladder, look, database, &server, &world.guide().schema).await,
        Some(_) => absent(ladder, look, database, &server).await,
    }
}

/// The database is there: revision, rights in it, extension, and whether the manager could use it.
async fn existing(
    ladder: &Ladder,
    look: &mut PgConnection,
    database: &Database,
    server: &Server,
    schema: &'static Schema,
) -> Result<(), FailedRung> {
    let since = Instant::now();
    let at = |rung| move |failure| (rung, failure, since);
    let standing = postgres::standing(look, database, schema).await.map_err(at("database"))?;
    let (found, state) = match standing.judge(&database.name, &database.user) {
        Found::Conflict(failure) => return Err(at("database")(failure)),
        Found::Head => (Found::Head, format!("`{}` is at the head, {}", database.name, schema.head)),
        Found::Older(old) => (Found::Older(old), older(database, schema, old)),
        Found::Fresh => (Found::Fresh, format!("`{}` is there, without the manager's tables", database.name)),
    };
    let rights = postgres::rights(look, database, server).await.map_err(at("rights"))?;
    if let Found::Head = found {
        let tables: Vec<&str> = schema.head_tables().collect();
        let usable = postgres::use_of_schema(look, database, &tables).await.map_err(at("rights"))?;
        usable::usable(database, &usable).map_err(at("rights"))?;
        ladder.pass("rights", "may read and write all tables", since);
    } else if let Found::Older(old) = found {
        let usable =
            postgres::use_of_schema(look, database, &schema.tables_at(old)).await.map_err(at("rights"))?;
        // Whoever gets the tables can use them.
        postgres::may_upgrade(look, database, schema, old).await.map_err(at("rights"))?;
        usable::usable(database, &usable).map_err(at("rights"))?;
        let names = schema.relations_after(old);
        let clashes = postgres::clashes(look, database, &names, &[]).await.map_err(at("rights"))?;
        judge::clashes(database, &clashes, &rights).map_err(at("rights"))?;
        ladder.pass("rights", "may upgrade and use all tables", since);
    } else {
        usable::installable(database, &rights).map_err(at("rights"))?;
        let tables: Vec<&str> = schema.head_tables().collect();
        let shadows = postgres::shadows(look, database, &tables).await.map_err(at("rights"))?;
        usable::shadowed(database, &shadows).map_err(at("rights"))?;
        let names = schema.head_relations();
        let clashes = postgres::clashes(look, database, &names, schema.types).await.map_err(at("rights"))?;
        judge::clashes(database, &clashes, &rights).map_err(at("rights"))?;
        let told = match rights.extension_schema {
            Some(_) => "may create tables, uuid-ossp is there",
            None => "may create tables and uuid-ossp",
        };
        ladder.pass("rights", told, since);
    }
    ladder.tell(Rung::passed("database", &state, since).telling(&state));
    Ok(())
}

/// A database at an older revision, in words.
fn older(database: &Database, schema: &Schema, old: &Revision) -> String {
    let steps = schema.way_from(old).len();
    let revisions = if steps == 1 { "1 revision".to_owned() } else { format!("{steps} revisions") };
    format!("`{}` is at {}, {revisions} before the head", database.name, old.id)
}

/// The database is not there: the right to create it, and the extension.
async fn absent(
    ladder: &Ladder,
    look: &mut PgConnection,
    database: &Database,
    server: &Server,
) -> Result<(), FailedRung> {
    let since = Instant::now();
    let at = |rung| move |failure| (rung, failure, since);
    if !postgres::may_create_database(look, database).await.map_err(at("rights"))? {
        return Err(at("rights")(judge::no_createdb(database)));
    }
    let extension = postgres::extension(look, database, server).await.map_err(at("rights"))?;
    judge::creatable(database, extension, None).map_err(at("rights"))?;
    ladder.pass("rights", "may create the database and uuid-ossp", since);
    let state = format!("no database `{}` yet", database.name);
    ladder.tell(Rung::passed("database", &state, since).telling(&state));
    Ok(())
}

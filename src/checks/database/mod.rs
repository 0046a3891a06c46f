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
        postgres::{self, Extension, Refused, Server, Transaction},
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

    // A database that is yet to be made takes its encoding and collation from template1.
    let of = elsewhere.as_ref().map_or(database.name.as_str(), |_| "template1");
    let questions = (postgres::server(), postgres::encoding(of));
    // Else what another run commits in between would look like somebody else's.
    let begun = Transaction::begin_snapshot_with(connection, database, questions).await;
    let (mut look, (server, encoding)) = begun.map_err(at("server"))?;
    let found = (server, encoding.unwrap_or_default());
    let climbed = inside(ladder, &mut look, database, world, elsewhere.as_deref(), found).await;
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
    (server, encoding): (Server, String),
) -> Result<(), FailedRung> {
    let (address, identity) = (&database.address, &world.settings.identity);
    let since = Instant::now();
    let at = |rung| move |failure| (rung, failure, since);
    let text = &server.version;
    judge::server(database, server.number, text, elsewhere.is_none(), &encoding).map_err(at("server"))?;
    let rung = Rung::passed("server", format!("PostgreSQL {text}, {encoding}"), since);
    ladder.tell(rung.telling(format!("{address}, PostgreSQL {text}")));

    let of = elsewhere.map_or(database.name.as_str(), |_| "template1");
    let questions = (
        server.tells_system.then(postgres::system),
        (postgres::read_only(), postgres::sessions(database), postgres::collation(&server, of)),
        elsewhere.map(|_| (postgres::may_create_database(), postgres::extension())),
    );
    let answers = postgres::together(look, database, questions).await.map_err(at("server"))?;
    let (system, (read_only, sessions, collation), creation) = answers;
    match system {
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
    if let Some(why) = read_only {
        return Err(at("writes")(judge::read_only(database, why, elsewhere)));
    }
    judge::sessions(database, &sessions).map_err(at("writes"))?;
    let collation = collation.flatten();
    if let Some(failure) = collation.map(|found| judge::collation(database, &found, elsewhere.is_none())) {
        if !failure.is_warning() {
            return Err(at("writes")(failure));
        }
        ladder.note("writes", failure, since);
    } else {
        ladder.pass("writes", "takes writes", since);
    }
    match creation {
        None => existing(ladder, look, database, &world.guide().schema).await,
        Some((may_create, extension)) => {
            absent(ladder, database, may_create, extension, since).map_err(at("rights"))
        }
    }
}

/// The database is there: revision, rights in it, extension, and whether the manager could use it.
async fn existing(
    ladder: &Ladder,
    look: &mut PgConnection,
    database: &Database,
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
    let tables: Vec<&str> = schema.head_tables().collect();
    if let Found::Head = found {
        let questions = postgres::use_of_schema(&tables);
        let found = postgres::together(look, database, questions).await.map_err(at("rights"))?;
        usable::usable(database, &found).map_err(at("rights"))?;
        ladder.pass("rights", "may read and write all tables", since);
    } else if let Found::Older(old) = found {
        let clashes = postgres::clashes(&schema.relations_after(old), &[]);
        let questions = (postgres::use_of_schema(&schema.tables_at(old)), postgres::rights(), clashes);
        let answers = postgres::together(look, database, questions).await.map_err(at("rights"))?;
        let (found, rights, clashes) = answers;
        // Whoever gets the tables can use them.
        postgres::may_upgrade(look, database, schema, old).await.map_err(at("rights"))?;
        usable::usable(database, &found).map_err(at("rights"))?;
        judge::clashes(database, &clashes, &rights).map_err(at("rights"))?;
        ladder.pass("rights", "may upgrade and use all tables", since);
    } else {
        let clashes = postgres::clashes(&schema.head_relations(), schema.types);
        let questions = (postgres::rights(), postgres::shadows(&tables), clashes);
        let answers = postgres::together(look, database, questions).await.map_err(at("rights"))?;
        let (rights, shadows, clashes) = answers;
        usable::installable(database, &rights).map_err(at("rights"))?;
        usable::shadowed(database, &shadows).map_err(at("rights"))?;
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
fn absent(
    ladder: &Ladder,
    database: &Database,
    may_create: bool,
    extension: Extension,
    since: Instant,
) -> Result<(), Failure> {
    if !may_create {
        return Err(judge::no_createdb(database));
    }
    judge::creatable(database, extension, None)?;
    ladder.pass("rights", "may create the database and uuid-ossp", since);
    let state = format!("no database `{}` yet", database.name);
    ladder.tell(Rung::passed("database", &state, since).telling(&state));
    Ok(())
}

//! `install-schema`: the schema and its alembic revision, in one transaction.

use async_trait::async_trait;
use sqlx::{Connection, PgConnection};

use crate::{
    failure::{Code, Failure},
    guide::Database,
    schema::{self, HEAD},
    services::{
        limit,
        postgres::{self, Standing, ask},
        seconds,
    },
    workflow::{About, Change, Context, Done, Lane, Stage, State},
    world::World,
};

use super::{create_database, keys::count};

pub(super) static ABOUT: About = About {
    id: "install-schema",
    title: "Schema",
    summary: "the schema and its alembic revision, in one transaction",
    sections: &["database"],
    checks: &["database"],
    lane: Lane::Database,
};

pub(super) struct InstallSchema;

/// Two setups of one database wait for each other on this number: "backend" on a telephone's keys.
const LOCK: i64 = 2_225_363;

/// What the database is, as far as the schema is concerned.
enum Found {
    Fresh,
    Head,
    Conflict(Failure),
}

async fn look(connection: &mut PgConnection, database: &Database) -> Result<Found, Failure> {
    let standing = postgres::standing(connection, database, schema::TABLES, schema::TYPES).await?;
    Ok(judge(&standing, &database.name))
}

/// `upstream.md`, Database: fresh, at the head, or one of the conflicts.
fn judge(standing: &Standing, name: &str) -> Found {
    let revisions = standing.revisions.as_deref().unwrap_or_default();
    let there: Vec<&str> = standing.tables.iter().chain(&standing.types).map(String::as_str).collect();
    let conflict = |code, what: String, why: String, remedy: &str| {
        Found::Conflict(Failure::new(code, what).why(why).remedy(remedy))
    };
    match revisions {
        [] if there.is_empty() => Found::Fresh,
        [] => conflict(
            Code::DbUnmanaged,
            format!("database `{name}` has the manager's tables or types, but no revision"),
            format!("it has {}", there.join(", ")),
            "stamp the revision with alembic if you know it, set another `database.name`, or drop what a failed try left",
        ),
        [revision] if revision == HEAD => {
            let missing: Vec<_> = schema::head_tables()
                .filter(|table| *table != "alembic_version" && !there.contains(table))
                .chain(schema::TYPES.iter().copied().filter(|kind| !there.contains(kind)))
                .collect();
            if missing.is_empty() {
                Found::Head
            } else {
                conflict(
                    Code::DbShape,
                    format!("database `{name}` is at revision {HEAD}, but parts of it are missing"),
                    format!("it lacks {}", missing.join(", ")),
                    "restore a backup, or set another `database.name`",
                )
            }
        }
        [revision] => match schema::chain().find(|known| known.id == revision) {
            Some(old) => conflict(
                Code::DbOld,
                format!(
                    "database `{name}` is at revision {revision}, number {} of {}",
                    old.number,
                    schema::chain().count()
                ),
                format!(
                    "`{}`; the head is {HEAD}, and this version does not climb from older revisions",
                    old.title
                ),
                "upgrade it with the manager's own alembic (`alembic upgrade head`), or set another `database.name`",
            ),
            None => conflict(
                Code::DbRevision,
                format!("database `{name}` is at revision {revision}, which is not known here"),
                format!("the schema belongs to another program or a newer manager; the head is {HEAD}"),
                "set another `database.name`, or use the alembic that made it",
            ),
        },
        several => conflict(
            Code::DbRevision,
            format!("database `{name}` is at {} revisions at once", several.len()),
            format!("alembic_version holds {}", several.join(", ")),
            "mend `alembic_version` with the alembic that made it, or set another `database.name`",
        ),
    }
}

fn changes() -> Vec<Change> {
    schema::statements()
        .map(|statement| Change::Statement { what: statement.what.to_owned(), sql: statement.sql.to_owned() })
        .chain([Change::Row { table: "alembic_version".into(), what: HEAD.into() }])
        .collect()
}

#[async_trait]
impl Stage<World> for InstallSchema {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<State, Failure> {
        let database = cx.world.settings.database()?;
        let mut connection = match cx.world.database().await {
            Ok(connection) => connection,
            Err(failure) if failure.code == Code::DbMissing => {
                if cx.expects(create_database::ABOUT.id) {
                    return Ok(State::Pending(changes()));
                }
                return Err(Failure::new(
                    Code::StageNeeds,
                    format!("database `{}` is not there yet", database.name),
                )
                .remedy(format!("run `{}` first, or all stages", create_database::ABOUT.id)));
            }
            Err(failure) => return Err(failure),
        };
        Ok(match look(&mut connection, database).await? {
            Found::Fresh => State::Pending(changes()),
            Found::Head => State::Done(format!("at revision {HEAD}")),
            Found::Conflict(failure) => State::Conflict(failure),
        })
    }

    async fn run(&self, cx: &Context<World>) -> Result<Done, Failure> {
        let database = cx.world.settings.database()?;
        let mut connection = cx.world.database().await?;
        cx.log(format!("connected to {} as {}", database.address, database.user)).await;
        let failed =
            |error: &sqlx::Error, what: &str| state(postgres::explain(error, database, what), &database.name);
        let mut transaction =
            connection.begin().await.map_err(|error| failed(&error, "the beginning of the transaction"))?;
        lock(cx, &mut transaction, database).await?;
        match look(&mut transaction, database).await? {
            Found::Fresh => cx.log("fresh database detected").await,
            Found::Head => {
                return Ok(Done { summary: format!("another run brought it to {HEAD}"), changes: 0 });
            }
            Found::Conflict(failure) => return Err(failure),
        }
        let total = schema::statements().count() + 1;
        for (number, statement) in schema::statements().enumerate() {
            cx.checkpoint()?;
            ask(database, statement.what, sqlx::raw_sql(statement.sql).execute(&mut *transaction))
                .await
                .map_err(|failure| state(failure, &database.name))?;
            cx.log(statement.what).await;
            cx.progress(number + 1, total).await;
        }
        let stamp = sqlx::query("INSERT INTO public.alembic_version (version_num) VALUES ($1)").bind(HEAD);
        ask(database, "the stamp of the revision", stamp.execute(&mut *transaction))
            .await
            .map_err(|failure| state(failure, &database.name))?;
        cx.log(format!("revision {HEAD} stamped")).await;
        cx.progress(total, total).await;
        cx.checkpoint()?;
        cx.written(ask(database, "the commit", transaction.commit()).await)?;
        let tables = schema::head_tables().count();
        Ok(Done { summary: format!("{}, at revision {HEAD}", count(tables, "table")), changes: total })
    }
}

/// Waits a bounded time for another setup of this database; let go with the transaction.
pub(super) async fn lock(
    cx: &Context<World>,
    connection: &mut PgConnection,
    database: &Database,
) -> Result<(), Failure> {
    let patience = limit(5);
    let limited = format!("SET LOCAL lock_timeout = {}", patience.as_millis());
    let limited = sqlx::raw_sql(sqlx::AssertSqlSafe(limited)).execute(&mut *connection);
    ask(database, "the time limit of the lock", limited).await?;
    let taken = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *connection);
    match cx.wait(taken).await? {
        Ok(_) => {}
        Err(error) if error.as_database_error().and_then(|said| said.code()).as_deref() == Some("55P03") => {
            return Err(Failure::new(
                Code::DbBusy,
                format!("another setup is working on database `{}`", database.name),
            )
            .why(format!("it has held the lock for more than {}", seconds(patience)))
            .remedy("wait for it to end, then run again"));
        }
        Err(error) => return Err(postgres::explain(&error, database, "the lock")),
    }
    let unlimited = sqlx::raw_sql("SET LOCAL lock_timeout = '0'").execute(connection);
    ask(database, "the time limit of the lock", unlimited).await.map(drop)
}

/// One transaction for all of it: whatever fails, the database is as it was.
fn state(failure: Failure, name: &str) -> Failure {
    let why = failure.why.clone().map(|why| format!("{why}; ")).unwrap_or_default();
    failure.why(format!("{why}rolled back, `{name}` is as it was before this stage"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(revisions: Option<&[&str]>, tables: &[&str], types: &[&str]) -> Standing {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Standing { revisions: revisions.map(own), tables: own(tables), types: own(types) }
    }

    fn code(standing: &Standing) -> &'static str {
        match judge(standing, "backend") {
            Found::Fresh => "fresh",
            Found::Head => "head",
            Found::Conflict(failure) => failure.code.as_str(),
        }
    }

    #[test]
    fn what_a_database_is() {
        let head: Vec<_> = schema::head_tables().filter(|table| *table != "alembic_version").collect();
        assert_eq!(code(&standing(None, &[], &[])), "fresh");
        assert_eq!(code(&standing(Some(&[]), &[], &[])), "fresh");
        assert_eq!(code(&standing(None, &["agents"], &[])), "E-DB-UNMANAGED");
        assert_eq!(code(&standing(Some(&[]), &[], &["kernelstatus"])), "E-DB-UNMANAGED");
        assert_eq!(code(&standing(Some(&[HEAD]), &head, schema::TYPES)), "head");
        assert_eq!(code(&standing(Some(&[HEAD]), &head[1..], schema::TYPES)), "E-DB-SHAPE");
        assert_eq!(code(&standing(Some(&["185852ff9872"]), &head, &[])), "E-DB-OLD");
        assert_eq!(code(&standing(Some(&["0123456789ab"]), &[], &[])), "E-DB-REVISION");
        assert_eq!(code(&standing(Some(&[HEAD, "185852ff9872"]), &head, &[])), "E-DB-REVISION");
    }
}

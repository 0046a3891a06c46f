//! The database: it goes where this program made it and nothing of others is in it.

use sqlx::{AssertSqlSafe, PgConnection};
use tokio::time::timeout;

use crate::{
    failure::{Code, Failure},
    guide::Database,
    journal::{Entry, Intent, JournaledRun},
    schema::quote_identifier,
    services::postgres::{self, ask, scalar, unnamed},
    stages::install_schema,
    workflow::{Change, Context, StagePlan},
    world::World,
};

use super::{
    looked::Looked,
    schema::{self, Hindrance},
};

/// Objects that were made in this database, beyond what every database has, the manager's schema and what belongs to an
/// extension: `$1` are the relations and `$2` the types of the schema.
const OTHERS: &str = "\
    WITH own AS (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY($1)), \
    extended AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e') \
    SELECT what FROM ( \
      SELECT 'relation ' || c.relname AS what, c.tableoid, c.oid FROM pg_class c \
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND c.oid NOT IN (SELECT oid FROM own) \
        AND c.relnamespace <> 'pg_toast'::regnamespace AND NOT EXISTS (SELECT 1 FROM pg_depend d \
          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') \
          AND d.refobjid IN (SELECT oid FROM own)) \
      UNION ALL SELECT 'function ' || proname, tableoid, oid FROM pg_proc \
      UNION ALL SELECT 'type ' || typname, tableoid, oid FROM pg_type WHERE typtype IN ('e', 'd', 'r') \
        AND NOT (typnamespace = 'public'::regnamespace AND typname = ANY($2)) \
      UNION ALL SELECT 'schema ' || nspname, tableoid, oid FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_' \
      UNION ALL SELECT 'extension ' || extname, tableoid, oid FROM pg_extension WHERE extname <> 'uuid-ossp' \
      UNION ALL SELECT 'operator ' || oprname, tableoid, oid FROM pg_operator \
      UNION ALL SELECT 'collation ' || collname, tableoid, oid FROM pg_collation \
      UNION ALL SELECT 'text search configuration ' || cfgname, tableoid, oid FROM pg_ts_config \
      UNION ALL SELECT 'event trigger ' || evtname, tableoid, oid FROM pg_event_trigger \
      UNION ALL SELECT 'publication ' || pubname, tableoid, oid FROM pg_publication \
      UNION ALL SELECT 'foreign server ' || srvname, tableoid, oid FROM pg_foreign_server \
      UNION ALL SELECT 'large object ' || oid, tableoid, oid FROM pg_largeobject_metadata \
    ) found WHERE oid >= 16384 AND (tableoid, oid) NOT IN (SELECT classid, objid FROM extended) \
    ORDER BY what LIMIT 1";

fn made(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| matches!(entry, Entry::Database { .. }))
}

/// Why the database stays; none when it can go.
async fn hindrance(
    cx: &Context<World>,
    connection: &mut PgConnection,
    run: &JournaledRun,
) -> Result<Option<String>, Failure> {
    let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
    let what = "the search for what is in the database";
    let owner = "SELECT pg_has_role(datdba, 'MEMBER') FROM pg_database WHERE datname = current_database()";
    if !ask(database, what, scalar::<bool>(owner).fetch_one(&mut *connection)).await? {
        return Ok(Some("another role owns it by now".into()));
    }
    // A schema is in the way unless it goes before.
    let revision = cx.world.guide().schema.head;
    if let Some(Hindrance::Kept(why)) = kept_schema(cx, connection, run, revision).await? {
        return Ok(Some(why));
    }
    let (relations, types): (Vec<&str>, &[&str]) = (schema.head_relations(), schema.types);
    let found = unnamed(OTHERS).bind(relations).bind(types).fetch_optional(&mut *connection);
    let found = ask(database, what, found).await?;
    Ok(found.map(|row| {
        let other: String = sqlx::Row::get(&row, 0);
        format!("it holds {other}, which is not of this program")
    }))
}

async fn kept_schema(
    cx: &Context<World>,
    connection: &mut PgConnection,
    run: &JournaledRun,
    revision: &str,
) -> Result<Option<Hindrance>, Failure> {
    let found = schema::standing(cx, connection, run, revision).await?;
    Ok(match found {
        None if !cx.expects(install_schema::ABOUT.id) => {
            Some(Hindrance::Kept("the schema stays in it".into()))
        }
        other => other,
    })
}

pub(super) async fn look(
    cx: &Context<World>,
    run: &JournaledRun,
    entries: &[Entry],
) -> Result<Looked, Failure> {
    let mut looked = Looked::default();
    if !made(entries) {
        return Ok(looked);
    }
    let database = cx.world.settings.database()?;
    let mut look = match cx.world.transaction_if_there().await? {
        Some(look) => look,
        // The server may still be making it for a run that was killed.
        None if postgres::created_meanwhile(database).await? => cx.world.transaction().await?,
        None => return Ok(looked),
    };
    let found = hindrance(cx, &mut look, run).await;
    match look.ended(found).await? {
        None => looked.changes.push(Change::Database { name: database.name.clone(), is_removed: true }),
        Some(why) => looked.keep(format!("database `{}` is kept", database.name), why),
    }
    Ok(looked)
}

pub(super) async fn apply(cx: &Context<World>, plan: &StagePlan, run: &JournaledRun) -> Result<(), Failure> {
    if !plan.changes.iter().any(|change| matches!(change, Change::Database { .. })) {
        return Ok(());
    }
    let database = cx.world.settings.database()?;
    let mut look = cx.world.transaction().await?;
    let hindrance = hindrance(cx, &mut look, run).await;
    if let Some(why) = look.ended(hindrance).await? {
        let what = format!("database `{}` changed after the plan was made", database.name);
        return Err(Failure::stale(what, why));
    }
    // No session of ours may be in it.
    cx.world.connections.hang_up(database).await;
    let mut connection = cx.world.connections.elsewhere(database).await?;
    cx.checkpoint()?;
    cx.world.locks.leave_database().await;
    let sql = format!("DROP DATABASE {}", quote_identifier(&database.name));
    let limit = database.limits.creation();
    let removal = async {
        match timeout(limit, sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if postgres::sqlstate(&error).as_deref() == Some("55006") => Err(in_use(database)),
            Ok(Err(error)) => Err(postgres::explain(&error, database, "the removal of the database")),
            Err(_) => Err(postgres::silent(database, "the removal of the database", limit)),
        }
    };
    cx.write(&Intent::unrecorded(), 0..0, removal).await?;
    cx.log(format!("{} removed", database.name)).await;
    postgres::close(connection, database.limits).await;
    Ok(())
}

fn in_use(database: &Database) -> Failure {
    let name = &database.name;
    Failure::new(Code::DbRefused, format!("database `{name}` is in use"))
        .why("another session is connected to it")
        .remedy(format!(
            "stop the manager, or close that session (`SELECT pid FROM pg_stat_activity WHERE datname = '{name}'`), then undo again"
        ))
}

//! The schema: a freshly installed one goes, while its tables hold nothing but rows that go with it.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    failure::Failure,
    guide::Database,
    journal::{Entry, Intent, JournaledRun},
    schema::{self, Schema, quote_identifier},
    services::postgres::{self, ask, scalar},
    stages::populate_fixtures,
    workflow::{Change, Context, StagePlan},
    world::World,
};

use super::{looked::Looked, rows};

const EXTENSION: &str = "DROP EXTENSION \"uuid-ossp\"";

/// What the run installed; whether the extension was there before.
fn installed(entries: &[Entry]) -> Option<(&str, bool)> {
    entries.iter().find_map(|entry| match entry {
        Entry::Schema { revision, had_extension, .. } => Some((revision.as_str(), *had_extension)),
        _ => None,
    })
}

/// What the run upgraded: from which revision, and to which.
fn upgraded(entries: &[Entry]) -> Option<(&str, &str)> {
    entries.iter().find_map(|entry| match entry {
        Entry::Upgrade { from, to, .. } => Some((from.as_str(), to.as_str())),
        _ => None,
    })
}

/// The statements that remove a schema, each with what it removes.
fn statements(schema: &Schema, had_extension: bool) -> Vec<Change> {
    let list = |names: Vec<&str>| {
        let names = names.into_iter().map(|name| format!("public.{}", quote_identifier(name)));
        names.collect::<Vec<_>>().join(", ")
    };
    let tables: Vec<&str> = schema.head_tables().collect();
    let mut all = vec![
        (format!("{} tables", tables.len()), format!("DROP TABLE {}", list(tables))),
        (format!("types {}", schema.types.join(", ")), format!("DROP TYPE {}", list(schema.types.to_vec()))),
    ];
    if !had_extension {
        all.push(("extension uuid-ossp".into(), EXTENSION.into()));
    }
    all.into_iter().map(|(what, sql)| Change::Statement { what, sql }).collect()
}

/// Why the schema cannot go; none when it can. `ours` are the keypairs that go with it.
async fn hindrance(
    database: &Database,
    connection: &mut PgConnection,
    schema: &'static Schema,
    revision: &str,
    ours: &[String],
) -> Result<Option<Hindrance>, Failure> {
    let standing = postgres::standing(connection, database, schema).await?;
    match standing.judge(&database.name, &database.user) {
        schema::Found::Fresh => return Ok(Some(Hindrance::Gone)),
        schema::Found::Head if revision == schema.head => {}
        schema::Found::Head => return Ok(Some(Hindrance::Kept(format!("it is at {} by now", schema.head)))),
        schema::Found::Older(old) => return Ok(Some(Hindrance::Kept(format!("it is at {} by now", old.id)))),
        schema::Found::Conflict(failure) => return Ok(Some(Hindrance::Kept(failure.what))),
    }
    let tables = schema.head_tables().filter(|table| *table != "alembic_version");
    for table in tables {
        let name = format!("public.{}", quote_identifier(table));
        let others = if table == "keypairs" { " WHERE access_key <> ALL($1)" } else { "" };
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {name}{others})");
        let question = scalar::<bool>(&sql);
        let question = if others.is_empty() { question } else { question.bind(ours) };
        if ask(database, "the search for rows", question.fetch_one(&mut *connection)).await? {
            return Ok(Some(Hindrance::Kept(format!("table {table} holds rows that stay"))));
        }
    }
    Ok(None)
}

/// What stands between the schema and its removal.
pub(super) enum Hindrance {
    /// It is not there.
    Gone,
    /// It stays, and why.
    Kept(String),
}

/// The rows that go before the schema does, in this undo.
async fn going(
    cx: &Context<World>,
    database: &Database,
    connection: &mut PgConnection,
    run: &JournaledRun,
) -> Result<Vec<String>, Failure> {
    if !cx.expects(populate_fixtures::ABOUT.id) {
        return Ok(Vec::new());
    }
    let is_there = "SELECT to_regclass('public.keypairs') IS NOT NULL";
    if !ask(database, "the search for keypairs", scalar::<bool>(is_there).fetch_one(&mut *connection)).await?
    {
        return Ok(Vec::new());
    }
    rows::removable(database, connection, run.entries(populate_fixtures::ABOUT.id)).await
}

/// Why the schema of a run cannot go, as far as this undo is concerned; none when it goes.
pub(super) async fn standing(
    cx: &Context<World>,
    connection: &mut PgConnection,
    run: &JournaledRun,
    revision: &str,
) -> Result<Option<Hindrance>, Failure> {
    let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
    let ours = going(cx, database, connection, run).await?;
    hindrance(database, connection, schema, revision, &ours).await
}

pub(super) async fn look(
    cx: &Context<World>,
    run: &JournaledRun,
    entries: &[Entry],
) -> Result<Looked, Failure> {
    let mut looked = Looked::default();
    for entry in entries {
        match entry {
            Entry::Stamp { database, revision, .. } => looked.keep(
                format!("the stamp {revision} in database `{database}` is kept"),
                "it tells what the tables are",
            ),
            Entry::Repair { database, .. } => looked.keep(
                format!("the repair of the schema in database `{database}` is kept"),
                "without it the manager does not work",
            ),
            _ => {}
        }
    }
    let schema = &cx.world.guide().schema;
    // A run of other stages may have no answers for the database.
    if let Some((from, to)) = upgraded(entries) {
        looked.keep(
            format!("the schema in database `{}` is kept", cx.world.settings.database()?.name),
            format!(
                "the run upgraded it from {from} to {to}; to go back, restore the dump made before the run"
            ),
        );
        return Ok(looked);
    }
    let Some((revision, had_extension)) = installed(entries) else { return Ok(looked) };
    let database = cx.world.settings.database()?;
    let Some(mut look) = cx.world.transaction_if_there().await? else { return Ok(looked) };
    let found = standing(cx, &mut look, run, revision).await;
    match look.ended(found).await? {
        None => looked.changes = statements(schema, had_extension),
        Some(Hindrance::Gone) => {}
        Some(Hindrance::Kept(why)) => {
            looked.keep(format!("the schema in database `{}` is kept", database.name), why);
        }
    }
    Ok(looked)
}

pub(super) async fn apply(cx: &Context<World>, plan: &StagePlan, run: &JournaledRun) -> Result<(), Failure> {
    let statements: Vec<(&str, &str)> = plan
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::Statement { what, sql } => Some((what.as_str(), sql.as_str())),
            _ => None,
        })
        .collect();
    let Some((revision, _)) = installed(run.entries(plan.stage)).filter(|_| !statements.is_empty()) else {
        return Ok(());
    };
    let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
    let mut transaction = cx.world.transaction().await?;
    cx.wait(postgres::exclude_others(&mut transaction, database)).await??;
    // Nothing comes into the tables between the look and their end.
    let tables: Vec<String> =
        schema.head_tables().map(|table| format!("public.{}", quote_identifier(table))).collect();
    let patience = format!("SET LOCAL lock_timeout = {}", database.limits.lock().as_millis());
    let hold = format!("{patience}; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", tables.join(", "));
    let held = sqlx::raw_sql(AssertSqlSafe(hold)).execute(&mut *transaction);
    ask(database, "the lock of the tables", held).await?;
    let why = match hindrance(database, &mut transaction, schema, revision, &[]).await? {
        None => None,
        Some(Hindrance::Gone) => Some("it is not there any more".to_owned()),
        Some(Hindrance::Kept(why)) => Some(why),
    };
    if let Some(why) = why {
        return Err(Failure::stale(
            format!("database `{}` changed after the plan was made", database.name),
            why,
        ));
    }
    for (what, sql) in statements {
        cx.checkpoint()?;
        ask(database, what, sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction)).await?;
        cx.log(format!("{what} removed")).await;
    }
    cx.world.locks.stand(&mut transaction).await?;
    cx.write(&Intent::unrecorded(), 0..0, transaction.commit(database)).await
}

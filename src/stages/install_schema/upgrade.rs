//! An upgrade as a plan, what to know before it, and the tables for it alone.

use sqlx::PgConnection;

use crate::{
    failure::{Code, Failure, shell_word},
    guide::{Database, SslMode},
    schema::{Facts, Revision, Step, Upgrade},
    services::postgres::{self, Transaction},
    stages::keys::count,
    workflow::{Change, Context, Observed, StageId, StagePlan},
    world::World,
};

/// An upgrade that nothing is in the way of.
pub(super) struct Planned {
    pub(super) plan: StagePlan,
    /// That it cannot be undone, and what to do before.
    pub(super) remark: Failure,
}

/// Looks whether the database can be upgraded from this revision; the inner failure is a conflict.
pub(super) async fn look(
    world: &World,
    connection: &mut PgConnection,
    from: &'static Revision,
    stage: StageId,
) -> Result<Result<Planned, Failure>, Failure> {
    let (database, schema) = (world.settings.database()?, &world.guide().schema);
    if let Err(failure) = postgres::may_upgrade(connection, database, schema, from).await {
        return match failure.code {
            Code::DbRights | Code::DbOwner => Ok(Err(failure)),
            _ => Err(failure),
        };
    }
    let upgrade = Upgrade { schema, from, owners: world.owners(), drops: world.overwrite.usage };
    let facts = postgres::facts(connection, database, &upgrade).await?;
    let steps = match upgrade.steps(&database.name, &facts) {
        Ok(steps) => steps,
        Err(conflict) => return Ok(Err(conflict)),
    };
    let statement =
        |step: Step| Change::Statement { what: format!("{}: {}", step.revision, step.what), sql: step.sql };
    let stamp = Change::Row {
        table: "alembic_version".into(),
        what: format!("{} → {}", from.id, schema.head),
        is_new: false,
        is_removed: false,
    };
    let plan = StagePlan {
        observed: vec![Observed {
            what: format!("revision of database `{}`", database.name),
            fingerprint: from.id.to_owned(),
        }],
        ..StagePlan::new(stage, steps.into_iter().map(statement).chain([stamp]).collect())
    };
    Ok(Ok(Planned { plan, remark: remark(database, &upgrade, &facts) }))
}

/// Nothing brings an older revision back but a dump.
fn remark(database: &Database, upgrade: &Upgrade<'_>, facts: &Facts) -> Failure {
    let (schema, from) = (upgrade.schema, upgrade.from);
    let what = format!(
        "the upgrade of database `{}` by {}, from {} to {}, cannot be undone",
        database.name,
        count(schema.way_from(from).len(), "revision"),
        from.id,
        schema.head
    );
    let consequences = upgrade.consequences(facts);
    let remark = Failure::new(Code::DbUpgrade, what);
    let remark = if consequences.is_empty() { remark } else { remark.why(consequences.join("; ")) };
    remark.remedy(format!("before the upgrade: {}", dump(database, from)))
}

/// The command that dumps the database; what is as usual is left out.
fn dump(database: &Database, from: &Revision) -> String {
    let name = &database.name;
    let mut words = Vec::new();
    match database.sslmode {
        SslMode::Disable => words.push("PGSSLMODE=disable".to_owned()),
        SslMode::Require => words.push("PGSSLMODE=require".to_owned()),
        SslMode::Prefer => {}
    }
    words.push(format!("pg_dump -h {}", shell_word(&database.address.host)));
    if database.address.port != 5432 {
        words.push(format!("-p {}", database.address.port));
    }
    words.push(format!("-U {}", shell_word(&database.user)));
    // `=` and `://` would make a connection string of a name, and a dash an option.
    let is_plain = !name.contains('=') && !name.contains("://") && !name.starts_with('-');
    words.push(match is_plain {
        true => shell_word(name),
        false => {
            let quoted = name.replace('\\', r"\\").replace('\'', r"\'");
            format!("-d {}", shell_word(&format!("dbname='{quoted}'")))
        }
    });
    words.push(format!("> {}", shell_word(&format!("{}-{}.sql", name.replace('/', "_"), from.id))));
    words.join(" ")
}

/// Locks the manager's tables for this transaction. Where other sessions keep them in use, these are named.
pub(super) async fn alone(
    cx: &Context<World>,
    mut transaction: Transaction,
    from: &Revision,
) -> Result<Transaction, Failure> {
    let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
    let tables = schema.tables_at(from);
    if cx.wait(postgres::lock_tables(&mut transaction, database, &tables)).await?? {
        cx.log(format!("{} locked", count(tables.len(), "table"))).await;
        return Ok(transaction);
    }
    transaction.end().await;
    let mut look = cx.world.transaction().await?;
    let users = postgres::in_use(&mut look, database, &tables, cx.world.surroundings.clock).await;
    Err(look.ended(users).await?)
}

//! `install-schema`: the schema and its alembic revision, in one transaction.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    failure::{Code, Failure},
    guide::Database,
    journal::Entry,
    schema::{self, Schema},
    services::postgres::{self, ask, unnamed},
    workflow::{About, Certainty, Change, Context, Done, Found, Stage, StagePlan, Written},
    world::World,
};

use super::{LOOKS, create_database, keys::count, worked};

pub(super) static ABOUT: About = About {
    id: "install-schema",
    title: "Schema",
    summary: "the schema and its alembic revision, in one transaction",
    sections: &["database"],
    checks: &["database"],
    after: &[create_database::ABOUT.id],
    files: &[],
    flags: &[],
};

/// The stage.
pub struct InstallSchema;

async fn look(
    connection: &mut PgConnection,
    database: &Database,
    schema: &'static Schema,
) -> Result<schema::Found, Failure> {
    let standing = postgres::standing(connection, database, schema).await?;
    Ok(standing.judge(&database.name, &database.user))
}

fn plan(schema: &Schema) -> StagePlan {
    let changes = schema
        .statements()
        .map(|statement| Change::Statement { what: statement.what.to_owned(), sql: statement.sql.to_owned() })
        .chain([Change::Row {
            table: "alembic_version".into(),
            what: schema.head.into(),
            is_new: true,
            is_removed: false,
        }])
        .collect();
    StagePlan::new(ABOUT.id, changes)
}

fn installed(schema: &Schema) -> Done {
    let tables = schema.head_tables().count();
    let summary = format!("{}, at revision {}", count(tables, "table"), schema.head);
    Done { summary, changes: schema.statements().count() + 1 }
}

impl InstallSchema {
    async fn look(cx: &Context<World>) -> Result<Found, Failure> {
        let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
        let mut session = match cx.world.transaction().await {
            Ok(session) => session,
            Err(failure) if failure.code == Code::DbMissing => {
                if cx.expects(create_database::ABOUT.id) {
                    return Ok(Found::Pending(plan(schema)));
                }
                return Err(Failure::new(
                    Code::StageNeeds,
                    format!("database `{}` is not there yet", database.name),
                )
                .remedy(format!("run `{}` first, or all stages", create_database::ABOUT.id)));
            }
            Err(failure) => return Err(failure),
        };
        let found = look(&mut session, database, schema).await;
        Ok(match session.ended(found).await? {
            schema::Found::Fresh => Found::Pending(plan(schema)),
            schema::Found::Head => Found::Done(format!("at revision {}", schema.head)),
            schema::Found::Conflict(failure) => Found::Conflict(failure),
        })
    }

    /// Everything in one transaction, once; `again` after a connection that was lost, when the schema there may be of our
    /// own making.
    async fn install(cx: &Context<World>, plan: &StagePlan, again: bool) -> Result<Done, Failure> {
        let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
        cx.wait(cx.world.locks.hold_database()).await??;
        let mut transaction = cx.world.transaction().await?;
        cx.log(format!("connected to {} as {}", database.address, database.user)).await;
        cx.wait(postgres::exclude_others(&mut transaction, database)).await??;
        match look(&mut transaction, database, schema).await? {
            schema::Found::Fresh => cx.log("fresh database detected").await,
            schema::Found::Head if again => return Ok(installed(schema)),
            schema::Found::Head => {
                return Ok(Done {
                    summary: format!("another run brought it to {}", schema.head),
                    changes: 0,
                });
            }
            schema::Found::Conflict(failure) => return Err(no_longer_fresh(&failure, database)),
        }
        let entry = Entry::Schema {
            database: database.name.clone(),
            revision: schema.head.to_owned(),
            had_extension: postgres::together(&mut transaction, database, postgres::has_extension()).await?,
        };
        let total = plan.changes.len();
        let statements = plan.changes.iter().filter_map(|change| match change {
            Change::Statement { what, sql } => Some((what.as_str(), sql.as_str())),
            _ => None,
        });
        for (number, (what, sql)) in statements.enumerate() {
            cx.checkpoint()?;
            ask(database, what, sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction))
                .await
                .map_err(|failure| state(failure, &database.name))?;
            cx.log(what).await;
            cx.progress(number + 1, total).await;
        }
        let stamp = unnamed("INSERT INTO public.alembic_version (version_num) VALUES ($1)").bind(schema.head);
        ask(database, "the stamp of the revision", stamp.execute(&mut *transaction))
            .await
            .map_err(|failure| state(failure, &database.name))?;
        cx.log(format!("revision {} stamped", schema.head)).await;
        cx.progress(total, total).await;
        cx.checkpoint()?;
        let intent = cx.intend(vec![entry]).await?;
        cx.world.locks.stand(&mut transaction).await?;
        cx.write(&intent, 0..1, transaction.commit(database)).await?;
        Ok(installed(schema))
    }
}

#[async_trait]
impl Stage<World> for InstallSchema {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<Found, Failure> {
        postgres::repeated(cx.world.surroundings.limits, LOOKS, || Self::look(cx)).await
    }

    async fn apply(&self, cx: &Context<World>, plan: &StagePlan) -> Result<Done, Failure> {
        worked(cx, |again| Self::install(cx, plan, again)).await
    }

    fn left(&self, written: Written) -> String {
        match written.sure {
            Certainty::Nothing => "the database is as before: nothing was committed",
            Certainty::Something => "the schema was committed, and stays",
            Certainty::Unknown => {
                "whether the commit arrived is not known: the whole schema is there, or none of it"
            }
        }
        .to_owned()
    }
}

/// What the plan was made for is gone: something came into the database, and nothing is mixed with it.
fn no_longer_fresh(found: &Failure, database: &Database) -> Failure {
    let why = found.why.iter().map(|why| format!("; {why}")).collect::<String>();
    Failure::stale(
        format!("database `{}` changed after the plan was made", database.name),
        format!("{}{why}", found.what),
    )
}

/// One transaction for all of it: whatever fails, the database is as it was.
fn state(failure: Failure, name: &str) -> Failure {
    let why = failure.why.clone().map(|why| format!("{why}; ")).unwrap_or_default();
    failure.why(format!("{why}rolled back, `{name}` is as it was before this stage"))
}

//! `install-schema`: the schema and its alembic revision, in one transaction: installed into a fresh database, or upgraded
//! from an older revision.

mod upgrade;

use std::pin::pin;

use async_trait::async_trait;
use futures::StreamExt;

use crate::{
    failure::{Code, Failure},
    guide::Database,
    journal::Entry,
    schema::{self, Revision, Schema, quote_literal},
    services::postgres::{self, Transaction},
    workflow::{About, Certainty, Change, Context, Done, Found, Stage, StagePlan, Written},
    world::World,
};

use super::{LOOKS, create_database, keys::count, worked};

pub(super) static ABOUT: About = About {
    id: "install-schema",
    title: "Schema",
    summary: "the schema and its alembic revision, installed or upgraded in one transaction",
    sections: &["database"],
    checks: &["database"],
    after: &[create_database::ABOUT.id],
    files: &[],
    flags: &["--drop-usage"],
};

/// The stage.
pub struct InstallSchema;

/// What is to be done with a database, and what was decided about it.
enum Task {
    /// The schema is installed into a fresh database.
    Install,
    /// It is upgraded from this revision.
    Upgrade(&'static Revision),
}

fn install_plan(schema: &Schema) -> StagePlan {
    let statements = schema.statements();
    let changes = statements
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

fn done(schema: &Schema, task: &Task, plan: &StagePlan) -> Done {
    let summary = match task {
        Task::Install => {
            format!("{}, at revision {}", count(schema.head_tables().count(), "table"), schema.head)
        }
        Task::Upgrade(from) => {
            let steps = count(schema.way_from(from).len(), "revision");
            format!("{steps}, from {} to {}", from.id, schema.head)
        }
    };
    Done { summary, changes: plan.changes.len() }
}

impl InstallSchema {
    async fn look(cx: &Context<World>) -> Result<Found, Failure> {
        let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
        let mut look = match cx.world.transaction().await {
            Ok(look) => look,
            Err(failure) if failure.code == Code::DbMissing => {
                if cx.expects(create_database::ABOUT.id) {
                    return Ok(Found::Pending(install_plan(schema)));
                }
                return Err(Failure::new(
                    Code::StageNeeds,
                    format!("database `{}` is not there yet", database.name),
                )
                .remedy(format!("run `{}` first, or all stages", create_database::ABOUT.id)));
            }
            Err(failure) => return Err(failure),
        };
        let found = Self::found(cx, &mut look, database, schema).await;
        look.ended(found).await
    }

    async fn found(
        cx: &Context<World>,
        look: &mut Transaction,
        database: &Database,
        schema: &'static Schema,
    ) -> Result<Found, Failure> {
        let standing = postgres::standing(look, database, schema).await?;
        Ok(match standing.judge(&database.name, &database.user) {
            schema::Found::Fresh => Found::Pending(install_plan(schema)),
            schema::Found::Head => Found::Done(format!("at revision {}", schema.head)),
            schema::Found::Conflict(failure) => Found::Conflict(failure),
            schema::Found::Older(from) => match upgrade::look(&cx.world, look, from, ABOUT.id).await? {
                Ok(found) => {
                    cx.remark(found.remark);
                    Found::Pending(found.plan)
                }
                Err(conflict) => Found::Conflict(conflict),
            },
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
        let standing = postgres::standing(&mut transaction, database, schema).await?;
        let task = match standing.judge(&database.name, &database.user) {
            schema::Found::Fresh => {
                cx.log("fresh database detected").await;
                Task::Install
            }
            schema::Found::Older(from) => {
                cx.log(format!("database at revision {} detected", from.id)).await;
                Task::Upgrade(from)
            }
            schema::Found::Head => {
                return Ok(if again {
                    Done { summary: format!("at revision {}", schema.head), changes: plan.changes.len() }
                } else {
                    Done { summary: format!("another run brought it to {}", schema.head), changes: 0 }
                });
            }
            schema::Found::Conflict(failure) => return Err(changed(database, &words(&failure))),
        };
        let now = match task {
            Task::Install => install_plan(schema),
            Task::Upgrade(from) => {
                transaction = upgrade::alone(cx, transaction, from).await?;
                Self::upgrade_alone(cx, &mut transaction, from).await?
            }
        };
        if let Some(difference) = plan.difference(&now) {
            return Err(changed(database, &difference));
        }
        let entry = match task {
            Task::Install => Entry::Schema {
                database: database.name.clone(),
                revision: schema.head.to_owned(),
                had_extension: postgres::together(&mut transaction, database, postgres::has_extension())
                    .await?,
            },
            Task::Upgrade(from) => Entry::Upgrade {
                database: database.name.clone(),
                from: from.id.to_owned(),
                to: schema.head.to_owned(),
            },
        };
        Self::write(cx, &mut transaction, plan, &task).await?;
        cx.checkpoint()?;
        let intent = cx.intend(vec![entry]).await?;
        cx.world.locks.stand(&mut transaction).await?;
        cx.write(&intent, 0..1, transaction.commit(database)).await?;
        Ok(done(schema, &task, plan))
    }

    /// What an upgrade would write now that nobody else has the tables: whoever used them until now may have changed them.
    async fn upgrade_alone(
        cx: &Context<World>,
        transaction: &mut Transaction,
        from: &'static Revision,
    ) -> Result<StagePlan, Failure> {
        let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
        let standing = postgres::standing(transaction, database, schema).await?;
        if standing.older() != Some(from) {
            return Err(changed(database, "its schema is another one by now"));
        }
        match upgrade::look(&cx.world, transaction, from, ABOUT.id).await? {
            Ok(found) => {
                cx.warn(format!("{}  {}", found.remark.what, found.remark.code)).await;
                Ok(found.plan)
            }
            Err(conflict) => Err(changed(database, &words(&conflict))),
        }
    }

    /// The statements, each with a line and its progress, and the stamp.
    async fn write(
        cx: &Context<World>,
        transaction: &mut Transaction,
        plan: &StagePlan,
        task: &Task,
    ) -> Result<(), Failure> {
        let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
        let total = plan.changes.len();
        let back = |failure: Failure| rolled_back(failure, &database.name, task);
        let head = quote_literal(schema.head);
        let (stamp, limit) = match task {
            Task::Install => (
                format!("INSERT INTO public.alembic_version (version_num) VALUES ({head})"),
                database.limits.answer(),
            ),
            Task::Upgrade(from) => (
                format!(
                    "UPDATE public.alembic_version SET version_num = {head} WHERE version_num = {}",
                    quote_literal(from.id)
                ),
                database.limits.step(),
            ),
        };
        let changes = plan.changes.iter().filter_map(|change| match change {
            Change::Statement { what, sql } => Some((what.as_str(), sql.as_str())),
            _ => None,
        });
        let statements: Vec<_> = changes.chain([("the stamp of the revision", stamp.as_str())]).collect();
        // What is in one message goes on to its end, also when nobody wants it any more. A step of an upgrade can take long.
        let together = if let Task::Install = task { statements.len() } else { 1 };
        let (mut number, mut stamped) = (0, 0);
        for message in statements.chunks(together) {
            cx.checkpoint()?;
            let mut results = pin!(postgres::script(&mut *transaction, database, limit, message));
            while let Some(result) = results.next().await {
                (number, stamped) = (number + 1, result.map_err(back)?);
                if number < statements.len() {
                    cx.log(statements[number - 1].0).await;
                    cx.progress(number, total).await;
                }
            }
        }
        if stamped != 1 {
            return Err(changed(database, "table alembic_version did not take the new revision"));
        }
        cx.log(format!("revision {} stamped", schema.head)).await;
        cx.progress(total, total).await;
        Ok(())
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
                "whether the commit arrived is not known: the whole schema is there, or the database is as before"
            }
        }
        .to_owned()
    }
}

/// What the plan was made for is gone: something came into the database, and nothing is mixed with it.
fn changed(database: &Database, why: &str) -> Failure {
    Failure::stale(format!("database `{}` changed after the plan was made", database.name), why)
}

/// What a look has found, and why.
fn words(found: &Failure) -> String {
    let why = found.why.iter().map(|why| format!("; {why}")).collect::<String>();
    format!("{}{why}", found.what)
}

/// One transaction for all of it: whatever fails, the database is as it was.
fn rolled_back(failure: Failure, name: &str, task: &Task) -> Failure {
    let why = failure.why.clone().map(|why| format!("{why}; ")).unwrap_or_default();
    failure.why(match task {
        Task::Install => format!("{why}rolled back, `{name}` is as it was before this stage"),
        Task::Upgrade(from) => format!("{why}rolled back, `{name}` is at {}, as before", from.id),
    })
}

//! `create-database`: the database, if it is not there.

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use tokio::time::{error::Elapsed, timeout};

use crate::{
    failure::{Code, Failure},
    guide::Database,
    journal::Entry,
    limits::seconds,
    services::postgres,
    workflow::{About, Certainty, Change, Context, Done, Found, Stage, StagePlan, Written},
    world::World,
};

use super::{LOOKS, worked};

pub(super) static ABOUT: About = About {
    id: "create-database",
    title: "Database",
    summary: "the database, if it is not there",
    sections: &["database"],
    checks: &["database"],
    after: &[],
    files: &[],
    flags: &[],
};

/// The stage.
pub struct CreateDatabase;

impl CreateDatabase {
    async fn look(cx: &Context<World>) -> Result<Found, Failure> {
        let database = cx.world.settings.database()?;
        let Some(look) = cx.world.transaction_if_there().await? else {
            let change = Change::Database { name: database.name.clone(), is_removed: false };
            return Ok(Found::Pending(StagePlan::new(ABOUT.id, vec![change])));
        };
        look.end().await;
        Ok(Found::Done(format!("{} is there", database.name)))
    }

    /// Once; `again` after a connection that was lost, when the database there may be of our own making.
    async fn create(cx: &Context<World>, again: bool) -> Result<Done, Failure> {
        let database = cx.world.settings.database()?;
        let connections = &cx.world.connections;
        let mut connection =
            postgres::repeated(database.limits, LOOKS, || connections.elsewhere(database)).await?;
        cx.log(format!("connected to {} as {}", database.address, database.user)).await;
        cx.checkpoint()?;
        let sql = postgres::creation(database);
        let intent = cx.intend(vec![Entry::Database { name: database.name.clone() }]).await?;
        let creation = async {
            let creating = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection);
            judge(database, timeout(database.limits.creation(), creating).await)
        };
        // Created by another run, it is ours only where an earlier attempt may have done it.
        let is_ours =
            cx.write_unless_there(&intent, 0..1, async { creation.await.map(|made| made || again) }).await?;
        postgres::close(connection, database.limits).await;
        let summary = match is_ours {
            true => format!("{} created", database.name),
            false => format!("{} was created by another run", database.name),
        };
        Ok(Done { summary, changes: usize::from(is_ours) })
    }
}

/// Did this statement make it? Not when another run did, a moment ago or while the server was copying for this one.
fn judge<T>(database: &Database, created: Result<Result<T, sqlx::Error>, Elapsed>) -> Result<bool, Failure> {
    match created {
            Err(_) => Err(Failure::new(
                Code::DbTimeout,
                format!(
                    "{} did not create `{}` in {}",
                    database.address,
                    database.name,
                    seconds(database.limits.creation())
                ),
            )
            .why("it copies its template database, which takes as long as its disk does")
            .remedy("run again with more time: `--timeout 10m`")),
            Ok(Ok(_)) => Ok(true),
            Ok(Err(error)) => match postgres::sqlstate(&error).as_deref() {
                Some("42P04" | "23505") => Ok(false),
                Some("55006") => Err(Failure::new(
                    Code::DbRefused,
                    format!("{} cannot copy template1 for `{}` now", database.address, database.name),
                )
                .why("another session is connected to template1")
                .remedy("close that session (`SELECT pid FROM pg_stat_activity WHERE datname = 'template1'`), then run again")),
                _ => Err(postgres::explain(&error, database, "the creation of the database")),
            },
        }
}

#[async_trait]
impl Stage<World> for CreateDatabase {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<Found, Failure> {
        postgres::repeated(cx.world.surroundings.limits, LOOKS, || Self::look(cx)).await
    }

    async fn apply(&self, cx: &Context<World>, _: &StagePlan) -> Result<Done, Failure> {
        worked(cx, |again| Self::create(cx, again)).await
    }

    fn left(&self, written: Written) -> String {
        match written.sure {
            Certainty::Nothing => "the database was not created",
            Certainty::Something => "the database was created, and stays",
            Certainty::Unknown => "whether the database was created is not known",
        }
        .to_owned()
    }
}

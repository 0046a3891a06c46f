//! `create-database`: the database, if it is not there.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use tokio::time::timeout;

use crate::{
    failure::{Code, Failure},
    services::postgres::{self, quote_identifier},
    workflow::{About, Change, Context, Done, Lane, Stage, State},
    world::World,
};

pub(super) static ABOUT: About = About {
    id: "create-database",
    title: "Database",
    summary: "the database, if it is not there",
    sections: &["database"],
    lane: Lane::Database,
};

pub(super) struct CreateDatabase;

/// Copying the template takes as long as the server's disk does.
const PATIENCE: Duration = Duration::from_secs(120);

#[async_trait]
impl Stage<World> for CreateDatabase {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<State, Failure> {
        let database = cx.world.settings.database()?;
        match cx.world.database().await {
            Ok(_) => Ok(State::Done(format!("{} is there", database.name))),
            Err(failure) if failure.code == Code::DbMissing => {
                Ok(State::Pending(vec![Change::Database { name: database.name.clone() }]))
            }
            Err(failure) => Err(failure),
        }
    }

    async fn run(&self, cx: &Context<World>) -> Result<Done, Failure> {
        let database = cx.world.settings.database()?;
        let mut connection = postgres::connect_maintenance(database).await?;
        cx.log(format!("connected to {} as {}", database.address, database.user)).await;
        cx.checkpoint()?;
        let sql = format!("CREATE DATABASE {}", quote_identifier(&database.name));
        let made = timeout(PATIENCE, sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection)).await;
        // What the server refused is not there; what it did not confirm may be.
        if !matches!(&made, Ok(Err(sqlx::Error::Database(_)))) {
            cx.writes();
        }
        match made {
            Err(_) => Err(Failure::new(
                Code::DbTimeout,
                format!(
                    "{} did not create `{}` in {} s",
                    database.address,
                    database.name,
                    PATIENCE.as_secs()
                ),
            )
            .remedy("look at the server's log, then run again")),
            // Another run made it in the same moment.
            Ok(Err(error)) if sqlstate(&error).as_deref() == Some("42P04") => {
                Ok(Done { summary: format!("{} was created by another run", database.name), changes: 0 })
            }
            Ok(Err(error)) => Err(postgres::explain(&error, database, "the creation of the database")),
            Ok(Ok(_)) => Ok(Done { summary: format!("{} created", database.name), changes: 1 }),
        }
    }
}

fn sqlstate(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

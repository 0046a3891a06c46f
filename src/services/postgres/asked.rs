//! Questions to a server: unnamed, with a limit, and their failures explained.

use std::{future::Future, time::Duration};

use sqlx::{
    AssertSqlSafe, Postgres,
    postgres::PgArguments,
    query::{Query, QueryScalar},
};
use tokio::time::timeout;

use crate::{failure::Failure, guide::Database, services::caught};

use super::explain::{self, explain, silent};

/// The library came to grief over an answer.
pub(super) fn broke(database: &Database, panic: &str) -> Failure {
    explain::strange(database).why(format!("the database library broke off over its answer: {panic}"))
}

/// A statement that no session keeps: named ones stay behind in sessions that a pooler shares.
pub fn unnamed(sql: &str) -> Query<'_, Postgres, PgArguments> {
    sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(false)
}

/// As [`unnamed`], for one value.
pub fn scalar<T>(sql: &str) -> QueryScalar<'_, Postgres, T, PgArguments>
where
    (T,): for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
{
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).persistent(false)
}

/// Runs a request with a time limit and explains its failure.
///
/// # Errors
/// `E-DB-TIMEOUT`, `E-DB-LOST`, `E-DB-RIGHTS` or `E-DB-REFUSED`, and what else [`explain`] knows.
pub async fn ask<T>(
    database: &Database,
    what: &str,
    request: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Failure> {
    ask_within(database, database.limits.answer(), what, request).await
}

/// The same, with another limit.
///
/// # Errors
/// As [`ask`].
pub async fn ask_within<T>(
    database: &Database,
    limit: Duration,
    what: &str,
    request: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Failure> {
    match timeout(limit, caught(request)).await {
        Err(_) => Err(silent(database, what, limit)),
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(error))) => Err(explain(&error, database, what)),
        Ok(Err(panic)) => Err(broke(database, &panic)),
    }
}

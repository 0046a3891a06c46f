//! One question or statement: unnamed, within its time, and what it means that it has no answer.

use std::{future::Future, time::Duration};

use sqlx::{
    AssertSqlSafe, Connection, PgConnection, Postgres,
    postgres::PgArguments,
    query::{Query, QueryScalar},
};
use tokio::time::timeout;

use crate::{failure::Failure, guide::Database, limits::Limits, services::caught};

use super::explain::{explain, silent, sqlstate, strange};

/// The library came to grief over an answer.
pub(super) fn broke(database: &Database, panic: &str) -> Failure {
    strange(database).why(format!("the database library broke off over its answer: {panic}"))
}

/// Ends a session in which nothing is under way.
pub async fn close(connection: PgConnection, limits: Limits) {
    let _ = timeout(limits.answer(), connection.close()).await;
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
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Failure> {
    let answer = request(database.limits.answer(), asked).await;
    answer.map_err(|unanswered| unanswered.explained(database, what))
}

/// Why a request has no answer.
pub(super) enum Unanswered {
    Silent(Duration),
    Refused(sqlx::Error),
    Broke(String),
}

impl Unanswered {
    /// What the server calls its refusal.
    pub(super) fn sqlstate(&self) -> Option<String> {
        match self {
            Self::Refused(error) => sqlstate(error),
            _ => None,
        }
    }

    pub(super) fn explained(&self, database: &Database, what: &str) -> Failure {
        match self {
            Self::Silent(limit) => silent(database, what, *limit),
            Self::Refused(error) => explain(error, database, what),
            Self::Broke(panic) => broke(database, panic),
        }
    }
}

/// A request with a time limit.
pub(super) async fn request<T>(
    limit: Duration,
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Unanswered> {
    match timeout(limit, caught(asked)).await {
        Err(_) => Err(Unanswered::Silent(limit)),
        Ok(Ok(answer)) => answer.map_err(Unanswered::Refused),
        Ok(Err(panic)) => Err(Unanswered::Broke(panic)),
    }
}

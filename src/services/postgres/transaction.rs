//! One transaction, and where its connection goes at the end.

use sqlx::{Connection, PgConnection};
use tokio::{sync::OwnedMutexGuard, time::timeout};

use crate::{failure::Failure, guide::Database, limits::Limits, services::caught};

use super::asked::ask;

/// Connections in which nothing is under way.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// To the manager's database.
    pub(super) target: Option<PgConnection>,
    /// To another one of the server, while the manager's is not there.
    pub(super) elsewhere: Option<PgConnection>,
}

/// One transaction. A look is one that is rolled back.
pub struct Transaction {
    connection: PgConnection,
    limits: Limits,
    /// Where its connection goes at the end; none for one of its own, which is closed.
    home: Option<OwnedMutexGuard<Idle>>,
}

impl Transaction {
    /// Begins it.
    ///
    /// # Errors
    /// As [`ask`].
    pub async fn begin(mut connection: PgConnection, database: &Database) -> Result<Self, Failure> {
        let begin = sqlx::raw_sql("BEGIN").execute(&mut connection);
        ask(database, "the beginning of a transaction", begin).await?;
        Ok(Self { connection, limits: database.limits, home: None })
    }

    /// The same, whose connection others get after its end.
    pub(super) fn returning_to(self, home: OwnedMutexGuard<Idle>) -> Self {
        Self { home: Some(home), ..self }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Rolls it back, and gives back the connection when that is clean.
    pub(super) async fn roll_back(mut self) -> Option<PgConnection> {
        let rolling_back = sqlx::raw_sql("ROLLBACK").execute(&mut self.connection);
        let ended = timeout(self.limits.answer(), caught(rolling_back)).await;
        matches!(ended, Ok(Ok(Ok(_)))).then_some(self.connection)
    }

    /// Ends it without a trace: one that is dropped in a transaction is a line in the server's log.
    pub async fn end(mut self) {
        let (home, limits) = (self.home.take(), self.limits);
        if let Some(connection) = self.roll_back().await {
            give_back(connection, home, limits).await;
        }
    }

    /// Ends a look with this outcome. Where the server may still be busy with a question, nobody else gets the connection.
    ///
    /// # Errors
    /// That of the outcome.
    pub async fn ended<T>(mut self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        if outcome.as_ref().is_err_and(Failure::leaves_doubt) {
            self.home = None;
        }
        self.end().await;
        outcome
    }

    /// Commits it.
    ///
    /// # Errors
    /// As [`ask`].
    pub async fn commit(mut self, database: &Database) -> Result<(), Failure> {
        ask(database, "the commit", sqlx::raw_sql("COMMIT").execute(&mut self.connection)).await?;
        give_back(self.connection, self.home, self.limits).await;
        Ok(())
    }
}

impl std::ops::Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl std::ops::DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

async fn give_back(connection: PgConnection, home: Option<OwnedMutexGuard<Idle>>, limits: Limits) {
    match home {
        Some(mut home) => home.target = Some(connection),
        None => close(connection, limits).await,
    }
}

/// Ends a session in which nothing is under way.
pub async fn close(connection: PgConnection, limits: Limits) {
    let _ = timeout(limits.answer(), connection.close()).await;
}

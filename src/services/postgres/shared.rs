//! One connection to a database for all who look and work there in turn. Whoever needs it takes it, and gives it back when
//! nothing is under way in it any more; who is stopped in the middle of a question gives back none.

use std::sync::Arc;

use sqlx::PgConnection;
use tokio::sync::Mutex;

use crate::{
    failure::{Code, Failure},
    guide::Database,
};

use super::{
    Transaction, close, connect_elsewhere, connect_target, encoding, failure_missing, transaction::Idle,
};

/// The connections of a run.
#[derive(Debug, Default)]
pub struct Connections {
    idle: Arc<Mutex<Idle>>,
}

impl Connections {
    /// Begins a transaction in the database, once those who came before have ended theirs. It begins anew where the connection
    /// broke while it was idle.
    ///
    /// # Errors
    /// `E-DB-MISSING` when the database is not there, else as the server says.
    pub async fn begin(&self, database: &Database) -> Result<Transaction, Failure> {
        let mut idle = Arc::clone(&self.idle).lock_owned().await;
        if let Some(connection) = idle.target.take() {
            match Transaction::begin(connection, database).await {
                Err(failure) if failure.code == Code::DbLost => {}
                begun => return Ok(begun?.returning_to(idle)),
            }
        }
        if let Some(connection) = idle.elsewhere.take() {
            let is_missing = is_missing(connection, database, &mut idle).await;
            if is_missing {
                return Err(failure_missing(database));
            }
        }
        let connection = connect_target(database).await.map_err(|refused| refused.failure)?;
        Ok(Transaction::begin(connection, database).await?.returning_to(idle))
    }

    /// A connection to another database of the server, to create this one from.
    ///
    /// # Errors
    /// As [`connect_elsewhere`].
    pub async fn elsewhere(&self, database: &Database) -> Result<PgConnection, Failure> {
        let kept = self.idle.lock().await.elsewhere.take();
        match kept {
            Some(connection) => Ok(connection),
            None => Ok(connect_elsewhere(database).await?.0),
        }
    }

    /// Was the database missing when it was last asked for, and nobody has created it here since?
    pub async fn know_it_missing(&self) -> bool {
        self.idle.lock().await.elsewhere.is_some()
    }

    /// Ends a look on a connection of its own, and keeps that for others: to the database itself, or to another one of this
    /// name where the database is not there.
    pub async fn keep(&self, look: Transaction, elsewhere: Option<&str>) {
        // Nobody could copy it meanwhile.
        if elsewhere == Some("template1") {
            return look.end().await;
        }
        let limits = look.limits();
        let Some(connection) = look.roll_back().await else { return };
        // What was kept before says what is no longer so.
        let newest = match elsewhere {
            Some(_) => Idle { elsewhere: Some(connection), target: None },
            None => Idle { target: Some(connection), elsewhere: None },
        };
        let older = std::mem::replace(&mut *self.idle.lock().await, newest);
        for connection in [older.target, older.elsewhere].into_iter().flatten() {
            close(connection, limits).await;
        }
    }

    /// Closes what is idle.
    pub async fn hang_up(&self, database: &Database) {
        let idle = std::mem::take(&mut *self.idle.lock().await);
        for connection in [idle.target, idle.elsewhere].into_iter().flatten() {
            close(connection, database.limits).await;
        }
    }
}

/// Asks from another database whether this one is there; keeps that connection while it is not.
async fn is_missing(connection: PgConnection, database: &Database, idle: &mut Idle) -> bool {
    let Ok(mut look) = Transaction::begin(connection, database).await else { return false };
    let found = encoding(&mut look, database, &database.name).await;
    if !matches!(found, Ok(None)) {
        look.end().await;
        return false;
    }
    idle.elsewhere = look.roll_back().await;
    true
}

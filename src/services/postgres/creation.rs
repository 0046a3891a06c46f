//! A database that is being created: the server goes on with it when whoever asked for it is gone.

use std::time::Instant;

use tokio::time::sleep;

use crate::{failure::Failure, guide::Database};

use super::{ask, close, connect_elsewhere, pauses, quote_identifier, scalar};

/// The statement that creates the database.
pub fn creation(database: &Database) -> String {
    format!("CREATE DATABASE {}", quote_identifier(&database.name))
}

/// Waits until nobody of this user creates the database any more; true when somebody did.
///
/// # Errors
/// As [`ask`].
pub async fn created_meanwhile(database: &Database) -> Result<bool, Failure> {
    let (mut connection, _) = connect_elsewhere(database).await?;
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity \
               WHERE state = 'active' AND usename = current_user AND query = $1)";
    let (began, statement, mut was_seen) = (Instant::now(), creation(database), false);
    for pause in pauses() {
        let asked = scalar::<bool>(sql).bind(&statement).fetch_one(&mut connection);
        let is_under_way = ask(database, "the question for its activity", asked).await?;
        if !is_under_way || began.elapsed() > database.limits.creation() {
            break;
        }
        was_seen = true;
        sleep(pause).await;
    }
    close(connection, database.limits).await;
    Ok(was_seen)
}

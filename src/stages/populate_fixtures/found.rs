//! The rows that table `keypairs` has.

use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgConnection, Row as _, postgres::PgRow};

use super::credentials::Held;
use crate::{
    failure::Failure,
    fixture::{self, Keys, Row},
    guide::Database,
    schema::{Revision, Upgrade},
    services::postgres::{Question, together},
    world::World,
};

/// A row of the table. The gateway never looks at `is_active`: only the secret counts.
pub(super) struct TableRow {
    pub(super) user_id: Option<String>,
    pub(super) access: String,
    pub(super) secret: Option<SecretString>,
    pub(super) is_active: Option<bool>,
    pub(super) is_admin: Option<bool>,
    pub(super) concurrency_limit: Option<i32>,
    pub(super) concurrency_used: Option<i32>,
    pub(super) rate_limit: Option<i32>,
}

impl TableRow {
    /// As it stands in the credentials file with these keys.
    pub(super) fn held(&self, keys: Keys) -> Held {
        let user_id = self.user_id.clone().unwrap_or_default();
        Held { user_id, is_admin: self.is_admin == Some(true), keys }
    }

    /// Has it the owner and the role of the row?
    pub(super) fn is_for(&self, row: &Row) -> bool {
        self.user_id.as_deref() == Some(&row.user_id) && self.is_admin == Some(row.is_admin)
    }

    /// Has it this secret?
    pub(super) fn has(&self, secret: &SecretString) -> bool {
        self.secret.as_ref().is_some_and(|held| held.expose_secret() == secret.expose_secret())
    }

    /// Can anybody sign in with it?
    pub(super) fn is_open(&self) -> bool {
        self.secret.as_ref().is_some_and(|secret| fixture::is_guessable(&self.access, secret))
    }

    pub(super) fn is_published(&self) -> bool {
        fixture::PUBLISHED.contains(&self.access.as_str())
    }

    /// Columns in which NULL makes the manager answer 500, with the value they get.
    pub(super) fn nulls(&self) -> impl Iterator<Item = (&'static str, i32)> + use<> {
        [
            ("concurrency_limit", self.concurrency_limit, fixture::CONCURRENCY_LIMIT),
            ("concurrency_used", self.concurrency_used, 0),
            ("rate_limit", self.rate_limit, fixture::RATE_LIMIT),
        ]
        .into_iter()
        .filter(|(_, held, _)| held.is_none())
        .map(|(column, _, value)| (column, value))
    }
}

/// The whole table as an upgrade from this revision will leave it: a column that is not there yet, and owners that are still
/// numbers. Nothing where these hinder the upgrade.
pub(super) async fn foreseen(
    world: &World,
    connection: &mut PgConnection,
    from: &'static Revision,
) -> Result<Vec<TableRow>, Failure> {
    let schema = &world.guide().schema;
    let upgrade = Upgrade { schema, from, owners: world.owners(), drops: true };
    let mut table = read(world.settings.database()?, connection).await?;
    if upgrade.renames_owners() {
        for row in &mut table {
            let number = row.user_id.as_deref().and_then(|number| number.parse().ok());
            row.user_id = number.and_then(|number| upgrade.owners?.text(number));
        }
    }
    Ok(table)
}

/// The whole table, in the order in which the rows were made.
pub(super) async fn read(
    database: &Database,
    connection: &mut PgConnection,
) -> Result<Vec<TableRow>, Failure> {
    // Before a revision of the chain nobody is an administrator, and there is no such column.
    let sql = "SELECT user_id::text, access_key::text, secret_key::text, is_active, \
               CASE WHEN to_jsonb(keypairs) ? 'is_admin' THEN (to_jsonb(keypairs) ->> 'is_admin')::bool ELSE false END, \
               concurrency_limit, concurrency_used, rate_limit \
               FROM public.keypairs ORDER BY created_at, access_key";
    let table = Question::new("the search for keypairs", sql, |rows| rows.iter().map(row).collect());
    together(connection, database, table).await
}

fn row(row: &PgRow) -> Result<TableRow, sqlx::Error> {
    Ok(TableRow {
        user_id: row.try_get(0)?,
        access: row.try_get(1)?,
        secret: row.try_get::<Option<String>, _>(2)?.map(Into::into),
        is_active: row.try_get(3)?,
        is_admin: row.try_get(4)?,
        concurrency_limit: row.try_get(5)?,
        concurrency_used: row.try_get(6)?,
        rate_limit: row.try_get(7)?,
    })
}

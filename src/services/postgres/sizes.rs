//! How large tables are.

use serde::Serialize;
use sqlx::{PgConnection, Row};

use crate::{failure::Failure, guide::Database, schema::quote_identifier};

use super::{ask, scalar, unnamed};

/// From so many rows on they are not counted: the server's own estimate is told.
const MANY: f32 = 1_000_000.0;

/// The size of one table.
#[derive(Debug, Clone, Serialize)]
pub struct TableSize {
    /// Its name.
    pub name: String,
    /// Its rows; none where the user may not read it.
    pub rows: Option<i64>,
    /// They were not counted: it is the server's estimate.
    pub is_estimate: bool,
    /// What it takes on the disk, indexes among it.
    pub bytes: i64,
}

/// The sizes of these tables in schema public, those of them that are there.
///
/// # Errors
/// As [`ask`].
pub async fn sizes(
    connection: &mut PgConnection,
    database: &Database,
    tables: &[&str],
) -> Result<Vec<TableSize>, Failure> {
    let what = "the question for the sizes of tables";
    let sql = "SELECT c.relname::text, pg_total_relation_size(c.oid), c.reltuples, \
               has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') \
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname = ANY($1) ORDER BY 1";
    let rows = ask(database, what, unnamed(sql).bind(tables).fetch_all(&mut *connection)).await?;
    let mut sizes = Vec::new();
    for row in rows {
        let (name, bytes, estimate): (String, i64, f32) = (row.get(0), row.get(1), row.get(2));
        let is_estimate = estimate >= MANY;
        let rows = match row.get(3) {
            false => None,
            #[expect(clippy::cast_possible_truncation, reason = "an estimate of rows is no fraction")]
            true if is_estimate => Some(estimate as i64),
            true => {
                let sql = format!("SELECT count(*) FROM public.{}", quote_identifier(&name));
                Some(ask(database, what, scalar::<i64>(&sql).fetch_one(&mut *connection)).await?)
            }
        };
        sizes.push(TableSize { name, rows, is_estimate, bytes });
    }
    Ok(sizes)
}

//! What a database has of the manager's schema.

use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::{
    failure::Failure,
    guide::Database,
    schema::{Part, Schema, Standing},
};

use super::{ask, scalar, unnamed};

/// Looks which tables and types of the schema are there, and at the alembic revision.
///
/// # Errors
/// As [`ask`].
pub async fn standing(
    connection: &mut PgConnection,
    database: &Database,
    schema: &'static Schema,
) -> Result<Standing, Failure> {
    let what = "the question for the schema";
    // In one statement, hence in one snapshot: another setup may commit the whole schema meanwhile.
    let sql = "SELECT relname::text AS name, true AS is_table \
               FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace \
               WHERE nspname = 'public' AND relkind IN ('r', 'p', 'v', 'm', 'f') \
               UNION ALL SELECT typname::text, false \
               FROM pg_type JOIN pg_namespace n ON n.oid = typnamespace \
               WHERE nspname = 'public' AND typtype = 'e' ORDER BY name";
    let rows = ask(database, what, unnamed(sql).fetch_all(&mut *connection)).await?;
    let (mut there, mut enums): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for row in rows {
        if row.get(1) { there.push(row.get(0)) } else { enums.push(row.get(0)) }
    }
    let is_there = there.iter().any(|table| table == "alembic_version");
    // By its number: a name could not be looked up without USAGE on the schema.
    let readable = "SELECT has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') \
                    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                    WHERE n.nspname = 'public' AND c.relname = 'alembic_version'";
    let revisions = if is_there && ask(database, what, scalar(readable).fetch_one(&mut *connection)).await? {
        let sql = "SELECT version_num::text FROM public.alembic_version ORDER BY version_num";
        Some(ask(database, what, scalar::<Option<String>>(sql).fetch_all(&mut *connection)).await?)
    } else {
        None
    };
    let is_own = |name: &String| schema.tables.contains(&name.as_str());
    let is_own_type = |name: &String| schema.types.contains(&name.as_str());
    let parts = if there.iter().any(is_own) || enums.iter().any(is_own_type) {
        Some(parts(connection, database, schema).await?)
    } else {
        None
    };
    Ok(Standing {
        schema,
        parts,
        unreadable: is_there && revisions.is_none(),
        revisions,
        tables: there.into_iter().filter(is_own).collect(),
        types: enums.into_iter().filter(is_own_type).collect(),
    })
}

/// What the catalogs say of the manager's tables and types. Names are looked for in `pg_catalog` alone meanwhile, so that
/// definitions carry the schema of whatever is not built in; all in one message, which leaves the transaction as it was.
async fn parts(
    connection: &mut PgConnection,
    database: &Database,
    schema: &Schema,
) -> Result<Vec<Part>, Failure> {
    let sql = format!(
        "SAVEPOINT catalogs; SET LOCAL search_path = pg_catalog; {}; ROLLBACK TO catalogs; RELEASE catalogs",
        schema.question()
    );
    let asked = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(connection);
    let rows = ask(database, "the question for the shape of the tables", asked).await?;
    Ok(rows.iter().filter_map(|row| Part::from_fields((0..6).map(|at| row.get::<String, _>(at)))).collect())
}

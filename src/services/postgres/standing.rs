//! What a database has of the manager's schema.

use sqlx::{PgConnection, Row, postgres::PgRow};

use crate::{
    failure::Failure,
    guide::Database,
    schema::{Part, Schema, Standing},
};

use super::{Question, Questions, statement, together};

const WHAT: &str = "the question for the schema";

/// Looks which tables and types of the schema are there, what they are, and at the alembic revision.
///
/// # Errors
/// As [`together`].
pub async fn standing(
    connection: &mut PgConnection,
    database: &Database,
    schema: &'static Schema,
) -> Result<Standing, Failure> {
    look(connection, database, schema, true).await
}

/// The same by names and stamp alone, for who comes after a look at what the tables are: that takes the server longer than
/// all else that it is asked.
///
/// # Errors
/// As [`together`].
pub async fn stamped(
    connection: &mut PgConnection,
    database: &Database,
    schema: &'static Schema,
) -> Result<Standing, Failure> {
    look(connection, database, schema, false).await
}

async fn look(
    connection: &mut PgConnection,
    database: &Database,
    schema: &'static Schema,
    is_whole: bool,
) -> Result<Standing, Failure> {
    let questions = (names(), may_read_stamp(), is_whole.then(|| parts(schema)));
    let (names, may_read, parts) = together(connection, database, questions).await?;
    let (there, enums): (Vec<_>, Vec<_>) = names.into_iter().partition(|(_, is_table)| *is_table);
    let bare = |names: Vec<(String, bool)>| names.into_iter().map(|(name, _)| name).collect::<Vec<String>>();
    let (there, enums) = (bare(there), bare(enums));
    // What is committed between two questions is not there for any of them.
    let is_there = there.iter().any(|table| table == "alembic_version");
    let revisions = match is_there && may_read {
        true => Some(together(connection, database, stamps()).await?),
        false => None,
    };
    let is_own = |name: &String| schema.tables.contains(&name.as_str());
    let is_own_type = |name: &String| schema.types.contains(&name.as_str());
    let has_own = there.iter().any(is_own) || enums.iter().any(is_own_type);
    Ok(Standing {
        schema,
        parts: parts.filter(|_| has_own),
        unreadable: is_there && revisions.is_none(),
        revisions,
        tables: there.into_iter().filter(is_own).collect(),
        types: enums.into_iter().filter(is_own_type).collect(),
    })
}

/// The tables and enum types of schema public; true for tables. In one statement, hence in one snapshot: another setup may
/// commit the whole schema meanwhile.
fn names() -> Question<Vec<(String, bool)>> {
    let sql = "SELECT relname::text AS name, true AS is_table \
               FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace \
               WHERE nspname = 'public' AND relkind IN ('r', 'p', 'v', 'm', 'f') \
               UNION ALL SELECT typname::text, false \
               FROM pg_type JOIN pg_namespace n ON n.oid = typnamespace \
               WHERE nspname = 'public' AND typtype = 'e' ORDER BY name";
    Question::new(WHAT, sql, |rows| rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect())
}

/// May the user read `alembic_version`? By its number: a name could not be looked up without USAGE on the schema.
fn may_read_stamp() -> Question<bool> {
    let sql = "SELECT has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') \
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = 'public' AND c.relname = 'alembic_version'";
    Question::new(WHAT, sql, |rows| rows.first().map_or(Ok(false), |row| row.try_get(0)))
}

/// The rows of `alembic_version`.
fn stamps() -> Question<Vec<Option<String>>> {
    let sql = "SELECT version_num::text FROM public.alembic_version ORDER BY version_num";
    Question::new(WHAT, sql, |rows| rows.iter().map(|row| row.try_get(0)).collect())
}

/// What the catalogs say of the manager's tables and types. Names are looked for in `pg_catalog` alone meanwhile, so that
/// definitions carry the schema of whatever is not built in; afterwards the transaction is as it was.
fn parts(schema: &Schema) -> impl Questions<Answers = Vec<Part>> + use<> {
    let what = "the question for the shape of the tables";
    let parts = Question::new(what, schema.question(), |rows| {
        let fields = |row: &PgRow| (0..6).map(|at| row.try_get(at)).collect::<Result<Vec<String>, _>>();
        rows.iter().filter_map(|row| fields(row).map(Part::from_fields).transpose()).collect()
    });
    let path = (statement(what, "SAVEPOINT catalogs"), statement(what, "SET LOCAL search_path = pg_catalog"));
    let back = (statement(what, "ROLLBACK TO catalogs"), statement(what, "RELEASE catalogs"));
    (path, parts, back).made(|(_, parts, _)| parts)
}

//! Whose the tables are: only an owner may change what a table is.

use sqlx::{PgConnection, Row};

use crate::{
    failure::{Code, Failure},
    guide::Database,
    schema::{Revision, Schema, quote_identifier},
};

use super::{Question, Questions, literals, question::one, together};

/// A table or type of schema public that belongs to a role which the user is no member of.
struct Foreign {
    /// `TABLE` or `TYPE`.
    kind: String,
    name: String,
    owner: String,
}

fn foreign(tables: &[&str], types: &[&str]) -> Question<Vec<Foreign>> {
    // By their numbers: a name could not be looked up without USAGE on the schema.
    let sql = format!(
        "SELECT kind, name, pg_get_userbyid(owner)::text FROM ( \
           SELECT 'TABLE', c.relname::text, c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
           WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname = ANY({}) \
           UNION ALL SELECT 'TYPE', t.typname::text, t.typowner \
           FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
           WHERE n.nspname = 'public' AND t.typtype = 'e' AND t.typname = ANY({})) AS owned (kind, name, owner) \
         WHERE NOT pg_has_role(owner, 'USAGE') ORDER BY 1, 2",
        literals(tables),
        literals(types)
    );
    Question::new("the question for the owners of the tables", sql, |rows| {
        let read = |row: &sqlx::postgres::PgRow| {
            Ok(Foreign { kind: row.try_get(0)?, name: row.try_get(1)?, owner: row.try_get(2)? })
        };
        rows.iter().map(read).collect()
    })
}

/// May the user change these tables and types of schema public? Indexes take the right to create something there.
///
/// # Errors
/// `E-DB-OWNER` or `E-DB-RIGHTS` with the statements that give what is missing, else as [`together`].
pub async fn may_alter(
    connection: &mut PgConnection,
    database: &Database,
    tables: &[&str],
    types: &[&str],
) -> Result<(), Failure> {
    let (foreign, creates) = together(connection, database, (foreign(tables, types), creates())).await?;
    lacking(database, &foreign, creates, true)
}

/// May the user upgrade the schema from this revision?
///
/// # Errors
/// `E-DB-OWNER` or `E-DB-RIGHTS` with the statements that give what is missing, else as [`together`].
pub async fn may_upgrade(
    connection: &mut PgConnection,
    database: &Database,
    schema: &Schema,
    from: &Revision,
) -> Result<(), Failure> {
    let own: Vec<&str> =
        schema.tables_at(from).into_iter().filter(|table| *table != "alembic_version").collect();
    let questions = (foreign(&own, &schema.types_at(from)), creates(), stamps());
    let (foreign, creates, stamps) = together(connection, database, questions).await?;
    lacking(database, &foreign, creates, stamps)
}

fn creates() -> impl Questions<Answers = bool> {
    let sql = "SELECT coalesce(bool_or(has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE')), false) \
               FROM pg_namespace WHERE nspname = 'public'";
    Question::new("the question for the right to create tables", sql, |rows| one(rows)?.try_get(0))
}

fn stamps() -> impl Questions<Answers = bool> {
    let sql = "SELECT coalesce(bool_or(has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'UPDATE')), false) \
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = 'public' AND c.relname = 'alembic_version'";
    Question::new("the question for the right to stamp", sql, |rows| one(rows)?.try_get(0))
}

/// The failure for what is missing, all of it.
fn lacking(database: &Database, foreign: &[Foreign], creates: bool, stamps: bool) -> Result<(), Failure> {
    let (role, base) = (quote_identifier(&database.user), quote_identifier(&database.name));
    let (mut lacks, mut gives) = (Vec::new(), Vec::new());
    if !foreign.is_empty() {
        let whose: Vec<_> =
            foreign.iter().map(|Foreign { name, owner, .. }| format!("`{name}` is `{owner}`'s")).collect();
        lacks.push(format!("only the owner of a table may change what it is, and {}", whose.join(", ")));
        gives.extend(foreign.iter().map(|Foreign { kind, name, .. }| {
            format!("ALTER {kind} public.{} OWNER TO {role}", quote_identifier(name))
        }));
    }
    if !creates {
        lacks.push("it may create nothing in schema public".to_owned());
        gives.push(format!("GRANT USAGE, CREATE ON SCHEMA public TO {role}"));
    }
    if !stamps {
        lacks.push("it may not write table `alembic_version`".to_owned());
        gives.push(format!("GRANT SELECT, UPDATE ON public.alembic_version TO {role}"));
    }
    if lacks.is_empty() {
        return Ok(());
    }
    let (user, name) = (&database.user, &database.name);
    let (code, what) = match foreign.is_empty() {
        false => (Code::DbOwner, format!("the manager's tables in `{name}` do not belong to `{user}`")),
        true => (Code::DbRights, format!("`{user}` may not change the schema of `{name}`")),
    };
    Err(Failure::new(code, what)
        .why(lacks.join("; "))
        .remedy(format!("in database {base}, as a superuser: {}", gives.join("; "))))
}

//! Whose the tables are: only an owner may change what a table is.

use sqlx::PgConnection;

use crate::{
    failure::{Code, Failure},
    guide::Database,
    schema::quote_identifier,
};

use super::{ask, scalar};

/// Refuses where the user may not change these tables and types of schema public, because they belong to roles that it
/// is no member of.
///
/// # Errors
/// `E-DB-OWNER` with the statement for each way out, else as [`ask`].
pub async fn may_alter(
    connection: &mut PgConnection,
    database: &Database,
    tables: &[&str],
    types: &[&str],
) -> Result<(), Failure> {
    let sql = "SELECT DISTINCT pg_get_userbyid(owner)::text FROM ( \
                 SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname = ANY($1) \
                 UNION SELECT t.typowner FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
                 WHERE n.nspname = 'public' AND t.typtype = 'e' AND t.typname = ANY($2)) AS owned (owner) \
               WHERE NOT pg_has_role(owner, 'USAGE') ORDER BY 1";
    let asked = scalar::<String>(sql).bind(tables).bind(types).fetch_all(connection);
    let owners = ask(database, "the question for the owners of the tables", asked).await?;
    let [first, ..] = owners.as_slice() else { return Ok(()) };
    let (user, role) = (&database.user, quote_identifier(&database.user));
    let grants: Vec<String> =
        owners.iter().map(|owner| format!("GRANT {} TO {role}", quote_identifier(owner))).collect();
    let what = format!("the manager's tables in `{}` do not belong to `{user}`", database.name);
    Err(Failure::new(Code::DbOwner, what)
        .why(format!("only their owner may change what they are: {}", owners.join(", ")))
        .remedy(format!(
            "sign in as the owner for this command: `--set database.user={first}`; or as a superuser: {}",
            grants.join("; ")
        )))
}

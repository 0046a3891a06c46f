//! What checks and stages ask a server: each question one statement, from the catalogs, without a trace.

use sqlx::{PgConnection, Row};

use crate::{failure::Failure, guide::Database};

use super::{
    ask, scalar, unnamed,
    usage::{Function, uuid_function},
};

/// A server's version and what the user is there.
#[derive(Debug)]
pub struct Server {
    /// 150018 for 15.18.
    pub number: i32,
    /// `15.18`.
    pub version: String,
    /// The user is a superuser.
    pub superuser: bool,
}

/// Asks for the version.
///
/// # Errors
/// As [`ask`].
pub async fn server(connection: &mut PgConnection, database: &Database) -> Result<Server, Failure> {
    let sql = "SELECT current_setting('server_version_num')::int4, current_setting('server_version'), \
               coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false)";
    let row = ask(database, "the question for its version", unnamed(sql).fetch_one(connection)).await?;
    let text: String = row.get(1);
    let version = text.split_whitespace().next().unwrap_or(&text).to_owned();
    Ok(Server { number: row.get(0), version, superuser: row.get(2) })
}

/// The system identifier, which `initdb` makes and copies keep; none where the user may not ask for it.
///
/// # Errors
/// As [`ask`].
pub async fn system(connection: &mut PgConnection, database: &Database) -> Result<Option<u64>, Failure> {
    let what = "the question for its system identifier";
    let allowed = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')";
    if !ask(database, what, scalar::<bool>(allowed).fetch_one(&mut *connection)).await? {
        return Ok(None);
    }
    let sql = "SELECT system_identifier FROM pg_control_system()";
    let found: i64 = ask(database, what, scalar(sql).fetch_one(connection)).await?;
    Ok(Some(found.cast_unsigned()))
}

/// Has the database the extension that the schema needs?
///
/// # Errors
/// As [`ask`].
pub async fn has_extension(connection: &mut PgConnection, database: &Database) -> Result<bool, Failure> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'uuid-ossp')";
    ask(database, "the question for its extension", scalar(sql).fetch_one(connection)).await
}

/// Why a session does not accept writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOnly {
    /// The server follows another one, or is being recovered.
    Standby,
    /// `default_transaction_read_only` is on for this session.
    Default,
}

/// Does the session take writes? None when it does.
///
/// # Errors
/// As [`ask`].
pub async fn read_only(
    connection: &mut PgConnection,
    database: &Database,
) -> Result<Option<ReadOnly>, Failure> {
    let sql = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::bool";
    let row =
        ask(database, "the question whether it takes writes", unnamed(sql).fetch_one(connection)).await?;
    Ok(match (row.get(0), row.get(1)) {
        (true, _) => Some(ReadOnly::Standby),
        (false, true) => Some(ReadOnly::Default),
        (false, false) => None,
    })
}

/// A database was made with another version of the collation than the server has.
#[derive(Debug)]
pub struct Collation {
    /// What the database says.
    pub recorded: String,
    /// What the server has; none when that cannot be told.
    pub actual: Option<String>,
}

/// Compares the collation of a database with the server's; none when they agree, and before PostgreSQL 15.
///
/// # Errors
/// As [`ask`].
pub async fn collation(
    connection: &mut PgConnection,
    database: &Database,
    server: &Server,
    name: &str,
) -> Result<Option<Collation>, Failure> {
    if server.number < 150_000 {
        return Ok(None);
    }
    let sql = "SELECT datcollversion::text, pg_database_collation_actual_version(oid)::text FROM pg_database \
               WHERE datname = $1 AND datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid) \
               AND datcollversion IS NOT NULL";
    let asked = unnamed(sql).bind(name).fetch_optional(connection);
    let found = ask(database, "the question for the collation", asked).await?;
    Ok(found.map(|row| Collation { recorded: row.get(0), actual: row.get(1) }))
}

/// May the user create what the schema needs, in the database it is connected to?
#[derive(Debug)]
pub struct Rights {
    /// CREATE on the database.
    pub database: bool,
    /// USAGE and CREATE on schema public; none when there is no such schema.
    pub public: Option<bool>,
    /// Where the extension `uuid-ossp` is installed, and whether the search path leads there.
    pub extension_schema: Option<(String, bool)>,
    /// What the server has to install from.
    pub extension: Extension,
    /// The schemas in which unqualified names are looked for.
    pub search_path: Vec<String>,
    /// `uuid_generate_v4()`, where it is there.
    pub function: Option<Function>,
}

/// Whether the user may create the extension `uuid-ossp`, from the catalogs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// The server does not have it.
    Unavailable,
    /// It takes a superuser, and the user is none.
    NeedsSuperuser,
    /// With CREATE on the database.
    WithCreate,
    /// The user is a superuser.
    Allowed,
}

/// Looks at the extension from any database of the server.
///
/// # Errors
/// As [`ask`].
pub async fn extension(
    connection: &mut PgConnection,
    database: &Database,
    server: &Server,
) -> Result<Extension, Failure> {
    // Trusted extensions came with PostgreSQL 13, and the column with them.
    let sql = "SELECT bool_or(coalesce((to_jsonb(v) ->> 'trusted')::bool, false)) \
               FROM pg_available_extension_versions v WHERE name = 'uuid-ossp' HAVING count(*) > 0";
    let asked = scalar(sql).fetch_optional(connection);
    let trusted: Option<bool> = ask(database, "the question for `uuid-ossp`", asked).await?;
    Ok(match trusted {
        None => Extension::Unavailable,
        Some(_) if server.superuser => Extension::Allowed,
        Some(true) => Extension::WithCreate,
        Some(false) => Extension::NeedsSuperuser,
    })
}

/// Looks at the rights in the database that the connection is in.
///
/// # Errors
/// As [`ask`].
pub async fn rights(
    connection: &mut PgConnection,
    database: &Database,
    server: &Server,
) -> Result<Rights, Failure> {
    let sql = "SELECT has_database_privilege(current_database(), 'CREATE'), \
               (SELECT has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE') \
                FROM pg_namespace WHERE nspname = 'public'), \
               (SELECT nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace \
                WHERE extname = 'uuid-ossp'), current_schemas(true)::text[]";
    let row = ask(database, "the question for rights", unnamed(sql).fetch_one(&mut *connection)).await?;
    let search_path: Vec<String> = row.get(3);
    let extension_schema: Option<String> = row.get(2);
    Ok(Rights {
        database: row.get(0),
        public: row.get(1),
        extension_schema: extension_schema.map(|schema| {
            let is_found = search_path.contains(&schema);
            (schema, is_found)
        }),
        extension: extension(&mut *connection, database, server).await?,
        function: uuid_function(connection, database).await?,
        search_path,
    })
}

/// Something that stands where the schema would make an object of its own.
#[derive(Debug)]
pub struct Clash {
    /// `sequence`, `index`, `composite type`, `function`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// Objects in schema public whose names the schema needs: relations, types, and functions of the extension.
///
/// # Errors
/// As [`ask`].
pub async fn clashes(
    connection: &mut PgConnection,
    database: &Database,
    relations: &[&str],
    types: &[&str],
) -> Result<Vec<Clash>, Failure> {
    let sql = "SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' \
                 WHEN 'c' THEN 'composite type' WHEN 'v' THEN 'view' ELSE 'table' END, c.relname::text \
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = 'public' AND (c.relname = ANY($1) OR (c.relkind = 'c' AND c.relname = ANY($2))) \
               UNION ALL SELECT 'type', t.typname::text FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
               WHERE n.nspname = 'public' AND t.typname = ANY($1 || $2) AND t.typrelid = 0 \
               UNION ALL SELECT 'function', p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
               WHERE n.nspname = 'public' AND p.proname LIKE 'uuid\\_%' \
               AND p.proname IN ('uuid_generate_v4', 'uuid_generate_v1', 'uuid_generate_v1mc', 'uuid_generate_v3', \
                 'uuid_generate_v5', 'uuid_nil', 'uuid_ns_dns', 'uuid_ns_url', 'uuid_ns_oid', 'uuid_ns_x500') \
               AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') ORDER BY 2";
    let asked = unnamed(sql).bind(relations).bind(types).fetch_all(connection);
    let found = ask(database, "the question for names that are taken", asked).await?;
    Ok(found.iter().map(|row| Clash { kind: row.get(0), name: row.get(1) }).collect())
}

/// Tables in other schemas that an unqualified name of these would lead to before it leads to schema public.
///
/// # Errors
/// As [`ask`].
pub async fn shadows(
    connection: &mut PgConnection,
    database: &Database,
    tables: &[&str],
) -> Result<Vec<String>, Failure> {
    let sql = "SELECT format('%I.%I', n.nspname, c.relname) \
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE c.relname = ANY($1) AND n.nspname <> 'public' AND pg_table_is_visible(c.oid) \
               AND array_position(current_schemas(true), n.nspname) < array_position(current_schemas(true), 'public') \
               ORDER BY 1";
    let asked = scalar(sql).bind(tables).fetch_all(connection);
    ask(database, "the question for tables of the same names", asked).await
}

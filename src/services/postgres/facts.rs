//! What checks and stages ask a server: each question one statement, from the catalogs, without a trace.

use sqlx::{Row, postgres::PgRow};

use super::{
    Question, Questions, literals,
    question::one,
    quote_literal,
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
    /// The user may ask for its identifier, see [`system`].
    pub tells_system: bool,
}

/// Its version.
pub fn server() -> Question<Server> {
    let sql = "SELECT current_setting('server_version_num')::int4, current_setting('server_version'), \
               coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false), \
               coalesce((SELECT bool_or(has_function_privilege(oid, 'EXECUTE')) FROM pg_proc \
                 WHERE proname = 'pg_control_system' AND pronamespace = 'pg_catalog'::regnamespace), false)";
    Question::new("the question for its version", sql, |rows| {
        let row = one(rows)?;
        let text: String = row.try_get(1)?;
        let version = text.split_whitespace().next().unwrap_or(&text).to_owned();
        let (number, superuser, tells_system) = (row.try_get(0)?, row.try_get(2)?, row.try_get(3)?);
        Ok(Server { number, version, superuser, tells_system })
    })
}

/// The system identifier, which `initdb` makes and copies keep. Not for every user: see [`Server::tells_system`].
pub fn system() -> Question<u64> {
    let sql = "SELECT system_identifier FROM pg_control_system()";
    let read = |rows: &[PgRow]| Ok(one(rows)?.try_get::<i64, _>(0)?.cast_unsigned());
    Question::new("the question for its system identifier", sql, read)
}

/// The encoding of a database; none when there is no such database.
pub fn encoding(name: &str) -> Question<Option<String>> {
    let name = quote_literal(name);
    let sql = format!("SELECT pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = {name}");
    let read = |rows: &[PgRow]| rows.first().map(|row| row.try_get(0)).transpose();
    Question::new("the question for the encoding", sql, read)
}

/// May the user create databases?
pub fn may_create_database() -> Question<bool> {
    let sql = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user";
    Question::new("the question for CREATEDB", sql, |rows| one(rows)?.try_get(0))
}

/// Has the database the extension that the schema needs?
pub fn has_extension() -> Question<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'uuid-ossp')";
    Question::new("the question for its extension", sql, |rows| one(rows)?.try_get(0))
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
pub fn read_only() -> Question<Option<ReadOnly>> {
    let sql = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::bool";
    Question::new("the question whether it takes writes", sql, |rows| {
        let row = one(rows)?;
        Ok(match (row.try_get(0)?, row.try_get(1)?) {
            (true, _) => Some(ReadOnly::Standby),
            (false, true) => Some(ReadOnly::Default),
            (false, false) => None,
        })
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

/// Compares the collation of a database with the server's; none when they agree. Before PostgreSQL 15 there is no such
/// question.
pub fn collation(server: &Server, name: &str) -> Option<Question<Option<Collation>>> {
    if server.number < 150_000 {
        return None;
    }
    let sql = format!(
        "SELECT datcollversion::text, pg_database_collation_actual_version(oid)::text FROM pg_database \
         WHERE datname = {} AND datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid) \
         AND datcollversion IS NOT NULL",
        quote_literal(name)
    );
    Some(Question::new("the question for the collation", sql, |rows| {
        let read = |row: &PgRow| Ok(Collation { recorded: row.try_get(0)?, actual: row.try_get(1)? });
        rows.first().map(read).transpose()
    }))
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
pub fn extension() -> Question<Extension> {
    // Trusted extensions came with PostgreSQL 13, and the column with them.
    let sql = "SELECT bool_or(coalesce((to_jsonb(v) ->> 'trusted')::bool, false)), \
               coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false) \
               FROM pg_available_extension_versions v WHERE name = 'uuid-ossp' HAVING count(*) > 0";
    Question::new("the question for `uuid-ossp`", sql, |rows| {
        let Some(row) = rows.first() else { return Ok(Extension::Unavailable) };
        Ok(match (row.try_get(0)?, row.try_get(1)?) {
            (_, true) => Extension::Allowed,
            (true, false) => Extension::WithCreate,
            (false, false) => Extension::NeedsSuperuser,
        })
    })
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

/// Looks at the rights in the database that the connection is in.
pub fn rights() -> impl Questions<Answers = Rights> {
    let sql = "SELECT has_database_privilege(current_database(), 'CREATE'), \
               (SELECT has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE') \
                FROM pg_namespace WHERE nspname = 'public'), \
               (SELECT nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace \
                WHERE extname = 'uuid-ossp'), current_schemas(true)::text[]";
    let own = Question::new("the question for rights", sql, |rows| {
        let row = one(rows)?;
        Ok((
            row.try_get(0)?,
            row.try_get(1)?,
            row.try_get::<Option<String>, _>(2)?,
            row.try_get::<Vec<_>, _>(3)?,
        ))
    });
    (own, extension(), uuid_function()).made(
        |((database, public, schema, search_path), extension, function)| {
            let extension_schema = schema.map(|schema| {
                let is_found = search_path.contains(&schema);
                (schema, is_found)
            });
            Rights { database, public, extension_schema, extension, search_path, function }
        },
    )
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
pub fn clashes(relations: &[&str], types: &[&str]) -> Question<Vec<Clash>> {
    let (relations, types) = (literals(relations), literals(types));
    let sql = format!(
        "SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' \
           WHEN 'c' THEN 'composite type' WHEN 'v' THEN 'view' ELSE 'table' END, c.relname::text \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = 'public' AND (c.relname = ANY({relations}) OR (c.relkind = 'c' AND c.relname = ANY({types}))) \
         UNION ALL SELECT 'type', t.typname::text FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
         WHERE n.nspname = 'public' AND t.typname = ANY({relations} || {types}) AND t.typrelid = 0 \
         UNION ALL SELECT 'function', p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
         WHERE n.nspname = 'public' AND p.proname IN ('uuid_generate_v4', 'uuid_generate_v1', 'uuid_generate_v1mc', 'uuid_generate_v3', \
           'uuid_generate_v5', 'uuid_nil', 'uuid_ns_dns', 'uuid_ns_url', 'uuid_ns_oid', 'uuid_ns_x500') \
         AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') ORDER BY 2"
    );
    Question::new("the question for names that are taken", sql, |rows| {
        rows.iter().map(|row| Ok(Clash { kind: row.try_get(0)?, name: row.try_get(1)? })).collect()
    })
}

/// Tables in other schemas that an unqualified name of these would lead to before it leads to schema public.
pub fn shadows(tables: &[&str]) -> Question<Vec<String>> {
    let sql = format!(
        "SELECT format('%I.%I', n.nspname, c.relname) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relname = ANY({}) AND n.nspname <> 'public' AND pg_table_is_visible(c.oid) \
         AND array_position(current_schemas(true), n.nspname) < array_position(current_schemas(true), 'public') \
         ORDER BY 1",
        literals(tables)
    );
    Question::new("the question for tables of the same names", sql, |rows| {
        rows.iter().map(|row| row.try_get(0)).collect()
    })
}

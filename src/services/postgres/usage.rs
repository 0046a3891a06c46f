//! Whether the manager's own session, which is one like ours, could use what is there: rights, names, connections.

use sqlx::{PgConnection, Row};

use crate::{failure::Failure, guide::Database};

use super::{ask, scalar, unnamed};

/// The function by which the tables make their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The schema it is in.
    pub schema: String,
    /// USAGE on that schema.
    pub reachable: bool,
    /// EXECUTE on the function.
    pub callable: bool,
    /// The unqualified name leads to it.
    pub found: bool,
}

/// Looks for `uuid_generate_v4()`: the one that the unqualified name leads to, else that of the extension.
///
/// # Errors
/// As [`ask`].
pub async fn uuid_function(
    connection: &mut PgConnection,
    database: &Database,
) -> Result<Option<Function>, Failure> {
    let sql = "SELECT n.nspname::text, has_schema_privilege(n.oid, 'USAGE'), has_function_privilege(p.oid, 'EXECUTE'), \
               pg_function_is_visible(p.oid), \
               EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') \
               FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
               WHERE p.proname = 'uuid_generate_v4' AND p.pronargs = 0 ORDER BY 4 DESC, 5 DESC, 1 LIMIT 1";
    let asked = unnamed(sql).fetch_optional(connection);
    let found = ask(database, "the question for `uuid_generate_v4()`", asked).await?;
    Ok(found.map(|row| Function {
        schema: row.get(0),
        reachable: row.get(1),
        callable: row.get(2),
        found: row.get(3),
    }))
}

/// What the manager's own session, which is one like ours, finds of the schema by unqualified names.
#[derive(Debug, Default)]
pub struct Use {
    /// Tables whose unqualified name leads nowhere, or to another table.
    pub hidden: Vec<String>,
    /// USAGE on schema public is missing.
    pub no_usage: bool,
    /// Tables that may not be read and written.
    pub closed: Vec<String>,
    /// Sequences that a default of these tables takes a number from, and may not.
    pub sequences: Vec<String>,
    /// Tables of which row security shows a part only.
    pub secured: Vec<String>,
    /// Who owns the tables; none where several do.
    pub owner: Option<String>,
    /// `uuid_generate_v4()`, where it is there.
    pub function: Option<Function>,
}

/// Asks what the manager could do with these tables.
///
/// # Errors
/// As [`ask`].
pub async fn use_of_schema(
    connection: &mut PgConnection,
    database: &Database,
    tables: &[&str],
) -> Result<Use, Failure> {
    let what = "the question for the rights on the tables";
    let sql = "SELECT c.relname::text, to_regclass(quote_ident(c.relname)) IS DISTINCT FROM c.oid::regclass, \
               NOT has_schema_privilege(n.oid, 'USAGE'), \
               NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') \
                 AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')), \
               row_security_active(c.oid), pg_get_userbyid(c.relowner)::text \
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = 'public' AND c.relname = ANY($1) ORDER BY 1";
    let rows = ask(database, what, unnamed(sql).bind(tables).fetch_all(&mut *connection)).await?;
    let sequences = "SELECT DISTINCT format('%I.%I', n.nspname, s.relname) \
               FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace t ON t.oid = c.relnamespace \
               JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid \
                 AND p.refclassid = 'pg_class'::regclass \
               JOIN pg_class s ON s.oid = p.refobjid AND s.relkind = 'S' \
               JOIN pg_namespace n ON n.oid = s.relnamespace \
               WHERE t.nspname = 'public' AND c.relname = ANY($1) \
               AND CASE s.relkind WHEN 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE') ELSE false END ORDER BY 1";
    let sequences = scalar(sequences).bind(tables).fetch_all(&mut *connection);
    let mut found = Use {
        sequences: ask(database, what, sequences).await?,
        function: uuid_function(connection, database).await?,
        ..Use::default()
    };
    let owners: Vec<String> = rows.iter().map(|row| row.get(5)).collect();
    found.owner = owners.first().filter(|first| owners.iter().all(|owner| owner == *first)).cloned();
    for row in rows {
        let name: String = row.get(0);
        found.no_usage |= row.get::<bool, _>(2);
        // Without USAGE on the schema a name leads nowhere: the right is what is missing.
        if row.get(3) {
            found.closed.push(name);
        } else if row.get(1) && !row.get::<bool, _>(2) {
            found.hidden.push(name);
        } else if row.get(4) {
            found.secured.push(name);
        }
    }
    Ok(found)
}

/// Whose limit of connections it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// `ALTER ROLE … CONNECTION LIMIT`.
    Role,
    /// `ALTER DATABASE … CONNECTION LIMIT`.
    Database,
    /// `max_connections`.
    Server,
}

/// A limit of connections, and what others have of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sessions {
    /// Whose it is.
    pub whose: Limit,
    /// The limit as it is set.
    pub limit: i64,
    /// Of these, kept for superusers and for `pg_use_reserved_connections`, where the user is none of them.
    pub reserved: i64,
    /// Used by others.
    pub used: i64,
}

impl Sessions {
    /// How many the user may have at once, this one among them.
    pub fn left(&self) -> i64 {
        (self.limit - self.reserved - self.used).max(0)
    }
}

/// The tightest of the limits.
///
/// # Errors
/// As [`ask`].
pub async fn sessions(connection: &mut PgConnection, database: &Database) -> Result<Sessions, Failure> {
    // What is no client has slots of its own, and works in no database where a plain user may not see its type.
    let sql = "WITH sessions AS (SELECT usename, datname FROM pg_stat_activity a \
                 WHERE datname IS NOT NULL AND usename IS NOT NULL AND pid <> pg_backend_pid() \
                 AND coalesce(to_jsonb(a) ->> 'backend_type', 'client backend') = 'client backend') \
               SELECT r.rolconnlimit::int8, (SELECT count(*) FROM sessions WHERE usename = r.rolname), \
               coalesce(d.datconnlimit, -1)::int8, (SELECT count(*) FROM sessions WHERE datname = d.datname), \
               current_setting('max_connections')::int8, (SELECT count(*) FROM sessions), r.rolsuper, \
               current_setting('superuser_reserved_connections')::int8, \
               CASE WHEN (SELECT pg_has_role(r.oid, oid, 'USAGE') FROM pg_roles \
                    WHERE rolname = 'pg_use_reserved_connections') THEN 0 \
                 ELSE coalesce(current_setting('reserved_connections', true)::int8, 0) END \
               FROM pg_roles r LEFT JOIN pg_database d ON d.datname = $1 WHERE r.rolname = current_user";
    let asked = unnamed(sql).bind(&database.name).fetch_one(connection);
    let row = ask(database, "the question for free connections", asked).await?;
    let is_super: bool = row.get(6);
    let reserved = if is_super { 0 } else { row.get::<i64, _>(7) + row.get::<i64, _>(8) };
    let of = |whose, limit: i64, reserved, used| Sessions { whose, limit, reserved, used };
    let server = of(Limit::Server, row.get(4), reserved, row.get(5));
    let (role, base): (i64, i64) = (row.get(0), row.get(2));
    // Superusers pass the limits of role and database.
    let own = [of(Limit::Role, role, 0, row.get(1)), of(Limit::Database, base, 0, row.get(3))];
    let own = own.into_iter().filter(|limit| !is_super && limit.limit >= 0);
    Ok(own.chain([server.clone()]).min_by_key(Sessions::left).unwrap_or(server))
}

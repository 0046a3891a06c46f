//! Whether the manager's own session, which is one like ours, could use what is there: rights, names, connections.

use sqlx::{Row, postgres::PgRow};

use crate::guide::Database;

use super::{Question, Questions, literals, question::one, quote_literal};

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
pub fn uuid_function() -> Question<Option<Function>> {
    let sql = "SELECT n.nspname::text, has_schema_privilege(n.oid, 'USAGE'), has_function_privilege(p.oid, 'EXECUTE'), \
               pg_function_is_visible(p.oid), \
               EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') \
               FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
               WHERE p.proname = 'uuid_generate_v4' AND p.pronargs = 0 ORDER BY 4 DESC, 5 DESC, 1 LIMIT 1";
    Question::new("the question for `uuid_generate_v4()`", sql, |rows| {
        let read = |row: &PgRow| {
            let (schema, reachable) = (row.try_get(0)?, row.try_get(1)?);
            Ok(Function { schema, reachable, callable: row.try_get(2)?, found: row.try_get(3)? })
        };
        rows.first().map(read).transpose()
    })
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
    /// Who owns the tables; none where several do.
    pub owner: Option<String>,
    /// `uuid_generate_v4()`, where it is there.
    pub function: Option<Function>,
}

/// Asks what the manager could do with these tables.
pub fn use_of_schema(tables: &[&str]) -> impl Questions<Answers = Use> + use<> {
    let what = "the question for the rights on the tables";
    let tables = literals(tables);
    let rights = format!(
        "SELECT c.relname::text, to_regclass(quote_ident(c.relname)) IS DISTINCT FROM c.oid::regclass, \
         NOT has_schema_privilege(n.oid, 'USAGE'), \
         NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') \
           AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')), \
         pg_get_userbyid(c.relowner)::text \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = 'public' AND c.relname = ANY({tables}) ORDER BY 1"
    );
    let sequences = format!(
        "SELECT DISTINCT format('%I.%I', n.nspname, s.relname) \
         FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace t ON t.oid = c.relnamespace \
         JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid \
           AND p.refclassid = 'pg_class'::regclass \
         JOIN pg_class s ON s.oid = p.refobjid AND s.relkind = 'S' \
         JOIN pg_namespace n ON n.oid = s.relnamespace \
         WHERE t.nspname = 'public' AND c.relname = ANY({tables}) \
         AND CASE s.relkind WHEN 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE') ELSE false END ORDER BY 1"
    );
    let sequences = Question::new(what, sequences, |rows| rows.iter().map(|row| row.try_get(0)).collect());
    (Question::new(what, rights, read_use), sequences, uuid_function())
        .made(|(found, sequences, function)| Use { sequences, function, ..found })
}

fn read_use(rows: &[PgRow]) -> Result<Use, sqlx::Error> {
    let owners = rows.iter().map(|row| row.try_get(4)).collect::<Result<Vec<String>, _>>()?;
    let owner = owners.first().filter(|first| owners.iter().all(|owner| owner == *first)).cloned();
    let mut found = Use { owner, ..Use::default() };
    for row in rows {
        let name: String = row.try_get(0)?;
        let (hidden, no_usage): (bool, bool) = (row.try_get(1)?, row.try_get(2)?);
        found.no_usage |= no_usage;
        // Without USAGE on the schema a name leads nowhere: the right is what is missing.
        if row.try_get(3)? {
            found.closed.push(name);
        } else if hidden && !no_usage {
            found.hidden.push(name);
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
pub fn sessions(database: &Database) -> Question<Sessions> {
    // What is no client has slots of its own, and works in no database where a plain user may not see its type.
    let sql = format!(
        "WITH sessions AS (SELECT usename, datname FROM pg_stat_activity a \
           WHERE datname IS NOT NULL AND usename IS NOT NULL AND pid <> pg_backend_pid() \
           AND coalesce(to_jsonb(a) ->> 'backend_type', 'client backend') = 'client backend') \
         SELECT r.rolconnlimit::int8, (SELECT count(*) FROM sessions WHERE usename = r.rolname), \
         coalesce(d.datconnlimit, -1)::int8, (SELECT count(*) FROM sessions WHERE datname = d.datname), \
         current_setting('max_connections')::int8, (SELECT count(*) FROM sessions), r.rolsuper, \
         current_setting('superuser_reserved_connections')::int8, \
         CASE WHEN (SELECT pg_has_role(r.oid, oid, 'USAGE') FROM pg_roles \
              WHERE rolname = 'pg_use_reserved_connections') THEN 0 \
           ELSE coalesce(current_setting('reserved_connections', true)::int8, 0) END \
         FROM pg_roles r LEFT JOIN pg_database d ON d.datname = {} WHERE r.rolname = current_user",
        quote_literal(&database.name)
    );
    Question::new("the question for free connections", sql, |rows| read_sessions(one(rows)?))
}

fn read_sessions(row: &PgRow) -> Result<Sessions, sqlx::Error> {
    let number = |at: usize| row.try_get::<i64, _>(at);
    let is_super: bool = row.try_get(6)?;
    let reserved = if is_super { 0 } else { number(7)? + number(8)? };
    let of = |whose, limit: i64, reserved, used| Sessions { whose, limit, reserved, used };
    let server = of(Limit::Server, number(4)?, reserved, number(5)?);
    // Superusers pass the limits of role and database.
    let own = [of(Limit::Role, number(0)?, 0, number(1)?), of(Limit::Database, number(2)?, 0, number(3)?)];
    let own = own.into_iter().filter(|limit| !is_super && limit.limit >= 0);
    Ok(own.chain([server.clone()]).min_by_key(Sessions::left).unwrap_or(server))
}

//! What a server is asked about the manager's tables and types, in one statement.

use super::Schema;

/// The manager's own tables, with what they are.
const OWN: &str = "WITH own AS (SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, \
       c.relforcerowsecurity \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname IN ({tables})) ";

/// The extension, or the function that takes its place.
const EXTENSION: &str = "SELECT 'extension', '', 'uuid-ossp', \
       CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'uuid-ossp') THEN 'extension' ELSE 'function' END, \
       '', '' \
     WHERE EXISTS (SELECT FROM pg_extension WHERE extname = 'uuid-ossp') \
       OR EXISTS (SELECT FROM pg_proc WHERE proname = 'uuid_generate_v4' AND pronargs = 0)";

const TYPES: &str = "SELECT 'type', '', t.typname::text, CASE t.typtype WHEN 'e' THEN \
       coalesce((SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) \
         FROM pg_enum e WHERE e.enumtypid = t.oid), '') \
       ELSE 'another type' END, '', '' \
     FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
     WHERE n.nspname = 'public' AND t.typname IN ({types}) AND t.typrelid = 0 AND t.typelem = 0";

const TABLES: &str = "SELECT 'table', '', relname::text, \
       CASE relpersistence WHEN 'u' THEN 'unlogged ' ELSE '' END || \
       CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' \
         WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END, '', '' \
     FROM own";

/// A column that the server fills in by itself has that in the place of a default.
const COLUMNS: &str = "SELECT 'column', c.relname::text, a.attname::text, \
       format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attcollation <> t.typcollation THEN \
         ' COLLATE ' || quote_ident(o.collname) || \
         CASE to_jsonb(o) ->> 'collisdeterministic' WHEN 'false' THEN ' (nondeterministic)' ELSE '' END ELSE '' END, \
       CASE WHEN a.attnotnull THEN 'required' ELSE '' END, \
       CASE WHEN to_jsonb(a) ->> 'attidentity' IN ('a', 'd') THEN 'GENERATED AS IDENTITY' \
         WHEN to_jsonb(a) ->> 'attgenerated' IN ('s', 'v') \
           THEN 'GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid) || ')' \
         ELSE coalesce(pg_get_expr(d.adbin, d.adrelid), '') END \
     FROM pg_attribute a JOIN own c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid \
     LEFT JOIN pg_collation o ON o.oid = a.attcollation \
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
     WHERE a.attnum > 0 AND NOT a.attisdropped";

/// A foreign key whose triggers are switched off holds nothing.
const CONSTRAINTS: &str = "SELECT CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique constraint' \
       WHEN 'c' THEN 'check constraint' WHEN 'x' THEN 'exclusion constraint' ELSE 'foreign key' END, \
       c.relname::text, k.conname::text, \
       coalesce(pg_get_constraintdef(k.oid), '') || CASE WHEN k.contype = 'f' AND EXISTS \
         (SELECT FROM pg_trigger g WHERE g.tgconstraint = k.oid AND g.tgenabled IN ('D', 'R')) \
         THEN ' (switched off)' ELSE '' END, '', '' \
     FROM pg_constraint k JOIN own c ON c.oid = k.conrelid WHERE k.contype IN ('p', 'u', 'c', 'x', 'f')";

/// All that follows the name of the table, since both names are known.
const INDEXES: &str = "SELECT 'index', c.relname::text, x.relname::text, \
       CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || coalesce(substr(s.rest, strpos(s.rest, ' USING ') + 1), '') \
         || CASE WHEN i.indisvalid AND i.indisready THEN '' ELSE ' (invalid)' END, '', '' \
     FROM pg_index i JOIN own c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid \
     CROSS JOIN LATERAL (SELECT substr(pg_get_indexdef(i.indexrelid), length(quote_ident(x.relname)) \
       + CASE WHEN i.indisunique THEN 21 ELSE 14 END) AS rest) s \
     WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))";

const TRIGGERS: &str = "SELECT 'trigger', c.relname::text, g.tgname::text, \
       coalesce(pg_get_triggerdef(g.oid), '') || CASE WHEN g.tgenabled IN ('D', 'R') THEN ' (disabled)' ELSE '' END, '', '' \
     FROM pg_trigger g JOIN own c ON c.oid = g.tgrelid WHERE NOT g.tgisinternal \
     UNION ALL SELECT 'rule', c.relname::text, r.rulename::text, \
       coalesce(pg_get_ruledef(r.oid), '') || CASE WHEN r.ev_enabled IN ('D', 'R') THEN ' (disabled)' ELSE '' END, '', '' \
     FROM pg_rewrite r JOIN own c ON c.oid = r.ev_class WHERE r.rulename <> '_RETURN'";

const SECURITY: &str = "SELECT 'row security', relname::text, '', \
       CASE WHEN relforcerowsecurity THEN 'enabled, for the owner too' ELSE 'enabled' END, '', '' \
     FROM own WHERE relrowsecurity \
     UNION ALL SELECT 'policy', c.relname::text, p.polname::text, \
       concat_ws(' ', CASE p.polcmd WHEN 'r' THEN 'FOR SELECT' WHEN 'a' THEN 'FOR INSERT' \
         WHEN 'w' THEN 'FOR UPDATE' WHEN 'd' THEN 'FOR DELETE' ELSE 'FOR ALL' END, \
         'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', \
         'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'), '', '' \
     FROM pg_policy p JOIN own c ON c.oid = p.polrelid";

/// Rows that stand in another table and are found in one of these, or the other way round; and foreign keys of others.
const OTHERS: &str = "SELECT 'inheritance', c.relname::text, format('%I.%I', n.nspname, o.relname), \
       CASE WHEN c.oid = h.inhparent THEN 'has the rows of' ELSE 'gives its rows to' END, '', '' \
     FROM pg_inherits h JOIN own c ON c.oid IN (h.inhparent, h.inhrelid) AND c.relkind = 'r' \
     JOIN pg_class o ON o.oid = CASE WHEN c.oid = h.inhparent THEN h.inhrelid ELSE h.inhparent END \
     JOIN pg_namespace n ON n.oid = o.relnamespace \
     UNION ALL SELECT 'reference', c.relname::text, k.conname::text, \
       format('%I.%I: ', n.nspname, o.relname) || coalesce(pg_get_constraintdef(k.oid), ''), '', '' \
     FROM pg_constraint k JOIN own c ON c.oid = k.confrelid JOIN pg_class o ON o.oid = k.conrelid \
     JOIN pg_namespace n ON n.oid = o.relnamespace \
     WHERE k.contype = 'f' AND NOT EXISTS (SELECT FROM own w WHERE w.oid = k.conrelid)";

impl Schema {
    /// The question for all parts, in one statement. The session must look for names in `pg_catalog` alone, so that
    /// definitions carry the schema of whatever is not built in.
    pub fn question(&self) -> String {
        let list =
            |names: &[&str]| names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
        let tables: Vec<&str> = self.tables.iter().copied().chain(["alembic_version"]).collect();
        let parts = [EXTENSION, TYPES, TABLES, COLUMNS, CONSTRAINTS, INDEXES, TRIGGERS, SECURITY, OTHERS]
            .join(" UNION ALL ");
        let text = format!("{OWN}{parts} ORDER BY 1, 2, 3, 4");
        text.replace("{tables}", &list(&tables)).replace("{types}", &list(self.types))
    }
}

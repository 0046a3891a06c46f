//! The alembic revisions as data, from `migrations/`.

mod shape;
mod standing;

use crate::bundle;

pub use shape::{Drift, Part, drifts, question};
pub use standing::{Found, Standing};

/// The revision that the guide's manager expects.
pub const HEAD: &str = "f9971fbb34d9";

/// Every table that any revision has or had.
pub const TABLES: &[&str] = &[
    "agents",
    "kernels",
    "keypairs",
    "usage",
    "vfolder_attachment",
    "vfolder_invitations",
    "vfolder_permissions",
    "vfolders",
];

/// The two enum types.
pub const TYPES: &[&str] = &["agentstatus", "kernelstatus"];

/// One alembic revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision {
    /// Its place, from 1.
    pub number: usize,
    /// alembic's id.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
}

/// The chain, oldest first.
pub fn chain() -> impl Iterator<Item = Revision> {
    bundle::CHAIN.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut fields = line.split('\t');
        Some(Revision { number: fields.next()?.parse().ok()?, id: fields.next()?, title: fields.next()? })
    })
}

/// One statement of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// What it makes, for example `table keypairs`.
    pub what: &'static str,
    /// The statement, without its semicolon.
    pub sql: &'static str,
}

/// The tables of the head.
pub fn head_tables() -> impl Iterator<Item = &'static str> {
    statements().filter_map(|statement| statement.what.strip_prefix("table "))
}

/// The relations that the head makes in schema public: tables, indexes, and the indexes of constraints.
pub fn head_relations() -> Vec<&'static str> {
    let mut names = Vec::new();
    for statement in statements() {
        let words: Vec<&str> =
            statement.sql.split([' ', '\n', ',', '(']).filter(|word| !word.is_empty()).collect();
        for (at, word) in words.iter().enumerate() {
            let next = |more: usize| words.get(at + more).copied().unwrap_or_default();
            let name = match *word {
                "TABLE" => next(if next(1) == "IF" { 4 } else { 1 }),
                "INDEX" => next(1),
                "CONSTRAINT" if matches!(next(2), "PRIMARY" | "UNIQUE") => next(1),
                _ => continue,
            };
            names.push(name.trim_start_matches("public."));
        }
    }
    names
}

/// The statements that make the head in a fresh database, in order.
///
/// The format is ours: a statement ends with a semicolon at the end of a line and is told by the
/// comment right above it.
pub fn statements() -> impl Iterator<Item = Statement> {
    bundle::HEAD_SQL.split(";\n").filter_map(|part| {
        let start = part.rfind("-- ")?;
        let (what, sql) = part[start + 3..].split_once('\n')?;
        Some(Statement { what, sql: sql.trim() }).filter(|statement| !statement.sql.is_empty())
    })
}

/// A name as SQL takes it, whatever is in it.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_ends_at_the_head() {
        let chain: Vec<_> = chain().collect();
        assert_eq!(chain.len(), 18);
        assert!(chain.iter().enumerate().all(|(at, revision)| revision.number == at + 1));
        assert_eq!(chain.last().map(|revision| revision.id), Some(HEAD));
    }

    #[test]
    fn every_statement_is_told_and_whole() {
        let statements: Vec<_> = statements().collect();
        assert_eq!(statements.len(), bundle::HEAD_SQL.matches(";\n").count());
        for statement in &statements {
            assert!(statement.sql.starts_with("CREATE "), "{statement:?}");
            assert!(!statement.sql.contains("--"), "{statement:?}");
        }
        let relations = head_relations();
        for name in
            ["agents", "pk_kernels", "ix_kernels_unique_sess_token", "alembic_version", "alembic_version_pkc"]
        {
            assert!(relations.contains(&name), "{name} is not in {relations:?}");
        }
        assert!(!relations.iter().any(|name| name.starts_with("fk_")), "{relations:?}");
        let tables: Vec<_> = head_tables().collect();
        assert_eq!(tables.len(), 8);
        assert!(tables.iter().all(|table| *table == "alembic_version" || TABLES.contains(table)));
    }
}

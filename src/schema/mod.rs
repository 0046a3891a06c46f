//! The schema of a release of the manager: alembic's revisions as data, and what a database has of them.

mod columns;
mod compare;
mod cures;
mod difference;
mod owners;
mod part;
mod question;
mod script;
mod shape;
mod standing;
mod types;
mod upgrade;

pub use difference::{Cure, Difference, Probe, State};
pub use owners::{NAME_LIMIT, Owners};
pub use part::{Kind, Part};
pub use script::{RUN_LOCK, Span, WORK_LOCK};
pub use shape::{Likeness, Shape, written};
pub use standing::{Found, Standing};
pub use upgrade::{Facts, Question, Step, USER_IDS, Upgrade};

/// The schema that a release of the manager works with.
#[derive(Debug)]
pub struct Schema {
    /// The revision that the manager expects.
    pub head: &'static str,
    /// Every table that any revision has or had.
    pub tables: &'static [&'static str],
    /// Its enum types.
    pub types: &'static [&'static str],
    /// The revisions, oldest first.
    pub chain: &'static [Revision],
    /// The statements that make the head in a fresh database, each with its title; see [`titled`].
    pub statements: &'static str,
    /// What the catalogs say of each revision: the answers to [`Schema::question`], each by what it has otherwise than the
    /// one before. See [`Schema::recorded`].
    pub shapes: &'static str,
}

/// One alembic revision: the way to it from the one before, or from an empty database.
#[derive(Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its place, from 1.
    pub number: usize,
    /// alembic's id.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// The statements that lead to it, each with its title; see [`titled`].
    pub sql: &'static str,
    /// What it does to rows that are there.
    pub rows: &'static [Rows],
}

/// What a revision does to rows that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Rows in this table stop it: this new column must have a value, and there is none for them.
    Stop {
        /// The table that has to be empty.
        table: &'static str,
        /// The column, or the first of several.
        column: &'static str,
    },
    /// The table is dropped with its rows.
    Dropped {
        /// Its name.
        table: &'static str,
    },
    /// Living rows that are alike in these columns stop it: a unique index is made.
    Alike {
        /// The table.
        table: &'static str,
        /// Its columns, separated by commas.
        columns: &'static str,
        /// The condition for the rows that count.
        living: &'static str,
        /// The number of the revision from which on the columns are there.
        since: usize,
    },
    /// The owners of keypairs were numbers and become texts: the number itself, or a name for it.
    UserIds,
    /// Nothing to decide, but to know beforehand.
    Remark(&'static str),
}

/// One statement of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// What it makes, for example `table keypairs`.
    pub what: &'static str,
    /// The statement, without its semicolon.
    pub sql: &'static str,
}

impl Schema {
    /// The revision with this id.
    pub fn revision(&self, id: &str) -> Option<&'static Revision> {
        self.chain.iter().find(|revision| revision.id == id)
    }

    /// The revisions that follow this one, oldest first.
    pub fn way_from(&self, revision: &Revision) -> &'static [Revision] {
        self.chain.get(revision.number..).unwrap_or_default()
    }

    /// The tables of the head, as the statements that make them name them.
    pub fn head_tables(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.statements().filter_map(|statement| statement.named("CREATE TABLE "))
    }

    /// The tables that stand at a revision of the chain, `alembic_version` among them.
    pub fn tables_at(&self, revision: &Revision) -> Vec<&'static str> {
        let way = self.chain.iter().take(revision.number).flat_map(Revision::statements);
        let mut tables = Vec::new();
        for statement in way {
            tables.extend(statement.named("CREATE TABLE "));
            if let Some(gone) = statement.named("DROP TABLE ") {
                tables.retain(|table| *table != gone);
            }
        }
        tables
    }

    /// The enum types that stand at a revision of the chain.
    pub fn types_at(&self, revision: &Revision) -> Vec<&'static str> {
        let way = self.chain.iter().take(revision.number).flat_map(Revision::statements);
        way.filter_map(|statement| statement.named("CREATE TYPE ")).collect()
    }

    /// The relations that the head makes in schema public: tables, indexes, and the indexes of constraints.
    pub fn head_relations(&self) -> Vec<&'static str> {
        relations(self.statements())
    }

    /// The relations that the way from this revision makes.
    pub fn relations_after(&self, revision: &Revision) -> Vec<&'static str> {
        relations(self.way_from(revision).iter().flat_map(Revision::statements))
    }

    /// The statements that make the head in a fresh database, in order.
    pub fn statements(&self) -> impl Iterator<Item = Statement> + use<> {
        titled(self.statements)
    }
}

impl Statement {
    /// The name, without its schema, of what it creates or drops; none where it begins in another way.
    fn named(&self, begins: &str) -> Option<&'static str> {
        let rest = self.sql.strip_prefix(begins)?;
        let name = rest.strip_prefix("IF NOT EXISTS ").unwrap_or(rest).split([' ', '(']).next()?;
        Some(name.trim_start_matches("public."))
    }
}

/// The relations that statements create: tables, indexes, and the indexes of constraints of new tables.
fn relations(statements: impl Iterator<Item = Statement>) -> Vec<&'static str> {
    let mut names = Vec::new();
    for statement in statements.filter(|statement| statement.sql.starts_with("CREATE ")) {
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

impl Revision {
    /// The statements that lead to it, in order.
    pub fn statements(&self) -> impl Iterator<Item = Statement> + use<> {
        titled(self.sql)
    }
}

/// The statements of a file: each begins below a line `--> title` and ends before the next such line, whatever semicolons
/// are in it. What comes before the first belongs to the reader.
fn titled(text: &'static str) -> impl Iterator<Item = Statement> {
    let mut parts = text.split("\n--> ");
    parts.next();
    parts.filter_map(|part| {
        let (what, sql) = part.split_once('\n')?;
        Some(Statement { what, sql: sql.trim().trim_end_matches(';') })
    })
}

/// A text as SQL takes it, whatever is in it and whatever `standard_conforming_strings` says.
pub fn quote_literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    match text.contains('\\') {
        true => format!("E'{}'", doubled.replace('\\', "\\\\")),
        false => format!("'{doubled}'"),
    }
}

/// A name as SQL takes it, whatever is in it.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::{Revision, titled};
    use crate::guides::september_2018::GUIDE;

    #[test]
    fn the_chain_ends_at_the_head() {
        let chain = GUIDE.schema.chain;
        assert_eq!(chain.len(), 18);
        assert!(chain.iter().enumerate().all(|(at, revision)| revision.number == at + 1));
        assert_eq!(chain.last().map(|revision| revision.id), Some(GUIDE.schema.head));
    }

    #[test]
    fn every_statement_has_a_title_and_is_whole() {
        let ends = GUIDE.schema.statements.matches(";\n").count();
        assert_eq!(GUIDE.schema.statements().count(), ends);
        let steps = GUIDE.schema.chain.iter().flat_map(Revision::statements);
        for statement in GUIDE.schema.statements().chain(steps) {
            assert!(!statement.what.is_empty() && !statement.sql.contains("--"), "{statement:?}");
            assert!(
                ["CREATE ", "ALTER ", "DROP "].iter().any(|verb| statement.sql.starts_with(verb)),
                "{statement:?}"
            );
        }
    }

    #[test]
    fn a_statement_ends_where_the_next_title_stands() {
        let text = "-- For people.\n\n--> function f\nCREATE FUNCTION f() AS $$\nBEGIN;\nEND;\n$$;\n\n--> text\nSELECT ';\n';\n";
        let statements: Vec<_> = titled(text).map(|statement| (statement.what, statement.sql)).collect();
        let function = "CREATE FUNCTION f() AS $$\nBEGIN;\nEND;\n$$";
        assert_eq!(statements, [("function f", function), ("text", "SELECT ';\n'")]);
    }

    #[test]
    fn the_relations_of_the_head_are_known() {
        let relations = GUIDE.schema.head_relations();
        for name in
            ["agents", "pk_kernels", "ix_kernels_unique_sess_token", "alembic_version", "alembic_version_pkc"]
        {
            assert!(relations.contains(&name), "{name} is not in {relations:?}");
        }
        assert!(!relations.iter().any(|name| name.starts_with("fk_")), "{relations:?}");
        let tables: Vec<_> = GUIDE.schema.head_tables().collect();
        assert_eq!(tables.len(), 8);
        assert!(
            tables.iter().all(|table| *table == "alembic_version" || GUIDE.schema.tables.contains(table))
        );
    }
}

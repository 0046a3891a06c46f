//! The schema of a release of the manager: alembic's revisions as data, and what a database has of them.

mod shape;
mod standing;

pub use shape::{Drift, Part};
pub use standing::{Found, Standing};

/// The schema that a release of the manager works with.
#[derive(Debug)]
pub struct Schema {
    /// The revision that the manager expects.
    pub head: &'static str,
    /// Every table that any revision has or had.
    pub tables: &'static [&'static str],
    /// Its enum types.
    pub types: &'static [&'static str],
    /// The revisions, oldest first: number, id and title in a line.
    pub chain: &'static str,
    /// The statements that make the head, each with a comment above it that says what it makes.
    pub statements: &'static str,
    /// What the catalogs say of the head: the answer to [`Schema::question`], a part in a line.
    pub shape: &'static str,
}

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

/// One statement of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// What it makes, for example `table keypairs`.
    pub what: &'static str,
    /// The statement, without its semicolon.
    pub sql: &'static str,
}

impl Schema {
    /// The chain, oldest first.
    pub fn chain(&self) -> impl Iterator<Item = Revision> + use<> {
        self.chain.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let mut fields = line.split('\t');
            Some(Revision { number: fields.next()?.parse().ok()?, id: fields.next()?, title: fields.next()? })
        })
    }

    /// The tables of the head, as the statements that make them name them.
    pub fn head_tables(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.statements().filter_map(|statement| {
            let rest = statement.sql.strip_prefix("CREATE TABLE ")?;
            let name = rest.strip_prefix("IF NOT EXISTS ").unwrap_or(rest).split([' ', '(']).next()?;
            Some(name.trim_start_matches("public."))
        })
    }

    /// The relations that the head makes in schema public: tables, indexes, and the indexes of constraints.
    pub fn head_relations(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for statement in self.statements() {
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
    /// The format is ours: a statement ends with a semicolon at the end of a line and is described by the
    /// comment right above it.
    pub fn statements(&self) -> impl Iterator<Item = Statement> + use<> {
        self.statements.split(";\n").filter_map(|part| {
            let start = part.rfind("-- ")?;
            let (what, sql) = part[start + 3..].split_once('\n')?;
            Some(Statement { what, sql: sql.trim() }).filter(|statement| !statement.sql.is_empty())
        })
    }
}

/// A name as SQL takes it, whatever is in it.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use crate::guides::september_2018::GUIDE;

    #[test]
    fn the_chain_ends_at_the_head() {
        let chain: Vec<_> = GUIDE.schema.chain().collect();
        assert_eq!(chain.len(), 18);
        assert!(chain.iter().enumerate().all(|(at, revision)| revision.number == at + 1));
        assert_eq!(chain.last().map(|revision| revision.id), Some(GUIDE.schema.head));
    }

    #[test]
    fn every_statement_is_told_and_whole() {
        let statements: Vec<_> = GUIDE.schema.statements().collect();
        assert_eq!(statements.len(), GUIDE.schema.statements.matches(";\n").count());
        for statement in &statements {
            assert!(statement.sql.starts_with("CREATE "), "{statement:?}");
            assert!(!statement.sql.contains("--"), "{statement:?}");
        }
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

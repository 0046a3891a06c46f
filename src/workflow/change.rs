//! A change: one thing a stage would write.

use std::fmt;

use serde::Serialize;

/// One thing a stage would write; never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// A key in etcd: new, changed or removed.
    Key {
        /// The whole key.
        key: String,
        /// What it holds now.
        old: Option<String>,
        /// What it will hold; none when it is removed.
        new: Option<String>,
    },
    /// A database to create.
    Database {
        /// Its name.
        name: String,
    },
    /// A statement that makes a part of the schema.
    Statement {
        /// What it makes, for example `table keypairs`.
        what: String,
        /// The statement itself.
        sql: String,
    },
    /// A row in a table.
    Row {
        /// The table.
        table: String,
        /// What happens to which row.
        what: String,
    },
    /// A file.
    File {
        /// Its path.
        path: String,
        /// What happens to it.
        what: String,
    },
}

impl Change {
    /// What several changes of this kind are called, for counts.
    pub fn unit(&self, count: usize) -> &'static str {
        match (self, count) {
            (Change::Key { .. }, 1) => "key",
            (Change::Key { .. }, _) => "keys",
            (Change::Database { .. }, 1) => "database",
            (Change::Database { .. }, _) => "databases",
            (Change::Statement { .. }, 1) => "statement",
            (Change::Statement { .. }, _) => "statements",
            (Change::Row { .. }, 1) => "row",
            (Change::Row { .. }, _) => "rows",
            (Change::File { .. }, 1) => "file",
            (Change::File { .. }, _) => "files",
        }
    }

    /// Counts changes by kind: `181 keys`, `2 rows, 1 file`.
    pub fn count(changes: &[Change]) -> String {
        if changes.is_empty() {
            return "nothing".into();
        }
        let kinds = changes.chunk_by(|one, next| std::mem::discriminant(one) == std::mem::discriminant(next));
        let counts: Vec<_> =
            kinds.map(|kind| format!("{} {}", kind.len(), kind[0].unit(kind.len()))).collect();
        counts.join(", ")
    }

    /// `+` for new, `~` for changed, `-` for removed.
    pub fn sign(&self) -> char {
        match self {
            Change::Key { new: None, .. } => '-',
            Change::Key { old: Some(_), .. } => '~',
            Change::File { what, .. } if what.starts_with("change") => '~',
            _ => '+',
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.sign())?;
        match self {
            Change::Key { key, old: Some(old), new: Some(new) } => write!(f, "{key}  {old} → {new}"),
            Change::Key { key, old: None, new: Some(new) } => write!(f, "{key} = {new}"),
            Change::Key { key, old, new: None } => write!(f, "{key}  was {}", old.as_deref().unwrap_or("")),
            Change::Database { name } => write!(f, "database {name}"),
            Change::Statement { what, .. } => f.write_str(what),
            Change::Row { table, what } => write!(f, "{table}: {what}"),
            Change::File { path, what } => write!(f, "{path}  {what}"),
        }
    }
}

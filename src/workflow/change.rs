//! A change: one thing a stage would write.

use std::{borrow::Cow, fmt, mem::discriminant, ops::Not};

use serde::Serialize;

use crate::text::{Room, clipped};

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
        /// The same, where it is no text.
        #[serde(skip)]
        old_bytes: Option<Vec<u8>>,
        /// What it will hold; none when it is removed.
        new: Option<String>,
        /// The same, where it is no text.
        #[serde(skip)]
        new_bytes: Option<Vec<u8>>,
        /// The revision of etcd at which it was last written before the look; 0 where it was not there. The guard.
        #[serde(skip)]
        revision: i64,
    },
    /// A database to create, or to remove.
    Database {
        /// Its name.
        name: String,
        /// It is removed.
        #[serde(skip_serializing_if = "Not::not")]
        is_removed: bool,
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
        /// The row is made; otherwise it is there and changes.
        is_new: bool,
        /// It is there, and is removed.
        #[serde(skip_serializing_if = "Not::not")]
        is_removed: bool,
    },
    /// A file.
    File {
        /// Its path.
        path: String,
        /// What happens to it.
        what: String,
        /// It is made; otherwise it is there and changes.
        #[serde(skip)]
        is_new: bool,
        /// It is there, and is removed.
        #[serde(skip_serializing_if = "Not::not")]
        is_removed: bool,
        /// The fingerprint of its content and mode as they were seen; none where it was not there. The guard.
        #[serde(skip)]
        seen: Option<String>,
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

    /// Where it is written; of rows what happens to which, since they have no other name.
    pub fn resource(&self) -> (&'static str, &str) {
        match self {
            Change::Key { key, .. } => ("key", key),
            Change::Database { name, .. } => ("database", name),
            Change::Statement { what, .. } => ("statement", what),
            Change::Row { what, .. } => ("row", what),
            Change::File { path, .. } => ("file", path),
        }
    }

    /// Would both write the same over the same? Another revision of a key with the same value is no difference.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Change::Key { key, old, old_bytes, new, new_bytes, revision: _ },
                Change::Key {
                    key: its_key,
                    old: its_old,
                    old_bytes: its_old_bytes,
                    new: its_new,
                    new_bytes: its_new_bytes,
                    revision: _,
                },
            ) => {
                (key, old, old_bytes, new, new_bytes)
                    == (its_key, its_old, its_old_bytes, its_new, its_new_bytes)
            }
            _ => self == other,
        }
    }

    /// Counts changes by kind: `181 keys`, `2 rows, 1 file`.
    pub fn count(changes: &[Change]) -> String {
        let mut kinds: Vec<(&Change, usize)> = Vec::new();
        for change in changes {
            match kinds.iter_mut().find(|(first, _)| discriminant(*first) == discriminant(change)) {
                Some((_, count)) => *count += 1,
                None => kinds.push((change, 1)),
            }
        }
        if kinds.is_empty() {
            return "nothing".into();
        }
        let parts = kinds.into_iter().map(|(first, count)| format!("{count} {}", first.unit(count)));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// `+` for new, `~` for changed, `-` for removed.
    pub fn sign(&self) -> char {
        match self {
            Change::Key { new: None, .. }
            | Change::Database { is_removed: true, .. }
            | Change::Row { is_removed: true, .. }
            | Change::File { is_removed: true, .. } => '-',
            Change::Statement { sql, .. } if sql.starts_with("DROP ") => '-',
            Change::Statement { sql, .. } if sql.starts_with("ALTER ") || sql.starts_with("UPDATE ") => '~',
            Change::Key { old: Some(_), .. } => '~',
            Change::Row { is_new: false, .. } | Change::File { is_new: false, .. } => '~',
            _ => '+',
        }
    }
}

/// How many changes of one kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ChangeCount {
    /// The kind, as in the JSON of a change.
    pub kind: &'static str,
    /// Where nothing is yet.
    pub new: usize,
    /// Where something else is.
    pub changed: usize,
    /// What is taken away.
    pub removed: usize,
}

impl ChangeCount {
    /// One for each kind among them, in their order.
    pub fn of(changes: &[Change]) -> Vec<Self> {
        let mut counts: Vec<Self> = Vec::new();
        for change in changes {
            let (kind, _) = change.resource();
            let at = counts.iter().position(|count| count.kind == kind).unwrap_or_else(|| {
                counts.push(Self { kind, new: 0, changed: 0, removed: 0 });
                counts.len() - 1
            });
            let count = &mut counts[at];
            *match change.sign() {
                '-' => &mut count.removed,
                '~' => &mut count.changed,
                _ => &mut count.new,
            } += 1;
        }
        counts
    }
}

/// A key or a value as people see it: etcd may hold megabytes in one, and a path has 4,096 bytes at most.
fn shown(text: &str) -> Cow<'_, str> {
    clipped(text, Room { whole: 4_096, quotation: 400, word: 200 })
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.sign())?;
        match self {
            Change::Key { key, old: Some(old), new: Some(new), .. } => {
                write!(f, "{}  {} → {}", shown(key), shown(old), shown(new))
            }
            Change::Key { key, old: None, new: Some(new), .. } => {
                write!(f, "{} = {}", shown(key), shown(new))
            }
            Change::Key { key, old, new: None, .. } => {
                write!(f, "{}  was {}", shown(key), shown(old.as_deref().unwrap_or("")))
            }
            Change::Database { name, .. } => write!(f, "database {name}"),
            Change::Statement { what, .. } => f.write_str(what),
            Change::Row { table, what, .. } => write!(f, "{table}: {what}"),
            Change::File { path, what, .. } => write!(f, "{what}: {path}"),
        }
    }
}

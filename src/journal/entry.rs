//! One thing that a run is about to write, with what is needed to put it back.

use serde::{Deserialize, Serialize};

use super::Content;

/// One thing that is about to be written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A key in etcd.
    Key {
        /// The whole key.
        key: String,
        /// What it holds; none where it is not there.
        old: Option<Content>,
        /// What it will hold; none when it is removed.
        new: Option<String>,
    },
    /// A database that is made.
    Database {
        /// Its name.
        name: String,
    },
    /// A schema that is installed into a fresh database.
    Schema {
        /// The database.
        database: String,
        /// Its revision.
        revision: String,
        /// The extension that it needs was there before.
        had_extension: bool,
    },
    /// A schema that is upgraded from an older revision, which nothing puts back.
    Upgrade {
        /// The database.
        database: String,
        /// The revision that it had.
        from: String,
        /// The revision that it gets.
        to: String,
    },
    /// The stamp of a revision, for tables that are there.
    Stamp {
        /// The database.
        database: String,
        /// The revision.
        revision: String,
        /// What stood in its place.
        old: Vec<Option<String>>,
    },
    /// What was put back in a schema.
    Repair {
        /// The database.
        database: String,
        /// The statements.
        statements: Vec<String>,
    },
    /// A row of table `keypairs`.
    Keypair {
        /// Its access key.
        access: String,
        /// Its owner.
        user: String,
        /// The row is made; otherwise it is there.
        is_new: bool,
        /// The digest of the secret that it gets; none when it keeps its own.
        secret: Option<String>,
        /// The secret that it has; none where it has none, or keeps it.
        old_secret: Option<Content>,
        /// The columns that are NULL and get a value.
        filled: Vec<String>,
        /// The digest of its other columns as they are made.
        row: Option<String>,
    },
    /// A file.
    File {
        /// Its path.
        path: String,
        /// What stands there; none where nothing does.
        old: Option<OldFile>,
        /// The digest of its new content.
        new: String,
    },
}

/// A file as it stands before it is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OldFile {
    /// Its permission bits.
    pub mode: u32,
    /// Its content.
    pub content: Content,
}

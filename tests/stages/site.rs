//! A site to set up: an etcd of its own, a database of its own on the shared server, and a folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use crate::servers::{Database, Etcd, Outcome, Postgres, Program};

/// An image list without riddles.
pub const IMAGES: &str = "images:
  - name: python
    tags: [[latest, ':3.6'], ['3.6', abc], ['3.7', def]]
    slots: {cpu: 1, mem: 1.0, gpu: 0}
  - name: r
    tags: [[latest, r1]]
    slots: {cpu: 2, mem: 0.5, gpu: 0.5}
";

/// Aliases of it.
pub const ALIASES: &str = "aliases:
  - ['py', 'python:latest']
  - ['R', 'r:latest']
";

/// Servers and a folder with answers; nothing is set up yet.
pub struct Site {
    pub etcd: Etcd,
    pub database: Database,
    folder: TempDir,
    has_other: AtomicBool,
}

impl Drop for Site {
    fn drop(&mut self) {
        if self.has_other.load(Ordering::Relaxed) {
            let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.other_name());
            Postgres::shared().psql("postgres", &drop);
        }
    }
}

impl Site {
    /// A small image list, and files where they are by default.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("backendai-setup-test-").tempdir().expect("a folder");
        let database = Postgres::shared().database();
        let site = Self { etcd: Etcd::start(), database, folder, has_other: AtomicBool::new(false) };
        site.write("images.yml", IMAGES);
        site.write("aliases.yml", ALIASES);
        site.write("answers.yml", site.answers());
        site
    }

    /// A database of somebody else beside the one that is set up, with rows in it. It goes with the site.
    pub fn other_database(&self) {
        let (name, server) = (self.other_name(), Postgres::shared());
        server.psql("postgres", &format!("CREATE DATABASE {name} OWNER {}", self.database.user));
        server
            .psql(&name, "CREATE TABLE theirs AS SELECT n, 'row ' || n AS said FROM generate_series(1, 9) n");
        self.has_other.store(true, Ordering::Relaxed);
    }

    fn other_name(&self) -> String {
        format!("{}_other", self.database.name)
    }

    /// Each database of this site with all that is in it; of the one that is set up the schema alone.
    pub fn databases(&self) -> BTreeMap<String, String> {
        let server = Postgres::shared();
        let names = format!("SELECT datname FROM pg_database WHERE datname LIKE '{}%'", self.database.name);
        let dump = |name: &str| match name == self.database.name {
            true => server.dump(name),
            false => server.dump_with_rows(name),
        };
        server.psql("postgres", &names).lines().map(|name| (name.to_owned(), dump(name))).collect()
    }

    /// The answers file's text.
    pub fn answers(&self) -> String {
        let Database { address, name, user, password, .. } = &self.database;
        format!(
            "version: 1\nname: site\netcd: {{namespace: local, endpoints: ['{}']}}\n\
             database: {{address: '{address}', name: {name}, user: {user}, password: '{password}'}}\n\
             storage: {{mount: /mnt/shared, expect: elsewhere}}\n\
             images: {{metadata: images.yml, aliases: aliases.yml}}\n",
            self.etcd.endpoint
        )
    }

    /// The working folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that only its owner can read.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::write(&path, content).expect("the folder is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
    }

    /// A file's text.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A file's permission bits.
    pub fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).expect("the file is there").permissions().mode() & 0o7777
    }

    /// The program with the answers.
    pub fn program<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Program {
        let program = Program::new().current_dir(self.folder.path()).args(["--answers", "answers.yml"]);
        program.args(arguments.into_iter().map(str::to_owned))
    }

    /// Runs the program with the answers; the arguments are words with a blank between.
    pub fn run(&self, arguments: &str) -> Outcome {
        self.program(arguments.split_whitespace()).run()
    }

    /// Runs it and expects success.
    pub fn runs(&self, arguments: &str) -> Outcome {
        let outcome = self.run(arguments);
        assert_eq!(outcome.status, 0, "{arguments}\n{}{}", outcome.stdout, outcome.stderr);
        outcome
    }

    /// The SQL's rows, as the superuser sees them.
    pub fn sql(&self, sql: &str) -> String {
        Postgres::shared().psql(&self.database.name, sql)
    }

    /// Everything there is: the store's revision, the database with its transactions, each file with
    /// time and inode. Equal before and after means that nothing moved.
    pub fn everything(&self) -> Everything {
        Everything {
            revision: self.etcd.revision(),
            database: Postgres::shared().snapshot(&self.database.name),
            files: files(self.folder.path()),
        }
    }
}

/// See [`Site::everything`].
#[derive(Debug, PartialEq)]
pub struct Everything {
    revision: i64,
    database: String,
    files: BTreeMap<PathBuf, File>,
}

/// Time, inode and content.
type File = (i64, i64, u64, Vec<u8>);

fn files(folder: &Path) -> BTreeMap<PathBuf, File> {
    let entries = fs::read_dir(folder).expect("the folder is ours");
    entries
        .map(|entry| entry.expect("the folder is ours").path())
        .map(|path| {
            let meta = fs::symlink_metadata(&path).expect("the file is there");
            let bytes = fs::read(&path).expect("the file is ours");
            (path, (meta.mtime(), meta.mtime_nsec(), meta.ino(), bytes))
        })
        .collect()
}

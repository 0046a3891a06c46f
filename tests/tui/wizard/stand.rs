//! Servers and a folder for one wizard.

use std::path::PathBuf;

use crate::servers::{Database, Etcd, Postgres, Program};
use crate::tui::{Tmux, capture, picture};

/// SQL for a superuser: the server ends the session as soon as table vfolders is made.
pub const BREAKS: &str = "CREATE FUNCTION apart() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.vfolders') \
    THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; END $$; \
    CREATE EVENT TRIGGER apart ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION apart()";

/// Time enough for any operation on a machine that has much else to do, within the patience of the tests.
pub const PATIENT: &[&str] = &["--timeout", "1m"];

/// Own servers, nothing set up yet.
pub struct Stand {
    pub etcd: Etcd,
    pub database: Database,
    pub program: Program,
    /// A short path: what is cut off on a screen cannot be compared.
    mount: tempfile::TempDir,
}

impl Stand {
    pub fn new() -> Self {
        let mount = tempfile::Builder::new().prefix("bst.").tempdir_in("/tmp").expect("a folder");
        Self {
            etcd: Etcd::start(),
            database: Postgres::shared().database(),
            program: Program::new().env("EDITOR", "false"),
            mount,
        }
    }

    pub fn mount(&self) -> String {
        self.mount.path().display().to_string()
    }

    /// The wizard on a terminal of this size. Its servers answer, however slow a busy machine makes them.
    pub fn wizard(&self, columns: u16, rows: u16, arguments: &[&str]) -> Tmux {
        Tmux::start(columns, rows, &self.program, &[arguments, PATIENT].concat(), &[])
    }

    /// An answers file for these servers.
    pub fn answers(&self, storage: &str) -> PathBuf {
        let path = self.program.work().join("answers.yml");
        let Database { address, name, user, password, .. } = &self.database;
        let text = format!(
            "version: 1\nname: seoul-03\netcd:\n  namespace: local\n  endpoints: [{}]\ndatabase:\n  address: {address}\n  \
             name: {name}\n  user: {user}\n  password: '{password}'\nstorage:\n  mount: {}\n  expect: {storage}\n",
            self.etcd.endpoint,
            self.mount()
        );
        write_private(&path, &text);
        path
    }

    /// The answers file as a round saves it: the password is to come from an environment that nobody sets.
    pub fn answers_without_a_source(&self) {
        let path = self.answers("directory");
        let text = std::fs::read_to_string(&path).expect("the answers");
        let line = format!("password: '{}'", self.database.password);
        assert!(text.contains(&line), "{text}");
        write_private(&path, &text.replace(&line, "password: {env: BACKEND_DB_PASSWORD}"));
    }

    /// The wizard at its review, filled in from an answers file.
    pub fn review(&self, columns: u16, rows: u16, storage: &str) -> Tmux {
        self.answers(storage);
        self.wizard(columns, rows, &["--answers", "answers.yml", "--review"])
    }

    /// Compares the screen with the one that was kept; what differs from run to run is the same in it.
    pub fn capture(&self, name: &str, tmux: &Tmux) {
        self.with_pairs(|pairs| capture(name, tmux, pairs));
    }

    /// Draws the screen for the README.
    pub fn picture(&self, name: &str, tmux: &Tmux) {
        self.with_pairs(|pairs| picture(name, tmux, pairs));
    }

    fn with_pairs(&self, use_them: impl Fn(&[(&str, &str)])) {
        let (mount, work) = (self.mount(), self.program.work().display().to_string());
        let pairs = [
            (self.etcd.endpoint.as_str(), "db-01:2379"),
            (self.database.address.as_str(), "db-01:5432"),
            (self.database.name.as_str(), "backend"),
            (self.database.user.as_str(), "owner"),
            (mount.as_str(), "/mnt/x"),
            (work.as_str(), "/srv"),
        ];
        use_them(&pairs);
    }
}

/// A file that only its owner can read.
pub fn write_private(path: &std::path::Path, text: &str) {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(path).expect("a file in our folder");
    file.write_all(text.as_bytes()).expect("there is room");
}

/// The same by the same keys on the least usual and on a large terminal.
pub fn at_both_sizes(test: impl Fn(u16, u16)) {
    test(80, 24);
    test(120, 40);
}

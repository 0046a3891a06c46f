//! Another session at the database, held open for as long as a test wants.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use crate::servers::{Database, binary};

/// A session of the same role that has run some SQL and stays.
pub struct Session(Child);

impl Session {
    /// Signs in, runs the SQL and comes back when it is done.
    pub fn open(database: &Database, name: &str, sql: &str) -> Self {
        let mut child = Command::new(binary("psql"))
            .args(["-h", &database.host, "-p", &database.port.to_string(), "-U", &database.user, "-d", name])
            .args(["--no-psqlrc", "-qAtw", "-v", "ON_ERROR_STOP=1"])
            .env_clear()
            .env("PGPASSWORD", &database.password)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("psql starts");
        let pipe = child.stdin.as_mut().expect("stdin is a pipe");
        writeln!(pipe, "{sql};\nSELECT 'so far';").expect("psql reads");
        let lines = BufReader::new(child.stdout.as_mut().expect("stdout is a pipe")).lines();
        assert!(lines.map_while(Result::ok).any(|line| line == "so far"), "psql ended at `{sql}`");
        Self(child)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

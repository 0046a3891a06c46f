//! A PgBouncer before a PostgreSQL.

use std::fs;
use std::process::Command;

use rustix::process::Signal;

use super::guard::Guarded;
use super::postgres::other_user;
use super::{Database, Postgres, binary, free_port};

/// A PgBouncer with Debian's defaults; stopped and removed at Drop.
pub struct PgBouncer {
    /// `127.0.0.1:PORT`.
    pub address: String,
    server: Guarded,
}

impl PgBouncer {
    /// Lets the role of this database into its database, in this mode of pooling.
    pub fn before(postgres: &Postgres, database: &Database, mode: &str) -> Self {
        use std::os::unix::fs::chown;
        use std::os::unix::process::CommandExt;
        let mut server = Guarded::new("pgbouncer");
        let port = free_port();
        let folder = server.folder.clone();
        let Database { name, user, password, .. } = database;
        let configuration = format!(
            "[databases]\n{name} = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = users.txt\npool_mode = {mode}\nlogfile =\n",
            postgres.host, postgres.port
        );
        fs::write(folder.join("pgbouncer.ini"), configuration).expect("a file");
        fs::write(folder.join("users.txt"), format!("\"{user}\" \"{password}\"\n")).expect("a file");
        let mut command = Command::new(binary("pgbouncer"));
        command.env_clear().current_dir(&folder).arg("pgbouncer.ini");
        if let Some((uid, gid)) = other_user() {
            for path in [folder.clone(), folder.join("pgbouncer.ini"), folder.join("users.txt")] {
                chown(path, Some(uid), Some(gid)).expect("it is ours");
            }
            command.uid(uid).gid(gid);
        }
        server.spawn(&mut command);
        assert!(server.comes_up("process up"), "PgBouncer ended at its start:\n{}", server.log());
        Self { address: format!("127.0.0.1:{port}"), server }
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        // It has no handler for SIGQUIT, which is ignored where the tests run in a shell's background.
        self.server.end(Signal::TERM);
    }
}

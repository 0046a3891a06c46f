//! A private PostgreSQL cluster.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;

use super::guard::Guarded;
use super::{PATIENCE, binary, free_port};

/// A private PostgreSQL cluster; stopped and removed at Drop, or when the test process ends.
pub struct Postgres {
    /// Always 127.0.0.1.
    pub host: String,
    pub port: u16,
    /// The superuser's name.
    pub superuser: String,
    /// The superuser's password.
    pub password: String,
    server: Guarded,
    settings: Vec<String>,
}

/// A role that owns nothing but may create databases, and the name of a database that is not there
/// yet. Both are dropped at Drop.
pub struct Database {
    pub host: String,
    pub port: u16,
    /// `host:port`, as in `database.address`.
    pub address: String,
    pub name: String,
    pub user: String,
    pub password: String,
    superuser: String,
    superuser_password: String,
}

/// What no test wants: syncing to disk, and servants that write on their own.
const QUIET: [&str; 9] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_connections=200",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
];

impl Postgres {
    /// One cluster for all tests that leave each other alone: UTF-8, scram-sha-256.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A cluster of one's own, to be stopped, paused or filled up.
    pub fn start() -> Self {
        Self::start_with(&[], &[])
    }

    /// A cluster made with other flags of `initdb` (say, `--encoding=SQL_ASCII`, `--locale=C`) and
    /// further settings (`("max_connections", "5")`).
    pub fn start_with(initdb: &[&str], settings: &[(&str, &str)]) -> Self {
        let settings = QUIET
            .iter()
            .map(|&setting| setting.to_owned())
            .chain(settings.iter().map(|(name, value)| format!("{name}={value}")))
            .collect();
        let mut server = Guarded::new("postgres");
        let password = format!("super-{:x}", rand::random::<u64>());
        initialise(&mut server, initdb, &password);
        let (host, superuser) = ("127.0.0.1".to_owned(), "postgres".to_owned());
        let mut postgres = Self { host, port: 0, superuser, password, server, settings };
        for _ in 0..10 {
            postgres.port = free_port();
            if postgres.launch() {
                return postgres;
            }
            let log = postgres.server.log();
            assert!(log.contains("Address already in use"), "PostgreSQL ended at its start:\n{log}");
        }
        panic!("ten free ports in a row were taken before PostgreSQL could have them");
    }

    /// `host:port`, as in `database.address`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// A fresh role and the name of a database for it.
    pub fn database(&self) -> Database {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // Of one length, so that text wraps in the same place whichever test comes first.
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // All that must be escaped in URLs and ini files, and still a plain scalar in YAML.
        let password = format!("canary%{:08x}:p@ss/w#rd", rand::random::<u32>());
        let database = Database {
            host: self.host.clone(),
            port: self.port,
            address: self.address(),
            name: format!("backend_{number:05}"),
            user: format!("user_{number:05}"),
            password,
            superuser: self.superuser.clone(),
            superuser_password: self.password.clone(),
        };
        let Database { user, password, .. } = &database;
        self.psql("postgres", &format!("CREATE ROLE {user} LOGIN CREATEDB PASSWORD '{password}'"));
        database
    }

    /// Runs SQL as the superuser and returns bare rows, columns separated by `|`.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        self.client(&psql_arguments(database, sql))
    }

    /// The schema as pg_dump tells it, without what differs from run to run.
    pub fn dump(&self, database: &str) -> String {
        bare(&self.client(&["pg_dump", "--schema-only", "--no-owner", "--no-privileges", database]))
    }

    /// The same with the rows.
    pub fn dump_with_rows(&self, database: &str) -> String {
        bare(&self.client(&["pg_dump", "--no-owner", "--no-privileges", database]))
    }

    /// Everything in a database with the transactions that wrote it: equal before and after means
    /// that nothing was written, not even the same once more.
    pub fn snapshot(&self, database: &str) -> String {
        let known = format!("SELECT 1 FROM pg_database WHERE datname = '{database}'");
        if self.psql("postgres", &known).trim().is_empty() {
            return "no such database".to_owned();
        }
        let rows = "SELECT schemaname, tablename, query_to_xml(format('SELECT ctid, xmin, xmax, t.* FROM %I.%I t', \
                    schemaname, tablename), true, true, '') FROM pg_tables WHERE schemaname NOT IN \
                    ('pg_catalog', 'information_schema') ORDER BY 1, 2";
        let catalogs = ["pg_class", "pg_attribute", "pg_type", "pg_constraint", "pg_extension", "pg_proc"]
            .map(|catalog| {
                format!("SELECT '{catalog}', count(*), max(xmin::text::bigint), max(ctid) FROM {catalog}")
            })
            .join(" UNION ALL ");
        [self.dump(database), self.psql(database, rows), self.psql(database, &catalogs)].join("\n")
    }

    /// Writes a file that only the server may read.
    pub fn place(&self, path: &str, bytes: &[u8]) {
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, bytes))
            .expect("the folder can be written");
        if let Some((uid, gid)) = other_user() {
            chown(path, Some(uid), Some(gid)).expect("the file is ours");
        }
    }

    /// Shuts the server down in order; data and port stay for [`Postgres::start_again`].
    pub fn shut_down(&mut self) {
        self.server.end(Signal::INT);
    }

    /// Stops the server at once, as a crash would; data and port stay for [`Postgres::start_again`].
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Starts a stopped server again, with its data, on the same port.
    pub fn start_again(&mut self) {
        assert!(self.launch(), "PostgreSQL does not start again:\n{}", self.server.log());
    }

    /// What the server has logged since its start.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Lets the server and all its sessions stand still.
    pub fn pause(&self) {
        self.server.signal(Signal::STOP);
    }

    /// Lets a paused server go on.
    pub fn resume(&self) {
        self.server.signal(Signal::CONT);
    }

    fn launch(&mut self) -> bool {
        let mut command = as_server(&self.server.folder, "postgres");
        command.args(["-D", "data", "-p", &self.port.to_string()]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        // A server that is given a language of its own speaks Korean.
        let speaks = self.settings.iter().any(|setting| setting.starts_with("lc_messages"));
        if speaks {
            command.env("LANGUAGE", "ko").env("LC_ALL", "C.UTF-8");
        }
        self.server.spawn(&mut command);
        self.server.comes_up(if speaks {
            "접속할 수 있습니다"
        } else {
            "database system is ready to accept"
        })
    }

    fn client(&self, arguments: &[&str]) -> String {
        let output = client(&self.host, self.port, &self.superuser, &self.password, arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?} failed: {errors}");
        String::from_utf8(output.stdout).expect("UTF-8 from PostgreSQL")
    }
}

impl Database {
    /// Runs SQL as this role in the named database; the error text when it fails.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let arguments = psql_arguments(database, sql);
        let output = client(&self.host, self.port, &self.user, &self.password, &arguments);
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).expect("UTF-8 from PostgreSQL"))
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Self { host, port, name, user, superuser, superuser_password, .. } = self;
        let drops = [
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            format!("DROP OWNED BY {user}"),
            format!("DROP ROLE {user}"),
        ];
        for sql in drops {
            // The server may be stopped or gone by now; then so is the database.
            client(host, *port, superuser, superuser_password, &psql_arguments("postgres", &sql));
        }
    }
}

fn psql_arguments<'a>(database: &'a str, sql: &'a str) -> [&'a str; 9] {
    ["psql", "--no-psqlrc", "-qAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql]
}

/// Runs a client program of PostgreSQL; the first argument is its name.
fn client(host: &str, port: u16, user: &str, password: &str, arguments: &[&str]) -> Output {
    Command::new(binary(arguments[0]))
        .args(["-h", host, "-p", &port.to_string(), "-U", user, "-w"])
        .args(&arguments[1..])
        .env_clear()
        .env("PGPASSWORD", password)
        .env("PGCONNECT_TIMEOUT", PATIENCE.as_secs().to_string())
        .env("PGCLIENTENCODING", "UTF8")
        .stdin(Stdio::null())
        .output()
        .expect("PostgreSQL's client starts")
}

fn initialise(server: &mut Guarded, flags: &[&str], password: &str) {
    use std::io::Write;
    let folder = server.folder.clone();
    let secret = folder.join("password");
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&secret).expect("a file");
    writeln!(file, "{password}").expect("the password file takes a line");
    if let Some((uid, gid)) = other_user() {
        chown(&folder, Some(uid), Some(gid)).expect("the folder is ours");
        chown(&secret, Some(uid), Some(gid)).expect("the file is ours");
    }
    let flags = if flags.is_empty() { &["--encoding=UTF8", "--locale=C.UTF-8"] } else { flags };
    let output = as_server(&folder, "initdb")
        .args(["-D", "data", "--username=postgres", "--auth=scram-sha-256", "--pwfile=password", "--no-sync"])
        .args(flags)
        .stdin(Stdio::null())
        .output()
        .expect("initdb starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "initdb {flags:?} failed: {errors}");
    fs::remove_file(&secret).expect("the password file is ours");
}

/// PostgreSQL refuses to run as root: then it is run as its own user, else as `nobody`.
fn as_server(folder: &Path, name: &str) -> Command {
    let mut command = Command::new(binary(name));
    command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").current_dir(folder);
    if let Some((uid, gid)) = other_user() {
        command.uid(uid).gid(gid); // drops root's other groups too
    }
    command
}

pub(super) fn other_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("/etc/passwd is there");
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(|id| id.parse().ok());
        Some((fields.next()??, fields.next()??))
    };
    Some(ids("postgres").or_else(|| ids("nobody")).expect("a user `postgres` or `nobody`"))
}

/// A dump without comments, blank lines, settings and the random words of `\restrict`.
fn bare(dump: &str) -> String {
    let noise = ["--", "SET ", "SELECT pg_catalog.", "\\restrict", "\\unrestrict"];
    let lines = dump.lines().filter(|line| !line.is_empty() && !noise.iter().any(|it| line.starts_with(it)));
    lines.map(|line| format!("{line}\n")).collect()
}

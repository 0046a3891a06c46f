//! One wrong thing: answers that are right but for it, a run, and proof that nothing was written.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Told;
use crate::servers::{Database, Etcd, Outcome, Postgres, Program, Running};

/// An etcd that nobody may write to: every case that must not write watches its keys.
pub fn quiet_etcd() -> &'static Etcd {
    static QUIET: OnceLock<Etcd> = OnceLock::new();
    QUIET.get_or_init(Etcd::start)
}

/// Answers for servers that are there and fit, until a test spoils one of them.
pub struct Case<'a> {
    pub database: Database,
    etcd: &'a Etcd,
    postgres: &'a Postgres,
    program: Program,
    answers: Vec<(String, String)>,
    text: Option<String>,
    mode: u32,
    flags: Vec<String>,
    secrets: Vec<String>,
    watches: bool,
    bare: bool,
}

/// Everything that a run could have written.
#[derive(Debug, PartialEq, Eq)]
struct World {
    etcd: BTreeMap<String, i64>,
    database: String,
    files: Vec<(PathBuf, u32, Vec<u8>)>,
}

impl Case<'static> {
    /// Sound answers for servers that all tests share.
    pub fn new() -> Self {
        Self::on(quiet_etcd(), Postgres::shared())
    }
}

impl<'a> Case<'a> {
    /// Sound answers for these servers.
    pub fn on(etcd: &'a Etcd, postgres: &'a Postgres) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let database = postgres.database();
        let program = Program::new();
        let mount = program.folder().join("mount");
        fs::create_dir(&mount).expect("a folder");
        let mut case = Self {
            etcd,
            postgres,
            program,
            answers: Vec::new(),
            text: None,
            mode: 0o600,
            flags: Vec::new(),
            secrets: Vec::new(),
            watches: true,
            bare: false,
            database,
        };
        let (address, name) = (case.database.address.clone(), case.database.name.clone());
        let (user, password) = (case.database.user.clone(), case.database.password.clone());
        for (key, value) in [
            ("version", "1"),
            ("name", "failures"),
            ("etcd.namespace", &format!("ns{number}")),
            ("etcd.endpoints", &format!("[{}]", etcd.endpoint)),
            ("database.address", &address),
            ("database.name", &name),
            ("database.user", &user),
            ("database.password", &password),
            ("storage.mount", &mount.display().to_string()),
            ("storage.expect", "directory"),
        ] {
            case = case.set(key, value);
        }
        case
    }

    /// Sets one answer, as YAML.
    pub fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        if key.ends_with("password") && !value.starts_with('{') {
            self.secrets.push(value.clone());
        }
        self = self.unset(key);
        self.answers.push((key.to_owned(), value));
        self
    }

    /// Takes one answer out.
    pub fn unset(mut self, key: &str) -> Self {
        self.answers.retain(|(known, _)| known != key);
        self
    }

    /// The whole text of the answers file instead.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// The answers as they are again.
    pub fn without_text(mut self) -> Self {
        self.text = None;
        self
    }

    /// The mode of the answers file.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// A secret that must not show up anywhere.
    pub fn secret(mut self, secret: &str) -> Self {
        self.secrets.push(secret.to_owned());
        self
    }

    /// Does not name the answers file.
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// Sets a name of the environment.
    pub fn env(self, name: &str, value: &str) -> Self {
        self.program(|program| program.env(name, value))
    }

    /// The command and further flags.
    pub fn flags<F: Into<String>>(mut self, flags: impl IntoIterator<Item = F>) -> Self {
        self.flags = flags.into_iter().map(Into::into).collect();
        self
    }

    /// One more word behind the command and its flags.
    pub fn also(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    /// The answer of this key, as YAML.
    pub fn answer(&self, key: &str) -> &str {
        let known = self.answers.iter().find(|(known, _)| known == key);
        known.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("no answer to `{key}`"))
    }

    /// Changes the way the program is started.
    pub fn program(mut self, change: impl FnOnce(Program) -> Program) -> Self {
        self.program = change(self.program);
        self
    }

    /// Starts it by way of another program.
    pub fn under<W: Into<OsString>>(self, prefix: impl IntoIterator<Item = W>) -> Self {
        self.program(|program| program.under(prefix))
    }

    /// Writes a file into the working folder.
    pub fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        write(&self.work().join(name), text.as_ref(), 0o600);
        self
    }

    /// A server of this case cannot be asked, or something may be written: the test looks itself.
    pub fn unwatched(mut self) -> Self {
        self.watches = false;
        self
    }

    /// Runs SQL as the superuser; `{name}` and `{user}` are this case's.
    pub fn sql(self, database: &str, sql: &str) -> Self {
        let mend =
            |text: &str| text.replace("{name}", &self.database.name).replace("{user}", &self.database.user);
        self.postgres.psql(&mend(database), &mend(sql));
        self
    }

    /// Creates the database, owned by the user of the answers, and runs SQL in it as that user.
    pub fn created(self, sql: &str) -> Self {
        let case = self.sql("postgres", "CREATE DATABASE {name} OWNER {user}");
        if !sql.is_empty() {
            case.database.psql(&case.database.name, sql).expect("the owner may do it");
        }
        case
    }

    pub fn work(&self) -> &Path {
        self.started().work()
    }

    /// The shared folder of these answers.
    pub fn mount(&self) -> PathBuf {
        self.started().folder().join("mount")
    }

    /// The program, ready to start.
    pub fn started(&self) -> &Program {
        &self.program
    }

    /// Writes the answers file.
    pub fn save(&self) -> PathBuf {
        let path = self.work().join("answers.yml");
        write(&path, self.text.clone().unwrap_or_else(|| self.yaml()).as_bytes(), self.mode);
        path
    }

    fn yaml(&self) -> String {
        let mut text = String::new();
        for (key, value) in self.answers.iter().filter(|(key, _)| !key.contains('.')) {
            text += &format!("{key}: {value}\n");
        }
        let section = |key: &str| key.split_once('.').map(|(section, _)| section.to_owned());
        let mut sections: Vec<String> = self.answers.iter().filter_map(|(key, _)| section(key)).collect();
        sections.dedup();
        sections.sort();
        sections.dedup();
        for name in sections {
            text += &format!("{name}:\n");
            for (key, value) in &self.answers {
                if let Some((_, leaf)) = key.split_once('.').filter(|(section, _)| *section == name) {
                    text += &format!("  {leaf}: {value}\n");
                }
            }
        }
        text
    }

    /// Starts it, the answers written.
    pub fn start(&self, more: &[&str]) -> Running {
        self.save();
        let own = self.flags.iter().map(String::as_str);
        let left_out = self.bare || self.flags.iter().any(|flag| flag == "--answers");
        let answers = ["--answers", "answers.yml"].into_iter().filter(|_| !left_out);
        let words: Vec<String> = own.chain(answers).chain(more.iter().copied()).map(str::to_owned).collect();
        self.program.start_with(&words)
    }

    /// Runs with JSON, hunts the secrets, and reads what was told.
    pub fn run(&self) -> Told {
        let outcome = self.outcome(&["--output", "json"]);
        Told::read(&outcome, self.redactions())
    }

    /// Runs, and hunts the secrets.
    pub fn outcome(&self, more: &[&str]) -> Outcome {
        let outcome = self.start(more).wait();
        for secret in &self.secrets {
            let told = format!("{}{}", outcome.stdout, outcome.stderr);
            assert!(!told.contains(secret.as_str()), "`{secret}` was told:\n{told}");
        }
        outcome
    }

    /// The run fails with this status and code, and writes nothing.
    pub fn fails(&self, status: i32, code: &str) -> Told {
        self.save();
        let before = self.watches.then(|| self.world());
        let told = self.run();
        assert_eq!(told.status, status, "{code} was expected, in {:#?}", told.failures);
        let after = self.watches.then(|| self.world());
        assert_eq!(before, after, "something was written");
        told.expect(code)
    }

    /// The run fails in the same way, told as text; nothing is written.
    pub fn says(&self, status: i32) -> String {
        self.save();
        let before = self.watches.then(|| self.world());
        let outcome = self.outcome(&[]);
        assert_eq!(outcome.status, status, "{outcome:?}");
        let after = self.watches.then(|| self.world());
        assert_eq!(before, after, "something was written");
        self.redacted(&format!("{}{}", outcome.stdout, outcome.stderr))
    }

    /// The run succeeds and warns with this code.
    pub fn warns(&self, code: &str) -> Told {
        let told = self.run();
        assert_eq!(told.status, 0, "a warning is no failure: {:#?}", told.failures);
        told.expect(code)
    }

    fn world(&self) -> World {
        let mut files: Vec<_> = [walk(self.work()), walk(&self.mount())]
            .concat()
            .into_iter()
            .map(|path| {
                let meta = fs::symlink_metadata(&path).expect("the file is there");
                let bytes = fs::read(&path).unwrap_or_default();
                (path, meta.permissions().mode(), bytes)
            })
            .collect();
        files.sort();
        World { etcd: self.etcd.revisions(), database: self.postgres.snapshot(&self.database.name), files }
    }

    /// What differs from run to run, with what to show instead; longest first.
    pub fn redactions(&self) -> Vec<(String, &'static str)> {
        let Database { address, name, user, .. } = &self.database;
        let program = self.started();
        let namespace = self.answers.iter().find(|(key, _)| key == "etcd.namespace");
        let mut known = vec![
            (self.etcd.endpoint.clone(), "ETCD"),
            (address.clone(), "POSTGRES"),
            (self.etcd.port.to_string(), "ETCD-PORT"),
            (self.database.port.to_string(), "DB-PORT"),
            (name.clone(), "DATABASE"),
            (user.clone(), "USER"),
            (self.mount().display().to_string(), "MOUNT"),
            (program.work().display().to_string(), "WORK"),
            (program.folder().display().to_string(), "FOLDER"),
        ];
        let own = namespace.filter(|(_, value)| value.starts_with("ns"));
        known.extend(own.map(|(_, value)| (value.clone(), "NAMESPACE")));
        known
    }

    /// The text without what differs from run to run, the time of day among it.
    pub fn redacted(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (what, shown) in self.redactions() {
            text = text.replace(&what, shown);
        }
        let text = without_digest(&text);
        let lines = text.lines().map(|line| {
            let clock = line.get(..8).is_some_and(|time| {
                time.char_indices().all(|(at, c)| if at % 3 == 2 { c == ':' } else { c.is_ascii_digit() })
            });
            match line.strip_prefix("transcript ") {
                Some(_) => "transcript TRANSCRIPT".to_owned(),
                None if clock => format!("hh:mm:ss{}", &line[8..]),
                None => line.to_owned(),
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn write(path: &Path, bytes: &[u8], mode: u32) {
    fs::write(path, bytes).expect("the folder is ours");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the file is ours");
}

/// Every file and folder below a folder.
pub fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| {
            let below = if path.is_dir() && !path.is_symlink() { walk(&path) } else { Vec::new() };
            [vec![path], below].concat()
        })
        .collect()
}

/// The folder of a target is called by a digest of the addresses too, and sessions have numbers.
pub fn without_digest(text: &str) -> String {
    let rules = [
        ("failures-[0-9a-f]{8}", "failures-TARGET"),
        ("session [0-9]+ of", "session PID of"),
        (r"pg_terminate_backend\([0-9]+\)", "pg_terminate_backend(PID)"),
    ];
    rules.into_iter().fold(text.to_owned(), |text, (pattern, shown)| {
        regex::Regex::new(pattern).expect("a pattern").replace_all(&text, shown).into_owned()
    })
}

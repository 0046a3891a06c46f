//! A database with a past: a recorded schema of the chain, stamped, with rows planted in it.

use std::fs;
use std::path::Path;

use backendai_setup::{guides::september_2018::GUIDE, schema::Revision};
use tempfile::TempDir;

use crate::servers::{Database, Etcd, Outcome, Postgres, Program};

/// The revision with this number, from 1.
pub fn revision(number: usize) -> &'static Revision {
    &GUIDE.schema.chain[number - 1]
}

/// A recording: the schema at the revision with this number.
fn recording(number: usize) -> String {
    let name = format!("tests/golden/schema/{number:02}-{}.sql", revision(number).id);
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("golden data")
}

/// A recorded dump without what differs from run to run.
pub fn recorded(number: usize) -> String {
    let noise = ["--", "SET ", "SELECT pg_catalog.", "\\restrict", "\\unrestrict"];
    let text = recording(number);
    let lines = text.lines().filter(|line| !line.is_empty() && !noise.iter().any(|it| line.starts_with(it)));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Rows that let every later revision be: keypairs everywhere, folders, agents and kernels where they may be.
pub fn rows(number: usize) -> String {
    let plan = if number < 5 { "billing_plan" } else { "resource_policy" };
    let (one, two) = if number < 14 { ("1", "7") } else { ("'one@example.com'", "'seven@example.com'") };
    let mut sql = format!(
        "INSERT INTO keypairs (user_id, access_key, secret_key, is_active, {plan}, concurrency_limit, concurrency_used, \
         rate_limit, num_queries) VALUES ({one}, 'AKIAONE', 'canary-one', true, 'free', 30, 0, 1000, 5), \
         ({two}, 'AKIASEVEN', 'canary-seven', false, NULL, 1, 1, 10, 0), \
         (NULL, 'AKIANONE', 'canary-none', true, NULL, 30, 0, 1000, 0);"
    );
    if number >= 2 {
        sql += "INSERT INTO vfolders (host, name, belongs_to) VALUES ('azure-shard01', 'data', 'AKIAONE');";
    }
    if number >= 3 {
        sql += "INSERT INTO agents (id, mem_slots, cpu_slots, gpu_slots, used_mem_slots, used_cpu_slots, used_gpu_slots, \
                addr, status) VALUES ('i-1', 1024, 4, 1, 512, 2, 0, 'tcp://10.0.0.1:6001', 'ALIVE');";
    }
    if number >= 4 {
        let peak = if number < 8 { "max_mem_bytes" } else { "mem_max_bytes" };
        sql += &format!(
            "INSERT INTO kernels (sess_id, role, lang, access_key, agent, agent_addr, cpu_slot, gpu_slot, mem_slot, \
             repl_in_port, repl_out_port, stdin_port, stdout_port, status, {peak}) VALUES \
             ('s', 'master', 'python', 'AKIAONE', 'i-1', 'tcp://10.0.0.1:6001', 1, 0, 256, 1, 2, 3, 4, 'RUNNING', 99), \
             ('s', 'master', 'python', 'AKIAONE', 'i-1', 'tcp://10.0.0.1:6001', 1, 0, 256, 1, 2, 3, 4, 'TERMINATED', 98);"
        );
    }
    sql
}

/// What the rows of [`rows`] are at the head; the names are those of the owners.
pub fn rows_at_head(number: usize, one: &str, two: &str) -> String {
    let mut told = format!(
        "AKIANONE||canary-none|t|f||30|0\nAKIAONE|{one}|canary-one|t|f|free|30|5\n\
         AKIASEVEN|{two}|canary-seven|f|f||1|0\n"
    );
    told += if number >= 2 { "data|AKIAONE\n" } else { "" };
    told += if number >= 3 { "i-1|amazon/ap-northeast-2|1024|4|512|ALIVE\n" } else { "" };
    told += if number >= 4 { "s|master|RUNNING|256|1|99\ns|master|TERMINATED|256|1|98\n" } else { "" };
    told
}

/// A database at an older revision, and a folder with answers.
pub struct Old {
    pub database: Database,
    folder: TempDir,
}

impl Old {
    /// One at the revision with this number, owned by the user who signs in, with this SQL run in it.
    pub fn at(number: usize, sql: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("backendai-setup-test-").tempdir().expect("a folder");
        let old = Self { database: Postgres::shared().database(), folder };
        let Database { name, user, .. } = &old.database;
        Postgres::shared().psql("postgres", &format!("CREATE DATABASE {name} OWNER {user}"));
        let text = recording(number);
        let script: String =
            text.lines().filter(|line| !line.starts_with('\\')).map(|line| format!("{line}\n")).collect();
        old.own(&script);
        let stamp = "SET search_path = public; INSERT INTO alembic_version VALUES";
        old.own(&format!("{stamp} ('{}'); {sql}", revision(number).id));
        old
    }

    /// Runs SQL as the user who signs in.
    pub fn own(&self, sql: &str) {
        self.database.psql(&self.database.name, sql).expect("it owns the database");
    }

    /// The SQL's rows, as the superuser sees them.
    pub fn sql(&self, sql: &str) -> String {
        Postgres::shared().psql(&self.database.name, sql)
    }

    /// Schema, rows and transactions: equal where nothing was touched.
    pub fn everything(&self) -> String {
        Postgres::shared().snapshot(&self.database.name)
    }

    /// The schema alone.
    pub fn dump(&self) -> String {
        Postgres::shared().dump(&self.database.name)
    }

    /// The revision that is stamped.
    pub fn stamp(&self) -> String {
        self.sql("SELECT version_num FROM alembic_version").trim().to_owned()
    }

    /// What [`rows_at_head`] tells.
    pub fn rows(&self) -> String {
        let parts = [
            "SELECT access_key, user_id, secret_key, is_active, is_admin, resource_policy, concurrency_limit, num_queries \
             FROM keypairs ORDER BY 1",
            "SELECT name, belongs_to FROM vfolders",
            "SELECT id, region, mem_slots, cpu_slots, used_mem_slots, status FROM agents",
            "SELECT sess_id, role, status, mem_slot, cpu_slot, mem_max_bytes FROM kernels ORDER BY 3",
        ];
        parts.map(|sql| self.sql(sql)).concat()
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).expect("the folder is ours");
    }

    /// The program with answers for the database at this address, and words with a blank between.
    pub fn program_at(&self, address: &str, arguments: &str) -> Program {
        let Database { name, user, password, .. } = &self.database;
        let answers = format!(
            "version: 1\nname: old\ndatabase: {{address: '{address}', name: {name}, user: {user}, password: '{password}'}}\n"
        );
        self.write("answers.yml", &answers);
        use std::os::unix::fs::PermissionsExt;
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(self.path("answers.yml"), private).expect("the file is ours");
        let program = Program::new().current_dir(self.folder.path()).args(["--answers", "answers.yml"]);
        program.args(arguments.split_whitespace().map(str::to_owned))
    }

    /// The same at its own address.
    pub fn program(&self, arguments: &str) -> Program {
        self.program_at(&self.database.address.clone(), arguments)
    }

    /// Runs the program.
    pub fn run(&self, arguments: &str) -> Outcome {
        self.program(arguments).run()
    }

    /// What `plan` says with these flags, beside an empty etcd.
    pub fn plan(&self, flags: &str, words: &[&str]) -> Outcome {
        let etcd = Etcd::start();
        let others =
            "--set etcd.namespace=local --set storage.mount=/mnt/shared --set storage.expect=elsewhere";
        self.ends(&format!("plan {others} --set etcd.endpoints={} {flags}", etcd.endpoint), 0, words)
    }

    /// Runs it and expects this status and these words.
    pub fn ends(&self, arguments: &str, status: i32, words: &[&str]) -> Outcome {
        let outcome = self.run(arguments);
        let told = format!("{}{}", outcome.stdout, outcome.stderr);
        assert_eq!(outcome.status, status, "{arguments}\n{told}");
        for word in words {
            assert!(told.contains(word), "{arguments} says nothing of `{word}`:\n{told}");
        }
        outcome
    }
}

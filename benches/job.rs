//! The whole job, headless, against the same work by `psql` and `etcdctl` in one shell script. `make bench` runs it.

#![allow(clippy::print_stdout, reason = "what was measured is for people to read")]

#[path = "../tests/servers/mod.rs"]
mod servers;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use backendai_setup::guides::september_2018::GUIDE;
use servers::{Database, Etcd, Postgres, Program};

/// Runs of each kind, in turn; the median counts.
const ROUNDS: usize = 15;
/// Keys in a transaction of the script.
const KEYS: usize = 120;

fn main() {
    let (etcd, database) = (Etcd::start(), Postgres::shared().database());
    let program = program(&etcd, &database);
    let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let run = timed(program.command(&arguments(&database, &format!("ours{round}"), round)));
        let keys = etcd.get_all(&format!("/sorna/ours{round}/"));
        let script = timed(script(&program, &etcd, &database, round, &keys));
        assert_eq!(etcd.get_all(&format!("/sorna/hand{round}/")).len(), keys.len());
        // The first of each warms the caches.
        if round > 0 {
            ours.push(run);
            by_hand.push(script);
        }
    }
    let (ours, by_hand) = (median(ours), median(by_hand));
    println!(
        "the whole job: {:.0} ms, by psql and etcdctl {:.0} ms: {:.2} times   aim: under 0.69",
        ours.as_secs_f64() * 1000.0,
        by_hand.as_secs_f64() * 1000.0,
        ours.as_secs_f64() / by_hand.as_secs_f64()
    );
}

/// The program with answers for these servers; each round has a namespace and a database of its own.
fn program(etcd: &Etcd, database: &Database) -> Program {
    let Database { address, user, password, .. } = database;
    let program = Program::new();
    let answers = format!(
        "version: 1\nname: bench\netcd: {{namespace: own, endpoints: ['{}']}}\n\
         database: {{address: '{address}', user: {user}, password: '{password}'}}\n\
         storage: {{mount: /mnt/shared, expect: elsewhere}}\n",
        etcd.endpoint
    );
    write(&program, "answers.yml", &answers);
    program
}

fn arguments(database: &Database, namespace: &str, round: usize) -> Vec<String> {
    let mut arguments: Vec<String> = ["run", "--quiet", "--answers", "answers.yml"].map(str::to_owned).into();
    for set in [
        format!("etcd.namespace={namespace}"),
        format!("database.name={}_ours_{round}", database.name),
        format!("files.alembic-ini={round}.ini"),
        format!("files.environment={round}.env"),
        format!("files.credentials={round}.yml"),
    ] {
        arguments.extend(["--set".to_owned(), set]);
    }
    arguments
}

/// Database, schema with its stamp in one transaction, two rows, and all keys.
fn script(
    program: &Program,
    etcd: &Etcd,
    database: &Database,
    round: usize,
    keys: &BTreeMap<String, String>,
) -> Command {
    let head = GUIDE.schema.head;
    let statements: Vec<&str> = GUIDE.schema.statements().map(|statement| statement.sql).collect();
    let stamp = format!("INSERT INTO alembic_version (version_num) VALUES ('{head}')");
    write(program, "schema.sql", &format!("{};\n{stamp};\n", statements.join(";\n")));
    let row = |user: &str, access: &str, is_admin: bool| {
        format!("('{user}', '{access}', '{access}', true, {is_admin}, NULL, 30, 0, 30000, 0)")
    };
    let rows = [row("admin@localhost", "AKIAADMIN", true), row("user@localhost", "AKIAUSER", false)];
    write(
        program,
        "rows.sql",
        &format!(
            "INSERT INTO keypairs (user_id, access_key, secret_key, is_active, is_admin, resource_policy, \
             concurrency_limit, concurrency_used, rate_limit, num_queries) VALUES {};\n",
            rows.join(", ")
        ),
    );
    let (name, port) = (format!("{}_hand_{round}", database.name), database.port);
    let psql = format!("psql -qX -v ON_ERROR_STOP=1 -h {} -p {port} -U {}", database.host, database.user);
    let mut script = format!(
        "set -e\n{psql} -d postgres -c 'CREATE DATABASE {name}'\n{psql} -d {name} -1 -f schema.sql\n{psql} -d {name} -f rows.sql\n"
    );
    let all: Vec<(&String, &String)> = keys.iter().collect();
    for (number, some) in all.chunks(KEYS).enumerate() {
        let puts = some.iter().fold(String::new(), |mut puts, (key, value)| {
            let key = key.replace(&format!("/sorna/ours{round}/"), &format!("/sorna/hand{round}/"));
            let _ = writeln!(puts, "put \"{key}\" \"{value}\"");
            puts
        });
        write(program, &format!("keys-{number}"), &format!("\n{puts}\n\n"));
        let _ = writeln!(script, "etcdctl --endpoints {} txn < keys-{number}", etcd.endpoint);
    }
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(program.work());
    command.env("PGPASSWORD", &database.password).env("ETCDCTL_API", "3");
    command
}

fn write(program: &Program, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = program.work().join(name);
    std::fs::write(&path, text).expect("our folder");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("our file");
}

fn timed(mut command: Command) -> Duration {
    let began = Instant::now();
    let done = command.stdin(Stdio::null()).output().expect("it starts");
    let took = began.elapsed();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

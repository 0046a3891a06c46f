//! `status` with every table of the manager's compared with the catalogs, against the same on a database without any.
//! `make bench` runs it.

#![allow(clippy::print_stdout, reason = "what was measured is for people to read")]

#[path = "../tests/servers/mod.rs"]
mod servers;

use std::time::{Duration, Instant};

use backendai_setup::guides::september_2018::GUIDE;
use servers::{Etcd, Postgres, Program};

/// Runs of each kind, in turn; the median counts.
const ROUNDS: usize = 31;

fn main() {
    let (etcd, postgres) = (Etcd::start(), Postgres::start());
    let program = Program::new();
    let answers = |name: &str| {
        format!(
            "version: 1\nname: bench\netcd: {{namespace: own, endpoints: ['{}']}}\n\
             database: {{address: '{}', name: {name}, user: {}, password: '{}'}}\n\
             storage: {{mount: /mnt/shared, expect: elsewhere}}\n",
            etcd.endpoint,
            postgres.address(),
            postgres.superuser,
            postgres.password
        )
    };
    for name in ["without", "whole"] {
        postgres.psql("postgres", &format!("CREATE DATABASE {name}"));
        let file = program.work().join(format!("{name}.yml"));
        std::fs::write(&file, answers(name)).expect("the folder is ours");
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("the file is ours");
    }
    let stamp = format!("INSERT INTO alembic_version VALUES ('{}')", GUIDE.schema.head);
    postgres.psql("whole", &format!("{}\n{stamp}", GUIDE.schema.statements));
    let timed = |name: &str| {
        let mut command = program.command(&["status", "--answers", &format!("{name}.yml")]);
        let began = Instant::now();
        let outcome = command.output().expect("the program starts");
        assert_eq!(outcome.status.code(), Some(9), "{}", String::from_utf8_lossy(&outcome.stdout));
        began.elapsed()
    };
    let (mut without, mut whole) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (one, other) = (timed("without"), timed("whole"));
        // The first of each warms the caches.
        if round > 0 {
            without.push(one);
            whole.push(other);
        }
    }
    let (without, whole) = (median(without), median(whole));
    println!(
        "status: {:.1} ms with the catalogs compared, {:.1} ms without: {:.2} times   aim: at most 1.3",
        whole.as_secs_f64() * 1000.0,
        without.as_secs_f64() * 1000.0,
        whole.as_secs_f64() / without.as_secs_f64()
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

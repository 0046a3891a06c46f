//! A PostgreSQL server as a whole is not as it should be.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use super::{Case, Session, quiet_etcd};
use crate::servers::{PATIENCE, Postgres, wait_until};

#[test]
fn one_server_through_its_troubles() {
    let mut postgres = Postgres::start_with(&["--encoding=SQL_ASCII", "--locale=C"], &[]);
    let case = || Case::on(quiet_etcd(), &postgres);
    let mut told = Vec::new();

    let template = case();
    let names = ["SQL_ASCII", &postgres.address(), &template.database.name.clone()];
    told.push(template.fails(4, "E-DB-ENCODING").names(&names));

    let refused = case();
    let user = refused.database.user.clone();
    let hba = postgres.psql("postgres", "SHOW hba_file");
    let before = fs::read_to_string(hba.trim()).expect("the file is the server's");
    fs::write(hba.trim(), format!("host all {user} all reject\n{before}")).expect("the file can be written");
    postgres.psql("postgres", "SELECT pg_reload_conf()");
    wait_until("the server refuses", PATIENCE, || refused.database.psql("postgres", "SELECT 1").is_err());
    told.push(refused.fails(6, "E-DB-AUTH").names(&["pg_hba.conf", &user, &postgres.address()]));

    let lost = case().unwatched();
    postgres.psql("template1", "ALTER DATABASE postgres RENAME TO apart");
    postgres.psql("apart", "ALTER DATABASE template1 RENAME TO template2");
    told.push(lost.fails(4, "E-DB-MISSING").names(&["`postgres`", &postgres.address()]));
    postgres.psql("apart", "ALTER DATABASE template2 RENAME TO template1");
    postgres.psql("template1", "ALTER DATABASE apart RENAME TO postgres");

    let stopped = case().unwatched();
    let name = stopped.database.name.clone();
    postgres.pause();
    told.push(stopped.fails(5, "E-DB-TIMEOUT").names(&[postgres.address().as_str(), "database.address"]));
    postgres.resume();
    assert_eq!(postgres.snapshot(&name), "no such database");

    let ending = case().unwatched();
    let guest = Session::open(&ending.database, "postgres", "SELECT 1");
    let data = postgres.psql("postgres", "SHOW data_directory");
    let pid = fs::read_to_string(format!("{}/postmaster.pid", data.trim())).expect("the server runs");
    let pid: i32 = pid.lines().next().and_then(|line| line.parse().ok()).expect("its first line is a number");
    // The first kind of shutdown: nobody new is let in, who is there may stay.
    kill_process(Pid::from_raw(pid).expect("a process id is not 0"), Signal::TERM).expect("the server runs");
    wait_until("the server lets nobody in", PATIENCE, || {
        ending.database.psql("postgres", "SELECT 1").is_err()
    });
    told.push(ending.fails(5, "E-DB-STARTING").names(&[postgres.address()]));
    drop(guest);
    // As the message says, it is waited for until it is there again.
    let remedy = told.last().expect("it was pushed").remedy();
    let wait = remedy.split('`').find(|it| it.starts_with("--wait ")).expect("a flag").to_owned();
    let waiting = wait.split(' ').fold(ending.flags(["check", "database"]), Case::also);
    let running = waiting.start(&["--output", "json"]);
    postgres.stop();
    postgres.start_again();
    assert_ne!(running.wait().status, 5, "it came back");

    let texts: Vec<_> = told.iter().map(super::Told::text).collect();
    insta::assert_snapshot!(texts.join("\n\n"));
}

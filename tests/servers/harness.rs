//! The tools themselves, in short: what the other tests take for granted.

use std::process::Command;

use super::{Etcd, Fake, PATIENCE, Postgres, Program, wait_until};

#[test]
fn etcd_keeps_stops_and_signs_in() {
    let mut etcd = Etcd::start();
    etcd.put("/a/x", "1");
    etcd.put("/b/x", "2");
    let revision = etcd.revision();
    etcd.stop();
    etcd.start_again();
    assert_eq!(etcd.revision(), revision);
    etcd.delete("/b");
    assert_eq!(etcd.get_all("").into_iter().collect::<Vec<_>>(), [("/a/x".to_owned(), "1".to_owned())]);

    let etcd = Etcd::with_auth("secret");
    etcd.limited_user("limited", "words", "/sorna/");
    etcd.put("/sorna/x", "1");
    assert_eq!(etcd.get_all("/sorna/").len(), 1);
}

#[test]
fn postgres_tells_whether_anything_moved() {
    let postgres = Postgres::shared();
    let database = postgres.database();
    let name = &database.name;
    assert_eq!(postgres.snapshot(name), "no such database");
    database.psql("postgres", &format!("CREATE DATABASE {name}")).expect("the role may create it");
    database.psql(name, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)").expect("the role owns it");
    let before = postgres.snapshot(name);
    assert_eq!(postgres.snapshot(name), before);
    database.psql(name, "UPDATE t SET a = a").expect("the role owns the table");
    assert_ne!(postgres.snapshot(name), before, "the same value written again is a write");
    assert_eq!(postgres.dump(name), "CREATE TABLE public.t (\n    a integer\n);\n");
}

#[test]
fn postgres_comes_with_other_encodings() {
    let mut postgres =
        Postgres::start_with(&["--encoding=LATIN1", "--locale=C"], &[("TimeZone", "Asia/Seoul")]);
    assert_eq!(postgres.psql("postgres", "SHOW server_encoding; SHOW TimeZone"), "LATIN1\nAsia/Seoul\n");
    postgres.stop();
    postgres.start_again();
    assert_eq!(postgres.psql("template1", "SELECT 1"), "1\n");
}

#[test]
fn a_guard_outlives_its_test_process() {
    // The same test program as a child: it starts an etcd, says where, and is killed.
    if std::env::var_os("SERVERS_START_AND_HANG").is_some() {
        let etcd = Etcd::start();
        std::fs::write(std::env::var_os("SERVERS_START_AND_HANG").expect("a path"), &etcd.endpoint)
            .expect("the path can be written");
        loop {
            std::thread::park();
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let told = folder.path().join("endpoint");
    let mut child = Command::new(std::env::current_exe().expect("this test program"))
        .args(["--exact", "servers::harness::a_guard_outlives_its_test_process", "--nocapture"])
        .env("SERVERS_START_AND_HANG", &told)
        .spawn()
        .expect("the test program starts");
    wait_until("the child has an etcd", PATIENCE, || {
        std::fs::read_to_string(&told).is_ok_and(|text| text.contains(':'))
    });
    let endpoint = std::fs::read_to_string(&told).expect("the child has told");
    assert!(std::net::TcpStream::connect(&endpoint).is_ok());
    child.kill().expect("the child still runs");
    child.wait().expect("the child is ours");
    wait_until("its etcd is gone", PATIENCE, || std::net::TcpStream::connect(&endpoint).is_err());
}

#[test]
fn fakes_misbehave_as_promised() {
    let closed = Fake::closed_port();
    assert!(std::net::TcpStream::connect(&closed.address).is_err());
    for fake in [Fake::silent_port(), Fake::garbage_port(), Fake::http_port(), Fake::closing_port()] {
        assert!(std::net::TcpStream::connect(&fake.address).is_ok());
    }
}

#[test]
fn the_program_runs() {
    let program = Program::new().args(["--version"]).stdin("unread");
    assert!((0..=2).contains(&program.run().status));
}

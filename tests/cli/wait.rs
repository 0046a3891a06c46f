//! `--wait`: targets that are not up yet are waited for, and nothing else is.

use rustix::process::Signal;

use crate::failures::Case;
use crate::servers::{Etcd, Fake, Postgres};

#[test]
fn a_server_that_comes_up_later_is_found() {
    let mut etcd = Etcd::start();
    etcd.stop();
    let case = Case::on(&etcd, Postgres::shared()).unwatched().flags(["run", "set-mount", "--wait", "60s"]);
    let running = case.start(&[]);
    running.until("waiting until");
    drop(case);
    etcd.start_again();
    let outcome = running.wait();
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(outcome.stderr.contains("changed=1 unchanged=0 failed=0 skipped=0"), "{outcome:?}");
    // A line only when the cause changes, however often it looked.
    let waits = outcome.stderr.lines().filter(|line| line.contains("waiting until")).count();
    assert!((1..=3).contains(&waits), "{outcome:?}");
}

#[test]
fn the_deadline_ends_the_waiting_with_the_last_cause() {
    let nobody = Fake::closed_port();
    let case = Case::new().set("etcd.endpoints", format!("[{}]", nobody.address)).unwatched();
    let case = case.flags(["check", "etcd", "--wait", "1s"]);
    let told = case.fails(5, "E-ETCD-CONNECT");
    let waits: Vec<_> = told.events.iter().filter(|event| event["type"] == "waiting").collect();
    assert_eq!(waits.len(), 1, "{waits:#?}");
    assert_eq!(waits[0]["failure"]["code"], "E-ETCD-CONNECT");
    let time = |event: &serde_json::Value, key: &str| {
        event[key].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok()).expect("a time")
    };
    let left = time(waits[0], "until").duration_since(time(waits[0], "time"));
    assert!(left.as_millis() <= 1000, "{left:?}");
    assert!(time(told.summary(), "time") >= time(waits[0], "until"), "it gave up too early");
    // As text: the deadline as a time of day, the ladder at the end.
    let outcome = case.outcome(&[]);
    assert_eq!(outcome.status, 5, "{outcome:?}");
    let line = outcome.stderr.lines().next().expect("a line");
    assert!(case.redacted(line).starts_with("hh:mm:ss  check"), "{line}");
    assert!(line.contains("waiting until ") && line.ends_with("E-ETCD-CONNECT"), "{line}");
    assert!(outcome.stdout.contains("nothing listens on"), "{outcome:?}");
}

/// What no waiting mends ends it at once, for every target.
#[test]
fn a_wrong_password_is_not_waited_for() {
    let nobody = Fake::closed_port();
    let case = Case::new().set("etcd.endpoints", format!("[{}]", nobody.address)).unwatched();
    let case = case.set("database.password", "canary-wrong").flags(["check", "--wait", "10m"]);
    let told = case.run();
    assert_eq!(told.status, 5, "{:#?}", told.failures);
    let codes: Vec<_> = told.failures.iter().filter_map(|failure| failure["code"].as_str()).collect();
    assert_eq!(codes, ["E-ETCD-CONNECT", "E-DB-AUTH"]);
}

#[test]
fn a_folder_that_is_mounted_later_is_found() {
    let case = Case::new().unwatched().flags(["check", "storage", "--wait", "60s"]);
    let late = case.work().join("late");
    let case = case.set("storage.mount", late.display().to_string());
    let running = case.start(&[]);
    running.until("waiting until");
    std::fs::create_dir(&late).expect("the folder is ours");
    let outcome = running.wait();
    assert_eq!(outcome.status, 0, "{outcome:?}");
}

#[test]
fn a_signal_ends_the_waiting() {
    let nobody = Fake::closed_port();
    let case = Case::new().set("etcd.endpoints", format!("[{}]", nobody.address)).unwatched();
    let case = case.flags(["plan", "--wait", "10m"]);
    let running = case.start(&[]);
    running.until("waiting until");
    running.signal(Signal::INT);
    let outcome = running.wait();
    assert_eq!(outcome.status, 130, "{outcome:?}");
    assert!(outcome.stderr.contains("E-CANCELLED"), "{outcome:?}");
}

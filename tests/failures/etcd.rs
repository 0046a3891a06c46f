//! etcd answers, and does not let us in or does not accept writes.

use std::process::Command;
use std::thread;

use super::{Case, quiet_etcd, row, together};
use crate::servers::{Etcd, Fake, PATIENCE, Postgres, binary, free_port, wait_until};

#[test]
fn sign_in_and_rights() {
    let etcd = Etcd::with_auth("canary-root-password");
    etcd.reading_user("reader", "canary-reader", "/sorna/");
    etcd.limited_user("neighbour", "canary-neighbour", "/sorna/elsewhere/");
    let on = || Case::on(&etcd, Postgres::shared());
    let user = |name: &str, password: &str| on().set("etcd.user", name).set("etcd.password", password);
    let told = together(vec![
        row("no user given", || on().fails(6, "E-ETCD-AUTH").names(&["etcd.user", &etcd.endpoint])),
        row("wrong password", || {
            user("root", "canary-wrong").fails(6, "E-ETCD-AUTH").names(&["`root`", &etcd.endpoint])
        }),
        row("unknown user", || user("nobody", "canary-wrong").fails(6, "E-ETCD-AUTH").names(&["`nobody`"])),
        row("may read, not write", || {
            user("reader", "canary-reader").fails(6, "E-ETCD-RIGHTS").names(&["`reader`", "grant-permission"])
        }),
        row("may write elsewhere", || {
            user("neighbour", "canary-neighbour")
                .fails(6, "E-ETCD-RIGHTS")
                .names(&["`neighbour`", "/sorna/ns"])
        }),
        row("a user where none is wanted", || {
            let case = Case::new().set("etcd.user", "root").set("etcd.password", "canary-unwanted");
            case.fails(6, "E-ETCD-AUTH").names(&["etcd.user", &quiet_etcd().endpoint])
        }),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn a_user_with_the_right_to_write_is_enough() {
    let etcd = Etcd::with_auth("canary-root-password");
    etcd.limited_user("setup", "canary-setup", "/sorna/");
    let case =
        Case::on(&etcd, Postgres::shared()).set("etcd.user", "setup").set("etcd.password", "canary-setup");
    let told = case.unwatched().warns("W-ETCD-MANAGER");
    insta::assert_snapshot!(told.text());
}

/// Which cluster is meant can be said, in both spellings; endpoints of two clusters are none.
#[test]
fn another_cluster_than_the_one_that_is_meant() {
    let other = Etcd::start_with(&["--initial-cluster-token=another"]);
    let both = format!("[{}, {}]", quiet_etcd().endpoint, other.endpoint);
    let told = together(vec![
        row("another cluster", || {
            let case = Case::new().set("expect.etcd-cluster", "'1a2b3c'");
            case.fails(4, "E-ETCD-OTHER").names(&["`1a2b3c`", &quiet_etcd().endpoint, "expect.etcd-cluster"])
        }),
        row("two clusters", || {
            let case = Case::new().set("etcd.endpoints", both.as_str());
            let told = case.fails(4, "E-ETCD-OTHER").names(&[&quiet_etcd().endpoint, &other.endpoint]);
            told.without(&[(&other.endpoint, "OTHER"), (&cluster_of(&other), "OTHER-CLUSTER")])
        }),
    ]);
    insta::assert_snapshot!(told);
    let id = cluster_of(&other);
    let decimal = u64::from_str_radix(&id, 16).expect("a number").to_string();
    for spelling in [id.to_uppercase(), decimal] {
        let case = Case::on(&other, Postgres::shared()).set("expect.etcd-cluster", format!("'{spelling}'"));
        let told = case.flags(["check", "etcd"]).run();
        assert_eq!(told.status, 0, "{spelling}: {:#?}", told.failures);
    }
}

/// Etcds that were started alone call themselves alike: what rests on that is no proof.
#[test]
fn an_id_that_many_clusters_have_is_no_proof() {
    let check = |case: Case<'static>| case.flags(["check", "etcd"]).warns("W-ETCD-CLUSTER");
    let told = check(Case::new().set("expect.etcd-cluster", "cdf818194e3a8c32"));
    let twin = Etcd::start();
    let both =
        check(Case::new().set("etcd.endpoints", format!("[{}, {}]", quiet_etcd().endpoint, twin.endpoint)));
    let both = both.without(&[(&twin.endpoint, "TWIN")]).names(&["--initial-cluster-token"]);
    insta::assert_snapshot!([told.text(), both.text()].join("\n\n"));
    assert_eq!(Case::new().flags(["check", "etcd"]).run().warnings.len(), 0);
}

/// Whoever names a wrong namespace sees the right one beside it; in a namespace that is in use only `check` looks.
#[test]
fn neighbours_are_counted() {
    let etcd = Etcd::start();
    for (namespace, keys) in [("prod", 3), ("prod0", 1), ("a", 1), ("b", 2), ("c", 2), ("d", 2), ("e", 2)] {
        etcd.fill(&format!("/sorna/{namespace}/"), keys);
    }
    etcd.put("/sorna/loose", "a key of no namespace");
    etcd.put("/sornb/x", "of another program");
    let keys = |namespace: &str, command: &str| {
        let case = Case::on(&etcd, Postgres::shared()).set("etcd.namespace", namespace).unwatched();
        let case = if command == "check" { case.flags(["check", "etcd"]) } else { case.flags([command]) };
        case.run().rung("etcd", "keys")
    };
    let five = "`a` has 1 key, `b` has 2 keys, `c` has 2 keys, `d` has 2 keys, `e` has 2 keys, and more";
    assert_eq!(keys("new", "plan"), format!("namespace `new` is empty, but {five}"));
    assert_eq!(keys("prod", "check"), format!("namespace `prod` has 3 keys; {five}"));
    assert_eq!(keys("prod", "plan"), "namespace `prod` has 3 keys");
    for namespace in ["a", "b", "c", "d", "e"] {
        etcd.delete(&format!("/sorna/{namespace}/"));
    }
    assert_eq!(keys("prod", "check"), "namespace `prod` has 3 keys; `prod0` has 1 key");

    let guarded = Etcd::with_auth("canary-root-password");
    guarded.limited_user("setup", "canary-setup", "/sorna/local/");
    let case = Case::on(&guarded, Postgres::shared()).set("etcd.namespace", "local");
    let case = case.set("etcd.user", "setup").set("etcd.password", "canary-setup").flags(["check", "etcd"]);
    let said = case.run().rung("etcd", "keys");
    assert_eq!(said, "namespace `local` is empty; not allowed to look at others");
}

/// The id as the check shows it.
fn cluster_of(etcd: &Etcd) -> String {
    let told = Case::on(etcd, Postgres::shared()).flags(["check", "etcd"]).run();
    told.rung("etcd", "cluster")
}

#[test]
fn no_space_too_small_transactions_and_a_stopped_server() {
    let full = Etcd::start_with(&["--quota-backend-bytes=1"]);
    // The first write raises the alarm.
    let put = Command::new(binary("etcdctl"))
        .env("ETCDCTL_API", "3")
        .args(["--endpoints", &full.endpoint, "put", "a", "b"])
        .output()
        .expect("etcdctl starts");
    assert!(!put.status.success(), "etcd had room for a key");
    let small = Etcd::start_with(&["--max-txn-ops=10"]);
    let stopped = Etcd::start();
    let revision = stopped.revision();
    stopped.pause();
    let on = |etcd| Case::on(etcd, Postgres::shared());
    let told = together(vec![
        row("no space", || {
            on(&full).fails(4, "E-ETCD-ALARM").names(&["NOSPACE", "alarm disarm", &full.endpoint])
        }),
        row("too small transactions", || {
            let case = on(&small).flags(["run", "load-images"]);
            case.fails(4, "E-ETCD-REFUSED").names(&[&small.endpoint])
        }),
        row("a stopped server", || {
            let case = on(&stopped).unwatched();
            case.fails(5, "E-ETCD-TIMEOUT").names(&["etcd.endpoints", &stopped.endpoint])
        }),
    ]);
    stopped.resume();
    assert_eq!(stopped.revision(), revision, "something was written");
    insta::assert_snapshot!(told);
}

#[test]
fn a_cluster_that_lost_its_leader() {
    let peers = [free_port(), free_port()];
    let cluster =
        format!("--initial-cluster=a=http://127.0.0.1:{},b=http://127.0.0.1:{}", peers[0], peers[1]);
    let start = |name: &str, peer: u16| {
        let url = format!("http://127.0.0.1:{peer}");
        Etcd::start_with(&[
            &format!("--name={name}"),
            &cluster,
            &format!("--listen-peer-urls={url}"),
            &format!("--initial-advertise-peer-urls={url}"),
        ])
    };
    // Neither is ready before it has seen the other.
    let (one, mut other) = thread::scope(|scope| {
        let other = scope.spawn(|| start("b", peers[1]));
        (start("a", peers[0]), other.join().expect("the other member starts"))
    });
    other.stop();
    wait_until("the member has seen that it is alone", PATIENCE, || {
        let status = Command::new(binary("etcdctl"))
            .env("ETCDCTL_API", "3")
            .args(["--endpoints", &one.endpoint, "endpoint", "status", "-w", "json"])
            .output()
            .expect("etcdctl starts");
        !String::from_utf8_lossy(&status.stdout).contains("\"leader\":")
    });
    let told =
        Case::on(&one, Postgres::shared()).unwatched().fails(5, "E-ETCD-LEADER").names(&[&one.endpoint]);
    insta::assert_snapshot!(told.text());

    // Its remedy: the command shows who is missing, who is started, and the same check passes.
    let remedy = told.remedy();
    let command = remedy.split('`').find(|it| it.starts_with("etcdctl ")).expect("a command");
    let shown = Command::new("sh").env("ETCDCTL_API", "3").args(["-c", command]).output().expect("a shell");
    let shown =
        format!("{}{}", String::from_utf8_lossy(&shown.stdout), String::from_utf8_lossy(&shown.stderr));
    assert!(shown.contains(&other.endpoint), "it does not name the missing member:\n{shown}");
    other.start_again();
    let check = Case::on(&one, Postgres::shared()).flags(["check", "etcd", "--wait", "30s"]);
    assert_eq!(check.run().status, 0);
}

#[test]
fn one_dead_member_of_two_is_a_warning() {
    let etcd = Etcd::start();
    let dead = Fake::closed_port();
    let case = Case::on(&etcd, Postgres::shared());
    let case = case.set("etcd.endpoints", format!("[{}, {}]", dead.address, etcd.endpoint)).unwatched();
    let told = case.warns("W-ETCD-MEMBER").names(&[&dead.address, "etcd.endpoints"]);
    assert_eq!(told.summary()["changed"], 7);
    assert!(!etcd.get_all("/sorna/").is_empty());
    let text = told.text().replace(&dead.address, "DEAD").replace(&dead.port.to_string(), "PORT");
    insta::assert_snapshot!(text);
}

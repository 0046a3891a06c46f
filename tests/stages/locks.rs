//! One run at a time writes to a namespace and to a database: who it is, what others are told, and what becomes of a lock
//! whose holder is gone.

use std::cell::RefCell;
use std::fs;

use super::Site;
use super::site::IMAGES;
use crate::failures::Session;
use crate::servers::{Outcome, PATIENCE, Postgres, Relay, Running, wait_until};
use rustix::process::Signal;

const LOCK: &str = "/sorna/local/backendai-setup/lock";
const HASH: &str = "sha256:of-this-list";

/// Under which a transaction of a run writes; the run waits there with its locks.
const WORK: &str = "SELECT pg_advisory_lock(2225364)";
const RUN: &str = "SELECT pg_advisory_lock(2225363)";

fn list() -> String {
    IMAGES.replace("abc", HASH)
}

/// Starts a run over a relay to etcd that holds up the request with these bytes, and does something meanwhile.
fn held_up(site: &Site, arguments: &str, at: &str, meanwhile: impl FnOnce(&mut Running)) -> Running {
    let relay = Relay::to(&site.etcd.endpoint);
    relay.open();
    let setting = format!("etcd.endpoints={}", relay.address);
    let program = site.program(arguments.split_whitespace().chain(["--set", &setting]));
    let started = RefCell::new(None);
    let start = || *started.borrow_mut() = Some(program.start());
    relay.hold_up(at, start, || meanwhile(started.borrow_mut().as_mut().expect("it was started")));
    started.into_inner().expect("it was started")
}

/// Starts a run that waits in its first transaction, with its locks, until the session is gone.
fn in_a_transaction(site: &Site, arguments: &str) -> (Session, Running) {
    let other = Session::open(&site.database, &site.database.name, WORK);
    let running = site.program(arguments.split_whitespace()).start();
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    wait_until("it waits in its transaction", PATIENCE, || site.sql(waits) == "1\n");
    (other, running)
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn says(outcome: &Outcome, status: i32, parts: &[&str]) {
    assert_eq!(outcome.status, status, "{}", outcome.stderr);
    for part in parts {
        assert!(outcome.stderr.contains(part), "{part}\n{}", outcome.stderr);
    }
}

#[test]
fn the_second_run_is_told_who_writes_to_the_namespace() {
    let site = Site::new();
    site.write("images.yml", list());
    let first = held_up(&site, "run load-images", HASH, |first| {
        let revision = site.etcd.revision();
        let process = format!("process {}", first.pid());
        let whose = format!("@{} has been writing to namespace `local` since ", host());
        says(&site.run("run load-images"), 8, &["E-ETCD-BUSY", &whose, &process, LOCK, "--wait 10m"]);
        // Whoever only looks needs no lock, and the lock is none of the manager's keys.
        let checked = site.runs("check etcd");
        assert!(checked.stdout.contains("namespace `local` is empty"), "{}", checked.stdout);
        assert_eq!(site.run("status").status, 9);
        site.runs("plan");
        // Another server is another lock.
        site.runs("run create-database install-schema");
        assert_eq!(site.etcd.revision(), revision, "nobody else wrote");
    });
    says(&first.wait(), 0, &[]);
    assert_eq!(site.etcd.get_all("/sorna/local/backendai-setup/").len(), 0, "nothing is left of it");
    site.runs("run load-images");
}

#[test]
fn the_second_run_is_told_who_writes_to_the_database() {
    let site = Site::new();
    site.runs("run create-database");
    let (other, first) = in_a_transaction(&site, "run install-schema");
    let process = format!("process {}", first.pid());
    let whose = format!("@{} has been writing to database `{}` since ", host(), site.database.name);
    let second = site.run("run install-schema");
    says(&second, 8, &["E-DB-BUSY", &whose, &process, "pg_terminate_backend("]);
    site.runs("run load-images");
    let waiting = site.program(["run", "install-schema", "--wait", "80s"]).start();
    waiting.until("waiting until");
    drop(other);
    says(&first.wait(), 0, &["changed=1"]);
    says(&waiting.wait(), 0, &[&whose, "changed=0 unchanged=1"]);
}

/// A check that looks while another run installs the schema sees it whole, or nothing of it.
#[test]
fn a_look_is_of_one_moment() {
    for (command, said) in [("run install-schema", "changed=0 unchanged=1"), ("check database", "")] {
        let site = Site::new();
        site.runs("run create-database");
        let relay = Relay::to(&site.database.address);
        relay.open();
        let setting = format!("database.address={}", relay.address);
        let program = site.program(command.split(' ').chain(["--set", &setting]));
        let names = "WHEN 'c' THEN 'composite type'";
        let running = relay.hold_up(names, || program.start(), || drop(site.runs("run install-schema")));
        says(&running.wait(), 0, &[said]);
    }
}

/// What was planned before the other run ended is planned anew.
#[test]
fn a_run_waits_for_the_one_before_and_looks_again() {
    let site = Site::new();
    site.write("images.yml", list());
    let second = RefCell::new(None);
    let first = held_up(&site, "run load-images", HASH, |_| {
        site.write("images.yml", list().replace("def", "of-the-second"));
        let running = site.program(["run", "load-images", "--wait", "80s"]).start();
        running.until("waiting until");
        *second.borrow_mut() = Some(running);
    });
    says(&first.wait(), 0, &["changed=1"]);
    let second = second.into_inner().expect("it was started").wait();
    says(&second, 0, &["has been writing to namespace `local` since", "1 key in 1 transaction"]);
    assert_eq!(
        site.etcd.get_all("/sorna/local/images/python/tags/3.7").into_values().next().unwrap_or_default(),
        "of-the-second"
    );
}

#[test]
fn a_killed_holder_stands_in_nobodys_way_on_its_machine() {
    for same_folder in [true, false] {
        let site = Site::new();
        site.write("images.yml", list());
        let state = tempfile::tempdir().expect("a folder");
        let named = format!(" --state-dir {}", state.path().display());
        let first = held_up(&site, &format!("run load-images{named}"), HASH, |first| {
            first.signal(Signal::KILL);
            wait_until("it is dead", PATIENCE, || first.has_ended());
        });
        assert_eq!(first.wait().status, 137);
        assert_eq!(site.etcd.get_all(LOCK).len(), 1, "its lease has not ended");
        // What it had sent may be written by now; there is more to do.
        let words = "run load-images set-mount".to_owned();
        site.runs(&if same_folder { words + &named } else { words });
        assert_eq!(site.etcd.get_all(LOCK).len(), 0);
    }
    // The database's lock goes with the connection.
    let site = Site::new();
    site.runs("run create-database");
    let (other, first) = in_a_transaction(&site, "run install-schema");
    first.signal(Signal::KILL);
    assert_eq!(first.wait().status, 137);
    drop(other);
    site.runs("run install-schema");
}

/// A lock as a run on this machine would write it.
fn planted(host: &str, rest: &str) -> String {
    format!(r#"{{"host":"{host}","user":"root","pid":4711,"since":"2026-11-30T14:03:22Z"{rest}}}"#)
}

#[test]
fn on_another_machine_it_is_free_when_its_lease_ends() {
    let site = Site::new();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("the kernel tells");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("lock"), "").expect("our folder");
    let sign = |boot: &str, file: &str| {
        format!(r#","boot":"{boot}","state":"{}","file":"{file}""#, folder.path().display())
    };
    let own = |name: &str| {
        use std::os::unix::fs::MetadataExt;
        let meta = fs::metadata(folder.path().join(name)).expect("the file is there");
        format!("{}:{}", meta.dev(), meta.ino())
    };
    let (boot, host) = (boot.trim(), host());
    // None of these says that its holder is dead.
    for value in [
        planted("gpu-02", &sign(boot, &own("lock"))),
        planted(&host, &sign("of-another-start", &own("lock"))),
        planted(&host, &sign(boot, "0:0")),
        planted(&host, ""),
    ] {
        let lease = site.etcd.put_leased(LOCK, &value, 60);
        let refused = site.run("run load-images");
        says(&refused, 8, &["E-ETCD-BUSY", "root@", " since 2026-11-30 ", "process 4711", "15 s"]);
        assert_eq!(site.etcd.get_all("").len(), 1, "nothing was written");
        site.etcd.revoke(lease);
    }
    site.etcd.put_leased(LOCK, "of another version", 60);
    says(&site.run("run load-images"), 8, &["Another setup", "holds `of another version`"]);
    site.etcd.put_leased(LOCK, &planted("gpu-02", ""), 3);
    says(&site.run("run load-images --wait 80s"), 0, &["root@gpu-02 has been writing", "changed=1"]);
    // The same file, let go.
    site.etcd.put_leased(LOCK, &planted(&host, &sign(boot, &own("lock"))), 60);
    site.runs("run set-mount");
    // The remedy for one without a lease, as it stands there.
    site.etcd.put(LOCK, &planted("gpu-02", ""));
    let refused = site.run("run load-aliases");
    says(&refused, 8, &[&format!("etcdctl --endpoints={} del {LOCK}", site.etcd.endpoint)]);
    site.etcd.delete(LOCK);
    site.runs("run load-aliases");
}

/// A list of three batches.
fn long_list() -> String {
    let tags: Vec<String> = (0..300).map(|tag| format!("['t{tag:03}', 'hash-of-{tag:03}']")).collect();
    format!("images: [{{name: python, tags: [{}], slots: {{cpu: 1, mem: 1.0, gpu: 0}}}}]\n", tags.join(", "))
}

#[test]
fn a_run_that_lost_its_lock_writes_nothing_more() {
    let site = Site::new();
    site.write("images.yml", long_list());
    site.write("aliases.yml", "aliases: []\n");
    for (at, status, confirmed) in [("hash-of-000", 8, 0), ("hash-of-250", 7, 200)] {
        let first = held_up(&site, "run load-images", at, |_| {
            site.etcd.revoke(site.etcd.lease_of(LOCK));
            assert_eq!(site.etcd.count("/sorna/"), confirmed);
        });
        let lost = first.wait();
        says(&lost, status, &["E-LOCK-LOST", "lost its lock on namespace `local`", "its lease was revoked"]);
        assert_eq!(site.etcd.count("/sorna/"), confirmed, "{}", lost.stderr);
    }
    // Somebody else has it by now.
    let lease = RefCell::new(0);
    let first = held_up(&site, "run load-images", "hash-of-250", |_| {
        site.etcd.revoke(site.etcd.lease_of(LOCK));
        *lease.borrow_mut() = site.etcd.put_leased(LOCK, &planted("gpu-02", ""), 60);
    });
    says(&first.wait(), 8, &["E-LOCK-LOST", "root@gpu-02 has taken it"]);
    assert_eq!(site.etcd.get_all(LOCK).len(), 1, "that of the other stays");
    site.etcd.revoke(lease.into_inner());
    // The remedy.
    site.runs("run load-images");
    assert_eq!(site.etcd.count("/sorna/"), 304);
}

/// A request that is held up for longer than the lease lasts holds up no renewal of it.
#[test]
fn the_lock_is_kept_while_a_request_is_held_up() {
    let site = Site::new();
    site.write("images.yml", list());
    let first = held_up(&site, "run load-images --timeout 60s", HASH, |_| {
        let lease = site.etcd.lease_of(LOCK);
        let mut least = i64::MAX;
        wait_until("the lease is renewed", PATIENCE, || {
            let left = site.etcd.left_of(lease).expect("the lease has not ended");
            least = least.min(left);
            left > least
        });
    });
    says(&first.wait(), 0, &["changed=1"]);
    assert_eq!(site.etcd.get_all(LOCK).len(), 0, "it is given back");
}

/// The database is locked once it is there, by whoever comes first: the other waits.
#[test]
fn a_database_that_is_taken_when_it_is_created_is_waited_for() {
    for waits in [true, false] {
        let site = Site::new();
        let relay = Relay::to(&site.database.address);
        relay.open();
        let setting = format!("database.address={}", relay.address);
        let mut words = vec!["run", "create-database", "install-schema", "--set", &setting];
        if waits {
            words.extend(["--wait", "80s"]);
        }
        let program = site.program(words);
        let other = RefCell::new(None);
        let name = &site.database.name;
        let running = relay.hold_up(
            "CREATE DATABASE",
            || program.start(),
            || {
                let sql = format!("CREATE DATABASE {name} OWNER {}", site.database.user);
                Postgres::shared().psql("postgres", &sql);
                *other.borrow_mut() = Some(Session::open(&site.database, name, RUN));
            },
        );
        if waits {
            running.until("waiting until");
            drop(other.into_inner());
            says(&running.wait(), 0, &["was created by another run", "changed=1 unchanged=1"]);
        } else {
            says(&running.wait(), 8, &["E-DB-BUSY"]);
        }
    }
}

/// The connection that holds the lock breaks: its transaction begins anew under the lock, or not at all.
#[test]
fn no_transaction_is_committed_without_the_lock() {
    let break_it = |site: &Site| {
        let sql = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE application_name LIKE 'backendai-setup %@%' AND datname = '{}'",
            site.database.name
        );
        assert_eq!(site.sql(&sql), "1\n");
    };
    for stages in ["run install-schema", "run populate-fixtures"] {
        let site = Site::new();
        site.runs("run create-database");
        if stages.contains("populate") {
            site.runs("run install-schema");
        }
        let before = Postgres::shared().dump(&site.database.name);
        let (work, running) = in_a_transaction(&site, stages);
        break_it(&site);
        let other = Session::open(&site.database, &site.database.name, RUN);
        drop(work);
        says(&running.wait(), 8, &["E-DB-BUSY", "Another setup is working on database"]);
        assert_eq!(Postgres::shared().dump(&site.database.name), before);
        drop(other);

        let (work, running) = in_a_transaction(&site, stages);
        break_it(&site);
        drop(work);
        says(&running.wait(), 0, &["once more from the beginning", "changed=1"]);
    }
}

/// A signal while a run waits for another one.
#[test]
fn waiting_for_a_lock_can_be_stopped() {
    let site = Site::new();
    let lease = site.etcd.put_leased(LOCK, &planted("gpu-02", ""), 60);
    let running = site.program(["run", "load-images", "--wait", "80s"]).start();
    running.until("waiting until");
    running.signal(Signal::TERM);
    says(&running.wait(), 143, &["E-CANCELLED", "nothing was written"]);
    site.etcd.revoke(lease);
    site.runs("run create-database");
    let other = Session::open(&site.database, &site.database.name, RUN);
    let running = site.program(["run", "--wait", "80s"]).start();
    running.until("waiting until");
    running.signal(Signal::INT);
    says(&running.wait(), 130, &["E-CANCELLED", "nothing was written"]);
    assert_eq!(site.etcd.get_all("").len(), 0, "the lock of the namespace is free again");
    drop(other);
}

/// A stop in the middle of the work lets go of both.
#[test]
fn a_stopped_run_leaves_no_lock() {
    let site = Site::new();
    site.runs("run create-database");
    let (other, running) = in_a_transaction(&site, "run install-schema populate-fixtures load-images");
    wait_until("the images are there", PATIENCE, || site.etcd.count("/sorna/local/images/") > 0);
    running.signal(Signal::HUP);
    says(&running.wait(), 129, &["E-CANCELLED"]);
    assert_eq!(site.etcd.get_all(LOCK).len(), 0);
    drop(other);
    site.runs("run");
}

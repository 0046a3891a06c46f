//! Each exit status that is promised, with the code that belongs to it: a failing run is never status 0.

use std::collections::BTreeSet;

use backendai_setup::failure::status;
use rustix::process::Signal;

use crate::failures::{Case, Session};
use crate::servers::{Etcd, Fake, Postgres, Program};

/// A run with JSON: its status, and the codes of its failures.
type Ended = (i32, BTreeSet<String>);

fn of(case: &Case) -> Ended {
    let told = case.run();
    let codes = told.failures.iter().filter_map(|failure| failure["code"].as_str().map(str::to_owned));
    (told.status, codes.collect())
}

fn ends(expected: u8, code: &str, (status, codes): Ended) -> u8 {
    assert_eq!(status, i32::from(expected), "{codes:?}");
    let wanted = BTreeSet::from([code.to_owned()]);
    assert!(code.is_empty() && codes.is_empty() || codes == wanted, "{code:?} was expected: {codes:?}");
    expected
}

#[test]
fn every_status_is_met() {
    let run = |case: Case<'static>| of(&case.unwatched());
    let mut met = BTreeSet::new();
    let own = Etcd::start();
    let all = Case::on(&own, Postgres::shared()).unwatched();
    met.insert(ends(status::SUCCESS, "", of(&all)));
    met.insert(ends(status::NOT_AS_WANTED, "", run(Case::new().flags(["status"]))));
    met.insert(ends(status::NOT_AS_WANTED, "", run(Case::new().flags(["plan", "--detailed-exitcode"]))));
    met.insert(ends(status::USAGE, "E-USAGE", run(Case::new().flags(["run", "no-such-stage"]))));
    met.insert(ends(status::USAGE, "E-USAGE", run(Case::new().flags(["--no-such-flag"]))));
    met.insert(ends(status::INPUT, "E-ANSWERS-VALUE", run(Case::new().set("etcd.namespace", "a/b"))));
    met.insert(ends(status::INPUT, "E-FILE-READ", run(Case::new().set("images.metadata", "nowhere.yml"))));
    met.insert(ends(status::UNFIT, "E-MOUNT-MISSING", run(Case::new().set("storage.mount", "/no/where"))));
    let nobody = Fake::closed_port();
    let unreachable = Case::new().set("etcd.endpoints", format!("[{}]", nobody.address));
    met.insert(ends(status::UNREACHABLE, "E-ETCD-CONNECT", run(unreachable)));
    let silent = Fake::silent_port();
    let silent = Case::new().set("database.address", silent.address.as_str()).flags([
        "run",
        "install-schema",
        "--timeout",
        "200ms",
    ]);
    met.insert(ends(status::UNREACHABLE, "E-DB-TIMEOUT", run(silent)));
    let refused = Case::new().set("database.password", "canary-wrong");
    met.insert(ends(status::REFUSED, "E-DB-AUTH", run(refused)));
    let asks = Case::new().set("database.password", "{prompt: true}");
    met.insert(ends(status::NEEDS_INPUT, "E-NEEDS-ANSWERS", run(asks)));
    let unconfirmed = Case::new().bare().flags(["run", "--development"]);
    met.insert(ends(status::NEEDS_INPUT, "E-NEEDS-CONFIRMATION", run(unconfirmed)));
    met.insert(partly_written());
    met.extend(locked_and_stopped());
    met.insert(output_that_is_lost());

    let promised: BTreeSet<u8> = status::ALL.iter().map(|(status, _)| *status).collect();
    assert_eq!(met, promised, "every status of the table is met");
}

/// etcd takes no transaction that is so large; the database was made meanwhile.
fn partly_written() -> u8 {
    let small = Etcd::start_with(&["--max-txn-ops=10"]);
    let case = Case::on(&small, Postgres::shared()).unwatched();
    // The folder needs none of the others: it is written whatever becomes of them.
    let case = case.set("images.only", "[python-tensorflow]").flags(["run", "create-database"]);
    ends(status::SUCCESS, "", of(&case));
    let case = case.flags([
        "run",
        "set-mount",
        "load-images",
        "load-aliases",
        "populate-fixtures",
        "install-schema",
    ]);
    ends(status::PARTIAL, "E-ETCD-REFUSED", of(&case))
}

/// Somebody holds the lock of the schema: the run gives up, or a signal ends its waiting.
fn locked_and_stopped() -> Vec<u8> {
    let case = Case::new().created("").unwatched().flags(["run", "install-schema"]);
    let other = Session::open(&case.database, &case.database.name, "SELECT pg_advisory_lock(2225363)");
    let short = case.flags(["run", "install-schema", "--timeout", "3s"]);
    let mut met = vec![ends(status::LOCKED, "E-DB-BUSY", of(&short))];
    drop(other);
    // Under which a transaction of a run writes.
    let other = Session::open(&short.database, &short.database.name, "SELECT pg_advisory_lock(2225364)");
    let case = short.flags(["run", "install-schema"]);
    for (signal, expected) in [
        (Signal::HUP, status::HANGUP),
        (Signal::INT, status::INTERRUPTED),
        (Signal::TERM, status::TERMINATED),
    ] {
        case.save();
        let running = case.start(&["--output", "json"]);
        running.until("\"stage_started\"");
        running.signal(signal);
        let outcome = running.wait();
        assert!(outcome.stdout.contains("E-CANCELLED"), "{outcome:?}");
        assert_eq!(outcome.status, i32::from(expected), "{outcome:?}");
        met.push(expected);
    }
    drop(other);
    met
}

fn output_that_is_lost() -> u8 {
    let full = Program::new().under(["sh", "-c", r#"exec "$0" "$@" >/dev/full"#]).args(["images"]);
    let outcome = full.run();
    assert!(outcome.stderr.contains("E-OUTPUT"), "{outcome:?}");
    assert_eq!(outcome.status, i32::from(status::INTERNAL), "{outcome:?}");
    status::INTERNAL
}

/// Of several failures before the first write the earliest of 3, 10, 8, 5, 6, 4 counts, and all are listed.
#[test]
fn the_earliest_of_several_counts() {
    let nobody = Fake::closed_port();
    let closed = format!("[{}]", nobody.address);
    let worst = |case: Case<'static>| case.unwatched().run();
    let told =
        worst(Case::new().set("etcd.endpoints", closed.as_str()).set("database.password", "canary-wrong"));
    assert_eq!((told.status, told.failures.len()), (5, 2), "{:#?}", told.failures);
    let told = worst(Case::new().set("storage.mount", "/no/where").set("database.password", "canary-wrong"));
    assert_eq!((told.status, told.failures.len()), (6, 2), "{:#?}", told.failures);
    let told = worst(Case::new().set("database.password", "{prompt: true}").set("etcd.namespace", "a/b"));
    assert_eq!((told.status, told.failures.len()), (3, 2), "{:#?}", told.failures);
}

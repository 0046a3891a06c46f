//! An upgrade beside other sessions, and one that is broken off: the old revision whole, or the head.

use std::thread;

use backendai_setup::guides::september_2018::GUIDE;
use rustix::process::Signal;

use super::old::{Old, recorded, revision, rows, rows_at_head};
use crate::servers::{Postgres, Relay, wait_until};

const RUN: &str = "run install-schema --set database.user-ids=direct";

/// What the sessions of the database other than ours are about, in the server's own words.
fn sessions(old: &Old, condition: &str) -> String {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND {condition}",
        old.database.name
    );
    Postgres::shared().psql("postgres", &sql)
}

/// A session that uses a table is named; the upgrade touches nothing, and goes on once the session has ended.
#[test]
fn a_session_that_holds_a_table_is_named() {
    let old = Old::at(12, &rows(12));
    let before = old.everything();
    let holder = "BEGIN; LOCK TABLE vfolders IN ACCESS SHARE MODE; SELECT pg_sleep(600)";
    thread::scope(|scope| {
        scope.spawn(|| old.database.psql(&old.database.name, holder));
        wait_until("the table is held", crate::servers::PATIENCE, || {
            sessions(&old, "wait_event = 'PgSleep'") == "1\n"
        });
        let pid = format!(
            "SELECT pid FROM pg_stat_activity WHERE datname = '{}' AND wait_event = 'PgSleep'",
            old.database.name
        );
        let pid = Postgres::shared().psql("postgres", &pid).trim().to_owned();
        let user = &old.database.user;
        let session = format!("session {pid} of `{user}` (`psql`) from 127.0.0.1 since ");
        let words = [
            "E-DB-TABLES",
            &session,
            ", active with BEGIN (vfolders)",
            &format!("pg_terminate_backend({pid})"),
        ];
        old.ends(RUN, 8, &words);
        assert!(before == old.everything(), "something was touched");
        // The remedy.
        Postgres::shared().psql("postgres", &format!("SELECT pg_terminate_backend({pid})"));
    });
    old.ends(RUN, 0, &["changed=1"]);
    assert_eq!(old.dump(), recorded(18));
}

/// A session that comes while the upgrade runs waits for its end, and goes on.
#[test]
fn a_session_that_comes_meanwhile_waits() {
    let old = Old::at(9, &rows(9));
    let relay = Relay::to(&old.database.address);
    relay.open();
    let program = old.program_at(&relay.address, RUN);
    thread::scope(|scope| {
        let mut came = None;
        let running = relay.hold_up(
            "ADD COLUMN environ",
            || program.start(),
            || {
                let sql = "SELECT count(*) FROM keypairs WHERE user_id = '1'";
                came = Some(scope.spawn(|| old.database.psql(&old.database.name, sql)));
                wait_until("it waits", crate::servers::PATIENCE, || {
                    sessions(&old, "wait_event_type = 'Lock'") == "1\n"
                });
            },
        );
        let outcome = running.wait();
        assert_eq!(outcome.status, 0, "{}", outcome.stderr);
        let answer = came.expect("it was started").join().expect("no panic").expect("it goes on");
        assert_eq!(answer, "1\n", "it sees the head");
    });
    assert_eq!(old.dump(), recorded(18));
}

/// Another program upgrades, or fills a table, between the look and the locks.
#[test]
fn what_comes_between_is_found_under_the_locks() {
    let old = Old::at(12, "");
    let relay = Relay::to(&old.database.address);
    relay.open();
    let late = "INSERT INTO keypairs (user_id, access_key) VALUES (3, 'AKIALATE')";
    let program = old.program_at(&relay.address, "run install-schema");
    let outcome = relay.hold_up("LOCK TABLE", || program.start(), || old.own(late)).wait();
    assert_eq!(outcome.status, 4, "{}", outcome.stderr);
    for told in ["planned anew", "E-DB-USER-IDS", "1 number (3)"] {
        assert!(outcome.stderr.contains(told), "{told}: {}", outcome.stderr);
    }
    assert_eq!(old.stamp(), revision(12).id);
    let stamp = "UPDATE alembic_version SET version_num = 'bf4bae8f942e'; ALTER TABLE kernels ADD COLUMN kernel_host varchar(128)";
    let outcome = {
        let program = old.program_at(&relay.address, RUN);
        relay.hold_up("LOCK TABLE", || program.start(), || old.own(stamp)).wait()
    };
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("planned anew"), "{}", outcome.stderr);
    assert_eq!(old.dump(), recorded(18));
}

/// Every message of the longest upgrade by which something is written, in its order.
fn messages() -> Vec<String> {
    let chain = GUIDE.schema.way_from(revision(1)).iter();
    let mut messages: Vec<String> =
        chain.flat_map(|step| step.statements()).map(|statement| statement.sql.to_owned()).collect();
    messages.insert(0, "LOCK TABLE public.\"usage\"".to_owned());
    messages.extend(["UPDATE public.alembic_version", "COMMIT"].map(str::to_owned));
    messages
}

/// Breaks the longest upgrade off at every so many messages.
fn broken_off(step: usize, how: impl Fn(&Relay, &crate::servers::Running)) {
    let messages = messages();
    assert!(messages.len() > 40, "{} messages", messages.len());
    let last = messages.len() - 1;
    for (at, message) in messages.iter().enumerate().filter(|(at, _)| at % step == 0 || *at == last) {
        let old = Old::at(1, &rows(1));
        let before = (old.dump(), old.sql("SELECT * FROM keypairs ORDER BY access_key"), old.stamp());
        let relay = Relay::to(&old.database.address);
        relay.open();
        let program = old.program_at(&relay.address, &format!("{RUN} --timeout 3s"));
        let started = std::cell::OnceCell::new();
        let start = || drop(started.set(program.start()));
        relay.hold_up(message, start, || how(&relay, started.get().expect("it runs")));
        let outcome = started.into_inner().expect("it runs").wait();
        assert_ne!(outcome.status, 0, "{message}\n{}", outcome.stderr);
        // Its session may still be on its way out.
        wait_until("its sessions have ended", crate::servers::PATIENCE, || {
            sessions(&old, "backend_type = 'client backend'") == "0\n"
        });
        let after = (old.dump(), old.sql("SELECT * FROM keypairs ORDER BY access_key"), old.stamp());
        let is_whole = after == before || (at == last && after.2 == GUIDE.schema.head);
        assert!(is_whole, "broken off at {message}: {after:?}");
        relay.open();
        let outcome = old.program_at(&relay.address, RUN).run();
        assert_eq!(outcome.status, 0, "after a break at {message}\n{}", outcome.stderr);
        assert_eq!(old.dump(), recorded(18), "after a break at {message}");
        assert_eq!(old.stamp(), GUIDE.schema.head);
        assert_eq!(old.rows(), rows_at_head(1, "1", "7"), "{message}");
    }
}

fn kill(_: &Relay, running: &crate::servers::Running) {
    running.signal(Signal::KILL);
}

fn cut(relay: &Relay, _: &crate::servers::Running) {
    relay.close();
}

#[test]
fn a_killed_upgrade_leaves_the_old_revision_whole() {
    broken_off(20, kill);
}

#[test]
fn a_cut_connection_leaves_the_old_revision_whole() {
    broken_off(25, cut);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn a_killed_upgrade_leaves_the_old_revision_whole_at_length() {
    broken_off(1, kill);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn a_cut_connection_leaves_the_old_revision_whole_at_length() {
    broken_off(1, cut);
}

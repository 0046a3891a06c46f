//! Something breaks in the middle of the work: what is written is told, and a second run goes on.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{Case, schema::at_head};
use crate::servers::{Etcd, Postgres};

/// SQL for a superuser: does something as soon as table vfolders is made.
fn when_vfolders_is_made(what: &str) -> String {
    format!(
        "CREATE FUNCTION apart() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
           IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.vfolders') \
           THEN {what}; END IF; END $$; \
         CREATE EVENT TRIGGER apart ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION apart()"
    )
}

#[test]
fn the_server_ends_the_session_in_the_middle_of_the_schema() {
    let etcd = Etcd::start();
    let case = Case::on(&etcd, Postgres::shared()).created("");
    let name = case.database.name.clone();
    let case = case.sql("{name}", &when_vfolders_is_made("PERFORM pg_terminate_backend(pg_backend_pid())"));

    let alone = case.flags(["run", "install-schema", "--timeout", "1s"]);
    let told = alone.fails(5, "E-DB-LOST").names(&[&name, "rolled back", "table vfolders", "run again"]);
    let mut texts = vec![told.text()];

    let all = alone.flags(["run", "--timeout", "2s"]);
    let before = Postgres::shared().snapshot(&name);
    let told = all.run().expect("E-DB-LOST").names(&[&name]);
    assert_eq!(told.status, 7, "the etcd stages had written");
    assert_eq!(told.summary()["failed"], 1);
    assert_eq!(Postgres::shared().snapshot(&name), before);
    texts.push(told.text());

    let mended = all.sql("{name}", "DROP EVENT TRIGGER apart; DROP FUNCTION apart()");
    let told = mended.run();
    assert_eq!(told.status, 0, "{:#?}", told.failures);
    assert_eq!(told.summary()["unchanged"], 5, "what was done is skipped: {}", told.summary());
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[test]
fn the_server_refuses_a_statement_of_the_schema() {
    let case = Case::new().created("").flags(["run", "install-schema"]);
    let case = case.sql("{name}", &when_vfolders_is_made("RAISE EXCEPTION 'no folders today'"));
    let told = case.fails(4, "E-DB-REFUSED").names(&["table vfolders", "no folders today", "rolled back"]);
    insta::assert_snapshot!(told.text());
}

#[test]
fn somebody_changes_what_was_just_written() {
    let case = at_head(Case::new()).unwatched().flags(["run", "populate-fixtures"]);
    let name = case.database.name.clone();
    // It waits for the commit, after everything was read back; and it is no trigger of the manager's table, which would be
    // found before.
    let trigger = "CREATE TABLE later (a int); CREATE FUNCTION note() RETURNS int LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO later VALUES (1); RETURN 1; END $$; ALTER TABLE keypairs ADD COLUMN note int DEFAULT note(); \
         CREATE FUNCTION off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         UPDATE keypairs SET rate_limit = NULL; RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER off AFTER INSERT ON later DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION off()";
    case.database.psql(&name, trigger).expect("the owner may do it");
    let told = case.run().expect("E-STAGE-VERIFY").names(&["2 rows", "keypairs"]);
    assert_eq!(told.status, 7);
    insta::assert_snapshot!(told.text());
}

/// Lets everything through to etcd until a word comes by; then both directions end, and nobody is
/// let in again until told.
struct Wire {
    address: String,
    cut: Arc<AtomicBool>,
}

impl Wire {
    fn to(etcd: &Etcd, word: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("the listener has an address").to_string();
        let cut = Arc::new(AtomicBool::new(false));
        let (there, seen) = (etcd.endpoint.clone(), Arc::clone(&cut));
        // The thread ends with the test process.
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if seen.load(Ordering::SeqCst) {
                    continue;
                }
                let far = TcpStream::connect(&there).expect("etcd runs");
                let back =
                    (far.try_clone().expect("a second handle"), near.try_clone().expect("a second handle"));
                let seen = Arc::clone(&seen);
                thread::spawn(move || carry(back.0, back.1, |_| false));
                thread::spawn(move || {
                    let mut past = Vec::new();
                    carry(near, far, |bytes| {
                        past.extend_from_slice(bytes);
                        let found = past.windows(word.len()).any(|window| window == word.as_bytes());
                        seen.fetch_or(found, Ordering::SeqCst);
                        found
                    });
                });
            }
        });
        Self { address, cut }
    }
}

/// Carries bytes until one side ends or `stop` says so.
fn carry(mut from: TcpStream, mut to: TcpStream, mut stop: impl FnMut(&[u8]) -> bool) {
    let mut bytes = [0; 65536];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if stop(&bytes[..count]) || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    for end in [from, to] {
        let _ = end.shutdown(std::net::Shutdown::Both);
    }
}

#[test]
fn etcd_goes_away_between_two_transactions() {
    let etcd = Etcd::start();
    let case =
        Case::on(&etcd, Postgres::shared()).flags(["run", "load-images"]).set("etcd.namespace", "wire");
    let plan = case.flags(["plan"]);
    let told = plan.run();
    let keys: Vec<_> = told.events.iter().filter(|event| event["type"] == "plan").collect();
    let changes = keys[0]["stages"][0]["changes"].as_array().expect("changes").clone();
    assert!(changes.len() > 110, "two transactions are needed: {}", changes.len());
    let last = changes.last().and_then(|change| change["key"].as_str()).expect("a key").to_owned();

    let wire = Wire::to(&etcd, Box::leak(last.into_boxed_str()));
    let case =
        plan.flags(["run", "load-images"]).set("etcd.endpoints", format!("[{}]", wire.address)).unwatched();
    let told = case.run().expect("E-ETCD-LOST").names(&[
        &wire.address,
        "etcd confirmed 100 of 181 keys",
        "run again",
    ]);
    assert_eq!(told.status, 7);
    assert!(wire.cut.load(Ordering::SeqCst));
    assert_eq!(etcd.count("/sorna/wire/images/"), 100, "the first transaction is in, the second is not");
    let text = told.text().replace(&wire.address, "WIRE");

    let case = case.set("etcd.endpoints", format!("[{}]", etcd.endpoint));
    let told = case.run();
    assert_eq!(told.status, 0, "{:#?}", told.failures);
    assert_eq!(etcd.get_all("/sorna/wire/").len(), changes.len());
    insta::assert_snapshot!(text);
}

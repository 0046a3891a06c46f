//! A signal while the program waits for something: an orderly stop, and a summary.

use std::io::{Read, Write};
use std::net::TcpListener;

use rustix::process::Signal;

use super::{Case, Session, Told};
use crate::servers::{PATIENCE, Running, every_stage, wait_until};

/// A case whose etcd lets the program wait; the program has said its hello when this comes back.
fn waiting(case: &Case, listener: &TcpListener, more: &[&str]) -> Running {
    let running = case.start(more);
    let (mut connection, _) = listener.accept().expect("the program connects");
    connection.read_exact(&mut [0; 24]).expect("the program says hello");
    std::mem::forget(connection); // closed with the test process: until then the server stays silent
    running
}

fn silent_etcd() -> (Case<'static>, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("the listener has an address");
    (Case::new().set("etcd.endpoints", format!("[{address}]")), listener)
}

#[test]
fn signals_while_a_server_is_silent() {
    let signals =
        [(Signal::HUP, 129, "SIGHUP"), (Signal::INT, 130, "SIGINT"), (Signal::TERM, 143, "SIGTERM")];
    for (signal, status, name) in signals {
        for command in ["run", "check", "plan", "status", "mount verify"] {
            let (case, listener) = silent_etcd();
            let case = case.flags(command.split(' '));
            let running = waiting(&case, &listener, &["--output", "json"]);
            running.signal(signal);
            let outcome = running.wait();
            let told = Told::read(&outcome, Vec::new());
            assert_eq!(told.status, status, "{command}: {outcome:?}");
            told.expect("E-CANCELLED").names(&[name, "nothing was written"]);
        }
    }
    let (case, listener) = silent_etcd();
    let running = waiting(&case, &listener, &[]);
    running.signal(Signal::TERM);
    let outcome = running.wait();
    assert_eq!(outcome.status, 143);
    let text = case.redacted(&outcome.stderr);
    let closing = format!("failures changed=0 unchanged=0 failed=0 skipped={}", every_stage());
    assert!(text.ends_with(&closing), "{text}");
    assert!(text.contains("E-CANCELLED  Stopped by SIGTERM"), "{text}");
}

#[test]
fn a_signal_while_another_setup_holds_the_lock() {
    let case = Case::new().created("").flags(["run", "install-schema", "populate-fixtures"]);
    let name = &case.database.name;
    let other = Session::open(&case.database, name, "SELECT pg_advisory_lock(2225364)");
    let running = case.start(&["--output", "json"]);
    let waits = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' \
         AND application_name = 'backendai-setup' AND wait_event_type = 'Lock'"
    );
    wait_until("the program waits for the lock", PATIENCE, || {
        case.database.psql("postgres", &waits).expect("everybody may look") == "1\n"
    });
    running.signal(Signal::INT);
    let outcome = running.wait();
    let told = Told::read(&outcome, Vec::new()).expect("E-CANCELLED");
    assert_eq!(told.status, 130);
    assert_eq!(told.summary()["skipped"], 2);
    drop(other);
    let told = case.run();
    assert_eq!(told.status, 0, "{:#?}", told.failures);
    assert_eq!(told.summary()["changed"], 2);
}

/// SQL for a superuser: making table agents takes for ever.
const STALLS: &str = "CREATE FUNCTION stall() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.agents') \
    THEN PERFORM pg_sleep(600); END IF; END $$; \
    CREATE EVENT TRIGGER stall ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION stall()";

/// The first signal waits for the statement under way, the second one does not; a summary comes all the same.
#[test]
fn a_second_signal_leaves_at_once() {
    let case = Case::new().created("").sql("{name}", STALLS).flags(["run", "install-schema"]);
    let name = case.database.name.clone();
    let sleeps =
        format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND wait_event = 'PgSleep'");
    let mut running = case.start(&["--output", "json", "--timeout", "10m"]);
    wait_until("a statement stalls", PATIENCE, || {
        case.database.psql("postgres", &sleeps).expect("everybody may look") == "1\n"
    });
    // Two that come at once may be taken for one.
    wait_until("a second signal is heard", PATIENCE, || {
        running.signal(Signal::TERM);
        running.has_ended()
    });
    let outcome = running.wait();
    let told = Told::read(&outcome, Vec::new()).expect("E-CANCELLED").names(&["second signal", "`status`"]);
    assert_eq!(told.status, 143);
    assert_eq!(told.summary()["skipped"], 1);
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'";
    drop(case.sql("postgres", end));
}

/// Output that nobody takes holds nobody up who wants to leave: one signal is enough, whatever waits for the reader.
#[test]
fn a_full_pipe_holds_up_no_signal() {
    let tags: Vec<String> = (0..2000).map(|number| format!("['{number}', x]")).collect();
    let list =
        format!("images: [{{name: many, tags: [{}], slots: {{cpu: 1, mem: 1, gpu: 0}}}}]", tags.join(", "));
    // Somebody holds the pipe open and never reads.
    let script = r#"mkfifo full && sleep 600 <>full & until [ -p full ]; do :; done; trap 'kill $!' EXIT
        head -c 65536 /dev/zero >full; "$0" "$@" >full"#;
    let commands: [(&[&str], bool); 6] = [
        (&["plan", "--output", "json"], false),
        (&["plan"], false),
        (&["images", "--output", "json"], false),
        (&["images"], false),
        (&["explain"], true),
        (&["--help"], true),
    ];
    for (words, is_bare) in commands {
        let case = Case::new().file("images.yml", &list).file("aliases.yml", "aliases: []");
        let case = case.set("images.metadata", "images.yml").set("images.aliases", "aliases.yml");
        let case = case.under(["setsid", "-w", "sh", "-c", script]).flags(words.iter().copied());
        let case = if is_bare { case.bare() } else { case };
        let running = case.start(&[]);
        let mut found = None;
        wait_until("it writes into the full pipe", PATIENCE, || {
            found = own_child(running.pid()).filter(|pid| waits_for_a_pipe(*pid));
            found.is_some()
        });
        let pid = rustix::process::Pid::from_raw(found.expect("it was found")).expect("not 0");
        rustix::process::kill_process(pid, Signal::TERM).expect("it waits");
        let outcome = running.wait();
        assert_eq!(outcome.status, 143, "{words:?}: {outcome:?}");
        let is_said = outcome.stderr.contains("E-CANCELLED  Stopped by SIGTERM");
        assert!(is_said || words.contains(&"json"), "{words:?}: {outcome:?}");
    }
}

/// The record of a run has its summary, also where nobody reads what the run tells.
#[test]
fn a_run_that_nobody_reads_is_written_down() {
    let script = r#"mkfifo full && sleep 600 <>full & until [ -p full ]; do :; done; trap 'kill $!' EXIT
        head -c 65536 /dev/zero >full; "$0" "$@" >full"#;
    let case = Case::new().flags(["run", "--state-dir", "state", "--output", "json"]);
    let case = case.under(["setsid", "-w", "sh", "-c", script]);
    let running = case.start(&[]);
    let mut found = None;
    wait_until("it writes into the full pipe", PATIENCE, || {
        found = own_child(running.pid()).filter(|pid| waits_for_a_pipe(*pid));
        found.is_some()
    });
    let pid = rustix::process::Pid::from_raw(found.expect("it was found")).expect("not 0");
    rustix::process::kill_process(pid, Signal::INT).expect("it waits");
    assert_eq!(running.wait().status, 130);
    let kept = std::fs::read_dir(case.work().join("state")).expect("the state directory");
    let target = kept.flatten().find(|entry| entry.path().is_dir()).expect("a target");
    let transcript = std::fs::read_dir(target.path().join("transcripts"))
        .expect("the folder")
        .flatten()
        .next()
        .expect("a transcript");
    let text = std::fs::read_to_string(transcript.path()).expect("it is ours");
    assert!(text.contains("E-CANCELLED  Stopped by SIGINT"), "{text}");
    let closing = format!("changed=0 unchanged=0 failed=0 skipped={}", every_stage());
    assert!(text.trim_end().ends_with(&closing), "{text}");
}

/// A server that takes the connection, perhaps says that it has no TLS, and then nothing more.
#[test]
fn a_signal_while_a_sign_in_hangs() {
    for answers in [false, true] {
        for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let address = listener.local_addr().expect("it has one").to_string();
            let case = Case::new().set("database.address", address).unwatched().flags(["check", "database"]);
            let running = case.start(&["--output", "json", "--timeout", "10m"]);
            let (mut connection, _) = listener.accept().expect("the program connects");
            connection.read_exact(&mut [0; 8]).expect("it asks for TLS");
            if answers {
                connection.write_all(b"N").expect("it reads");
                connection.read_exact(&mut [0; 8]).expect("it signs in");
            }
            running.signal(signal);
            let outcome = running.wait();
            let told = Told::read(&outcome, Vec::new()).expect("E-CANCELLED");
            assert_eq!((told.status, &told.summary()["status"]), (status, &status.into()), "{outcome:?}");
        }
    }
}

/// The program below the shell below `setsid` below `env`.
fn own_child(parent: u32) -> Option<i32> {
    let mut pid = i32::try_from(parent).ok()?;
    loop {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        pid = children.split_whitespace().next_back()?.parse().ok()?;
        let command = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        if command.starts_with("backendai-setup") {
            return Some(pid);
        }
    }
}

/// Whichever of its threads writes.
fn waits_for_a_pipe(pid: i32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut waits = threads.map(|thread| std::fs::read_to_string(thread.path().join("wchan")));
    waits.any(|wchan| wchan.is_ok_and(|it| it.contains("pipe_w")))
}

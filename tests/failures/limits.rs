//! A system that gives the program little: a message and status 1, no panic and no hang.

use std::fs;
use std::net::TcpListener;

use rustix::process::Signal;

use super::{Case, as_nobody_by, row, together};
use crate::servers::Program;

#[test]
fn too_few_threads_and_descriptors() {
    let told = together(vec![
        row("no thread beside the first", || {
            as_nobody_by(Case::new(), &["prlimit", "--nproc=1"])
                .fails(1, "E-LIMITS")
                .names(&["threads", "`ulimit -u`"])
        }),
        row("six descriptors", || {
            Case::new()
                .under(["prlimit", "--nofile=6"])
                .fails(1, "E-LIMITS")
                .names(&["open", "`ulimit -n 1024`"])
        }),
    ]);
    insta::assert_snapshot!(told);
    // However few there are, and whatever a command needs them for.
    for count in 4..40 {
        let limit = format!("--nofile={count}");
        let told = Program::new().under(["prlimit", &limit]).args(["images"]).run();
        let (limited, all_well) = (told.stderr.contains("E-LIMITS"), told.stdout.contains("python"));
        assert!(limited != all_well && told.status == i32::from(limited), "{count}: {told:?}");
    }
}

/// Names of the environment that libraries read before anybody has looked at them.
#[test]
fn names_that_make_libraries_panic() {
    use std::os::unix::ffi::OsStringExt;
    let odd = || std::ffi::OsString::from_vec(b"/\xff".to_vec());
    for (name, value) in [
        ("TOKIO_WORKER_THREADS", "0".into()),
        ("TOKIO_WORKER_THREADS", "many".into()),
        ("TOKIO_WORKER_THREADS", "100000".into()),
        ("RUST_MIN_STACK", "1".into()),
        ("COLUMNS", "0".into()),
        ("TZ", "No/Where".into()),
        ("LC_ALL", odd()),
        ("HOME", odd()),
        ("TMPDIR", odd()),
        ("PGPORT", "no".into()),
        ("PGUSER", odd()),
        ("PGSSLMODE", "no".into()),
        ("BACKENDAI_SETUP_STATE_DIR", odd()),
    ] {
        let case = Case::new().program(|program| program.env(name, value)).flags(["check", "database"]);
        let told = case.outcome(&[]);
        assert_eq!(told.status, 0, "{name}: {told:?}");
        let secret =
            Case::new().set("database.password", "{command: [echo, wrong]}").flags(["check", "database"]);
        let told = secret.env("RUST_MIN_STACK", "1").outcome(&[]);
        assert_eq!(told.status, 6, "{name}: {told:?}");
    }
    for words in [&["--answers"][..], &["--set"], &[]] {
        let words = words.iter().map(|word| (*word).into()).chain([odd()]);
        let told = Program::new().args(words).run();
        assert_eq!(told.status, 2, "{told:?}");
        assert!(told.stderr.contains("E-USAGE"), "{told:?}");
    }
}

/// A file that may not grow is a failure with a name, not a signal that ends the program.
#[test]
fn files_that_may_not_grow() {
    let case = Case::new().unwatched().under(["prlimit", "--fsize=0"]).flags(["run", "--yes"]);
    let told = case.outcome(&[]);
    assert!(told.status < 100 && told.status > 0, "{told:?}");
    assert!(told.stderr.contains("File too large"), "{told:?}");
}

/// A core file would hold the passwords.
#[test]
fn no_core_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("the listener has an address");
    let case = Case::new().set("etcd.endpoints", format!("[{address}]"));
    let script = r#"ulimit -S -c "$(ulimit -H -c)"; exec "$@""#;
    let running = case.under(["sh", "-c", script, "sh"]).start(&["check"]);
    let connection = listener.accept().expect("the program connects");
    let core = |pid: &str| {
        let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("the process runs");
        let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).expect("a limit");
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        (words[0].clone(), words[1].clone())
    };
    // What we may allow ourselves it may allow the programs that it starts.
    assert_eq!(core(&running.pid().to_string()), ("0".to_owned(), core("self").1));
    running.signal(Signal::TERM);
    assert_eq!(running.wait().status, 143);
    drop(connection);
}

//! After leaving, however that comes about, the terminal is as it was, and the answers are kept.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use super::Stand;
use crate::servers::{PATIENCE, Program, wait_until};
use crate::tui::{Pty, Tmux};

fn opened() -> (Program, Pty) {
    let program = Program::new();
    let pty = Pty::start(80, 24, &program, &[], &[]);
    pty.wait_for_raw();
    pty.wait_for("Prepare etcd and PostgreSQL");
    (program, pty)
}

/// The page of etcd; then something is typed.
fn typed(pty: &mut Pty, text: &str) {
    pty.write(b"\x1b[F\x1b[A\x1b[A\r");
    pty.wait_for("Namespace");
    pty.write(text.as_bytes());
    shown(pty, text);
}

/// Waits for text without blanks: only what differs is drawn, letter by letter, between movements of the
/// cursor.
fn shown(pty: &Pty, text: &str) {
    wait_until(text, PATIENCE, || letters(pty).contains(text));
}

/// Everything that was drawn so far, without blanks.
pub fn letters(pty: &Pty) -> String {
    let output = String::from_utf8_lossy(&pty.output()).into_owned();
    anstream::adapter::strip_str(&output).to_string().replace(char::is_whitespace, "")
}

fn draft(program: &Program) -> String {
    let path = program.home().join(".local/state/backendai-setup/draft.json");
    fs::read_to_string(path).expect("the draft is there")
}

#[test]
fn leaving_gives_the_terminal_back() {
    let (_program, mut pty) = opened();
    assert_ne!(pty.settings(), pty.settings_before());
    pty.write(b"q");
    pty.wait_for("Leave?");
    pty.write(b"\x1b[B\r");
    let left = pty.wait();
    assert_eq!(left.status, 0);
    left.is_as_before();
}

#[test]
fn signals_give_the_terminal_back_and_keep_the_answers() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let (program, mut pty) = opened();
        typed(&mut pty, "zebra");
        pty.signal(signal);
        let left = pty.wait();
        assert_eq!(left.status, status);
        left.is_as_before();
        assert!(draft(&program).contains("zebra"), "{signal:?}");
    }
}

#[test]
fn a_lost_connection_loses_no_answers() {
    // Several times: it may be lost at any moment, also while the program looks for the next key.
    let mut last = None;
    for _ in 0..8 {
        let (program, mut pty) = opened();
        typed(&mut pty, "zebra");
        assert_eq!(pty.hang_up(), 129);
        assert!(draft(&program).contains("zebra"));
        last = Some(program);
    }
    let program = last.expect("at least one");
    let again = Pty::start(80, 24, &program, &[], &[]);
    shown(&again, "unfinishedanswers");
}

#[test]
fn a_panic_gives_the_terminal_back() {
    // The test program itself as the child: it takes the screen as the wizard does, and panics.
    if std::env::var_os("WIZARD_PANICS").is_some() {
        let _guard = backendai_setup::frontend::tui::Guard::new().expect("a terminal");
        panic!("a fault that nobody foresaw");
    }
    let program = Program::named(std::env::current_exe().expect("this test program"));
    let arguments = [
        "--exact",
        "tui::wizard::terminal::a_panic_gives_the_terminal_back",
        "--nocapture",
        "--test-threads=1",
    ];
    let pty = Pty::start(80, 24, &program, &arguments, &[("WIZARD_PANICS", "1"), ("RUST_BACKTRACE", "0")]);
    let left = pty.wait();
    assert_ne!(left.status, 0);
    let text = left.text();
    let (entered, told) = (text.find("\u{1b}[?1049h"), text.find("a fault that nobody foresaw"));
    let gone = text.find("\u{1b}[?1049l");
    assert!(entered < gone && gone < told, "it is told on the ordinary screen:\n{text}");
    left.is_as_before();
}

#[test]
fn suspended_and_called_back() {
    let program = Program::new();
    let tmux = Tmux::shell(80, 24, &program);
    tmux.text("stty -g > before; $PROGRAM");
    tmux.keys(&["Enter"]);
    tmux.wait_for("Servers you name");
    for from_outside in [false, true] {
        if from_outside {
            let pid = child_of(tmux.pane());
            rustix::process::kill_process(pid, Signal::TSTP).expect("the wizard runs");
        } else {
            tmux.keys(&["C-z"]);
        }
        tmux.wait_for("Stopped");
        assert!(!tmux.is_alternate(), "the ordinary screen is back");
        tmux.text("stty -g > now; cmp before now && echo the same");
        tmux.keys(&["Enter"]);
        tmux.wait_until("the settings are as before", |screen| screen.lines().any(|line| line == "the same"));
        tmux.text("clear; fg");
        tmux.keys(&["Enter"]);
        tmux.wait_for("Servers you name");
        assert!(tmux.is_alternate());
        // It takes keys as before.
        tmux.keys(&["End"]);
        tmux.wait_for("> From an answers file");
        tmux.keys(&["Home"]);
        tmux.wait_for("> Servers you name");
    }
}

/// The only child of a shell.
fn child_of(shell: i32) -> rustix::process::Pid {
    let path = format!("/proc/{shell}/task/{shell}/children");
    let children = fs::read_to_string(path).expect("the kernel tells");
    let pid = children.split_whitespace().next().expect("a child").parse().expect("a number");
    rustix::process::Pid::from_raw(pid).expect("a process id is not 0")
}

#[test]
fn a_stop_in_the_middle_of_a_run_is_orderly() {
    let stand = Stand::new();
    let name = stand.database.name.clone();
    stand.database.psql("postgres", &format!("CREATE DATABASE {name}")).expect("the role may create it");
    // Somebody holds the lock of the schema, so the run waits there.
    let mut holder = std::process::Command::new("psql");
    let url = format!(
        "host={} port={} user={} dbname={name}",
        stand.database.host, stand.database.port, stand.database.user
    );
    let mut holder = holder
        .args([&url, "-qAt", "-c", "SELECT pg_advisory_lock(2225364)", "-c", "SELECT pg_sleep(600)"])
        .env("PGPASSWORD", &stand.database.password)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("psql starts");
    // Of this database: other tests have locks of their own.
    let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted \
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    wait_until("the lock is held", PATIENCE, || {
        stand.database.psql(&name, held).is_ok_and(|count| count.trim() != "0")
    });
    let tmux = stand.review(80, 24, "directory");
    tmux.wait_for("w writes all this");
    tmux.keys(&["w"]);
    tmux.wait_for("… Schema");
    // What runs beside it has ended.
    for stage in ["Image list", "Aliases", "Shared folder", "Config files"] {
        tmux.wait_for(&format!("✓ {stage}"));
    }
    // The last thing that it tells before it waits.
    tmux.wait_for("connected to");
    tmux.keys(&["C-z"]);
    tmux.wait_for("Not suspended: stages are running");
    tmux.keys(&["C-c"]);
    tmux.wait_for("> Try again");
    stand.capture("stopped-1-run", &tmux);
    tmux.keys(&["C-c"]);
    tmux.wait_for("> Stay");
    tmux.keys(&["C-c"]);
    let status = tmux.exit_status();
    assert!(matches!(status, 7 | 130), "{status}");
    let _ = holder.kill();
    let _ = holder.wait();
    let tables = stand.database.psql(&name, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'");
    assert_eq!(tables.expect("the database is there"), "0\n");
}

#[test]
fn nothing_that_was_typed_in_secret_is_found_anywhere() {
    let stand = Stand::new();
    let tmux = stand.review(80, 24, "directory");
    tmux.wait_for("w writes all this");
    tmux.keys(&["w"]);
    tmux.wait_for("Prepared:");
    tmux.keys(&["q"]);
    tmux.wait_for("> Stay");
    tmux.keys(&["Down", "Enter"]);
    assert_eq!(tmux.exit_status(), 0);
    assert!(!tmux.screen().contains(&stand.database.password));
    let mut looked = 0;
    let mut folders = vec![stand.program.home(), stand.program.work().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("our folder").flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            if path.is_dir() {
                folders.push(path);
            } else if !["alembic.ini", "manager.env"].contains(&name.to_string_lossy().as_ref())
                && path != stand.program.work().join("answers.yml")
            {
                looked += 1;
                let text = String::from_utf8_lossy(&fs::read(&path).expect("our file")).into_owned();
                let word = stand.database.password.split(':').next().expect("a word");
                assert!(!text.contains(word), "{}", path.display());
            }
        }
    }
    assert!(looked >= 4, "transcript, history, answers and keypairs were looked at: {looked}");
}

/// The pager, and the editor by the same way, gets no environment name that a secret was taken from.
#[test]
fn programs_that_are_started_get_no_secret() {
    let mut stand = Stand::new();
    let pager = stand.program.folder().join("pager");
    fs::write(&pager, "#!/bin/sh\nenv > \"$0.env\"\n").expect("a script");
    fs::set_permissions(&pager, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let password = stand.database.password.clone();
    stand.program = stand.program.env("PAGER", &pager).env("KEPT", "kept");
    stand.program = stand.program.env("DB_PASSWORD", &password).env("PGPASSWORD", "canary-pg");
    let path = stand.answers("directory");
    let text = fs::read_to_string(&path).expect("the answers");
    fs::write(&path, text.replace(&format!("'{password}'"), "{env: DB_PASSWORD}")).expect("they are ours");
    let tmux = stand.wizard(80, 24, &["--answers", "answers.yml", "--review"]);
    tmux.wait_for("w writes all this");
    tmux.keys(&["w"]);
    tmux.wait_for("Prepared:");
    tmux.keys(&["t"]);
    let seen = pager.with_extension("env");
    wait_until("the pager was started", PATIENCE, || {
        fs::read_to_string(&seen).is_ok_and(|it| it.contains("KEPT"))
    });
    let seen = fs::read_to_string(&seen).expect("the pager's environment");
    for secret in [password.as_str(), "canary-pg", "DB_PASSWORD", "PGPASSWORD"] {
        assert!(!seen.contains(secret), "{secret} in\n{seen}");
    }
}

#[test]
fn an_error_is_told_after_the_screen_is_given_back() {
    let stand = Stand::new();
    stand.answers("directory");
    let arguments = ["--answers", "answers.yml", "--review", "--state-dir", "/dev/null/kept"];
    let mut pty = Pty::start(80, 24, &stand.program, &arguments, &[]);
    shown(&pty, "117keys");
    pty.write(b"w");
    shown(&pty, "E-STATE-DIR");
    pty.write(b"q");
    shown(&pty, "Leave?");
    pty.write(b"\x1b[B\r");
    let left = pty.wait();
    assert_eq!(left.status, 3);
    left.is_as_before();
    let text = left.text();
    let after = text.rsplit("\u{1b}[?1049l").next().expect("what came after the screen");
    assert!(after.contains("E-STATE-DIR") && after.contains("--state-dir"), "{after}");
    assert!(stand.etcd.get_all("").is_empty(), "nothing was written");
}

/// The file that a round has saved opens again without the environment that gave its secret: the review leads
/// to the one answer that is missing, and its page tells why.
#[test]
fn a_saved_file_whose_secret_is_nowhere() {
    let stand = Stand::new();
    stand.answers_without_a_source();
    let tmux = stand.wizard(120, 40, &["--answers", "answers.yml", "--review"]);
    tmux.wait_for("answers are missing or refused; Enter leads there");
    tmux.keys(&["Enter"]);
    tmux.wait_for("Keeps users, keypairs");
    tmux.wait_for("its source gave none");
    tmux.text(&stand.database.password);
    tmux.keys(&["Tab"]);
    tmux.wait_gone("its source gave none");
    tmux.keys(&["Escape"]);
    tmux.wait_for("w writes all this");
    assert!(!tmux.screen().contains(&stand.database.password), "{}", tmux.screen());
}

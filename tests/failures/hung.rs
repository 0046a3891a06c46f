//! A file system that answers nothing: every access has a limit, and a signal ends the program at once.

use std::fs;
use std::path::Path;

use rustix::process::Signal;

use super::{Case, Told, row, together};
use crate::servers::{Fuse, PATIENCE, Running, wait_until};
use crate::tui::Pty;

/// A case with such a file system at this folder of its own.
fn hanging(fuse: Fuse, case: Case<'static>, folder: &str) -> Case<'static> {
    let folder = case.work().join(folder);
    fs::create_dir_all(&folder).expect("the folder is ours");
    case.under(fuse.hung(&folder))
}

/// Every way by which a command may come to a file, each with the answer or the flag that leads there.
fn doors(fuse: Fuse) -> Vec<(&'static str, Case<'static>)> {
    let set = |key, value| hanging(fuse, Case::new().set(key, value), "hung");
    let mut doors = vec![
        (
            "an image list",
            set("images.metadata", "hung/images.yml").set("images.aliases", "hung/aliases.yml"),
        ),
        ("the configuration of alembic", set("files.alembic-ini", "hung/alembic.ini")),
        ("the environment file", set("files.environment", "hung/manager.env")),
        ("the credentials", set("files.credentials", "hung/keypairs.yml")),
        ("a secret", set("database.password", "{file: hung/password}")),
    ];
    doors.push(("the answers", hanging(fuse, Case::new(), "hung")));
    doors
}

fn words(command: &str, door: &str) -> Vec<String> {
    let mut words: Vec<String> = command.split(' ').map(str::to_owned).collect();
    if door == "the answers" {
        words.extend(["--answers", "hung/answers.yml"].map(str::to_owned));
    }
    words
}

/// A command of saved plans whose path hangs.
fn saved(fuse: Fuse, flags: &[&str]) -> Told {
    let case = hanging(fuse, Case::new(), "hung").flags(flags.iter().copied());
    case.also("--timeout").also("2s").fails(5, "E-FILE-HUNG").names(&["hung"])
}

#[test]
fn every_command_tells_which_path_hangs() {
    let Some(fuse) = Fuse::needed() else { return };
    let mut rows = Vec::new();
    for (door, _) in doors(fuse) {
        rows.push(row(door, move || {
            let mut told = Vec::new();
            for command in ["check", "plan", "status", "run"] {
                let case = doors(fuse).into_iter().find(|(name, _)| *name == door).expect("it is there").1;
                let case = case.flags(words(command, door)).also("--timeout").also("2s").unwatched();
                told.push(case.fails(5, "E-FILE-HUNG").names(&["/hung", "2 s", "fuse"]));
            }
            told.swap_remove(0)
        }));
    }
    rows.extend([
        row("the rows of the keypairs", || {
            let case = hanging(fuse, Case::new(), "hung").flags([
                "run",
                "--fixture",
                "hung/rows.yml",
                "--timeout",
                "2s",
            ]);
            case.fails(5, "E-FILE-HUNG").names(&["hung/rows.yml"])
        }),
        row("the log file", || {
            let case = hanging(fuse, Case::new(), "hung").flags([
                "check",
                "--log-file",
                "hung/log",
                "--timeout",
                "2s",
            ]);
            case.fails(5, "E-FILE-HUNG").names(&["hung/log"])
        }),
        row("the state directory", || {
            let case = hanging(fuse, Case::new(), "hung").flags([
                "run",
                "--state-dir",
                "hung/state",
                "--timeout",
                "2s",
            ]);
            case.fails(5, "E-FILE-HUNG").names(&["hung/state"])
        }),
        row("a saved plan", || saved(fuse, &["apply", "hung/plan.json"]).names(&["hung/plan.json"])),
        row("where a plan is saved", || saved(fuse, &["plan", "--out", "hung/plan.json"])),
        row("the key of saved plans", || {
            saved(fuse, &["plan", "--out", "plan.json", "--state-dir", "hung/state"])
                .names(&["hung/state/fingerprint-key"])
        }),
        row("the folder beside alembic.ini", || {
            let case = hanging(fuse, Case::new(), "alembic").flags(["check", "files", "--timeout", "2s"]);
            case.fails(5, "E-FILE-HUNG").names(&["/alembic`"])
        }),
        row("a program that gives out a secret", || {
            let case = Case::new().set("database.password", "{command: [hung/secret]}");
            let case = hanging(fuse, case, "hung").flags(["check", "database", "--timeout", "2s"]);
            case.fails(3, "E-ANSWERS-SECRET").names(&["hung/secret", "2 s"])
        }),
    ]);
    insta::assert_snapshot!(together(rows));
}

/// A thread of the program waits for the disk.
fn waits_for_the_disk(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let reads = |path: &Path, name: &str| fs::read_to_string(path.join(name)).unwrap_or_default();
    threads.map(|thread| thread.path()).any(|thread| {
        reads(&thread, "comm").trim() == "disk"
            && (reads(&thread, "wchan").contains("fuse") || reads(&thread, "syscall").starts_with("-1"))
            || reads(&thread, "comm").trim() == "disk" && reads(&thread, "status").contains("disk sleep")
    })
}

fn until_it_hangs(pid: u32) {
    wait_until("the disk is asked", PATIENCE, || waits_for_the_disk(pid));
}

const SIGNALS: [(Signal, i32); 3] = [(Signal::HUP, 129), (Signal::INT, 130), (Signal::TERM, 143)];

#[test]
fn a_signal_ends_what_waits_for_a_disk() {
    let Some(fuse) = Fuse::needed() else { return };
    // One command at each door, one after the other.
    signalled(fuse, |door, command| door % 4 == command);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn a_signal_ends_what_waits_for_a_disk_at_length() {
    let Some(fuse) = Fuse::needed() else { return };
    signalled(fuse, |_, _| true);
}

fn signalled(fuse: Fuse, is_tried: impl Fn(usize, usize) -> bool) {
    for (number, (door, _)) in doors(fuse).into_iter().enumerate() {
        for (at, command) in ["check", "plan", "status", "run"].into_iter().enumerate() {
            if !is_tried(number, at) {
                continue;
            }
            let case = doors(fuse).swap_remove(number).1;
            let (signal, status) = SIGNALS[(number + at) % SIGNALS.len()];
            let case = case.flags(words(command, door)).also("--timeout").also("10m");
            let running: Running = case.start(&["--output", "json"]);
            until_it_hangs(running.pid());
            running.signal(signal);
            let outcome = running.wait();
            let told = Told::read(&outcome, Vec::new()).expect("E-CANCELLED");
            assert_eq!(told.status, status, "{door}, {command}: {outcome:?}");
        }
    }
    for flag in ["--log-file", "--state-dir"] {
        let case = hanging(fuse, Case::new(), "hung").flags(["run", flag, "hung/x", "--timeout", "10m"]);
        let running = case.start(&["--output", "json"]);
        until_it_hangs(running.pid());
        running.signal(Signal::TERM);
        let outcome = running.wait();
        let told = Told::read(&outcome, Vec::new()).expect("E-CANCELLED").names(&["nothing was written"]);
        assert_eq!(told.status, 143, "{flag}: {outcome:?}");
    }
    let case = hanging(fuse, Case::new(), "hung");
    let program = case.started();
    let running = program.start_with(&["images", "--copy-samples", "hung"].map(str::to_owned));
    until_it_hangs(running.pid());
    running.signal(Signal::INT);
    assert_eq!(running.wait().status, 130, "before there is any run");
}

/// Both wizards, at their start and in their midst.
fn wizards(fuse: Fuse) -> Vec<(&'static str, Case<'static>, Vec<&'static str>)> {
    let mut wizards = Vec::new();
    for plain in [false, true] {
        let mut add = |what, case: Case<'static>, flags: &[&'static str]| {
            let face: &[&str] = if plain { &["--plain"] } else { &[] };
            case.save();
            wizards.push((what, case, [face, &["--timeout", "10m"], flags].concat()));
        };
        add("answers", hanging(fuse, Case::new(), "hung"), &["--answers", "hung/answers.yml", "--review"]);
        add("draft", hanging(fuse, Case::new(), "hung"), &["--state-dir", "hung/state"]);
        let case = Case::new().set("files.alembic-ini", "hung/alembic.ini");
        add("check", hanging(fuse, case, "hung"), &["--answers", "answers.yml", "--review"]);
        let case = Case::new().set("images.metadata", "hung/list.yml").set("images.aliases", "none.yml");
        add("list", hanging(fuse, case, "hung"), &["--answers", "answers.yml", "--review"]);
    }
    wizards
}

#[test]
fn a_wizard_whose_disk_hangs_ends_with_its_terminal() {
    let Some(fuse) = Fuse::needed() else { return };
    for (what, case, arguments) in wizards(fuse) {
        let pty = Pty::start(100, 40, case.started(), &arguments, &[("NO_COLOR", "1")]);
        until_it_hangs(pty.pid());
        assert_eq!(pty.hang_up(), 129, "{what} {arguments:?}");
    }
}

/// Without SIGHUP, which `nohup` switches off, it is seen that the terminal is gone.
#[test]
fn a_lost_terminal_ends_a_screen_whose_disk_hangs() {
    let Some(fuse) = Fuse::needed() else { return };
    for (what, case, arguments) in wizards(fuse).into_iter().filter(|(.., words)| !words.contains(&"--plain"))
    {
        let deaf = ["env", "--ignore-signal=HUP"].map(str::to_owned).into_iter();
        let hung = fuse.hung(&case.work().join("hung"));
        let case = case.under(deaf.chain(hung));
        let pty = Pty::start(100, 40, case.started(), &arguments, &[("NO_COLOR", "1")]);
        until_it_hangs(pty.pid());
        assert_eq!(pty.hang_up(), 129, "{what} {arguments:?}");
    }
}

#[test]
fn a_wizard_whose_disk_hangs_ends_by_a_signal() {
    let Some(fuse) = Fuse::needed() else { return };
    for (number, (what, case, arguments)) in wizards(fuse).into_iter().enumerate() {
        let (signal, status) = SIGNALS[number % SIGNALS.len()];
        let pty = Pty::start(100, 40, case.started(), &arguments, &[("NO_COLOR", "1")]);
        until_it_hangs(pty.pid());
        pty.signal(signal);
        let left = pty.wait();
        assert_eq!(left.status, status, "{what} {arguments:?}\n{}", left.text());
        left.is_as_before();
    }
}

/// Answers that cannot be kept do not keep anybody.
#[test]
fn a_draft_that_cannot_be_kept_holds_nobody() {
    let Some(fuse) = Fuse::needed() else { return };
    let case = hanging(fuse, Case::new(), "hung");
    let arguments = ["--state-dir", "hung/state", "--timeout", "1s"];
    let mut pty = Pty::start(100, 40, case.started(), &arguments, &[]);
    pty.wait_for("Prepare etcd and PostgreSQL");
    pty.write(b"\x1b[F\x1b[A\x1b[A\r");
    pty.wait_for("Namespace");
    pty.write(b"zebra");
    pty.signal(Signal::TERM);
    let left = pty.wait();
    assert_eq!(left.status, 143);
    left.is_as_before();
}

//! The one question of the headless face: a signal there leaves nothing behind.

use rustix::process::Signal;

use super::{Left, Pty};
use crate::failures::quiet_etcd;
use crate::servers::Program;

/// `run` without answers file and without `--yes`, up to its question.
fn at_the_question(program: &Program) -> Pty {
    let mount = program.folder().join("mount");
    std::fs::create_dir_all(&mount).expect("a folder");
    let settings = [
        format!("etcd.endpoints={}", quiet_etcd().endpoint),
        "etcd.namespace=question".to_owned(),
        format!("storage.mount={}", mount.display()),
        "storage.expect=directory".to_owned(),
    ];
    let mut arguments = vec!["run", "set-mount"];
    for setting in &settings {
        arguments.extend(["--set", setting]);
    }
    let pty = Pty::start(80, 24, program, &arguments, &[]);
    pty.wait_for("Write this?");
    pty.wait_for_raw();
    pty
}

fn answered(answer: impl FnOnce(&mut Pty)) -> Left {
    let program = Program::new();
    let before = quiet_etcd().revision();
    let mut pty = at_the_question(&program);
    answer(&mut pty);
    let left = pty.wait();
    left.is_as_before();
    assert!(left.text().contains("Nothing was written."), "{}", left.text());
    assert_eq!(quiet_etcd().revision(), before, "etcd was written to");
    left
}

#[test]
fn a_signal_at_the_question() {
    for (signal, status) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let left = answered(|pty| pty.signal(signal));
        assert_eq!(left.status, status, "{}", left.text());
        assert!(left.text().ends_with("Nothing was written.\r\n"), "{:?}", left.text());
    }
}

#[test]
fn keys_at_the_question() {
    for (keys, status) in [(&b"\x03"[..], 130), (b"\x1b", 0), (b"n\r", 0), (b"\r", 0)] {
        let left = answered(|pty| pty.write(keys));
        assert_eq!(left.status, status, "{keys:?}: {}", left.text());
    }
}

#[test]
fn a_connection_lost_at_the_question() {
    let program = Program::new();
    let before = quiet_etcd().revision();
    let status = at_the_question(&program).hang_up();
    assert_eq!(status, 129);
    assert_eq!(quiet_etcd().revision(), before, "etcd was written to");
}

#[test]
fn a_signal_at_the_question_of_reset() {
    let program = Program::new();
    let stack = program.folder().join("stack");
    let marker = stack.join(".backendai-setup-dev");
    std::fs::create_dir(&stack).expect("a folder");
    std::fs::write(&marker, "").expect("the folder is ours");
    let folder = stack.to_str().expect("UTF-8");
    for (signal, status) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let pty = Pty::start(80, 24, &program, &["dev", "reset", "--dir", folder], &[]);
        pty.wait_for("(y/N)");
        pty.wait_for_raw();
        pty.signal(signal);
        let left = pty.wait();
        assert_eq!(left.status, status, "{}", left.text());
        left.is_as_before();
        assert!(marker.exists(), "something was removed");
    }
}

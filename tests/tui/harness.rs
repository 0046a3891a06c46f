//! The tools themselves, proven on programs that every machine has.

use std::process::Command;

use rustix::process::Signal;

use super::{Pty, Tmux, capture, pictures};
use crate::servers::{PATIENCE, Program, wait_until};

/// A little full-screen program: it says its size, switches everything on, and leaves on `q`.
const FACE: &str = r#"
stty -echo -icanon
printf '\033[?1049h\033[?2004h\033[?1006h\033]2;a title\007\033[2J\033[H'
printf ' \033[1mface\033[0m  %s            me@here\n' "$FACE"
printf '\033[36m──┬──\033[0m \033[7m> chosen     \033[0m\n\033[36m  │\033[0m   \033[2mdim\033[0m   \033[32m✓\033[0m 名前 done  0.4 ms\n'
printf '\033[36m──┴──\033[0m \033[31m✗\033[0m failed   \033[33m!\033[0m ███▌░░░\n'
typed=
while IFS= read -r -n 1 key && [ "$key" != q ]; do
    typed=$typed$(printf %s "$key" | tr '\033' '^')
    printf '\033[6;1Htyped %s at %s\n' "$typed" "$(stty size)"
done
[ -n "$RUDE" ] && exit 7
stty echo icanon
printf '\033[?1006l\033[?2004l\033[?1049l'
echo left
exit 3
"#;

fn face() -> Program {
    Program::named("bash").args(["-c", FACE])
}

#[test]
fn tmux_types_and_reads() {
    let program = face();
    let tmux = Tmux::start(60, 12, &program, &[], &[("FACE", "here")]);
    tmux.wait_for("failed");
    assert!(tmux.is_alternate());
    assert_eq!((tmux.title().as_str(), tmux.cursor(), tmux.sent()), ("a title", Some((0, 4)), 0));
    assert!(tmux.coloured().contains("\x1b[36m──┬──"), "{}", tmux.coloured());
    capture("harness", &tmux, &[]);
    tmux.keys(&["a", "Up"]);
    tmux.text("b;");
    tmux.paste("-c");
    tmux.wait_for("typed a^[Ab;^[200~-c^[201~ at 12 60");
    assert_eq!(tmux.sent(), 5);
    tmux.resize(40, 10);
    tmux.keys(&["d"]);
    tmux.wait_for("10 40");
    assert_eq!(tmux.size(), (40, 10));
    tmux.keys(&["q"]);
    assert_eq!(tmux.exit_status(), 3);
    assert!(!tmux.is_alternate());
    assert_eq!(tmux.screen(), "left");
}

#[test]
fn tmux_has_clean_surroundings() {
    let program = Program::named("env");
    let tmux = Tmux::start(200, 24, &program, &[], &[("LANG", "C")]);
    assert_eq!(tmux.exit_status(), 0);
    let names = tmux.screen();
    let mut names: Vec<&str> = names.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LANG", "PATH", "TERM"]);
    let program = Program::named("sh");
    let tmux = Tmux::start(80, 24, &program, &["-c", "kill -KILL $$"], &[]);
    assert_eq!(tmux.exit_status(), 137);
    let program = Program::named("printf");
    let tmux = Tmux::start(80, 24, &program, &[r"\033]52;c;aGVsbG8=\007"], &[]);
    tmux.exit_status();
    assert_eq!(tmux.clipboard(), "hello");
}

#[test]
fn tmux_has_a_shell_for_suspending() {
    let program = Program::named("cat");
    let tmux = Tmux::shell(60, 12, &program);
    assert_eq!(tmux.clipboard(), "");
    tmux.text("$PROGRAM; echo \"back: $?\"");
    tmux.keys(&["Enter"]);
    tmux.wait_until("cat has the terminal", |_| tmux.runs("cat"));
    tmux.keys(&["x", "Enter"]);
    let twice = |text: &'static str| {
        tmux.wait_until("cat repeats it", |screen| screen.lines().filter(|line| *line == text).count() == 2);
    };
    twice("x");
    tmux.keys(&["C-z"]);
    tmux.wait_for("back: 148");
    tmux.text("fg");
    tmux.keys(&["Enter"]);
    tmux.wait_until("cat goes on", |_| tmux.runs("cat"));
    tmux.keys(&["y", "Enter"]);
    twice("y");
    tmux.keys(&["C-d"]);
    tmux.wait_until("the shell is back", |screen| screen.ends_with("\n$"));
    tmux.text("exit 5");
    tmux.keys(&["Enter"]);
    assert_eq!(tmux.exit_status(), 5);
}

#[test]
fn pictures_have_what_the_screen_has() {
    let program = face();
    let tmux = Tmux::start(60, 8, &program, &[], &[("FACE", "here")]);
    tmux.wait_for("failed");
    let svg = pictures::drawn(&tmux, &[("here  ", "<&>  ")]);
    for part in [
        ">face</text>",
        "&lt;&amp;&gt;",
        "root@gpu-01",
        r##"fill="#d4d7dd" shape"##,
        "名",
        r#"opacity="0.6""#,
    ] {
        assert!(svg.contains(part), "{part}\n{svg}");
    }
    if let Some(file) = std::env::var_os("PICTURE_OF_THE_HARNESS") {
        std::fs::write(file, &svg).expect("the file can be written");
    }
    assert_eq!(svg, pictures::drawn(&tmux, &[("here  ", "<&>  ")]));
}

#[test]
fn a_pty_tells_what_is_left() {
    let program = face();
    let mut polite = Pty::start(60, 12, &program, &[], &[("FACE", "here")]);
    polite.wait_for("failed");
    polite.wait_for_raw();
    polite.resize(61, 13);
    polite.write(b"x");
    polite.wait_for("typed x at 13 61");
    polite.write(b"q");
    let left = polite.wait();
    assert_eq!(left.status, 3);
    left.is_as_before();
    assert!(left.text().ends_with("left\r\n"), "{:?}", left.text());

    let mut rude = Pty::start(60, 12, &program, &[], &[("RUDE", "1")]);
    rude.wait_for("failed");
    rude.write(b"q");
    let left = rude.wait();
    assert_eq!(left.status, 7);
    assert_ne!(left.before, left.after);
    assert!(left.modes().alternate_screen() && left.modes().bracketed_paste() && left.modes().mouse());

    // Ctrl-C reaches it: the terminal is its own. So do a signal and a lost connection.
    let program = Program::named("sh").args(["-c", "echo up; exec cat"]);
    for act in [|pty: &mut Pty| pty.write(b"\x03"), |pty: &mut Pty| pty.signal(Signal::INT)] {
        let mut pty = Pty::start(80, 24, &program, &[], &[]);
        pty.wait_for("up");
        act(&mut pty);
        assert_eq!(pty.wait().status, 130);
    }
    let pty = Pty::start(80, 24, &program, &[], &[]);
    pty.wait_for("up");
    assert_eq!(pty.hang_up(), 129);
}

#[test]
fn nothing_stays_when_the_tests_are_killed() {
    // The same test program as a child: it starts a screen, says who it is, and is killed.
    if let Some(told) = std::env::var_os("TUI_START_AND_HANG") {
        let program = Program::named("cat");
        let tmux = Tmux::start(80, 24, &program, &[], &[]);
        std::fs::write(told, format!("{}\n", tmux.pane())).expect("the path can be written");
        loop {
            std::thread::park();
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let told = folder.path().join("pane");
    let mut child = Command::new(std::env::current_exe().expect("this test program"))
        .args(["--exact", "tui::harness::nothing_stays_when_the_tests_are_killed", "--nocapture"])
        .env("TUI_START_AND_HANG", &told)
        .env("TMPDIR", folder.path())
        .spawn()
        .expect("the test program starts");
    let read = || std::fs::read_to_string(&told).unwrap_or_default();
    wait_until("the child has a screen", PATIENCE, || read().ends_with('\n'));
    let process = std::path::Path::new("/proc").join(read().trim());
    assert!(process.exists());
    child.kill().expect("the child still runs");
    child.wait().expect("the child is ours");
    wait_until("its program is gone", PATIENCE, || !process.exists());
}

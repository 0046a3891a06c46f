//! The first page against real servers: what was set up from this machine, of which one server is down.

use super::{Stand, write_private};
use crate::servers::Etcd;
use crate::tui::plain::{Talk, Way};
use crate::tui::{Pty, Tmux};

/// Three targets of one state directory; the etcd of one of them is down.
pub struct Three {
    pub stand: Stand,
}

impl Three {
    pub fn new() -> Self {
        let stand = Stand::new();
        let lab = Etcd::start();
        let path = stand.answers("directory");
        let text = std::fs::read_to_string(&path).expect("the answers");
        // The last run stands first, so the whole one is the last.
        for (name, namespace, endpoint) in
            [("lab", "bai", &lab.endpoint), ("prod", "prod", &stand.etcd.endpoint)]
        {
            let own = format!(
                "version: 1\nname: {name}\netcd:\n  namespace: {namespace}\n  endpoints: [{endpoint}]\nstorage:\n  \
                 mount: {}\n  expect: directory\n",
                stand.mount()
            );
            write_private(&stand.program.work().join("own.yml"), &own);
            run(&stand, &["--answers", "own.yml", "run", "set-mount"]);
        }
        write_private(&path, &text);
        run(&stand, &["--answers", "answers.yml", "run"]);
        drop(lab);
        Self { stand }
    }

    /// The answers of the whole run are kept, its password is not.
    fn no_password_is_kept(&self) {
        let state = self.stand.program.home().join(".local/state/backendai-setup");
        let folders = std::fs::read_dir(state).expect("the state directory").flatten();
        let kept = folders.map(|folder| folder.path().join("answers.yml")).find(|path| path.exists());
        let path = kept.expect("the answers of the whole run are kept");
        let text = std::fs::read_to_string(&path).expect("they are ours");
        assert!(!text.contains(&self.stand.database.password), "{text}");
        assert!(text.contains("password:"), "{text}");
    }
}

fn run(stand: &Stand, arguments: &[&str]) {
    let output = stand.program.command(arguments).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn three_targets_of_which_one_is_down() {
    let three = Three::new();
    three.no_password_is_kept();
    let stand = &three.stand;
    for (columns, rows) in [(80, 24), (120, 40), (60, 16)] {
        let tmux = stand.wizard(columns, rows, &[]);
        tmux.wait_for("> seoul-03");
        // Nobody waits for what is looked at.
        tmux.wait_for(" down");
        for words in ["seoul-03", "prod", "lab", "Servers you name", "From an answers file"] {
            assert!(tmux.screen().contains(words), "{words}\n{}", tmux.framed());
        }
        let line = tmux.screen().lines().position(|line| line.contains("> seoul-03"));
        assert_eq!(tmux.cursor(), Some((1, line.expect("it is there") as u16)), "{}", tmux.framed());
        // The answers are kept, the password is not.
        tmux.keys(&["Enter"]);
        tmux.wait_for("> Password");
        tmux.text(&stand.database.password);
        tmux.keys(&["Enter"]);
        tmux.wait_for("Review");
        tmux.wait_for("Image list");
        tmux.wait_gone("checking");
        assert!(!tmux.screen().contains(&stand.database.password));
        tmux.keys(&["C-c"]);
        tmux.wait_for("> Stay");
        tmux.keys(&["C-c"]);
        assert_eq!(tmux.exit_status(), 0);
    }
    // What was opened and left as it was is no unfinished round.
    let draft = stand.program.home().join(".local/state/backendai-setup/draft.json");
    assert!(!draft.exists());
}

/// Undo from the first page: a look at what it would put back, then `w`.
#[test]
fn the_last_run_is_undone_from_the_first_page() {
    let three = Three::new();
    let stand = &three.stand;
    let tmux = stand.wizard(80, 24, &[]);
    tmux.wait_for("> seoul-03");
    tmux.keys(&["Down"]);
    tmux.wait_for("> prod");
    tmux.keys(&["u"]);
    tmux.wait_for("Undo the last run");
    tmux.wait_for("/sorna/prod/volumes/_mount");
    assert_eq!(stand.etcd.get_all("/sorna/prod/volumes/").len(), 1, "nothing is put back before the word");
    tmux.keys(&["w"]);
    tmux.wait_for("Undone: 1 change put back");
    assert_eq!(stand.etcd.get_all("/sorna/prod/volumes/").len(), 0);
    tmux.keys(&["q"]);
    tmux.wait_for("> Stay");
    tmux.keys(&["Down", "Enter"]);
    assert_eq!(tmux.exit_status(), 0);
    let screen = tmux.screen();
    assert!(screen.contains("Undone:") && screen.contains("Transcript: /"), "{screen}");
}

/// The same, numbered, where questions are asked line by line.
#[test]
fn lines_have_the_same_home() {
    for way in [Way::Prompts, Way::Lines] {
        let three = Three::new();
        let mut talk = Talk::start(&three.stand, way, &[]);
        let second = if way == Way::Lines { "  2  prod: " } else { "2. prod: " };
        talk.until("What do you want to set up?");
        talk.until("seoul-03: ");
        talk.until(second);
        talk.until("lab: ");
        talk.until(" down");
        talk.until("Servers you name");
        if way == Way::Lines {
            talk.until("Number, 1 to 6");
            talk.pty.write(b"1\r");
        } else {
            talk.pty.write(b"seoul\r");
        }
        talk.choose("seoul-03: what now?", "Review", 1);
        talk.answer("Password", &three.stand.database.password);
        talk.until("Review. Nothing is written yet.");
        talk.until("Image list");
        talk.pty.write(b"\x03");
        talk.choose("Leave?", "Leave", 2);
        let left = talk.pty.wait();
        assert_eq!(left.status, 0, "{}", left.text());
        assert!(!left.text().contains(&three.stand.database.password), "{}", left.text());
    }
}

/// A serial console and `docker exec` may not report a size: the full screen takes what is usual, or what it is told.
#[test]
fn a_terminal_without_a_size() {
    let stand = Stand::new();
    let pty = Pty::start(0, 0, &stand.program, &[], &[]);
    pty.wait_for("Prepare etcd and PostgreSQL");
    drop(pty);
    let pty = Pty::start(0, 0, &stand.program, &[], &[("COLUMNS", "100"), ("LINES", "30")]);
    pty.wait_for("Prepare etcd and PostgreSQL");
    drop(pty);
    let pty = Pty::start(0, 0, &stand.program, &[], &[("COLUMNS", "50"), ("LINES", "10")]);
    pty.wait_for("does not report its size");
    pty.wait_for("What do you want to set up?");
}

/// Two clients of one state directory: what one sets up, the other lists once it is back on its first page.
#[test]
fn what_was_set_up_meanwhile_is_listed() {
    let stand = Stand::new();
    let tmux = Tmux::start(80, 24, &stand.program, &[], &[]);
    tmux.wait_for("Servers you name");
    assert!(!tmux.screen().contains("Set up from this machine"), "{}", tmux.framed());
    tmux.keys(super::SERVERS);
    tmux.wait_for("> Namespace");
    stand.answers("directory");
    run(&stand, &["--answers", "answers.yml", "run", "set-mount"]);
    tmux.keys(&["Escape"]);
    tmux.wait_for("Set up from this machine");
    tmux.wait_for("seoul-03");
}

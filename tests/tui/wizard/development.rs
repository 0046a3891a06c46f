//! The development setup: two keys from start to done.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::{at_both_sizes, beside};
use crate::devstack::others::postgres;
use crate::servers::{Etcd, Postgres, Program, free_port};
use crate::tui::plain::Talk;
use crate::tui::{Pty, Tmux, capture};

/// A development stack of the test's own, on free ports; gone at the end.
struct Private {
    folder: TempDir,
    program: Program,
}

impl Private {
    /// The ports are remembered, and nobody is there.
    fn new() -> Self {
        let private = Self::at(free_port(), free_port());
        private.dev(&["dev", "down"]);
        for data in ["etcd", "postgresql"] {
            fs::remove_dir_all(private.folder.path().join("dev").join(data)).expect("data of the stack");
        }
        private
    }

    /// At these ports, where somebody else's servers may be.
    fn at(etcd: u16, postgres: u16) -> Self {
        let folder = tempfile::Builder::new().prefix("bst.").tempdir_in("/tmp").expect("a folder");
        // PostgreSQL's own user must get through.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("the folder is ours");
        let home = folder.path().join("dev");
        let program = Program::new().env("BACKENDAI_SETUP_DEV_DIR", &home);
        let private = Self { folder, program };
        let ports = [etcd, postgres].map(|port| port.to_string());
        private.dev(&["dev", "up", "--etcd-port", &ports[0], "--postgres-port", &ports[1]]);
        private
    }

    fn dev(&self, arguments: &[&str]) {
        let command = self.program.command(arguments).output().expect("the program starts");
        assert!(command.status.success(), "{}", String::from_utf8_lossy(&command.stderr));
    }

    fn ports(&self) -> [String; 2] {
        let text = fs::read(self.folder.path().join("dev/stack.json")).expect("what runs is written down");
        let stack: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        ["etcd", "postgres"].map(|server| format!("localhost:{}", stack[server]["port"]))
    }

    fn capture(&self, name: &str, tmux: &Tmux) {
        let [etcd, postgres] = self.ports();
        let (folder, work) =
            (self.folder.path().display().to_string(), self.program.work().display().to_string());
        let home = self.program.home().display().to_string();
        let pairs = [
            (etcd.as_str(), "localhost:8120"),
            (postgres.as_str(), "localhost:8100"),
            (folder.as_str(), "/var/lib"),
            (work.as_str(), "/srv"),
            (home.as_str(), "/me"),
        ];
        capture(name, tmux, &pairs);
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let _ = self.program.command(&["dev", "reset", "--yes"]).output();
    }
}

#[test]
fn two_keys_from_start_to_done() {
    at_both_sizes(|columns, rows| {
        let private = Private::new();
        let tmux = Tmux::start(columns, rows, &private.program, &[], &[]);
        tmux.wait_for("> Development, this machine");
        tmux.wait_for("etcd will start, PostgreSQL will start");
        private.capture("development-1-home", &tmux);
        tmux.keys(&["Enter"]);
        tmux.wait_for("w writes all this");
        tmux.wait_gone("checking");
        private.capture("development-2-review", &tmux);
        tmux.keys(&["w"]);
        tmux.wait_for("Prepared:");
        assert_eq!(tmux.sent(), 2, "keys from start to done");
        tmux.wait_until("the title tells", |_| tmux.title() == "Done · development");
        // The answers are kept beside; where there is little room that is below.
        beside(&tmux);
        private.capture("development-3-done", &tmux);
        tmux.keys(&["q"]);
        tmux.wait_for("> Stay");
        tmux.keys(&["Down", "Enter"]);
        assert_eq!(tmux.exit_status(), 0);
        assert!(!tmux.is_alternate());
        // The same on the ordinary screen, of which this is the end.
        for line in ["  Next, in the manager's folder:", ". /", "Transcript: /"] {
            let screen = tmux.screen();
            assert!(screen.lines().any(|shown| shown.starts_with(line)), "{line}\n{screen}");
        }
        let mode = fs::metadata(private.program.work().join("keypairs.yml")).expect("keypairs").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    });
}

/// Servers that somebody else has started, as the guide's docker compose does.
fn foreign() -> (Etcd, Postgres, Private) {
    let (etcd, postgres) = (Etcd::start(), postgres());
    let private = Private::at(etcd.port, postgres.port);
    (etcd, postgres, private)
}

#[test]
fn servers_that_are_there_are_used() {
    let (etcd, postgres, private) = foreign();
    let tmux = Tmux::start(80, 24, &private.program, &[], &[]);
    for words in [format!("etcd {} answers", etcd.port), format!("PostgreSQL {} answers", postgres.port)] {
        tmux.wait_for(&words);
    }
    tmux.keys(&["Enter"]);
    tmux.wait_for("w writes all this");
    tmux.wait_gone("checking");
    tmux.keys(&["w"]);
    tmux.wait_for("Prepared:");
    let mount = private.folder.path().join("dev/mount").display().to_string();
    assert_eq!(etcd.get_all("/sorna/local/volumes/")["/sorna/local/volumes/_mount"], mount);
    assert_eq!(postgres.psql("backend", "SELECT count(*) FROM keypairs").trim(), "2");
}

#[test]
fn what_is_in_the_way_has_a_way_round_it_on_the_full_screen() {
    let (_etcd, postgres, private) = foreign();
    postgres.psql("postgres", "ALTER ROLE postgres PASSWORD 'another'");
    let tmux = Tmux::start(80, 24, &private.program, &[], &[]);
    tmux.wait_for("> Development, this machine");
    tmux.keys(&["Enter"]);
    tmux.wait_for("refuses `postgres` with `develove`");
    tmux.wait_for("> Start another");
    tmux.keys(&["Down", "Down", "Enter"]);
    tmux.wait_for("It is still in the way");
    tmux.keys(&["Enter"]);
    tmux.wait_for("w writes all this");
}

#[test]
fn a_server_that_is_there_is_used_with_its_own_password() {
    let (_etcd, postgres, private) = foreign();
    postgres.psql("postgres", "ALTER ROLE postgres PASSWORD 'another'");
    let tmux = Tmux::start(80, 24, &private.program, &[], &[]);
    tmux.wait_for("> Development, this machine");
    tmux.keys(&["Enter"]);
    tmux.wait_for("> Start another");
    tmux.keys(&["Down"]);
    tmux.wait_for("> Use the one there");
    tmux.text("another");
    tmux.wait_for("••••••••");
    tmux.keys(&["Enter"]);
    tmux.wait_for("w writes all this");
    tmux.wait_gone("checking");
    tmux.keys(&["w"]);
    tmux.wait_for("Prepared:");
    assert!(private.program.work().join("keypairs.yml").exists(), "{}", tmux.framed());
}

#[test]
fn what_is_in_the_way_has_a_way_round_it_in_line_prompts() {
    let (_etcd, postgres, private) = foreign();
    postgres.psql("postgres", "ALTER ROLE postgres PASSWORD 'another'");
    let mut talk = Talk::of(Pty::start(100, 40, &private.program, &["--plain"], &[("ACCESSIBLE", "1")]));
    talk.choose("What do you want to set up?", "Development", 2);
    talk.until("E-DEV-PORT");
    talk.choose("What now?", "Start another", 1);
    talk.until("PostgreSQL data made in ");
    talk.until("namespace `local` is empty");
}

//! Servers at the stack's places that somebody else has started: used where they fit, in the way where not.

use std::io::{Read, Write};
use std::net::TcpListener;

use backendai_setup::devstack::{self, Face, Options, SeenState, ServerState};
use backendai_setup::failure::{Code, Failure};

use super::{Private, block, pid};
use crate::servers::{Etcd, PATIENCE, Postgres, Program, free_port, wait_until};

/// A PostgreSQL with the guide's password, as its docker compose starts it.
pub fn postgres() -> Postgres {
    let mut postgres = Postgres::start();
    postgres.psql("postgres", "ALTER ROLE postgres PASSWORD 'develove'");
    "develove".clone_into(&mut postgres.password);
    postgres
}

impl Private {
    fn at(etcd_port: u16, postgres_port: u16) -> Self {
        let mut private = Self::new();
        private.options.etcd_port = Some(etcd_port);
        private.options.postgres_port = Some(postgres_port);
        private
    }

    fn dev(&self, command: &[&str]) -> Program {
        let home = self.options.home.to_str().expect("UTF-8").to_owned();
        let words = command.iter().map(|word| (*word).to_owned()).chain(["--dir".into(), home]);
        Program::new().args(["dev"]).args(words)
    }

    fn said(&self, work: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let mut say = |line: &str| lines.push(line.to_owned());
        let options = &self.options;
        match work {
            "down" => drop(block(devstack::down(options, &mut say)).expect("down works")),
            _ => drop(block(devstack::reset(options, &mut say)).expect("reset works")),
        }
        lines
    }

    /// What is in the way, as the command line and the wizards say it.
    fn refused(&self) -> [Failure; 2] {
        let command = self.up().expect_err("something is in the way");
        assert_eq!((command.code, command.status()), (Code::DevPort, 4), "{command:?}");
        let wizard = Options { face: Face::Wizard, ..self.options.clone() };
        let wizard = block(devstack::up(&wizard, &mut |_| {})).expect_err("something is in the way");
        assert_eq!((&wizard.what, &wizard.why), (&command.what, &command.why));
        [command, wizard]
    }
}

#[test]
fn servers_of_somebody_else_that_fit_are_used_and_left_alone() {
    let (etcd, postgres) = (Etcd::start(), postgres());
    let private = Private::at(etcd.port, postgres.port);
    etcd.put("mine", "42");

    // A look, before anything is there, says what will be.
    let look = block(devstack::look(&private.options));
    assert_eq!(look.obstacle, None);
    let used = |state: &SeenState| match state {
        SeenState::Used { words } => words.clone(),
        other => panic!("{other:?}"),
    };
    assert!(used(&look.etcd.state).ends_with(" answers"), "{look:?}");
    assert!(used(&look.postgres.state).ends_with(" signs in"), "{look:?}");
    assert!(!private.options.home.exists(), "a look changes nothing");

    let (stack, lines) = private.up().expect("both are used");
    assert!(!stack.changed && !stack.etcd.is_ours() && !stack.postgres.is_ours());
    let (etcd_version, version) = (&stack.etcd.version, &stack.postgres.version);
    assert_eq!(
        lines,
        [
            format!("etcd {etcd_version} answers on localhost:{}, will be used", etcd.port),
            format!("PostgreSQL {version} signs in on localhost:{}, will be used", postgres.port),
        ]
    );
    assert!(private.status().is_up());
    let (again, lines_again) = private.up().expect("it is up");
    assert_eq!(
        (again.etcd, again.postgres, lines_again),
        (stack.etcd.clone(), stack.postgres.clone(), lines)
    );

    // Scripts and people are told whose they are.
    for (command, kind) in [("up", "dev_stack"), ("status", "dev_status")] {
        let told = private.dev(&[command, "--output", "json"]).run();
        assert!(crate::cli::json::holds(&told).contains(kind), "{told:?}");
        assert!(told.result(kind)["postgres"]["pid"].is_null(), "{told:?}");
        let told = private.dev(&[command]).run();
        assert_eq!(told.status, 0, "{told:?}");
        assert_eq!(told.stdout.matches("(not the stack's; used, never stopped)").count(), 2, "{told:?}");
    }

    let left = [
        format!("PostgreSQL {version} on localhost:{} is not the stack's; it is left alone", postgres.port),
        format!("etcd {etcd_version} on localhost:{} is not the stack's; it is left alone", etcd.port),
    ];
    assert_eq!(private.said("down"), left);
    let question = devstack::reset_question(&private.options).expect("there is something to remove");
    assert!(question.contains("are not the stack's, and are left alone"), "{question}");
    assert_eq!(private.said("reset")[..2], left);
    assert!(!private.options.home.exists());
    assert_eq!(etcd.get_all("mine")["mine"], "42");
    assert_eq!(postgres.psql("postgres", "SELECT 1").trim(), "1");
}

#[test]
fn one_of_ours_beside_one_of_somebody_else_that_goes_away_later() {
    let mut etcd = Etcd::start();
    let private = Private::at(etcd.port, free_port());
    let (stack, _) = private.up().expect("one is used, the other started");
    assert!(stack.changed && !stack.etcd.is_ours() && stack.postgres.is_ours());
    let told = private.dev(&["status"]).run();
    assert!(told.stdout.contains(&format!("(process {})", pid(&stack.postgres))), "{told:?}");

    etcd.shut_down();
    let told = private.dev(&["status"]).run();
    assert_eq!(told.status, 9, "{told:?}");
    assert!(told.stdout.contains("etcd        never started here"), "{told:?}");
    let (stack, lines) = private.up().expect("the stack starts its own");
    assert!(stack.etcd.is_ours());
    assert!(lines[0].contains("is gone; the stack starts its own"), "{lines:?}");

    // It is back, in the place of ours, whose data stay.
    assert!(private.down());
    etcd.start_again();
    let (stack, lines) = private.up().expect("it is used again");
    assert!(!stack.etcd.is_ours());
    assert!(lines[1].starts_with("the stack's own etcd stays stopped"), "{lines:?}");
    let lines = private.said("reset");
    assert_eq!(lines[0], "PostgreSQL stopped");
    assert!(lines[1].ends_with("it is left alone"), "{lines:?}");
}

#[test]
fn servers_that_want_another_sign_in_are_in_the_way() {
    let (etcd, postgres) = (Etcd::with_auth("secret"), Postgres::start());
    let private = Private::at(etcd.port, postgres.port);
    let [command, wizard] = private.refused();
    for words in [
        "which wants a sign-in;",
        "which refuses `postgres` with `develove`",
        &format!("Port {}, meant for etcd,", etcd.port),
    ] {
        assert!(command.what.contains(words), "{command:?}");
    }
    let why = command.why.expect("the servers' words");
    assert!(why.starts_with("the manager cannot sign in to etcd\n"), "{why}");
    let remedy = wizard.remedy.expect("a remedy");
    let beside = block(devstack::look(&private.options)).beside.expect("other ports are free");
    assert!(remedy.contains(&beside.words()), "{remedy}");
    assert!(remedy.contains("its own password") && !remedy.contains("dev up"), "{remedy}");
    let told = private.dev(&["status", "--output", "json"]).run();
    crate::cli::json::holds(&told);

    // The command of the remedy, as it stands.
    let remedy = command.remedy.expect("a remedy");
    let words: Vec<&str> = remedy.split('`').nth(1).expect("a command").split(' ').collect();
    let told = Program::new().args(words[1..].iter().copied()).run();
    assert_eq!(told.status, 0, "{told:?}");
    assert!(told.stdout.contains("--set database.address=localhost:"), "{told:?}");
}

#[test]
fn strangers_at_the_places_are_named() {
    let web = TcpListener::bind("127.0.0.1:0").expect("a port");
    let web_port = web.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in web.incoming().flatten() {
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let etcd = Etcd::start();
    let private = Private::at(web_port, etcd.port);
    let [command, _] = private.refused();
    assert!(command.what.contains("which is a web server"), "{command:?}");
    assert!(command.what.contains("which is etcd, not PostgreSQL"), "{command:?}");
    let state = private.status();
    assert_eq!(state.etcd, ServerState::InTheWay { port: web_port, problem: "is a web server".into() });

    let postgres = postgres();
    let private = Private::at(postgres.port, free_port());
    let [command, _] = private.refused();
    assert!(command.what.contains("which is PostgreSQL, not etcd"), "{command:?}");
    assert_eq!(private.status().postgres, ServerState::Absent, "nothing was started");
}

#[test]
fn a_server_that_is_about_to_come_up_is_waited_for() {
    let etcd = Etcd::start();
    let fake = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = fake.local_addr().expect("an address").port();
    let private = Private::at(etcd.port, port);
    // A port forward hangs up until its server is there; then it is gone.
    std::thread::spawn(move || {
        for stream in fake.incoming().flatten().take(3) {
            drop(stream);
        }
    });
    let (stack, lines) = private.up().expect("it comes up");
    assert!(lines[0].contains("waiting for a server"), "{lines:?}");
    assert!(stack.postgres.is_ours());
    wait_until("it answers", PATIENCE, || private.status().is_up());
}

#[test]
fn the_development_folder_that_is_not_there_is_made_by_dev_up() {
    let (etcd, postgres) = (Etcd::start(), postgres());
    let private = Private::at(etcd.port, postgres.port);
    let program = Program::new().env("BACKENDAI_SETUP_DEV_DIR", &private.options.home);
    let missing = program.again(["check", "storage", "--development"]);
    let told = missing.run();
    assert!(
        told.stdout.contains("E-MOUNT-MISSING") && told.stdout.contains("backendai-setup dev up"),
        "{told:?}"
    );
    let (etcd, postgres) = (etcd.port.to_string(), postgres.port.to_string());
    let up = missing.again(["dev", "up", "--etcd-port", &etcd, "--postgres-port", &postgres]);
    assert_eq!(up.run().status, 0);
    assert_eq!(up.again(["check", "storage", "--development"]).run().status, 0);
}

//! The development stack: real servers, in folders and on ports of their own.

pub mod others;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use backendai_setup::devstack::{self, Options, Server, ServerState, Stack, Status, Wanted};
use backendai_setup::failure::{Code, Failure};
use backendai_setup::surroundings::Surroundings;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

use crate::servers::{PATIENCE, Program, free_port, wait_until};

/// A stack of the test's own; down and removed at Drop.
struct Private {
    _folder: TempDir,
    options: Options,
}

impl Private {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("backendai-setup-test-").tempdir().expect("a folder");
        // PostgreSQL's own user must get through.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("the folder is ours");
        let home = folder.path().join("stack");
        let (etcd_port, postgres_port) = (Some(free_port()), Some(free_port()));
        let options = Options { etcd_port, postgres_port, ..Options::of(home, Surroundings::of_process()) };
        Self { _folder: folder, options }
    }

    fn up(&self) -> Result<(Stack, Vec<String>), Failure> {
        let mut lines = Vec::new();
        let stack = block(devstack::up(&self.options, &mut |line| lines.push(line.to_owned())))?;
        Ok((stack, lines))
    }

    fn down(&self) -> bool {
        block(devstack::down(&self.options, &mut |_| {})).expect("down works")
    }

    fn status(&self) -> Status {
        block(devstack::status(&self.options))
    }

    fn sql(&self, password: &str, sql: &str) -> Result<Option<i64>, sqlx::Error> {
        let options = PgConnectOptions::new_without_pgpass()
            .host("localhost")
            .port(self.options.postgres_port.expect("the port is set"))
            .username("postgres")
            .password(password)
            .database("postgres")
            .ssl_mode(PgSslMode::Prefer);
        block(async {
            let mut connection = options.connect().await?;
            let answer = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_optional(&mut connection).await;
            connection.close().await?;
            answer
        })
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let _ = block(devstack::reset(&self.options, &mut |_| {}));
    }
}

fn block<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

fn pid(server: &Server) -> u32 {
    server.pid.expect("the stack has started it")
}

fn kill(pid: u32) {
    kill_process(Pid::from_raw(pid.cast_signed()).expect("not 0"), Signal::KILL).expect("it runs");
}

#[test]
fn a_stack_lives_through_up_twice_down_up_and_reset() {
    let private = Private::new();
    let home = private.options.home.clone();
    assert_eq!(private.status().etcd, ServerState::Absent);
    assert!(!home.exists(), "a look changes nothing");

    let (stack, lines) = private.up().expect("it comes up");
    assert!(stack.changed);
    let started =
        format!("PostgreSQL {} started on localhost:{}", stack.postgres.version, stack.postgres.port);
    assert_eq!(lines.last(), Some(&started));
    assert!(private.status().is_up());
    assert!(stack.mount.is_dir());
    assert!(!home.join("password").exists());

    assert_eq!(private.sql("develove", "SELECT 1::bigint").expect("the guide's password works"), Some(1));
    assert!(private.sql("wrong", "SELECT 1::bigint").is_err());
    private.sql("develove", "CREATE TABLE kept AS SELECT 42::bigint AS a").expect("a table");
    let text = block(async {
        let mut etcd = etcd_client::Client::connect([format!("localhost:{}", stack.etcd.port)], None).await?;
        etcd.put("kept", "42", None).await?;
        etcd.get("kept", None).await
    });
    assert_eq!(text.expect("etcd answers").kvs()[0].value(), b"42");

    let (again, lines) = private.up().expect("it is up");
    assert!(!again.changed);
    assert_eq!((again.etcd.pid, again.postgres.pid), (stack.etcd.pid, stack.postgres.pid));
    assert!(lines.iter().all(|line| line.contains("already running")), "{lines:?}");
    // What scripts are told.
    for (command, kind) in [("up", "dev_stack"), ("status", "dev_status")] {
        let folder = home.to_str().expect("UTF-8");
        let told = Program::new().args(["dev", command, "--dir", folder, "--output", "json"]).run();
        assert!(crate::cli::json::holds(&told).contains(kind), "{told:?}");
        assert_eq!(told.result(kind)["etcd"]["pid"], pid(&stack.etcd));
    }

    assert!(private.down());
    assert_eq!(private.status().etcd, ServerState::Stopped);
    assert_eq!(private.status().postgres, ServerState::Stopped);
    assert!(!private.down(), "nothing is left to stop");

    private.up().expect("it comes up again");
    assert_eq!(private.sql("develove", "SELECT a FROM kept").expect("the data stayed"), Some(42));

    assert!(devstack::reset_question(&private.options).expect("there is something").contains("stack"));
    assert!(block(devstack::reset(&private.options, &mut |_| {})).expect("reset works"));
    assert!(!home.exists());
    assert!(!block(devstack::reset(&private.options, &mut |_| {})).expect("nothing to do"));
    assert_eq!(devstack::reset_unconfirmed(&private.options).status(), 10);
}

/// Servers that are gone are no target any more, or those of the next stack would be taken for strangers.
#[test]
fn what_was_set_up_on_a_stack_is_forgotten_with_it() {
    let private = Private::new();
    let (stack, _) = private.up().expect("it comes up");
    let home = private.options.home.to_str().expect("UTF-8").to_owned();
    let program = Program::new();
    let set = [
        format!("etcd.endpoints=localhost:{}", stack.etcd.port),
        format!("database.address=localhost:{}", stack.postgres.port),
        "storage.expect=elsewhere".to_owned(),
        "storage.mount=/mnt/shared".to_owned(),
    ];
    let sets: Vec<String> = set.into_iter().flat_map(|set| ["--set".to_owned(), set]).collect();
    let run = ["run", "set-mount", "create-database", "--development", "--yes"].map(str::to_owned);
    let program = program.again(run.into_iter().chain(sets));
    let outcome = program.run();
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let program = program.again(["targets"]);
    assert!(program.run().stdout.starts_with("development  localhost:"));
    let program = program.again(["dev", "reset", "--yes", "--dir", &home]);
    let reset = program.run();
    assert!(reset.stderr.contains("target development (localhost:"), "{reset:?}");
    assert_eq!(program.again(["targets"]).run().stdout, "");
}

#[test]
fn a_killed_server_is_started_again_and_the_other_left_alone() {
    let private = Private::new();
    let (first, _) = private.up().expect("it comes up");
    kill(pid(&first.postgres));
    wait_until("PostgreSQL is gone", PATIENCE, || private.status().postgres == ServerState::Stopped);
    let (second, _) = private.up().expect("it comes up after a crash");
    assert_eq!(second.etcd, first.etcd);
    assert_ne!(second.postgres.pid, first.postgres.pid);
    kill(pid(&second.etcd));
    wait_until("etcd is gone", PATIENCE, || private.status().etcd == ServerState::Stopped);
    let (third, _) = private.up().expect("it comes up after another crash");
    assert_eq!(third.postgres, second.postgres);
}

#[test]
fn runs_at_the_same_time_wait_for_each_other() {
    let private = Private::new();
    let stacks: Vec<Stack> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3).map(|_| scope.spawn(|| private.up().expect("it comes up").0)).collect();
        runs.into_iter().map(|run| run.join().expect("no panic")).collect()
    });
    assert_eq!(stacks.iter().filter(|stack| stack.changed).count(), 1);
    assert!(stacks.iter().all(|stack| stack.etcd == stacks[0].etcd && stack.postgres == stacks[0].postgres));
}

#[test]
fn a_taken_port_names_its_holder() {
    let mut private = Private::new();
    // It accepts nothing: the kernel does, and nobody ever answers.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    private.options.postgres_port = Some(port);
    let failure = private.up().expect_err("the port is taken");
    assert_eq!((failure.code, failure.status()), (Code::DevPort, 4));
    assert!(failure.what.contains(&format!("(pid {})", std::process::id())), "{failure:?}");
    assert!(failure.remedy.expect("a remedy").contains("--postgres-port"));
    assert_eq!(private.status().etcd, ServerState::Absent, "nothing was started");
    private.options.postgres_port = Some(free_port());
    assert!(private.up().expect("another port, as it says").0.changed);
}

#[test]
fn another_port_than_the_running_one_is_refused() {
    let mut private = Private::new();
    private.up().expect("it comes up");
    private.options.etcd_port = Some(free_port());
    assert_eq!(private.up().expect_err("it runs elsewhere").code, Code::DevPort);
    private.options.etcd_port = None;
    assert!(!private.up().expect("without a wish the running one will do").0.changed);
}

#[test]
fn a_folder_that_is_not_the_stacks_is_left_alone() {
    let mut private = Private::new();
    let home = private.options.home.clone();
    fs::create_dir(&home).expect("a folder");
    fs::write(home.join("thesis.txt"), "mine").expect("a file");
    let failure = private.up().expect_err("not ours");
    assert_eq!(failure.code, Code::DevHome);
    assert!(
        failure
            .remedy
            .expect("a remedy")
            .contains("take another folder: `backendai-setup dev up --dir FOLDER`")
    );
    let reset = block(devstack::reset(&private.options, &mut |_| {}));
    assert_eq!(reset.expect_err("not ours").code, Code::DevHome);
    assert_eq!(fs::read_to_string(home.join("thesis.txt")).expect("still there"), "mine");
    assert!(devstack::reset_question(&private.options).is_none());
    private.options.home = home.with_file_name("another");
    assert!(private.up().expect("another folder, as it says").0.changed);
}

#[test]
fn missing_programs_are_named_at_once() {
    let empty = tempfile::tempdir().expect("a folder");
    let both = Wanted { etcd: true, postgres: true };
    let failure = devstack::programs(&[empty.path().to_owned()], both).expect_err("nothing there");
    assert_eq!(failure.code, Code::DevMissing);
    assert_eq!(failure.what, "etcd and PostgreSQL are not installed");
    assert!(failure.remedy.expect("a remedy").contains("apt-get install etcd-server postgresql`"));

    let etcd = empty.path().join("etcd");
    fs::write(&etcd, "").expect("a file");
    fs::set_permissions(&etcd, fs::Permissions::from_mode(0o755)).expect("ours");
    let failure = devstack::programs(&[PathBuf::from(empty.path())], both).expect_err("one is missing");
    assert!(failure.what.starts_with("PostgreSQL's server"), "{failure:?}");
    let etcd_alone = Wanted { etcd: true, postgres: false };
    assert!(devstack::programs(&[PathBuf::from(empty.path())], etcd_alone).is_ok());
}

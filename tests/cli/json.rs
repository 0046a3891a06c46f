//! `--output json` keeps the contract of `assets/events.schema.json`: every line of every command.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

use jsonschema::Validator;
use rustix::process::Signal;
use serde_json::Value;

use crate::failures::Session;
use crate::servers::{Etcd, Fake, Outcome, PATIENCE, Program, wait_until};
use crate::stages::Site;

fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/events.schema.json");
        serde_json::from_slice(&std::fs::read(path).expect("the asset")).expect("JSON")
    })
}

/// Every line is as the schema says, the first is `version`, the last and only the last is `summary`, which
/// tells the exit status. Gives back what came, each as `type` or `type:outcome`.
pub fn holds(outcome: &Outcome) -> BTreeSet<String> {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    let validator = VALIDATOR.get_or_init(|| jsonschema::validator_for(schema()).expect("a schema"));
    let lines = outcome.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON in every line"));
    let lines: Vec<Value> = lines.collect();
    for line in &lines {
        let errors: Vec<String> = validator.iter_errors(line).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{line:#}\n{errors:#?}");
    }
    let of_type = |wanted: &str| lines.iter().filter(|line| line["type"] == wanted).count();
    assert_eq!((of_type("version"), of_type("summary")), (1, 1), "{outcome:?}");
    let (first, last) = (&lines[0], &lines[lines.len() - 1]);
    assert_eq!((&first["type"], &last["type"]), (&"version".into(), &"summary".into()), "{outcome:?}");
    assert_eq!(last["status"], outcome.status, "{outcome:?}");
    lines.iter().map(kind).collect()
}

fn kind(line: &Value) -> String {
    let text = |name: &str| line[name].as_str().unwrap_or_default();
    match text("outcome") {
        "" => text("type").to_owned(),
        outcome => format!("{}:{outcome}", text("type")),
    }
}

/// Every kind of line that the schema has.
fn all_kinds() -> BTreeSet<String> {
    let constant = |event: &Value, name: &str| event["properties"][name]["const"].as_str().map(str::to_owned);
    let events = schema()["oneOf"].as_array().expect("the events").iter();
    let kinds = events.map(|event| match (constant(event, "type"), constant(event, "outcome")) {
        (Some(kind), Some(outcome)) => format!("{kind}:{outcome}"),
        (kind, _) => kind.expect("every event has its type"),
    });
    kinds.collect()
}

/// Seen by the tests of the development stack and of the shared folder, with the same judge.
const ELSEWHERE: &[&str] = &["dev_stack", "mount_offered", "mount_node"];

#[test]
fn every_line_of_every_command_keeps_the_contract() {
    let site = Site::new();
    let mut seen = BTreeSet::new();
    let mut run = |arguments: &str, status: i32| {
        let outcome = site.run(&format!("{arguments} --output json"));
        assert_eq!(outcome.status, status, "{arguments}: {outcome:?}");
        seen.extend(holds(&outcome));
    };
    run("check", 0);
    run("plan --detailed-exitcode", 9);
    run("plan --summary --out plan.json --state-dir state", 0);
    run("apply plan.json --state-dir state --set keypairs.user=other@localhost", 9);
    run("apply answers.yml --state-dir state", 3);
    run("status", 9);
    run("run --set database.user=nobody-of-this-name", 6);
    run("run load-images --set etcd.namespace=a/b", 3);
    run("", 0);
    run("", 0);
    run("-q", 0);
    run("run write-config set-mount --skip set-mount", 0);
    run("status", 0);
    run("plan --rotate-keypairs", 0);
    site.etcd.put("/sorna/local/volumes/_mount", "/mnt/other");
    run("plan", 4);
    run("run", 4);
    run("run set-mount --replace-mount --state-dir state", 0);
    run("undo --state-dir state", 10);
    run("undo --yes --state-dir state", 0);
    run("undo --yes --run no-such-run --state-dir state", 3);
    run("schema show", 0);
    run("schema diff", 0);
    run("schema stamp head --yes --state-dir state", 0);
    run("schema repair --state-dir state", 10);
    run("images", 0);
    run("answers show", 0);
    run("answers validate", 0);
    run("answers validate --with-secrets --partial", 0);
    run("answers init -", 0);
    run("answers init new.yml", 0);
    run("no-such-command", 2);
    run("check --bogus", 2);
    run("check --accept E-USAGE", 2);

    let state = site.path("state").display().to_string();
    for words in [&["targets"][..], &["targets", "remove", "site", "--yes"]] {
        let outcome = Program::new().args(words).args(["--output=json", "--state-dir", &state]).run();
        assert_eq!(outcome.status, 0, "{words:?}: {outcome:?}");
        seen.extend(holds(&outcome));
    }
    let offline = |arguments: &str, status: i32| {
        let program = Program::new().args(arguments.split_whitespace()).args(["--output=json"]);
        let outcome = program.run();
        assert_eq!(outcome.status, status, "{arguments}: {outcome:?}");
        holds(&outcome)
    };
    seen.extend(offline("images --copy-samples .", 0));
    seen.extend(offline("schema sql", 0));
    seen.extend(offline("schema sql head:base", 2));
    seen.extend(offline("explain", 0));
    seen.extend(offline("explain e-db-auth", 0));
    seen.extend(offline("dev status --dir stack", 9));
    seen.extend(offline("dev down --dir stack", 0));
    seen.extend(offline("run", 10));
    seen.extend(offline("completions bash", 2));
    seen.extend(offline("answers schema", 2));

    seen.extend(an_environment_that_differs(&site));
    seen.extend(a_run_that_waits_and_is_stopped());
    seen.extend(a_run_that_fails_half_way());
    seen.extend(a_run_that_is_stopped_in_a_stage());

    let wanted: BTreeSet<String> = all_kinds();
    let missing: Vec<_> =
        wanted.iter().filter(|kind| !seen.contains(*kind) && !ELSEWHERE.contains(&kind.as_str())).collect();
    assert!(missing.is_empty(), "no run here told {missing:?}");
}

fn an_environment_that_differs(site: &Site) -> BTreeSet<String> {
    let program = site.program(["check", "etcd", "--output", "json"]).env("BACKEND_NAMESPACE", "other");
    let outcome = program.run();
    assert_eq!(outcome.status, 0, "{outcome:?}");
    holds(&outcome)
}

/// A server that is not there is waited for; a signal ends the waiting, and a summary comes.
fn a_run_that_waits_and_is_stopped() -> BTreeSet<String> {
    let site = Site::new();
    let nobody = Fake::closed_port();
    let set = format!("etcd.endpoints={}", nobody.address);
    let program = site.program(["run", "--wait", "60s", "--set", &set, "--output", "json"]);
    let running = program.start();
    running.until("\"waiting\"");
    running.signal(Signal::TERM);
    let outcome = running.wait();
    assert_eq!(outcome.status, 143, "{outcome:?}");
    holds(&outcome)
}

/// The first transaction is in, the second is too large for this etcd: failed, skipped, status 7.
fn a_run_that_fails_half_way() -> BTreeSet<String> {
    let etcd = Etcd::start_with(&["--max-txn-ops=50"]);
    let site = Site::new();
    let (tags, images) = ((0..90).map(|number| format!("['{number}', x]")), "cpu: 1, mem: 1, gpu: 0");
    let tags = tags.collect::<Vec<_>>().join(", ");
    site.write("images.yml", format!("images: [{{name: many, tags: [{tags}], slots: {{{images}}}}}]\n"));
    site.write("aliases.yml", "aliases: []\n");
    let set = format!("etcd.endpoints={}", etcd.endpoint);
    let outcome = site.run(&format!("--set {set} --output json"));
    assert_ne!(outcome.status, 0, "{outcome:?}");
    holds(&outcome)
}

/// The schema waits for a lock that somebody else holds.
fn a_run_that_is_stopped_in_a_stage() -> BTreeSet<String> {
    let site = Site::new();
    site.runs("run create-database");
    let other = Session::open(&site.database, &site.database.name, "SELECT pg_advisory_lock(2225364)");
    let running = site.program(["run", "install-schema", "--output", "json"]).start();
    running.until("\"stage_started\"");
    running.signal(Signal::INT);
    let outcome = running.wait();
    drop(other);
    assert_eq!(outcome.status, 130, "{outcome:?}");
    holds(&outcome)
}

/// A signal while the answers are still read: there is a summary, and nothing waits any more.
#[test]
fn a_signal_while_answers_are_read() {
    for (command, status, signal) in [
        ("run", 143, Signal::TERM),
        ("answers validate --with-secrets", 130, Signal::INT),
        ("status", 129, Signal::HUP),
    ] {
        let site = Site::new();
        let fifo = site.path("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .expect("a named pipe");
        site.write(
            "secret.yml",
            "version: 1\ndatabase: {password: {command: [sh, -c, 'echo $$ >fifo; exec sleep 60']}}\n",
        );
        let arguments = format!("--answers secret.yml {command} --output json");
        let running = site.program(arguments.split_whitespace()).start();
        // The program that gives out the secret has begun.
        let pid = std::fs::read_to_string(&fifo).expect("the pipe");
        running.signal(signal);
        let outcome = running.wait();
        assert_eq!(outcome.status, status, "{command}: {outcome:?}");
        holds(&outcome);
        assert!(outcome.stdout.contains("E-CANCELLED"), "{outcome:?}");
        // Nor does the program that was asked.
        let lives = || std::fs::metadata(format!("/proc/{}", pid.trim())).is_ok();
        wait_until("the program has ended", PATIENCE, || !lives());
    }
}

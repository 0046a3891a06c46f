//! What is kept between two rounds: drafts, the answers that repeat a run, when each stage last ran.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use backendai_setup::clock::Clock;
use backendai_setup::disk::Disk;
use backendai_setup::environment::Environment;
use backendai_setup::guide::{Answers, Origin, Reference};
use backendai_setup::guides::september_2018::{GUIDE, SETUP};
use backendai_setup::report::{LastOutcome, history};
use backendai_setup::session::{
    Inputs, draft, forget_draft, load_answers, save_answers, save_draft, save_text,
};
use backendai_setup::state::StateDir;
use backendai_setup::surroundings::Surroundings;
use jiff::Timestamp;
use proptest::prelude::*;

use super::Site;

const CANARY: &str = "canary-never-to-be-kept";

fn answers() -> Answers {
    let mut answers = Answers::new(&GUIDE);
    for (key, value) in [
        ("version", "1"),
        ("name", "seoul 03: über"),
        ("etcd.namespace", "yes"),
        ("etcd.endpoints", "db-01:2379,[::1]:2379"),
        ("database.address", "db-01:5432"),
        ("database.user", "0123"),
        ("database.password", CANARY),
        ("storage.mount", "/mnt/vf root"),
        ("files.environment", "none"),
        ("files.credentials", "keys.yml"),
    ] {
        answers.set(key, value.into(), Origin::Typed).expect("a sound answer");
    }
    answers
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("the file is there").permissions().mode() & 0o777
}

#[test]
fn a_draft_keeps_everything_but_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = StateDir::at(folder.path().join("state"), Surroundings::of_process());
    assert!(draft(&GUIDE, &state).expect("nothing is wrong").is_none());
    let path = save_draft(&state, "database", &answers()).expect("it can be kept");
    assert_eq!((mode(&path), mode(state.path())), (0o600, 0o700));
    let text = fs::read_to_string(&path).expect("the draft");
    assert!(!text.contains("canary"), "{text}");
    let kept = draft(&GUIDE, &state).expect("it reads").expect("it is there");
    assert_eq!(kept.page, "database");
    assert!(kept.answers.given("database.password").is_none());
    for key in ["name", "etcd.namespace", "etcd.endpoints", "database.user", "storage.mount"] {
        let given = answers();
        assert!(kept.answers.is(key, given.given(key).expect("given").value()), "{key}");
    }
    // Where a secret was looked up may be kept: it is looked up again.
    let secret = folder.path().join("secret");
    fs::write(&secret, format!("{CANARY}\n")).expect("a file");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let mut referring = answers();
    referring.refer("database.password", Reference::File(secret.display().to_string()));
    save_draft(&state, "review", &referring).expect("it can be kept");
    let kept = draft(&GUIDE, &state).expect("it reads").expect("it is there");
    assert!(kept.answers.is("database.password", &CANARY.into()));
    // So is a name of the environment, by whatever holds it then.
    let mut named = answers();
    named.refer("database.password", Reference::Env("MINE".into()));
    let noon = Timestamp::from_second(1_800_000_000).expect("a time");
    let environment = Environment::from_iter([("MINE", CANARY)]);
    let surroundings = Surroundings { clock: Clock::Fixed(noon), ..Surroundings::new(environment) };
    let there = StateDir::at(state.path(), surroundings);
    save_draft(&there, "review", &named).expect("it can be kept");
    let kept = draft(&GUIDE, &there).expect("it reads").expect("it is there");
    assert!(kept.answers.is("database.password", &CANARY.into()));
    assert_eq!(kept.saved, noon);
    let elsewhere = draft(&GUIDE, &state).expect("it reads").expect("it is there");
    assert!(elsewhere.answers.given("database.password").is_none());
    fs::write(&path, "{").expect("it is ours");
    let failure = draft(&GUIDE, &state).expect_err("it is damaged");
    assert!(failure.remedy.expect("a way out").contains("draft.json"));
    forget_draft(&state);
    assert!(draft(&GUIDE, &state).expect("nothing is wrong").is_none());
}

/// The answers as a file gives them, with the password in the environment name that the file asks for.
fn read_again(text: &str) -> Answers {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    fs::write(&secret, CANARY).expect("a file");
    let file = folder.path().join("answers.yml");
    let text = text.replace("env: BACKEND_DB_PASSWORD", &format!("file: {}", secret.display()));
    fs::write(&file, text).expect("a file");
    let gathered = load_answers(&Inputs {
        answers: vec![file.display().to_string()],
        ..Inputs::new(&SETUP, Surroundings::of_process())
    });
    assert!(gathered.problems.is_empty(), "{:#?}", gathered.problems);
    gathered.answers
}

#[test]
fn the_saved_answers_repeat_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = StateDir::at(folder.path(), Surroundings::of_process());
    let path = save_answers(&state, &answers()).expect("it can be written");
    assert_eq!(mode(&path), 0o600);
    let text = fs::read_to_string(&path).expect("the answers");
    assert!(!text.contains("canary"), "{text}");
    assert!(text.starts_with("# Repeats the setup"), "{text}");
    let again = read_again(&text);
    for key in
        ["name", "etcd.namespace", "etcd.endpoints", "database.user", "storage.mount", "files.environment"]
    {
        let given = answers();
        assert!(again.is(key, given.given(key).expect("given").value()), "{key}\n{text}");
    }
    let here = std::env::current_dir().expect("a folder").join("keys.yml").display().to_string();
    assert!(again.is("files.credentials", &here.as_str().into()), "relative paths are saved absolute");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_accepted_is_repeated(name in "\\PC{1,20}", user in "\\PC{1,20}", mount in "/\\PC{1,20}") {
        let mut given = answers();
        for (key, value) in [("name", name), ("database.user", user), ("storage.mount", mount)] {
            // What is refused is not kept; the value from before stays.
            let _ = given.set(key, value.into(), Origin::Typed);
        }
        let text = given.repeatable().expect("it can be written");
        let again = read_again(&text);
        for key in ["name", "database.user", "storage.mount"] {
            prop_assert!(again.is(key, given.given(key).expect("given").value()), "{key}\n{text}");
        }
    }
}

#[test]
fn a_saved_text_takes_no_others_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let wanted = folder.path().join("run.log");
    let names: Vec<String> = (0..3)
        .map(|number| save_text(&Disk::default(), &wanted, &format!("{number}")).expect("it can be written"))
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, ["run.log", "run-2.log", "run-3.log"]);
    assert_eq!(fs::read_to_string(&wanted).expect("the first"), "0");
}

#[test]
fn a_run_is_remembered_by_stage() {
    let site = Site::new();
    let state = site.path("kept");
    let flag = format!("--state-dir {}", state.display());
    site.runs(&format!("run set-mount {flag}"));
    site.runs(&format!("run set-mount write-config {flag}"));
    let kept = StateDir::at(&state, Surroundings::of_process()).targets().expect("the state directory");
    let [target] = kept.as_slice() else { panic!("{kept:?}") };
    let ran = history(target);
    assert_eq!(ran["set-mount"].outcome, LastOutcome::Unchanged);
    assert_eq!(ran["write-config"].outcome, LastOutcome::Changed);
    assert!(!ran.contains_key("load-images"));
    assert_eq!(mode(&target.folder().join("history.json")), 0o600);
}

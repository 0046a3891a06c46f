//! A saved plan is applied as it was saved, where it was saved, with what it was made from; else it is refused.

use std::fs;

use serde_json::{Value, json};

use super::Desk;
use super::site::IMAGES;
use crate::servers::{Outcome, Program};

const REFUSED: &str = "E-PLAN-FILE";
const STALE: &str = "E-PLAN-STALE";

/// Something is done to a plan.
type Edit = (&'static str, fn(&mut Value));

fn change<'p>(plan: &'p mut Value, stage: &str) -> &'p mut Value {
    let stages = plan["plan"]["stages"].as_array_mut().expect("stages");
    &mut stages.iter_mut().find(|found| found["stage"] == stage).expect("the stage")["changes"]
}

const EDITS: &[Edit] = &[
    ("a value", |plan| change(plan, "set-mount")[0]["new"] = json!("/mnt/other")),
    ("a key", |plan| change(plan, "set-mount")[0]["key"] = json!("/sorna/local/volumes/other")),
    ("a statement", |plan| change(plan, "install-schema")[0]["sql"] = json!("DROP TABLE keypairs")),
    ("a change more", |plan| {
        let first = change(plan, "load-images")[0].clone();
        change(plan, "load-images").as_array_mut().expect("changes").push(first);
    }),
    ("a change less", |plan| drop(change(plan, "load-images").as_array_mut().expect("changes").pop())),
    ("changes in another order", |plan| {
        change(plan, "load-images").as_array_mut().expect("changes").reverse()
    }),
    ("the guard of a key", |plan| change(plan, "set-mount")[0]["revision"] = json!(1)),
    ("the guard of a file", |plan| change(plan, "write-config")[0]["seen"] = json!("00")),
    ("a secret that was seen", |plan| {
        plan["plan"]["stages"][6]["observed"] = json!([{"what": "secret", "fingerprint": "00"}]);
    }),
    ("what may be overwritten", |plan| plan["plan"]["allows"]["replace_mount"] = json!(true)),
    ("the fixture", |plan| plan["plan"]["allows"]["fixture"] = json!("/etc/passwd")),
    ("an answer", |plan| plan["plan"]["inputs"]["answers"]["etcd.namespace"] = json!("00")),
    ("an answer less", |plan| {
        plan["plan"]["inputs"]["answers"].as_object_mut().expect("answers").remove("etcd.namespace");
    }),
    ("the image list", |plan| plan["plan"]["inputs"]["images"] = Value::Null),
    ("a stage less", |plan| drop(plan["plan"]["stages"].as_array_mut().expect("stages").pop())),
    ("a stage that is not known", |plan| plan["plan"]["stages"][0]["stage"] = json!("load-image")),
    ("when it was made", |plan| plan["plan"]["made"] = json!("2018-09-13T00:00:00Z")),
    ("a field more", |plan| plan["plan"]["allows"]["everything"] = json!(true)),
    ("a field less", |plan| drop(plan["plan"].as_object_mut().expect("a plan").remove("name"))),
    ("the seal", |plan| plan["seal"] = json!("0".repeat(64))),
    ("the version of the format", |plan| plan["version"] = json!(2)),
];

fn edited(desk: &Desk, edit: fn(&mut Value)) {
    let mut plan = desk.plan("plan.json");
    edit(&mut plan);
    desk.site.write("edited.json", plan.to_string());
}

#[test]
fn an_edited_plan_is_refused() {
    let desk = Desk::new();
    desk.ends("plan --out plan.json", 0);
    for (what, edit) in EDITS {
        edited(&desk, *edit);
        let outcome = desk.refuses("apply edited.json", 3, REFUSED);
        assert!(
            outcome.stderr.contains("`edited.json` was edited after it was saved"),
            "{what}: {outcome:?}"
        );
    }
    // As it was saved, laid out otherwise.
    edited(&desk, |_| {});
    assert_ne!(desk.site.read("plan.json"), desk.site.read("edited.json"));
    desk.ends("apply edited.json", 0);
}

#[test]
fn a_plan_from_elsewhere_is_refused() {
    let desk = Desk::new();
    let Desk { site, program } = &desk;
    let other = program.folder().join("other-state").display().to_string();
    desk.ends("plan --out plan.json", 0);
    edited(&desk, |plan| plan["release"] = json!("0.0.9"));
    let outcome = desk.refuses("apply edited.json", 3, REFUSED);
    assert!(outcome.stderr.contains("was saved by another release of this program"), "{outcome:?}");
    assert!(outcome.stderr.contains("release 0.0.9 has made it, and this is release 0."), "{outcome:?}");

    let elsewhere = format!("apply plan.json --state-dir {other}");
    let outcome = desk.refuses(&elsewhere, 3, REFUSED);
    assert!(outcome.stderr.contains("on another machine, or with another state directory"), "{outcome:?}");
    assert!(outcome.stderr.contains("has no key of saved plans"), "{outcome:?}");
    desk.ends(&format!("plan --out other.json --state-dir {other}"), 0);
    let outcome = desk.refuses(&elsewhere, 3, REFUSED);
    let key = |name: &str| desk.plan(name)["key"].as_str().expect("a key").to_owned();
    for key in [key("plan.json"), key("other.json")] {
        assert!(outcome.stderr.contains(&key), "{key}: {outcome:?}");
    }
    // The key of the one does not seal the plan of the other.
    let mut plan = desk.plan("plan.json");
    plan["key"] = key("other.json").into();
    site.write("edited.json", plan.to_string());
    let outcome = desk.refuses(&elsewhere.replace("plan.json", "edited.json"), 3, REFUSED);
    assert!(outcome.stderr.contains("was edited"), "{outcome:?}");

    // The remedy, as it stands there.
    assert!(
        outcome
            .stderr
            .contains("make a plan here, with this release, and apply that as it is: `plan --out FILE`")
    );
    desk.ends("plan --out here.json", 0);
    desk.ends("apply here.json", 0);
}

#[test]
fn a_file_that_is_no_plan_is_refused() {
    let desk = Desk::new();
    let Desk { site, .. } = &desk;
    desk.ends("plan --out plan.json", 0);
    let text = site.read("plan.json");
    site.write("half.json", &text[..text.len() / 2]);
    site.write("list.json", "[1, 2]");
    site.write("kind.json", r#"{"format": "a diary", "release": "1", "key": "x"}"#);
    site.write("bytes.json", [0xff, 0xfe, 0]);
    site.write("empty.json", "");
    let large = fs::File::create(site.path("large.json")).expect("the folder is ours");
    large.set_len((64 << 20) + 1).expect("a file with a hole");
    for (name, said) in [
        ("half.json", "`half.json` is no saved plan"),
        ("half.json", "it is no JSON from line "),
        ("list.json", "it does not have what every saved plan has"),
        ("kind.json", "it is another kind of file"),
        ("bytes.json", "`bytes.json` is no saved plan"),
        ("empty.json", "`empty.json` is no saved plan"),
        ("answers.yml", "`answers.yml` is no saved plan"),
        ("nowhere.json", "`nowhere.json` is not there"),
        (".", "`.` is a folder"),
        ("large.json", "`large.json` is too large"),
    ] {
        let outcome = desk.ends(&format!("apply {name}"), 3);
        assert!(outcome.stderr.contains(REFUSED) && outcome.stderr.contains(said), "{name}: {outcome:?}");
    }
    // Without answers nobody knows the servers, and none are in the plan.
    let program = Program::new().current_dir(site.path("")).args(["apply", "plan.json"]);
    let outcome = program.run();
    assert!(outcome.status == 10 && outcome.stderr.contains("E-NEEDS-ANSWERS"), "{outcome:?}");
    let outcome = program.again(["apply"]).run();
    assert!(outcome.status == 2 && outcome.stderr.contains("`apply` needs `<FILE>` here"), "{outcome:?}");
    assert_eq!(site.etcd.count(""), 0);
}

fn names(outcome: &Outcome, what: &[&str]) {
    for what in what {
        assert!(outcome.stderr.contains(what), "{what}: {}", outcome.stderr);
    }
    assert_eq!(outcome.stderr.matches(STALE).count(), what.len(), "{}", outcome.stderr);
}

#[test]
fn answers_that_moved_are_named() {
    let mut desk = Desk::new();
    let password = desk.site.database.password.clone();
    let answers = desk.site.answers().replace(&format!("'{password}'"), "{env: CANARY_PASSWORD}");
    desk.site.write("answers.yml", answers);
    desk.program = desk.program.env("CANARY_PASSWORD", &password);
    desk.ends("plan --out plan.json", 0);
    let another = |key: &str| format!("`{key}` has changed since the plan was made");
    for (key, value) in [
        ("etcd.namespace", "other"),
        ("etcd.endpoints", "127.0.0.1:1"),
        ("database.address", "127.0.0.1:1"),
        ("database.name", "other"),
        ("storage.mount", "/mnt/other"),
        ("keypairs.user", "other@localhost"),
        ("files.credentials", "none"),
        ("files.environment", "other.env"),
        ("name", "other"),
    ] {
        let outcome = desk.refuses(&format!("apply plan.json --set {key}={value}"), 9, STALE);
        names(&outcome, &[&another(key)]);
        assert!(outcome.stderr.contains("it comes from `--set`"), "{outcome:?}");
    }
    let outcome = desk.refuses("apply plan.json --set images.only=r", 9, STALE);
    names(
        &outcome,
        &["`images.only` has a value, and had none when the plan was made", "image list has changed since"],
    );
    let outcome = desk.refuses(
        "apply plan.json --set etcd.namespace=other --set storage.mount=/mnt/other --set database.sslmode=disable",
        9,
        STALE,
    );
    names(&outcome, &[&another("etcd.namespace"), &another("storage.mount"), &another("database.sslmode")]);
    // The same in other words is no other answer.
    let mount = "--set storage.mount=/mnt/shared --set database.sslmode=prefer";
    let alembic = desk.site.path("alembic.ini").display().to_string();
    let same = format!("apply plan.json {mount} --set files.alembic-ini={alembic}");

    let right = desk.program;
    desk.program = right.without_env("CANARY_PASSWORD").env("CANARY_PASSWORD", "canary-of-another");
    let outcome = desk.refuses("apply plan.json", 9, STALE);
    names(&outcome, &[&another("database.password")]);
    for secret in [password.as_str(), "canary-of-another"] {
        assert!(!outcome.stderr.contains(secret), "{}", outcome.stderr);
        assert!(!desk.site.read("plan.json").contains(secret), "a secret is in the plan");
    }
    desk.program = desk.program.without_env("CANARY_PASSWORD").env("CANARY_PASSWORD", password);
    desk.ends(&same, 0);
}

#[test]
fn lists_and_fixtures_that_moved_are_named() {
    let desk = Desk::new();
    let Desk { site, .. } = &desk;
    let rows = "keypairs: [{user_id: a@localhost, is_admin: true}]\n";
    site.write("rows.yml", rows);
    desk.ends("plan --out plan.json --fixture rows.yml", 0);
    site.write("images.yml", IMAGES.replace("def", "other"));
    let outcome = desk.refuses("apply plan.json", 9, STALE);
    names(&outcome, &["he image list has changed since the plan was made"]);
    site.write("rows.yml", rows.replace("a@", "b@"));
    let outcome = desk.refuses("apply plan.json", 9, STALE);
    names(&outcome, &["he image list has changed since", "rows.yml` has changed since the plan was made"]);
    fs::remove_file(site.path("rows.yml")).expect("the file is ours");
    desk.refuses("apply plan.json", 3, "E-FILE-READ");
    // A comment changes nothing.
    site.write("rows.yml", format!("# as before\n{rows}"));
    site.write("images.yml", format!("# as before\n{IMAGES}"));
    desk.ends("apply plan.json", 0);
    assert_eq!(site.sql("SELECT user_id FROM keypairs"), "a@localhost\n");
}

/// A relative path means another file in another folder.
#[test]
fn another_working_folder_is_named() {
    let desk = Desk::new();
    let Desk { site, program } = &desk;
    desk.ends("plan --out plan.json", 0);
    let elsewhere = program.home();
    for name in ["images.yml", "aliases.yml"] {
        fs::copy(site.path(name), elsewhere.join(name)).expect("the folders are ours");
    }
    let before = site.everything();
    let script = "cd \"$HOME\" && exec \"$0\" \"$@\"";
    let answers = site.path("answers.yml").display().to_string();
    let plan = site.path("plan.json").display().to_string();
    let command = std::process::Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_backendai-setup"), "apply", &plan, "--answers", &answers])
        .env_clear()
        .env("HOME", &elsewhere)
        .env("LANG", "C.UTF-8")
        .output()
        .expect("a shell");
    let told = String::from_utf8_lossy(&command.stderr);
    assert_eq!(command.status.code(), Some(9), "{told}");
    for key in ["files.alembic-ini", "files.environment", "files.credentials", "images.metadata"] {
        assert!(told.contains(&format!("`{key}` has changed since the plan was made")), "{key}: {told}");
    }
    assert!(before == site.everything(), "something was written");
}

//! Targets: what is kept of servers belongs to them, whatever they are called.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::Site;
use crate::servers::Postgres;

const STATE: &str = "--state-dir state";

fn targets(site: &Site) -> Vec<Value> {
    let listed = site.program([]).again(["targets", "--output", "json", "--state-dir", "state"]).run();
    assert_eq!(listed.status, 0, "{}", listed.stderr);
    listed.result("targets")["targets"].as_array().expect("a list").clone()
}

fn folder(target: &Value) -> PathBuf {
    target["folder"].as_str().expect("a path").into()
}

#[test]
fn two_namespaces_on_one_host_have_a_history_each() {
    let site = Site::new();
    site.runs(&format!("run {STATE}"));
    site.write("answers.yml", site.answers().replace("namespace: local", "namespace: prod"));
    site.runs(&format!("run set-mount {STATE}"));
    let all = targets(&site);
    let done: Vec<i64> = all.iter().map(|target| target["done"].as_i64().expect("a number")).collect();
    assert_eq!(all.len(), 2, "{all:#?}");
    assert!(done.contains(&7) && done.contains(&1), "{all:#?}");
    assert_ne!(folder(&all[0]), folder(&all[1]));
    // A stage alone, which knows only the database, is of the target that is called like it.
    site.runs(&format!("run create-database {STATE}"));
    assert_eq!(targets(&site).len(), 2);
}

#[test]
fn a_folder_from_before_is_taken_over_by_the_servers_that_its_answers_name() {
    let site = Site::new();
    let older = site.path("state/site");
    fs::create_dir_all(&older).expect("the folder is ours");
    fs::write(
        older.join("history.json"),
        r#"{"set-mount": {"at": "2026-01-01T00:00:00Z", "outcome": "changed"}}"#,
    )
    .expect("the folder is ours");
    let other = site.answers().replace("namespace: local", "namespace: other");
    fs::write(older.join("answers.yml"), &other).expect("the folder is ours");
    site.runs(&format!("run set-mount {STATE}"));
    let [target] = targets(&site).try_into().expect("one target");
    assert_ne!(folder(&target), older, "its answers name another namespace");
    fs::write(older.join("answers.yml"), site.answers()).expect("the folder is ours");
    fs::remove_dir_all(folder(&target)).expect("the folder is ours");
    site.runs(&format!("run write-config {STATE}"));
    let [target] = targets(&site).try_into().expect("one target");
    assert_eq!((folder(&target), target["done"].as_i64()), (older, Some(2)));
}

#[test]
fn a_target_is_forgotten_by_name_and_its_servers_stay() {
    let site = Site::new();
    site.runs(&format!("run set-mount {STATE}"));
    let arguments = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let run = |words: &str| site.program([]).again(arguments(words)).run();
    let refused = run("targets remove nowhere --yes --state-dir state");
    assert_eq!(refused.status, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("the targets are site"), "{}", refused.stderr);
    let refused = run("targets remove site --state-dir state");
    assert_eq!(refused.status, 10, "{}", refused.stderr);
    let removed = run("targets remove site --yes --state-dir state");
    assert_eq!(removed.status, 0, "{}", removed.stderr);
    assert!(removed.stdout.contains("1 run can no longer be undone"), "{}", removed.stdout);
    assert_eq!(targets(&site), [] as [Value; 0]);
    assert_eq!(site.etcd.get_all("").len(), 1);
}

#[test]
fn another_server_at_the_same_address_is_not_written_to() {
    let site = Site::new();
    site.runs(&format!("run {STATE}"));
    let [target] = targets(&site).try_into().expect("one target");
    let path = folder(&target).join("target.json");
    let text = fs::read_to_string(&path).expect("the record");
    let mut record: Value = serde_json::from_str(&text).expect("JSON");
    let system = Postgres::shared().psql("postgres", "SELECT system_identifier FROM pg_control_system()");
    assert_eq!(record["seen"]["system"], system.trim(), "{record:#}");
    record["seen"]["system"] = "7".into();
    fs::write(&path, record.to_string()).expect("the folder is ours");
    let world = || (site.etcd.revision(), site.sql("SELECT secret_key FROM keypairs"));
    let before = world();
    let refused = site.run(&format!("run --rotate-keypairs {STATE}"));
    assert_eq!(refused.status, 4, "{}", refused.stderr);
    assert!(refused.stderr.contains("E-TARGET-OTHER"), "{}", refused.stderr);
    assert!(refused.stderr.contains(&format!("it was 7, and is {}", system.trim())), "{}", refused.stderr);
    assert_eq!(world(), before);
    // The remedy, word for word.
    let remedy = refused.stderr.split("`backendai-setup ").nth(1).and_then(|rest| rest.split('`').next());
    let words = format!("{} --yes {STATE}", remedy.expect("a command"));
    let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
    assert_eq!(site.program([]).again(words).run().status, 0);
    site.runs(&format!("run --rotate-keypairs {STATE}"));
}

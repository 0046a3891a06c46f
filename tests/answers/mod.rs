//! Commands that work on answers files, without any server.

use std::fs;

use crate::servers::Program;

const FIRST: &str = "\
version: 1
etcd: {namespace: prod, endpoints: [etcd-1, etcd-2]}
database:
  address: db-01:5432
  user: first
  password: {file: secret}
";

const OVERLAY: &str = "\
version: 1
name: seoul-03
etcd: {endpoints: [etcd-9]}
database: {user: second}
";

fn program() -> Program {
    let program = Program::new().env("BACKENDAI_SETUP_STORAGE_MOUNT", "/mnt/vfroot");
    for (name, text) in [("first.yml", FIRST), ("overlay.yml", OVERLAY), ("secret", "canary-shown\n")] {
        fs::write(program.work().join(name), text).expect("the folder is ours");
    }
    program
}

#[test]
fn show_merges_and_tells_every_origin() {
    let all = ["answers", "show", "first.yml", "overlay.yml", "--set", "keypairs.admin=root@example.com"];
    let shown = program().args(all).run();
    assert_eq!((shown.status, shown.stderr.as_str()), (0, ""));
    assert!(!shown.stdout.contains("canary"), "{}", shown.stdout);
    insta::assert_snapshot!(shown.stdout);

    let shown = program().args(all).args(["--output", "json"]).run();
    let json: serde_json::Value = serde_json::from_str(&shown.stdout).expect("one object");
    let of = |key: &str| {
        let answers = json["answers"].as_array().expect("a list").iter();
        answers.into_iter().find(|answer| answer["key"] == key).cloned().unwrap_or_default()
    };
    // Maps merge, lists are replaced, later files win.
    assert_eq!(of("etcd.endpoints")["value"], serde_json::json!(["etcd-9"]));
    assert_eq!(of("etcd.namespace")["place"]["file"], "first.yml");
    assert_eq!(of("database.user")["value"], "second");
    assert_eq!(of("database.password")["value"], serde_json::Value::Null);
    assert_eq!(of("database.password")["reference"], "secret");
    assert_eq!(of("storage.mount")["origin"], "environment");
    assert_eq!(of("keypairs.admin")["origin"], "flag");
    assert_eq!(of("keypairs.user")["origin"], "default");
    assert!(!shown.stdout.contains("canary"), "{}", shown.stdout);
}

#[test]
fn show_tells_what_cannot_be_used_after_what_can() {
    let program = program().args(["answers", "show", "first.yml", "--set", "etcd.namspace=x"]);
    let shown = program.run();
    assert_eq!(shown.status, 3);
    assert!(shown.stdout.contains("database.user      first"), "{}", shown.stdout);
    assert!(shown.stderr.contains("did you mean `etcd.namespace`?"), "{}", shown.stderr);
    assert_eq!(Program::new().args(["answers", "show"]).run().status, 10);
}

//! Commands that work on answers files, without any server.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use backendai_setup::environment::Environment;
use backendai_setup::guide;
use backendai_setup::guides::september_2018::GUIDE;

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
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(program.work().join("secret"), private).expect("the folder is ours");
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
    let json = shown.result("answers");
    let of = |key: &str| {
        let answers = json["answers"].as_array().expect("a list").iter();
        answers.into_iter().find(|answer| answer["key"] == key).cloned().unwrap_or_default()
    };
    // Maps merge, lists are replaced, later files win.
    assert_eq!(of("etcd.endpoints")["value"], serde_json::json!(["etcd-9"]));
    assert_eq!(of("etcd.namespace")["place"]["file"], "first.yml");
    assert_eq!(of("database.user")["value"], "second");
    assert_eq!(of("database.password")["value"], serde_json::Value::Null);
    assert_eq!(of("database.password")["reference"], serde_json::json!({"file": "secret"}));
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
    assert!(
        shown.stdout.lines().any(|line| line.split_whitespace().take(2).eq(["database.user", "first"])),
        "{}",
        shown.stdout
    );
    assert!(shown.stderr.contains("did you mean `etcd.namespace`?"), "{}", shown.stderr);
    let told = program.args(["--output", "json"]).run();
    assert_eq!(told.status, 3);
    let known = told.result("answers")["answers"].as_array().map_or(0, Vec::len);
    assert!(known > 10 && told.stdout.contains("E-ANSWERS-KEY"), "{}", told.stdout);
    assert_eq!(Program::new().args(["answers", "show"]).run().status, 10);
}

fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// `BLESS=1` writes the asset anew.
#[test]
fn the_schema_is_what_the_guide_says() {
    let printed = Program::new().args(["answers", "schema"]).run();
    assert_eq!((printed.status, printed.stderr.as_str()), (0, ""));
    let path = asset("assets/answers.schema.json");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &printed.stdout).expect("the asset can be written");
    }
    assert_eq!(fs::read_to_string(&path).expect("the asset"), printed.stdout, "`BLESS=1` writes it anew");
    for sample in ["answers.example.yml", "answers.development.yml"] {
        let text = fs::read_to_string(asset("sample-configs").join(sample)).expect("a sample");
        let named = text.lines().next().and_then(|line| line.split_once("$schema=")).expect("its schema");
        assert!(asset("sample-configs").join(named.1).exists(), "{sample} names {}", named.1);
    }
}

/// What the program takes the schema takes, and what the schema refuses the program refuses.
#[test]
fn the_schema_agrees_with_the_reader() {
    let schema = jsonschema::validator_for(&GUIDE.json_schema()).expect("a schema");
    let json = |text: &str| serde_yaml::from_str::<serde_json::Value>(text).expect("YAML");
    let sample = |name| fs::read_to_string(asset("sample-configs").join(name)).expect("a sample");
    for text in [FIRST, OVERLAY, &sample("answers.example.yml"), &sample("answers.development.yml")] {
        assert!(schema.is_valid(&json(text)), "{text}");
    }
    for source in ["text", "{env: A}", "{file: a}", "{command: [a, b]}", "{stdin: true}", "{prompt: true}"]
        .map(String::from)
    {
        assert!(schema.is_valid(&json(&format!("version: 1\ndatabase: {{password: {source}}}"))), "{source}");
    }
    let broken = [
        "name: x",
        "version: 2",
        "version: '1'",
        "version: 1\ncolour: red",
        "version: 1\netcd: x",
        "version: 1\netcd: {namspace: x}",
        "version: 1\netcd: {endpoints: one}",
        "version: 1\netcd: {endpoints: []}",
        "version: 1\netcd: {endpoints: [a, a]}",
        "version: 1\netcd:",
        "version: 1\ndatabase: {name: ''}",
        "version: 1\ndatabase: {sslmode: maybe}",
        "version: 1\ndatabase: {password: 1}",
        "version: 1\ndatabase: {password: {env: A, file: b}}",
        "version: 1\ndatabase: {password: {vault: a}}",
        "version: 1\ndatabase: {password: {stdin: false}}",
        "version: 1\ndatabase: {password: {command: []}}",
        "version: 1\nstorage: {expect: tape}",
    ];
    for text in broken {
        assert!(!schema.is_valid(&json(text)), "{text}");
        let program = Program::new().args(["answers", "validate", "-"]).stdin(text);
        let told = program.run();
        assert_eq!(told.status, 3, "{text}: {}", told.stderr);
    }
}

#[test]
fn init_writes_a_file_to_fill_in() {
    let program = Program::new().args(["answers", "init"]);
    let made = program.run();
    assert_eq!((made.status, made.stdout.as_str()), (0, ""), "{}", made.stderr);
    let path = program.work().join("answers.yml");
    let text = fs::read_to_string(&path).expect("the new file");
    insta::assert_snapshot!(text);
    assert_eq!(fs::metadata(&path).expect("the new file").permissions().mode() & 0o777, 0o600);
    for variable in GUIDE.variables() {
        let name = variable.key.rsplit('.').next().expect("a name");
        let is_it = |line: &str| line.trim_start_matches([' ', '#']).starts_with(&format!("{name}:"));
        assert!(text.lines().any(is_it), "`{}` is not in it", variable.key);
    }
    // Never over a file that is there.
    let again = program.run();
    assert_eq!(again.status, 4, "{}", again.stderr);
    assert_eq!(fs::read_to_string(&path).expect("the old file"), text);

    // What is left to fill in is told, all of it.
    let validate = Program::new().args(["answers", "validate", path.to_str().expect("UTF-8")]).run();
    let required = GUIDE.variables().filter(|it| matches!(it.default, guide::Default::Required)).count() - 1;
    assert_eq!(validate.status, 3);
    assert_eq!(validate.stderr.matches("has no value").count(), required, "{}", validate.stderr);
}

#[test]
fn init_with_values_is_read_back() {
    let development = Program::new().args(["answers", "init", "--development", "-"]).run().stdout;
    let minimal = Program::new().args(["answers", "init", "--development", "--minimal", "-"]).run().stdout;
    assert!(minimal.lines().count() < development.lines().count() / 2, "{minimal}");
    let mount = GUIDE.variable("storage.mount").and_then(|it| it.development).expect("a development value");
    let mount = mount.value(&Environment::of_process());
    insta::assert_snapshot!(minimal.replace(&mount, "MOUNT"));
    let show = |text: &str| {
        let shown = Program::new().args(["answers", "show", "-", "--output", "json"]).stdin(text).run();
        assert_eq!(shown.status, 0, "{}", shown.stdout);
        let json = shown.result("answers");
        let values = json["answers"].as_array().expect("a list").iter();
        values.map(|answer| (answer["key"].to_string(), answer["value"].to_string())).collect::<Vec<_>>()
    };
    assert_eq!(show(&development), show(&minimal));

    // Other answers files are taken over, secrets by reference.
    let program =
        program().args(["answers", "init", "--answers", "first.yml", "--answers", "overlay.yml", "new.yml"]);
    assert_eq!(program.run().status, 0);
    let text = fs::read_to_string(program.work().join("new.yml")).expect("the new file");
    assert!(text.contains("- etcd-9") && text.contains("user: second") && !text.contains("canary"), "{text}");
    // The environment's mount is not taken over.
    assert!(text.lines().any(|line| line.trim() == "mount:"), "{text}");
}

const TEN_FAULTS: &str = "\
version: 2
nmae: seoul-03
etcd:
  namespace: a/b
  endpoints: etcd-1
  tls: {ca: ca.pem}
database:
  address: postgresql://db-01/x
  user: baiadmin
  password: 8823719455
storage:
  mount: mnt/vfroot
  expect: tape
keypairs:
  admin: root
";

/// Every fault has its own message with its own place, in the order of the file; none hides another, and a
/// refused value is no missing one.
#[test]
fn a_file_with_ten_faults_lists_ten() {
    let program = Program::new().args(["answers", "validate", "broken.yml"]);
    let path = program.work().join("broken.yml");
    fs::write(&path, TEN_FAULTS).expect("the folder is ours");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
    let told = program.run();
    assert_eq!(told.status, 3);
    assert!(told.stderr.ends_with("\n10 problems. Nothing was touched.\n"), "{}", told.stderr);
    assert!(!told.stderr.contains("8823719455"), "{}", told.stderr);
    let places = told.stderr.lines().filter_map(|line| line.trim().strip_prefix("at   broken.yml:"));
    let lines: Vec<usize> = places.filter_map(|place| place.split(':').next()?.parse().ok()).collect();
    assert_eq!(lines, [1, 2, 4, 5, 6, 8, 10, 12, 13, 15], "{}", told.stderr);
    insta::assert_snapshot!(told.stderr);
}

/// A secret of an earlier file is not looked up: no program runs for it, nobody is asked, stdin is left alone.
#[test]
fn the_last_file_counts_for_secrets_too() {
    let program = Program::new().env("THERE", "canary");
    let base = |source: &str| {
        let text = format!("version: 1\ndatabase: {{password: {source}}}\n");
        fs::write(program.work().join("base.yml"), text).expect("the folder is ours");
    };
    fs::write(program.work().join("over.yml"), "version: 1\ndatabase: {password: {env: THERE}}\n")
        .expect("the folder is ours");
    let show = ["answers", "show", "base.yml", "over.yml", "--output", "json"];
    let look = ["answers", "validate", "--with-secrets", "--partial", "base.yml", "over.yml"];
    for source in
        ["{prompt: true}", "{env: UNSET}", "{file: nowhere}", "{stdin: true}", "{command: [touch, ran]}"]
    {
        base(source);
        let shown = program_in(&program, &show).run();
        assert_eq!(shown.status, 0, "{source}: {}", shown.stdout);
        let answers = shown.result("answers");
        let password = answers["answers"].as_array().expect("a list").iter();
        let password = password.into_iter().find(|it| it["key"] == "database.password").expect("it is given");
        assert_eq!(password["reference"], serde_json::json!({"env": "THERE"}), "{source}");
        let looked = program_in(&program, &look).run();
        assert_eq!(looked.status, 0, "{source}: {}", looked.stderr);
    }
    assert!(!program.work().join("ran").exists(), "the command ran");
    // The other way round somebody is asked, and headless nobody can be.
    base("{env: THERE}");
    fs::write(program.work().join("over.yml"), "version: 1\ndatabase: {password: {prompt: true}}\n")
        .expect("the folder is ours");
    assert_eq!(program_in(&program, &look).run().status, 10);
    // What is overruled is judged all the same.
    base("'canary-open'");
    let told = program_in(&program, &["answers", "show", "base.yml", "over.yml"]).run();
    assert!(told.stderr.contains("chmod 600 base.yml"), "{}", told.stderr);
}

/// The same program in the same folder, with other arguments.
fn program_in(program: &Program, arguments: &[&str]) -> Program {
    Program::new().current_dir(program.work()).env("THERE", "canary").args(arguments.iter().copied())
}

/// A new file needs no secret, so none is looked up for it.
#[test]
fn init_takes_references_over_as_they_are() {
    let program = Program::new().args(["answers", "init", "--answers", "old.yml", "new.yml"]);
    for source in
        ["{env: UNSET}", "{file: nowhere}", "{command: [touch, ran]}", "{stdin: true}", "{prompt: true}"]
    {
        let text = format!("version: 1\ndatabase: {{password: {source}}}\n");
        fs::write(program.work().join("old.yml"), text).expect("the folder is ours");
        let outcome = program.run();
        assert_eq!(outcome.status, 0, "{source}: {}", outcome.stderr);
        let new = program.work().join("new.yml");
        let text = fs::read_to_string(&new).expect("the new file");
        let kind = source.trim_start_matches('{').split(':').next().expect("a kind");
        let after = text.lines().skip_while(|line| line.trim() != "password:").nth(1).unwrap_or_default();
        assert!(after.trim().starts_with(kind), "{source}: {text}");
        fs::remove_file(new).expect("it is ours");
    }
    assert!(!program.work().join("ran").exists(), "the command ran");
}

//! What needs no server looks no secret up, and what asks one server looks up the secret of that one alone.

use std::fs;

use crate::failures::Case;
use crate::servers::Program;

/// The commands, and whether each may ask for the secret of etcd and of PostgreSQL.
const COMMANDS: &[(&str, bool, bool)] = &[
    ("answers validate", false, false),
    ("answers validate --partial", false, false),
    ("answers show", false, false),
    ("answers init new.yml", false, false),
    ("images", false, false),
    ("images --pull-commands", false, false),
    ("check storage", false, false),
    ("check files", false, false),
    ("check images", false, false),
    ("check etcd", true, false),
    ("check database", false, true),
    ("check storage database", false, true),
    ("mount offer", true, false),
    ("mount verify", true, false),
    ("run set-mount", true, false),
    ("run write-config", false, true),
    ("check", true, true),
    ("plan", true, true),
    ("status", true, true),
    ("answers validate --with-secrets", true, true),
];

#[test]
fn a_command_looks_up_the_secrets_of_the_servers_that_it_asks() {
    let asked = |name: &str| format!("{{command: [sh, -c, 'echo x >>{name}; cat secret']}}");
    for (command, etcd, database) in COMMANDS {
        let case = Case::new();
        let password = case.database.password.clone();
        let case = case
            .file("secret", &password)
            .secret(&password)
            .set("etcd.user", "root")
            .set("etcd.password", asked("asked-etcd"))
            .set("database.password", asked("asked-database"))
            .unwatched()
            .flags(command.split(' '));
        case.run();
        let was_asked =
            |name: &str| fs::read_to_string(case.work().join(name)).map_or(0, |it| it.lines().count());
        let found = (was_asked("asked-etcd"), was_asked("asked-database"));
        assert_eq!(found, (usize::from(*etcd), usize::from(*database)), "{command}");
    }
}

/// Fifty sites are linted without the vault; with it what cannot be had is found.
#[test]
fn a_secret_that_is_not_there_is_no_problem_of_the_answers() {
    for source in ["{env: NO_SUCH_NAME}", "{file: nowhere}", "{command: [no-such-program]}", "{prompt: true}"]
    {
        let case = Case::new().set("database.password", source);
        for command in
            [&["answers", "validate"][..], &["answers", "show"], &["images"], &["check", "storage"]]
        {
            let case = Case::new().set("database.password", source).flags(command.iter().copied());
            let told = case.run();
            assert_eq!(told.status, 0, "{command:?} with {source}: {:#?}", told.failures);
        }
        let case = case.flags(["answers", "validate", "--with-secrets"]);
        match source {
            "{prompt: true}" => case.fails(10, "E-NEEDS-ANSWERS"),
            _ => case.fails(3, "E-ANSWERS-SECRET"),
        };
    }
    // The same by the environment: a twin that names a file.
    let twin = || Case::new().unset("database.password").env("BACKEND_DB_PASSWORD_FILE", "nowhere");
    assert_eq!(twin().flags(["answers", "validate"]).run().status, 0);
    twin().flags(["answers", "validate", "--with-secrets"]).fails(3, "E-ANSWERS-SECRET");
    // What is wrong with the answers themselves is found all the same.
    let both = Case::new().set("etcd.user", "root").set("etcd.password", "{stdin: true}");
    let both = both.set("database.password", "{stdin: true}").flags(["answers", "validate"]);
    both.fails(3, "E-ANSWERS-SECRET").names(&["`etcd.password: {env: BACKENDAI_SETUP_ETCD_PASSWORD}`"]);
    // What was left out is said.
    let case = Case::new();
    let left = case.flags(["answers", "validate"]).outcome(&[]);
    assert!(left.stdout.contains("complete and valid; no secret was looked up"), "{left:?}");
    let looked = Case::new().flags(["answers", "validate", "--with-secrets"]).outcome(&[]);
    assert!(looked.stdout.ends_with("complete and valid\n"), "{looked:?}");
}

#[test]
fn a_part_of_the_answers_is_judged_alone() {
    let validate = |text: &str, flags: &[&str]| {
        let program = Program::new().args(["answers", "validate", "site.yml"]).args(flags.iter().copied());
        fs::write(program.work().join("site.yml"), format!("version: 1\n{text}"))
            .expect("the folder is ours");
        program.run()
    };
    for text in [
        "etcd: {namespace: seoul}\n",
        "name: seoul\netcd:\n  user: root\n",
        "database:\n  password: {env: SEOUL_PASSWORD}\n",
        // The whole may name other files than the defaults.
        "files: {environment: alembic.ini}\n",
        "images: {only: [mine]}\n",
    ] {
        let whole = validate(text, &[]);
        assert_eq!(whole.status, 3, "{text}: {whole:?}");
        let part = validate(text, &["--partial"]);
        assert_eq!((part.status, part.stderr.as_str()), (0, ""), "{text}: {part:?}");
        assert!(part.stdout.contains("are valid as a part"), "{part:?}");
    }
    for (text, code) in [
        ("etcd: {namespce: seoul}\n", "E-ANSWERS-KEY"),
        ("etcd: {namespace: a/b}\n", "E-ANSWERS-VALUE"),
        ("keypairs: {admin: a@b, user: a@b}\n", "E-ANSWERS-VALUE"),
        ("images: {metadata: no.yml, aliases: no.yml}\n", "E-FILE-READ"),
        ("etcd: [\n", "E-YAML-SYNTAX"),
    ] {
        let wrong = validate(text, &["--partial"]);
        assert!(wrong.status == 3 && wrong.stderr.contains(code), "{text}: {wrong:?}");
        assert!(!wrong.stderr.contains("has no value"), "{text}: {wrong:?}");
    }
}

//! Remedies of the command line, the answers and the secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::super::{Case, quiet_etcd};
use super::{Row, all, answer, as_it_is, by_hand, fix, flag, literal, out, shell, solved, value_of};

const VALUE: (i32, &str) = (3, "E-ANSWERS-VALUE");
const SECRET: (i32, &str) = (3, "E-ANSWERS-SECRET");

/// Sound answers, for a command that reads them all and writes nothing.
fn case() -> Case<'static> {
    Case::new().flags(["check", "etcd"])
}

fn with(key: &'static str, value: &'static str) -> impl FnOnce() -> Case<'static> {
    move || case().set(key, value)
}

/// The answer stands at another key than it should; the right one is guessed.
fn misplaced(name: &'static str, right: &'static str, wrong: &'static str) -> Row<'static> {
    let step = Box::new(move |case: Case<'static>, remedy: &str| {
        let key = literal(remedy, |_| true).to_owned();
        let value = case.answer(wrong).to_owned();
        (case.unset(wrong).set(&key, value), format!("`{key}` instead of `{wrong}`"))
    });
    let wrongly = move || {
        let case = case();
        let value = case.answer(right).to_owned();
        case.unset(right).set(wrong, value)
    };
    solved(name, (3, "E-ANSWERS-KEY"), wrongly, step)
}

#[test]
fn keys_and_values() {
    let told = all(vec![
        misplaced("a misspelt key", "etcd.endpoints", "etcd.endpoint"),
        misplaced("a key at the wrong depth", "etcd.namespace", "namespace"),
        solved(
            "a key like nothing",
            (3, "E-ANSWERS-KEY"),
            with("colour", "red"),
            by_hand("remove it", |case| case.unset("colour")),
        ),
        solved(
            "a key that is not built",
            (3, "E-ANSWERS-UNBUILT"),
            with("etcd.tls.ca", "ca.pem"),
            out(&["etcd.tls.ca"]),
        ),
        solved("another version", (3, "E-ANSWERS-VERSION"), with("version", "2"), answer(&[])),
        solved("no version", (3, "E-ANSWERS-VERSION"), || case().unset("version"), answer(&[])),
        solved(
            "text for a list",
            VALUE,
            || case().set("etcd.endpoints", quiet_etcd().endpoint.as_str()),
            value_of("etcd.endpoints", |it| it.starts_with('[')),
        ),
        solved(
            "an address of IPv6",
            VALUE,
            with("database.address", "\"::1\""),
            value_of("database.address", |it| it.starts_with("\"[::1]")),
        ),
        solved(
            "a URL",
            VALUE,
            with("database.address", "postgresql://db-01:5432/backend"),
            fix_address("write `host:port` here"),
        ),
        solved(
            "an unknown word",
            VALUE,
            with("storage.expect", "maybe"),
            value_of("storage.expect", |it| it == "directory"),
        ),
        solved(
            "a mode that is not built",
            VALUE,
            with("database.sslmode", "verify-full"),
            value_of("database.sslmode", |it| it == "prefer"),
        ),
        solved(
            "no e-mail address",
            VALUE,
            with("keypairs.admin", "root"),
            value_of("keypairs.admin", |it| it.contains('@')),
        ),
        solved("half a sign-in", VALUE, with("etcd.user", "root"), out(&["etcd.user"])),
        solved(
            "no value",
            VALUE,
            with("database.name", ""),
            by_hand("remove the line for the default", |case| case.unset("database.name")),
        ),
        solved(
            "null",
            VALUE,
            with("database.name", "null"),
            by_hand("remove the line for the default", |case| case.unset("database.name")),
        ),
        solved("a port alone", VALUE, with("database.address", "\":5432\""), fix_address("host")),
        solved(
            "an id in another form",
            VALUE,
            with("expect.etcd-cluster", "'not an id'"),
            Box::new(|case, remedy| {
                let command = literal(remedy, |it| it.starts_with("backendai-setup check etcd"));
                let id = Case::new().flags(command.split(' ').skip(1)).run().rung("etcd", "cluster");
                (case.set("expect.etcd-cluster", format!("'{id}'")), format!("`{command}` shows it"))
            }),
        )
        .then(0, ""),
        solved(
            "another id in another form",
            VALUE,
            with("expect.database-system", "'not an id'"),
            Box::new(|case, remedy| {
                let command = literal(remedy, |it| it.starts_with("backendai-setup check database"));
                let id = Case::new().flags(command.split(' ').skip(1)).run().rung("database", "system");
                (
                    case.flags(["check", "database"]).set("expect.database-system", format!("'{id}'")),
                    format!("`{command}` shows it"),
                )
            }),
        ),
        solved(
            "a missing answer: the flag",
            (3, "E-ANSWERS-MISSING"),
            || case().unset("etcd.namespace"),
            flag("--set", |_| vec![("VALUE", "local".into())]),
        ),
        solved(
            "a missing answer: the environment name",
            (3, "E-ANSWERS-MISSING"),
            || case().unset("etcd.namespace"),
            Box::new(|case, remedy| {
                let name = literal(remedy, |it| it.starts_with("BACKEND"));
                (case.env(name, "local"), format!("`{name}=local`"))
            }),
        ),
        solved(
            "a missing secret",
            (3, "E-ANSWERS-MISSING"),
            || case().unset("database.password").flags(["check", "database"]),
            Box::new(|case, remedy| {
                let password = case.database.password.clone();
                let written = literal(remedy, |it| it.starts_with("database.password: "));
                let (key, value) = written.split_once(": ").expect("a key and a value");
                (case.set(key, value).env("NAME", &password).secret(&password), format!("`{written}`"))
            }),
        ),
    ]);
    insta::assert_snapshot!(told);
}

/// The address is written as it should be; only a person knows it.
fn fix_address(words: &'static str) -> super::Step<'static> {
    by_hand(words, |case| {
        let address = case.database.address.clone();
        case.set("database.address", address)
    })
}

#[test]
fn secrets() {
    let password = |case: &Case| case.database.password.clone();
    let told = all(vec![
        solved(
            "an answers file that others can read",
            SECRET,
            || case().mode(0o644),
            Box::new(|case, remedy| {
                let (case, did) = shell("chmod")(case, remedy);
                (case.mode(0o600), did)
            }),
        ),
        solved(
            "a name that is not set",
            SECRET,
            || with("database.password", "{env: NOT_SET}")().flags(["check", "database"]),
            Box::new(move |case, remedy| {
                let name = remedy.split_whitespace().nth(1).expect("a name").to_owned();
                assert!(remedy.starts_with("export "), "{remedy}");
                let value = password(&case);
                (case.env(&name, &value), format!("exported {name}"))
            }),
        ),
        solved(
            "a file of a secret that others can read",
            SECRET,
            || {
                let case = case().flags(["check", "database"]);
                let password = case.database.password.clone();
                let case = case.file("secret", password);
                let path = case.work().join("secret");
                fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("the file is ours");
                case.set("database.password", "{file: secret}")
            },
            shell("chmod"),
        ),
        solved(
            "two names for one secret",
            SECRET,
            || {
                let case = case().unset("database.password").file("secret", "canary-twin");
                case.env("BACKEND_DB_PASSWORD", "canary-twin").env("BACKEND_DB_PASSWORD_FILE", "secret")
            },
            Box::new(|case, remedy| {
                let name = remedy.split([' ', ',']).nth(1).expect("a name").to_owned();
                assert!(remedy.starts_with("unset "), "{remedy}");
                (case.program(|program| program.without_env(&name)), format!("unset {name}"))
            }),
        ),
        solved(
            "a command as one text",
            SECRET,
            with("database.password", "{command: cat secret}"),
            Box::new(|case, remedy| {
                let form = literal(remedy, |it| it.starts_with("{command: "));
                let filled = form.replace("PROGRAM", "cat").replace("ARGUMENT", "secret");
                (
                    case.file("secret", "canary-command").set("database.password", &filled),
                    format!("`{filled}`"),
                )
            }),
        ),
        solved(
            "stdin for two secrets",
            SECRET,
            || {
                let case = case().set("etcd.user", "root").set("etcd.password", "{stdin: true}");
                let password = case.database.password.clone();
                let case = case.program(|program| program.stdin(password));
                case.set("database.password", "{stdin: true}").flags(["check", "etcd", "database"])
            },
            Box::new(|case, remedy| {
                let form = literal(remedy, |it| it.contains("{file: ")).replace("PATH", "secret");
                let (_, form) = form.split_once(": ").expect("a key and its value");
                (
                    case.file("secret", "canary-file").set("etcd.password", form),
                    format!("`etcd.password: {form}`"),
                )
            }),
        )
        .then(6, "E-ETCD-AUTH"),
        solved(
            "a password on the command line",
            SECRET,
            || {
                case()
                    .unset("database.password")
                    .also("--set")
                    .also("database.password=canary-typed")
                    .secret("canary-typed")
            },
            Box::new(|case, remedy| {
                let form = literal(remedy, |it| it.starts_with("{env: "));
                let case =
                    case.flags(["check", "etcd"]).set("database.password", form).env("NAME", "canary-named");
                (case, format!("`database.password: {form}`"))
            }),
        ),
        solved(
            "a person who is not there",
            (10, "E-NEEDS-ANSWERS"),
            || with("database.password", "{prompt: true}")().flags(["check", "database"]),
            Box::new(move |case, remedy| {
                let name = literal(remedy, |it| it.starts_with("BACKEND_")).to_owned();
                let value = password(&case);
                (
                    case.unset("database.password").env(&name, &value),
                    format!("set `{name}`, and took the line out"),
                )
            }),
        ),
        solved(
            "another address in the environment",
            (0, "W-ENV-DIFFERS"),
            || case().env("BACKEND_DB_ADDR", "elsewhere:5432"),
            Box::new(|case, remedy| {
                let name = remedy.split([' ', ',']).nth(1).expect("a name").to_owned();
                assert!(remedy.starts_with("unset "), "{remedy}");
                (case.program(|program| program.without_env(&name)), format!("unset {name}"))
            }),
        ),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn the_command_line() {
    let told = all(vec![
        solved(
            "a stage",
            (2, "E-USAGE"),
            || Case::new().flags(["run", "write-confg"]).unwatched(),
            Box::new(|case, remedy| {
                let stage = literal(remedy, |_| true);
                (case.flags(["run", stage]), format!("`run {stage}`"))
            }),
        ),
        solved(
            "a check",
            (2, "E-USAGE"),
            || Case::new().flags(["check", "ectd"]),
            Box::new(|case, remedy| {
                let check = literal(remedy, |_| true);
                (case.flags(["check", check]), format!("`check {check}`"))
            }),
        ),
        solved(
            "a code",
            (2, "E-USAGE"),
            || Case::new().flags(["explain", "E-DB-AUT"]).bare(),
            Box::new(|case, remedy| {
                let code = literal(remedy, |_| true);
                (case.flags(["explain", code]), format!("`explain {code}`"))
            }),
        ),
        solved(
            "no value",
            (2, "E-USAGE"),
            || case().also("--set").also("etcd.namespace"),
            Box::new(|case, remedy| {
                let form = literal(remedy, |it| it.starts_with("--set "));
                (
                    form.split(' ').fold(case.flags(["check", "etcd"]), |case, word| case.also(word)),
                    format!("`{form}`"),
                )
            }),
        ),
        solved(
            "no answers",
            (10, "E-NEEDS-ANSWERS"),
            || case().bare(),
            flag("--answers", |_| vec![("FILE", "answers.yml".into())]),
        ),
        solved(
            "nobody to confirm",
            (10, "E-NEEDS-CONFIRMATION"),
            || {
                // A stage that asks no server: the guide's may be there or not.
                Case::new().bare().unwatched().flags(["run", "write-config", "--development"])
            },
            flag("--yes", as_it_is),
        ),
        solved(
            "no state directory",
            (3, "E-STATE-DIR"),
            || {
                let case = Case::new().file("file", "").unwatched();
                case.env("BACKENDAI_SETUP_STATE_DIR", "file/state").flags(["run", "write-config"])
            },
            flag("--state-dir", |_| vec![("DIR", "state".into())]),
        ),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn files_that_are_read() {
    let told = all(vec![
        solved(
            "a file that is not there",
            (3, "E-FILE-READ"),
            || Case::new().flags(["check", "etcd", "--answers", "answer.yml"]),
            by_hand("check the spelling", |case| case.flags(["check", "etcd"])),
        ),
        solved(
            "a folder",
            (3, "E-FILE-READ"),
            || Case::new().flags(["check", "etcd", "--answers", "."]),
            by_hand("name the file in it", |case| case.flags(["check", "etcd"])),
        ),
        solved(
            "a list that is not there",
            (3, "E-FILE-READ"),
            || with("images.metadata", "nowhere.yml")().flags(["check", "images"]),
            fix("images.metadata", |case| {
                let list =
                    "images:\n  - {name: python, tags: [['3.6', abc]], slots: {cpu: 1, mem: 1, gpu: 0}}\n";
                fs::write(case.work().join("images.yml"), list).expect("the folder is ours");
                "images.yml".to_owned()
            }),
        ),
        solved(
            "a key twice",
            (3, "E-YAML-DUPLICATE"),
            || {
                let case = case();
                let twice =
                    format!("{}\nname: again\n", fs::read_to_string(case.save()).expect("it was saved"));
                case.text(twice)
            },
            by_hand("keep one of them", Case::without_text),
        ),
        solved(
            "a number for text",
            (3, "E-YAML-SCALAR"),
            with("database.name", "3.10"),
            value_of("database.name", |it| it.starts_with('"')),
        ),
        solved(
            "an open bracket",
            (3, "E-YAML-SYNTAX"),
            with("name", "[x"),
            by_hand("bracket", |case| case.set("name", "[x]")),
        )
        .then(3, "E-ANSWERS-VALUE"),
        solved(
            "a tag",
            (3, "E-YAML-UNSUPPORTED"),
            with("name", "!!python/str x"),
            by_hand("remove the tag", |case| case.set("name", "x")),
        ),
    ]);
    insta::assert_snapshot!(told);
}

//! Answers that are missing, misspelt, of the wrong kind or contradict each other.

use super::{Case, Row, Told, quiet_etcd, row, together};

/// One wrong answer: refused with its place, nothing touched.
fn wrong<'a>(
    name: &'static str,
    key: &'static str,
    value: &'static str,
    code: &'static str,
    says: &'a [&str],
) -> Row<'a> {
    row(name, move || Case::new().set(key, value).fails(3, code).names(says).names(&["answers.yml:"]))
}

pub fn refused(case: Case, code: &str, says: &[&str]) -> Told {
    case.fails(3, code).names(says)
}

#[test]
fn keys_and_values() {
    let rows = vec![
        wrong(
            "a misspelt key",
            "etcd.endpoint",
            "[a]",
            "E-ANSWERS-KEY",
            &["`etcd.endpoint`", "`etcd.endpoints`"],
        ),
        wrong(
            "a misspelt section",
            "databse.name",
            "x",
            "E-ANSWERS-KEY",
            &["`databse`", "did you mean `database`?"],
        ),
        wrong(
            "a key at the wrong depth",
            "namespace",
            "x",
            "E-ANSWERS-KEY",
            &["did you mean `etcd.namespace`?"],
        ),
        wrong(
            "a key with a letter of another script",
            "d\u{430}tabase.name",
            "x",
            "E-ANSWERS-KEY",
            &["write `database`", "only looks like it", "character 2 is U+0430, not U+0061"],
        ),
        wrong("a key like nothing", "colour", "red", "E-ANSWERS-KEY", &["`colour`", "remove it"]),
        wrong("another version", "version", "2", "E-ANSWERS-VERSION", &["`2`", "version: 1"]),
        wrong("a version as text", "version", "one", "E-ANSWERS-VERSION", &["version: 1"]),
        wrong("nothing", "etcd.namespace", "", "E-ANSWERS-VALUE", &["`etcd.namespace` has no value"]),
        wrong("null", "database.name", "null", "E-ANSWERS-VALUE", &["`database.name` is `null`"]),
        wrong("a tilde", "database.user", "~", "E-ANSWERS-VALUE", &["`database.user` is `~`"]),
        row("a section that is text", || {
            let case = Case::new().unset("storage.mount").unset("storage.expect").set("storage", "/mnt");
            refused(case, "E-ANSWERS-VALUE", &["`storage`", "a mapping", "answers.yml:"])
        }),
        wrong(
            "text for a list",
            "etcd.endpoints",
            "h:1",
            "E-ANSWERS-VALUE",
            &["`etcd.endpoints`", "a list", "[h:1]"],
        ),
        wrong("a list for text", "etcd.namespace", "[a]", "E-ANSWERS-VALUE", &["`etcd.namespace`", "a list"]),
        wrong("an empty list", "etcd.endpoints", "[]", "E-ANSWERS-VALUE", &["`etcd.endpoints`"]),
        wrong(
            "a number for text",
            "database.name",
            "3.10",
            "E-YAML-SCALAR",
            &["`database.name`", "\"3.10\""],
        ),
        wrong("a word of YAML 1.1", "etcd.namespace", "yes", "E-YAML-SCALAR", &["yes", "quote"]),
        wrong(
            "a URL",
            "database.address",
            "postgresql://h:1/x",
            "E-ANSWERS-VALUE",
            &["URL", "database.user"],
        ),
        wrong("https", "etcd.endpoints", "[\"https://h:1\"]", "E-ANSWERS-VALUE", &["https://"]),
        wrong(
            "the same endpoint twice",
            "etcd.endpoints",
            "[h:1, h:1]",
            "E-ANSWERS-VALUE",
            &["`h:1`", "twice"],
        ),
        wrong("a port too high", "database.address", "h:65536", "E-ANSWERS-VALUE", &["65535", "`h:65536`"]),
        wrong("an address of IPv6", "database.address", "\"::1\"", "E-ANSWERS-VALUE", &["brackets"]),
        wrong("a namespace with a slash", "etcd.namespace", "a/b", "E-ANSWERS-VALUE", &["`a/b`", "slash"]),
        wrong("a name too long", "database.name", LONG, "E-ANSWERS-VALUE", &["63 bytes"]),
        wrong("an unknown word", "storage.expect", "maybe", "E-ANSWERS-VALUE", &["`maybe`", "`elsewhere`"]),
        wrong(
            "a mode not built",
            "database.sslmode",
            "verify-full",
            "E-ANSWERS-VALUE",
            &["not supported", "`require`"],
        ),
        wrong("no address", "keypairs.admin", "root", "E-ANSWERS-VALUE", &["`root`", "admin@example.com"]),
        wrong("one owner twice", "keypairs.admin", "user@localhost", "E-ANSWERS-VALUE", &["keypairs.user"]),
        wrong("a folder for a file", "files.environment", "env/", "E-ANSWERS-VALUE", &["`env/`", "folder"]),
        wrong("half a sign-in", "etcd.user", "root", "E-ANSWERS-VALUE", &["etcd.password"]),
        wrong(
            "a key not built",
            "etcd.tls.ca",
            "ca.pem",
            "E-ANSWERS-UNBUILT",
            &["`etcd.tls.ca`", "not supported"],
        ),
        wrong(
            "two addresses for the manager",
            "etcd.manager-endpoint",
            "\"proxy:2379,other:2379\"",
            "E-ANSWERS-VALUE",
            &["`etcd.manager-endpoint`", "more than one address"],
        ),
        wrong(
            "no id of a cluster",
            "expect.etcd-cluster",
            "etcd-1",
            "E-ANSWERS-VALUE",
            &["`expect.etcd-cluster`", "check etcd"],
        ),
        wrong(
            "no system identifier",
            "expect.database-system",
            "db-01",
            "E-ANSWERS-VALUE",
            &["`expect.database-system`", "check database"],
        ),
        wrong(
            "an identifier without quotes",
            "expect.database-system",
            "7000000000000000001",
            "E-YAML-SCALAR",
            &["`expect.database-system`", "\"7000000000000000001\""],
        ),
    ];
    insta::assert_snapshot!(together(rows));
}

const LONG: &str = "a2345678901234567890123456789012345678901234567890123456789012345";

#[test]
fn missing_answers_are_listed_at_once() {
    let case = Case::new().text("version: 1\n");
    let told = case.fails(3, "E-ANSWERS-MISSING");
    let keys = ["etcd.namespace", "etcd.endpoints", "database.address", "database.user", "database.password"];
    assert_eq!(told.failures.len(), keys.len() + 1, "{:#?}", told.failures);
    let names =
        ["BACKEND_NAMESPACE", "BACKEND_DB_PASSWORD", "BACKENDAI_SETUP_STORAGE_MOUNT", "--set storage.mount"];
    let told = told.names(&keys).names(&names);
    insta::assert_snapshot!(told.text());

    // All kinds of problems of all files stand in one list.
    let case =
        case.text("version: 1\ncolour: red\n").file("second.yml", "version: 1\ndatabase: {name: 3.10}\n");
    let told =
        case.flags(["run", "--answers", "answers.yml", "--answers", "second.yml", "--set", "name="]).run();
    let codes: Vec<_> = told.failures.iter().filter_map(|failure| failure["code"].as_str()).collect();
    for code in ["E-ANSWERS-KEY", "E-YAML-SCALAR", "E-ANSWERS-VALUE", "E-ANSWERS-MISSING"] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
}

#[test]
fn secrets() {
    let told = together(vec![
        row("a literal secret that others can read", || {
            refused(
                Case::new().mode(0o644),
                "E-ANSWERS-SECRET",
                &["database.password", "chmod 600 answers.yml"],
            )
        }),
        row("a secret on the command line", || {
            let case =
                Case::new().secret("canary-in-ps").flags(["run", "--set", "database.password=canary-in-ps"]);
            refused(
                case,
                "E-ANSWERS-SECRET",
                &["--set database.password=…", "BACKEND_DB_PASSWORD", "process list"],
            )
        }),
        row("a name that is not set", || {
            let case = Case::new().set("database.password", "{env: NOT_SET}");
            refused(case, "E-ANSWERS-SECRET", &["`NOT_SET`", "export NOT_SET", "answers.yml:"])
        }),
        row("a file that is not there", || {
            let case = Case::new().set("database.password", "{file: nowhere}");
            refused(case, "E-ANSWERS-SECRET", &["`nowhere`", "database.password", "answers.yml:"])
        }),
        row("a folder", || {
            let case = Case::new().set("database.password", "{file: /}");
            refused(case, "E-ANSWERS-SECRET", &["`/` is a folder"])
        }),
        row("a file that is no text", || {
            let case = Case::new().set("database.password", "{file: secret}").file("secret", [0xff, 0xfe]);
            refused(case, "E-ANSWERS-SECRET", &["`secret` is not UTF-8"])
        }),
        row("an empty file", || {
            let case = Case::new().set("database.password", "{file: secret}").file("secret", "\n");
            refused(case, "E-ANSWERS-VALUE", &["`database.password`", "empty"])
        }),
        row("two lines", || {
            let case =
                Case::new().set("database.password", "{file: secret}").file("secret", "canary\nlines\n");
            refused(case.secret("lines"), "E-ANSWERS-VALUE", &["`database.password`", "line break"])
        }),
        row("a source that is not known", || {
            refused(Case::new().set("database.password", "{vault: x}"), "E-ANSWERS-SECRET", &["{env: NAME}"])
        }),
        row("a number", || {
            let case = Case::new().set("database.password", "8823719455");
            refused(case, "E-YAML-SCALAR", &["database.password", "quotes"])
        }),
        row("a control character", || {
            let case = Case::new().set("database.password", r#""canary\u0007bell""#).secret("bell");
            refused(case, "E-ANSWERS-VALUE", &["database.password", "control character"])
        }),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn files_that_do_not_read() {
    let text = |text: &'static str| Case::new().text(text);
    let told = together(vec![
        row("not there", || {
            refused(Case::new().flags(["run", "--answers", "nowhere.yml"]), "E-FILE-READ", &["`nowhere.yml`"])
        }),
        row("a folder", || refused(Case::new().flags(["run", "--answers", "."]), "E-FILE-READ", &["folder"])),
        row("no text", || {
            let case = Case::new().file("bytes", [b'a', 0xff]).flags(["run", "--answers", "bytes"]);
            refused(case, "E-FILE-READ", &["`bytes`", "UTF-8"])
        }),
        row("too large", || {
            let case = Case::new().file("large", vec![b'#'; 9 << 20]).flags(["run", "--answers", "large"]);
            refused(case, "E-FILE-READ", &["`large`", "8 MiB"])
        }),
        row("empty", || refused(text(""), "E-ANSWERS-VALUE", &["answers.yml:1:1", "version: 1"])),
        row("a list", || refused(text("- a\n"), "E-ANSWERS-VALUE", &["a mapping", "answers.yml:1:1"])),
        row("no version", || {
            refused(text("name: x\n"), "E-ANSWERS-VERSION", &["version: 1", "answers.yml:1:1"])
        }),
        row("an open bracket", || {
            refused(text("version: 1\nname: [x\n"), "E-YAML-SYNTAX", &["answers.yml:"])
        }),
        row("a tab as indentation", || {
            let case = text("version: 1\netcd:\n  namespace: local\n\tendpoints: [a]\n");
            refused(case, "E-YAML-SYNTAX", &["tab", "spaces", "answers.yml:4:1"])
        }),
        row("a tab at a secret", || {
            let case = text("version: 1\ndatabase:\n\tpassword: canary\n").secret("canary");
            refused(case, "E-YAML-SYNTAX", &["tab", "spaces", "answers.yml:3:1"])
        }),
        row("a key twice", || {
            refused(
                text("version: 1\nname: a\nname: b\n"),
                "E-YAML-DUPLICATE",
                &["`name`", "line 2", "answers.yml:3:1"],
            )
        }),
        row("a tag", || {
            refused(text("version: 1\nname: !!python/str x\n"), "E-YAML-UNSUPPORTED", &["answers.yml:2:7"])
        }),
        row("two documents", || {
            refused(text("version: 1\n---\nversion: 1\n"), "E-YAML-UNSUPPORTED", &["answers.yml:"])
        }),
        row("stdin", || {
            let case = Case::new().program(|program| program.stdin("version: 1\nname: null\n"));
            refused(case.flags(["run", "--answers", "-"]), "E-ANSWERS-VALUE", &["stdin:2:7"])
        }),
        row("stdin twice", || {
            let case = Case::new().flags(["run", "--answers", "-", "--answers", "-"]);
            case.fails(2, "E-USAGE").names(&["`--answers -`"])
        }),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn answers_from_several_places() {
    // Maps merge, later files win, lists are replaced; stdin is a file like any other.
    let case = Case::new().unset("database.password").set("etcd.endpoints", "[nosuchhost.invalid]");
    let (endpoint, password) = (&quiet_etcd().endpoint, case.database.password.clone());
    let second = format!(
        "version: 1\netcd: {{endpoints: ['{endpoint}']}}\ndatabase: {{password: {{file: secret}}}}\n"
    );
    let case = case
        .file("secret", format!("{password}\n"))
        .secret(&password)
        .program(|program| program.stdin(second));
    let both = ["check", "etcd", "database", "--answers", "answers.yml", "--answers", "-"];
    let told = case.flags(both).run();
    assert_eq!(told.status, 0, "{:#?}", told.failures);

    // A sourced environment of another cluster never redirects a run.
    let case = Case::new().flags(["check", "etcd", "database"]);
    let case = case
        .env("BACKEND_DB_ADDR", "nosuchhost.invalid:5432")
        .env("BACKEND_DB_PASSWORD", "canary-environment");
    let told = case.secret("canary-environment").warns("W-ENV-DIFFERS");
    let told = told.names(&[
        "`BACKEND_DB_ADDR`",
        "`database.address`",
        "`BACKEND_DB_PASSWORD`",
        "`database.password`",
    ]);
    let differs: Vec<_> = told.warnings.iter().filter(|warning| warning["code"] == "W-ENV-DIFFERS").collect();
    assert_eq!(differs.len(), 2, "{differs:#?}");
    insta::assert_snapshot!(told.text());

    // Where the files say nothing it fills the gap, secrets by name included.
    let case = Case::new().unset("database.name").unset("database.password");
    let (name, password) = (case.database.name.clone(), case.database.password.clone());
    let case = case.env("BACKEND_DB_NAME", &name).env("MY_PASSWORD", &password);
    let case =
        case.set("database.password", "{env: MY_PASSWORD}").secret(&password).flags(["check", "database"]);
    let told = case.run();
    assert_eq!((told.status, told.warnings.len()), (0, 0), "{:#?}", told.failures);
}

#[test]
fn an_address_that_is_understood_with_a_remark() {
    let case = Case::new().set("etcd.endpoints", format!("[\"http://{}/\"]", quiet_etcd().endpoint));
    let told =
        case.flags(["check", "etcd"]).warns("W-ANSWERS-NOTE").names(&["http://", &quiet_etcd().endpoint]);
    insta::assert_snapshot!(told.text());
}

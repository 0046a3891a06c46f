//! Image lists and fixtures that cannot be taken: refused with file and line, etcd untouched.

use super::{Case, Row, row, together};
use crate::servers::{Etcd, Postgres};

const SLOTS: &str = "slots: {cpu: 1, mem: 1.0, gpu: 0}";

fn image(fields: &str) -> String {
    format!("images:\n  - {{{fields}, {SLOTS}}}\n")
}

fn lists<'a>(
    name: &'static str,
    metadata: String,
    aliases: &'static str,
    code: &'static str,
    says: &'a [&str],
) -> Row<'a> {
    row(name, move || {
        let case = Case::new().set("images.metadata", "images.yml").set("images.aliases", "aliases.yml");
        case.file("images.yml", metadata).file("aliases.yml", aliases).fails(3, code).names(says)
    })
}

const NONE: &str = "aliases: []\n";
const PYTHON: &str = r#"name: python, tags: [["3.6", "abc"]]"#;

#[test]
fn image_lists() {
    let told = together(vec![
        lists("no list", "pictures: []\n".into(), NONE, "E-IMAGES-SHAPE", &["images.yml:1:1"]),
        lists("an image without tags", image("name: python"), NONE, "E-IMAGES-SHAPE", &["images.yml:2:5", "tags"]),
        lists("one half of an alias", image(PYTHON), "aliases:\n  - [py]\n", "E-IMAGES-SHAPE", &["aliases.yml:2:5"]),
        lists(
            "a fraction of a core",
            "images:\n  - name: python\n    tags: [[\"3.6\", \"abc\"]]\n    slots: {cpu: 1.5, mem: 1, gpu: 0}\n".into(),
            NONE,
            "E-IMAGES-VALUE",
            &["images.yml:4:18", "cpu", "1.5"],
        ),
        lists(
            "a tag that is a number",
            image("name: python, tags: [[3.10, \"abc\"]]"),
            NONE,
            "E-YAML-SCALAR",
            &["images.yml:2:", "\"3.10\""],
        ),
        lists(
            "one tag twice",
            image(r#"name: python, tags: [["3.6", "abc"], ["3.6", "def"]]"#),
            NONE,
            "E-IMAGES-DUPLICATE",
            &["images.yml:2:", "3.6"],
        ),
        lists(
            "aliases in a circle",
            image(PYTHON),
            "aliases:\n  - [a, b]\n  - [b, a]\n",
            "E-IMAGES-LOOP",
            &["aliases.yml:", "`a`", "`b`"],
        ),
        lists("an open quote", "images: [\"\n".into(), NONE, "E-YAML-SYNTAX", &["images.yml:"]),
        row("a list that is not there", || {
            Case::new().set("images.metadata", "nowhere.yml").fails(3, "E-FILE-READ").names(&["nowhere.yml`"])
        }),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn lists_with_a_remark() {
    let etcd = Etcd::start();
    let case = Case::on(&etcd, Postgres::shared())
        .set("images.metadata", "images.yml")
        .set("images.aliases", "aliases.yml");
    let case = case.set("etcd.namespace", "lists").unwatched();
    let case = case.file("images.yml", image(&format!("{PYTHON}, colour: red")));
    let case = case.file("aliases.yml", "aliases:\n  - [py, python:3.7]\n").flags(["run", "load-images"]);
    case.warns("W-IMAGES-FIELD").names(&["colour", "images.yml:2:"]);
    let alike =
        "{name: pyth\u{43e}n, tags: [[caf\u{e9}, d1], [cafe\u{301}, d2]], slots: {cpu: 1, mem: 1.0, gpu: 0}}";
    let twins = format!("{}  - {alike}\n", image(PYTHON));
    let case =
        case.file("images.yml", twins).file("aliases.yml", "aliases:\n  - [\u{ff50}ython, 'python:3.6']\n");
    let told = case.flags(["check", "images"]);
    told.warns("W-IMAGES-ALIKE").names(&[
        "The image `pyth\u{43e}n` looks like `python` (images.yml:2:",
        "character 5 is U+043E, not U+006F",
        "images.yml:3:",
    ]);
    for says in ["`cafe\u{301}` looks like `caf\u{e9}`", "The alias `\u{ff50}ython` looks like `python`"] {
        told.warns("W-IMAGES-ALIKE").names(&[says]);
    }
    let told = told.file("images.yml", image(PYTHON)).file("aliases.yml", "aliases:\n  - [py, python:3.7]\n");
    told.warns("W-IMAGES-DANGLING").names(&["python:3.7", "aliases.yml:2:"]);

    etcd.put("/sorna/lists/images/old", "1");
    let case = told
        .flags(["run", "load-images"])
        .file("images.yml", image(r#"name: python, tags: [["3.6", "new"]]"#));
    let outcome = case.outcome(&[]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    for word in ["W-IMAGES-LEFTOVER", "`images/old`", "--prune"] {
        assert!(outcome.stderr.contains(word), "{word} in {}", outcome.stderr);
    }
    assert!(etcd.get_all("/sorna/lists/").contains_key("/sorna/lists/images/old"));
}

fn fixture<'a>(name: &'static str, text: &'static str, says: &'a [&str]) -> Row<'a> {
    row(name, move || {
        let case = Case::new().secret("canary-secret").secret("P7oxTDdzHbEpUSs5v7r7EWj9yKstp8VpZ7SEyA-g");
        let case = case.file("mine.json", text).flags(["run", "--fixture", "mine.json"]);
        case.fails(3, "E-FIXTURE").names(says).names(&["mine.json:"])
    })
}

#[test]
fn fixtures() {
    let told = together(vec![
        fixture(
            "a published access key",
            r#"{"keypairs": [{"user_id": "a@b", "is_admin": true, "access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "canary-secret"}]}"#,
            &["`a@b`", "published"],
        ),
        fixture(
            "a published secret",
            r#"{"keypairs": [{"user_id": "a@b", "is_admin": true, "access_key": "AKIA1", "secret_key": "P7oxTDdzHbEpUSs5v7r7EWj9yKstp8VpZ7SEyA-g"}]}"#,
            &["`a@b`", "published"],
        ),
        fixture(
            "half a pair",
            r#"{"keypairs": [{"user_id": "a@b", "is_admin": true, "secret_key": "canary-secret"}]}"#,
            &["`a@b`", "`access_key`"],
        ),
        fixture("another table", r#"{"keypairs": [], "agents": []}"#, &["mine.json:1:18"]),
        fixture(
            "another field",
            r#"{"keypairs": [{"user_id": "a@b", "is_admin": true, "id": 1}]}"#,
            &["`id`"],
        ),
        fixture(
            "a field of the wrong kind",
            r#"{"keypairs": [{"user_id": "a@b", "is_admin": "no"}]}"#,
            &["is_admin"],
        ),
        fixture(
            "several faults in several rows",
            "keypairs:\n- user_id: a@b\n  rate_limit: many\n  colour: red\n- is_admin: true\n  num_queries: 1.5\n- {user_id: c@d, is_admin: true, access_key: 12, secret_key: 0x10, concurrency_limit: 3000000000}\n",
            &[
                "`rate_limit` of the row of `a@b`",
                "`colour`",
                "The row of `a@b` has no `is_admin`",
                "Row 2 has no `user_id`",
                "`num_queries` of row 2",
                "`access_key` of the row of `c@d`",
                "`secret_key` of the row of `c@d`",
                "`concurrency_limit` of the row of `c@d`",
                "mine.json:3:15",
            ],
        ),
        fixture("no address", r#"{"keypairs": [{"user_id": "root", "is_admin": true}]}"#, &["`root`"]),
        fixture(
            "one row twice",
            "keypairs:\n- {user_id: a@b, is_admin: true}\n- {user_id: a@b, is_admin: true}\n",
            &["`a@b`", "line 2", "mine.json:3:3"],
        ),
        fixture(
            "a key too long",
            r#"{"keypairs": [{"user_id": "a@b", "is_admin": true, "access_key": "AKIA56789012345678901", "secret_key": "canary-secret"}]}"#,
            &["`a@b`", "20"],
        ),
        fixture(
            "an address with what nobody sees",
            r#"{"keypairs": [{"user_id": "a\u200b@b", "is_admin": true}]}"#,
            &["`user_id`", "U+200B"],
        ),
        fixture(
            "a policy with what nobody sees",
            r#"{"keypairs": [{"user_id": "a@b", "is_admin": true, "resource_policy": "de\u202efault"}]}"#,
            &["`resource_policy` of the row of `a@b`", "U+202E (mark of the writing direction) at column 3"],
        ),
        fixture("no rows", r#"{"keypairs": []}"#, &["keypairs"]),
        fixture("a list", "[]", &["mapping"]),
    ]);
    insta::assert_snapshot!(told);
}

/// Whatever a name means, nothing waits for ever: `/proc/kmsg` passes for a plain file.
#[test]
fn only_files_and_pipes_of_the_shell_are_read() {
    for name in ["pipe", "/dev/zero", "/dev/ptmx", "/proc/kmsg", "/proc/self/environ", "socket", "."] {
        let case = || {
            // Looking at everything before and after would wait for the pipe.
            let case = Case::new().unwatched();
            let pipe = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(rustix::fs::CWD, case.work().join("pipe"), pipe, 0o600.into(), 0)
                .expect("a pipe");
            drop(std::os::unix::net::UnixListener::bind(case.work().join("socket")).expect("a socket"));
            case
        };
        case().bare().flags(["check", "--answers", name]).fails(3, "E-FILE-READ").names(&[name]);
        case().set("images.metadata", name).fails(3, "E-FILE-READ").names(&[name]);
        case().flags(["run", "--fixture", name]).fails(3, "E-FILE-READ").names(&[name]);
        let secret = format!("{{file: '{name}'}}");
        case().set("database.password", secret).fails(3, "E-ANSWERS-SECRET").names(&[name]);
    }
    // A pipe of the shell's own, by each of its names.
    for script in [
        r#"exec "$0" "$@" --answers <(sed '' answers.yml)"#,
        r#"sed '' answers.yml | "$0" "$@" --answers /dev/stdin"#,
        r#"sed '' answers.yml | "$0" "$@" --answers /proc/self/fd/0"#,
        r#"exec "$0" "$@" --answers /dev/fd/3 3<answers.yml"#,
    ] {
        let case = Case::new().bare().flags(["check", "images"]).under(["bash", "-c", script]);
        let told = case.run();
        assert_eq!(told.status, 0, "{script}: {:#?}", told.failures);
    }
}

//! Every code of the table is provoked by a test here, or there is a reason why it cannot be.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use backendai_setup::failure::Code;

/// Codes that no test here provokes.
const NOT_HERE: &[(&str, &str)] = &[
    ("E-INTERNAL", "a fault of the program: none is known that could be provoked"),
    ("E-DB-VERSION", "needs a PostgreSQL older than 9.6; the judgement has a unit test"),
    ("E-MOUNT-HUNG", "provoked by the tests of the meeting at the mount: a file system that nobody serves"),
    ("E-IMAGES-CIRCLE", "provoked by the tests of the etcd stages"),
    ("E-PLAN-STALE", "provoked by the tests of the stages: something foreign between the look and the write"),
    ("E-TARGET-OTHER", "provoked by the tests of the targets"),
    ("E-USER-IDS", "provoked by the tests of upgrades"),
    ("E-DB-ROWS", "provoked by the tests of upgrades: rows in the way"),
    ("E-DB-USAGE", "provoked by the tests of upgrades: rows that a step drops"),
    ("E-DB-USER-IDS", "provoked by the tests of upgrades: owners with numbers"),
    ("E-DB-TABLES", "provoked by the tests of upgrades: a session that holds a table"),
    ("W-DB-UPGRADE", "provoked by the tests of upgrades"),
    ("E-UNDO-NOTHING", "provoked by the tests of undo"),
    ("W-UNDO-KEPT", "provoked by the tests of undo"),
    ("E-PLAN-FILE", "provoked by the tests of saved plans: edited, of another release, from elsewhere"),
    ("E-ETCD-BUSY", "provoked by the tests of the locks: two runs at once"),
    ("E-LOCK-LOST", "provoked by the tests of the locks: a lease that is revoked"),
    ("E-KEYS-CHANGED", "provoked by the tests of the keypairs: two rotations at once"),
    ("E-DB-OWNER", "provoked by the tests of the schema: a repair by a guest"),
    ("W-DB-UNREPAIRED", "provoked by the tests of the schema: what would lose something stays"),
    ("E-KEYS-ALTERED", "provoked by the tests of the keypairs: a trigger that drops or changes a row"),
    ("W-KEYS-REMARK", "provoked by the tests of the keypairs: other administrators, limits of 0"),
    ("W-STATE-DIR", "provoked by the tests of the endings: a file system that is full"),
    ("E-EDITOR", "provoked by the tests of the wizard"),
    ("E-DEV-MISSING", "provoked by the tests of the development stack"),
    ("E-DEV-PORT", "provoked by the tests of the development stack"),
    (
        "E-DEV-BUSY",
        "two runs at once are in the tests of the development stack; a hung one would take minutes",
    ),
    ("E-DEV-START", "needs a server that breaks at its start"),
    ("E-DEV-STOP", "needs a process that even killing does not end"),
];

/// What `explain` is asked for to see what it thinks was meant.
const MISSPELT: &str = "E-DB-AUT";

/// Every string of the form `E-…` or `W-…` in a test's text.
pub fn codes_in(text: &str) -> BTreeSet<String> {
    text.split('"')
        .filter(|word| word.starts_with("E-") || word.starts_with("W-"))
        .filter(|word| word.len() > 4 && *word != MISSPELT)
        .filter(|word| word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_code_is_provoked_or_has_a_reason() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/failures");
    let mut provoked = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("this folder") {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|it| it == "rs")
            && path.file_name().is_some_and(|it| it != "coverage.rs")
        {
            provoked.extend(codes_in(&fs::read_to_string(path).expect("a file of tests")));
        }
    }
    // The table of addresses makes these of two halves.
    for kind in ["ETCD", "DB"] {
        for what in ["RESOLVE", "CONNECT", "TIMEOUT", "PROTOCOL"] {
            provoked.insert(format!("E-{kind}-{what}"));
        }
    }
    for code in &provoked {
        assert!(code.parse::<Code>().is_ok(), "a test expects `{code}`, which is no code");
    }
    let excused: BTreeSet<&str> = NOT_HERE.iter().map(|(code, _)| *code).collect();
    for code in Code::ALL.iter().map(|code| code.as_str()) {
        assert!(provoked.contains(code) || excused.contains(code), "no test provokes {code}");
        assert!(
            !(provoked.contains(code) && excused.contains(code)),
            "{code} is provoked: take its excuse out"
        );
    }
    for code in excused {
        assert!(code.parse::<Code>().is_ok(), "an excuse for `{code}`, which is no code");
    }
}

//! The command line: what is not known, what contradicts, and output that is lost.

use super::{Case, row, together};
use crate::servers::Program;

fn used<const N: usize>(flags: [&str; N]) -> Case<'static> {
    Case::new().flags(flags)
}

#[test]
fn words_that_are_not_known() {
    let told = together(vec![
        row("a stage", || {
            used(["run", "load-image"]).fails(2, "E-USAGE").names(&["`load-image`", "`load-images`?"])
        }),
        row("a stage like nothing", || {
            used(["run", "x"]).fails(2, "E-USAGE").names(&["`x`", "create-database"])
        }),
        row("from a stage", || used(["run", "--from", "schema"]).fails(2, "E-USAGE").names(&["`schema`"])),
        row("without a stage", || {
            used(["run", "--skip", "set-mont"]).fails(2, "E-USAGE").names(&["`set-mount`?"])
        }),
        row("no stage left", || {
            used(["run", "set-mount", "--skip", "set-mount"]).fails(2, "E-USAGE").names(&["--skip"])
        }),
        row("a check", || {
            used(["check", "databse"]).fails(2, "E-USAGE").names(&["`databse`", "`database`?"])
        }),
        row("a check with a letter of another script", || {
            used(["check", "\u{435}tcd"]).fails(2, "E-USAGE").names(&["write `etcd`", "U+0435, not U+0065"])
        }),
        row("a code", || used(["explain", "E-DB-AUT"]).bare().fails(2, "E-USAGE").names(&["`E-DB-AUTH`?"])),
        row("a flag that does nothing here", || {
            used(["--replace-mount", "status"]).fails(2, "E-USAGE").names(&["--replace-mount", "`run`"])
        }),
        row("a fixture that is not known", || {
            used(["run", "load-images", "--fixture", "x"]).fails(2, "E-USAGE").names(&["populate-fixtures"])
        }),
        row("no value", || {
            let case = used(["run", "--set", "canary-no-value"]).secret("canary-no-value");
            case.fails(2, "E-USAGE").names(&["KEY=VALUE"])
        }),
        row("a key", || {
            used(["run", "--set", "etcd.namespce=x"]).fails(3, "E-ANSWERS-KEY").names(&["`etcd.namespace`?"])
        }),
        row("no answers", || {
            used(["run"]).bare().fails(10, "E-NEEDS-ANSWERS").names(&["--answers FILE", "--development"])
        }),
        row("no answers to check", || {
            used(["check"]).bare().fails(10, "E-NEEDS-ANSWERS").names(&["--answers FILE"])
        }),
        row("nobody to confirm", || {
            used(["run", "--development"])
                .bare()
                .fails(10, "E-NEEDS-CONFIRMATION")
                .names(&["--yes", "--answers FILE"])
        }),
        row("a reset that nobody confirms", || {
            let case = Case::new().bare();
            let home = case.mount().display().to_string();
            let case = case.flags(["dev", "reset", "--dir", &home]);
            std::fs::write(case.mount().join("mine"), "").expect("the folder is ours");
            let told = case.run();
            assert!(case.mount().join("mine").exists(), "somebody else's file is gone");
            told.expect("E-DEV-HOME").names(&[home])
        }),
    ]);
    insta::assert_snapshot!(told);
}

/// Each says what to type instead.
#[test]
fn words_that_are_no_command() {
    let told = together(vec![
        row("a command cut short", || {
            used(["instal"]).bare().fails(2, "E-USAGE").names(&["`backendai-setup run`?"])
        }),
        row("a stage", || {
            used(["load-images"]).bare().fails(2, "E-USAGE").names(&["`backendai-setup run load-images`?"])
        }),
        row("a check", || {
            used(["etcd"]).bare().fails(2, "E-USAGE").names(&["`backendai-setup check etcd`?"])
        }),
        row("a code", || {
            used(["e-db-auth"]).bare().fails(2, "E-USAGE").names(&["`backendai-setup explain E-DB-AUTH`?"])
        }),
        row("a command of a command", || {
            used(["validate"]).bare().fails(2, "E-USAGE").names(&["`backendai-setup answers validate`?"])
        }),
        row("a command below a command", || {
            used(["dev", "start"]).bare().fails(2, "E-USAGE").names(&["`backendai-setup dev up`?"])
        }),
        row("help as a command", || {
            used(["help"]).bare().fails(2, "E-USAGE").names(&["`backendai-setup --help`?"])
        }),
        row("nothing like it", || used(["quux"]).bare().fails(2, "E-USAGE").names(&["run, check, plan"])),
        row("no command where one is due", || {
            used(["mount"]).bare().fails(2, "E-USAGE").names(&["offer, verify"])
        }),
        row("a file", || used(["site.yml"]).bare().fails(2, "E-USAGE").names(&["`--answers site.yml`"])),
        row("a second answers file", || {
            let case = used(["--answers", "a.yml", "b.yml"]);
            case.fails(2, "E-USAGE").names(&["`--answers b.yml`"])
        }),
        row("a second answers file to run", || {
            let case = used(["run", "--answers", "a.yml", "b.yml"]);
            case.fails(2, "E-USAGE").names(&["`--answers b.yml`"])
        }),
        row("a second answers file to plan", || {
            let case = used(["plan", "--answers", "a.yml", "sites/b"]);
            case.fails(2, "E-USAGE").names(&["`--answers sites/b`"])
        }),
        row("a second value to set", || {
            let case = used(["--set", "database.name=a", "database.user=b"]);
            case.fails(2, "E-USAGE").names(&["`--set database.user=VALUE`"])
        }),
        row("a secret to set", || {
            let case = used(["--set", "database.name=a", "database.password=canary"]).secret("canary");
            case.fails(2, "E-USAGE").names(&["{file: PATH}", "BACKEND_DB_PASSWORD"])
        }),
        row("a second code to accept", || {
            let case = used(["check", "--accept", "W-FILE-ALEMBIC", "E-DB-AUTH"]);
            case.fails(2, "E-USAGE").names(&["`--accept E-DB-AUTH`?"])
        }),
        row("a check where a stage is due", || {
            used(["run", "etcd"]).bare().fails(2, "E-USAGE").names(&["`check etcd`?"])
        }),
        row("a stage where a check is due", || {
            used(["check", "set-mount"]).fails(2, "E-USAGE").names(&["`run set-mount`?"])
        }),
        row("a word too many", || {
            used(["status", "etcd"]).fails(2, "E-USAGE").names(&["`status`", "`etcd`"])
        }),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn flags_that_cannot_be() {
    let told = together(vec![
        row("a negative limit", || {
            used(["check", "--timeout", "-1s"]).fails(2, "E-USAGE").names(&[
                "`-1s`",
                "at least 1 ms",
                "`30s`",
            ])
        }),
        row("a limit without a unit", || {
            used(["--wait", "30", "check"]).fails(2, "E-USAGE").names(&["`--wait`", "`30`", "`30s`"])
        }),
        row("a log file that is a stream", || {
            used(["check", "--log-file", "-"]).fails(2, "E-USAGE").names(&["`--log-file`", "`./-`"])
        }),
        row("a folder that is a stream", || {
            used(["images", "--copy-samples", "-"])
                .bare()
                .fails(2, "E-USAGE")
                .names(&["`--copy-samples`", "`./-`"])
        }),
        row("a flag of another command", || {
            used(["plan", "--yes"]).fails(2, "E-USAGE").names(&[
                "`plan` takes no `--yes`",
                "`run`",
                "`dev reset`",
            ])
        }),
        row("a flag of no command", || {
            used(["--plain", "run"]).fails(2, "E-USAGE").names(&["goes without a command"])
        }),
        row("a short flag", || used(["explain", "-v"]).bare().fails(2, "E-USAGE").names(&["`-v`", "`run`"])),
        row("a flag misspelt", || used(["check", "--strickt"]).fails(2, "E-USAGE").names(&["`--strict`?"])),
        row("a flag like nothing", || used(["check", "--quux"]).fails(2, "E-USAGE").names(&["check --help"])),
        row("a choice", || {
            used(["check", "--color", "red"])
                .fails(2, "E-USAGE")
                .names(&["`red`", "`auto`, `always`, `never`"])
        }),
        row("no value at the end", || {
            used(["run", "--from"]).bare().fails(2, "E-USAGE").names(&["`--from`"])
        }),
        row("two that contradict", || {
            used(["check", "--quiet", "-v"]).fails(2, "E-USAGE").names(&["`--quiet`", "`--verbose`"])
        }),
        row("a limit for nothing", || {
            used(["answers", "validate", "--timeout", "3s"]).fails(2, "E-USAGE").names(&["--with-secrets"])
        }),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn output_that_is_lost_is_told() {
    let program = Program::new().under(["sh", "-c", r#"exec "$0" "$@" >/dev/full"#]).args(["images"]);
    let outcome = program.run();
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert!(outcome.stderr.contains("E-OUTPUT"), "{outcome:?}");
    assert!("E-OUTPUT".parse::<backendai_setup::failure::Code>().is_ok());
}

#[test]
fn a_closed_stdout_is_no_failure() {
    for command in [vec!["images"], vec!["explain"], vec!["--help"], vec!["images", "--output", "json"]] {
        let program = Program::new().under(["sh", "-c", r#"exec "$0" "$@" >&-"#]).args(command.clone());
        let outcome = program.run();
        assert!(!outcome.stderr.contains("panicked"), "{command:?}: {outcome:?}");
        assert!([0, 1].contains(&outcome.status), "{command:?}: {outcome:?}");
    }
}

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
            used(["--replace-mount", "check"]).fails(2, "E-USAGE").names(&["--replace-mount", "`run`"])
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

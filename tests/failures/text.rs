//! What people see: a few runs as text, whole.

use std::fs;
use std::os::unix::fs::symlink;

use super::Case;
use crate::servers::{Etcd, Fake, Postgres};

/// Latencies, versions and free space differ from run to run and from machine to machine; checks are
/// told in the order in which they end.
fn steady(text: &str, case: &Case) -> String {
    let mut lines: Vec<String> = case.redacted(text).lines().map(numberless).collect();
    let is_check = |line: &String| line.starts_with("hh:mm:ss  check");
    let mut checks: Vec<String> = lines.extract_if(.., |line| is_check(line)).collect();
    checks.sort_by_key(|line| line.chars().skip(24).collect::<String>());
    let at = lines.iter().position(|line| !line.starts_with("hh:mm:ss")).unwrap_or(0);
    lines.splice(at..at, checks);
    lines.join("\n")
}

/// `N.N` for every number with a point; no latency at a line's end.
fn numberless(line: &str) -> String {
    let mut out = String::new();
    let mut number = String::new();
    for c in line.chars().chain([' ']) {
        if c.is_ascii_digit() || c == '.' {
            number.push(c);
            continue;
        }
        let whole = number.trim_end_matches('.');
        let shown =
            if whole.trim_start_matches('.').contains('.') { &number.replace(whole, "N.N") } else { &number };
        out.push_str(shown);
        number.clear();
        out.push(c);
    }
    let out = out.trim_end();
    let out = out.strip_suffix(" N.N ms").or(out.strip_suffix(" N.N s")).unwrap_or(out);
    out.trim_end().to_owned()
}

#[test]
fn a_check_that_finds_much() {
    let nobody = Fake::closed_port();
    let case = Case::new()
        .set("etcd.endpoints", format!("[{}]", nobody.address))
        .set("database.password", "canary-wrong");
    let case = case.set("storage.mount", "/nowhere/at-all").flags(["check"]);
    fs::create_dir(case.work().join("alembic")).expect("the folder is ours");
    symlink("elsewhere", case.work().join("manager.env")).expect("the folder is ours");
    let text = steady(&case.says(5), &case);
    insta::assert_snapshot!(
        text.replace(&nobody.address, "NOBODY").replace(&nobody.port.to_string(), "PORT")
    );
}

#[test]
fn a_run_that_does_not_start() {
    let case = Case::new().sql("postgres", "ALTER ROLE {user} NOCREATEDB").flags(["run"]);
    symlink("elsewhere", case.work().join("manager.env")).expect("the folder is ours");
    insta::assert_snapshot!(steady(&case.says(6), &case));
}

#[test]
fn a_plan_and_a_status_with_a_conflict() {
    let case = Case::new().created("CREATE TYPE agentstatus AS ENUM ('ALIVE')").file("manager.env", "X=1\n");
    let case = case.set("images.metadata", "images.yml").set("images.aliases", "aliases.yml");
    let case = case.file("images.yml", "images: []\n").file("aliases.yml", "aliases: []\n").flags(["plan"]);
    let plan = steady(&case.says(4), &case);
    let case = case.flags(["status"]);
    let status = steady(&case.says(9), &case);
    insta::assert_snapshot!(format!("{plan}\n\n{status}"));
}

#[test]
fn answers_that_lack_much() {
    let case = Case::new().text("version: 1\netcd:\n  endpoint: [a]\nstorage:\n  mount: mnt\n");
    insta::assert_snapshot!(case.says(3));
    let case = case.flags(["answers", "validate"]);
    assert_eq!(case.says(3), case.flags(["run"]).says(3));
}

/// What a server holds is shown, never obeyed: no face hands on a character that nobody sees.
#[test]
fn etcd_holds_what_nobody_sees() {
    let etcd = Etcd::start();
    let case = Case::on(&etcd, Postgres::shared()).set("etcd.namespace", "unseen");
    let odd = "/mnt/\u{1b}]0;title\u{7}a\u{202e}b\u{200b}c\u{9b}31m";
    etcd.put("/sorna/unseen/volumes/_mount", odd);
    let is_raw = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{200b}' | '\u{202e}'));
    for (flags, status) in [(&["run", "set-mount"][..], 4), (&["plan"], 4), (&["status"], 9)] {
        let case =
            Case::on(&etcd, Postgres::shared()).set("etcd.namespace", "unseen").flags(flags.iter().copied());
        let text = case.says(status);
        assert!(text.contains("\\u{202e}") && text.contains("\\u{1b}"), "{text}");
        assert!(!text.contains(is_raw), "{text:?}");
        let json = case.outcome(&["--output", "json"]).stdout;
        assert!(!json.contains(is_raw), "{json:?}");
    }
    // A change tells scripts the value as it is.
    let case = case.flags(["plan", "--replace-mount"]);
    let outcome = case.outcome(&["--output", "json"]);
    assert!(!outcome.stdout.contains(is_raw), "{:?}", outcome.stdout);
    let plan = outcome.stdout.lines().find(|line| line.contains("\"type\":\"plan\"")).expect("a plan");
    let plan: serde_json::Value = serde_json::from_str(plan).expect("JSON");
    assert_eq!(plan["stages"][2]["changes"][0]["old"], odd);
}

/// What etcd holds with a slash at its end can be set: the remedy leads on, word for word.
#[test]
fn a_mount_with_a_slash_at_its_end() {
    let etcd = Etcd::start();
    let case = Case::on(&etcd, Postgres::shared()).set("etcd.namespace", "slash").flags(["run", "set-mount"]);
    let held = format!("{}/", case.mount().display());
    etcd.put("/sorna/slash/volumes/_mount", &held);
    case.fails(4, "E-MOUNT-FOREIGN").names(&[format!("set `storage.mount: {held}`")]);
    let case = case.set("storage.mount", &held);
    let told = case.run();
    assert_eq!(told.status, 0, "{:#?}", told.failures);
    assert_eq!(etcd.get_all("/sorna/slash/volumes/_mount").values().next(), Some(&held));
}

/// What PostgreSQL says, with characters that nobody sees, reaches text and JSON spelt out.
#[test]
fn postgresql_says_what_nobody_sees() {
    let case = Case::new().created("").flags(["run", "install-schema"]);
    let case = case.sql(
        "{name}",
        "CREATE FUNCTION odd() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
           IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.vfolders') \
           THEN RAISE EXCEPTION USING MESSAGE = U&'odd \\001b]0;title \\202e turned \\200b end'; END IF; END $$; \
         CREATE EVENT TRIGGER odd ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION odd()",
    );
    let is_raw = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{200b}' | '\u{202e}'));
    let text = case.says(4);
    for word in ["E-DB-REFUSED", "odd \\u{1b}]0;title \\u{202e} turned \\u{200b} end"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    assert!(!text.contains(is_raw), "{text:?}");
    let json = case.outcome(&["--output", "json"]).stdout;
    assert!(json.contains("turned") && !json.contains(is_raw), "{json:?}");
}

//! `schema show`, `stamp` and `repair`.

use backendai_setup::guides::september_2018::GUIDE;

use super::catalog::{database, recording, server};
use super::drift::{changed, program, run};
use crate::servers::Outcome;

const HEAD: &str = "f9971fbb34d9";

fn redacted(outcome: &Outcome, name: &str) -> String {
    let text = format!("[{}]\n{}{}", outcome.status, outcome.stdout, outcome.stderr);
    let text = text.replace(name, "DATABASE").replace(&server().address(), "POSTGRES");
    let text = text.replace(&server().host, "HOST");
    let rules = [
        (r"(?m)^\d\d:\d\d:\d\d", "hh:mm:ss"),
        (r"(?m)^transcript .*$", "transcript TRANSCRIPT"),
        (r"in \d+(\.\d+)? m?s", "in TIME"),
        (r"\d+\.\d+ s\b", "TIME"),
    ];
    rules.into_iter().fold(text, |text, (pattern, shown)| {
        regex::Regex::new(pattern).expect("a pattern").replace_all(&text, shown).into_owned()
    })
}

fn stamps(name: &str) -> String {
    server()
        .psql(name, "SELECT string_agg(coalesce(version_num, 'NULL'), ' ') FROM alembic_version")
        .trim()
        .to_owned()
}

#[test]
fn show_tells_what_a_database_is() {
    let mut told = String::new();
    let cases = [
        ("the head", GUIDE.schema.statements.to_owned(), Some(HEAD)),
        ("an older revision", recording(15), Some("26d0c387e764")),
        ("no stamp", recording(12), None),
        ("nothing", String::new(), None),
        (
            "drift",
            format!(
                "{}\nDROP INDEX ix_agents_region; CREATE INDEX ON keypairs (last_used);",
                GUIDE.schema.statements
            ),
            Some(HEAD),
        ),
    ];
    for (at, (title, sql, stamp)) in cases.into_iter().enumerate() {
        let name = format!("show_{at}");
        database(&name, &sql);
        if let Some(stamp) = stamp {
            server().psql(&name, &format!("INSERT INTO public.alembic_version VALUES ('{stamp}')"));
        }
        told += &format!("## {title}\n{}\n", redacted(&run(&name, &["schema", "show"]), &name));
    }
    insta::assert_snapshot!(told);
    let result = run("show_1", &["schema", "show", "--output", "json"]).result("schema");
    assert_eq!((result["revision"].as_str(), result["number"].as_u64()), (Some("26d0c387e764"), Some(15)));
    assert_eq!((result["breaking"].as_u64(), result["ahead"].as_array().map(Vec::len)), (Some(0), Some(3)));
    let missing = run("not_there", &["schema", "show"]);
    assert_eq!(missing.status, 4, "{missing:?}");
}

/// Every recording without its stamp is known, told by `check`, and stamped by the command that the message names.
#[test]
fn tables_without_a_stamp_are_known() {
    for revision in GUIDE.schema.chain {
        let name = format!("unstamped_{}", revision.number);
        database(&name, &recording(revision.number));
        let told = run(&name, &["check", "database"]);
        assert_eq!(told.status, 4, "{told:?}");
        let command = format!("schema stamp {}", revision.id);
        assert!(told.stdout.contains(&command), "{}", told.stdout);
        let stamped = run(&name, &["schema", "stamp", &revision.id[..5], "--yes"]);
        assert_eq!(stamped.status, 0, "{stamped:?}");
        assert_eq!(stamps(&name), revision.id);
        let again = run(&name, &["schema", "stamp", revision.id, "--yes"]);
        assert!(again.stderr.contains("changed=0 unchanged=1"), "{}", again.stderr);
        let diff = run(&name, &["schema", "diff"]);
        assert_eq!(diff.status, 0, "{diff:?}");
    }
}

#[test]
fn a_stamp_that_does_not_fit_is_refused() {
    let mut told = String::new();
    let cases = [
        ("another revision", recording(12), "185852ff9872"),
        ("an earlier revision, of which all is there", recording(12), "c3e74dcf1808"),
        (
            "no revision",
            format!("{}\nALTER TABLE public.keypairs DROP COLUMN is_admin;", recording(18)),
            HEAD,
        ),
        ("nothing to stamp", String::new(), HEAD),
        ("no such revision", String::new(), "0123456789ab"),
    ];
    for (at, (title, sql, revision)) in cases.into_iter().enumerate() {
        let name = format!("misfit_{at}");
        database(&name, &sql);
        let before = server().snapshot(&name);
        let outcome = run(&name, &["schema", "stamp", revision, "--yes"]);
        assert!(matches!(outcome.status, 2 | 4), "{title}: {outcome:?}");
        assert_eq!(server().snapshot(&name), before, "{title}");
        told += &format!("## {title}\n{}\n", redacted(&outcome, &name));
    }
    insta::assert_snapshot!(told);
}

/// What stands in `alembic_version` and cannot be right: each has a code of its own, and its remedy works.
#[test]
fn a_stamp_that_is_wrong_is_put_right() {
    let mut told = String::new();
    let wrong = [
        ("E-DB-REVISION", "UPDATE alembic_version SET version_num = '0123456789ab'"),
        ("E-DB-REVISIONS", "INSERT INTO alembic_version VALUES ('185852ff9872')"),
        (
            "E-DB-REVISION-NULL",
            "ALTER TABLE alembic_version DROP CONSTRAINT alembic_version_pkc, ALTER version_num DROP NOT NULL; UPDATE alembic_version SET version_num = NULL",
        ),
    ];
    for (code, sql) in wrong {
        let name = changed("fresh_head", sql);
        let check = run(&name, &["check", "database"]);
        assert_eq!(check.status, 4, "{check:?}");
        let line = check
            .stdout
            .lines()
            .find(|line| line.contains(code))
            .unwrap_or_else(|| panic!("{code}: {check:?}"));
        told += &format!("## {code}\n{}\n", line.trim().replace(&name, "DATABASE"));
        assert!(check.stdout.contains(&format!("schema stamp {HEAD}")), "{}", check.stdout);
        let stamped = run(&name, &["schema", "stamp", HEAD, "--yes"]);
        assert_eq!((stamped.status, stamps(&name).as_str()), (0, HEAD), "{stamped:?}");
        assert_eq!(run(&name, &["check", "database"]).status, 0);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn nobody_is_asked_without_a_terminal() {
    let name = changed("fresh_head", "DROP INDEX ix_agents_region");
    for words in [&["schema", "repair"][..], &["schema", "stamp", HEAD]] {
        let outcome = run(&name, words);
        assert_eq!(outcome.status, 10, "{outcome:?}");
        assert!(outcome.stderr.contains("--yes"), "{}", outcome.stderr);
    }
}

/// The dump of a database, each table's lines in one order: a column that came back stands at the end.
fn dump(name: &str) -> String {
    let dump = server().dump(name);
    let mut statements: Vec<String> = dump
        .split(";\n")
        .map(|statement| {
            let mut lines: Vec<&str> = statement.lines().map(|line| line.trim_end_matches(',')).collect();
            if statement.contains("CREATE TABLE") {
                lines.sort_unstable();
            }
            lines.join("\n")
        })
        .collect();
    statements.sort();
    statements.join("\n")
}

/// Everything that comes back without a loss.
const REPAIRED: &[&str] = &[
    "ALTER TABLE keypairs DROP COLUMN rate_limit",
    "ALTER TABLE keypairs DROP COLUMN num_queries",
    "ALTER TABLE agents DROP COLUMN addr",
    "ALTER TABLE agents DROP COLUMN region",
    "ALTER TABLE vfolder_permissions DROP COLUMN access_key",
    "ALTER TABLE kernels DROP COLUMN environ",
    "ALTER TABLE keypairs DROP COLUMN is_active, DROP COLUMN is_admin",
    "DROP INDEX ix_keypairs_user_id",
    "DROP INDEX ix_kernels_unique_sess_token",
    "ALTER TABLE vfolder_invitations DROP CONSTRAINT pk_vfolder_invitations",
    "ALTER TABLE vfolder_attachment DROP CONSTRAINT pk_vfolder_attachment",
    "ALTER TABLE keypairs DROP CONSTRAINT pk_keypairs CASCADE",
    "ALTER TABLE vfolder_attachment DROP CONSTRAINT fk_vfolder_attachment_kernel_kernels",
    "ALTER TABLE keypairs ALTER COLUMN num_queries DROP DEFAULT",
    "ALTER TABLE vfolders ALTER COLUMN id DROP DEFAULT",
    "ALTER TABLE agents ALTER COLUMN addr DROP NOT NULL",
    "DROP EXTENSION \"uuid-ossp\" CASCADE",
    "ALTER TABLE keypairs ALTER COLUMN secret_key TYPE varchar(20)",
    "ALTER TABLE keypairs ALTER COLUMN num_queries TYPE text",
    "ALTER TABLE kernels ALTER COLUMN repl_in_port TYPE bigint",
    "ALTER TABLE kernels ALTER COLUMN cpu_slot TYPE integer",
    "ALTER TABLE kernels ALTER COLUMN terminated_at TYPE timestamp",
    "DROP INDEX ix_kernels_unique_sess_token; ALTER TABLE kernels ALTER COLUMN status TYPE varchar USING status::text",
    "ALTER TABLE kernels ALTER COLUMN terminated_at SET NOT NULL",
    "ALTER TABLE keypairs ALTER COLUMN is_admin SET DEFAULT true",
    "DROP INDEX ix_agents_region; CREATE INDEX ix_agents_region ON agents (addr)",
    "DROP INDEX ix_keypairs_user_id; CREATE UNIQUE INDEX ix_keypairs_user_id ON keypairs (user_id)",
    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_agents_status'::regclass",
    "ALTER TABLE vfolder_permissions DROP CONSTRAINT fk_vfolder_permissions_vfolder_vfolders, ADD CONSTRAINT fk_vfolder_permissions_vfolder_vfolders FOREIGN KEY (vfolder) REFERENCES vfolders",
    "ALTER TABLE vfolders DROP CONSTRAINT fk_vfolders_belongs_to_keypairs, ADD CONSTRAINT fk_vfolders_belongs_to_keypairs FOREIGN KEY (belongs_to) REFERENCES keypairs NOT VALID",
    "ALTER TABLE agents ALTER COLUMN status TYPE text; DROP TYPE agentstatus; CREATE TYPE agentstatus AS ENUM ('ALIVE', 'RESTARTING', 'TERMINATED'); ALTER TABLE agents ALTER COLUMN status TYPE agentstatus USING status::agentstatus",
    "ALTER TABLE vfolder_invitations SET UNLOGGED",
];

#[test]
fn what_loses_nothing_is_put_back() {
    let head = dump(&changed("fresh_head", ""));
    let wrong: Vec<String> = REPAIRED
        .iter()
        .filter_map(|sql| {
            let name = changed("fresh_head", &format!("{sql};"));
            let outcome = run(&name, &["schema", "repair", "--yes"]);
            let is_right = outcome.status == 0 && dump(&name) == head;
            let diff = run(&name, &["schema", "diff"]);
            (!is_right || diff.status != 0)
                .then(|| format!("{sql}\n{}{}{}", outcome.stdout, outcome.stderr, diff.stdout))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), REPAIRED.len(), wrong.join("\n"));
    let again = run(&changed("fresh_head", ""), &["schema", "repair", "--yes"]);
    assert!(again.stderr.contains("changed=0 unchanged=1"), "{again:?}");
}

/// Rows that stand in the way of each.
const ROWS: &str = "INSERT INTO keypairs (access_key, user_id, rate_limit) VALUES ('A', 'a', 1), ('B', 'a', NULL); \
    INSERT INTO agents VALUES ('i-1', 'ALIVE', 'local', 1, 1.5, 0, 0, 0, 0, 'tcp://a:1');";

#[test]
fn what_would_lose_something_stays() {
    let cases = [
        ("a column that needs a value", "ALTER TABLE agents DROP COLUMN region"),
        (
            "a value that is NULL",
            "ALTER TABLE agents ALTER addr DROP NOT NULL; UPDATE agents SET addr = NULL",
        ),
        (
            "a row that refers to nothing",
            "ALTER TABLE vfolders DROP CONSTRAINT fk_vfolders_belongs_to_keypairs; INSERT INTO vfolders (host, name, belongs_to) VALUES ('h', 'n', 'NOBODY')",
        ),
        (
            "rows that are alike",
            "ALTER TABLE keypairs DROP CONSTRAINT pk_keypairs CASCADE; UPDATE keypairs SET access_key = 'A'",
        ),
        (
            "a text that is no number",
            "ALTER TABLE keypairs ALTER rate_limit TYPE text; UPDATE keypairs SET rate_limit = 'many'",
        ),
        (
            "a number that is too large",
            "ALTER TABLE kernels ALTER repl_in_port TYPE bigint; INSERT INTO kernels (role, agent_addr, mem_slot, cpu_slot, gpu_slot, repl_in_port, repl_out_port, stdin_port, stdout_port) VALUES ('master', 'a', 1, 1, 0, 3000000000, 2, 3, 4)",
        ),
        ("a dropped table", "DROP TABLE vfolder_permissions"),
        (
            "a trigger of others",
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER refuse BEFORE INSERT ON keypairs FOR EACH ROW EXECUTE FUNCTION refuse()",
        ),
        ("a renamed column", "ALTER TABLE keypairs RENAME secret_key TO secret"),
        (
            "one of two",
            "DROP INDEX ix_agents_region; ALTER TABLE keypairs ADD CONSTRAINT c CHECK (user_id <> '')",
        ),
    ];
    let mut told = String::new();
    for (title, sql) in cases {
        let name = changed("fresh_head", &format!("{ROWS} {sql};"));
        let outcome = run(&name, &["schema", "repair", "--yes"]);
        assert!(matches!(outcome.status, 0 | 4), "{title}: {outcome:?}");
        let diff = run(&name, &["schema", "diff"]);
        assert_eq!(diff.status, 9, "{title}: {diff:?}");
        told += &format!("## {title}\n{}\n", redacted(&outcome, &name));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn only_an_owner_repairs() {
    let name = changed("fresh_head", "DROP INDEX ix_agents_region");
    let user = format!("guest_{name}");
    let password = "canary-guest-secret";
    server().psql(&name, &format!("CREATE ROLE {user} LOGIN PASSWORD '{password}'"));
    let guest = || program(&name).env("BACKEND_DB_USER", &user).env("BACKEND_DB_PASSWORD", password);
    let refused = guest().args(["schema", "repair", "--yes"]).run();
    // The revision cannot be read without a right on alembic_version.
    assert_eq!(refused.status, 6, "{refused:?}");
    server().psql(
        &name,
        &format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}"),
    );
    let refused = guest().args(["schema", "repair", "--yes"]).run();
    assert!(refused.stderr.contains("E-DB-OWNER"), "{refused:?}");
    let (_, remedy) = refused.stderr.split_once("as a superuser: ").expect("a remedy");
    server().psql(&name, remedy.lines().next().expect("a line"));
    let repaired = guest().args(["schema", "repair", "--yes"]).run();
    assert_eq!(repaired.status, 0, "{repaired:?}");
}

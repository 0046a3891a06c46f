//! A schema at the head that somebody changed: `check`, `plan`, `status` and `run` name what breaks the manager, and the
//! statements that put it right.

use super::{Case, row, schema::at_head, together};
use crate::servers::Postgres;

/// What the manager does to its tables as its own user, by unqualified names.
const WORK: &str = "INSERT INTO keypairs (user_id, access_key, secret_key, is_active, is_admin, concurrency_limit, \
    concurrency_used, rate_limit) VALUES ('m@example.com', 'AKIAMANAGER', repeat('s', 40), true, false, 30, 0, 1000); \
    INSERT INTO agents VALUES ('i-1', 'ALIVE', 'local', 1, 1, 0, 0, 0, 0, 'tcp://a:1'); \
    INSERT INTO vfolders (host, name, belongs_to) VALUES ('local', 'data', 'AKIAMANAGER'); \
    INSERT INTO kernels (role, agent_addr, mem_slot, cpu_slot, gpu_slot, repl_in_port, repl_out_port, stdin_port, \
    stdout_port, status, access_key) VALUES ('master', 'tcp://a:1', 1, 1, 0, 1, 2, 3, 4, 'RUNNING', 'AKIAMANAGER'); \
    UPDATE keypairs SET num_queries = num_queries + 1; DELETE FROM kernels; DELETE FROM vfolders; \
    DELETE FROM agents; DELETE FROM keypairs WHERE access_key = 'AKIAMANAGER'";

/// Can the manager work?
pub fn works(case: &Case<'_>) -> Result<String, String> {
    case.database.psql(&case.database.name, WORK)
}

/// The statements of a remedy, carried out word for word by the superuser in this database.
pub fn follow(case: &Case<'_>, remedy: &str) {
    let (_, sql) = remedy.rsplit_once("superuser: ").unwrap_or_else(|| panic!("no statement in {remedy}"));
    for sql in sql.split("; ") {
        Postgres::shared().psql(&case.database.name, sql);
    }
}

/// Green before, changed, named, put right.
fn drifted(sql: &str, names: &[&str]) -> super::Told {
    let case = at_head(Case::new()).flags(["check", "database"]);
    works(&case).expect("the manager can work");
    let case = case.sql("{name}", sql);
    let told = case.fails(4, "E-DB-SHAPE").names(names);
    follow(&case, &told.remedy());
    assert_eq!(case.run().status, 0, "after {}", told.remedy());
    works(&case).unwrap_or_else(|error| panic!("{error} after {}", told.remedy()));
    told
}

#[test]
fn what_breaks_the_manager_is_named_and_put_right() {
    let told = together(vec![
        row("a column is dropped", || {
            drifted("ALTER TABLE keypairs DROP COLUMN rate_limit", &["`keypairs`", "`rate_limit`"])
        }),
        row("a column has another name", || {
            drifted("ALTER TABLE keypairs RENAME secret_key TO secret", &["`secret_key`", "`secret`"])
        }),
        row("a column of somebody else's takes no empty value", || {
            drifted(
                "ALTER TABLE keypairs ADD COLUMN \"Team-Id\" integer NOT NULL DEFAULT 1; \
                 ALTER TABLE keypairs ALTER COLUMN \"Team-Id\" DROP DEFAULT",
                &["`Team-Id`", "`keypairs`", "NOT NULL"],
            )
        }),
        row("a column of ours takes no empty value", || {
            drifted(
                "ALTER TABLE kernels ALTER COLUMN terminated_at SET NOT NULL",
                &["`terminated_at`", "NOT NULL"],
            )
        }),
        row("a column is too short", || {
            drifted(
                "ALTER TABLE keypairs ALTER COLUMN secret_key TYPE varchar(20)",
                &["character varying(20)"],
            )
        }),
        row("a column has another type", || {
            drifted(
                "ALTER TABLE keypairs ALTER COLUMN num_queries TYPE text",
                &["`num_queries`", "text", "integer"],
            )
        }),
        row("an id has no default", || {
            drifted("ALTER TABLE vfolders ALTER COLUMN id DROP DEFAULT", &["`id`", "uuid_generate_v4()"])
        }),
        row("the primary key is dropped", || {
            drifted(
                "ALTER TABLE keypairs DROP CONSTRAINT pk_keypairs CASCADE",
                &["primary key", "(access_key)"],
            )
        }),
        row("a value of an enum type has another name", || {
            drifted(
                "ALTER TYPE agentstatus RENAME VALUE 'ALIVE' TO 'UP'",
                &["`agentstatus`", "`ALIVE`", "`UP`"],
            )
        }),
        row("several", || {
            drifted(
                "ALTER TABLE keypairs DROP COLUMN num_queries, DROP COLUMN last_used; \
                 ALTER TABLE agents ALTER COLUMN lost_at SET NOT NULL",
                &["`num_queries`", "`last_used`", "`lost_at`"],
            )
        }),
        row("what cannot be put back", || {
            let case = at_head(Case::new()).flags(["check", "database"]);
            let case = case.sql("{name}", "ALTER TABLE agents DROP COLUMN region");
            case.fails(4, "E-DB-SHAPE").names(&["`region`", "restore a backup"])
        }),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn one_truth_about_the_shape() {
    for (command, status) in [("check", 4), ("plan", 4), ("status", 9), ("run", 4)] {
        let case = at_head(Case::new()).sql("{name}", "ALTER TABLE keypairs DROP COLUMN secret_key");
        let told = case.flags([command]).fails(status, "E-DB-SHAPE");
        let codes: Vec<_> = told.failures.iter().filter_map(|failure| failure["code"].as_str()).collect();
        assert_eq!(codes, ["E-DB-SHAPE"], "{command}: one cause, one message");
    }
}

#[test]
fn what_does_no_harm_is_not_a_word_worth() {
    let case = at_head(Case::new()).sql(
        "{name}",
        "ALTER TABLE keypairs ADD COLUMN note text, ADD COLUMN team int NOT NULL DEFAULT 1, \
         ADD COLUMN number bigint GENERATED BY DEFAULT AS IDENTITY, ALTER COLUMN secret_key TYPE text, \
         ALTER COLUMN user_id TYPE varchar; ALTER TYPE agentstatus ADD VALUE 'ASLEEP'; \
         ALTER TABLE agents ALTER COLUMN region SET DEFAULT 'amazon/ap-northeast-2', ALTER COLUMN first_contact SET NOT NULL; \
         ALTER TABLE kernels ALTER COLUMN sess_id SET DEFAULT uuid_generate_v4(); \
         CREATE TABLE keypairs_old (a int NOT NULL); \
         REVOKE USAGE ON TYPE agentstatus, kernelstatus FROM PUBLIC",
    );
    let case = case.flags(["check", "database"]);
    assert_eq!(case.run().status, 0);
    works(&case).expect("the manager can work");
}

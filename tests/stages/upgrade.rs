//! `install-schema` on a database with a past: from every recorded revision to the head.

use std::fs;
use std::path::Path;

use backendai_setup::guides::september_2018::GUIDE;

use super::old::{Old, recorded, revision, rows, rows_at_head};
use crate::servers::Postgres;

const RUN: &str = "run install-schema --set database.user-ids=direct";

/// The schema is that of the last recording, at the head.
fn is_upgraded(old: &Old) {
    assert_eq!(old.dump(), recorded(18));
    assert_eq!(old.stamp(), GUIDE.schema.head);
}

#[test]
fn the_chain_is_the_recorded_one() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/schema/chain.tsv");
    let text = fs::read_to_string(file).expect("golden data");
    let theirs: Vec<_> =
        text.lines().map(|line| line.split('\t').take(3).collect::<Vec<_>>().join(" ")).collect();
    let ours: Vec<_> =
        GUIDE.schema.chain.iter().map(|it| format!("{:02} {} {}", it.number, it.id, it.title)).collect();
    assert_eq!(ours, theirs);
}

#[test]
fn each_step_makes_the_recorded_schema() {
    let (postgres, database) = (Postgres::shared(), Postgres::shared().database());
    postgres.psql("postgres", &format!("CREATE DATABASE {}", database.name));
    for revision in GUIDE.schema.chain {
        for statement in revision.statements() {
            postgres.psql(&database.name, statement.sql);
        }
        assert_eq!(postgres.dump(&database.name), recorded(revision.number), "{}", revision.id);
    }
}

#[test]
fn every_revision_is_upgraded_with_its_rows() {
    for number in 1..=17 {
        let old = Old::at(number, &rows(number));
        let from = revision(number).id;
        let outcome = old.ends(RUN, 0, &["old changed=1 unchanged=0 failed=0 skipped=0"]);
        is_upgraded(&old);
        let (one, two) = if number < 14 { ("1", "7") } else { ("one@example.com", "seven@example.com") };
        assert_eq!(old.rows(), rows_at_head(number, one, two), "{from}");
        for told in
            [format!("database at revision {from} detected"), "revision f9971fbb34d9 stamped".to_owned()]
        {
            assert!(outcome.stderr.contains(&told), "{from}: {told}\n{}", outcome.stderr);
        }
        for step in GUIDE.schema.way_from(revision(number)) {
            assert!(outcome.stderr.contains(&format!("{}: ", step.id)), "{}: {}", step.id, outcome.stderr);
        }
        let before = old.everything();
        old.ends(RUN, 0, &["old changed=0 unchanged=1 failed=0 skipped=0"]);
        assert!(before == old.everything(), "{from}: a second run moved something");
    }
}

#[test]
fn the_end_of_the_chain_is_at_the_head() {
    let old = Old::at(18, &rows(18));
    let before = old.everything();
    old.ends("run install-schema", 0, &["old changed=0 unchanged=1"]);
    assert!(before == old.everything());
}

/// Nobody is asked about owners where there is none with a number.
#[test]
fn owners_matter_where_they_have_numbers() {
    for sql in ["", "INSERT INTO keypairs (access_key) VALUES ('AKIANONE')"] {
        let old = Old::at(13, sql);
        old.ends("run install-schema", 0, &["changed=1"]);
        is_upgraded(&old);
    }
    let old = Old::at(14, &rows(14));
    old.ends("run install-schema", 0, &["changed=1"]);
    is_upgraded(&old);
}

#[test]
fn owners_get_the_names_of_a_file() {
    let old = Old::at(1, &rows(1));
    let before = old.everything();
    let told = ["E-DB-USER-IDS", "2 numbers (1, 7)", "database.user-ids: direct", "{map: FILE}"];
    for command in ["run install-schema", "check database"] {
        old.ends(command, 4, &told);
    }
    let mapped = "run install-schema --set database.user-ids=map:users.txt";
    old.ends(mapped, 3, &["E-FILE-READ", "users.txt", "database.user-ids"]);
    old.write("users.txt", "1 one@example.com\n");
    old.ends(mapped, 4, &["E-DB-USER-IDS", "`users.txt` has no name for 1 number", ": 7"]);
    old.write("users.txt", "1 one\n7\nx y\n1 uno\n");
    let refused = old.ends(mapped, 3, &["E-USER-IDS", "users.txt:2", "users.txt:3", "lines 1 and 4"]);
    assert!(!refused.stderr.contains("x y"), "what stands in a wrong file is not told");
    assert!(before == old.everything(), "something was touched");

    old.write("users.txt", "1 it's \\one\r\n7 seven@example.com\n9 of nobody\n");
    let plan = old.plan("--set database.user-ids=map:users.txt", &["names for 2 numbers"]);
    assert!(plan.stdout.contains("('1', E'it''s \\\\one')"), "{}", plan.stdout);
    old.ends(mapped, 0, &["changed=1"]);
    is_upgraded(&old);
    assert_eq!(old.rows(), rows_at_head(1, "it's \\one", "seven@example.com"));
}

/// What a name is where keypairs are made in the same run: the one that the upgrade gives.
#[test]
fn keypairs_are_made_beside_those_that_are_there() {
    let files = "--set files.alembic-ini=none --set files.environment=none";
    let stages =
        format!("run install-schema populate-fixtures --set database.user-ids=map:users.txt {files}");
    let old = Old::at(3, &rows(3));
    old.write("users.txt", "1 user@localhost\n7 seven@example.com\n");
    let outcome = old.ends(&stages, 0, &["old changed=2", "1 keypair made, 1 keypair kept"]);
    is_upgraded(&old);
    assert!(!outcome.stderr.contains("planned anew"), "{}", outcome.stderr);
    let pairs = "SELECT user_id, is_admin FROM keypairs WHERE user_id LIKE '%localhost' ORDER BY 1";
    assert_eq!(old.sql(pairs), "admin@localhost|t\nuser@localhost|f\n");
    assert!(fs::read_to_string(old.path("keypairs.yml")).expect("a file").contains("canary-one"));

    let published = "INSERT INTO keypairs (user_id, access_key, secret_key, concurrency_limit, concurrency_used, rate_limit) \
                     VALUES (2, 'AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 1, 0, 1)";
    let old = Old::at(5, published);
    let before = old.everything();
    let stages = format!("run install-schema populate-fixtures --set database.user-ids=direct {files}");
    old.ends(&stages, 4, &["E-KEYS-PUBLISHED"]);
    assert!(before == old.everything(), "something was touched");
    old.ends(&format!("{stages} --replace-published-keys"), 0, &["changed=2"]);
    is_upgraded(&old);
}

const AGENT: &str = "INSERT INTO agents (id, mem_slots, cpu_slots, gpu_slots, used_mem_slots, used_cpu_slots, used_gpu_slots, addr) \
                     VALUES ('i-1', 1, 1, 0, 0, 0, 0, 'x')";

/// Rows that would stop a step are found before, all at once, and nothing is touched.
#[test]
fn rows_in_the_way_are_found_before() {
    let usage = "INSERT INTO usage (kernel_type) VALUES ('python3'), ('r3'), ('lua5')";
    let kernel = "INSERT INTO kernels (lang) VALUES ('python')";
    let keypair = "INSERT INTO keypairs (user_id, access_key) VALUES (1, 'AKIAONE')";
    let twins = rows(4).replace("'TERMINATED'", "'RUNNING'");
    let cases: [(usize, &str, &[&str]); 6] = [
        (1, usage, &["E-DB-USAGE", "table `usage` has 3 rows", "7ea324d0535b drops it", "--drop-usage"]),
        (
            1,
            &format!("{usage}; {kernel}; {keypair}"),
            &[
                "E-DB-USAGE",
                "--drop-usage",
                "1 row of table `kernels` has no value",
                "1 number (1)",
                "DELETE FROM public.kernels;",
            ],
        ),
        (
            2,
            AGENT,
            &[
                "E-DB-ROWS",
                "1 row of table `agents`",
                "`status` of revision 0f3bc98edaa0",
                "DELETE FROM public.agents;",
            ],
        ),
        (
            2,
            &format!(
                "{AGENT}; {kernel}; INSERT INTO vfolders (host, name, belongs_to) SELECT 'h', 'n', access_key FROM keypairs"
            ),
            &[
                "E-DB-ROWS",
                "DELETE FROM public.vfolder_attachment; DELETE FROM public.kernels; DELETE FROM public.agents;",
            ],
        ),
        (
            3,
            "INSERT INTO kernels (agent_addr, cpu_slot, gpu_slot, mem_slot, repl_in_port, repl_out_port, stdin_port, stdout_port) \
             VALUES ('x', 1, 0, 1, 1, 1, 1, 1)",
            &["E-DB-ROWS", "`role` of revision 854bd902b1bc"],
        ),
        (
            4,
            &twins,
            &[
                "E-DB-ROWS",
                "1 group of rows in table `kernels` is alike in access_key, sess_id",
                "babc74594aa6",
            ],
        ),
    ];
    for (number, sql, words) in cases {
        let old = Old::at(number, sql);
        let before = old.everything();
        old.ends("run install-schema", 4, words);
        old.ends("check database", 4, words);
        assert!(before == old.everything(), "{number}: something was touched");
    }
}

/// The remedies, as they stand there.
#[test]
fn what_is_in_the_way_can_be_cleared() {
    let old = Old::at(1, "INSERT INTO usage (kernel_type) VALUES ('python3')");
    let plan = old.plan("--drop-usage", &["table usage, with its 1 row"]);
    assert!(plan.stdout.contains("- 7ea324d0535b: table usage"), "{}", plan.stdout);
    old.ends("run install-schema --drop-usage", 0, &["changed=1"]);
    is_upgraded(&old);
    let old = Old::at(2, AGENT);
    old.own("DELETE FROM public.vfolder_attachment; DELETE FROM public.kernels; DELETE FROM public.agents;");
    old.ends("run install-schema", 0, &["changed=1"]);
    is_upgraded(&old);
    let old = Old::at(4, &rows(4).replace("'TERMINATED'", "'RUNNING'"));
    old.own("UPDATE kernels SET status = 'TERMINATED' WHERE max_mem_bytes = 98");
    old.ends(RUN, 0, &["changed=1"]);
    is_upgraded(&old);
}

/// A user who does not own the tables is told so before anything, and how to become their owner.
#[test]
fn only_an_owner_upgrades() {
    let old = Old::at(12, &rows(12));
    let (name, user) = (&old.database.name, &old.database.user);
    old.sql("ALTER TABLE agents OWNER TO postgres; ALTER TABLE kernels OWNER TO postgres");
    old.sql(&format!("GRANT ALL ON agents, kernels TO {user}"));
    let before = old.everything();
    let words = ["E-DB-OWNER", "do not belong to", "`agents` is `postgres`'s"];
    old.ends(RUN, 6, &words);
    old.ends("check database", 6, &words);
    assert!(before == old.everything(), "something was touched");
    let remedy = format!(
        "in database \"{name}\", as a superuser: ALTER TABLE public.\"agents\" OWNER TO \"{user}\"; \
         ALTER TABLE public.\"kernels\" OWNER TO \"{user}\""
    );
    let told = old.ends(RUN, 6, &[&remedy]);
    let (_, sql) = told.stderr.split_once("as a superuser: ").expect("a remedy");
    old.sql(sql.lines().next().expect("a line"));
    old.ends(RUN, 0, &["changed=1"]);
    is_upgraded(&old);
}

#[test]
fn a_schema_that_is_not_its_revision_is_left_alone() {
    for (number, sql, word) in [
        (12, "DROP TABLE vfolder_attachment", "table `vfolder_attachment` is missing"),
        (
            12,
            "CREATE TABLE vfolder_invitations ()",
            "it has table `vfolder_invitations`, which later revisions make",
        ),
    ] {
        let old = Old::at(number, sql);
        let before = old.everything();
        old.ends(RUN, 4, &["E-DB-SHAPE", word]);
        assert!(before == old.everything(), "something was touched");
    }
}

/// An upgrade says beforehand that it cannot be undone, and undo says why it keeps it.
#[test]
fn it_cannot_be_undone() {
    let old = Old::at(16, &rows(16));
    let name = old.database.name.clone();
    let dump = format!(
        "pg_dump -h 127.0.0.1 -p {} -U {} {name} > {name}-1fa6a31ea8e3.sql",
        old.database.port, old.database.user
    );
    let words = ["W-DB-UPGRADE", "by 2 revisions", "cannot be undone", &dump];
    old.plan("", &words);
    old.ends("run install-schema --strict", 4, &words);
    let state = "--state-dir state";
    old.ends(&format!("run install-schema --strict --accept W-DB-UPGRADE {state}"), 0, &words[..3]);
    is_upgraded(&old);
    let before = old.everything();
    old.ends(
        &format!("undo --yes {state}"),
        0,
        &["upgraded it from 1fa6a31ea8e3 to f9971fbb34d9", "restore the dump"],
    );
    assert!(before == old.everything(), "something was touched");
}

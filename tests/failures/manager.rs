//! Green means that the manager's own session could use it: everything that is certain to fail it, or the run,
//! is found by the check, and its remedy leads on.

use super::{
    Case, Session, Told,
    drift::works,
    row,
    schema::{OWNED, at_head},
    together,
};
use crate::servers::{Etcd, PATIENCE, Postgres, wait_until};

/// The check as it is now.
fn check(case: Case<'_>) -> Case<'_> {
    case.flags(["check", "database"])
}

/// The remedy in the message, carried out word for word by the superuser in this database.
fn follow(case: &Case<'static>, told: &Told, database: &str) {
    let remedy = told.remedy();
    let sql = remedy.rsplit_once("superuser: ").map_or(remedy.as_str(), |(_, sql)| sql);
    Postgres::shared().psql(database, sql);
    let told = case.run();
    assert_eq!(told.status, 0, "after `{sql}`: {:#?}", told.failures);
    if told.rung("database", "database").contains("at the head") {
        works(case).unwrap_or_else(|error| panic!("{error} after `{sql}`"));
    }
}

/// The schema of another owner, on which the user has this right alone.
fn owned_by_another(right: &str) -> Case<'static> {
    let case = at_head(Case::new()).sql("{name}", "REASSIGN OWNED BY {user} TO postgres");
    check(if right.is_empty() { case } else { case.sql("{name}", right) })
}

#[test]
fn what_the_managers_session_could_not_use() {
    let followed = |case: Case<'static>, status, code: &str, names: &[&str]| {
        let name = case.database.name.clone();
        let told = case.fails(status, code).names(names);
        follow(&case, &told, &name);
        told
    };
    let told = together(vec![
        row("no right on the tables", move || {
            followed(
                owned_by_another("GRANT SELECT ON alembic_version TO {user}"),
                6,
                "E-DB-RIGHTS",
                &["GRANT SELECT", "kernels"],
            )
        }),
        row("a right on some tables", move || {
            let grant = "GRANT ALL ON agents, keypairs, kernels TO {user}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}";
            followed(
                owned_by_another(grant),
                6,
                "E-DB-RIGHTS",
                &["GRANT SELECT, INSERT, UPDATE, DELETE", "vfolders"],
            )
        }),
        row("the revision may not be read", move || {
            followed(owned_by_another(""), 6, "E-DB-RIGHTS", &["alembic_version"])
        }),
        row("no way into the schema", move || {
            let grant = "GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}; REVOKE USAGE ON SCHEMA public FROM PUBLIC";
            followed(owned_by_another(grant), 6, "E-DB-RIGHTS", &["GRANT USAGE ON SCHEMA public"])
        }),
        row("no right to make ids", move || {
            let revoke = "REVOKE EXECUTE ON FUNCTION uuid_generate_v4() FROM PUBLIC";
            let case = check(at_head(Case::new()).sql("{name}", revoke));
            assert!(works(&case).expect_err("ids are denied").contains("uuid_generate_v4"));
            followed(case, 6, "E-DB-RIGHTS", &["GRANT EXECUTE ON FUNCTION", "uuid_generate_v4()"])
        }),
        row("no way to the schema of the function", move || {
            let apart = "CREATE SCHEMA apart; ALTER EXTENSION \"uuid-ossp\" SET SCHEMA apart; REVOKE ALL ON SCHEMA apart FROM PUBLIC";
            let case = at_head(Case::new()).sql("{name}", apart);
            let path = "ALTER ROLE {user} IN DATABASE {name} SET search_path = public, apart";
            followed(
                check(case.sql("postgres", path)),
                6,
                "E-DB-RIGHTS",
                &["GRANT USAGE ON SCHEMA \"apart\""],
            )
        }),
        row("no right to make ids, before the schema is there", move || {
            let case = Case::new().created("CREATE EXTENSION \"uuid-ossp\"");
            let case = case.sql("{name}", "REVOKE EXECUTE ON FUNCTION uuid_generate_v4() FROM PUBLIC");
            followed(check(case), 6, "E-DB-RIGHTS", &["GRANT EXECUTE ON FUNCTION", "uuid_generate_v4()"])
        }),
        row("no way into the schema, before it is there", move || {
            let case = Case::new().sql("postgres", "CREATE DATABASE {name}");
            let case = case.sql(
                "{name}",
                "GRANT CREATE ON SCHEMA public TO {user}; REVOKE USAGE ON SCHEMA public FROM PUBLIC",
            );
            followed(check(case), 6, "E-DB-RIGHTS", &["GRANT USAGE, CREATE ON SCHEMA public", "ON DATABASE"])
        }),
        row("a number from a sequence of somebody else's", move || {
            let case = owned_by_another("GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}");
            let case = case.sql("{name}", "CREATE SEQUENCE \"Teams\"; ALTER TABLE keypairs ADD COLUMN team int NOT NULL DEFAULT nextval('\"Teams\"')");
            assert!(works(&case).expect_err("the number is denied").contains("Teams"));
            followed(case, 6, "E-DB-RIGHTS", &["GRANT USAGE ON SEQUENCE public.\"Teams\""])
        }),
        row("another search path", move || {
            let case = at_head(Case::new()).sql("postgres", "ALTER ROLE {user} SET search_path = elsewhere");
            followed(check(case), 4, "E-DB-SEARCH-PATH", &["search_path", "keypairs", "uuid_generate_v4()"])
        }),
        row("a table of the same name comes first", move || {
            let case = at_head(Case::new())
                .sql("{name}", "CREATE SCHEMA AUTHORIZATION {user} CREATE TABLE keypairs (a int)");
            followed(check(case), 4, "E-DB-SEARCH-PATH", &["keypairs"])
        }),
        row("another search path, before the schema is there", move || {
            let case =
                Case::new().created("").sql("postgres", "ALTER ROLE {user} SET search_path = elsewhere");
            followed(check(case), 4, "E-DB-SEARCH-PATH", &["public"])
        }),
        row("a table of the same name would come first, before the schema is there", move || {
            let case = Case::new()
                .created("")
                .sql("{name}", "CREATE SCHEMA AUTHORIZATION {user} CREATE TABLE keypairs (a int)");
            followed(check(case), 4, "E-DB-SEARCH-PATH", &["keypairs"])
        }),
        row("row security", move || {
            let case = owned_by_another("GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}")
                .sql("{name}", "ALTER TABLE keypairs ENABLE ROW LEVEL SECURITY");
            followed(case, 4, "E-DB-SHAPE", &["row security", "keypairs"])
        }),
        row("read-only sessions", move || {
            let case = Case::new()
                .created("")
                .sql("postgres", "ALTER ROLE {user} SET default_transaction_read_only = on");
            followed(check(case), 4, "E-DB-READONLY", &["default_transaction_read_only"])
        }),
        row("too few connections for the role", move || {
            let case = Case::new().created("").sql("postgres", "ALTER ROLE {user} CONNECTION LIMIT 3");
            followed(check(case), 5, "E-DB-FULL", &["CONNECTION LIMIT -1"])
        }),
        row("too few connections for the database", move || {
            let case = Case::new().created("").sql("postgres", "ALTER DATABASE {name} CONNECTION LIMIT 3");
            followed(check(case), 5, "E-DB-FULL", &["ALTER DATABASE"])
        }),
        row("a revision that is NULL", || {
            let case = Case::new().created("CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES (NULL)");
            check(case).fails(4, "E-DB-REVISION-NULL").names(&["NULL"])
        }),
        row("a server that may not be asked who it is", move || {
            // Rights on a function are those of one database.
            let revoked = || {
                let revoke = "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public";
                check(Case::new().created("").sql("{name}", revoke))
            };
            let told = revoked().run();
            assert_eq!(told.status, 0, "nothing is expected: {:#?}", told.failures);
            let system =
                Postgres::shared().psql("postgres", "SELECT system_identifier FROM pg_control_system()");
            let case = revoked().set("expect.database-system", format!("'{}'", system.trim()));
            followed(case, 6, "E-DB-RIGHTS", &["expect.database-system"])
        }),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn what_is_in_the_way_of_the_schema() {
    let clash = |sql: &str, what: &str| {
        let case = check(Case::new().created(sql));
        case.fails(4, "E-DB-CLASH").names(&[what, "database.name"])
    };
    let told = together(vec![
        row("a sequence", move || clash("CREATE SEQUENCE kernels", "sequence `kernels`")),
        row("a composite type", move || {
            clash("CREATE TYPE kernelstatus AS (a int)", "composite type `kernelstatus`")
        }),
        row("an index", move || {
            clash(
                "CREATE TABLE own (a int); CREATE INDEX ix_kernels_status ON own (a)",
                "index `ix_kernels_status`",
            )
        }),
        row("the index of a constraint", move || {
            clash("CREATE TABLE own (a int CONSTRAINT pk_agents PRIMARY KEY)", "index `pk_agents`")
        }),
        row("a function", move || {
            clash(
                "CREATE FUNCTION uuid_generate_v4() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'",
                "function `uuid_generate_v4`",
            )
        }),
    ]);
    insta::assert_snapshot!(told);
}

/// The list of names that the check looks for is the list of names that the schema makes.
#[test]
fn every_relation_of_the_schema_is_known() {
    let case = at_head(Case::new());
    let sql = "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public' ORDER BY 1";
    let there = Postgres::shared().psql(&case.database.name, sql);
    let mut known = backendai_setup::guides::september_2018::GUIDE.schema.head_relations();
    known.sort_unstable();
    assert_eq!(there.lines().collect::<Vec<_>>(), known);
}

/// The extension may be in any schema on the search path.
#[test]
fn an_extension_elsewhere_on_the_path_is_fine() {
    let case = Case::new().unwatched();
    let case = case.created("CREATE SCHEMA apart; CREATE EXTENSION \"uuid-ossp\" WITH SCHEMA apart");
    let case = case.sql("postgres", "ALTER ROLE {user} IN DATABASE {name} SET search_path = public, apart");
    let case = case.flags(["run", "create-database", "install-schema", "populate-fixtures"]);
    let told = case.run();
    assert_eq!(told.status, 0, "{:#?}", told.failures);
    let default = "SELECT column_default FROM information_schema.columns WHERE table_name = 'kernels' AND column_name = 'id'";
    assert_eq!(Postgres::shared().psql(&case.database.name, default), "apart.uuid_generate_v4()\n");
}

/// Names that SQL takes in quotes alone.
#[test]
fn remedies_quote_what_needs_it() {
    let case = Case::new();
    let (role, base) =
        (format!("My-User {}", case.database.user), format!("Back \"End\" {}", case.database.name));
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let postgres = Postgres::shared();
    postgres.psql("postgres", &format!("CREATE ROLE {} LOGIN PASSWORD 'canary-quoted'", quoted(&role)));
    postgres.psql("postgres", &format!("CREATE DATABASE {}", quoted(&base)));
    let head = include_str!("../../migrations/head.sql");
    postgres.psql(&base, &format!("{head}; INSERT INTO alembic_version VALUES ('f9971fbb34d9')"));
    postgres.psql(&base, "REVOKE EXECUTE ON FUNCTION uuid_generate_v4() FROM PUBLIC");
    let case =
        check(case.set("database.user", format!("'{role}'")).set("database.name", format!("'{base}'")));
    let case = case.set("database.password", "canary-quoted");
    // All that is missing is named by one remedy or the next, until the manager can work.
    for round in 0.. {
        let told = case.run();
        if told.status == 0 {
            break;
        }
        assert!(round < 3, "{:#?}", told.failures);
        let remedy = told.expect("E-DB-RIGHTS").remedy();
        let (who, sql) = remedy.rsplit_once("superuser: ").expect("a superuser may do it");
        assert!(who.starts_with(&format!("in database {}", quoted(&base))), "{who}");
        postgres.psql(&base, sql);
    }
    postgres.psql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", quoted(&base)));
    postgres.psql("postgres", &format!("DROP ROLE {}", quoted(&role)));
}

/// An expired password is refused as a wrong one is.
#[test]
fn an_expired_password_is_named() {
    let case = check(Case::new().created("").sql("postgres", "ALTER ROLE {user} VALID UNTIL '2018-07-01'"));
    let remedy = case.fails(6, "E-DB-AUTH").names(&["expired"]).remedy();
    let sql = |begins: &str| {
        let literal = remedy.split('`').find(|literal| literal.starts_with(begins)).expect("a statement");
        Postgres::shared().psql("postgres", literal)
    };
    sql("ALTER ROLE");
    assert_eq!(case.run().status, 0);
}

/// The numbers of a limit are those of the server.
#[test]
fn the_limits_of_connections_are_true() {
    let settings = [("max_connections", "12"), ("superuser_reserved_connections", "3")];
    let server = Postgres::start_with(&[], &settings);
    let case = check(Case::on(super::quiet_etcd(), &server).created("")).unwatched();
    let name = case.database.name.clone();
    let mut open: Vec<_> = (0..6).map(|_| Session::open(&case.database, &name, "SELECT 1")).collect();
    // A session outlives its client for a moment.
    let settled = |many: usize| {
        let used = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let many = format!("{many}\n");
        wait_until("the others are gone", PATIENCE, || server.psql("postgres", used) == many);
    };
    settled(6);
    let told = case.fails(5, "E-DB-FULL").names(&["free connections: 3"]);
    told.names(&["`max_connections` of the server is 12, 3 of them reserved, and 6 are in use"]);
    open.pop();
    settled(5);
    assert_eq!(case.run().status, 0, "four are left");
    let case = case.sql("postgres", "ALTER DATABASE {name} CONNECTION LIMIT 8");
    settled(5);
    case.fails(5, "E-DB-FULL").names(&["CONNECTION LIMIT of database", "is 8, and 5 are in use"]);
    let case = case.sql("postgres", "ALTER ROLE {user} CONNECTION LIMIT 7");
    settled(5);
    case.fails(5, "E-DB-FULL").names(&["CONNECTION LIMIT of role", "is 7, and 5 are in use"]);
    drop(open);
}

/// `check`, `plan`, `status` and `run` tell one truth.
#[test]
fn one_truth_for_all_commands() {
    let old = "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL); INSERT INTO alembic_version VALUES ('185852ff9872')";
    for (command, status) in [("check", 4), ("plan", 4), ("status", 9), ("run", 4)] {
        let case = Case::new().created(old).flags([command]);
        let told = case.fails(status, "E-DB-SHAPE");
        let codes: Vec<_> = told.failures.iter().filter_map(|failure| failure["code"].as_str()).collect();
        assert_eq!(codes, ["E-DB-SHAPE"], "{command}: one cause, one message");
        let case = Case::new();
        let gone = case.mount();
        let case = case.flags([command]);
        std::fs::remove_dir(&gone).expect("it is empty");
        case.fails(status, "E-MOUNT-MISSING");
    }
}

/// What stops a run is found by a check too, and what lets it go on lets the check pass.
#[test]
fn a_check_finds_what_stops_a_run() {
    let etcd = Etcd::start();
    etcd.put("/sorna/live/volumes/_mount", "/mnt/others");
    let foreign = || Case::on(&etcd, Postgres::shared()).set("etcd.namespace", "live");
    let published = || {
        let row = "('x@example.com', 'AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', true, true)";
        at_head(Case::new()).sql("{name}", &format!("{OWNED}{row}"))
    };
    for (command, status) in [("check", 4), ("plan", 4), ("status", 9), ("run", 4)] {
        foreign().flags([command]).fails(status, "E-MOUNT-FOREIGN");
        published().flags([command]).fails(status, "E-KEYS-PUBLISHED");
    }
    foreign().flags(["check", "etcd", "storage"]).fails(4, "E-MOUNT-FOREIGN");
    for checks in [&["etcd"][..], &["storage"], &["etcd", "database"]] {
        let case = foreign().flags(["check"].into_iter().chain(checks.iter().copied()));
        assert_eq!(case.run().status, 0, "{checks:?}: no stage that can be told by them");
    }
    assert_eq!(foreign().flags(["check", "--replace-mount"]).run().status, 0);
    assert_eq!(published().flags(["check", "--replace-published-keys"]).run().status, 0);
    foreign().flags(["check", "database", "--prune"]).fails(2, "E-USAGE");
}

/// DETAIL and HINT name the cure; a DETAIL that quotes a row may hold a secret.
#[test]
fn details_and_hints_of_the_server_are_told() {
    let told = |raise: &str| {
        let case = Case::new().created("").sql(
            "{name}",
            &format!(
                "CREATE FUNCTION apart() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN {raise}; END $$; \
                 CREATE EVENT TRIGGER apart ON ddl_command_start WHEN TAG IN ('CREATE TYPE') EXECUTE FUNCTION apart()"
            ),
        );
        case.flags(["run", "install-schema"]).fails(4, "E-DB-REFUSED")
    };
    let text =
        told("RAISE EXCEPTION 'not today' USING DETAIL = 'It is a holiday.', HINT = 'Come back tomorrow.'");
    text.names(&["not today (P0001)", "detail: It is a holiday", "hint: Come back tomorrow"]);
    let failures =
        told("RAISE EXCEPTION 'no' USING ERRCODE = '23514', DETAIL = 'Failing row contains (secret).'")
            .failures;
    assert!(!format!("{failures:?}").contains("Failing row"), "{failures:#?}");
}

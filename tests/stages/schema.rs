//! `create-database`, `install-schema`: the schema that the manager's own alembic made.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use super::Site;
use super::history::{ROOT, broken};
use crate::servers::{Postgres, block};

const HEAD: &str = "f9971fbb34d9\n";
const STAGES: &str = "run create-database install-schema";

/// The recorded dump, without what differs from run to run.
fn golden() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/schema/oneshot.sql");
    let noise = ["--", "SET ", "SELECT pg_catalog.", "\\restrict", "\\unrestrict"];
    let text = fs::read_to_string(file).expect("golden data");
    let lines = text.lines().filter(|line| !line.is_empty() && !noise.iter().any(|it| line.starts_with(it)));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Schema and revision are as alembic made them.
pub fn is_right(site: &Site) {
    assert_eq!(Postgres::shared().dump(&site.database.name), golden());
    assert_eq!(site.sql("SELECT version_num FROM alembic_version"), HEAD);
}

#[test]
fn a_fresh_database_is_as_alembic_made_it() {
    let site = Site::new();
    let first = site.runs(STAGES);
    assert!(first.stderr.contains("fresh database detected"), "{}", first.stderr);
    assert!(first.stderr.contains("revision f9971fbb34d9 stamped"), "{}", first.stderr);
    is_right(&site);
    let before = site.everything();
    let again = site.runs(STAGES);
    assert!(again.stderr.ends_with("site changed=0 unchanged=2 failed=0 skipped=0\n"), "{}", again.stderr);
    assert!(before == site.everything(), "a second run moved something");
}

#[test]
fn the_catalogs_are_as_recorded() {
    let site = Site::new();
    site.runs(STAGES);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/schema/oneshot-catalog.csv");
    let recorded = fs::read_to_string(file).expect("golden data");
    let public = "table_schema = 'public'";
    let columns = "table_name, ordinal_position, column_name, data_type, udt_name, character_maximum_length, \
                   numeric_precision, datetime_precision, is_nullable, column_default";
    let queries = [
        ("columns", format!("SELECT {columns} FROM information_schema.columns WHERE {public}")),
        (
            "indexes",
            "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'".to_owned(),
        ),
        (
            "enums",
            "SELECT typname, enumsortorder, enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = enumtypid"
                .to_owned(),
        ),
    ];
    for (section, query) in queries {
        let lines = recorded.lines().skip_while(|line| *line != format!("# {section}")).skip(2);
        let theirs: BTreeSet<&str> = lines.take_while(|line| !line.starts_with("# ")).collect();
        let ours = site.sql(&format!("COPY ({query}) TO STDOUT (FORMAT csv)"));
        assert_eq!(ours.lines().collect::<BTreeSet<_>>(), theirs, "{section}");
        assert!(theirs.len() > 5, "{section}");
    }
}

#[test]
fn unrelated_tables_stay_as_they_are() {
    let site = Site::new();
    let name = &site.database.name;
    site.database.psql("postgres", &format!("CREATE DATABASE {name}")).expect("it may");
    let theirs = "CREATE TABLE invoices (id int PRIMARY KEY); INSERT INTO invoices VALUES (7);
                  CREATE SCHEMA other; CREATE TABLE other.agents (id text)";
    site.database.psql(name, theirs).expect("it owns the database");
    site.runs(STAGES);
    assert_eq!(site.sql("SELECT id FROM invoices"), "7\n");
    site.database.psql(name, "DROP TABLE invoices; DROP SCHEMA other CASCADE").expect("it owns them");
    is_right(&site);
}

#[test]
fn the_extension_may_be_there_before() {
    let site = Site::new();
    let name = &site.database.name;
    site.database.psql("postgres", &format!("CREATE DATABASE {name}")).expect("it may");
    site.sql("CREATE EXTENSION \"uuid-ossp\"");
    site.runs(STAGES);
    is_right(&site);
}

#[test]
fn an_owner_needs_no_createdb() {
    let site = Site::new();
    let (name, user) = (&site.database.name, &site.database.user);
    let server = Postgres::shared();
    server.psql("postgres", &format!("ALTER ROLE {user} NOCREATEDB"));
    let refused = site.run(STAGES);
    assert_eq!(refused.status, 6, "{}", refused.stderr);
    assert!(refused.stderr.contains("E-DB-RIGHTS"), "{}", refused.stderr);
    server.psql("postgres", &format!("CREATE DATABASE {name} OWNER {user}"));
    site.runs(STAGES);
    is_right(&site);
}

#[test]
fn it_comes_in_one_transaction() {
    let site = Site::new();
    site.runs("run create-database");
    let database = &site.database;
    let options = PgConnectOptions::new_without_pgpass()
        .host(&database.host)
        .port(database.port)
        .username(&database.user)
        .password(&database.password)
        .database(&database.name)
        .ssl_mode(PgSslMode::Disable);
    let mut connection = block(async move { options.connect().await }).expect("the role signs in");
    let mut running = site.program(STAGES.split(' ')).start();
    let mut seen = BTreeSet::new();
    while !running.has_ended() {
        let count = "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace) || ' ' || \
                     (SELECT count(*) FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e')";
        let answer;
        (connection, answer) = block(async move {
            let answer = sqlx::query_scalar::<_, String>(count).fetch_one(&mut connection).await;
            (connection, answer)
        });
        seen.insert(answer.expect("the reader reads"));
    }
    drop(block(connection.close()));
    let outcome = running.wait();
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert!(seen.len() <= 2 && seen.contains("0 0"), "a reader saw {seen:?}");
    // The same from what is stored: tables, types, extension and revision were written by one transaction.
    let writers = "SELECT count(DISTINCT xmin::text) FROM (
                   SELECT xmin FROM pg_class WHERE relnamespace = 'public'::regnamespace
                   UNION ALL SELECT xmin FROM pg_type WHERE typnamespace = 'public'::regnamespace
                   UNION ALL SELECT xmin FROM pg_extension WHERE extname = 'uuid-ossp'
                   UNION ALL SELECT xmin FROM alembic_version) AS written";
    assert_eq!(site.sql(writers), "1\n");
}

#[test]
fn two_runs_at_the_same_time_leave_one_right_world() {
    for same_folder in [false, false, true, true] {
        let site = Site::new();
        let other = tempfile::tempdir().expect("a folder");
        for name in ["images.yml", "aliases.yml", "answers.yml"] {
            fs::copy(site.path(name), other.path().join(name)).expect("both folders are ours");
        }
        // On a busy machine the one holds the lock longer than the other waits by itself.
        let one = site.program(["run", "--timeout", "60s"]);
        let two = site.program(["run", "--timeout", "60s"]);
        let two = if same_folder { two } else { two.current_dir(other.path()) };
        let (one, two) = (one.start(), two.start());
        let ended = [one.wait(), two.wait()];
        let statuses = ended.each_ref().map(|outcome| outcome.status);
        let told = format!("{}\n{}", ended[0].stderr, ended[1].stderr);
        assert!(
            statuses.contains(&0) && statuses.iter().all(|it| [0, 8].contains(it)),
            "{statuses:?}\n{told}"
        );
        is_right(&site);
        assert!(broken(&site.etcd.get_all(ROOT)).is_empty());
        let pairs = "SELECT is_admin, count(*) FROM keypairs GROUP BY 1 ORDER BY 1";
        assert_eq!(site.sql(pairs), "f|1\nt|1\n", "{told}");
        assert!(!site.path("alembic.ini.bak").exists(), "what the other run wrote needs no backup");
        if statuses == [0, 0] && !same_folder {
            let theirs = fs::read_to_string(other.path().join("keypairs.yml")).expect("the other's file");
            assert_eq!(site.read("keypairs.yml"), theirs, "both runs tell the same keys");
        }
    }
}

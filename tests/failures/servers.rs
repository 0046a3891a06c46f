//! PostgreSQL servers of other kinds: a standby, another language, another collation, narrow doors, a pooler.

use std::fs;

use super::{Case, quiet_etcd};
use crate::servers::{PATIENCE, PgBouncer, Postgres, wait_until};

/// Answers for the superuser of this server.
fn as_superuser(postgres: &Postgres) -> Case<'static> {
    let case = Case::new().set("database.address", postgres.address());
    case.set("database.user", postgres.superuser.as_str())
        .set("database.password", postgres.password.as_str())
}

#[test]
fn a_standby_takes_no_writes() {
    let settings = [("wal_level", "replica"), ("hot_standby", "on"), ("max_wal_senders", "2")];
    let mut postgres = Postgres::start_with(&[], &settings);
    let data = postgres.psql("postgres", "CHECKPOINT; SHOW data_directory");
    postgres.stop();
    fs::write(format!("{}/standby.signal", data.trim()), "").expect("the folder can be written");
    postgres.start_again();
    for command in ["check", "run"] {
        let told = as_superuser(&postgres).flags([command]).fails(4, "E-DB-READONLY");
        let told = told.names(&["standby", "database.address"]);
        assert_eq!(told.failures.len(), 1, "{:#?}", told.failures);
    }
}

/// Some servers lock an account after a few wrong passwords.
#[test]
fn a_wrong_password_is_sent_once() {
    let postgres = Postgres::start();
    let case = Case::on(quiet_etcd(), &postgres).set("database.password", "canary-wrong");
    case.flags(["check", "database"]).fails(6, "E-DB-AUTH");
    assert_eq!(postgres.log().matches("password authentication failed").count(), 1, "{}", postgres.log());
}

/// Decisions go by SQLSTATE: the server's words are shown, and never read.
#[test]
fn a_server_that_speaks_korean() {
    let postgres = Postgres::start_with(&[], &[("lc_messages", "C.UTF-8")]);
    let case = || Case::on(quiet_etcd(), &postgres);
    let wrong = case().set("database.password", "canary-wrong").flags(["check", "database"]);
    let told = wrong.fails(6, "E-DB-AUTH");
    assert!(told.text().chars().any(|c| ('가'..='힣').contains(&c)), "it speaks English: {}", told.text());
    case().set("database.user", "nosuchuser").fails(6, "E-DB-AUTH");
    let full = case().sql("postgres", "ALTER ROLE {user} CONNECTION LIMIT 0");
    full.fails(5, "E-DB-FULL").names(&["ALTER ROLE", "CONNECTION LIMIT -1"]);
    let full = case().created("").sql("postgres", "ALTER DATABASE {name} CONNECTION LIMIT 0");
    full.fails(5, "E-DB-FULL").names(&["ALTER DATABASE", "CONNECTION LIMIT -1"]);
    let closed = case().sql("postgres", "CREATE DATABASE {name} ALLOW_CONNECTIONS false").unwatched();
    closed.fails(4, "E-DB-REFUSED").names(&["ALLOW_CONNECTIONS true"]);
    let all = case().unwatched().flags(["run", "create-database", "install-schema", "populate-fixtures"]);
    assert_eq!(all.run().status, 0);
    assert_eq!(all.run().summary()["unchanged"], 3);
}

#[test]
fn a_collation_of_another_version() {
    let postgres = Postgres::start_with(
        &["--encoding=UTF8", "--locale-provider=icu", "--icu-locale=en", "--locale=C.UTF-8"],
        &[],
    );
    let check = || Case::on(quiet_etcd(), &postgres).flags(["check", "database"]);
    let older = |name: &str| {
        postgres.psql(
            "postgres",
            &format!("UPDATE pg_database SET datcollversion = '1' WHERE datname = '{name}'"),
        );
    };
    older("template1");
    let case = check();
    let told = case.fails(4, "E-DB-COLLATION").names(&["template1", "version 1"]);
    let remedy = told.remedy();
    postgres.psql("postgres", remedy.strip_prefix("as a superuser: ").expect("it begins so"));
    assert_eq!(case.run().status, 0);
    let case = check().created("");
    older(&case.database.name);
    let told = case.warns("W-DB-COLLATION").names(&["REFRESH COLLATION VERSION"]);
    let remedy = told.remedy();
    let (_, statements) = remedy.split_once(", as its owner: ").expect("it begins so");
    for sql in statements.split("; ") {
        case.database.psql(&case.database.name, sql).expect("the owner may do it");
    }
    assert!(case.run().warnings.is_empty());
}

/// "May not go there" is not "may not sign in".
#[test]
fn doors_that_are_open_for_some_databases_alone() {
    let postgres = Postgres::start();
    let case = || Case::on(quiet_etcd(), &postgres).unwatched().flags(["check", "database"]);
    let hba = postgres.psql("postgres", "SHOW hba_file").trim().to_owned();
    let before = fs::read_to_string(&hba).expect("the file is the server's");
    let only = |case: &Case, lines: &str| {
        let lines = lines.replace("{user}", &case.database.user).replace("{name}", &case.database.name);
        fs::write(&hba, format!("{lines}\nhost all {} all reject\n{before}", case.database.user))
            .expect("it can be written");
        postgres.psql("postgres", "SELECT pg_reload_conf()");
        wait_until("the rules count", PATIENCE, || {
            case.database.psql("nowhere", "SELECT 1").is_err_and(|said| said.contains("pg_hba.conf"))
        });
    };
    // Only template1: enough to look, and to create from.
    let template = case();
    only(&template, "host template1 {user} all scram-sha-256");
    assert!(template.run().failures.iter().all(|failure| failure["code"] == "E-DB-AUTH"));
    // Its own database, which is not there yet: nobody to create it from.
    let own = case();
    only(&own, "host {name} {user} all scram-sha-256");
    let told = own.fails(4, "E-DB-MISSING").names(&["CREATE DATABASE", "template1"]);
    let remedy = told.remedy();
    let sql = remedy.strip_prefix("as a superuser: ").and_then(|rest| rest.split(';').next());
    postgres.psql("postgres", sql.expect("a statement"));
    assert_eq!(own.run().status, 0);
    // Another one: it is named.
    let other = case().created("");
    only(&other, "host postgres {user} all scram-sha-256");
    other.fails(6, "E-DB-AUTH").names(&["database `postgres` lets", "pg_hba.conf"]);
    // Only template1, and the database may be entered: it is created from there.
    let from_template = case();
    only(&from_template, "host template1,{name} {user} all scram-sha-256");
    let run = from_template.flags(["run", "create-database", "install-schema"]).run();
    assert_eq!(run.status, 0, "{:#?}", run.failures);
}

/// PgBouncer as Debian configures it, in both modes.
#[test]
fn behind_pgbouncer() {
    for mode in ["session", "transaction"] {
        let postgres = Postgres::start_with(&[], &[("password_encryption", "scram-sha-256")]);
        let case = Case::on(quiet_etcd(), &postgres).unwatched();
        let pooler = PgBouncer::before(&postgres, &case.database, mode);
        let address = pooler.address.clone();
        let case = case
            .set("database.address", address.as_str())
            .sql("postgres", "CREATE DATABASE {name} OWNER {user}");
        let stages = ["run", "create-database", "install-schema", "populate-fixtures"];
        let case = case.flags(stages);
        let name = case.database.name.clone();
        for changed in [2, 0] {
            let told = case.run();
            assert_eq!(told.status, 0, "{mode}: {:#?}", told.failures);
            assert_eq!(told.summary()["changed"], changed, "{mode}");
        }
        let case = case.flags(["status"]);
        let told = case.run();
        assert!(told.failures.is_empty(), "{mode}: {:#?}", told.failures);
        // Locks and secrets that change go through it too.
        let secrets = "SELECT secret_key FROM keypairs ORDER BY access_key";
        let before = postgres.psql(&name, secrets);
        let case = case.flags(["run", "populate-fixtures", "--rotate-keypairs"]);
        let told = case.run();
        assert_eq!(told.status, 0, "{mode}: {:#?}", told.failures);
        let after = postgres.psql(&name, secrets);
        assert!(before.lines().all(|old| !old.is_empty() && !after.contains(old)), "{mode}");
    }
    let postgres = Postgres::start();
    let case = Case::on(quiet_etcd(), &postgres).unwatched();
    let pooler = PgBouncer::before(&postgres, &case.database, "transaction");
    let case = case.set("database.address", pooler.address.as_str()).set("database.name", "unlisted");
    let told = case.fails(5, "E-DB-POOLER").names(&["pooler", "`unlisted`"]);
    assert!(told.remedy().contains("`database.address`"), "{}", told.remedy());
    let around = case.set("database.address", postgres.address()).flags(["check", "database"]);
    assert_eq!(around.run().status, 0);
}

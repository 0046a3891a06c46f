//! Remedies of what the servers say.

use super::super::{Case, Session, quiet_etcd};
use super::{Row, Step, all, answer, by_hand, fix, literal, out, solved, sql};
use crate::servers::{Etcd, Fake, Postgres, Relay};

fn check(section: &'static str) -> Case<'static> {
    Case::new().flags(["check", section])
}

/// The check of a database of this name, in which this was run.
fn made(sql: &'static str) -> impl FnOnce() -> Case<'static> + Send {
    move || check("database").created(sql)
}

/// A wrong address, which only a person can set right.
fn wrong(name: &'static str, failure: (i32, &'static str), address: String) -> Row<'static> {
    if failure.1.starts_with("E-ETCD") {
        let case = move || check("etcd").set("etcd.endpoints", format!("[{address}]"));
        return solved(
            name,
            failure,
            case,
            fix("etcd.endpoints", |_| format!("[{}]", quiet_etcd().endpoint)),
        );
    }
    let case = move || check("database").set("database.address", address);
    solved(name, failure, case, fix("database.address", |_| Postgres::shared().address()))
}

#[test]
fn addresses() {
    let (closed, silent, web) = (Fake::closed_port(), Fake::silent_port(), Fake::http_port());
    let told = all(vec![
        wrong("an unknown host", (5, "E-ETCD-RESOLVE"), "nosuchhost.invalid:2379".into()),
        wrong("a closed port", (5, "E-ETCD-CONNECT"), closed.address.clone()),
        wrong("a silent port", (5, "E-ETCD-TIMEOUT"), silent.address.clone()),
        wrong("a web server", (4, "E-ETCD-PROTOCOL"), web.address.clone()),
        wrong("an unknown database host", (5, "E-DB-RESOLVE"), "nosuchhost.invalid:5432".into()),
        wrong("a closed database port", (5, "E-DB-CONNECT"), closed.address.clone()),
        wrong("a silent database port", (5, "E-DB-TIMEOUT"), silent.address.clone()),
        wrong("a web server for a database", (4, "E-DB-PROTOCOL"), web.address.clone()),
    ]);
    let mut shown = told;
    for (fake, name) in [(&closed, "CLOSED"), (&silent, "SILENT"), (&web, "WEB")] {
        shown = shown.replace(&fake.address, name);
    }
    insta::assert_snapshot!(shown);
}

/// A relay that opens while the program waits as its message said.
#[test]
fn waiting_as_the_message_says() {
    for (section, key, code) in
        [("etcd", "etcd.endpoints", "E-ETCD-NOT-READY"), ("database", "database.address", "E-DB-LOST")]
    {
        let target =
            if section == "etcd" { quiet_etcd().endpoint.clone() } else { Postgres::shared().address() };
        let relay = Relay::to(&target);
        let value = if section == "etcd" { format!("[{}]", relay.address) } else { relay.address.clone() };
        let case = check(section).set(key, value);
        let told = case.run().expect(code);
        assert_eq!(told.status, 5, "{:#?}", told.failures);
        let remedy = told.remedy();
        let words = literal(&remedy, |it| it.starts_with("--wait ")).to_owned();
        let case = words.split(' ').fold(case, |case, word| case.also(word));
        let running = case.start(&["--output", "json"]);
        relay.open();
        assert_eq!(running.wait().status, 0, "{words}");
    }
}

#[test]
fn etcd() {
    let guarded = Etcd::with_auth("canary-root-password");
    let small = Etcd::start_with(&["--max-txn-ops=10"]);
    let other = Etcd::start_with(&["--initial-cluster-token=another"]);
    let dead = Fake::closed_port();
    let on = |etcd| Case::on(etcd, Postgres::shared()).flags(["check", "etcd"]);
    let both = |one: &str, two: &str| format!("[{one}, {two}]");
    let told = all(vec![
        solved(
            "no user given",
            (6, "E-ETCD-AUTH"),
            || on(&guarded),
            Box::new(|case, remedy| {
                for key in ["`etcd.user`", "`etcd.password`"] {
                    assert!(remedy.contains(key), "{remedy}");
                }
                let case = case.set("etcd.user", "root").set("etcd.password", "canary-root-password");
                (case, "set `etcd.user` and `etcd.password`".to_owned())
            }),
        ),
        solved(
            "a user where none is wanted",
            (6, "E-ETCD-AUTH"),
            || check("etcd").set("etcd.user", "root").set("etcd.password", "canary-unwanted"),
            out(&["etcd.user", "etcd.password"]),
        ),
        solved(
            "too small transactions",
            (4, "E-ETCD-REFUSED"),
            || on(&small).flags(["run", "load-images"]),
            Box::new(|case, remedy| {
                let setting = literal(remedy, |it| it.starts_with("--max-txn-ops"));
                let again: &'static Etcd = Box::leak(Box::new(Etcd::start_with(&[setting])));
                (
                    case.set("etcd.endpoints", format!("[{}]", again.endpoint)).unwatched(),
                    format!("etcd {setting}"),
                )
            }),
        ),
        solved(
            "another cluster",
            (4, "E-ETCD-OTHER"),
            || check("etcd").set("expect.etcd-cluster", "'1a2b3c'"),
            fix("expect.etcd-cluster", |_| format!("'{:x}'", quiet_etcd().cluster_id())),
        )
        .then(0, ""),
        solved(
            "two clusters",
            (4, "E-ETCD-OTHER"),
            || check("etcd").set("etcd.endpoints", both(&quiet_etcd().endpoint, &other.endpoint)),
            fix("etcd.endpoints", |_| format!("[{}]", quiet_etcd().endpoint)),
        ),
        solved(
            "an id that many clusters have",
            (0, "W-ETCD-CLUSTER"),
            || check("etcd").set("expect.etcd-cluster", "cdf818194e3a8c32"),
            Box::new(|case, remedy| {
                let setting =
                    format!("{}=own", literal(remedy, |it| it.starts_with("--initial-cluster-token")));
                let again: &'static Etcd = Box::leak(Box::new(Etcd::start_with(&[&setting])));
                let case = case.set("etcd.endpoints", format!("[{}]", again.endpoint));
                (
                    case.set("expect.etcd-cluster", format!("'{:x}'", again.cluster_id())),
                    format!("etcd {setting}"),
                )
            }),
        ),
        solved(
            "a dead member",
            (0, "W-ETCD-MEMBER"),
            || check("etcd").set("etcd.endpoints", both(&quiet_etcd().endpoint, &dead.address)),
            fix("etcd.endpoints", |_| format!("[{}]", quiet_etcd().endpoint)),
        ),
    ]);
    let told = told.replace(&other.endpoint, "OTHER").replace(&dead.address, "DEAD");
    insta::assert_snapshot!(told);
}

/// A learner is promoted by the command of the message, with the placeholders filled in.
#[test]
fn a_learner_is_promoted() {
    let members = Etcd::cluster(1);
    let learner = members[0].add_learner();
    let case = Case::on(&learner, Postgres::shared()).flags(["check", "etcd"]).unwatched();
    let told = case.run().expect("E-ETCD-LEARNER");
    let remedy = told.remedy();
    let command = literal(&remedy, |it| it.starts_with("etcdctl ")).to_owned();
    let command = command.replace("HOST:PORT", &members[0].endpoint);
    let command = command.replace("LEARNER-ID", &format!("{:x}", learner.ids().0));
    crate::servers::wait_until("the learner has caught up", crate::servers::PATIENCE, || {
        let mut shell = std::process::Command::new("sh");
        shell.env("ETCDCTL_API", "3").args(["-c", &command]).output().is_ok_and(|it| it.status.success())
    });
    let told = case.run();
    assert_eq!(told.status, 0, "{command}: {:#?}", told.failures);
}

#[test]
fn the_database() {
    let password = |case: &Case| case.database.password.clone();
    let another = || -> Step<'static> {
        Box::new(|case, remedy| {
            assert!(remedy.contains("another `database.name`"), "{remedy}");
            let name = format!("{}_too", case.database.name);
            (case.set("database.name", name), "another `database.name`".to_owned())
        })
    };

    let told = all(vec![
        solved(
            "a wrong password",
            (6, "E-DB-AUTH"),
            || check("database").set("database.password", "canary-wrong"),
            fix("database.password", password),
        ),
        solved(
            "no CREATEDB",
            (6, "E-DB-RIGHTS"),
            || check("database").sql("postgres", "ALTER ROLE {user} NOCREATEDB"),
            sql("as a superuser: ", "postgres"),
        ),
        solved(
            "no CREATE on schema public",
            (6, "E-DB-RIGHTS"),
            || check("database").sql("postgres", "CREATE DATABASE {name}"),
            sql("as a superuser: ", "{name}"),
        ),
        solved(
            "no CREATE on the database",
            (6, "E-DB-RIGHTS"),
            || {
                let case = check("database").sql("postgres", "CREATE DATABASE {name}");
                case.sql("{name}", "GRANT CREATE ON SCHEMA public TO {user}")
            },
            sql("as a superuser: ", "postgres"),
        ),
        solved(
            "no CONNECT",
            (6, "E-DB-RIGHTS"),
            || {
                let case = check("database").sql("postgres", "CREATE DATABASE {name}");
                let case = case.sql(
                    "{name}",
                    "GRANT CREATE ON SCHEMA public TO {user}; GRANT CREATE ON DATABASE {name} TO {user}",
                );
                case.sql("postgres", "REVOKE CONNECT ON DATABASE {name} FROM public")
            },
            sql("as its owner or a superuser: ", "postgres"),
        ),
        solved(
            "too many connections",
            (5, "E-DB-FULL"),
            || check("database").sql("postgres", "ALTER ROLE {user} CONNECTION LIMIT 0"),
            sql("as a superuser: ", "postgres"),
        ),
        solved(
            "takes no connections",
            (4, "E-DB-REFUSED"),
            || {
                check("database")
                    .sql("postgres", "CREATE DATABASE {name} OWNER {user} ALLOW_CONNECTIONS false")
                    .unwatched()
            },
            sql("as a superuser: ", "postgres"),
        ),
        solved(
            "no TLS",
            (4, "E-DB-TLS"),
            || check("database").set("database.sslmode", "require"),
            answer(&[]),
        ),
        solved(
            "another encoding",
            (4, "E-DB-ENCODING"),
            || {
                check("database").sql(
                    "postgres",
                    "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C' OWNER {user}",
                )
            },
            another(),
        ),
        solved(
            "another encoding: dropped",
            (4, "E-DB-ENCODING"),
            || {
                check("database").sql(
                    "postgres",
                    "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C' OWNER {user}",
                )
            },
            Box::new(|case, remedy| {
                assert!(remedy.contains("drop it"), "{remedy}");
                sql("as a superuser: ", "postgres")(case.sql("postgres", "DROP DATABASE {name}"), remedy)
            }),
        ),
        solved(
            "uuid-ossp elsewhere",
            (4, "E-DB-EXTENSION"),
            made("CREATE SCHEMA apart; CREATE EXTENSION \"uuid-ossp\" WITH SCHEMA apart"),
            sql("as that user: ", "{name}"),
        ),
        solved(
            "uuid-ossp elsewhere: moved",
            (4, "E-DB-EXTENSION"),
            made("CREATE SCHEMA apart; CREATE EXTENSION \"uuid-ossp\" WITH SCHEMA apart"),
            sql("as a superuser: ", "{name}"),
        ),
        solved(
            "no schema public",
            (4, "E-DB-SHAPE"),
            || check("database").created("").sql("{name}", "DROP SCHEMA public"),
            sql("as its owner or a superuser: ", "{name}"),
        ),
        solved(
            "another server",
            (4, "E-DB-OTHER"),
            || check("database").set("expect.database-system", "'1234567890'"),
            fix("expect.database-system", |_| {
                let system =
                    Postgres::shared().psql("postgres", "SELECT system_identifier FROM pg_control_system()");
                format!("'{}'", system.trim())
            }),
        ),
        solved(
            "read-only sessions",
            (4, "E-DB-READONLY"),
            || {
                check("database")
                    .created("")
                    .sql("postgres", "ALTER ROLE {user} SET default_transaction_read_only = on")
            },
            sql("as that user or a superuser: ", "postgres"),
        ),
        solved(
            "a sequence in the way",
            (4, "E-DB-CLASH"),
            made("CREATE SEQUENCE kernels"),
            by_hand("rename or drop", |case| case.sql("{name}", "DROP SEQUENCE kernels")),
        ),
        solved(
            "a sequence in the way: elsewhere",
            (4, "E-DB-CLASH"),
            made("CREATE SEQUENCE kernels"),
            another(),
        ),
        solved(
            "a table without a revision",
            (4, "E-DB-UNMANAGED"),
            made("CREATE TABLE keypairs (user_id text)"),
            another(),
        ),
        solved(
            "a table without a revision: dropped",
            (4, "E-DB-UNMANAGED"),
            made("CREATE TABLE keypairs (user_id text)"),
            by_hand("drop what a failed try left", |case| case.sql("{name}", "DROP TABLE keypairs")),
        ),
        solved(
            "an unknown revision",
            (4, "E-DB-REVISION"),
            made(
                "CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES ('0123456789ab')",
            ),
            another(),
        ),
        solved(
            "an older revision without its tables",
            (4, "E-DB-SHAPE"),
            made(
                "CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES ('185852ff9872')",
            ),
            another(),
        ),
    ]);
    insta::assert_snapshot!(told);
}

/// Another setup holds the database; it ends, and the same command goes on.
#[test]
fn another_setup_at_work() {
    let etcd = Etcd::start();
    let case = Case::on(&etcd, Postgres::shared()).created("").flags(["run", "install-schema"]).unwatched();
    let other = Session::open(&case.database, &case.database.name, "SELECT pg_advisory_lock(2225363)");
    let told = case.run().expect("E-DB-BUSY");
    assert!(told.remedy().contains("run again once it has ended"), "{}", told.remedy());
    drop(other);
    // The server sees the end of a session when it next looks.
    crate::servers::wait_until("the lock is free", crate::servers::PATIENCE, || case.run().status == 0);
}

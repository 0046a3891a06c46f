//! PostgreSQL answers, and does not let us in or do what is needed.

use super::{Case, row, together};

#[test]
fn sign_in_and_rights() {
    let told = together(vec![
        row("wrong password", || {
            let case = Case::new().set("database.password", "canary-wrong");
            let names = [case.database.address.clone(), case.database.user.clone()];
            case.fails(6, "E-DB-AUTH").names(&names)
        }),
        row("unknown user", || {
            Case::new().set("database.user", "nosuchuser").fails(6, "E-DB-AUTH").names(&["nosuchuser"])
        }),
        row("another server", || {
            let system = Case::new().flags(["check", "database"]).run().rung("database", "system");
            let case = Case::new().set("expect.database-system", "'1234567890'");
            let told = case.fails(4, "E-DB-OTHER").names(&["`1234567890`", "expect.database-system"]);
            told.without(&[(&system, "SYSTEM")])
        }),
        row("no CREATEDB", || {
            let case = Case::new().sql("postgres", "ALTER ROLE {user} NOCREATEDB");
            let names = [case.database.name.clone(), case.database.user.clone(), "CREATEDB".to_owned()];
            case.fails(6, "E-DB-RIGHTS").names(&names)
        }),
        row("no CREATE on schema public", || {
            let case = Case::new().sql("postgres", "CREATE DATABASE {name}");
            let names = [case.database.name.clone(), case.database.user.clone(), "GRANT CREATE".to_owned()];
            case.fails(6, "E-DB-RIGHTS").names(&names)
        }),
        row("no CREATE on the database", || {
            let case = Case::new()
                .sql("postgres", "CREATE DATABASE {name}")
                .sql("{name}", "GRANT CREATE ON SCHEMA public TO {user}");
            let names = ["uuid-ossp", "GRANT CREATE ON DATABASE", &case.database.name.clone()];
            case.fails(6, "E-DB-RIGHTS").names(&names)
        }),
        row("no CONNECT", || {
            let case = Case::new()
                .sql("postgres", "CREATE DATABASE {name}")
                .sql("postgres", "REVOKE CONNECT ON DATABASE {name} FROM public");
            let names = ["GRANT CONNECT", &case.database.name.clone(), &case.database.user.clone()];
            case.fails(6, "E-DB-RIGHTS").names(&names)
        }),
        row("too many connections", || {
            let case = Case::new().sql("postgres", "ALTER ROLE {user} CONNECTION LIMIT 0");
            let names = [case.database.address.clone(), case.database.user.clone()];
            case.fails(5, "E-DB-FULL").names(&names)
        }),
        row("takes no connections", || {
            let case =
                Case::new().sql("postgres", "CREATE DATABASE {name} ALLOW_CONNECTIONS false").unwatched();
            let name = case.database.name.clone();
            case.fails(4, "E-DB-REFUSED").names(&[&name, "ALLOW_CONNECTIONS true"])
        }),
        row("no TLS", || {
            let case = Case::new().set("database.sslmode", "require");
            let address = case.database.address.clone();
            case.fails(4, "E-DB-TLS").names(&["database.sslmode", &address])
        }),
        row("another encoding", || {
            let case = Case::new().sql(
                "postgres",
                "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C' OWNER {user}",
            );
            let name = case.database.name.clone();
            case.fails(4, "E-DB-ENCODING").names(&["LATIN1", "database.name", &name])
        }),
        row("no encoding", || {
            let case = Case::new().sql(
                "postgres",
                "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C' OWNER {user}",
            );
            case.fails(4, "E-DB-ENCODING").names(&["SQL_ASCII", "database.name"])
        }),
        row("uuid-ossp elsewhere", || {
            let case =
                Case::new().created("CREATE SCHEMA apart; CREATE EXTENSION \"uuid-ossp\" WITH SCHEMA apart");
            case.fails(4, "E-DB-EXTENSION").names(&["uuid-ossp", "`apart`", "ALTER EXTENSION"])
        }),
        row("no schema public", || {
            let case = Case::new().created("").sql("{name}", "DROP SCHEMA public");
            case.fails(4, "E-DB-SHAPE").names(&["CREATE SCHEMA public"])
        }),
    ]);
    insta::assert_snapshot!(told);
}

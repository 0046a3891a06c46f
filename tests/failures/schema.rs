//! The database is not what a fresh or a finished one looks like.

use backendai_setup::guides::september_2018::GUIDE;

use super::{Case, Session, row, together};

/// The schema at the head, as another setup would have left it.
pub fn at_head<'a>(case: Case<'a>) -> Case<'a> {
    let (sql, head) = (GUIDE.schema.statements, GUIDE.schema.head);
    case.created(&format!("{sql}; INSERT INTO alembic_version VALUES ('{head}')"))
}

fn stamped(revisions: &[&str]) -> Case<'static> {
    let rows: Vec<_> = revisions.iter().map(|revision| format!("('{revision}')")).collect();
    Case::new().created(&format!(
        "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY); \
         INSERT INTO alembic_version VALUES {}",
        rows.join(", ")
    ))
}

pub const OWNED: &str = "INSERT INTO keypairs (user_id, access_key, secret_key, is_active, is_admin) VALUES ";

#[test]
fn conflicts_in_the_database() {
    let told = together(vec![
        row("a table without a revision", || {
            let case = Case::new().created("CREATE TABLE keypairs (user_id text)");
            let name = case.database.name.clone();
            case.fails(4, "E-DB-UNMANAGED").names(&["keypairs", "database.name", &name])
        }),
        row("an enum type alone", || {
            let case = Case::new().created("CREATE TYPE kernelstatus AS ENUM ('RUNNING')");
            case.fails(4, "E-DB-UNMANAGED").names(&["kernelstatus"])
        }),
        row("an unknown revision", || {
            let case = stamped(&["0123456789ab"]);
            let name = case.database.name.clone();
            case.fails(4, "E-DB-REVISION").names(&["0123456789ab", GUIDE.schema.head, &name])
        }),
        row("two revisions", || {
            stamped(&[GUIDE.schema.head, "185852ff9872"]).fails(4, "E-DB-REVISIONS").names(&[
                "185852ff9872",
                GUIDE.schema.head,
                "alembic_version",
            ])
        }),
        row("a missing table", || {
            let case =
                at_head(Case::new()).sql("{name}", "DROP TABLE vfolder_invitations, vfolder_permissions");
            case.fails(4, "E-DB-SHAPE")
                .names(&["vfolder_invitations, vfolder_permissions", GUIDE.schema.head])
        }),
        row("published keypairs", || {
            let case = at_head(Case::new());
            let row = "('x@example.com', 'AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', true, true)";
            let case = case.sql("{name}", &format!("{OWNED}{row}"));
            case.fails(4, "E-KEYS-PUBLISHED").names(&["AKIAIOSFODNN7EXAMPLE"])
        }),
        row("a fixture against the table", || {
            let row = "('x@example.com', 'AKIAOURS', 'another-secret', true, true)";
            let case = at_head(Case::new()).sql("{name}", &format!("{OWNED}{row}"));
            let case = case.secret("canary-secret-key").file(
                "mine.json",
                r#"{"keypairs": [{"user_id": "x@example.com", "is_admin": true, "access_key": "AKIAOURS", "secret_key": "canary-secret-key"}]}"#,
            );
            case.flags(["run", "--fixture", "mine.json"])
                .fails(4, "E-KEYS-CONFLICT")
                .names(&["x@example.com"])
        }),
        row("the schema alone, without a database", || {
            let case = Case::new().flags(["run", "install-schema"]);
            let name = case.database.name.clone();
            case.fails(4, "E-STAGE-NEEDS").names(&["create-database", &name])
        }),
        row("keypairs alone, without a schema", || {
            let case = Case::new().created("").flags(["run", "populate-fixtures"]);
            let name = case.database.name.clone();
            case.fails(4, "E-STAGE-NEEDS").names(&["install-schema", &name])
        }),
        row("another setup at work", || {
            let case = Case::new().created("").flags(["run", "install-schema"]);
            let name = case.database.name.clone();
            let other = Session::open(&case.database, &name, "SELECT pg_advisory_lock(2225363)");
            let told = case.unwatched().fails(8, "E-DB-BUSY").names(&[&name]);
            drop(other);
            told
        }),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn every_older_revision() {
    let revisions: Vec<_> =
        GUIDE.schema.chain.iter().filter(|revision| revision.id != GUIDE.schema.head).collect();
    assert_eq!(revisions.len(), 17);
    let rows = revisions.iter().map(|revision| {
        row(revision.id, || {
            // Stamped, and nothing of it is there.
            stamped(&[revision.id]).fails(4, "E-DB-SHAPE").names(&[
                revision.id,
                "keypairs, kernels",
                "it lacks",
            ])
        })
    });
    let told = together(rows.collect());
    insta::assert_snapshot!(told.split("\n\n").next().expect("the first of them"));
}

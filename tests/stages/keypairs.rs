//! `populate-fixtures`: keys that nobody knows, in the table and in one file.

use std::collections::BTreeSet;
use std::path::Path;

use super::Site;

const COLUMNS: &str = "SELECT user_id, is_active, is_admin, coalesce(resource_policy, 'NULL'), \
                       coalesce(last_used::text, 'NULL'), concurrency_limit, concurrency_used, rate_limit, \
                       num_queries FROM keypairs ORDER BY is_admin DESC, is_active";
const KEYS: &str = "SELECT access_key, secret_key FROM keypairs WHERE is_active ORDER BY is_admin DESC";
const ALL: &str = "SELECT ctid, xmin, k.* FROM keypairs k ORDER BY access_key";

fn ready() -> Site {
    let site = Site::new();
    site.runs("run create-database install-schema");
    site
}

/// The active keys, access and secret, the administrator's first.
fn keys(site: &Site) -> Vec<(String, String)> {
    let rows = site.sql(KEYS);
    rows.lines().map(|row| row.split_once('|').expect("two columns")).map(owned).collect()
}

fn owned((access, secret): (&str, &str)) -> (String, String) {
    (access.to_owned(), secret.to_owned())
}

/// The keys of a credentials file, in its order.
fn keys_of_file(text: &str) -> Vec<(String, String)> {
    let value = |name: &str| {
        let lines =
            text.lines().filter_map(move |line| line.trim_start_matches([' ', '-']).strip_prefix(name));
        lines.map(|value| value.trim_matches(['\'', '"']).to_owned()).collect::<Vec<_>>()
    };
    value("access_key: ").into_iter().zip(value("secret_key: ")).collect()
}

#[test]
fn two_rows_as_the_manager_wants_them() {
    let site = ready();
    site.runs("run populate-fixtures");
    assert_eq!(
        site.sql(COLUMNS),
        "admin@localhost|t|t|NULL|NULL|30|0|1000|0\nuser@localhost|t|f|NULL|NULL|30|0|1000|0\n"
    );
    assert_eq!(site.mode("keypairs.yml"), 0o600);
    let text = site.read("keypairs.yml");
    assert_eq!(keys_of_file(&text), keys(&site));
    for line in ["user_id: admin@localhost", "is_admin: true", "user_id: user@localhost", "is_admin: false"] {
        assert!(text.contains(line), "{line} is not in the file");
    }
}

#[test]
fn keys_have_the_form_and_are_never_the_same() {
    let site = ready();
    let mut seen = BTreeSet::new();
    for round in 0..3 {
        if round > 0 {
            site.sql("DELETE FROM keypairs");
            std::fs::remove_file(site.path("keypairs.yml")).expect("the file is ours");
        }
        site.runs("run populate-fixtures");
        for (access, secret) in keys(&site) {
            let tail = access.strip_prefix("AKIA").expect("an access key begins with AKIA");
            assert_eq!(tail.len(), 16);
            assert!(tail.chars().all(|c| matches!(c, 'A'..='Z' | '2'..='7')), "{access}");
            assert_eq!(secret.len(), 40);
            assert!(secret.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)));
            assert!(!backendai_setup::fixture::is_published(&access, &secret));
            assert!(seen.insert(access) && seen.insert(secret), "a key came twice");
        }
    }
    assert_eq!(seen.len(), 3 * 2 * 2);
}

#[test]
fn a_second_run_keeps_rows_and_file() {
    let site = ready();
    site.runs("run populate-fixtures");
    let before = site.everything();
    let again = site.runs("run populate-fixtures");
    assert!(again.stderr.contains("2 keypairs kept"), "{}", again.stderr);
    assert!(before == site.everything(), "a second run moved something");
}

#[test]
fn a_lost_file_is_written_again_from_the_rows() {
    let site = ready();
    site.runs("run populate-fixtures");
    let (text, rows) = (site.read("keypairs.yml"), site.sql(ALL));
    std::fs::remove_file(site.path("keypairs.yml")).expect("the file is ours");
    site.runs("run populate-fixtures");
    assert_eq!(site.read("keypairs.yml"), text);
    assert_eq!(site.mode("keypairs.yml"), 0o600);
    assert_eq!(site.sql(ALL), rows, "the rows were not touched");
}

#[test]
fn rotation_makes_new_keys_and_shuts_the_old_door() {
    let site = ready();
    site.runs("run populate-fixtures");
    let old = keys(&site);
    let outcome = site.runs("run populate-fixtures --rotate-keypairs");
    let new = keys(&site);
    assert_eq!(new.len(), 2);
    for ((access, secret), (same, old)) in new.iter().zip(&old) {
        assert!(access == same && secret != old, "the same access key with a new secret");
    }
    assert!(outcome.stderr.contains("web sockets"), "{}", outcome.stderr);
    assert_eq!(
        site.sql(COLUMNS),
        "admin@localhost|t|t|NULL|NULL|30|0|1000|0\nuser@localhost|t|f|NULL|NULL|30|0|1000|0\n"
    );
    assert_eq!(keys_of_file(&site.read("keypairs.yml")), new);
    for (_, secret) in old.iter().chain(&new) {
        assert!(!outcome.stderr.contains(secret.as_str()), "a secret was told");
    }
    let before = site.everything();
    site.runs("run populate-fixtures");
    assert!(before == site.everything());
}

#[test]
fn what_is_there_stays_and_the_rest_is_made() {
    let site = ready();
    site.runs("run populate-fixtures");
    site.sql("DELETE FROM keypairs WHERE NOT is_admin");
    std::fs::remove_file(site.path("keypairs.yml")).expect("the file is ours");
    let admin = site.sql(ALL);
    let outcome = site.runs("run populate-fixtures");
    assert!(outcome.stderr.contains("1 keypair made, 1 keypair kept"), "{}", outcome.stderr);
    assert!(site.sql(ALL).contains(admin.trim_end()), "the administrator's row was touched");
    assert_eq!(keys(&site).len(), 2);
    assert_eq!(keys_of_file(&site.read("keypairs.yml")), keys(&site));
}

#[test]
fn one_runs_file_is_anothers_fixture() {
    let (one, two) = (ready(), ready());
    one.runs("run populate-fixtures");
    two.write("poured.yml", one.read("keypairs.yml"));
    two.runs("run populate-fixtures --fixture poured.yml");
    assert_eq!(keys(&two), keys(&one));
    assert_eq!(two.sql(COLUMNS), one.sql(COLUMNS));
    assert_eq!(two.read("keypairs.yml"), one.read("keypairs.yml"));
    let before = two.everything();
    two.runs("run populate-fixtures --fixture poured.yml");
    assert!(before == two.everything(), "poured twice is poured once");
}

#[test]
fn the_example_can_be_poured() {
    let site = ready();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/example_keypair.json");
    let example = example.to_str().expect("UTF-8");
    site.runs(&format!("run populate-fixtures --fixture {example}"));
    assert_eq!(keys(&site).len(), 2);
    assert_eq!(site.sql("SELECT user_id FROM keypairs WHERE is_admin"), "admin@localhost\n");
}

#[test]
fn a_row_that_fails_pours_nothing() {
    let site = ready();
    // The last one has no value in a column of somebody else's; those before it must not stay.
    site.sql(
        "CREATE SEQUENCE calls; GRANT ALL ON SEQUENCE calls TO PUBLIC; CREATE FUNCTION note() RETURNS int LANGUAGE sql VOLATILE AS \
         'SELECT CASE WHEN nextval(''calls'') < 3 THEN 1 END'; \
         ALTER TABLE keypairs ADD COLUMN note int NOT NULL DEFAULT note()",
    );
    let row = |user: &str| format!("  - {{user_id: {user}, is_admin: false}}\n");
    let rows = ["first@localhost", "second@localhost", "last@localhost"].map(row).concat();
    site.write("rows.yml", format!("keypairs:\n{rows}"));
    let outcome = site.run("run populate-fixtures --fixture rows.yml");
    assert_eq!(outcome.status, 4, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("E-DB-REFUSED"), "{}", outcome.stderr);
    assert_eq!(site.sql("SELECT count(*) FROM keypairs"), "0\n");
    assert!(!site.path("keypairs.yml").exists());
}

#[test]
fn published_keys_are_never_poured_and_never_left_open() {
    let site = ready();
    let published = backendai_setup::fixture::PUBLISHED[0];
    let secret = backendai_setup::fixture::PUBLISHED_SECRETS[0];
    let row = format!("keypairs: [{{user_id: a@b, is_admin: true, access_key: {published}, secret_key: x}}]");
    site.write("published.yml", row);
    let outcome = site.run("run populate-fixtures --fixture published.yml");
    assert_eq!(outcome.status, 3, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("E-FIXTURE"), "{}", outcome.stderr);
    site.sql(&format!(
        "INSERT INTO keypairs (user_id, access_key, secret_key, is_active, is_admin) \
         VALUES ('admin@localhost', '{published}', '{secret}', true, true)"
    ));
    let before = site.everything();
    let outcome = site.run("run populate-fixtures");
    assert_eq!(outcome.status, 4, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("E-KEYS-PUBLISHED"), "{}", outcome.stderr);
    assert!(before == site.everything());
}

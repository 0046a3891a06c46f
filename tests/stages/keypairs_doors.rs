//! `populate-fixtures`: a door is closed by a new secret, and nothing that is not in the table is promised.

use std::thread;

use super::Site;
use crate::servers::{Outcome, PATIENCE, Postgres, wait_until};

const PAIRS: &str = "SELECT access_key, secret_key FROM keypairs ORDER BY access_key";

pub(super) fn ready() -> Site {
    let site = Site::new();
    site.runs("run create-database install-schema");
    site
}

pub(super) fn pairs(site: &Site) -> Vec<(String, String)> {
    let rows = site.sql(PAIRS);
    rows.lines()
        .map(|row| row.split_once('|').expect("two columns"))
        .map(|(access, secret)| (access.to_owned(), secret.to_owned()))
        .collect()
}

/// Nothing is left to do.
pub(super) fn rests(site: &Site) {
    let before = site.everything();
    site.runs("run populate-fixtures");
    assert!(before == site.everything(), "a second run moved something");
}

/// The first text in backquotes behind these words.
pub(super) fn quoted_after(told: &str, words: &str) -> String {
    let from = format!("{words}`");
    let (_, rest) = told.split_once(&from).unwrap_or_else(|| panic!("no {from} in {told}"));
    rest.split_once('`').expect("it ends").0.to_owned()
}

pub(super) fn insert(site: &Site, user: &str, access: &str, secret: &str, active: bool, admin: &str) {
    site.sql(&format!(
        "INSERT INTO keypairs (user_id, access_key, secret_key, is_active, is_admin, concurrency_limit, \
         concurrency_used, rate_limit) VALUES ('{user}', '{access}', {secret}, {active}, {admin}, 30, 0, 1000)"
    ));
}

#[test]
fn rotation_renews_every_row_of_the_owner_active_or_not() {
    let site = ready();
    site.runs("run populate-fixtures");
    insert(&site, "admin@localhost", "AKIAOLD", "'an old secret'", false, "true");
    insert(&site, "admin@localhost", "AKIANULL", "'no administrator'", true, "NULL");
    insert(&site, "boss@localhost", "AKIABOSS", "'of the boss'", true, "true");
    site.sql(
        "INSERT INTO vfolders (id, host, name, belongs_to) \
              VALUES ('00000000000000000000000000000001', 'h', 'n', 'AKIAOLD')",
    );
    let before = pairs(&site);
    // The plan says it before anything is written.
    let told = site.runs("plan --rotate-keypairs").stdout;
    assert!(told.contains("keep their secrets") && told.contains("boss@localhost"), "{told}");
    let outcome = site.runs("run populate-fixtures --rotate-keypairs");
    assert!(outcome.stderr.contains("boss@localhost"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("AKIABOSS"), "{}", outcome.stderr);
    let after = pairs(&site);
    assert_eq!(after.len(), before.len());
    for ((access, old), (same, new)) in before.iter().zip(&after) {
        let stays = ["AKIABOSS", "AKIANULL"].contains(&access.as_str());
        assert!(access == same && (old == new) == stays, "{access}");
        assert_eq!(site.read("keypairs.yml").contains(new), !stays, "{access}");
    }
    assert_eq!(site.sql("SELECT is_active FROM keypairs WHERE access_key = 'AKIAOLD'"), "f\n");
    assert_eq!(site.sql("SELECT belongs_to FROM vfolders"), "AKIAOLD\n");
    rests(&site);
}

#[test]
fn secrets_that_anybody_has_are_a_conflict_and_are_replaced_when_told() {
    let published = backendai_setup::fixture::PUBLISHED_SECRETS[0];
    let site = ready();
    site.runs("run populate-fixtures");
    let secrets = [&format!("'{published}'"), "''", "'   '", "E'\\t'", "access_key"];
    for (n, (secret, active)) in secrets.iter().flat_map(|it| [(it, true), (it, false)]).enumerate() {
        let door = format!("AKIADOOR{n}");
        let secret = secret.replace("access_key", &format!("'{door}'"));
        insert(&site, "x@localhost", &door, &secret, active, "false");
        let before = site.everything();
        let outcome = site.run("run populate-fixtures");
        assert_eq!(outcome.status, 4, "{secret}: {}", outcome.stderr);
        for told in ["E-KEYS-PUBLISHED", &door, "--replace-published-keys"] {
            assert!(outcome.stderr.contains(told), "{secret}: {}", outcome.stderr);
        }
        assert!(before == site.everything());
        let kept = site.read("keypairs.yml");
        site.runs("run populate-fixtures --replace-published-keys");
        let renewed = pairs(&site).into_iter().find(|(access, _)| *access == door).expect("it stays").1;
        assert_eq!(renewed.len(), 40);
        let text = site.read("keypairs.yml");
        assert!(text.starts_with(&kept) && text.contains(&renewed), "the others stay, this one is added");
        rests(&site);
    }
}

#[test]
fn a_pair_of_ours_without_a_secret_is_not_kept() {
    let site = ready();
    insert(&site, "admin@localhost", "AKIAOURS", "NULL", true, "true");
    let outcome = site.run("run populate-fixtures");
    assert_eq!(outcome.status, 4, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("E-KEYS-PUBLISHED"), "{}", outcome.stderr);
    site.runs("run populate-fixtures --replace-published-keys");
    assert_eq!(site.sql("SELECT length(secret_key) FROM keypairs WHERE access_key = 'AKIAOURS'"), "40\n");
}

#[test]
fn columns_that_break_the_manager_are_filled_and_a_zero_is_told() {
    let site = ready();
    site.runs("run populate-fixtures");
    site.sql("UPDATE keypairs SET rate_limit = NULL, concurrency_limit = NULL, concurrency_used = NULL");
    let plan = site.runs("plan");
    let told = format!("{}{}", plan.stdout, plan.stderr);
    assert!(told.contains("rate_limit NULL → 1000"), "{told}");
    site.runs("run populate-fixtures");
    let limits = "SELECT DISTINCT concurrency_limit, concurrency_used, rate_limit FROM keypairs";
    assert_eq!(site.sql(limits), "30|0|1000\n");
    site.sql("UPDATE keypairs SET rate_limit = 0 WHERE is_admin");
    let told = site.runs("run populate-fixtures").stderr;
    assert!(told.contains("W-KEYS-REMARK") && told.contains("rate_limit"), "{told}");
    site.sql(&quoted_after(&told, "for example: "));
    assert_eq!(site.sql(limits), "30|0|1000\n");
    let told = site.runs("run populate-fixtures").stderr;
    assert!(!told.contains("W-KEYS-REMARK"), "{told}");
}

#[test]
fn a_trigger_that_drops_or_changes_a_row_leaves_no_file() {
    for (moment, body) in [
        ("BEFORE", "RETURN NULL;"),
        ("BEFORE", "NEW.secret_key := 'changed'; RETURN NEW;"),
        (
            "AFTER",
            "UPDATE keypairs SET secret_key = 'changed' WHERE access_key = NEW.access_key; RETURN NULL;",
        ),
    ] {
        let site = ready();
        // A trigger that is there already is found before anything is written. This one comes while the row does.
        let trigger = format!(
            "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$; \
             CREATE TRIGGER meddle {moment} INSERT ON keypairs FOR EACH ROW EXECUTE PROCEDURE meddle(); \
             DO $$ BEGIN LOOP EXIT WHEN EXISTS (SELECT FROM pg_locks WHERE NOT granted \
             AND relation = 'keypairs'::regclass); PERFORM pg_sleep(0.01); END LOOP; END $$"
        );
        let holds = "SELECT count(*) FROM pg_locks WHERE granted AND mode = 'ShareRowExclusiveLock' \
                     AND relation = 'keypairs'::regclass";
        let outcome = thread::scope(|scope| {
            let comes = scope.spawn(|| site.sql(&trigger));
            wait_until("the trigger is on its way", PATIENCE, || site.sql(holds) == "1\n");
            let outcome = site.run("run populate-fixtures");
            comes.join().expect("it was made");
            outcome
        });
        assert_eq!(outcome.status, 4, "{body}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("E-KEYS-ALTERED"), "{body}: {}", outcome.stderr);
        assert_eq!(site.sql("SELECT count(*) FROM keypairs"), "0\n");
        assert!(!site.path("keypairs.yml").exists());
        // The remedy, word for word.
        site.sql(&quoted_after(&outcome.stderr, "run "));
        site.runs("run populate-fixtures");
        rests(&site);
    }
}

#[test]
fn a_rule_that_drops_a_row_is_named() {
    let site = ready();
    site.sql("CREATE RULE \"No rows\" AS ON INSERT TO keypairs DO INSTEAD NOTHING");
    let outcome = site.run("run populate-fixtures");
    assert_eq!(outcome.status, 4, "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("E-DB-SHAPE") && outcome.stderr.contains("`No rows`"),
        "{}",
        outcome.stderr
    );
    site.sql("ALTER TABLE public.keypairs DISABLE RULE \"No rows\"");
    site.runs("run populate-fixtures");
    rests(&site);
}

#[test]
fn given_keys_are_poured() {
    let site = ready();
    let row = |user: &str, access: &str| {
        format!(
            "- {{user_id: {user}, is_admin: false, access_key: {access}, secret_key: secret-of-{access}}}\n"
        )
    };
    site.write("mine.yml", format!("keypairs:\n{}{}", row("a@b", "AKIAONE"), row("c@d", "AKIATWO")));
    let outcome = site.runs("run populate-fixtures --fixture mine.yml");
    assert!(outcome.stderr.contains("2 keypairs loaded"), "{}", outcome.stderr);
    for blank in ["''", "'  '", "AKIAONE"] {
        let keys = format!("access_key: AKIAONE, secret_key: {blank}");
        site.write("blank.yml", format!("keypairs: [{{user_id: a@b, is_admin: true, {keys}}}]"));
        let outcome = site.run("run populate-fixtures --fixture blank.yml");
        assert_eq!(outcome.status, 3, "{blank}: {}", outcome.stderr);
    }
}

/// Lets the commands look, holds them before they write, does something meanwhile and lets them go on.
pub(super) fn held_up<const N: usize>(
    site: &Site,
    commands: [&str; N],
    meanwhile: impl FnOnce(),
) -> [Outcome; N] {
    let name = &site.database.name;
    let waiting = format!(
        "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database \
         WHERE locktype = 'advisory' AND NOT granted AND datname = '{name}'"
    );
    thread::scope(|scope| {
        let lock = "SELECT pg_advisory_lock(2225364)";
        let held = crate::failures::Session::open(&site.database, name, lock);
        let runs = commands.map(|command| scope.spawn(move || site.run(command)));
        wait_until("all wait for the lock", PATIENCE, || {
            Postgres::shared().psql(name, &waiting) == format!("{N}\n")
        });
        meanwhile();
        drop(held);
        runs.map(|run| run.join().expect("the run ends"))
    })
}

#[test]
fn of_two_rotations_at_once_one_is_kept_out_and_file_and_table_agree() {
    const ROTATE: &str = "run populate-fixtures --rotate-keypairs";
    let site = ready();
    site.runs("run populate-fixtures");
    let [first] = held_up(&site, [ROTATE], || {
        let second = site.run(ROTATE);
        assert!(second.status == 8 && second.stderr.contains("E-DB-BUSY"), "{}", second.stderr);
    });
    assert_eq!(first.status, 0, "{}", first.stderr);
    for (_, secret) in pairs(&site) {
        assert!(site.read("keypairs.yml").contains(&secret), "the file has what the table has");
    }
    // Another program knows no lock.
    let [overtaken] = held_up(&site, [ROTATE], || {
        site.sql("UPDATE keypairs SET secret_key = 'of another program' WHERE is_admin");
    });
    assert!(overtaken.status == 8 && overtaken.stderr.contains("E-KEYS-CHANGED"), "{}", overtaken.stderr);
    assert!(pairs(&site).iter().any(|(_, secret)| secret == "of another program"));
    // The remedy, with a file that is not there: it has what the table has.
    std::fs::remove_file(site.path("keypairs.yml")).expect("the file is ours");
    site.runs("run populate-fixtures");
    for (_, secret) in pairs(&site) {
        assert!(site.read("keypairs.yml").contains(&secret), "the file has what the table has");
    }
    rests(&site);
}

#[test]
fn what_people_wrote_into_the_file_stays() {
    let site = ready();
    site.runs("run populate-fixtures");
    let noted = format!("# of the first site\n\n{}\n# the end\n", site.read("keypairs.yml"));
    site.write("keypairs.yml", &noted);
    rests(&site);
    site.runs("run populate-fixtures");
    assert_eq!(site.read("keypairs.yml"), noted);
    let others = "run populate-fixtures --set keypairs.admin=b@example.com --set keypairs.user=c@example.com";
    site.runs(others);
    let both = site.read("keypairs.yml");
    for (_, secret) in pairs(&site) {
        assert!(both.contains(&secret), "all four are in the file");
    }
    assert!(both.starts_with("# of the first site\n\n") && both.ends_with("\n# the end\n"), "comments stay");
    rests(&site);
    site.runs("run populate-fixtures --fixture keypairs.yml");
    assert_eq!(site.read("keypairs.yml"), both);
    site.write("keypairs.yml", "mine: true\n");
    let outcome = site.run("run populate-fixtures");
    assert!(outcome.status == 4 && outcome.stderr.contains("E-FILE-FOREIGN"), "{}", outcome.stderr);
    assert_eq!(site.read("keypairs.yml"), "mine: true\n");
}

#[test]
fn a_row_that_the_server_refuses_is_told_without_its_secret() {
    let site = ready();
    // PostgreSQL's detail of this failure holds the whole row.
    site.sql(
        "CREATE FUNCTION nothing() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT NULL::int'; \
         ALTER TABLE keypairs ADD COLUMN note int NOT NULL DEFAULT nothing()",
    );
    let keys = "access_key: AKIAGIVEN, secret_key: canary-in-a-detail";
    site.write("mine.yml", format!("keypairs: [{{user_id: a@b, is_admin: true, {keys}}}]"));
    for output in ["", " --output json", " -v"] {
        let outcome = site.run(&format!("run populate-fixtures --fixture mine.yml{output}"));
        assert_eq!(outcome.status, 4, "{}", outcome.stderr);
        let told = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(told.contains("E-DB-REFUSED") && !told.contains("canary-in-a-detail"), "{told}");
    }
    assert!(!site.path("keypairs.yml").exists());
}

#[test]
fn a_published_access_key_with_a_secret_of_its_own_is_a_remark() {
    let site = ready();
    site.runs("run populate-fixtures");
    insert(&site, "x@localhost", backendai_setup::fixture::PUBLISHED[0], "'of its own'", true, "false");
    let told = site.runs("run populate-fixtures").stderr;
    assert!(told.contains("W-KEYS-REMARK") && told.contains("x@localhost"), "{told}");
}

//! `populate-fixtures`: what belongs to a keypair, what others changed meanwhile, and entries of others.

use super::Site;
use super::keypairs_doors::{held_up, insert, pairs, quoted_after, ready, rests};

/// Everything that refers to an access key: three foreign keys.
const OWNED: &str = "SELECT 'kernel', ctid, xmin, access_key::text FROM kernels \
                     UNION ALL SELECT 'folder', ctid, xmin, belongs_to::text FROM vfolders \
                     UNION ALL SELECT 'permission', ctid, xmin, access_key::text FROM vfolder_permissions ORDER BY 1";

fn secret(site: &Site, access: &str) -> String {
    pairs(site).into_iter().find(|(it, _)| it == access).expect("the row is there").1
}

#[test]
fn sessions_and_folders_stay_with_their_access_key() {
    let site = ready();
    site.runs("run populate-fixtures");
    insert(&site, "x@localhost", "AKIADOOR", "''", true, "false");
    let user = site.sql("SELECT access_key FROM keypairs WHERE user_id = 'user@localhost'");
    for access in [user.trim_end(), "AKIADOOR"] {
        site.sql(&format!(
            "INSERT INTO kernels (role, agent_addr, access_key, mem_slot, cpu_slot, gpu_slot, repl_in_port, \
             repl_out_port, stdin_port, stdout_port, status) \
             VALUES ('master', 'tcp://a:1', '{access}', 1, 1, 0, 1, 2, 3, 4, 'RUNNING'); \
             INSERT INTO vfolders (host, name, belongs_to) VALUES ('h', 'n', '{access}'); \
             INSERT INTO vfolder_permissions (vfolder, access_key) \
             SELECT id, '{access}' FROM vfolders WHERE belongs_to = '{access}'"
        ));
    }
    let (owned, before) = (site.sql(OWNED), pairs(&site));
    assert_eq!(owned.lines().count(), 6);
    site.runs("run populate-fixtures --rotate-keypairs --replace-published-keys");
    assert_eq!(site.sql(OWNED), owned, "not one of these rows was written");
    for ((access, old), (same, new)) in before.iter().zip(&pairs(&site)) {
        assert!(access == same && old != new, "{access}");
    }
    rests(&site);
}

#[test]
fn a_row_that_changes_after_the_look_is_not_written_over() {
    let site = ready();
    site.runs("run populate-fixtures");
    insert(&site, "x@localhost", "AKIADOOR", "''", true, "false");
    insert(&site, "y@localhost", "AKIAYARD", "' '", true, "false");
    let file = site.read("keypairs.yml");
    let replace = "run populate-fixtures --replace-published-keys";
    let update = "UPDATE keypairs SET secret_key = 'of somebody else' WHERE access_key = 'AKIADOOR'";
    let [outcome] = held_up(&site, [replace], || drop(site.sql(update)));
    assert_eq!(outcome.status, 8, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("E-KEYS-CHANGED"), "{}", outcome.stderr);
    assert_eq!(secret(&site, "AKIADOOR"), "of somebody else");
    assert_eq!(secret(&site, "AKIAYARD"), " ", "nothing was written, not even what had not changed");
    assert_eq!(site.read("keypairs.yml"), file);
    // The remedy: it says to run again.
    assert!(outcome.stderr.contains("run again: it replaces only"), "{}", outcome.stderr);
    site.runs(replace);
    assert_eq!(secret(&site, "AKIADOOR"), "of somebody else");
    assert_eq!(secret(&site, "AKIAYARD").len(), 40);
    rests(&site);
}

#[test]
fn a_row_that_comes_after_the_look_is_not_rotated_unseen() {
    let site = ready();
    site.runs("run populate-fixtures");
    let before = pairs(&site);
    let [outcome] = held_up(&site, ["run populate-fixtures --rotate-keypairs"], || {
        insert(&site, "admin@localhost", "AKIALATE", "'came late'", true, "true");
    });
    assert_eq!(outcome.status, 8, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("E-KEYS-CHANGED"), "{}", outcome.stderr);
    assert!(before.iter().all(|(access, old)| secret(&site, access) == *old));
    site.runs("run populate-fixtures");
    rests(&site);
}

#[test]
fn remarks_show_in_every_state() {
    let site = ready();
    insert(&site, "boss@localhost", "AKIABOSS", "'of the boss'", true, "true");
    for state in ["pending", "done"] {
        for command in ["plan", "status"] {
            let told = site.run(command).stdout;
            let (_, own) = told.split_once("Keypairs ").unwrap_or_else(|| panic!("{told}"));
            assert!(own.trim_start().starts_with(state), "{command}: {told}");
            for part in ["W-KEYS-REMARK", "boss@localhost"] {
                assert!(own.contains(part), "{command}, {state}: {told}");
            }
        }
        let strict = site.run("run populate-fixtures --strict");
        assert_eq!(strict.status, 4, "{}", strict.stderr);
        assert!(strict.stderr.contains("boss@localhost"), "{}", strict.stderr);
        assert!(strict.stderr.contains("W-KEYS-REMARK"), "{}", strict.stderr);
        let told = site.runs("run populate-fixtures").stderr;
        assert_eq!(told.matches("W-KEYS-REMARK").count(), 1, "{told}");
    }
}

#[test]
fn entries_of_others_need_no_row_until_they_are_poured() {
    let site = ready();
    site.runs("run populate-fixtures");
    let ours = site.read("keypairs.yml");
    let dash = ours.lines().find_map(|line| line.split_once("- user_id")).expect("an entry").0.to_owned();
    let entry =
        ["- user_id: o@p", "  access_key: AKIAOTHER", "  secret_key: of-another-site", "  is_admin: false"]
            .map(|line| format!("{dash}{line}\n"))
            .concat();
    let file = format!("{ours}{entry}");
    site.write("keypairs.yml", &file);
    rests(&site);
    assert_eq!(pairs(&site).len(), 2, "no row was made of it");
    site.runs("run populate-fixtures --rotate-keypairs");
    assert!(site.read("keypairs.yml").ends_with(&entry));
    // Poured, every entry of the file becomes a row.
    let told = site.runs("run populate-fixtures --fixture keypairs.yml").stderr;
    assert!(told.contains("1 keypair loaded, 2 keypairs kept"), "{told}");
    assert_eq!(secret(&site, "AKIAOTHER"), "of-another-site");
    rests(&site);
    // One that the table has with another secret is a conflict, and nothing is poured.
    let other = site.read("keypairs.yml").replace("of-another-site", "of-an-older-site");
    site.write("older.yml", format!("{other}{dash}- user_id: q@r\n{dash}  is_admin: false\n"));
    let outcome = site.run("run populate-fixtures --fixture older.yml");
    assert_eq!(outcome.status, 4, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("E-KEYS-CONFLICT"), "{}", outcome.stderr);
    assert_eq!(pairs(&site).len(), 3);
}

/// Rows of others are not ours to change: `status` names them, with a statement that gives them a value.
#[test]
fn what_is_null_for_others_is_named_with_its_cure() {
    let site = ready();
    site.runs("run populate-fixtures");
    site.sql("INSERT INTO keypairs (user_id, access_key, secret_key) VALUES ('x@localhost', 'AKIAX', 'of-its-own')");
    for column in ["rate_limit", "concurrency_limit", "concurrency_used"] {
        let outcome = site.run("status");
        let told = format!("{}{}", outcome.stdout, outcome.stderr);
        let (_, rest) = told.split_once(&format!("`{column}` is NULL: x@localhost")).expect(&told);
        site.sql(&quoted_after(rest, "for example: "));
    }
    let limits = "SELECT DISTINCT concurrency_limit, concurrency_used, rate_limit FROM keypairs";
    assert_eq!(site.sql(limits), "30|0|1000\n");
    let outcome = site.run("status");
    assert!(!outcome.stdout.contains("NULL"), "{}", outcome.stdout);
}

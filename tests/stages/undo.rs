//! Undo: after it the servers and the files are what they were before the run, or what stays is said.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Site;
use crate::servers::{Outcome, Program};

/// Each file by its name, with its mode.
pub(super) type Files = BTreeMap<String, (u32, Vec<u8>)>;

/// The files in the folder of a site.
pub(super) fn files_of(site: &Site) -> Files {
    let entries = fs::read_dir(site.path("")).expect("the folder is ours").flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())).map(|entry| {
        let path = entry.path();
        let mode = fs::metadata(&path).expect("it is there").permissions().mode() & 0o7777;
        let name = entry.file_name().into_string().expect("UTF-8");
        (name, (mode, fs::read(&path).expect("it is ours")))
    });
    files.collect()
}

/// Everything that a run may change, by value.
#[derive(Debug, PartialEq)]
pub(super) struct World {
    keys: BTreeMap<String, String>,
    databases: BTreeMap<String, String>,
    rows: String,
    files: Files,
}

pub(super) const STATE: &str = "--state-dir state";

impl World {
    pub(super) fn of(site: &Site) -> Self {
        let databases = site.databases();
        let rows = "SELECT user_id, access_key, secret_key, is_active, is_admin, resource_policy, created_at, \
                    concurrency_limit, concurrency_used, rate_limit, num_queries FROM keypairs ORDER BY access_key";
        let has_rows = databases.contains_key(&site.database.name)
            && site.sql("SELECT to_regclass('public.keypairs') IS NOT NULL").trim() == "t";
        Self {
            // The lock of a killed run that nobody needed to take over goes with its lease.
            keys: site.etcd.get_all("").into_iter().filter(|(key, _)| !key.ends_with("/lock")).collect(),
            databases,
            rows: if has_rows { site.sql(rows) } else { "none".into() },
            files: files_of(site),
        }
    }
}

fn undo(site: &Site) -> Outcome {
    site.runs(&format!("undo --yes {STATE}"))
}

/// A namespace with older keys, another database, files that were there, and a folder of its own.
pub(super) fn used() -> Site {
    let site = Site::new();
    site.other_database();
    site.etcd.put("/sorna/local/images/_aliases/py", "python:3.5");
    site.etcd.put("/sorna/local/images/r", "0");
    site.etcd.put("/sorna/local/volumes/_mount", "/mnt/old");
    site.etcd.put("/sorna/prod/volumes/_mount", "/mnt/prod");
    site.runs("run write-config");
    let url = |line: &str| match line.strip_prefix("sqlalchemy.url = ") {
        Some(_) => "sqlalchemy.url = postgresql://old@old/old\n".to_owned(),
        None => format!("{line}\n"),
    };
    site.write("alembic.ini", site.read("alembic.ini").lines().map(url).collect::<String>());
    fs::set_permissions(site.path("alembic.ini"), fs::Permissions::from_mode(0o644)).expect("it is ours");
    site.write("manager.env", site.read("manager.env").replace("'local'", "'old'"));
    site
}

#[test]
fn after_a_whole_run_everything_is_as_before() {
    for site in [Site::new(), used()] {
        let before = World::of(&site);
        site.runs(&format!("run --replace-mount {STATE}"));
        assert_ne!(World::of(&site), before);
        let undone = undo(&site);
        assert_eq!(World::of(&site), before, "{}", undone.stderr);
        // Once more there is nothing to do, and it says so.
        let again = undo(&site);
        assert!(again.stderr.contains("changed=0"), "{}", again.stderr);
        assert_eq!(World::of(&site), before);
        // And the run can be done again.
        site.runs(&format!("run --replace-mount {STATE}"));
    }
}

#[test]
fn it_is_shown_first_and_needs_a_word() {
    let site = Site::new();
    site.runs(&format!("run set-mount write-config {STATE}"));
    let world = World::of(&site);
    let refused = site.run(&format!("undo {STATE}"));
    assert_eq!(refused.status, 10, "{}", refused.stderr);
    assert!(refused.stderr.contains("give `--yes`"), "{}", refused.stderr);
    assert_eq!(World::of(&site), world);
    // One stage alone.
    site.runs(&format!("undo set-mount --yes {STATE}"));
    assert_eq!(site.etcd.get_all(""), BTreeMap::new());
    assert!(site.path("manager.env").is_file());
    let refused = site.run(&format!("undo load-images --yes {STATE}"));
    assert_eq!(refused.status, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("it wrote in set-mount, write-config"), "{}", refused.stderr);
}

#[test]
fn a_run_that_is_not_known_cannot_be_undone() {
    let site = Site::new();
    let refused = site.run(&format!("undo --yes {STATE}"));
    assert_eq!(refused.status, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("E-UNDO-NOTHING"), "{}", refused.stderr);
    site.runs(&format!("run set-mount {STATE}"));
    // One that changed nothing leaves nothing to undo.
    site.runs(&format!("run set-mount {STATE}"));
    let refused = site.run(&format!("undo --run yesterday --yes {STATE}"));
    assert_eq!(refused.status, 3, "{}", refused.stderr);
    let known = refused.stderr.split_once("the runs on these servers are ").expect("the runs").1;
    let id = known.split([',', ' ']).next().expect("an id");
    site.runs(&format!("undo --run {id} --yes {STATE}"));
    assert_eq!(site.etcd.get_all(""), BTreeMap::new());
}

#[test]
fn what_was_changed_since_stays() {
    let site = used();
    site.runs(&format!("run --replace-mount {STATE}"));
    site.etcd.put("/sorna/local/images/r", "theirs");
    site.etcd.delete("/sorna/local/images/_aliases/py");
    let env = site.read("manager.env") + "# theirs\n";
    site.write("manager.env", &env);
    site.sql("UPDATE keypairs SET secret_key = 'theirs' WHERE is_admin");
    let undone = undo(&site);
    for said in [
        "`/sorna/local/images/r` has been changed since",
        "`/sorna/local/images/_aliases/py` has been removed since",
        "manager.env` has been changed since",
        "the row has been changed since",
        "table keypairs holds rows that stay",
        "keypairs.yml` is kept: it holds keypairs that stay",
    ] {
        assert!(undone.stderr.contains(said), "{said}\n{}", undone.stderr);
    }
    assert_eq!(site.etcd.get_all("/sorna/local/images/r")["/sorna/local/images/r"], "theirs");
    assert_eq!(site.etcd.get_all("/sorna/local/volumes/")["/sorna/local/volumes/_mount"], "/mnt/old");
    assert_eq!(site.read("manager.env"), env);
    assert_eq!(site.sql("SELECT secret_key FROM keypairs"), "theirs\n");
    assert!(site.read("alembic.ini").contains("old@old"));
    assert!(!site.path("alembic.ini.bak").exists());
}

#[test]
fn what_others_build_on_stays() {
    let site = Site::new();
    site.runs(&format!("run {STATE}"));
    let access = site.sql("SELECT access_key FROM keypairs WHERE NOT is_admin");
    let folder = "INSERT INTO vfolders (id, host, name, max_files, max_size, num_files, cur_size, belongs_to) \
                  VALUES (uuid_generate_v4(), 'h', 'n', 1, 1, 0, 0, ";
    site.sql(&format!("{folder}'{}')", access.trim()));
    let undone = undo(&site);
    assert!(undone.stderr.contains("it is in use by 1 row of table vfolders"), "{}", undone.stderr);
    assert!(undone.stderr.contains("schema in database"), "{}", undone.stderr);
    assert_eq!(site.sql("SELECT count(*) FROM keypairs"), "1\n");
    assert!(site.read("keypairs.yml").contains(access.trim()));
    // An extra table in the database alone: the schema goes, the database stays.
    let site = Site::new();
    site.runs(&format!("run {STATE}"));
    site.sql("CREATE TABLE theirs (id int)");
    let undone = undo(&site);
    assert!(undone.stderr.contains("it holds relation theirs"), "{}", undone.stderr);
    assert_eq!(
        site.sql("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"),
        "theirs\n"
    );
}

#[test]
fn a_rotation_is_undone_but_never_to_a_secret_that_anybody_has() {
    let site = Site::new();
    site.runs(&format!("run {STATE}"));
    let first = World::of(&site);
    site.runs(&format!("run populate-fixtures --rotate-keypairs {STATE}"));
    assert_ne!(World::of(&site), first);
    undo(&site);
    assert_eq!(World::of(&site), first);
    // A secret that is published was replaced; it does not come back.
    site.sql("UPDATE keypairs SET secret_key = '' WHERE is_admin");
    site.runs(&format!("run populate-fixtures --replace-published-keys {STATE}"));
    let closed = site.sql("SELECT secret_key FROM keypairs WHERE is_admin");
    let undone = undo(&site);
    assert!(undone.stderr.contains("published, empty or blank"), "{}", undone.stderr);
    assert_eq!(site.sql("SELECT secret_key FROM keypairs WHERE is_admin"), closed);
}

#[test]
fn columns_that_were_null_and_values_that_are_no_text_come_back() {
    let site = Site::new();
    site.runs(&format!("run {STATE}"));
    site.sql("UPDATE keypairs SET rate_limit = NULL, concurrency_used = NULL");
    let before = World::of(&site);
    site.runs(&format!("run populate-fixtures {STATE}"));
    assert_ne!(World::of(&site), before);
    undo(&site);
    assert_eq!(World::of(&site), before);
    site.etcd.put_bytes("/sorna/local/volumes/_mount", b"\xff\xfe/mnt");
    site.runs(&format!("run set-mount --replace-mount {STATE}"));
    undo(&site);
    assert_eq!(
        site.etcd.get_bytes("/sorna/local/volumes/_mount").as_deref(),
        Some(b"\xff\xfe/mnt".as_slice())
    );
}

/// Kills a run after its first line, after each `step` more, and undoes it.
fn killed(step: usize) {
    let mut after = 1;
    loop {
        let site = used();
        let before = World::of(&site);
        let arguments = ["run", "--replace-mount", "--output", "json", "--state-dir", "state"];
        let lines = site.program(arguments).killed_after(after);
        let undone = site.run(&format!("undo --yes {STATE}"));
        // A run that was killed before it wrote anything has no journal.
        assert!(matches!(undone.status, 0 | 3), "{}", undone.stderr);
        assert_eq!(World::of(&site), before, "killed after {after} lines\n{}", undone.stderr);
        if lines < after {
            break;
        }
        after += step;
    }
}

#[test]
fn a_killed_run_is_undone() {
    killed(20);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn a_killed_run_is_undone_at_length() {
    killed(2);
}

/// An undo that was killed is gone on with by the next one.
#[test]
fn a_killed_undo_is_finished() {
    let mut after = 4;
    loop {
        let site = used();
        let before = World::of(&site);
        site.runs(&format!("run --replace-mount {STATE}"));
        let arguments = ["undo", "--yes", "--output", "json", "--state-dir", "state"];
        let lines = site.program(arguments).killed_after(after);
        let undone = undo(&site);
        assert_eq!(World::of(&site), before, "killed after {after} lines\n{}", undone.stderr);
        if lines < after {
            break;
        }
        after += 9;
    }
}

pub(super) fn journals(folder: &Path) -> Vec<PathBuf> {
    let targets = fs::read_dir(folder).expect("the state directory").flatten();
    let entries = targets.filter_map(|target| fs::read_dir(target.path().join("journals")).ok());
    entries.flatten().flatten().map(|entry| entry.path()).collect()
}

/// Every file below a folder that has this in it.
fn holders(folder: &Path, secret: &str) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("the folder is ours").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holders(&path, secret));
        } else if fs::read(&path).expect("ours").windows(secret.len()).any(|it| it == secret.as_bytes()) {
            found.insert(path);
        }
    }
    found
}

#[test]
fn the_journal_alone_holds_former_secrets() {
    let site = Site::new();
    let programs = [vec!["run"], vec!["run", "populate-fixtures", "--rotate-keypairs"]]
        .map(|words| site.program(words.into_iter().chain(["--state-dir", "state"])));
    let secrets = || site.sql("SELECT secret_key FROM keypairs").lines().map(str::to_owned).collect();
    let holders = |secret: &str| -> BTreeSet<PathBuf> {
        let folders = programs.iter().map(Program::folder);
        folders.chain([&*site.path("")]).flat_map(|folder| holders(folder, secret)).collect()
    };
    let ended = programs[0].run();
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let old: Vec<String> = secrets();
    let first: BTreeSet<PathBuf> = journals(&site.path("state")).into_iter().collect();
    let file = BTreeSet::from([site.path("keypairs.yml")]);
    for secret in &old {
        assert_eq!(holders(secret), file, "a secret that counts stands in the table and in its file");
    }
    let ended = programs[1].run();
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let new: Vec<String> = secrets();
    let all: BTreeSet<PathBuf> = journals(&site.path("state")).into_iter().collect();
    let second: BTreeSet<PathBuf> = all.difference(&first).cloned().collect();
    assert_eq!((first.len(), second.len()), (1, 1));
    for secret in &old {
        assert_eq!(holders(secret), second, "a former secret can be put back from there alone");
    }
    for secret in &new {
        assert_eq!(holders(secret), file);
    }
    for path in &all {
        assert!(!fs::read_to_string(path).expect("text").contains(&site.database.password));
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o7777;
        assert_eq!(mode(path), 0o600, "{}", path.display());
        let folder = path.parent().expect("a folder");
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
    // What was put back is a secret that counts, and the other one is nowhere any more.
    undo(&site);
    for secret in &new {
        assert_eq!(holders(secret), BTreeSet::new());
    }
}

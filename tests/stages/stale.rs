//! Something foreign is written between the look and the write: it is never written over and never mixed with. What was
//! confirmed is what is written, or nothing.

use std::fmt::Write as _;

use super::Site;
use super::keypairs_doors::{held_up, insert};
use crate::servers::{Outcome, Postgres, Program, Relay};
use crate::tui::{Left, Pty};

const STALE: &str = "E-PLAN-STALE";

/// The site's answers as flags, with its servers at these addresses: whoever runs it so is asked.
pub(super) fn at_the_question(
    site: &Site,
    program: &Program,
    stages: &[&str],
    etcd: &str,
    address: &str,
) -> Pty {
    let database = &site.database;
    let settings = [
        format!("etcd.endpoints={etcd}"),
        "etcd.namespace=local".to_owned(),
        format!("database.address={address}"),
        format!("database.name={}", database.name),
        format!("database.user={}", database.user),
        "storage.mount=/mnt/shared".to_owned(),
        "storage.expect=elsewhere".to_owned(),
        "images.metadata=images.yml".to_owned(),
        "images.aliases=aliases.yml".to_owned(),
    ];
    let mut arguments = vec!["run"];
    arguments.extend(stages);
    settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
    let pty = Pty::start(80, 24, program, &arguments, &[("BACKEND_DB_PASSWORD", &database.password)]);
    pty.wait_for("Write this?");
    pty.wait_for_raw();
    pty
}

/// Confirms after something foreign was done.
fn confirmed(site: &Site, stages: &[&str], foreign: impl FnOnce()) -> Left {
    let program = Program::new().current_dir(site.path(""));
    let mut pty = at_the_question(site, &program, stages, &site.etcd.endpoint, &site.database.address);
    foreign();
    pty.write(b"y\r");
    pty.wait()
}

/// Done by somebody else meanwhile.
pub(super) type Foreign = Box<dyn Fn(&Site)>;

/// The title of a stage, the stage itself, what is to be run before it, and something foreign in its place.
pub(super) fn cases() -> [(&'static str, &'static [&'static str], &'static str, Foreign); 9] {
    let key = |below: &str| format!("/sorna/local/{below}");
    let put = |below: &str| -> Foreign {
        let key = key(below);
        Box::new(move |site: &Site| site.etcd.put(&key, "of somebody else"))
    };
    let file = |name: &'static str, text: &'static str| -> Foreign {
        Box::new(move |site: &Site| site.write(name, text))
    };
    [
        ("Image list", &["load-images"], "", put("images/python/tags/3.6")),
        ("Image list", &["load-images"], "", put("images/python/tags/latest")),
        ("Aliases", &["load-aliases"], "run load-images", put("images/_aliases/py")),
        ("Shared folder", &["set-mount"], "", put("volumes/_mount")),
        (
            "Database",
            &["create-database"],
            "",
            Box::new(|Site { database, .. }| {
                let sql = format!("CREATE DATABASE {} OWNER {}", database.name, database.user);
                Postgres::shared().psql("postgres", &sql);
            }),
        ),
        (
            "Schema",
            &["install-schema"],
            "run create-database",
            Box::new(|site| drop(site.sql("CREATE TABLE keypairs (of_somebody_else int)"))),
        ),
        (
            "Keypairs",
            &["populate-fixtures"],
            "run create-database install-schema",
            Box::new(|site| insert(site, "admin@localhost", "AKIALATE", "'of somebody else'", true, "true")),
        ),
        ("Config files", &["write-config"], "", file("alembic.ini", "[alembic]\nscript_location = theirs\n")),
        ("Config files", &["write-config"], "", file("manager.env", "# of somebody else\n")),
    ]
}

#[test]
fn what_is_confirmed_is_what_is_written_or_nothing() {
    for (title, stages, before, foreign) in cases() {
        let site = Site::new();
        if !before.is_empty() {
            site.runs(before);
        }
        let moment = std::cell::RefCell::new(None);
        let left = confirmed(&site, stages, || {
            foreign(&site);
            *moment.borrow_mut() = Some(site.everything());
        });
        let text = left.text();
        assert_eq!(left.status, 9, "{title}: {text}");
        assert!(text.contains(STALE), "{title}: {text}");
        assert!(text.contains("was confirmed is out of date"), "{title}: {text}");
        assert_eq!(moment.into_inner(), Some(site.everything()), "{title}: something was written\n{text}");
    }
}

/// Runs headless over a relay to etcd, which holds up the request with these bytes.
fn overtaken(site: &Site, arguments: &str, at: &str, foreign: impl FnOnce()) -> Outcome {
    let relay = Relay::to(&site.etcd.endpoint);
    relay.open();
    let setting = format!("etcd.endpoints={}", relay.address);
    let words = arguments.split_whitespace().chain(["--set", &setting]);
    let program = site.program(words);
    relay.hold_up(at, || program.start(), foreign).wait()
}

/// Nobody has confirmed it, and nothing of the stage is written yet: it is planned anew.
#[test]
fn a_run_that_nobody_confirmed_plans_anew() {
    let site = Site::new();
    site.write("images.yml", super::site::IMAGES.replace("abc", "sha256:of-this-list"));
    let key = "/sorna/local/images/python/tags/3.7";
    let outcome = overtaken(&site, "run load-images", "sha256:of-this-list", || site.etcd.put(key, "theirs"));
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert!(outcome.stderr.contains(&format!("`{key}` changed after the plan was made; planned anew")));
    assert_eq!(site.etcd.get_all(key)[key], "def");

    // What a new look has no right to write over stays.
    let key = "/sorna/local/volumes/_mount";
    let outcome = overtaken(&site, "run set-mount", "/mnt/shared", || site.etcd.put(key, "/mnt/theirs"));
    assert_eq!(outcome.status, 4, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("E-MOUNT-FOREIGN"), "{}", outcome.stderr);
    assert_eq!(site.etcd.get_all(key)[key], "/mnt/theirs");

    let [outcome] =
        held_up_before_schema(&site, || drop(site.sql("CREATE TABLE agents (of_somebody_else int)")));
    assert_eq!(outcome.status, 4, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("E-DB-UNMANAGED"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("planned anew"), "{}", outcome.stderr);
    assert_eq!(site.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "1\n");
}

/// Another program writes the same list first: nothing is left to write, and nothing is claimed.
#[test]
fn what_another_program_has_written_is_not_our_change() {
    let site = Site::new();
    site.write("images.yml", super::site::IMAGES.replace("abc", "sha256:of-both-runs"));
    let told = site.runs("plan --output json").stdout;
    let events = told.lines().map(|line| serde_json::from_str(line).expect("JSON in every line"));
    let plan = events.into_iter().find(|event: &serde_json::Value| event["type"] == "plan").expect("a plan");
    let stages = plan["stages"].as_array().expect("stages").iter();
    let list = stages.into_iter().find(|stage| stage["stage"] == "load-images").expect("the list");
    let changes = list["changes"].as_array().expect("changes").clone();
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let first = || changes.iter().for_each(|it| site.etcd.put(&text(&it["key"]), &text(&it["new"])));
    let outcome = overtaken(&site, "run load-images", "sha256:of-both-runs", first);
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("changed=0 unchanged=1 failed=0 skipped=0"), "{}", outcome.stderr);
}

fn held_up_before_schema(site: &Site, meanwhile: impl FnOnce()) -> [Outcome; 1] {
    site.runs("run create-database");
    held_up(site, ["run install-schema"], meanwhile)
}

#[test]
fn keypairs_that_come_meanwhile_are_kept() {
    let site = Site::new();
    site.runs("run create-database install-schema");
    let [outcome] = held_up(&site, ["run populate-fixtures"], || {
        insert(&site, "admin@localhost", "AKIALATE", "'of somebody else'", true, "true");
    });
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("able keypairs changed after the plan was made; planned anew"));
    assert_eq!(site.sql("SELECT count(*) FROM keypairs"), "2\n");
    assert!(site.read("keypairs.yml").contains("AKIALATE"));
}

/// Half of the list is written when something else comes: what came stays, and what is left is told.
#[test]
fn half_a_list_is_not_planned_anew() {
    let site = Site::new();
    let mut list = "images:\n  - name: python\n    tags:\n".to_owned();
    for tag in 0..300 {
        let _ = writeln!(list, "      - ['t{tag:03}', 'hash-of-{tag:03}']");
    }
    list += "    slots: {cpu: 1, mem: 1.0, gpu: 0}\n";
    site.write("images.yml", list);
    site.write("aliases.yml", "aliases: []\n");
    let key = "/sorna/local/images/python/tags/t250";
    let outcome = overtaken(&site, "run load-images", "hash-of-250", || site.etcd.put(key, "theirs"));
    assert_eq!(outcome.status, 7, "{}", outcome.stderr);
    assert!(outcome.stderr.contains(STALE), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains(&format!("`{key}` changed after the plan was made")),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("it is now `theirs`; etcd confirmed 200 of "), "{}", outcome.stderr);
    assert_eq!(site.etcd.get_all(key)[key], "theirs");
    // The remedy, as it stands there.
    assert!(outcome.stderr.contains("look at what is left with `plan`, then run again"));
    assert!(site.run("plan").stdout.contains(&format!("{key}  theirs → hash-of-250")));
    site.runs("run load-images");
    assert_eq!(site.etcd.get_all(key)[key], "hash-of-250");
}

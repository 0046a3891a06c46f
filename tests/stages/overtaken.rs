//! Something foreign is written between the last look of a run and its own write, at each stage and in each face: it is
//! never written over unseen, and what was confirmed or saved is written as it is, or not at all.

use std::collections::BTreeMap;

use super::site::{ALIASES, IMAGES};
use super::stale::{Foreign, at_the_question, cases};
use super::undo::{Files, files_of};
use super::{Desk, Site};
use crate::servers::{Outcome, Postgres, Relay};

/// By whom a run was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Face {
    /// By nobody who has seen its plan.
    Headless,
    /// By a person at a terminal, who has confirmed it.
    Confirmed,
    /// By `apply`.
    Applied,
}

/// At which request a run is held up that has looked, and not written yet: to etcd, or to PostgreSQL.
fn place(stage: &str) -> (bool, &'static str) {
    match stage {
        "load-images" => (true, "sha256:of-this-list"),
        "load-aliases" => (true, "unheard-of"),
        "set-mount" => (true, "/mnt/shared"),
        // It asks no server: it is held up together with another stage, when the lock is taken for that.
        "write-config" => (true, "\"since\":"),
        "create-database" => (false, "CREATE DATABASE"),
        "install-schema" | "populate-fixtures" => (false, "SELECT pg_advisory_xact_lock"),
        other => panic!("where is {other} held up?"),
    }
}

/// A plan is saved whole: what is to be run before it, so that nothing is left but the stage and those that come after it.
fn before_a_plan(stage: &str) -> &'static str {
    match stage {
        "load-images" => "run --skip load-images --skip load-aliases",
        "load-aliases" => "run --skip load-aliases",
        "set-mount" => "run --skip set-mount",
        "write-config" => "run --skip set-mount --skip write-config",
        "create-database" => "run load-images load-aliases set-mount write-config",
        "install-schema" => "run --skip install-schema --skip populate-fixtures",
        _ => "run --skip populate-fixtures",
    }
}

/// Whatever a run may write, by when it was written.
#[derive(Debug, PartialEq)]
struct Everything {
    files: Files,
    revisions: BTreeMap<String, i64>,
    database: String,
}

fn everything(site: &Site) -> Everything {
    Everything {
        files: files_of(site),
        revisions: site.etcd.revisions(),
        database: Postgres::shared().snapshot(&site.database.name),
    }
}

/// A run of the stage in this face, with something foreign after its last look. What was there then comes back too.
fn overtaken(
    desk: &Desk,
    face: Face,
    [stage, flag]: [&str; 2],
    before: &str,
    foreign: impl FnOnce(),
) -> (i32, String, Option<Everything>) {
    let site = &desk.site;
    let (is_etcd, at) = place(stage);
    let relay = Relay::to(if is_etcd { &site.etcd.endpoint } else { &site.database.address });
    relay.open();
    let (etcd, database) = if is_etcd {
        (&relay.address, &site.database.address)
    } else {
        (&site.etcd.endpoint, &relay.address)
    };
    let stages = if stage == "write-config" { "set-mount write-config" } else { stage };
    let settings = format!("--set etcd.endpoints={etcd} --set database.address={database}");
    let before = if face == Face::Applied { before_a_plan(stage) } else { before };
    if !before.is_empty() {
        desk.ends(&format!("{before} {settings}"), 0);
    }
    let words = |line: String| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut then = None;
    let meanwhile = || {
        foreign();
        then = Some(everything(site));
    };
    let told = |Outcome { status, stdout, stderr }| (status, stdout + &stderr);
    let (status, told) = match face {
        Face::Headless => {
            let run = words(format!("run {stages} {flag} {settings}"));
            told(relay.hold_up(at, || desk.program.start_with(&run), meanwhile).wait())
        }
        Face::Applied => {
            desk.ends(&format!("plan --out plan.json {flag} {settings}"), 0);
            let apply = words(format!("apply plan.json {settings}"));
            told(relay.hold_up(at, || desk.program.start_with(&apply), meanwhile).wait())
        }
        Face::Confirmed => {
            let stages: Vec<&str> = stages.split(' ').chain([flag]).filter(|word| !word.is_empty()).collect();
            let program = crate::servers::Program::new().current_dir(site.path(""));
            let mut pty = at_the_question(site, &program, &stages, etcd, database);
            relay.hold_up(at, || pty.write(b"y\r"), meanwhile);
            let left = pty.wait();
            (left.status, left.text())
        }
    };
    (status, told, then)
}

fn judge(site: &Site, face: Face, title: &str, status: i32, told: &str, then: &Option<Everything>) {
    let is_unmoved = || then.as_ref() == Some(&everything(site));
    let has = |words: &str| assert!(told.contains(words), "{face:?} {title}: {words}\n{told}");
    let ends = |expected: i32| assert_eq!(status, expected, "{face:?} {title}: {told}");
    match (title, face) {
        // Whoever made it: it is there as it was planned, and no change of this run.
        ("Database", _) => {
            ends(0);
            has("was created by another run");
            // The saved plan goes on with the schema.
            assert!(face == Face::Applied || is_unmoved(), "{face:?} {title}: {told}");
        }
        // The stage writes nothing; the other one has written what it had to.
        ("Config files", _) => {
            let (then, now) = (then.as_ref().expect("it was held up"), everything(site));
            let can_be_kept = then.files.contains_key("alembic.ini");
            if face == Face::Headless && can_be_kept {
                ends(0);
                has("planned anew");
                assert!(site.read("alembic.ini").contains("script_location = theirs"));
                return;
            }
            ends(7);
            has(if face == Face::Headless { "E-FILE-FOREIGN" } else { "E-PLAN-STALE" });
            assert_eq!(told.contains("planned anew"), face == Face::Headless, "{told}");
            assert_eq!(then.files, now.files, "{face:?} {title}: {told}");
        }
        (_, Face::Confirmed | Face::Applied) => {
            ends(9);
            has("E-PLAN-STALE");
            assert!(!told.contains("planned anew"), "{told}");
            assert!(is_unmoved(), "{face:?} {title}: something was written\n{told}");
        }
        ("Image list" | "Aliases" | "Leftovers", Face::Headless) => {
            ends(0);
            has("changed after the plan was made; planned anew");
        }
        ("Keypairs", Face::Headless) => {
            ends(0);
            has("planned anew");
            assert!(site.read("keypairs.yml").contains("AKIALATE"), "what came is kept");
        }
        ("Shared folder" | "Schema", Face::Headless) => {
            ends(4);
            has("planned anew");
            assert!(is_unmoved(), "{title}: something was written\n{told}");
        }
        other => panic!("what is expected of {other:?}?"),
    }
}

fn at_each_stage(face: Face) {
    let left = "/sorna/local/images/old/tags/1";
    let change: Foreign = Box::new(|site| site.etcd.put(left, "of somebody else"));
    let leftovers = ("Leftovers", ["load-aliases", "--prune"], "run load-images", change);
    let others =
        cases().into_iter().map(|(title, stages, before, foreign)| (title, [stages[0], ""], before, foreign));
    for (title, stage, before, foreign) in others.chain([leftovers]) {
        let desk = Desk::new();
        desk.site.write("images.yml", IMAGES.replace("def", "sha256:of-this-list"));
        desk.site.write("aliases.yml", format!("{ALIASES}  - ['unheard-of', 'r:latest']\n"));
        if title == "Leftovers" {
            desk.site.etcd.put(left, "of an older list");
        }
        let (status, told, then) = overtaken(&desk, face, stage, before, || foreign(&desk.site));
        judge(&desk.site, face, title, status, &told, &then);
    }
}

#[test]
fn what_nobody_confirmed_is_planned_anew() {
    at_each_stage(Face::Headless);
}

#[test]
fn what_was_confirmed_is_written_or_nothing() {
    at_each_stage(Face::Confirmed);
}

#[test]
fn what_was_saved_is_written_or_nothing() {
    at_each_stage(Face::Applied);
}

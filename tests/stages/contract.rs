//! One contract for all stages, through the program as scripts use it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use backendai_setup::guides::september_2018::SETUP;
use serde_json::Value;

use super::Site;
use super::grammar::{keeps, stages_keep};
use super::schema;
use crate::servers::{Outcome, PATIENCE, wait_until};

/// Every stage, in order.
fn every() -> Vec<&'static str> {
    SETUP.stage_abouts().iter().map(|about| about.id).collect()
}

fn events(outcome: &Outcome) -> Vec<Value> {
    let lines = outcome.stdout.lines();
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Each stage's state, as the `plan` event tells it.
fn states(outcome: &Outcome) -> BTreeMap<String, String> {
    let events = events(outcome);
    keeps(&events);
    let plan = events.iter().find(|event| event["type"] == "plan").expect("a plan");
    let stages = plan["stages"].as_array().expect("stages").iter();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    stages.map(|stage| (text(&stage["stage"]), text(&stage["state"]))).collect()
}

fn all(state: &str) -> BTreeMap<String, String> {
    every().into_iter().map(|stage| (stage.to_owned(), state.to_owned())).collect()
}

#[test]
fn pending_then_changed_then_unchanged() {
    let site = Site::new();
    let empty = site.everything();
    let status = site.run("status --output json");
    assert_eq!((status.status, states(&status)), (9, all("pending")), "{}", status.stderr);
    let plan = site.runs("plan --output json");
    assert_eq!(states(&plan), all("pending"));
    assert_eq!(site.run("plan --detailed-exitcode").status, 9);
    site.runs("check --output json");
    assert!(site.everything() == empty, "looking moved something");

    let first = site.runs("run --output json");
    keeps(&events(&first));
    assert_eq!(stages_keep(&events(&first)), all("changed"));
    let world = site.everything();
    let second = site.runs("run --output json");
    keeps(&events(&second));
    assert_eq!(stages_keep(&events(&second)), all("unchanged"));
    assert_eq!(states(&site.runs("status --output json")), all("done"));
    assert_eq!(states(&site.runs("plan --detailed-exitcode --output json")), all("done"));
    site.runs("check");
    assert!(site.everything() == world, "a second run or a look moved something");
}

#[test]
fn a_plan_tells_exactly_what_is_written() {
    let site = Site::new();
    let plan = events(&site.runs("plan --output json"));
    let plan = plan.iter().find(|event| event["type"] == "plan").expect("a plan");
    let changes: Vec<&Value> = plan["stages"]
        .as_array()
        .expect("stages")
        .iter()
        .flat_map(|it| it["changes"].as_array())
        .flatten()
        .collect();
    site.runs("run");
    let planned: BTreeMap<String, String> = changes
        .iter()
        .filter(|change| change["kind"] == "key")
        .map(|change| {
            (change["key"].as_str().unwrap_or("").into(), change["new"].as_str().unwrap_or("").into())
        })
        .collect();
    assert_eq!(planned, site.etcd.get_all(""));
    let files = changes.iter().filter(|change| change["kind"] == "file").count();
    let rows = changes.iter().filter(|change| change["kind"] == "row").count();
    assert_eq!((files, rows), (3, 3), "two config files and the keypairs; a revision and two keypairs");
}

#[test]
fn a_stage_alone_names_the_stage_that_it_needs() {
    let site = Site::new();
    let needs = [
        ("load-aliases", "load-images"),
        ("install-schema", "create-database"),
        ("populate-fixtures", "install-schema"),
    ];
    let empty = site.everything();
    for (stage, needed) in needs {
        let outcome = site.run(&format!("run {stage}"));
        assert_eq!(outcome.status, 4, "{stage}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("E-STAGE-NEEDS"), "{stage}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(&format!("`{needed}`")), "{stage}: {}", outcome.stderr);
    }
    assert!(site.everything() == empty);
    site.runs("run create-database");
    let outcome = site.run("run populate-fixtures");
    assert!(outcome.stderr.contains("`install-schema`"), "{}", outcome.stderr);
    // One after the other, each alone.
    for stage in every() {
        let outcome = site.runs(&format!("run {stage} --output json"));
        let expected = if stage == "create-database" { "unchanged" } else { "changed" };
        assert_eq!(stages_keep(&events(&outcome))[stage], expected, "{stage}");
    }
    is_right(&site);
}

#[test]
fn stages_are_chosen_left_out_and_started_at() {
    let site = Site::new();
    let ran = |arguments: &str| {
        let outcome = site.runs(&format!("run {arguments} --output json"));
        let ended = stages_keep(&events(&outcome)).into_iter();
        ended.filter(|(_, outcome)| outcome != "left_out").map(|(stage, _)| stage).collect::<Vec<_>>()
    };
    assert_eq!(ran("write-config set-mount"), ["set-mount", "write-config"]);
    assert_eq!(ran("load-images create-database --skip create-database"), ["load-images"]);
    let first = every().iter().position(|stage| *stage == "load-aliases").expect("it is one");
    let left = ran("--from load-aliases --skip install-schema --skip populate-fixtures");
    assert_eq!(left.len(), every().len() - first - 2, "{left:?}");
    assert_eq!(ran("--from install-schema"), ["install-schema", "populate-fixtures"]);
    is_right(&site);
    for (arguments, hint) in [("load-imags", "load-images"), ("--from x", "stage"), ("--skip y", "stage")] {
        let outcome = site.run(&format!("run {arguments}"));
        assert_eq!(outcome.status, 2, "{arguments}");
        assert!(outcome.stderr.contains(hint), "{arguments}: {}", outcome.stderr);
    }
    assert_eq!(site.run("run load-images --skip load-images").status, 2);
}

/// The world as a whole run leaves it.
pub(super) fn is_right(site: &Site) {
    let keys = site.etcd.get_all("");
    let list = keys.keys().filter(|key| key.starts_with("/sorna/local/images/")).count();
    assert_eq!(list, 15, "{keys:#?}");
    assert_eq!(keys["/sorna/local/images/_aliases/py"], "python:latest");
    assert_eq!(keys["/sorna/local/images/_aliases/python:latest"], "python:3.6");
    assert_eq!(keys["/sorna/local/images/python/tags/latest"], ":3.6");
    assert_eq!(keys["/sorna/local/volumes/_mount"], "/mnt/shared");
    schema::is_right(site);
    let rows =
        "SELECT count(*), count(*) FILTER (WHERE is_admin), count(*) FILTER (WHERE is_active) FROM keypairs";
    assert_eq!(site.sql(rows), "2|1|2\n");
    let names = fs::read_dir(site.path("")).expect("the folder is ours").flatten().map(|it| it.file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().expect("UTF-8")).collect();
    names.sort();
    let ours = ["alembic.ini", "aliases.yml", "answers.yml", "images.yml", "keypairs.yml", "manager.env"];
    assert_eq!(names, ours, "nothing half-written is left");
    for name in ["alembic.ini", "keypairs.yml", "manager.env"] {
        let mode = fs::metadata(site.path(name)).expect("the file is there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o600, "{name}");
    }
    for row in site.sql("SELECT access_key || ' ' || secret_key FROM keypairs").lines() {
        let (access, secret) = row.split_once(' ').expect("two keys");
        let file = site.read("keypairs.yml");
        assert!(file.contains(access) && file.contains(secret), "the file has the keys of the table");
    }
    assert!(site.read("manager.env").ends_with("'\n"));
}

/// Kills a fresh run after its first line, after each `step` more, and runs again.
fn killed(step: usize) {
    let mut after = 1;
    loop {
        let site = Site::new();
        // Its state directory stays, by which the next run sees that it is dead.
        let program = site.program(["run", "--output", "json"]);
        let lines = program.killed_after(after);
        let next = site.runs("run --output json");
        keeps(&events(&next));
        // A run that found nothing left to do has not taken over the lock of the killed one.
        wait_until("the lock's lease has ended", PATIENCE, || {
            !site.etcd.get_all("").keys().any(|it| it.ends_with("/lock"))
        });
        is_right(&site);
        let world = site.everything();
        site.runs("run");
        assert!(site.everything() == world, "killed after {after} lines: a third run moved something");
        if lines < after {
            break;
        }
        after += step;
    }
}

#[test]
fn killed_anywhere_the_next_run_completes() {
    killed(20);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn killed_anywhere_the_next_run_completes_at_length() {
    killed(2);
}

/// A line without the versions of the servers that happen to be installed.
fn without_versions(line: &str) -> String {
    let mut last = "";
    let words = line.split(' ').map(|word| {
        let server = ["etcd", "PostgreSQL"].contains(&last) && word.starts_with(|c: char| c.is_ascii_digit());
        last = word;
        if server { "VERSION," } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The lines of a run with what differs from run to run taken out. Stages run side by side, so the lines
/// of each stage stay together here.
fn story(site: &Site, outcome: &Outcome) -> String {
    let port = |address: &str| address.rsplit_once(':').map(|(_, port)| port.to_owned()).expect("a port");
    let names = [
        (site.path("").to_str().expect("UTF-8").trim_end_matches('/').to_owned(), "FOLDER"),
        (port(&site.etcd.endpoint), "ETCD"),
        (site.database.port.to_string(), "POSTGRES"),
        (site.database.name.clone(), "DATABASE"),
        (site.database.user.clone(), "USER"),
    ];
    let (mut lines, mut rest): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for line in outcome.stderr.lines() {
        let line = names.iter().fold(line.to_owned(), |line, (from, to)| line.replace(from.as_str(), to));
        let line = without_versions(&line);
        // How often progress is told depends on how fast the machine is.
        if line.ends_with(" a second") {
            continue;
        }
        let timed = line.get(..8).is_some_and(|time| time.bytes().filter(|byte| *byte == b':').count() == 2);
        let line = match line.split_once("changed in ") {
            Some((head, rest)) if timed => {
                let (_, summary) = rest.split_once(": ").expect("a time and a summary");
                format!("{head}changed in TOOK: {summary}")
            }
            _ => line,
        };
        if line.starts_with("transcript ") {
            rest.push("transcript PATH".to_owned());
        } else if timed {
            lines.push(format!("HH:MM:SS{}", &line[8..]));
        } else {
            rest.push(line);
        }
    }
    let title = |line: &String| line.chars().skip(10).take(14).collect::<String>();
    let order = ["backendai-setup", "answers", "check"];
    lines.sort_by_key(|line| {
        let title = title(line);
        let known = order.iter().position(|known| known.starts_with(title.trim())).unwrap_or(order.len());
        (known, if title.trim() == "check" { line.chars().skip(26).collect() } else { title })
    });
    lines.into_iter().chain(rest).map(|line| line + "\n").collect()
}

#[test]
fn a_run_tells_its_story() {
    let site = Site::new();
    let first = site.runs("run");
    insta::assert_snapshot!("first_run", story(&site, &first));
    let second = site.runs("run");
    insta::assert_snapshot!("second_run", story(&site, &second));
    assert_eq!((first.stdout, second.stdout), (String::new(), String::new()));
}

//! For the operator of many clusters: how strictly, how loudly, where to.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::failures::{Case, walk};
use crate::servers::{Etcd, Fake, Outcome, Postgres, Program, all_changed, every_stage};
use crate::stages::Site;

/// The last line of a run.
fn closing(outcome: &Outcome) -> &str {
    outcome.stderr.lines().last().unwrap_or_default()
}

#[test]
fn quiet_says_nothing_when_nothing_changed() {
    let site = Site::new();
    let first = site.runs("--quiet");
    assert_eq!(closing(&first), format!("site {}", all_changed()));
    assert!(first.stderr.contains("table keypairs"), "what was held back comes too: {}", first.stderr);
    for command in
        ["--quiet", "run -q", "status --quiet", "plan --quiet", "check etcd --quiet", "answers validate -q"]
    {
        let again = site.runs(command);
        assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", ""), "{command}");
    }
    // Scripts wait for both ends.
    let again = site.runs("--quiet --output json");
    let types: Vec<_> = again.stdout.lines().map(|line| line.contains("\"type\":\"summary\"")).collect();
    assert_eq!(types, [false, true], "{}", again.stdout);

    // Something to do, or something wrong, is told as ever.
    site.etcd.delete("/sorna/local/images/r/tags/");
    assert!(site.run("status --quiet").stdout.contains("pending"));
    assert!(site.runs("plan --quiet").stdout.contains("/sorna/local/images/r/tags/latest"));
    let failed = site.run("--quiet --set database.user=nobody-of-this-name");
    assert_eq!(failed.status, 6);
    assert!(failed.stderr.contains("E-DB-AUTH"), "{}", failed.stderr);
    assert_eq!(closing(&failed), format!("site changed=0 unchanged=0 failed=1 skipped={}", every_stage()));
}

#[test]
fn verbose_and_a_log_file_tell_every_rung_and_change() {
    let site = Site::new();
    let outcome = site.runs("-v --log-file setup.log");
    let log = site.read("setup.log");
    assert_eq!(site.mode("setup.log"), 0o600);
    for text in [&outcome.stderr, &log] {
        for detail in [
            "resolve",
            "may create the database and uuid-ossp",
            "+ /sorna/local/images/python/cpu = 1",
            "+ database ",
        ] {
            assert!(text.contains(detail), "{detail} is not in\n{text}");
        }
    }
    assert!(
        !log.contains('\u{1b}') && log.lines().all(|line| !line.starts_with(' ') || line.starts_with("    ")),
        "{log}"
    );
    // It goes on at the end, for checks too.
    site.runs("check etcd --log-file setup.log");
    let longer = site.read("setup.log");
    assert!(longer.starts_with(&log) && longer.len() > log.len(), "{longer}");
    let refused = site.run("--log-file no/where.log");
    assert_eq!(refused.status, 4, "{refused:?}");
    assert!(refused.stderr.contains("`no/where.log` cannot be written"), "{refused:?}");
}

#[test]
fn strict_makes_failures_of_warnings_and_accept_the_other_way_round() {
    // A file beside which something lacks: a warning of a check.
    let case = Case::new();
    let told = case.flags(["check", "files", "--strict"]).fails(4, "W-FILE-ALEMBIC");
    assert_eq!(told.failures[0]["severity"], "failure");
    let case = Case::new().flags(["check", "files", "--strict", "--accept", "W-FILE-ALEMBIC"]);
    assert_eq!(case.run().status, 0);
    // A remark about the answers.
    let other = |case: Case<'static>| case.env("BACKEND_DB_NAME", "another");
    let told = other(Case::new()).flags(["check", "database", "--strict"]).fails(3, "W-ENV-DIFFERS");
    assert_eq!(told.failures.len(), 1, "{:#?}", told.failures);
    let case = other(Case::new()).flags(["check", "database", "--strict", "--accept", "W-ENV-DIFFERS"]);
    assert_eq!(case.run().status, 0);
    let case = other(Case::new()).flags(["answers", "validate", "--strict"]);
    assert_eq!(case.run().status, 3);
    // A check that fails, taken for a warning: the run goes on.
    let own = Etcd::start();
    let case = Case::on(&own, Postgres::shared()).set("storage.mount", "/no/where");
    let case = case.flags(["run", "set-mount"]).unwatched();
    assert_eq!(case.run().status, 4);
    let case = case.flags(["run", "set-mount", "--accept", "e-mount-missing"]);
    let told = case.warns("E-MOUNT-MISSING");
    assert_eq!(told.warnings[0]["severity"], "warning");
    assert_eq!(told.summary()["changed"], 1);
    // Only this one.
    let nobody = Fake::closed_port();
    let case = case.set("etcd.endpoints", format!("[{}]", nobody.address));
    assert_eq!(case.run().status, 5);
    for (code, near) in [("E-MOUNT-MISING", "`E-MOUNT-MISSING`?"), ("E-FILE-READ", "no finding of a check")] {
        let told = Case::new().flags(["run", "--accept", code]).fails(2, "E-USAGE");
        assert!(told.text().contains(near), "{}", told.text());
    }
}

/// Keys of an older list stop a strict run before it writes.
#[test]
fn strict_stops_at_what_an_older_list_left() {
    let site = Site::new();
    site.runs("--accept W-FILE-ALEMBIC");
    site.etcd.put("/sorna/local/images/old/tags/latest", "abc");
    let before = site.everything();
    let strict = "--strict --accept W-FILE-ALEMBIC";
    let outcome = site.run(strict);
    assert_eq!(outcome.status, 4, "{outcome:?}");
    assert!(outcome.stderr.contains("W-IMAGES-LEFTOVER"), "{outcome:?}");
    assert_eq!(before, site.everything());
    site.runs(&format!("{strict} --accept W-IMAGES-LEFTOVER"));
    site.runs(&format!("{strict} --prune"));
    site.runs(strict);
}

#[test]
fn the_limit_of_every_operation_can_be_given() {
    let silent = Fake::silent_port();
    let case = Case::new().set("database.address", silent.address.as_str()).unwatched();
    let told = case.flags(["check", "database", "--timeout", "200ms"]).fails(5, "E-DB-TIMEOUT");
    assert!(told.failures[0].to_string().contains("accepts connections but does not answer"));
    let case = Case::new().set("database.password", "{command: [sleep, '60']}").unwatched();
    let told = case.flags(["check", "database", "--timeout", "0.3s"]).fails(3, "E-ANSWERS-SECRET");
    assert!(told.text().contains("gave no secret within 0.3 s"), "{}", told.text());
    for wrong in ["0s", "30", "-1s", "2d"] {
        let outcome = Case::new().flags(["check", "database"]).outcome(&[&format!("--timeout={wrong}")]);
        assert_eq!(outcome.status, 2, "{wrong}: {outcome:?}");
    }
}

/// Started by cron or in a container there is no HOME.
#[test]
fn a_run_needs_no_home() {
    let site = Site::new();
    let program = site.program(["--state-dir", "state"]).under(["env", "-u", "HOME"]);
    let outcome = program.run();
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(target(&site, "site-").join("transcripts").is_dir());
    for command in ["check", "plan", "status", "images", "answers show", "answers validate"] {
        let program = site.program(command.split(' ')).under(["env", "-u", "HOME"]);
        assert_eq!(program.run().status, 0, "{command}");
    }
}

/// The folder of the one target there is.
fn target(site: &Site, name: &str) -> PathBuf {
    let entries = fs::read_dir(site.path("state")).expect("the state directory").flatten();
    let folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    let [folder] = folders.as_slice() else { panic!("{folders:?}") };
    let called = folder.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(called.starts_with(name), "{called}");
    folder.clone()
}

/// Each cluster has its transcripts, the last fifty of them, and its name in the closing line.
#[test]
fn transcripts_are_kept_by_name_and_forgotten_by_age() {
    let site = Site::new();
    site.runs("run create-database --state-dir state --set name=a/b");
    let folder = target(&site, "a%2Fb-").join("transcripts");
    for number in 0..60 {
        fs::write(folder.join(format!("20200101T0000{number:02}.000Z-1.log")), "old")
            .expect("the folder is ours");
    }
    let outcome = site.runs("run create-database --state-dir state --set name=a/b");
    assert_eq!(closing(&outcome), "a/b changed=0 unchanged=1 failed=0 skipped=0");
    let kept = walk(&folder);
    assert_eq!(kept.len(), 50);
    for path in kept.iter().filter(|path| !path.to_string_lossy().contains("/2020")) {
        assert_eq!(fs::metadata(path).expect("a transcript").permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(kept.iter().filter(|path| !path.to_string_lossy().contains("/2020")).count(), 2);
}

/// What the manager is told, when it cannot use what the setup uses.
#[test]
fn the_manager_may_have_an_address_of_its_own() {
    let site = Site::new();
    site.runs("--set etcd.manager-endpoint=http://etcd-proxy");
    assert!(site.read("manager.env").contains("export BACKEND_ETCD_ADDR='etcd-proxy:2379'\n"));
    // What `manager.env` says of this very cluster is no other cluster.
    let set = "etcd.manager-endpoint=etcd-proxy:2379";
    let program = site.program(["check", "etcd", "--set", set]).env("BACKEND_ETCD_ADDR", "etcd-proxy:2379");
    let outcome = program.run();
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
}

#[test]
fn a_log_file_that_cannot_be_written_is_named() {
    let site = Site::new();
    let fifo = site.path("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
    let refused = site.run("check etcd --log-file fifo");
    assert_eq!(refused.status, 4, "{refused:?}");
    assert!(refused.stderr.contains("`fifo` is a pipe"), "{refused:?}");
    // The checks went well, and what they found is not all written down.
    let lost = site.run("check etcd --log-file /dev/full");
    assert_eq!(lost.status, 1, "{lost:?}");
    assert!(lost.stderr.contains("`/dev/full` could not be written to its end"), "{lost:?}");
    let lost = site.run("check etcd --log-file /dev/full --output json");
    assert_eq!(lost.status, 1, "{lost:?}");
    super::json::holds(&lost);
    assert!(lost.stdout.contains("E-OUTPUT"), "{lost:?}");
}

/// What is left last of all goes with the aliases: alone, `load-images` could not keep the promise.
#[test]
fn prune_wants_the_stage_that_removes() {
    let site = Site::new();
    site.runs("");
    site.etcd.put("/sorna/local/images/old/tags/latest", "abc");
    let refused = site.run("run load-images --prune");
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(refused.stderr.contains("`load-aliases`"), "{refused:?}");
    let pruned = site.runs("run --prune");
    assert!(!pruned.stderr.contains("`--prune` removes them"), "{pruned:?}");
    assert_eq!(site.etcd.get_all("/sorna/local/images/old").len(), 0);
}

/// Where somebody listens a state is a word, and a row a sentence.
#[test]
fn for_those_who_listen_there_are_words() {
    let site = Site::new();
    for command in ["check", "plan", "run", "status", "images", "answers show"] {
        let program = site.program(command.split(' ')).env("ACCESSIBLE", "1");
        let outcome = program.args(["--color", "auto"]).run();
        let text = outcome.stdout + &outcome.stderr;
        let drawn = |c: char| ('\u{2190}'..='\u{2bff}').contains(&c) || c == '–' || c == '\u{1b}';
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(drawn)).collect();
        assert!(lines.is_empty(), "{command}: {lines:#?}");
    }
    let images = Program::new().args(["images"]).env("ACCESSIBLE", "1").run().stdout;
    assert!(images.contains("r: 2 tags, cpu 4, mem 8 GiB, gpu 0.00; also called R, Rscript"), "{images}");
}

/// Flags that may be given several times count on both sides of the command.
#[test]
fn lists_before_and_after_the_command_are_one() {
    let site = Site::new();
    site.write("other.yml", "version: 1\nname: other\n");
    let before = ["--set", "etcd.namespace=before", "--set", "database.user=first"];
    let after = [
        "answers",
        "show",
        "--answers",
        "other.yml",
        "--set",
        "database.user=second",
        "--set",
        "keypairs.user=a@b",
    ];
    let shown = site.program(before.into_iter().chain(after)).args(["--output", "json"]).run();
    let answers = shown.result("answers");
    let value = |key: &str| {
        let all = answers["answers"].as_array().expect("a list").iter();
        all.into_iter().find(|it| it["key"] == key).expect("it is given")["value"].clone()
    };
    assert_eq!(value("etcd.namespace"), "before");
    assert_eq!(value("database.user"), "second", "the later one counts");
    assert_eq!(value("keypairs.user"), "a@b");
    assert_eq!(value("name"), "other");
    assert_eq!(value("database.name"), site.database.name, "the first file is still there");
    let case = Case::new().flags([
        "--accept",
        "W-FILE-ALEMBIC",
        "check",
        "files",
        "--strict",
        "--accept",
        "E-DB-AUTH",
    ]);
    assert_eq!(case.run().status, 0);
}

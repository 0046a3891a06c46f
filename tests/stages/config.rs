//! `write-config`: three spellings of one password, and files that keep what is not ours.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use rustix::fs::{FlockOperation, flock};

use super::Site;
use crate::servers::{Outcome, Postgres};

/// Passwords and how they must stand in `alembic.ini`. Blanks at their ends count.
fn passwords() -> Vec<(String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/passwords.tsv");
    let text = fs::read_to_string(file).expect("golden data");
    let lines = text.lines().skip(1).map(|line| line.split_once('\t').expect("two columns"));
    lines.map(|(raw, spelt)| (raw.to_owned(), spelt.to_owned())).collect()
}

/// A text as SQL or YAML takes it between single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What a POSIX shell makes of `manager.env`, as the bytes of one variable.
fn sourced(site: &Site, file: &str, name: &str) -> Vec<u8> {
    let script = format!(". \"$1\" && printf %s \"${name}\"");
    let output = Command::new("/bin/sh").args(["-euc", &script, "sh"]).arg(site.path(file)).output();
    let output = output.expect("/bin/sh starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What Python's ConfigParser and a URL parser make of `sqlalchemy.url`, for many files at once: user,
/// password and the rest. None where there is no Python.
fn as_python_reads(site: &Site, files: &[String]) -> Option<Vec<[String; 3]>> {
    let script = r#"
import configparser, json, sys
from urllib.parse import unquote
for name in sys.argv[1:]:
    parser = configparser.ConfigParser({"here": "."})
    assert parser.read(name, encoding="utf-8") == [name]
    assert parser["alembic"]["script_location"]
    account, rest = parser["alembic"]["sqlalchemy.url"].removeprefix("postgresql://").rsplit("@", 1)
    user, password = account.split(":", 1)
    print(json.dumps([unquote(user), unquote(password), rest]))
"#;
    let mut command = Command::new("python3");
    let output = command.args(["-c", script]).args(files).current_dir(site.path("")).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8 from Python");
    Some(text.lines().map(|line| serde_json::from_str(line).expect("three texts")).collect())
}

/// Answers whose password comes from `source`, with files named after `number`.
fn answers(site: &Site, number: usize, source: &str) -> String {
    let literal = quoted(&site.database.password);
    let answers = site.answers().replace(&format!("password: {literal}"), &format!("password: {source}"));
    format!("{answers}files: {{alembic-ini: {number}.ini, environment: {number}.env}}\n")
}

fn every_password(of: usize) {
    let site = Site::new();
    let all: Vec<_> = passwords().into_iter().enumerate().filter(|(number, _)| number % 3 == of).collect();
    let mut files = Vec::new();
    for (number, (raw, spelt)) in &all {
        let role = format!("ALTER ROLE {} PASSWORD {}", site.database.user, quoted(raw));
        Postgres::shared().psql("postgres", &role);
        let source = match number / 3 % 3 {
            0 => quoted(raw),
            1 => "{env: SECRET}".to_owned(),
            _ => "{file: secret}".to_owned(),
        };
        site.write("secret", format!("{raw}\n"));
        site.write("answers.yml", answers(&site, *number, &source));
        for command in [vec!["check", "database"], vec!["run", "write-config"]] {
            let outcome = site.program(command).env("SECRET", raw).run();
            assert_eq!(outcome.status, 0, "{raw:?}\n{}{}", outcome.stdout, outcome.stderr);
        }
        let (ini, env) = (format!("{number}.ini"), format!("{number}.env"));
        let url = format!(
            "sqlalchemy.url = postgresql://{}:{spelt}@{}/{}",
            site.database.user, site.database.address, site.database.name
        );
        assert!(site.read(&ini).lines().any(|line| line == url), "{raw:?}\n{}", site.read(&ini));
        assert_eq!(sourced(&site, &env, "BACKEND_DB_PASSWORD"), raw.as_bytes(), "{raw:?}");
        assert_eq!((site.mode(&ini), site.mode(&env)), (0o600, 0o600));
        files.push(ini);
    }
    if let Some(read) = as_python_reads(&site, &files) {
        let theirs: Vec<&String> = read.iter().map(|[_, password, _]| password).collect();
        assert_eq!(theirs, all.iter().map(|(_, (raw, _))| raw).collect::<Vec<_>>());
    }
}

#[test]
fn every_password_reaches_every_reader_1() {
    assert_eq!(passwords().len(), 36);
    every_password(0);
}

#[test]
fn every_password_reaches_every_reader_2() {
    every_password(1);
}

#[test]
fn every_password_reaches_every_reader_3() {
    every_password(2);
}

#[test]
fn names_may_need_escapes_too() {
    let site = Site::new();
    let server = Postgres::shared();
    let (user, name) = ("me@home:1/%20 'ü\"#", "my db/%20'é\"#");
    let ident = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    server.psql("postgres", &format!("CREATE ROLE {} LOGIN CREATEDB PASSWORD 'x y'", ident(user)));
    let answers = site
        .answers()
        .replace(&format!("name: {},", site.database.name), &format!("name: {},", quoted(name)))
        .replace(&format!("user: {},", site.database.user), &format!("user: {},", quoted(user)))
        .replace(&quoted(&site.database.password), "x y");
    site.write("answers.yml", answers);
    let outcome = site.run("run");
    let revision =
        (outcome.status == 0).then(|| server.psql(name, "SELECT version_num FROM alembic_version"));
    let last = site.run("check database");
    server.psql("postgres", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", ident(name)));
    server.psql("postgres", &format!("DROP ROLE {}", ident(user)));
    assert_eq!(revision.as_deref(), Some("f9971fbb34d9\n"), "{}", outcome.stderr);
    assert_eq!(last.status, 0, "{}", last.stdout);
    assert_eq!(sourced(&site, "manager.env", "BACKEND_DB_USER"), user.as_bytes());
    assert_eq!(sourced(&site, "manager.env", "BACKEND_DB_NAME"), name.as_bytes());
    if let Some(read) = as_python_reads(&site, &["alembic.ini".to_owned()]) {
        // SQLAlchemy decodes user and password, and takes the database as it stands.
        let rest = format!("{}/{name}", site.database.address);
        assert_eq!(read, [[user.to_owned(), "x y".to_owned(), rest]]);
    }
}

#[test]
fn an_ipv6_host_keeps_its_brackets() {
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let server = Postgres::start_with(&[], &[("listen_addresses", "127.0.0.1,::1")]);
    let site = Site::new();
    let address = format!("[::1]:{}", server.port);
    let Site { database, .. } = &site;
    let role =
        format!("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}", database.user, quoted(&database.password));
    server.psql("postgres", &role);
    site.write("answers.yml", site.answers().replace(&database.address, &address));
    site.runs("run write-config");
    site.runs("check database");
    assert!(site.read("alembic.ini").contains(&format!("@{address}/{}\n", database.name)));
    assert_eq!(sourced(&site, "manager.env", "BACKEND_DB_ADDR"), address.as_bytes());
}

/// Runs with an `alembic.ini` that is there; gives back the old and the new lines, with their ends.
fn edits(site: &Site, old: &str) -> (Vec<String>, Vec<String>, Outcome) {
    site.write("alembic.ini", old);
    let outcome = site.runs("run write-config");
    let lines = |text: &str| text.split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>();
    (lines(old), lines(&site.read("alembic.ini")), outcome)
}

#[test]
fn an_alembic_ini_keeps_all_but_one_line() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-configs/alembic.ini.sample");
    let sample = fs::read_to_string(sample).expect("a sample");
    assert!(sample.contains("sqlalchemy.url = "));
    let theirs = "; mine\n[alembic]\n# sqlalchemy.url = no\nscript_location=elsewhere   \nSQLAlchemy.URL : old%%\n\n\
                  [loggers]\nkeys = root\t\n[odd]\nsqlalchemy.url = stays\nlast = without a line end";
    for old in [sample.clone(), theirs.to_owned(), sample.replace('\n', "\r\n"), theirs.replace('\n', "\r\n")]
    {
        let site = Site::new();
        let (before, after, outcome) = edits(&site, &old);
        assert_eq!(before.len(), after.len());
        let differ: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
        let [(was, is)] = differ.as_slice() else { panic!("{differ:#?}") };
        assert!(was.to_lowercase().starts_with("sqlalchemy.url") && is.contains("postgresql://"), "{is}");
        assert_eq!(was.ends_with("\r\n"), is.ends_with("\r\n"), "{is:?}");
        assert_eq!(site.read("alembic.ini.bak"), old);
        assert_eq!((site.mode("alembic.ini"), site.mode("alembic.ini.bak")), (0o600, 0o600));
        assert!(outcome.stderr.contains("alembic.ini.bak"), "{}", outcome.stderr);
        let before = site.everything();
        site.runs("run write-config");
        assert!(before == site.everything(), "a second run writes nothing");
    }
}

#[test]
fn open_files_are_closed() {
    let site = Site::new();
    site.runs("run write-config");
    let texts = ["alembic.ini", "manager.env"].map(|name| {
        fs::set_permissions(site.path(name), fs::Permissions::from_mode(0o644)).expect("the file is ours");
        site.read(name)
    });
    let plan = site.runs("plan");
    assert!(plan.stdout.contains("change mode 0644 → 0600"), "{}", plan.stdout);
    site.runs("run write-config");
    for (name, text) in ["alembic.ini", "manager.env"].iter().zip(texts) {
        assert_eq!((site.mode(name), site.read(name)), (0o600, text));
    }
}

/// What its owner set stays, as far as no one else can read it.
#[test]
fn a_file_keeps_its_group_and_what_its_owner_may_do() {
    let site = Site::new();
    site.runs("run");
    // Root may give any group, others one of their own.
    let groups = rustix::process::getgroups().expect("the system knows them");
    let own = rustix::process::getegid();
    let other = groups.into_iter().find(|group| *group != own).unwrap_or(own).as_raw();
    let group = if rustix::process::geteuid().is_root() { 54_321 } else { other };
    let names = ["alembic.ini", "manager.env", "keypairs.yml"];
    for (mode, expected) in [(0o400, 0o400), (0o440, 0o400), (0o640, 0o600), (0o700, 0o700)] {
        for name in names {
            let path = site.path(name);
            let text = site.read(name);
            let old =
                text.replace("postgresql://", "other://").replace("BACKEND_DB_USER='", "BACKEND_DB_USER='x");
            let old = old.replace("secret_key: ", "secret_key: x");
            assert_ne!(old, text, "{name}");
            site.write(name, old);
            chown(&path, None, Some(group)).expect("the file is ours");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("the file is ours");
        }
        let outcome = site.runs("run");
        for name in names {
            let meta = fs::metadata(site.path(name)).expect("the file is there");
            assert_eq!((site.mode(name), meta.gid()), (expected, group), "{name} was {mode:o}");
            let told = format!("written with mode {expected:04o}");
            assert!(outcome.stderr.contains(&told), "{}", outcome.stderr);
        }
    }
}

#[test]
fn no_file_is_written_that_is_not_wanted() {
    let site = Site::new();
    let none = "files: {alembic-ini: none, environment: none, credentials: none}\n";
    site.write("answers.yml", site.answers() + none);
    let outcome = site.runs("run");
    assert!(outcome.stderr.contains("unchanged: no files are asked for"), "{}", outcome.stderr);
    let mut names: Vec<_> = fs::read_dir(site.path("")).expect("the folder is ours").flatten().collect();
    names.sort_by_key(fs::DirEntry::file_name);
    let names: Vec<_> = names.iter().map(|entry| entry.file_name().into_string().expect("UTF-8")).collect();
    assert_eq!(names, ["aliases.yml", "answers.yml", "images.yml"]);
    assert_eq!(site.sql("SELECT count(*) FROM keypairs"), "2\n");
    site.runs("run");
}

#[test]
fn what_a_killed_run_left_half_written_goes() {
    let site = Site::new();
    let (dead, alive) = (".alembic.ini.backendai-setup-dead00", ".alembic.ini.backendai-setup-alive0");
    for name in [dead, alive, ".alembic.ini-theirs"] {
        site.write(name, "sqlalchemy.url = postgresql://u:secret@h/d\n");
    }
    let writing = fs::File::open(site.path(alive)).expect("the file is ours");
    flock(&writing, FlockOperation::LockExclusive).expect("nobody else has the lock");
    site.runs("run write-config");
    assert!(!site.path(dead).exists());
    assert!(site.path(alive).exists(), "another run still writes it");
    assert!(site.path(".alembic.ini-theirs").exists());
}

#[test]
fn what_is_not_ours_stays() {
    let site = Site::new();
    site.write("manager.env", "export MINE=1\n");
    let outcome = site.run("run write-config");
    assert_eq!(outcome.status, 4, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("E-FILE-FOREIGN"), "{}", outcome.stderr);
    assert_eq!(site.read("manager.env"), "export MINE=1\n");
    assert!(!site.path("alembic.ini").exists(), "nothing is written beside a conflict");
}

/// Each stage is judged by its own files.
#[test]
fn a_broken_file_is_a_conflict_of_the_stage_that_writes_it_alone() {
    let site = Site::new();
    site.runs("run");
    for (file, stage) in [("alembic.ini", "write-config"), ("keypairs.yml", "populate-fixtures")] {
        let old = site.read(file);
        site.write(file, "[alembic]\nscript_location =\n");
        let outcome = site.run("status --output json");
        assert_eq!(outcome.status, 9, "{}", outcome.stdout);
        let plan = outcome.stdout.lines().find(|line| line.contains(r#""type":"plan""#)).expect("a plan");
        let plan: serde_json::Value = serde_json::from_str(plan).expect("JSON");
        for found in plan["stages"].as_array().expect("stages") {
            let expected = if found["stage"] == stage { "conflict" } else { "done" };
            assert_eq!(found["state"], expected, "{found}");
        }
        site.write(file, old);
    }
}

#[test]
fn what_a_person_adds_to_the_environment_file_stays() {
    let site = Site::new();
    site.runs("run write-config");
    let first = site.read("manager.env");
    let added = format!("{first}# ours\nexport BACKEND_REDIS_ADDR='redis:6379'\nexport LANG=C.UTF-8");
    site.write("manager.env", &added);
    let before = site.everything();
    let outcome = site.runs("run write-config");
    assert!(outcome.stderr.contains("unchanged"), "{}", outcome.stderr);
    assert!(before == site.everything(), "nothing of ours differs");
    let old = format!("BACKEND_DB_NAME='{}'", site.database.name);
    assert!(added.contains(&old), "{added}");
    site.write("manager.env", added.replace(&old, "BACKEND_DB_NAME=\"another one\""));
    site.runs("run write-config");
    assert_eq!(site.read("manager.env"), added);
}

#[test]
fn a_name_that_the_manager_could_not_read_is_refused() {
    let site = Site::new();
    for name in ["a@b", "a?b", "a "] {
        let answers =
            site.answers().replace(&format!("name: {},", site.database.name), &format!("name: '{name}',"));
        site.write("answers.yml", answers);
        let outcome = site.run("run write-config");
        assert_eq!(outcome.status, 3, "{name:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("`database.name`"), "{}", outcome.stderr);
    }
}

/// Where the file is beside the manager's scripts already, nobody is asked to move it.
#[test]
fn alembic_ini_is_to_be_moved_only_where_it_is_not_in_its_place() {
    for (beside, line) in
        [(false, "belongs beside the manager's alembic/ folder:"), (true, "the manager's alembic reads it:")]
    {
        let site = Site::new();
        if beside {
            fs::create_dir(site.path("alembic")).expect("the folder is ours");
        }
        let told = site.runs("run create-database write-config --yes");
        let path = site.path("alembic.ini").display().to_string();
        let mut lines = told.stderr.lines();
        assert!(lines.any(|told| told.starts_with(line) && told.ends_with(&path)), "{told:?}");
        assert_eq!(told.stderr.contains("belongs beside"), !beside, "{told:?}");
    }
}

/// A comment of somebody's above our header is no reason to call the file foreign, and stays.
#[test]
fn comments_above_the_header_stay() {
    let site = Site::new();
    site.runs("run write-config");
    let ours = site.read("manager.env");
    let theirs = format!("#!/bin/sh\n# Ask Kim before you change this.\n\n  # {{}}\n{ours}");
    site.write("manager.env", &theirs);
    let again = site.runs("run write-config");
    assert!(again.stderr.contains("changed=0 unchanged=1"), "{}", again.stderr);
    // Our own values change below it.
    site.write("manager.env", theirs.replace("BACKEND_DB_NAME='", "BACKEND_DB_NAME='old"));
    site.runs("run write-config");
    assert_eq!(site.read("manager.env"), theirs);
    // A command above it is not a comment.
    site.write("manager.env", format!("true\n{ours}"));
    assert_eq!(site.run("run write-config").status, 4);
}

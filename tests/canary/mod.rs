//! The canary: passwords and secret keys are found nowhere but in the 0600 files that must hold them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::servers::{Outcome, Program};
use crate::stages::Site;

/// Sings in the password; every spelling of it holds this.
fn canary(site: &Site) -> &str {
    let password = site.database.password.as_str();
    &password["canary%".len()..password.find(':').expect("the password of a test has a colon")]
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is ours") {
        let path = entry.expect("the folder is ours").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Hunts for secrets in what a run printed and in every file below its folders.
fn hunt(secrets: &[&str], program: &Program, site: &Site, outcome: &Outcome) {
    for secret in secrets {
        for (what, text) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr)] {
            assert!(!text.contains(secret), "`{secret}` is in {what}:\n{text}");
        }
        let mut found = Vec::new();
        files(&program.home(), &mut found);
        files(&site.path(""), &mut found);
        assert!(!found.is_empty());
        for path in found {
            let held = String::from_utf8_lossy(&fs::read(&path).expect("the file is ours")).contains(secret);
            if !held {
                continue;
            }
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let may = ["answers.yml", "alembic.ini", "alembic.ini.bak", "manager.env", "keypairs.yml"];
            // What stood in a file or a row before can be put back from there, and from nowhere else.
            let is_journal = path.parent().is_some_and(|folder| folder.ends_with("journals"));
            assert!(is_journal || may.contains(&name.as_str()), "`{secret}` is in {}", path.display());
            let mode = fs::metadata(&path).expect("the file is ours").permissions().mode() & 0o7777;
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }
}

/// The secret keys in the credentials file.
fn secret_keys(site: &Site) -> Vec<String> {
    let text = site.read("keypairs.yml");
    text.lines().filter_map(|line| line.trim().strip_prefix("secret_key: ")).map(str::to_owned).collect()
}

#[test]
fn the_canary_sings_in_no_output() {
    let site = Site::new();
    let password = canary(&site);
    let runs: &[&[&str]] = &[
        &["plan"],
        &["check"],
        &["run"],
        &["run", "--output", "json"],
        &["status"],
        &["plan", "--output", "json"],
        &["plan", "--rotate-keypairs", "--out", "plan.json"],
        &["check", "--output", "json"],
        &["run", "populate-fixtures", "--rotate-keypairs", "--output", "json"],
        &["images"],
        &["answers", "validate"],
        &["answers", "show"],
        &["answers", "show", "--output", "json"],
        &["run", "--set", "etcd.namespace=a/b", "--output", "json"],
        &["run", "--set", "database.user=nobody-of-this-name"],
        &["run", "--set", "database.user=nobody-of-this-name", "--output", "json"],
        &["run", "--set", "storage.mount=/mnt/other", "--output", "json"],
    ];
    let mut old = Vec::new();
    for arguments in runs {
        let program = site.program(arguments.iter().copied());
        let outcome = program.run();
        hunt(&[password], &program, &site, &outcome);
        if site.path("keypairs.yml").exists() {
            let keys = secret_keys(&site);
            assert_eq!(keys.len(), 2);
            let now: Vec<&str> = keys.iter().map(String::as_str).collect();
            hunt(&now, &program, &site, &outcome);
            // What was rotated away is in the journal alone.
            for gone in old.iter().filter(|key| !keys.contains(key)) {
                hunt(&[gone], &program, &site, &outcome);
                assert!(!site.read("keypairs.yml").contains(gone.as_str()));
            }
            old.extend(keys);
        }
    }
    assert!(site.read("alembic.ini").contains(password));
    assert!(site.read("manager.env").contains(password));
}

#[test]
fn an_odd_place_for_a_password_is_not_repeated() {
    let site = Site::new();
    let secret = canary(&site).to_owned();
    for line in [
        format!("database: {{address: 'postgresql://me:{secret}@db-01/x'}}"),
        format!("database: {{address: 'me:{secret}@db-01:5432'}}"),
        format!("etcd: {{endpoints: ['http://me:{secret}@etcd-1:2379']}}"),
        format!("database: {{password: [{secret}]}}"),
        format!("database: {{password: {{{secret}: x}}}}"),
        format!("database: {{password: \"{secret}\\n\"}}"),
    ] {
        site.write("more.yml", format!("version: 1\n{line}\n"));
        let program = site.program(["--answers", "more.yml", "run"]);
        let outcome = program.run();
        assert_eq!(outcome.status, 3, "{line}: {}", outcome.stderr);
        assert!(!outcome.stderr.contains(&secret), "{line}: {}", outcome.stderr);
    }
    for scalar in ["2018-07-13", "010", "1e3", "on", "12345678"] {
        site.write("more.yml", format!("version: 1\ndatabase: {{password: {scalar}}}\n"));
        let outcome = site.program(["--answers", "more.yml", "run"]).run();
        assert_eq!(outcome.status, 3, "{scalar}: {}", outcome.stderr);
        assert!(!outcome.stderr.contains(scalar), "{}", outcome.stderr);
    }
    let outcome = site.program(["run", "--set", &format!("database.password={secret}")]).run();
    assert_eq!(outcome.status, 3);
    assert!(!outcome.stderr.contains(&secret), "{}", outcome.stderr);
}

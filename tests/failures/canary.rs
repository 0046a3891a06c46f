//! One canary password and the generated keys, hunted in everything that the program writes.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Case, case::walk};
use crate::servers::{Etcd, Outcome, Postgres};

/// Where a secret may be: the answers it came from, and the files that are made for it.
const ALLOWED: [&str; 4] = ["answers.yml", "alembic.ini", "manager.env", "keypairs.yml"];

/// What must not be found: the password in every spelling, a word of it, and every secret key.
fn prey(case: &Case) -> Vec<String> {
    let password = &case.database.password;
    let encoded = utf8_percent_encode(password, NON_ALPHANUMERIC).to_string();
    let partly = encoded.replace("%2D", "-").replace("%5F", "_").replace("%2E", ".").replace("%7E", "~");
    let word: String = password.chars().take_while(|c| *c != ':').collect();
    let mut prey =
        vec![password.clone(), encoded.replace('%', "%%"), partly.replace('%', "%%"), encoded, partly, word];
    let keys = fs::read_to_string(case.work().join("keypairs.yml")).unwrap_or_default();
    prey.extend(
        keys.lines()
            .filter_map(|line| line.trim().strip_prefix("secret_key:"))
            .map(|key| key.trim_matches(&[' ', '\'', '"'][..]).to_owned()),
    );
    prey
}

/// Looks at what was told and at every file below the program's folders.
fn hunt(case: &Case, outcome: &Outcome) {
    let prey = prey(case);
    for secret in &prey {
        assert!(secret.len() >= 8, "too short to hunt: {secret}");
        for told in [&outcome.stdout, &outcome.stderr] {
            assert!(!told.contains(secret.as_str()), "`{secret}` was told:\n{told}");
        }
    }
    let mut files = 0;
    for path in walk(case.started().folder()) {
        let meta = fs::symlink_metadata(&path).expect("the file is there");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !meta.is_file() || name == "program" {
            continue;
        }
        files += 1;
        if ALLOWED.contains(&name.as_str()) {
            assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{}", path.display());
            continue;
        }
        let bytes = fs::read(&path).expect("the file is ours");
        let text = String::from_utf8_lossy(&bytes);
        for secret in &prey {
            assert!(!text.contains(secret.as_str()), "`{secret}` is in {}", path.display());
        }
    }
    assert!(files > 0, "nothing was looked at");
}

#[test]
fn nothing_but_the_secret_files_holds_a_secret() {
    let etcd = Etcd::start();
    let case = Case::on(&etcd, Postgres::shared()).unwatched();
    let commands = [
        "check",
        "plan",
        "status",
        "run",
        "run",
        "plan",
        "status",
        "check",
        "check --strict --wait 1s",
        "run --rotate-keypairs",
        "run -v --log-file setup.log",
        "run --quiet",
        "check --log-file setup.log",
        "answers validate",
        "answers validate --with-secrets",
        "answers show",
        "answers init new.FORM.yml",
        "answers init -",
        "images",
        "mount offer --for 100ms",
        "mount verify --node a",
        "explain",
    ];
    let mut case = case;
    let mut runs = 0;
    for command in commands {
        for form in ["json", "text"] {
            let command = command.replace("FORM", form);
            case = case.flags(command.split(' '));
            if command == "explain" {
                case = case.bare();
            }
            let outcome = case.outcome(&["--output", form]);
            // Nobody answers the offer, and nobody offers to the other.
            let expected: &[i32] = if command.starts_with("mount") { &[5] } else { &[0, 4, 9] };
            assert!(expected.contains(&outcome.status), "{command}: {outcome:?}");
            hunt(&case, &outcome);
            runs += usize::from(command.starts_with("run"));
        }
    }
    // The prey was real: each secret is where it belongs, spelt as that file wants it.
    let read = |name: &str| fs::read_to_string(case.work().join(name)).expect("the file was written");
    let password = case.database.password.clone();
    assert!(read("manager.env").contains(&format!("export BACKEND_DB_PASSWORD='{password}'")));
    assert!(!read("alembic.ini").contains(&password));
    assert!(prey(&case).iter().any(|spelling| read("alembic.ini").contains(&format!(":{spelling}@"))));
    let keys = prey(&case).split_off(6);
    assert_eq!(keys.len(), 2, "two secret keys: {}", keys.len());
    for key in &keys {
        let sql = format!("SELECT count(*) FROM keypairs WHERE secret_key = '{key}' AND is_active");
        assert_eq!(case.database.psql(&case.database.name, &sql).expect("the owner may look"), "1\n");
    }
    let transcripts = walk(&case.started().home())
        .into_iter()
        .filter(|path| path.extension().is_some_and(|it| it == "log"));
    assert_eq!(transcripts.count(), runs, "every run left one, and it was looked at");
}

/// etcd's password is a secret like the other.
#[test]
fn the_password_of_etcd_is_found_nowhere_either() {
    let etcd = Etcd::with_auth("canary-etcd-root");
    let mut case = Case::on(&etcd, Postgres::shared()).unwatched();
    case = case.set("etcd.user", "root").set("etcd.password", "canary-etcd-root");
    for command in ["check", "run -v --log-file setup.log", "mount offer --for 100ms", "answers show", "plan"]
    {
        for form in ["json", "text"] {
            case = case.flags(command.split(' '));
            let outcome = case.outcome(&["--output", form]);
            assert!([0, 5].contains(&outcome.status), "{command}: {outcome:?}");
            hunt(&case, &outcome);
            for path in walk(case.started().folder()).iter().filter(|path| !path.ends_with("answers.yml")) {
                let text = fs::read(path).unwrap_or_default();
                let text = String::from_utf8_lossy(&text);
                assert!(!text.contains("canary-etcd-root"), "{}", path.display());
            }
        }
    }
}

#[test]
fn failures_hold_no_secret_either() {
    let etcd = Etcd::start();
    let spoil: &[(&str, &str)] = &[
        ("database.user", "nosuchuser"),
        ("database.address", "nosuchhost.invalid"),
        ("database.sslmode", "require"),
        ("etcd.user", "root"),
        ("etcd.namespace", "a/b"),
        ("storage.mount", "/nowhere"),
        ("files.alembic-ini", "nowhere/alembic.ini"),
    ];
    for (key, value) in spoil {
        let mut case = Case::on(&etcd, Postgres::shared()).set(key, *value);
        for (command, form) in
            [("run", "text"), ("run", "json"), ("check", "text"), ("plan", "text"), ("status", "json")]
        {
            case = case.flags([command]);
            let outcome = case.outcome(&["--output", form]);
            assert!(
                outcome.status > 0 || key.starts_with("storage") || key.starts_with("files"),
                "{key}: {outcome:?}"
            );
            hunt(&case, &outcome);
        }
    }
}

#[test]
fn a_secret_that_does_not_read_is_not_repeated() {
    let unquoted = [
        "'canary-open-quote",
        "[canary-open-bracket",
        "&canary-anchor",
        "*canary-alias",
        "!canary-tag x",
        "!canary",
        "canary: map: x",
        "%canary",
        "@canary",
        "`canary",
        "0o7771234",
        "0777123456",
        "77_712_345",
        "7771:23:45",
        "2018-07-13",
        "\n    !canary-below",
    ];
    // A time of day may hold any digits.
    let times = regex::Regex::new(r#""time":"[^"]*""#).expect("a pattern");
    for password in unquoted {
        let case = Case::new().set("database.password", password);
        for form in ["text", "json"] {
            let outcome = case.outcome(&["--output", form]);
            let told = times.replace_all(&outcome.stdout, "").into_owned() + &outcome.stderr;
            assert_eq!(outcome.status, 3, "{password}: {told}");
            for word in ["canary", "0o777", "0777", "77_7", "7771", "2018"] {
                assert!(!told.contains(word), "{password}: {told}");
            }
        }
        let fixture = format!(
            "keypairs:\n- {{user_id: a@b, is_admin: true, access_key: AKIA1, secret_key: {password}}}\n"
        );
        let case = Case::new().file("mine.yml", fixture).flags(["run", "--fixture", "mine.yml"]);
        let told = case.outcome(&[]);
        assert!(!told.stderr.contains("canary"), "{password}: {}", told.stderr);
    }
}

#[test]
fn the_process_list_shows_no_secret() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("the listener has an address");
    let case = Case::new().set("etcd.endpoints", format!("[{address}]"));
    // These make the program start itself anew; the password must not come by its arguments then.
    let password = case.database.password.clone();
    let case = case.env("PGPASSWORD", &password).env("PGOPTIONS", "-c geqo=off");
    let running = case.start(&[]);
    let connection = listener.accept().expect("the program connects");
    let cmdline = fs::read(format!("/proc/{}/cmdline", running.pid())).expect("the program runs");
    let cmdline = String::from_utf8_lossy(&cmdline).into_owned();
    assert!(cmdline.contains("--answers"), "{cmdline:?}");
    for secret in prey(&case) {
        assert!(!cmdline.contains(&secret), "{cmdline:?}");
    }
    let environment = fs::read(format!("/proc/{}/environ", running.pid())).expect("the program is ours");
    // Four names reach the database library; the others are always set and do no harm.
    assert!(!String::from_utf8_lossy(&environment).contains("PGOPTIONS"));
    running.signal(rustix::process::Signal::TERM);
    assert_eq!(running.wait().status, 143);
    drop(connection);
}

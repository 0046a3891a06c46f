//! A saved plan: exactly what was looked at is what is written later, or nothing.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::Site;
use super::keypairs_doors::pairs;
use super::{golden, schema, stale};
use crate::servers::{Outcome, Program, Relay};
use crate::tui::Pty;

/// A site with one home: plans are applied with the state directory that has their key.
pub struct Desk {
    pub site: Site,
    pub program: Program,
}

impl Desk {
    pub fn new() -> Self {
        let site = Site::new();
        let program = Program::new().current_dir(site.path("")).args(["--answers", "answers.yml"]);
        Self { site, program }
    }

    /// Runs the program with the answers; the arguments are words with a blank between.
    pub fn run(&self, arguments: &str) -> Outcome {
        let words: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        self.program.start_with(&words).wait()
    }

    /// Runs it and expects this status.
    pub fn ends(&self, arguments: &str, status: i32) -> Outcome {
        let outcome = self.run(arguments);
        assert_eq!(outcome.status, status, "{arguments}\n{}{}", outcome.stdout, outcome.stderr);
        outcome
    }

    /// It ends so, with this code, and nothing was moved.
    pub fn refuses(&self, arguments: &str, status: i32, code: &str) -> Outcome {
        let before = self.site.everything();
        let outcome = self.ends(arguments, status);
        assert!(outcome.stderr.contains(code), "{arguments}: {code} was expected\n{}", outcome.stderr);
        assert!(before == self.site.everything(), "{arguments}: something was written\n{}", outcome.stderr);
        outcome
    }

    /// What stands in a saved plan.
    pub fn plan(&self, name: &str) -> Value {
        serde_json::from_str(&self.site.read(name)).expect("JSON")
    }
}

const STALE: &str = "E-PLAN-STALE";

#[test]
fn a_saved_plan_is_what_is_written() {
    let desk = Desk::new();
    let Desk { site, .. } = &desk;
    golden::write_lists(site, "upstream-samples");
    let before = (site.etcd.revision(), site.path("alembic.ini").exists());
    let saved = desk.ends("plan --summary --out plan.json", 0);
    assert_eq!(before, (site.etcd.revision(), site.path("alembic.ini").exists()), "a plan writes nothing");
    assert_eq!(site.mode("plan.json"), 0o600);
    assert!(saved.stdout.contains("Config files   pending   adds 2 files\n"), "{}", saved.stdout);
    assert!(saved.stdout.contains("Keypairs       pending   adds 2 rows, 1 file\n"), "{}", saved.stdout);
    assert!(saved.stdout.lines().count() == 8, "one line for each stage, and their sum: {}", saved.stdout);
    assert!(saved.stderr.contains("saved, only you can read it:  plan.json\n"), "{}", saved.stderr);
    // The command that it names is the one that applies it.
    let next = saved.stderr.lines().find_map(|line| line.strip_prefix("next:  backendai-setup "));
    let applied = desk.program.start_with(&words(next.expect("it says what is next"))).wait();
    assert_eq!(applied.status, 0, "{}", applied.stderr);
    assert!(
        applied.stderr.ends_with("site changed=7 unchanged=0 failed=0 skipped=0\n"),
        "{}",
        applied.stderr
    );
    assert_eq!(site.etcd.get_all(""), golden::keys_of_the_manager("upstream-samples"));
    schema::is_right(site);
    assert_eq!(pairs(site).len(), 2);
    desk.ends("status", 0);

    // A second time there is nothing left of it: it says what differs, and writes nothing.
    let again = desk.refuses("apply plan.json", 9, STALE);
    assert!(again.stderr.contains("he plan in `plan.json` is out of date"), "{}", again.stderr);
    assert!(again.stderr.contains("Image list: `+ /sorna/local/images/"), "{}", again.stderr);
    assert!(again.stderr.contains("is no longer needed"), "{}", again.stderr);
    // The remedy, as it stands there. A plan with nothing to do is one too.
    assert!(again.stderr.contains("make it again and look at it: `plan --out plan.json`, then apply that"));
    let saved = desk.ends("plan --out plan.json", 0);
    assert!(saved.stdout.ends_with("Nothing to change.\n"), "{}", saved.stdout);
    let before = site.everything();
    for _ in 0..2 {
        let applied = desk.ends("apply plan.json", 0);
        assert!(applied.stderr.ends_with("changed=0 unchanged=7 failed=0 skipped=0\n"), "{}", applied.stderr);
    }
    assert!(before == site.everything(), "something was written");
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// Whatever comes between plan and `apply`, at whichever stage: nothing is written.
#[test]
fn what_comes_between_is_not_written_over() {
    for (title, _, before, foreign) in stale::cases() {
        let desk = Desk::new();
        if !before.is_empty() {
            desk.ends(before, 0);
        }
        desk.ends("plan --out plan.json", 0);
        foreign(&desk.site);
        let outcome = desk.refuses("apply plan.json", 9, STALE);
        assert!(
            outcome.stderr.contains("he plan in `plan.json` is out of date"),
            "{title}: {}",
            outcome.stderr
        );
        assert!(outcome.stderr.contains("plan --out plan.json"), "{title}: {}", outcome.stderr);
    }
}

/// Half of the list is written when something else comes: what came stays, and the status says that something is written.
#[test]
fn what_comes_half_way_stays() {
    let desk = Desk::new();
    let Desk { site, program } = &desk;
    let mut list = "images:\n  - name: python\n    tags:\n".to_owned();
    for tag in 0..300 {
        let _ = writeln!(list, "      - ['t{tag:03}', 'hash-of-{tag:03}']");
    }
    list += "    slots: {cpu: 1, mem: 1.0, gpu: 0}\n";
    site.write("images.yml", list);
    site.write("aliases.yml", "aliases: []\n");
    let relay = Relay::to(&site.etcd.endpoint);
    relay.open();
    let endpoint = format!("--set etcd.endpoints={}", relay.address);
    desk.ends(&format!("plan --out plan.json {endpoint}"), 0);
    let key = "/sorna/local/images/python/tags/t250";
    let apply = words(&format!("apply plan.json {endpoint}"));
    let running =
        relay.hold_up("hash-of-250", || program.start_with(&apply), || site.etcd.put(key, "theirs"));
    let outcome = running.wait();
    assert_eq!(outcome.status, 7, "{}", outcome.stderr);
    assert!(outcome.stderr.contains(STALE) && !outcome.stderr.contains("planned anew"), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains(&format!("`{key}` changed after the plan was made")),
        "{}",
        outcome.stderr
    );
    assert_eq!(site.etcd.get_all(key)[key], "theirs");
}

/// What may be overwritten was decided when the plan was made, and is no choice of `apply`.
#[test]
fn a_plan_brings_its_permissions() {
    let desk = Desk::new();
    let Desk { site, .. } = &desk;
    let key = "/sorna/local/volumes/_mount";
    site.etcd.put(key, "/mnt/older");
    // Nothing is saved of a plan with a conflict.
    let refused = desk.refuses("plan --out plan.json", 4, "E-MOUNT-FOREIGN");
    assert!(refused.stderr.ends_with("No plan was saved.\n"), "{}", refused.stderr);
    desk.refuses(
        "plan --out plan.json --set database.address=127.0.0.1:1 --replace-mount",
        5,
        "E-DB-CONNECT",
    );
    let told = desk.ends("plan --summary --out plan.json --replace-mount", 0).stdout;
    assert!(told.contains("Shared folder  pending   changes 1 key\n"), "{told}");
    // How strictly warnings are taken is one: it stops a run, and changes nothing that is written.
    let strict = desk.refuses("apply plan.json --strict", 4, "W-FILE-ALEMBIC");
    assert!(!strict.stderr.contains(STALE), "{}", strict.stderr);
    desk.refuses("apply plan.json --replace-mount", 2, "E-USAGE");
    desk.ends("apply plan.json", 0);
    assert_eq!(site.etcd.get_all(key)[key], "/mnt/shared");

    // Keypairs are rotated once: then the secrets are other ones than the plan saw.
    let old = pairs(site);
    desk.ends("plan --out plan.json --rotate-keypairs", 0);
    desk.ends("apply plan.json", 0);
    assert!(pairs(site).iter().zip(&old).all(|(new, old)| new.0 == old.0 && new.1 != old.1));
    let again = desk.refuses("apply plan.json", 9, STALE);
    assert!(again.stderr.contains("keypairs.yml` has other content or another mode"), "{}", again.stderr);

    site.write("rows.yml", "keypairs: [{user_id: third@localhost, is_admin: false}]\n");
    desk.ends("plan --out plan.json --fixture rows.yml", 0);
    desk.ends("apply plan.json", 0);
    assert_eq!(site.sql("SELECT count(*) FROM keypairs WHERE user_id = 'third@localhost'"), "1\n");

    site.etcd.put("/sorna/local/images/old/tags/1", "of an older list");
    let told = desk.ends("plan --out plan.json --prune --output json --summary", 0);
    let plan = told.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let plan = plan.into_iter().find(|line| line["type"] == "plan").expect("a plan");
    let aliases =
        plan["stages"].as_array().expect("stages").iter().find(|stage| stage["stage"] == "load-aliases");
    let counts = &aliases.expect("the stage")["counts"];
    assert_eq!(*counts, serde_json::json!([{"kind": "key", "new": 0, "changed": 0, "removed": 1}]));
    assert!(plan.to_string().matches("\"changes\"").count() == 0, "{plan}");
    desk.ends("apply plan.json", 0);
    assert_eq!(site.etcd.count("/sorna/local/images/old/"), 0);
}

/// A plan takes the place of nothing but a plan, and its folder has to be there.
#[test]
fn a_plan_is_written_over_no_other_file() {
    let desk = Desk::new();
    let Desk { site, .. } = &desk;
    for (name, text) in [("notes.txt", "notes"), ("empty", ""), ("other.json", "{\"format\": \"other\"}")] {
        site.write(name, text);
        let refused = desk.refuses(&format!("plan --out {name}"), 4, "E-FILE-FOREIGN");
        assert!(refused.stderr.contains(&format!("`{name}` is there already, and is no saved plan")));
    }
    desk.ends("plan --detailed-exitcode --out plan.json", 9);
    fs::set_permissions(site.path("plan.json"), fs::Permissions::from_mode(0o644)).expect("the file is ours");
    desk.ends("plan --out plan.json", 0);
    assert_eq!(site.mode("plan.json"), 0o600);
    std::os::unix::fs::symlink("plan.json", site.path("link.json")).expect("the folder is ours");
    let refused = desk.refuses("plan --out link.json", 4, "E-FILE-SYMLINK");
    assert!(refused.stderr.contains("name another file with `--out`"), "{}", refused.stderr);
    let refused = desk.refuses("plan --out below/plan.json", 4, "E-FILE-PARENT");
    assert!(refused.stderr.contains("mkdir -p below"), "{}", refused.stderr);
    desk.refuses("plan --state-dir elsewhere", 2, "E-USAGE");
}

/// The key of a state directory is made once, by whoever comes first, for its owner alone.
#[test]
fn several_plans_at_once_have_one_key() {
    let desk = Desk::new();
    let start = |at: usize| desk.program.start_with(&words(&format!("plan --out plan-{at}.json")));
    let running: Vec<_> = (0..4).map(start).collect();
    for running in running {
        let outcome = running.wait();
        assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    }
    let key = |at: usize| desk.plan(&format!("plan-{at}.json"))["key"].clone();
    assert!((1..4).all(|at| key(at) == key(0)));
    let folder = desk.program.home().join(".local/state/backendai-setup");
    let file = folder.join("fingerprint-key");
    let meta = fs::metadata(&file).expect("the key is there");
    assert_eq!(meta.permissions().mode() & 0o7777, 0o600);
    desk.ends("apply plan-3.json", 0);

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("the file is ours");
    let refused = desk.refuses("apply plan-0.json", 3, "E-STATE-DIR");
    assert!(refused.stderr.contains(&format!("chmod 600 {}", file.display())), "{}", refused.stderr);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("the file is ours");
    fs::write(&file, "damaged").expect("the file is ours");
    let refused = desk.refuses("apply plan-0.json", 3, "E-STATE-DIR");
    assert!(refused.stderr.contains(&format!("rm {}", file.display())), "{}", refused.stderr);
    fs::remove_file(&file).expect("the file is ours");
    desk.refuses("apply plan-0.json", 3, "E-PLAN-FILE");
    desk.ends("plan --out plan-0.json", 0);
    desk.ends("apply plan-0.json", 0);
}

/// `{prompt: true}`: both commands ask at a terminal, and are told by status 10 where there is none.
#[test]
fn a_password_is_entered_for_the_plan_and_again_for_apply() {
    let desk = Desk::new();
    let Desk { site, program } = &desk;
    let password = site.database.password.clone();
    site.write("answers.yml", site.answers().replace(&format!("'{password}'"), "{prompt: true}"));
    let at_a_terminal = |command: &str, terminal: &str, typed: &[u8]| {
        let mut pty =
            Pty::start(100, 24, program, &command.split(' ').collect::<Vec<_>>(), &[("TERM", terminal)]);
        pty.wait_for("Password");
        pty.wait_for_raw();
        pty.write(typed);
        let left = pty.wait();
        assert_eq!(left.before, left.after, "the terminal's settings have changed");
        assert!(!left.text().contains(&password), "{}", left.text());
        left
    };
    let right = format!("{password}\r");
    for command in ["plan --out plan.json", "apply plan.json"] {
        if command.starts_with("plan") {
            desk.refuses(command, 10, "E-NEEDS-ANSWERS");
        }
        let left = at_a_terminal(command, "dumb", b"\x03");
        assert_eq!(left.status, 130, "{}", left.text());
        if command.starts_with("plan") {
            assert_eq!(at_a_terminal(command, "xterm", right.as_bytes()).status, 0);
        }
    }
    desk.refuses("apply plan.json", 10, "E-NEEDS-ANSWERS");
    let left = at_a_terminal("apply plan.json", "xterm", b"\x1b");
    assert!(left.status == 10 && left.text().contains("E-NEEDS-ANSWERS"), "{}", left.text());
    let left = at_a_terminal("apply plan.json", "xterm", b"canary-another\r");
    assert_eq!(left.status, 9, "{}", left.text());
    assert!(
        left.text().contains("`database.password` has changed since the plan was made"),
        "{}",
        left.text()
    );
    assert_eq!(site.etcd.count(""), 0, "something was written");
    let left = at_a_terminal("apply plan.json", "dumb", right.as_bytes());
    assert_eq!(left.status, 0, "{}", left.text());
    assert_eq!(pairs(site).len(), 2);
}

//! Several runs at once with lists, owners and files of their own: each ends well, or was kept out and has written nothing,
//! and the end is that of those that ended well, one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::{Site, schema};
use crate::servers::{Outcome, Program, Running};

/// One of several that run at once: a list and owners of its own, in a folder of its own.
struct One {
    folder: TempDir,
    number: usize,
    /// What it would write into an empty namespace.
    keys: BTreeMap<String, String>,
}

/// Owner, access key, secret key, and whether it is an administrator's.
type Pair = (String, String, String, bool);

const INPUT: [&str; 3] = ["aliases.yml", "answers.yml", "images.yml"];

impl One {
    fn new(site: &Site, number: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("our folder");
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            fs::set_permissions(folder.path().join(name), private).expect("our file");
        };
        let images = format!(
            "images:\n  - name: python\n    tags: [[common, of-{number}], ['own{number}', of-{number}]]\n    \
             slots: {{cpu: {number}, mem: {number}.0, gpu: 0}}\n"
        );
        place("images.yml", &images);
        place("aliases.yml", &format!("aliases:\n  - ['py', 'python:own{number}']\n"));
        let owners = format!("keypairs: {{admin: 'a{number}@example.com', user: 'u{number}@example.com'}}\n");
        place("answers.yml", &format!("{}{owners}", site.answers()));
        let mut one = Self { folder, number, keys: BTreeMap::new() };
        one.keys = one.planned();
        one
    }

    fn program(&self, words: &[&str]) -> Program {
        let program = Program::new().current_dir(self.folder.path()).args(["--answers", "answers.yml"]);
        program.args(words.iter().map(|&word| word.to_owned()))
    }

    fn start(&self, more: &[&str]) -> Running {
        self.program(&[&["run"], more].concat()).start()
    }

    fn planned(&self) -> BTreeMap<String, String> {
        let outcome = self.program(&["plan", "--output", "json"]).run();
        assert_eq!(outcome.status, 0, "{}", outcome.stderr);
        let events = outcome.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let plan = events.into_iter().find(|event| event["type"] == "plan").expect("a plan");
        let stages = plan["stages"].as_array().expect("stages").iter();
        let changes = stages.filter_map(|stage| stage["changes"].as_array()).flatten();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let keys = changes.filter(|change| change["kind"] == "key");
        keys.map(|change| (text(&change["key"]), text(&change["new"]))).collect()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).expect("its file")
    }

    fn files(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.folder.path()).expect("our folder").flatten();
        entries.map(|entry| entry.file_name().into_string().expect("UTF-8")).collect()
    }

    /// The keypairs in its file.
    fn pairs(&self) -> BTreeSet<Pair> {
        let text = self.read("keypairs.yml");
        let values = |name: &str| {
            let lines = text.lines().map(|line| line.trim_start_matches(['-', ' ']));
            let values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            values.map(|value| value.trim_matches(['\'', '"']).to_owned()).collect::<Vec<_>>()
        };
        let [users, access, secrets, admins] =
            ["user_id", "access_key", "secret_key", "is_admin"].map(values);
        assert!([&access, &secrets, &admins].iter().all(|it| it.len() == users.len()), "{users:?}");
        let admins = admins.into_iter().map(|admin| admin == "true");
        let keys = access.into_iter().zip(secrets).zip(admins);
        users
            .into_iter()
            .zip(keys)
            .map(|(user, ((access, secret), admin))| (user, access, secret, admin))
            .collect()
    }
}

/// Every order of these.
fn orders<'a>(ones: &[&'a One]) -> Vec<Vec<&'a One>> {
    let Some((first, rest)) = ones.split_first() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for order in orders(rest) {
        for at in 0..=order.len() {
            let mut order = order.clone();
            order.insert(at, *first);
            all.push(order);
        }
    }
    all
}

/// The end is that of the runs that ended well, one after the other in some order.
fn is_serial(site: &Site, good: &[&One], told: &str) {
    let keys = site.etcd.get_all("");
    let is_end_of = |order: &Vec<&One>| {
        let mut end = BTreeMap::new();
        order.iter().for_each(|one| end.extend(one.keys.clone()));
        end == keys
    };
    assert!(orders(good).iter().any(is_end_of), "{keys:#?}\n{told}");
    schema::is_right(site);
    let rows = site.sql("SELECT user_id, access_key, secret_key, is_admin FROM keypairs");
    let row = |line: &str| {
        let columns: Vec<&str> = line.split('|').collect();
        let [user, access, secret, admin] = columns[..] else { panic!("four columns: {line}") };
        (user.to_owned(), access.to_owned(), secret.to_owned(), admin == "t")
    };
    let table: BTreeSet<Pair> = rows.lines().map(row).collect();
    assert_eq!(rows.lines().count(), 2 * good.len(), "{told}");
    assert_eq!(table, good.iter().flat_map(|one| one.pairs()).collect(), "{told}");
    for one in good {
        let number = one.number;
        let owners: Vec<(String, bool)> =
            one.pairs().into_iter().map(|(user, .., admin)| (user, admin)).collect();
        let wanted = [(format!("a{number}@example.com"), true), (format!("u{number}@example.com"), false)];
        assert_eq!(owners, wanted, "{told}");
    }
}

/// Starts so many at once; their statuses.
fn at_once(count: usize, more: &[&str]) -> Vec<i32> {
    let site = Site::new();
    let all: Vec<One> = (1..=count).map(|number| One::new(&site, number)).collect();
    let running: Vec<Running> = all.iter().map(|one| one.start(more)).collect();
    let ended: Vec<Outcome> = running.into_iter().map(Running::wait).collect();
    let statuses: Vec<i32> = ended.iter().map(|outcome| outcome.status).collect();
    let told: String = ended.iter().map(|outcome| format!("{}\n", outcome.stderr)).collect();
    assert!(
        statuses.iter().all(|it| [0, 8, 9].contains(it)) && statuses.contains(&0),
        "{statuses:?}\n{told}"
    );
    let (good, kept_out): (Vec<&One>, Vec<&One>) = all.iter().partition(|one| statuses[one.number - 1] == 0);
    is_serial(&site, &good, &told);
    // One that comes after all of them shows what a run alone writes.
    let alone = One::new(&site, count + 1);
    assert_eq!(alone.start(&[]).wait().status, 0);
    for one in good {
        assert_eq!(one.files(), alone.files(), "{told}");
        for name in ["alembic.ini", "manager.env"] {
            assert_eq!(one.read(name), alone.read(name), "{told}");
        }
    }
    for one in kept_out {
        assert_eq!(one.files(), INPUT.map(str::to_owned).into(), "{told}");
    }
    statuses
}

#[test]
fn several_runs_at_once_come_one_after_the_other_or_not_at_all() {
    for count in [2, 5] {
        at_once(count, &[]);
        let waiting = at_once(count, &["--wait", "80s", "--timeout", "60s"]);
        assert!(waiting.iter().all(|status| *status == 0), "{waiting:?}");
    }
}

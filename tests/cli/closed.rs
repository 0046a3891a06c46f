//! Without a terminal nothing ever waits for a person: not with stdin closed, empty, or open and silent.

use crate::servers::Program;

/// Every way to call the program, and the status it must end with. `answers.yml` names servers that are not
/// there.
const CALLS: &[(&str, i32)] = &[
    ("", 10),
    ("--plain", 10),
    ("--review --answers answers.yml", 10),
    ("--development", 10),
    ("--yes", 10),
    ("--answers answers.yml", 5),
    ("run", 10),
    ("run set-mount", 10),
    ("run --development", 10),
    ("run --answers answers.yml", 5),
    ("run --answers asks.yml", 10),
    ("check", 10),
    ("check --answers answers.yml", 5),
    ("check --answers asks.yml", 10),
    ("check images", 0),
    ("plan", 10),
    ("plan --answers answers.yml", 5),
    ("plan --out plan.json --answers answers.yml", 5),
    ("plan --out plan.json --answers asks.yml", 10),
    ("apply plan.json", 10),
    ("apply plan.json --answers asks.yml", 3),
    ("apply answers.yml --answers answers.yml", 3),
    ("status", 10),
    ("status --answers answers.yml", 5),
    ("schema show", 10),
    ("schema show --answers answers.yml", 5),
    ("schema diff", 10),
    ("schema diff --answers answers.yml", 5),
    ("schema sql", 0),
    ("schema sql head:base", 2),
    ("schema stamp head", 10),
    ("schema stamp head --yes --answers answers.yml", 5),
    ("schema repair", 10),
    ("schema repair --yes --answers answers.yml", 5),
    ("undo", 10),
    ("undo --answers answers.yml", 3),
    ("undo --yes --answers asks.yml", 10),
    ("targets", 0),
    ("targets remove nowhere", 2),
    ("images", 0),
    ("images --pull-commands", 0),
    ("images --copy-samples .", 0),
    ("answers init new.yml", 0),
    ("answers init -", 0),
    ("answers validate", 10),
    ("answers validate answers.yml", 0),
    ("answers validate asks.yml", 0),
    ("answers validate --with-secrets asks.yml", 10),
    ("answers show asks.yml", 0),
    ("check storage --answers asks.yml", 0),
    ("answers show", 10),
    ("answers show answers.yml", 0),
    ("answers schema", 0),
    ("mount offer", 10),
    ("mount offer --answers answers.yml", 5),
    ("mount verify", 10),
    ("mount verify --answers answers.yml", 5),
    ("dev up --dir taken", 4),
    ("dev status --dir stack", 9),
    ("dev down --dir stack", 0),
    ("dev reset --dir stack", 0),
    ("dev reset --dir taken", 4),
    ("explain", 0),
    ("explain E-DB-AUTH", 0),
    ("completions bash", 0),
    ("man", 0),
    ("man --out .", 0),
];

/// What reads stdin because it was told to.
const READS: &[(&str, i32)] = &[
    ("answers validate -", 3),
    ("answers show -", 3),
    ("run --answers -", 3),
    ("check --answers stdin.yml", 3),
];

const ANSWERS: &str = "version: 1\netcd: {namespace: local, endpoints: ['127.0.0.1:9']}\n\
    database: {address: '127.0.0.1:9', user: a, password: PASSWORD}\n\
    storage: {mount: /mnt, expect: elsewhere}\n";

/// What is wrong with the end, if anything is.
fn ends(call: &str, status: i32, stdin: &str) -> Option<String> {
    let script = format!("mkfifo silent && exec \"$0\" \"$@\" {stdin}");
    let program = Program::new().under(["sh", "-c", &script]).args(call.split_whitespace());
    for (name, password) in [
        ("answers.yml", "{command: [echo, x]}"),
        ("asks.yml", "{prompt: true}"),
        ("stdin.yml", "{stdin: true}"),
    ] {
        let text = ANSWERS.replace("PASSWORD", password);
        std::fs::write(program.work().join(name), text).expect("the folder is ours");
    }
    std::fs::create_dir(program.work().join("taken")).expect("the folder is ours");
    std::fs::write(program.work().join("taken/mine"), "").expect("the folder is ours");
    let outcome = program.run();
    let is_mute = outcome.stdout.is_empty() && outcome.stderr.is_empty() && status != 0;
    (outcome.status != status || is_mute)
        .then(|| format!("`{call}` with stdin {stdin}, {status} expected: {outcome:?}"))
}

#[test]
fn nothing_waits_for_a_person() {
    let with = |calls: &'static [(&str, i32)], stdins: &'static [&str]| {
        calls.iter().flat_map(|call| stdins.iter().map(move |stdin| (call.0, call.1, *stdin)))
    };
    let all = with(CALLS, &["<&-", "</dev/null", "<>silent"]).chain(with(READS, &["<&-", "</dev/null"]));
    let wrong: Vec<String> = all.filter_map(|(call, status, stdin)| ends(call, status, stdin)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A new command cannot be forgotten above.
#[test]
fn every_command_is_called_above() {
    let commands = |of: &[&str]| -> Vec<String> {
        let help = Program::new().args(of).args(["--help"]).run().stdout;
        let names = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        let names = names.take_while(|line| !line.is_empty());
        names.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().map(str::to_owned)).collect()
    };
    let is_called = |call: &str| {
        let begins = |known: &&(&str, i32)| known.0 == call || known.0.starts_with(&format!("{call} "));
        assert!(CALLS.iter().any(|known| begins(&known)), "`{call}` is not called");
    };
    for command in commands(&[]).iter().filter(|name| !name.is_empty()) {
        is_called(command);
        for below in commands(&[command]).iter().filter(|name| !name.is_empty()) {
            is_called(&format!("{command} {below}"));
        }
    }
}

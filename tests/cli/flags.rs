//! A command offers the flags that it takes, and takes those that it offers, before it and after it.

use std::collections::{BTreeMap, BTreeSet};

use crate::servers::Program;
use crate::stages::Site;

/// What `--help` offers: the commands below this one, and its flags, each with a value where it wants one.
fn offered(command: &[String]) -> (Vec<String>, BTreeMap<String, bool>) {
    let outcome = Program::new().args(command.to_vec()).args(["-h"]).run();
    assert_eq!(outcome.status, 0, "{command:?}: {outcome:?}");
    let help = outcome.stdout;
    let names = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = names.take_while(|line| !line.is_empty());
    let commands = names.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect();
    let flags = help.lines().map(str::trim_start).filter(|line| line.starts_with('-')).filter_map(|line| {
        let mut words = line.split_whitespace().skip_while(|word| !word.starts_with("--"));
        let flag = words.next()?.to_owned();
        Some((flag, words.next().is_some_and(|word| word.starts_with('<'))))
    });
    (commands, flags.collect())
}

/// Every command that does something, with the flags that it offers.
fn leaves() -> BTreeMap<Vec<String>, BTreeMap<String, bool>> {
    let mut leaves = BTreeMap::new();
    let mut open = vec![Vec::new()];
    while let Some(path) = open.pop() {
        let (below, flags) = offered(&path);
        for name in &below {
            open.push(path.iter().chain([name]).cloned().collect());
        }
        if below.is_empty() || path.is_empty() {
            leaves.insert(path, flags);
        }
    }
    leaves
}

#[test]
fn what_is_offered_is_taken_and_nothing_else() {
    let leaves = leaves();
    let all: BTreeMap<&String, bool> =
        leaves.values().flatten().map(|(flag, value)| (flag, *value)).collect();
    assert!(all.len() > 30, "{all:?}");
    let value = |flag: &str| match flag {
        "--wait" | "--timeout" | "--for" => "30s",
        "--output" => "text",
        "--color" => "never",
        "--nodes" | "--etcd-port" | "--postgres-port" => "1",
        _ => "x",
    };
    for (command, flags) in leaves.iter().filter(|(command, _)| !command.is_empty()) {
        for (flag, wants) in all.iter().filter(|(flag, _)| !["--help", "--version"].contains(&flag.as_str()))
        {
            let words: Vec<String> =
                [flag.as_str()].into_iter().chain(wants.then(|| value(flag))).map(str::to_owned).collect();
            // Nothing is done: the word after the flag is one that no command takes.
            let unknown = "--no-such-flag".to_owned();
            let after: Vec<_> = command.iter().chain(&words).chain([&unknown]).cloned().collect();
            let before: Vec<_> = words.iter().chain(command).chain([&unknown]).cloned().collect();
            // Before the command only what is taken: it is refused by the same words.
            let is_own = flags.contains_key(*flag);
            for line in [Some(after), is_own.then_some(before)].into_iter().flatten() {
                let outcome = Program::new().args(line.clone()).run();
                assert_eq!(outcome.status, 2, "{line:?}: {outcome:?}");
                let is_taken = outcome.stderr.contains("`--no-such-flag`");
                assert_eq!(is_taken, is_own, "{line:?}: {outcome:?}");
                let refused = format!("`{}` takes no `{flag}`", command.join(" "));
                assert!(is_taken || outcome.stderr.contains(&refused), "{line:?}: {outcome:?}");
            }
        }
    }
    // The kind that was found: each of these was taken, and did nothing.
    let takes = |command: &str, flag: &str| {
        let command: Vec<String> = command.split(' ').map(str::to_owned).collect();
        leaves[&command].contains_key(flag)
    };
    for (command, flag) in [
        ("plan", "--yes"),
        ("explain", "--verbose"),
        ("man", "--output"),
        ("images", "--timeout"),
        ("status", "--state-dir"),
    ] {
        assert!(!takes(command, flag), "`{command}` offers `{flag}`");
    }
    let plainest: BTreeSet<&String> = leaves[&vec!["man".to_owned()]].keys().collect();
    assert_eq!(plainest.into_iter().collect::<Vec<_>>(), ["--ascii", "--color", "--help", "--out"]);
}

/// `-v` of a command that prints its result at the end tells what was found on the way.
#[test]
fn verbose_has_something_to_tell_everywhere() {
    let site = Site::new();
    for command in ["check", "plan", "status"] {
        let told = site.run(&format!("{command} -v"));
        assert!(told.stderr.contains("sign in"), "{command}: {told:?}");
        let silent = site.run(command);
        assert!(!silent.stderr.contains("sign in"), "{command}: {silent:?}");
    }
    let told = site.run("status -v");
    assert!(told.stderr.contains("+ /sorna/local/images/python/cpu = 1"), "{told:?}");
}

#[test]
fn help_that_cannot_be_written_is_a_failure() {
    for command in
        ["--help", "-h", "--version", "check --help", "answers validate -h", "completions bash", "man"]
    {
        let program = Program::new().under(["sh", "-c", r#"exec "$0" "$@" >/dev/full"#]);
        let outcome = program.args(command.split(' ')).run();
        assert_eq!(outcome.status, 1, "{command}: {outcome:?}");
        assert!(outcome.stderr.contains("E-OUTPUT"), "{command}: {outcome:?}");
    }
    // A later flag counts, as an alias of the shell wants it.
    let twice = Program::new().args(["--output", "json", "explain", "E-USAGE", "--output", "text"]).run();
    assert!(twice.status == 0 && twice.stdout.starts_with("E-USAGE"), "{twice:?}");
}

//! `load-images`, `load-aliases`, `set-mount`: the keys that the manager itself wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::servers::Postgres;

use super::Site;
use super::history::{ROOT, broken, never_broken_since};
use super::site::{ALIASES, IMAGES};

const STAGES: &str = "run load-images load-aliases set-mount";

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/images")
}

/// Undoes `\\`, `\t` and `\n`.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        out.push(match (c, c == '\\') {
            (_, true) => match rest.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('\\') => '\\',
                other => panic!("\\{other:?} in {text}"),
            },
            (c, false) => c,
        });
    }
    out
}

/// Gives a site one of the lists.
pub(super) fn write_lists(site: &Site, stem: &str) {
    site.write("images.yml", fs::read(golden().join(format!("{stem}.images.yml"))).expect("a list"));
    let aliases = fs::read(golden().join(format!("{stem}.aliases.yml")));
    site.write("aliases.yml", aliases.unwrap_or_else(|_| b"aliases: []\n".to_vec()));
}

/// What the manager itself made of that list, the shared folder among it.
pub(super) fn keys_of_the_manager(stem: &str) -> BTreeMap<String, String> {
    fs::read_to_string(golden().join(format!("{stem}.etcd.tsv")))
        .expect("keys")
        .lines()
        .map(|line| line.split_once('\t').expect("key and value"))
        .map(|(key, value)| (plain(key), plain(value)))
        .collect()
}

#[test]
fn keys_are_those_of_the_manager() {
    let site = Site::new();
    let mut stems: Vec<String> = fs::read_dir(golden())
        .expect("golden data")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".etcd.tsv").map(str::to_owned))
        .collect();
    stems.sort();
    assert_eq!(stems.len(), 9);
    for stem in stems {
        site.etcd.delete(ROOT);
        write_lists(&site, &stem);
        let theirs = keys_of_the_manager(&stem);
        assert!(theirs.contains_key("/sorna/local/volumes/_mount"), "{stem}");
        site.runs(STAGES);
        assert_eq!(site.etcd.get_all(""), theirs, "{stem}");
        let revision = site.etcd.revision();
        let again = site.runs(STAGES);
        assert!(again.stderr.ends_with("changed=0 unchanged=3 failed=0 skipped=0\n"), "{}", again.stderr);
        assert_eq!(site.etcd.revision(), revision, "{stem}: a second run writes nothing");
    }
}

#[test]
fn only_the_chosen_images_are_loaded() {
    let site = Site::new();
    let told = site.runs("run load-images load-aliases --set images.only=r");
    assert!(told.stderr.contains("1 image and 1 alias left out by `images.only`"), "{}", told.stderr);
    let keys = site.etcd.get_all("");
    assert_eq!(keys["/sorna/local/images/_aliases/R"], "r:latest");
    assert!(keys.contains_key("/sorna/local/images/r/tags/latest"));
    assert!(!keys.keys().any(|key| key.contains("py")), "{keys:#?}");
    let refused = site.run("run load-images --set images.only=pyton");
    assert_eq!(refused.status, 3);
    assert!(refused.stderr.contains("did you mean `python`?"), "{}", refused.stderr);
}

#[test]
fn lists_that_crashed_the_manager_are_refused_before_anything_is_written() {
    let site = Site::new();
    let before = site.etcd.revision();
    let mut count = 0;
    for entry in fs::read_dir(golden().join("reject")).expect("golden data") {
        let path = entry.expect("a file").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
        let (mut images, mut aliases) = ("images.yml", "aliases.yml");
        if name.ends_with(".aliases.yml") {
            aliases = &name
        } else {
            images = &name
        };
        site.write(&name, fs::read(&path).expect("a list"));
        let lists = format!("images: {{metadata: {images}, aliases: {aliases}}}");
        let answers = site.answers().replace("images: {metadata: images.yml, aliases: aliases.yml}", &lists);
        site.write("answers.yml", answers);
        for command in ["run", STAGES, "plan", "status", "check images"] {
            let outcome = site.run(command);
            let said = outcome.stdout + &outcome.stderr;
            assert_eq!(outcome.status, 3, "{command} {name}\n{said}");
            let at = said.find(&format!("{name}:")).unwrap_or_else(|| panic!("{command}: no place\n{said}"));
            let line = &said[at + name.len() + 1..];
            assert!(line.starts_with(|c: char| c.is_ascii_digit()), "{command}: no line\n{said}");
            let remedy = said.lines().any(|line| line.trim_start().starts_with("do "));
            assert!(remedy, "{command}: no remedy\n{said}");
        }
        count += 1;
    }
    assert_eq!(count, 17);
    assert_eq!(site.etcd.revision(), before);
    assert_eq!(Postgres::shared().snapshot(&site.database.name), "no such database");
}

/// `many` images of `each` tags; every second tag is an alias of the one before it, every tenth has
/// an alias of its own, and one chain goes through all of those.
fn long_list(images: usize, each: usize) -> (String, String) {
    let (mut list, mut aliases) = (String::from("images:\n"), String::from("aliases:\n"));
    let mut last = None;
    for image in 0..images {
        let name = if image == 0 { "snake-🐍".to_owned() } else { format!("image-{image}") };
        list += &format!("  - name: '{name}'\n    slots: {{cpu: 1, mem: 1.0, gpu: 0}}\n    tags:\n");
        for tag in 0..each {
            let digest = if tag % 2 == 1 { format!(":t{}", tag - 1) } else { format!("d{image}-{tag}") };
            list += &format!("      - ['t{tag}', '{digest}']\n");
            if tag % 10 == 1 {
                let alias = format!("a{image}-{tag}");
                aliases += &format!("  - ['{alias}', '{name}:t{tag}']\n  - ['also-{alias}', '{alias}']\n");
                if let Some(last) = last.replace(format!("chain-{alias}")) {
                    aliases += &format!("  - ['{last}', 'chain-{alias}']\n");
                }
            }
        }
    }
    let last = last.expect("the list is not empty");
    aliases += &format!("  - ['{last}', 'snake-🐍:t0']\n");
    (list, aliases)
}

#[test]
fn two_hundred_tags_take_more_than_one_transaction() {
    let site = Site::new();
    let (images, aliases) = long_list(1, 200);
    site.write("images.yml", &images);
    site.write("aliases.yml", &aliases);
    let first = site.etcd.revision();
    site.runs(STAGES);
    let keys = site.etcd.get_all("");
    assert_eq!(keys.keys().filter(|key| key.starts_with("/sorna/local/images/snake-🐍/tags/")).count(), 200);
    assert_eq!(keys["/sorna/local/images/_aliases/snake-🐍:t199"], "snake-🐍:t198");
    never_broken_since(&site.etcd, first);
    let revision = site.etcd.revision();
    site.runs(STAGES);
    assert_eq!(site.etcd.revision(), revision);
}

#[test]
fn no_reader_sees_an_alias_without_its_target() {
    let site = Site::new();
    let (images, aliases) = long_list(5, 1000);
    site.write("images.yml", &images);
    site.write("aliases.yml", &aliases);
    let first = site.etcd.revision();
    let mut running = site.program(STAGES.split(' ')).start();
    let mut looks = 0;
    while !running.has_ended() {
        let broken = broken(&site.etcd.get_all(ROOT));
        assert!(broken.is_empty(), "a reader sees {broken:#?}");
        looks += 1;
    }
    let outcome = running.wait();
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert!(looks > 1);
    let keys = site.etcd.get_all(ROOT);
    // Five images, their tags, half of them aliases, three aliases for every tenth; the mount.
    assert_eq!(keys.len(), 5 * 4 + 5000 + 2500 + 3 * 500 + 1);
    never_broken_since(&site.etcd, first);
}

#[test]
fn an_edited_list_is_pending_again_and_leftovers_stay_until_told() {
    let site = Site::new();
    site.runs(STAGES);
    let before = site.etcd.get_all("");
    // `r` goes with its alias; a slot changes.
    let edited = "images:\n  - name: python\n    tags: [[latest, ':3.6'], ['3.6', abc], ['3.7', def]]\n    \
                  slots: {cpu: 3, mem: 1.0, gpu: 0}\n";
    site.write("images.yml", edited);
    site.write("aliases.yml", "aliases: [['py', 'python:3.7']]\n");
    let status = site.run("status");
    assert_eq!(status.status, 9, "{}", status.stderr);
    let first = site.etcd.revision();
    let outcome = site.runs(STAGES);
    assert!(outcome.stderr.contains("6 keys are left from an older list"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("--prune"), "{}", outcome.stderr);
    let kept = site.etcd.get_all("");
    assert!(before.keys().all(|key| kept.contains_key(key)), "nothing is removed without being told");
    assert_eq!(kept["/sorna/local/images/_aliases/py"], "python:3.7");
    assert_eq!(kept["/sorna/local/images/python/cpu"], "3");
    assert!(outcome.stderr.contains("1 key has changed: a running manager keeps"), "{}", outcome.stderr);
    let revision = site.etcd.revision();
    let again = site.runs(STAGES);
    assert!(!again.stderr.contains("a running manager"), "{}", again.stderr);
    assert_eq!(site.etcd.revision(), revision, "leftovers are no change");

    site.runs(&format!("{STAGES} --prune"));
    let wanted = site.etcd.get_all("");
    never_broken_since(&site.etcd, first);
    let fresh = Site::new();
    fresh.write("images.yml", edited);
    fresh.write("aliases.yml", "aliases: [['py', 'python:3.7']]\n");
    fresh.runs(STAGES);
    assert_eq!(wanted, fresh.etcd.get_all(""), "pruned is as fresh");
    let revision = site.etcd.revision();
    site.runs(&format!("{STAGES} --prune"));
    assert_eq!(site.etcd.revision(), revision);
}

/// A tag that turns from an alias into a digest: the manager would still follow the old alias.
#[test]
fn a_list_that_an_older_one_wins_over_is_a_conflict() {
    let site = Site::new();
    let first = site.runs("");
    assert!(!first.stderr.contains("a running manager"), "nothing was there before: {}", first.stderr);
    site.write("images.yml", IMAGES.replace("[latest, ':3.6']", "[latest, ghi]"));
    let before = site.everything();
    for (command, status) in
        [("run", 4), (STAGES, 4), ("run load-aliases", 4), ("status", 9), ("plan", 4), ("check images", 4)]
    {
        let outcome = site.run(command);
        assert_eq!(outcome.status, status, "{command}: {outcome:?}");
        let told = format!("{}{}", outcome.stdout, outcome.stderr);
        for word in ["E-IMAGES-HIDDEN", "leads `python:latest` to `python:3.6`", "--prune"] {
            assert!(told.contains(word), "{command}: {word} in {told}");
        }
    }
    assert_eq!(before, site.everything());
    let plan = site.run("plan --prune");
    assert!(plan.stdout.contains("- /sorna/local/images/_aliases/python:latest"), "{plan:?}");
    let pruned = site.runs("run --prune");
    assert!(pruned.stderr.contains("1 key written and 1 removed in 1 transaction"), "{}", pruned.stderr);
    for command in ["status", "check images", "run"] {
        site.runs(command);
    }
}

/// Who knows what comes of it may leave it so.
#[test]
fn an_older_list_that_wins_can_be_accepted() {
    let site = Site::new();
    site.runs(STAGES);
    site.etcd.put("/sorna/local/images/_aliases/python", "r:latest");
    assert_eq!(site.run("status").status, 9);
    site.runs("check images --accept E-IMAGES-HIDDEN");
    let outcome = site.runs(&format!("{STAGES} --accept E-IMAGES-HIDDEN"));
    assert!(outcome.stderr.contains("leads `python` to `r:latest`"), "{}", outcome.stderr);
}

#[test]
fn a_replaced_mount_says_what_a_running_manager_does() {
    let site = Site::new();
    let first = site.runs("run set-mount");
    assert!(!first.stderr.contains("a running manager"), "{}", first.stderr);
    site.write("answers.yml", site.answers().replace("/mnt/shared", "/mnt/other"));
    let outcome = site.runs("run set-mount --replace-mount");
    for word in ["keeps `/mnt/shared` until it is restarted", "moved to `/mnt/other`"] {
        assert!(outcome.stderr.contains(word), "{}", outcome.stderr);
    }
    let again = site.runs("run set-mount --replace-mount");
    assert!(!again.stderr.contains("a running manager"), "{}", again.stderr);
}

#[test]
fn pruning_a_long_list_never_leaves_an_alias_in_the_air() {
    let site = Site::new();
    let (images, aliases) = long_list(2, 400);
    site.write("images.yml", &images);
    site.write("aliases.yml", &aliases);
    site.runs(STAGES);
    // Every alias that stays used to end at something that goes.
    let stays: Vec<&str> = aliases.lines().skip(1).filter(|line| line.contains("['also-")).collect();
    let alias = |line: &str| line.split('\'').nth(1).expect("an alias").to_owned();
    let moved: String = stays.iter().map(|line| format!("  - ['{}', 'r:latest']\n", alias(line))).collect();
    site.write("images.yml", IMAGES);
    site.write("aliases.yml", format!("{ALIASES}{moved}"));
    let first = site.etcd.revision();
    site.runs(&format!("{STAGES} --prune"));
    never_broken_since(&site.etcd, first);
    let keys = site.etcd.get_all("");
    assert_eq!(keys.len(), (4 + 3 + 1) + (4 + 1) + 2 + stays.len() + 1);
    assert!(broken(&keys).is_empty());
}

#[test]
fn a_key_of_both_files_is_not_fought_over() {
    let site = Site::new();
    site.write("aliases.yml", "aliases:\n  - ['python:latest', 'python:3.7']\n");
    let key = "/sorna/local/images/_aliases/python:latest";
    for _ in 0..2 {
        site.runs(STAGES);
        assert_eq!(site.etcd.get_all("")[key], "python:3.7");
    }
    let revision = site.etcd.revision();
    for stages in ["run load-images", "run load-aliases", STAGES] {
        site.runs(stages);
    }
    assert_eq!(site.etcd.revision(), revision);
    // Once the file lets go of it, the tag's own alias is due again.
    site.write("aliases.yml", "aliases: []\n");
    site.runs(STAGES);
    assert_eq!(site.etcd.get_all("")[key], "python:3.6");
}

#[test]
fn an_old_alias_never_closes_a_circle() {
    let site = Site::new();
    site.runs(STAGES);
    let turned = IMAGES.replace("[latest, ':3.6'], ['3.6', abc]", "[latest, abc], ['3.6', ':latest']");
    assert_ne!(turned, IMAGES);
    site.write("images.yml", &turned);
    let first = site.etcd.revision();
    for command in [STAGES, "run load-images", "run load-aliases"] {
        let outcome = site.run(command);
        assert_eq!(outcome.status, 4, "{}", outcome.stderr);
        assert!(outcome.stderr.contains("E-IMAGES-CIRCLE"), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("--prune"), "{}", outcome.stderr);
    }
    assert_eq!(site.etcd.revision(), first);
    site.runs(&format!("{STAGES} --prune"));
    never_broken_since(&site.etcd, first);
    let keys = site.etcd.get_all("");
    assert_eq!(keys["/sorna/local/images/_aliases/python:3.6"], "python:latest");
    assert!(!keys.contains_key("/sorna/local/images/_aliases/python:latest"));
}

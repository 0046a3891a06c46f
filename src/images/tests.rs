mod golden;

use super::*;
use crate::failure::Code;

fn judge_text(metadata: &str, aliases: &str) -> Result<ImageList, Vec<Failure>> {
    judge(
        Source { file: "image-metadata.yml", bytes: metadata.as_bytes() },
        Source { file: "image-aliases.yml", bytes: aliases.as_bytes() },
    )
}

/// One image with the given tags, as flow YAML.
fn tags(tags: &str) -> String {
    format!("images:\n- name: a\n  tags: {tags}\n  slots: {{cpu: 1, mem: 1.0, gpu: 0}}\n")
}

fn codes(result: Result<ImageList, Vec<Failure>>) -> Vec<Code> {
    result.expect_err("refused").into_iter().map(|failure| failure.code).collect()
}

fn show(failures: &[Failure]) -> String {
    let mut text = String::new();
    for failure in failures {
        let place = failure.place.as_ref().map(ToString::to_string).unwrap_or_default();
        text += &format!("{} {place}\n  {}\n", failure.code, failure.what);
        for line in [&failure.why, &failure.remedy].into_iter().flatten() {
            text += &format!("  {line}\n");
        }
    }
    text
}

#[test]
fn all_problems_of_both_files_at_once() {
    let metadata = "images:
- name: python
  tags: [[3.10, abc], [latest, ':3.10', x], [a b, '']]
  slots: {cpu: true, mem: \"8g\", gpu: -1}
- name: python
  tag: [[latest, abc]]
  slots: {cpu: 010, mem: .nan, gpu: 1e3, disk: 7}
- name: _aliases
  tags: {latest: abc}
  slots: [1, 2]
";
    let aliases = "aliases:\n- [py, python:latest]\n- [py, \"a\\u3000b\"]\n- py: x\n- [on, ~]\n";
    insta::assert_snapshot!("many", show(&judge_text(metadata, aliases).unwrap_err()));
}

#[test]
fn a_choice_takes_its_aliases_along() {
    let metadata = "images:
- {name: python, tags: [[latest, ':3.6'], [3.6-debian, a]], slots: {cpu: 1, mem: 1.0, gpu: 0}}
- {name: r, tags: [[latest, b]], slots: {cpu: 1, mem: 1.0, gpu: 0}}
"
    .replace(":3.6'", ":3.6-debian'");
    let aliases = "aliases:\n- [py, python:latest]\n- [snake, py]\n- [R, r:latest]\n- [gone, nowhere:x]\n";
    let list = judge_text(&metadata, aliases).unwrap();
    let part = list.only(&["python".to_owned()]).unwrap();
    let names: Vec<&str> = part.aliases.iter().map(|alias| alias.alias.as_str()).collect();
    assert_eq!(names, ["py", "snake", "gone"], "what leads nowhere is no reason to leave it out");
    assert_eq!(part.left_out, LeftOut { images: 1, aliases: 1 });
    assert_eq!(part.counts(), "1 image, 2 tags, 3 aliases; 1 image and 1 alias left out by `images.only`");
    let part = list.only(&["r".to_owned(), "python".to_owned()]).unwrap();
    assert_eq!((part.images.clone(), part.aliases.clone()), (list.images.clone(), list.aliases.clone()));
    let unknown = list.only(&["pyton".to_owned(), "x".to_owned()]).unwrap_err();
    assert_eq!(unknown, [("pyton".to_owned(), Some("python".to_owned())), ("x".to_owned(), None)]);
}

#[test]
fn warnings_leave_the_list_sound() {
    let metadata = "version: 2
images:
- name: python
  Syntax: python
  tags: [[latest, ':3.7'], [3.6-debian, abc], [old, ':3.6-debain']]
  slots: {cpu: 1, mem: 0.3, gpu: 0, disk: 5}
";
    let aliases =
        "aliases: [[py, python], [py3, 'python:3.6-debain'], [far, py3], [ok, 'python:3.6-debian']]\n";
    let list = judge_text(metadata, aliases).unwrap();
    insta::assert_snapshot!("warnings", show(&list.warnings));
}

#[test]
fn entries_that_share_keys_are_refused() {
    let two = |one: &str, two: &str| {
        let rest = "tags: [[latest, abc]], slots: {cpu: 1, mem: 1, gpu: 0}";
        judge_text(&format!("images:\n- {{name: {one}, {rest}}}\n- {{name: {two}, {rest}}}\n"), "aliases: []")
    };
    for clash in ["python", "python/tags", "python/tags/x", "python/cpu", "python/mem/x", "python/gpu"] {
        let failures = two("python", clash).unwrap_err();
        assert_eq!(failures[0].code, Code::ImagesDuplicate, "{clash}");
        let why = failures[0].why.as_deref().unwrap();
        assert!(why.contains('2') && why.contains('3'), "{why}");
        assert_eq!(codes(two(clash, "python")).first(), Some(&Code::ImagesDuplicate), "{clash}");
    }
    for name in
        ["_aliases", "_aliases/x", "'a:b'", "'a b'", "\"a\\u00a0b\"", "\"a\\tb\"", "''", "\"\\u2028\""]
    {
        assert_eq!(codes(two("python", name)), [Code::ImagesValue], "{name}");
    }
    for name in ["python/tagsy", "lablup/python", "python-cpu"] {
        assert!(two("python", name).is_ok(), "{name}");
    }
    assert_eq!(codes(judge_text(&tags("[[a, x], [b, y], [a, z]]"), "aliases: []")), [Code::ImagesDuplicate]);
    assert_eq!(
        codes(judge_text(&tags("[[a, x]]"), "aliases: [[b, 'a:a'], [b, 'a:a']]")),
        [Code::ImagesDuplicate]
    );
}

#[test]
fn loops_are_refused_once_each() {
    for (list, aliases) in [
        ("[[a, ':a']]", "[]"),
        ("[[a, ':b'], [b, ':c'], [c, ':a'], [d, ':a']]", "[]"),
        ("[[a, x]]", "[[b, b]]"),
        ("[[a, x]]", "[[b, c], [c, d], [d, b], [e, b]]"),
        // An alias over a tag alias closes the circle.
        ("[[a, ':b'], [b, x]]", "[['a:b', 'a:a']]"),
    ] {
        let failures = judge_text(&tags(list), &format!("aliases: {aliases}")).unwrap_err();
        assert_eq!(failures.len(), 1, "{list} {aliases}: {}", show(&failures));
        assert_eq!(failures[0].code, Code::ImagesLoop);
    }
    // ... or opens it.
    assert!(judge_text(&tags("[[a, ':b'], [b, ':a'], [c, x]]"), "aliases: [['a:a', 'a:c']]").is_ok());
}

#[test]
fn names_lead_where_the_manager_would_go() {
    let list = judge_text(
        &tags("[[latest, ':3'], ['3', x], [gpu, ':nowhere']]"),
        "aliases: [[py, 'a:latest'], [short, a], [far, py]]",
    )
    .unwrap();
    let found = |tag: &str| Resolved::Found { image: "a".into(), tag: tag.into() };
    assert_eq!(list.resolve("a"), found("3"));
    assert_eq!(list.resolve("far"), found("3"));
    assert_eq!(list.resolve("a:3"), found("3"));
    assert_eq!(list.resolve("a:gpu"), Resolved::Missing { end: "a:nowhere".into() });
    // The end of an alias is not completed with `:latest`.
    assert_eq!(list.resolve("short"), Resolved::Missing { end: "a".into() });
    assert_eq!(list.resolve("b"), Resolved::Missing { end: "b:latest".into() });
    assert_eq!(list.warnings.len(), 2, "{}", show(&list.warnings));
}

#[test]
fn keys_come_in_an_order_that_readers_can_bear() {
    let list = judge_text(
        &tags("[[latest, ':3'], ['3', ':3.6'], ['3.6', x], [old, ':3']]"),
        "aliases: [[far, near], [near, 'a:old'], ['a:old', 'a:3.6'], [other, 'a:3']]",
    )
    .unwrap();
    let keys: Vec<String> =
        list.image_keys().into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    insta::assert_snapshot!(keys.join("\n"), @"
    images/a/cpu=1
    images/a/mem=1024
    images/a/gpu=0.00
    images/a=1
    images/a/tags/3.6=x
    images/a/tags/latest=:3
    images/a/tags/3=:3.6
    images/a/tags/old=:3
    images/_aliases/a:3=a:3.6
    images/_aliases/a:latest=a:3
    ");
    let keys: Vec<String> =
        list.alias_keys().into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    insta::assert_snapshot!(keys.join("\n"), @"
    images/_aliases/a:old=a:3.6
    images/_aliases/near=a:old
    images/_aliases/far=near
    images/_aliases/other=a:3
    ");
}

#[test]
fn rows_and_pull_commands() {
    let metadata = "images:
- {name: python, tags: [[latest, ':3.6'], ['3.6', abc]], slots: {cpu: 4, mem: 0.3, gpu: 0.32}}
- {name: lablup/r$x, tags: [[latest, abc]], slots: {cpu: 1, mem: 8.0, gpu: 0}}
";
    let list = judge_text(metadata, "aliases: [[py, python:latest], [p, py], [nothing, far:away]]").unwrap();
    let rows = list.rows();
    assert_eq!((rows[0].tags, rows[0].mem_gib.as_str(), rows[0].gpu.as_str()), (2, "0.3", "0.32"));
    assert_eq!(rows[0].aliases, ["py", "p"]);
    assert_eq!((rows[1].mem_gib.as_str(), rows[1].aliases.len()), ("8", 0));
    assert_eq!(
        list.pull_commands(),
        ["docker pull lablup/kernel-python:3.6", "docker pull 'lablup/r$x:latest'"]
    );
}

#[test]
fn numbers_are_spelt_as_the_manager_spells_them() {
    let with = |slots: &str| {
        judge_text(&format!("images:\n- name: a\n  tags: [[a, b]]\n  slots: {{{slots}}}\n"), "aliases: []")
    };
    for (mem, mib) in [
        ("0.3", 307),
        ("8", 8192),
        ("1.", 1024),
        (".5", 512),
        ("1.5e+1", 15360),
        ("0.0009765625", 1),
        ("0x10", 16384),
        ("+2", 2048),
        ("4.35", 4454),
    ] {
        assert_eq!(with(&format!("cpu: 1, mem: {mem}, gpu: 0")).unwrap().images[0].mem_mib, mib, "{mem}");
    }
    // Recorded from Python's '%.2f'.
    for (gpu, text) in [
        (0.125, "0.12"),
        (0.375, "0.38"),
        (1.005, "1.00"),
        (2.675, "2.67"),
        (0.005, "0.01"),
        (0.015, "0.01"),
        (0.025, "0.03"),
        (0.045, "0.04"),
        (0.625, "0.62"),
        (0.875, "0.88"),
        (1.125, "1.12"),
        (65535.995, "65536.00"),
        (0.994_999_999, "0.99"),
        (0.995, "0.99"),
        (9.995, "9.99"),
        (1e-300, "0.00"),
    ] {
        assert_eq!(slots::two_decimals(gpu), text);
    }
    for bad in [
        "cpu: 1.0, mem: 1, gpu: 0",
        "cpu: -1, mem: 1, gpu: 0",
        "cpu: '1', mem: 1, gpu: 0",
        "cpu: true, mem: 1, gpu: 0",
        "cpu: 1, mem: -0.0, gpu: 0",
        "cpu: 1, mem: .inf, gpu: 0",
        "cpu: 1, mem: .nan, gpu: 0",
        "cpu: 1, mem: 1.0e+30, gpu: 0",
        "cpu: 1, mem: 1, gpu: ~",
        "cpu: 1, mem: 1, gpu: [1]",
        "cpu: 1, mem: 1, gpu: '1'",
        "cpu: 1, mem: 1, gpu: false",
        "cpu: 99999999999, mem: 1, gpu: 0",
        "cpu: 1, mem: 99999999, gpu: 0",
        "cpu:, mem: 1, gpu: 0",
    ] {
        assert_eq!(codes(with(bad)), [Code::ImagesValue], "{bad}");
    }
    for unclear in ["1e3", "010", "1_000", "1:30", "0b11", "0o7", "-.5"] {
        assert_eq!(codes(with(&format!("cpu: 1, mem: {unclear}, gpu: 0"))), [Code::YamlScalar], "{unclear}");
    }
}

#[test]
fn text_that_is_not_text_is_refused() {
    for digest in
        ["3.10", "010", "1_000", "1:30", "2018-07-13", "yes", "on", "1e3", "0o10", "123456789012", "true"]
    {
        assert_eq!(
            codes(judge_text(&tags(&format!("[[a, {digest}]]")), "aliases: []")),
            [Code::YamlScalar],
            "{digest}"
        );
        let failures = judge_text(&tags(&format!("[[{digest}, x]]")), "aliases: []").unwrap_err();
        let remedy = failures[0].remedy.as_deref().unwrap();
        assert!(remedy.contains(&format!("`\"{digest}\"`")), "{remedy}");
        assert!(
            judge_text(&tags(&format!("[['{digest}', \"{digest}\"]]")), "aliases: []").is_ok(),
            "{digest}"
        );
    }
    for digest in
        ["~", "null", "[x]", "{x: y}", "''", "':'", "'a b'", "\"a\\u3000b\"", "\"\\u0000\"", "\"\\u007f\""]
    {
        assert_eq!(
            codes(judge_text(&tags(&format!("[[a, {digest}]]")), "aliases: []")),
            [Code::ImagesValue],
            "{digest}"
        );
    }
    // PyYAML reads `{null: 3.6}` where newer readers read ":3.6".
    assert!(judge_text(&tags("[[latest, :3.6], ['3.6', x]]"), "aliases: []").is_err());
    assert!(judge_text(&tags(&format!("[[a, {}]]", "x".repeat(4097))), "aliases: []").is_err());
    assert!(judge_text(&tags(&format!("[[a, {}]]", "x".repeat(4096))), "aliases: []").is_ok());
}

#[test]
fn empty_lists() {
    assert_eq!(judge_text("images: []", "aliases: []").unwrap().image_keys(), []);
    for (metadata, aliases) in [
        ("", "aliases: []"),
        ("images:", "aliases: []"),
        ("images: {}", "aliases: []"),
        ("[]", "aliases: []"),
        ("images: []", ""),
        ("images: []", "aliases:"),
        ("images: []", "aliases: {a: b}"),
        ("images: [~]", "aliases: []"),
    ] {
        assert_eq!(codes(judge_text(metadata, aliases)), [Code::ImagesShape], "{metadata:?} {aliases:?}");
    }
}

#[test]
fn five_thousand_tags_and_emoji() {
    let many: Vec<String> = (0..5000).map(|n| format!("  - [\"t{n}\", \"h{n:05}\"]\n")).collect();
    let metadata =
        format!("images:\n- name: many\n  tags:\n{}  slots: {{cpu: 1, mem: 1, gpu: 0}}\n", many.concat());
    let aliases: String = (0..5000).map(|n| format!("- [a{}, a{n}]\n", n + 1)).collect();
    let list = judge_text(&metadata, &format!("aliases:\n- [a0, 'many:t0']\n{aliases}")).unwrap();
    assert_eq!(list.image_keys().len(), 5004);
    assert_eq!(list.alias_keys().len(), 5001);
    assert_eq!(list.resolve("a5000"), Resolved::Found { image: "many".into(), tag: "t0".into() });

    let list = judge_text(
        "images:\n- name: 🐍\n  tags: [[🚀, ':👩‍💻'], [\"\\U0001F469\\u200d\\U0001F4BB\", 해시]]\n  slots: {cpu: 1, mem: 1, gpu: 0}\n",
        "aliases: [[蛇, '🐍:🚀']]",
    )
    .unwrap();
    assert_eq!(list.warnings, []);
    assert!(list.image_keys().contains(&("images/_aliases/🐍:🚀".into(), "🐍:👩‍💻".into())));
    assert_eq!(list.resolve("蛇"), Resolved::Found { image: "🐍".into(), tag: "👩‍💻".into() });
}

#[test]
fn a_name_given_by_an_alias_is_a_duplicate_on_its_own_line() {
    let failures = judge_text(
        "images:\n- &a {name: a, tags: [[x, y]], slots: {cpu: 1, mem: 1, gpu: 0}}\n- *a\n",
        "aliases: []",
    )
    .unwrap_err();
    assert_eq!(failures[0].place.as_ref().unwrap().line, 3);
    assert!(failures[0].why.as_deref().unwrap().contains("line 2 and again on line 3"));
}

//! Remedies of the image lists and the fixtures.

use super::super::Case;
use super::{Row, all, by_hand, flag, literal, literals, solved};
use crate::servers::{Etcd, Postgres};

const PYTHON: &str =
    "images:\n  - name: python\n    tags: [[\"3.6\", \"abc\"]]\n    slots: {cpu: 1, mem: 1.0, gpu: 0}\n";

fn lists(images: String, aliases: &str) -> Case<'static> {
    let case = Case::new().set("images.metadata", "images.yml").set("images.aliases", "aliases.yml");
    case.file("images.yml", images).file("aliases.yml", aliases).flags(["check", "images"])
}

/// A list in which one part is wrong; what the remedy writes out takes its place.
fn written(
    name: &'static str,
    code: &'static str,
    right: &'static str,
    wrong: &'static str,
    fits: fn(&str) -> bool,
) -> Row<'static> {
    let step = Box::new(move |case: Case<'static>, remedy: &str| {
        let text = literal(remedy, fits).to_owned();
        (case.file("images.yml", PYTHON.replace(right, &text)), format!("`{text}`"))
    });
    solved(name, (3, code), move || lists(PYTHON.replace(right, wrong), "aliases: []\n"), step)
}

#[test]
fn image_lists() {
    let told = all(vec![
        written("no tags", "E-IMAGES-SHAPE", "tags: [[\"3.6\", \"abc\"]]", "colour: red", |it| {
            it.starts_with("tags: ")
        }),
        written("a fraction of a core", "E-IMAGES-VALUE", "cpu: 1", "cpu: 1.5", |it| it.starts_with("cpu: ")),
        written("a tag that is a number", "E-YAML-SCALAR", "\"3.6\"", "3.10", |it| it.starts_with('"')),
        solved(
            "no list",
            (3, "E-IMAGES-SHAPE"),
            || lists("pictures: []\n".into(), "aliases: []\n"),
            Box::new(|case, remedy| {
                let entry = literal(remedy, |it| it.starts_with("- {"));
                assert_eq!(literal(remedy, |_| true), "images:");
                (case.file("images.yml", format!("images:\n{entry}\n")), format!("`images:` and `{entry}`"))
            }),
        ),
        solved(
            "one half of an alias",
            (3, "E-IMAGES-SHAPE"),
            || lists(PYTHON.into(), "aliases:\n- [py]\n"),
            Box::new(|case, remedy| {
                let pair = literal(remedy, |it| it.starts_with("- ["));
                (case.file("aliases.yml", format!("aliases:\n{pair}\n")), format!("`{pair}`"))
            }),
        ),
        solved(
            "one tag twice",
            (3, "E-IMAGES-DUPLICATE"),
            || {
                lists(
                    PYTHON.replace("[\"3.6\", \"abc\"]", "[\"3.6\", \"abc\"], [\"3.6\", \"def\"]"),
                    "aliases: []\n",
                )
            },
            by_hand("keep the one with the right digest", |case| case.file("images.yml", PYTHON)),
        ),
        solved(
            "aliases in a circle",
            (3, "E-IMAGES-LOOP"),
            || lists(PYTHON.into(), "aliases:\n- [a, b]\n- [b, a]\n"),
            by_hand("point one of them at an image and tag with a digest", |case| {
                case.file("aliases.yml", "aliases:\n- [a, b]\n- [b, 'python:3.6']\n")
            }),
        ),
        solved(
            "a field that is not read",
            (0, "W-IMAGES-FIELD"),
            || lists(PYTHON.replace("tags", "colour: red\n    tags"), "aliases: []\n"),
            by_hand("remove it", |case| case.file("images.yml", PYTHON)),
        ),
        solved(
            "two names that look alike",
            (0, "W-IMAGES-ALIKE"),
            || lists(PYTHON.replace("[[\"3.6\"", "[[\"3.\u{ff16}\", d], [\"3.6\""), "aliases: []\n"),
            by_hand("give both the same spelling", |case| case.file("images.yml", PYTHON)),
        ),
        solved(
            "an alias to nothing",
            (0, "W-IMAGES-DANGLING"),
            || lists(PYTHON.into(), "aliases:\n- [py, 'python:3.7']\n"),
            Box::new(|case, remedy| {
                let target = literal(remedy, |_| true);
                (case.file("aliases.yml", format!("aliases:\n- [py, '{target}']\n")), format!("`{target}`"))
            }),
        ),
    ]);
    insta::assert_snapshot!(told);
}

/// A remark that stands in the line of its stage names the flag.
#[test]
fn keys_that_are_left() {
    let etcd = Etcd::start();
    let case = older(&etcd, "leftover", "old", "1", "aliases: []\n");
    let outcome = case.outcome(&[]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(outcome.stderr.contains("W-IMAGES-LEFTOVER"), "{outcome:?}");
    assert!(literals(&outcome.stderr).contains(&"--prune"), "{outcome:?}");
    let outcome = case.also("--prune").outcome(&[]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(!etcd.get_all("/sorna/leftover/").contains_key("/sorna/leftover/images/old"));
    assert!(!outcome.stderr.contains("W-IMAGES-LEFTOVER"), "{outcome:?}");
}

/// Lists of today over one key of an older day.
fn older<'a>(etcd: &'a Etcd, namespace: &str, key: &str, value: &str, aliases: &str) -> Case<'a> {
    etcd.put(&format!("/sorna/{namespace}/images/{key}"), value);
    let case = Case::on(etcd, Postgres::shared()).set("etcd.namespace", namespace).unwatched();
    let case = case.set("images.metadata", "images.yml").set("images.aliases", "aliases.yml");
    case.file("images.yml", PYTHON).file("aliases.yml", aliases).flags(["run", "load-images", "load-aliases"])
}

/// What is left from an older list, each in a namespace of its own.
#[test]
fn older_lists() {
    let etcd = Etcd::start();
    let prune = || flag("--prune", super::as_it_is);
    let told = all(vec![
        solved(
            "an alias that hides a tag",
            (4, "E-IMAGES-HIDDEN"),
            || older(&etcd, "hidden", "_aliases/python:3.6", "python:2.7", "aliases: []\n"),
            prune(),
        ),
        solved(
            "an alias that closes a circle",
            (4, "E-IMAGES-CIRCLE"),
            || older(&etcd, "circle", "_aliases/b", "a", "aliases:\n- [a, b]\n"),
            prune(),
        ),
    ]);
    insta::assert_snapshot!(told);
}

fn poured(name: &'static str, wrong: &'static str, words: &'static str, right: &'static str) -> Row<'static> {
    let fixture = |text: &str| format!("{{\"keypairs\": [{text}]}}");
    let case =
        move || Case::new().file("mine.json", fixture(wrong)).flags(["plan", "--fixture", "mine.json"]);
    solved(name, (3, "E-FIXTURE"), case, by_hand(words, move |case| case.file("mine.json", fixture(right))))
}

#[test]
fn fixtures() {
    let new = r#"{"user_id": "a@b", "is_admin": true}"#;
    let told = all(vec![
        poured(
            "a published access key",
            r#"{"user_id": "a@b", "is_admin": true, "access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "canary"}"#,
            "remove `access_key` and `secret_key`",
            new,
        ),
        poured(
            "half a pair",
            r#"{"user_id": "a@b", "is_admin": true, "access_key": "AKIA1"}"#,
            "or neither",
            new,
        ),
        poured(
            "a field that is not known",
            r#"{"user_id": "a@b", "is_admin": true, "id": 1}"#,
            "remove it",
            new,
        ),
        poured(
            "no address",
            r#"{"user_id": "root", "is_admin": true}"#,
            "`admin@example.com`",
            r#"{"user_id": "admin@example.com", "is_admin": true}"#,
        ),
    ]);
    insta::assert_snapshot!(told);
}

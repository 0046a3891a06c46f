//! Files that hold too much, by every door: a message within bounds, and nothing that grows. The memory is bounded by
//! the door through which the tests start the program.

use super::{Case, Row, row, together};
use crate::servers::{Etcd, Postgres, Program};

/// However busy the machine is, the program gets so many seconds of it; the rest is for a build without optimisation.
const CPU: [&str; 2] = ["prlimit", "--cpu=15"];

/// Files of less than a megabyte that would stand for gigabytes, each with the line that passes a limit.
fn bombs() -> [(&'static str, String, &'static str, &'static str); 5] {
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        laughs += &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", "));
    }
    let anchors: String = (0..60).map(|n| format!("&a{n} [")).collect();
    [
        ("aliases of aliases", laughs, ":6:", "500,000 values"),
        (
            "a long text many times",
            format!("x: &a '{}'\ny: [{}]\n", "x".repeat(450_000), "*a,".repeat(140_000)),
            ":2:",
            "8 MiB of text",
        ),
        (
            "anchors in anchors",
            format!("x:\n  {anchors}{}{}\n", "1,".repeat(440_000), "]".repeat(60)),
            ":2:",
            "300,000 signs",
        ),
        ("many values", "- 0\n".repeat(510_000), ":500000:", "500,000 values"),
        ("deep values", format!("{}\n", "- ".repeat(400_000)), ":1:", "64 levels"),
    ]
}

fn bomb<'a>(name: &'static str, case: Case<'a>, file: &'a str, line: &'a str, says: &'a str) -> Row<'a> {
    row(name, move || {
        let place = format!("{file}{line}");
        case.fails(3, "E-YAML-LIMIT").names(&[says, &place])
    })
}

#[test]
fn what_a_file_stands_for_is_counted_before_it_is_made() {
    for (name, text, line, says) in bombs() {
        let lists = || Case::new().set("images.metadata", "images.yml").set("images.aliases", "aliases.yml");
        let lists = || lists().file("images.yml", "images: []\n").file("aliases.yml", "aliases: []\n");
        together(vec![
            bomb("answers", Case::new().text(text.clone()), "answers.yml", line, says),
            bomb("images", lists().file("images.yml", &text), "images.yml", line, says),
            bomb("aliases", lists().file("aliases.yml", &text), "aliases.yml", line, says),
            bomb(
                "fixture",
                Case::new().file("mine.yml", &text).flags(["run", "--fixture", "mine.yml"]),
                "mine.yml",
                line,
                says,
            ),
        ]);
        let told = Program::new().args(["answers", "validate", "-"]).stdin(text).run();
        assert_eq!(told.status, 3, "{name}: {told:?}");
        assert!(told.stderr.contains(&format!("at   stdin{line}")), "{name}: {told:?}");
    }
}

/// Where the keys go is read with the same eyes.
#[test]
fn the_keypairs_of_before_are_counted_too() {
    let etcd = Etcd::start();
    let case = Case::on(&etcd, Postgres::shared()).unwatched();
    let text = format!("x: &a '{}'\ny: [{}]\n", "x".repeat(450_000), "*a,".repeat(140_000));
    let case = case.file("keypairs.yml", &text);
    let told =
        case.run().expect("E-YAML-LIMIT").names(&["8 MiB of text", "keypairs.yml:2:", "`files.credentials`"]);
    assert_eq!(told.status, 3, "{}", told.text());
    let kept = std::fs::read_to_string(case.work().join("keypairs.yml")).expect("it is there");
    assert!(kept == text, "what stood there before still does");
}

/// What a message quotes, and how many messages there are, does not grow with the file.
#[test]
fn words_are_bounded() {
    // Text and JSON in turn.
    bounded(|row, form| row % 2 == form);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn words_are_bounded_at_length() {
    bounded(|_, _| true);
}

fn bounded(is_tried: impl Fn(usize, usize) -> bool) {
    let rows: Vec<(&str, &str, String, &str)> = vec![
        (
            "a name of 65 KB in 32,000 messages",
            "images.yml",
            format!(
                "images:\n- {{name: '{}', tags: [{}], slots: {{cpu: 1, mem: 1, gpu: 0}}}}\n",
                "n".repeat(65_000),
                "x,".repeat(32_000)
            ),
            "31,981 more of these",
        ),
        (
            "entries that are none",
            "images.yml",
            format!("images:\n{}", "- 1\n".repeat(100_000)),
            "99,980 more of these",
        ),
        (
            "unclear scalars",
            "images.yml",
            format!("images:\n{}", "- 010\n".repeat(50_000)),
            "49,980 more of these",
        ),
        (
            "keys twice",
            "images.yml",
            format!("images: []\n{}", "k: 1\n".repeat(50_000)),
            "49,979 more of these",
        ),
        ("lines of a merge", "images.yml", "=======\n".repeat(200_000), "199,980 more of these"),
        ("unprintable", "images.yml", "\u{1}\n".repeat(100_000), "99,980 more of these"),
        (
            "circles",
            "aliases.yml",
            format!("aliases:\n{}", (0..20_000).map(|n| format!("- [a{n}, a{n}]\n")).collect::<String>()),
            "19,980 more of these",
        ),
        (
            "answers that nobody knows",
            "answers.yml",
            format!("version: 1\n{}", (0..100_000).map(|n| format!("k{n}: 1\n")).collect::<String>()),
            "99,980 more of these",
        ),
        (
            "rows that are none",
            "mine.yml",
            format!("keypairs:\n{}", "- {user_id: root, is_admin: true}\n".repeat(20_000)),
            "19,980 more of these",
        ),
        (
            "rows twice",
            "mine.yml",
            format!("keypairs:\n{}", "- {user_id: a@b, is_admin: true}\n".repeat(20_000)),
            "19,979 more of these",
        ),
    ];
    for (row, (name, file, text, more)) in rows.into_iter().enumerate() {
        let case = Case::new().under(CPU);
        let case = match file {
            "answers.yml" => case.text(text),
            "mine.yml" => case.file(file, text).flags(["run", "--fixture", "mine.yml"]),
            _ => {
                let case = case.set("images.metadata", "images.yml").set("images.aliases", "aliases.yml");
                let case = case.file("images.yml", "images: []\n").file("aliases.yml", "aliases: []\n");
                case.file(file, text)
            }
        };
        for (at, form) in ["text", "json"].into_iter().enumerate() {
            if !is_tried(row, at) {
                continue;
            }
            let told = case.outcome(&["--output", form]);
            assert_eq!(told.status, 3, "{name}: {told:?}");
            let all = told.stdout + &told.stderr;
            assert!(all.len() < 64 * 1024, "{name}: {} bytes", all.len());
            assert!(all.contains(more), "{name}: {all}");
            let longest = all.lines().filter(|_| form == "text").map(|line| line.chars().count()).max();
            assert!(longest.unwrap_or(0) < 500, "{name}: {all}");
        }
    }
}

/// Remarks are bounded like failures, and those who look for a near name do not compare each with each.
#[test]
fn remarks_are_bounded_and_guesses_too() {
    let tags: String = (0..20_000).map(|n| format!("['t{n}{}', d],", "x".repeat(60))).collect();
    let metadata =
        format!("images:\n- name: python\n  slots: {{cpu: 1, mem: 1, gpu: 0}}\n  tags: [{tags}]\n");
    let aliases: String =
        (0..8_000).map(|n| format!("- [a{n}, 'python:u{n}{}']\n", "x".repeat(60))).collect();
    let case =
        Case::new().under(CPU).set("images.metadata", "images.yml").set("images.aliases", "aliases.yml");
    let case = case.file("images.yml", metadata).file("aliases.yml", format!("aliases:\n{aliases}"));
    let told = case.flags(["check", "images"]).outcome(&[]);
    assert_eq!(told.status, 0, "{told:?}");
    assert!(
        told.stdout.contains("7,980 more of these") || told.stderr.contains("7,980 more of these"),
        "{told:?}"
    );
    assert!(told.stdout.len() + told.stderr.len() < 64 * 1024, "{told:?}");
}

/// A list that many people share is no attack: 1,000 images, 100,000 tags and 20,000 aliases read.
#[test]
fn large_lists_read() {
    let image = |n: usize| {
        let tags: String =
            (0..100).map(|tag| format!("    - [\"{tag}.6-debian-long\", \"ca7b9f52b6c2{tag}\"]\n")).collect();
        format!("- name: image{n}\n  slots: {{cpu: 1, mem: 1.0, gpu: 0}}\n  tags:\n{tags}")
    };
    let images: String = (0..1_000).map(image).collect();
    let aliases: String =
        (0..20_000).map(|n| format!("- [alias{n}, 'image{}:1.6-debian-long']\n", n % 1_000)).collect();
    let case = Case::new().set("images.metadata", "images.yml").set("images.aliases", "aliases.yml");
    let case = case.file("images.yml", format!("images:\n{images}"));
    let case = case.file("aliases.yml", format!("aliases:\n{aliases}")).flags(["check", "images"]);
    let told = case.outcome(&[]);
    assert_eq!(told.status, 0, "{told:?}");
    let all = told.stdout + &told.stderr;
    assert!(all.contains("1000 images, 100000 tags, 20000 aliases"), "{all}");
}

/// etcd takes values of 1.5 MiB, so a page of keys may be larger than one answer may be.
#[test]
fn large_values_are_read_in_small_pages() {
    let etcd = Etcd::start();
    let large = "x".repeat(1_400_000);
    for n in 0..14 {
        etcd.put(&format!("/sorna/large/images/old{n:02}"), &large);
    }
    etcd.put("/sorna/large/volumes/_mount", &large);
    let case = Case::on(&etcd, Postgres::shared()).set("etcd.namespace", "large").unwatched();
    let told = case.flags(["plan", "-v", "--prune"]);
    let outcome = told.outcome(&[]);
    assert_eq!(outcome.status, 4, "{outcome:.2000?}");
    assert!(outcome.stdout.contains("- /sorna/large/images/old13  was xxx"), "{outcome:.2000?}");
    assert!(outcome.stdout.len() + outcome.stderr.len() < 64 * 1024, "{outcome:.2000?}");
    let case = told.flags(["run", "load-images", "load-aliases", "--prune"]);
    let outcome = case.outcome(&[]);
    assert_eq!(outcome.status, 0, "{outcome:.2000?}");
    assert!(etcd.get_all("/sorna/large/images/old").is_empty());
}

//! The line of a file that a message is about, with a mark below the column; never a line that may hold a secret.

use super::Case;

/// What the program says about answers that are this text.
fn told(text: &str) -> String {
    Case::new().text(text).says(3)
}

#[test]
fn lines_stand_beside_their_problems() {
    let answers = [
        "version: 1\netcd:\n  endpoint: [a]\n",
        "version: 1\netcd:\n    namespace: a\n  endpoints: [b:1]\n",
        "version: 1\netcd:\n  namespace: a\n    endpoints: [b:1]\n",
        "version: 1\netcd:\n  namespace: a\u{200b}b\n  endpoints:\n    - 'db 01:2379'\n",
        "version: 1\nname: 이름/하나\n",
        "version: 1\nname: [a\n",
        "version: 1\nname: yes\n",
        &format!("version: 1\nname: '{}\u{200b}{}'\n", "a".repeat(200), "b".repeat(200)),
        "version: 1\r\nname: yes\r\n",
        "\u{feff}version: 2\n",
    ];
    let mut all: Vec<String> = answers.into_iter().map(told).collect();
    let case = Case::new().set("images.metadata", "images.yml").set("images.aliases", "aliases.yml");
    let case = case.file("aliases.yml", "aliases:\n  - [py, python3, 3]\n");
    let tags: String = (0..30).map(|n| format!("[t{n}, d], ")).collect();
    let tags = format!("{tags}[3.10, d], {}", tags.replace('t', "u"));
    let images =
        format!("images:\n  - {{name: python, tags: [{tags}], slots: {{cpu: 1, mem: 1.0, gpu: 0}}}}\n");
    let case = case.file("images.yml", images);
    all.push(case.says(3));
    let rows = "keypairs:\n- user_id: root\n  is_admin: true\n- {user_id: a@b, is_admin: no}\n";
    let case = Case::new().file("mine.yml", rows).flags(["run", "--fixture", "mine.yml"]);
    all.push(case.says(3));
    insta::assert_snapshot!(all.join("\n\n"));
}

/// Whoever listens gets the position in words.
#[test]
fn marks_are_for_eyes() {
    let case = Case::new().text("version: 1\netcd:\n  endpoint: [a]\n");
    assert!(case.says(3).contains("3 |   endpoint: …"));
    let told = case.env("ACCESSIBLE", "1").says(3);
    assert!(told.contains("answers.yml:3:3") && !told.contains("^"), "{told}");
}

#[test]
fn no_line_with_a_secret_is_shown() {
    for text in [
        "version: 1\ndatabase:\n  pasword: canary-secret\n",
        "version: 1\ndatabase:\n  pasword canary-secret\n",
        "version: 1\ndatabase: {user: a, pw: canary-secret}\n",
        "version: 1\ndatabase:\n  password: canary-secret\n  user: [\n",
        "version: 1\ndatabase:\n  user: yes # password canary-secret\n",
        "version: 1\ndatabase:\n  password: \"canary-secret\n  user: canary-secret\n",
        "version: 1\ndatabase:\n  password: |\n    user: canary-secret\n  user: yes\n",
        "version: 1\ndatabase:\n    password: canary-secret\n  user: a\n",
        "version: 1\ndatabase:\n  user: a\n    password: canary-secret\n",
        "version: 1\ndatabase:\n  password: canary-secret\n  password: canary-secret\n",
        "version: 1\ndatabase:\n  passwd: 'canary-secret'\n  Password: 'canary-secret'\n",
        "version: 1\npassword:\n  - canary-secret\n",
        "database:\n  password: \tcanary-secret\n",
    ] {
        let answers = Case::new().text(text).secret("canary-secret");
        let lists =
            Case::new().secret("canary-secret").file("other.yml", text).set("images.metadata", "other.yml");
        let lists = lists.set("images.aliases", "other.yml");
        let fixture = Case::new().secret("canary-secret").file("other.yml", text);
        let fixture = fixture.flags(["run", "--fixture", "other.yml"]);
        for case in [answers, lists, fixture] {
            for form in ["text", "json"] {
                // The secret is hunted in all that is told.
                let told = case.outcome(&["--output", form]);
                assert_eq!(told.status, 3, "{text}: {told:?}");
            }
        }
    }
    let rows =
        "keypairs:\n- user_id: root\n  is_admin: true\n  access_key: AKIA1\n  secret_key: canary-secret\n";
    for rows in [
        rows.to_owned(),
        rows.replace("secret_key", "sekret"),
        rows.replace("\n  secret_key:", ", secret_key:"),
    ] {
        let case = Case::new().secret("canary-secret").file("mine.yml", &rows).flags([
            "run",
            "--fixture",
            "mine.yml",
        ]);
        assert_eq!(case.outcome(&[]).status, 3, "{rows}");
    }
}

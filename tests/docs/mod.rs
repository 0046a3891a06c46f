//! What the documents promise: the README's tables come from the program, the samples are whole.
//!
//! `BLESS=1 cargo test --test suite docs` writes the tables anew.

use std::{fs, path::PathBuf};

use backendai_setup::{
    failure::{Code, status},
    guide::{self, Default, GUIDE, UNBUILT},
    session::stage_abouts,
};

use crate::servers::Program;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Compares what stands between two marks of the README with what the program says.
fn holds(mark: &str, wanted: &str) {
    let (open, close) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->"));
    let readme = read("README.md");
    let start = readme.find(&open).expect("the opening mark") + open.len();
    let end = readme.find(&close).expect("the closing mark");
    if std::env::var_os("BLESS").is_some() {
        let blessed = format!("{}{wanted}{}", &readme[..start], &readme[end..]);
        fs::write(file("README.md"), blessed).expect("README.md can be written");
        return;
    }
    assert_eq!(&readme[start..end], wanted, "the README's table `{mark}` is not what the program says");
}

#[test]
fn the_readme_tells_the_truth() {
    let mut stages = String::from("\n| stage | title | what it writes |\n|---|---|---|\n");
    for about in stage_abouts() {
        stages += &format!("| `{}` | {} | {} |\n", about.id, about.title, about.summary);
    }
    holds("stages", &format!("{stages}\n"));

    let mut variables =
        String::from("\n| key | default | development | environment | meaning |\n|---|---|---|---|---|\n");
    for variable in guide::variables() {
        let default = match variable.default {
            Default::Required => "required".to_owned(),
            Default::Unset(what) => what.to_owned(),
            Default::Value(value) => format!("`{value}`"),
        };
        let development = match (variable.key, variable.development) {
            ("storage.mount", _) => "the folder made by `dev up`".to_owned(),
            (_, Some(development)) => format!("`{}`", development()),
            (_, None) => String::new(),
        };
        let env = if variable.key == "version" { String::new() } else { format!("`{}`", variable.env()) };
        let key = variable.key;
        variables += &format!("| `{key}` | {default} | {development} | {env} | {} |\n", variable.help);
    }
    holds("variables", &format!("{variables}\n"));

    let mut statuses = String::from("\n| status | meaning |\n|---|---|\n");
    for (status, meaning) in status::ALL {
        statuses += &format!("| {status} | {meaning} |\n");
    }
    holds("statuses", &format!("{statuses}\n"));
}

#[test]
fn the_example_names_every_key_and_is_valid() {
    let example = read("sample-configs/answers.example.yml");
    for section in GUIDE {
        for variable in section.variables {
            let name = variable.key.rsplit('.').next().expect("a name");
            let written = example.lines().any(|line| {
                line.trim_start_matches(['#', ' ']).split_once(':').is_some_and(|(key, _)| key == name)
            });
            assert!(written, "answers.example.yml does not name `{}`", variable.key);
        }
    }
    for key in UNBUILT {
        assert!(guide::variable(key).is_none(), "`{key}` is both built and not");
    }
    let program = Program::new()
        .args(["answers", "validate", file("sample-configs/answers.example.yml").to_str().expect("UTF-8")])
        .env("DB_PASSWORD", "x");
    let outcome = program.run();
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
}

#[test]
fn every_code_has_a_page_and_every_page_reads_well() {
    let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "two codes of one name");
    for code in Code::ALL {
        let (name, page) = (code.as_str(), code.page());
        assert_eq!(name.parse(), Ok(*code));
        assert!(name.starts_with(if code.is_warning() { "W-" } else { "E-" }), "{name}");
        assert!(page.len() > 40 && page.ends_with('.'), "{name}: {page}");
        assert!(!code.title().ends_with('.'), "{name}");
        let words = format!("{} {page}", code.title()).to_lowercase();
        for word in ["please", "simply", "os error", "transport error"] {
            assert!(!words.contains(word), "{name} says `{word}`");
        }
        let outcome = Program::new().args(["explain", &name.to_lowercase()]).run();
        assert_eq!(outcome.status, 0);
        assert!(outcome.stdout.contains(code.title()), "{}", outcome.stdout);
    }
}

#[test]
fn help_names_only_what_is_built() {
    let help = Program::new().args(["--help"]).run().stdout;
    for about in stage_abouts() {
        assert!(help.contains(about.id), "--help does not name `{}`", about.id);
    }
    for unbuilt in ["\n  apply", "\n  undo", "\n  schema", "\n  etcd"] {
        assert!(!help.contains(unbuilt), "--help names `{unbuilt}`, which is not built");
    }
}

/// Bash takes the script and offers a stage; the other shells' scripts are from the same types.
#[test]
fn completions_offer_stages_and_commands() {
    let script = Program::new().args(["completions", "bash"]).run();
    assert_eq!((script.status, script.stderr.as_str()), (0, ""));
    let ask = r#"
        name=$(complete -p backendai-setup | sed 's/.*-F \([^ ]*\).*/\1/')
        offer() { COMP_WORDS=(backendai-setup "$@"); COMP_CWORD=$#; $name backendai-setup "${@: -1}" "${@: -2:1}"; echo "${COMPREPLY[@]}"; }
        offer run ins; offer check et; offer expl; offer completions z"#;
    let bash = Program::named("bash").args(["-c".to_owned(), format!("{}\n{ask}", script.stdout)]).run();
    let offered: Vec<&str> = bash.stdout.lines().collect();
    assert_eq!(offered, ["install-schema", "etcd", "explain", "zsh"], "{}", bash.stderr);
    for shell in ["zsh", "fish"] {
        let script = Program::new().args(["completions", shell]).run();
        assert!(script.status == 0 && script.stdout.contains("install-schema"), "{shell}");
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let page = Program::new().args(["man"]).run();
    assert!(page.status == 0 && page.stdout.contains("EXIT STATUS"), "{}", page.stdout);
    let help = Program::new().args(["--help"]).run().stdout;
    let commands =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.contains(&"man"), "{commands:?}");
    let folder = Program::new().args(["man", "--out", "."]);
    assert_eq!(folder.run().status, 0);
    for command in commands {
        assert!(folder.work().join(format!("backendai-setup-{command}.1")).exists(), "{command}");
    }
    let refused = Program::new().args(["man", "--out", "nowhere"]).run();
    assert_eq!(refused.status, 4, "{}", refused.stderr);
}

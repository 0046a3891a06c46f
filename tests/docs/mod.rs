//! What the documents promise: the README's tables come from the program, the samples are whole.
//!
//! `BLESS=1 cargo test --test suite docs` writes the tables anew.

use std::{fs, path::PathBuf};

use backendai_setup::{
    environment::Environment,
    failure::{Code, status},
    guide::Default,
    guides::september_2018::{GUIDE, SETUP},
};

use crate::servers::{PATIENCE, Program, binary, wait_until};
use crate::tui::Tmux;

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
    for about in SETUP.stage_abouts() {
        stages += &format!("| `{}` | {} | {} |\n", about.id, about.title, about.summary);
    }
    holds("stages", &format!("{stages}\n"));

    let mut variables =
        String::from("\n| key | default | development | environment | meaning |\n|---|---|---|---|---|\n");
    for variable in GUIDE.variables() {
        let default = match variable.default {
            Default::Required => "required".to_owned(),
            Default::Unset(what) => what.to_owned(),
            Default::Value(value) => format!("`{value}`"),
        };
        let development = match (variable.key, variable.development) {
            ("storage.mount", _) => "the folder made by `dev up`".to_owned(),
            (_, Some(development)) => format!("`{}`", development.value(&Environment::default())),
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
    for section in GUIDE.sections {
        for variable in section.variables {
            let name = variable.key.rsplit('.').next().expect("a name");
            let written = example.lines().any(|line| {
                line.trim_start_matches(['#', ' ']).split_once(':').is_some_and(|(key, _)| key == name)
            });
            assert!(written, "answers.example.yml does not name `{}`", variable.key);
        }
    }
    for key in GUIDE.unbuilt {
        assert!(GUIDE.variable(key).is_none(), "`{key}` is both built and not");
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
    for about in SETUP.stage_abouts() {
        assert!(help.contains(about.id), "--help does not name `{}`", about.id);
    }
    let unbuilt = "\n  etcd";
    assert!(!help.contains(unbuilt), "--help names `{unbuilt}`, which is not built");
}

/// What shells have to offer: words typed so far, and the one that is completed.
const OFFERED: &[(&str, &str)] = &[
    ("run ins", "install-schema"),
    ("run set-mount pop", "populate-fixtures"),
    ("run --from wri", "write-config"),
    ("check datab", "database"),
    ("explain E-DB-AU", "E-DB-AUTH"),
    ("check --accept W-FILE-AL", "W-FILE-ALEMBIC"),
    ("expl", "explain"),
    ("answers val", "validate"),
    ("completions z", "zsh"),
    ("dev res", "reset"),
    ("plan --detailed", "--detailed-exitcode"),
    ("plan --summ", "--summary"),
    ("apply site", "site.yml"),
    ("answers validate site", "site.yml"),
    ("answers show --answers site", "site.yml"),
];

/// A folder with a shell's script and one file to complete.
fn with_script(shell: &str) -> Program {
    let script = Program::new().args(["completions", shell]).run();
    assert_eq!((script.status, script.stderr.as_str()), (0, ""), "{shell}");
    let program = Program::named(binary(shell));
    fs::write(program.work().join("script"), script.stdout).expect("the folder is ours");
    fs::write(program.work().join("site.yml"), "version: 1\n").expect("the folder is ours");
    program
}

#[test]
fn bash_completes_stages_checks_codes_and_files() {
    // As bash does it: where the function offers nothing, files come.
    let ask = r#"
        . ./script
        complete -p backendai-setup | grep -q -e '-o default' && files=yes
        name=$(complete -p backendai-setup | sed 's/.*-F \([^ ]*\).*/\1/')
        offer() {
            COMP_WORDS=(backendai-setup "$@"); COMP_CWORD=$#; COMPREPLY=()
            $name backendai-setup "${@: -1}" "${@: -2:1}"
            [ ${#COMPREPLY[@]} -gt 0 ] || [ -z "$files" ] || COMPREPLY=($(compgen -f -- "${@: -1}"))
            echo "${COMPREPLY[@]}"
        }"#;
    let offers: Vec<String> = OFFERED.iter().map(|(typed, _)| format!("offer {typed}")).collect();
    let bash = with_script("bash");
    let bash = bash.args(["-c".to_owned(), format!("{ask}\n{}", offers.join("\n"))]).run();
    let found: Vec<&str> = bash.stdout.lines().collect();
    let wanted: Vec<&str> = OFFERED.iter().map(|(_, wanted)| *wanted).collect();
    assert_eq!(found, wanted, "{}", bash.stderr);

    let all =
        format!("{ask}\noffer answers validate ''; offer answers init ''; offer run ''; offer explain ''");
    let bash = with_script("bash").args(["-c".to_owned(), all]).run();
    assert!(bash.stdout.contains("--with-secrets") && bash.stdout.contains("--minimal"), "{bash:?}");
    assert!(!bash.stdout.contains(['[', ']', '<', '>']), "a placeholder is no word: {}", bash.stdout);
}

#[test]
fn fish_completes_stages_checks_codes_and_files() {
    let asks = OFFERED.iter().map(|(typed, _)| {
        format!("complete -C 'backendai-setup {typed}' | string split -f 1 \\t | string join ' '")
    });
    let asks = asks.collect::<Vec<_>>().join("\n");
    let fish =
        with_script("fish").args(["--no-config".to_owned(), "-c".into(), format!("source script\n{asks}")]);
    let fish = fish.run();
    let found: Vec<&str> = fish.stdout.lines().collect();
    let wanted: Vec<&str> = OFFERED.iter().map(|(_, wanted)| *wanted).collect();
    assert_eq!(found, wanted, "{fish:?}");
    // Each with what it means.
    let told = "source script\ncomplete -C 'backendai-setup run cre'\ncomplete -C 'backendai-setup explain W-FILE-AL'";
    let told = with_script("fish").args(["--no-config", "-c", told]).run();
    let wanted =
        "create-database\tDatabase\nW-FILE-ALEMBIC\tThere is no `alembic/` folder beside `alembic.ini`\n";
    assert_eq!(told.stdout, wanted, "{told:?}");
}

/// At its prompt, as a person does it: what is unique is filled in.
#[test]
fn zsh_completes_stages_checks_codes_and_files() {
    let zsh = with_script("zsh");
    let tmux = Tmux::start(100, 24, &zsh, &["-f", "-i"], &[("PS1", "before> ")]);
    tmux.wait_for("before>");
    tmux.text("autoload -Uz compinit; compinit -u -D; source ./script; PS1='ready> '");
    tmux.keys(&["Enter"]);
    tmux.wait_for("\nready>");
    for (typed, wanted) in OFFERED {
        let begun = typed.rsplit_once(' ').map_or("", |(before, _)| before);
        tmux.text(&format!("backendai-setup {typed}"));
        tmux.wait_for(&format!("backendai-setup {typed}"));
        tmux.keys(&["Tab"]);
        tmux.wait_for(&format!("ready> backendai-setup {begun} {wanted}").replace("  ", " "));
        tmux.keys(&["C-u", "C-l"]);
        wait_until("an empty line", PATIENCE, || tmux.screen() == "ready>");
    }
}

/// Every flag of every command, where a change of one is seen.
#[test]
fn the_help_of_every_command() {
    let mut told = String::new();
    let mut open = vec![Vec::<String>::new()];
    while let Some(path) = open.pop() {
        let help = Program::new().args(path.clone()).args(["-h"]).run().stdout;
        let below = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        let below = below.take_while(|line| !line.is_empty());
        let below: Vec<String> =
            below.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect();
        open.extend(below.into_iter().rev().map(|name| path.iter().cloned().chain([name]).collect()));
        told += &format!("## backendai-setup {}\n{help}\n", path.join(" "));
    }
    insta::assert_snapshot!(told);
}

/// A page offers no flag that its command refuses.
#[test]
fn the_manual_names_the_flags_of_each_command_alone() {
    let folder = Program::new().args(["man", "--out", "."]);
    assert_eq!(folder.run().status, 0);
    let page = |command: &str| {
        let name = format!("backendai-setup{command}.1");
        let text =
            fs::read_to_string(folder.work().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        text.replace("\\-", "-")
    };
    assert!(page("-run").contains("--replace-mount") && page("").contains("--replace-mount"));
    assert!(page("-answers-validate").contains("--partial"));
    for (command, flag) in [
        ("-explain", "--strict"),
        ("-man", "--output"),
        ("-completions", "--answers"),
        ("-answers-schema", "--output"),
        ("-dev-up", "--wait"),
        ("-plan", "--yes"),
        ("-apply", "--yes"),
        ("-apply", "--fixture"),
        ("-check", "--yes"),
        ("-status", "--replace-mount"),
    ] {
        assert!(!page(command).contains(flag), "{command} names {flag}");
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

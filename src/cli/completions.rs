//! The completions of bash, zsh and fish: what clap makes, with what it leaves out.

use std::fmt::Write;

use clap::{Arg, CommandFactory};

use super::args::{Cli, Shell};

const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// The script for a shell.
pub(super) fn script(shell: Shell) -> String {
    let made = |shell| {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), PROGRAM, &mut script);
        String::from_utf8_lossy(&script).into_owned()
    };
    match shell {
        Shell::Bash => without_placeholders(&made(clap_complete::Shell::Bash)),
        Shell::Zsh => made(clap_complete::Shell::Zsh),
        Shell::Fish => made(clap_complete::Shell::Fish) + &fish_words(),
    }
}

/// In bash clap offers `[FILES]...` as a word to type. Without it the shell's own completion comes: files.
fn without_placeholders(script: &str) -> String {
    let is_placeholder = |word: &str| word.starts_with(['[', '<']) && word.ends_with([']', '>', '.']);
    let mut lines = String::new();
    for line in script.lines() {
        let offered = line.trim_start().strip_prefix("opts=\"").and_then(|rest| rest.strip_suffix('"'));
        match offered {
            Some(words) => {
                let words = words.split(' ').map(|word| word.trim_end_matches('"'));
                let kept: Vec<&str> = words.filter(|word| !is_placeholder(word)).collect();
                let indent = &line[..line.len() - line.trim_start().len()];
                let _ = writeln!(lines, "{indent}opts=\"{}\"", kept.join(" "));
            }
            None => {
                let _ = writeln!(lines, "{line}");
            }
        }
    }
    lines
}

/// For fish clap completes the values of flags, and no other words: stages, checks and codes are missing.
fn fish_words() -> String {
    let mut lines = String::new();
    let root = Cli::command();
    for command in root.get_subcommands() {
        let using = format!("__fish_{}_using_subcommand {}", PROGRAM.replace('-', "_"), command.get_name());
        for argument in command.get_positionals() {
            let names = words(argument);
            if !names.is_empty() {
                let _ = writeln!(lines, "complete -c {PROGRAM} -n \"{using}\" -f -a \"{names}\"");
            }
        }
    }
    lines
}

/// What can stand for an argument, each word with its meaning behind a tab.
fn words(argument: &Arg) -> String {
    let quoted = |text: &str| {
        let mut quoted = String::new();
        for c in text.chars() {
            // Within double quotes, and then once more within single ones.
            match c {
                '\'' | '\\' => quoted.extend(['\\', '\\', c]),
                '"' | '$' => quoted.extend(['\\', c]),
                _ => quoted.push(c),
            }
        }
        quoted
    };
    let values = argument.get_possible_values();
    let words = values.iter().map(|value| {
        let about = value.get_help().map(ToString::to_string).unwrap_or_default();
        format!("{}\\t'{}'", value.get_name(), quoted(&about))
    });
    words.collect::<Vec<_>>().join("\n")
}

//! Flags may stand before the command: they are moved behind it, so that each command has its own flags alone.

use std::ffi::OsString;

use clap::{ArgAction, Command};

/// A command line with its flags behind the command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ordered {
    /// Every word, the program's name first.
    pub(super) words: Vec<OsString>,
    /// The words that name the command, for example `answers` and `show`.
    pub(super) command: Vec<String>,
}

/// Puts the command first. What is asked for before it, `--help` or `--version`, stays where it is.
pub(super) fn command_first(root: &Command, words: impl IntoIterator<Item = OsString>) -> Ordered {
    let words: Vec<OsString> = words.into_iter().collect();
    let mut found: (&Command, Vec<String>) = (root, Vec::new());
    let mut flags = Vec::new();
    let mut at = 1;
    while let Some(text) = words.get(at).and_then(|word| word.to_str()) {
        if matches!(text, "--" | "-" | "--help" | "-h" | "--version" | "-V") {
            break;
        }
        let takes = if text.starts_with('-') {
            1 + usize::from(wants_a_word(root, text))
        } else if let Some(inner) = found.0.find_subcommand(text) {
            found.0 = inner;
            found.1.push(text.to_owned());
            at += 1;
            continue;
        } else {
            break;
        };
        let end = words.len().min(at + takes);
        flags.extend_from_slice(&words[at..end]);
        at = end;
    }
    let (_, command) = found;
    let first = words.first().cloned().unwrap_or_default();
    let ordered = std::iter::once(first).chain(command.iter().map(OsString::from)).chain(flags);
    let rest = words.get(at..).unwrap_or_default().iter().cloned();
    Ordered { words: ordered.chain(rest).collect(), command }
}

/// Is the next word the value of this flag? A flag means the same with every command that takes it.
fn wants_a_word(command: &Command, flag: &str) -> bool {
    let Some(name) = flag.strip_prefix("--").filter(|name| !name.contains('=')) else { return false };
    let mut own = command.get_arguments().filter(|argument| argument.get_long() == Some(name));
    own.any(|argument| matches!(argument.get_action(), ArgAction::Set | ArgAction::Append))
        || command.get_subcommands().any(|inner| wants_a_word(inner, flag))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::args::Cli;

    fn ordered(line: &str) -> (String, String) {
        let words = line.split_whitespace().map(OsString::from);
        let ordered = command_first(&Cli::command(), words);
        let words: Vec<_> = ordered.words.iter().map(|word| word.to_string_lossy()).collect();
        (words.join(" "), ordered.command.join(" "))
    }

    #[test]
    fn flags_go_behind_the_command() {
        for (given, wanted, command) in [
            ("p --answers run check etcd", "p check --answers run etcd", "check"),
            ("p --answers=a --strict run --yes x", "p run --answers=a --strict --yes x", "run"),
            (
                "p --set a=b answers -y --set c=d show f",
                "p answers show --set a=b -y --set c=d f",
                "answers show",
            ),
            ("p --timeout -1s plan", "p plan --timeout -1s", "plan"),
            ("p --skip set-mount run", "p run --skip set-mount", "run"),
            ("p --no-such-flag run", "p run --no-such-flag", "run"),
            ("p --answers a b run", "p --answers a b run", ""),
            ("p --strict --help run", "p --strict --help run", ""),
            ("p answers --help", "p answers --help", "answers"),
            ("p -- run", "p -- run", ""),
            ("p --answers", "p --answers", ""),
            ("p", "p", ""),
        ] {
            assert_eq!(ordered(given), (wanted.to_owned(), command.to_owned()), "{given}");
        }
    }
}

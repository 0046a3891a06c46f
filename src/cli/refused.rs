//! A command line that is not understood: what to type instead.

use std::error::Error as _;

use clap::{
    Command, Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{
    failure::{Code, Failure},
    guide::did_you_mean,
    session::stray_value,
};

use super::values::{Named, SETUP, checks, codes, stages};

/// Says what is wrong with the words behind this command.
pub(super) fn explain(error: &Error, root: &Command, path: &[String]) -> Failure {
    let named = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = named(ContextKind::InvalidSubcommand).unwrap_or_default();
            stray_value(SETUP.guide, word).unwrap_or_else(|| no_command(root, path, word))
        }
        ErrorKind::UnknownArgument => {
            let word = named(ContextKind::InvalidArg).unwrap_or_default();
            match word.strip_prefix("--") {
                Some(_) => idle_flag(error, root, path, word),
                None if word.starts_with('-') => idle_flag(error, root, path, word),
                None => stray_value(SETUP.guide, word).unwrap_or_else(|| {
                    let what = format!("`{}` takes no `{}`", shown(path), word.escape_debug());
                    Failure::new(Code::Usage, what).remedy(format!("remove it; `{}` tells more", help(path)))
                }),
            }
        }
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => bad_value(error, path),
        ErrorKind::MissingSubcommand => needs_command(root, path),
        ErrorKind::MissingRequiredArgument => {
            let missing = match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::Strings(missing)) => missing.join(", "),
                _ => "an argument".into(),
            };
            let failure = Failure::new(Code::Usage, format!("`{}` needs `{missing}` here", shown(path)));
            let level = level(root, path);
            let argument = level.get_positionals().find(|argument| argument.to_string() == missing);
            match argument.map(|argument| names_of(&argument.get_possible_values())) {
                Some(names) if !names.is_empty() => failure.remedy(format!("write one of {names}")),
                _ => failure.remedy(format!("add it; `{}` tells more", help(path))),
            }
        }
        ErrorKind::ArgumentConflict => as_clap_says(error).remedy("take one of them out"),
        _ => as_clap_says(error).remedy(format!("`{}` tells what there is", help(path))),
    }
}

/// `answers` alone says nothing.
fn needs_command(root: &Command, path: &[String]) -> Failure {
    let own: Vec<&str> = level(root, path).get_subcommands().map(Command::get_name).collect();
    let failure = Failure::new(Code::Usage, format!("`{}` needs a command", shown(path)));
    failure.remedy(format!("the commands are {}; `{}` tells more", own.join(", "), help(path)))
}

fn level<'a>(root: &'a Command, path: &[String]) -> &'a Command {
    path.iter().try_fold(root, |command, name| command.find_subcommand(name)).unwrap_or(root)
}

fn names_of(values: &[clap::builder::PossibleValue]) -> String {
    values.iter().map(|value| format!("`{}`", value.get_name())).collect::<Vec<_>>().join(", ")
}

/// A value that the flag cannot have, or none where one is due.
fn bad_value(error: &Error, path: &[String]) -> Failure {
    let text = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let (argument, value) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue));
    let flag = argument.split(' ').next().unwrap_or_default();
    let what = match value.as_str() {
        "" => format!("`{flag}` has no value"),
        value => format!("`{flag}` cannot be `{}`", value.escape_debug()),
    };
    let failure = Failure::new(Code::Usage, what);
    let possible = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(possible)) => possible.as_slice(),
        _ => &[],
    };
    match (possible, error.source()) {
        (_, Some(why)) => failure.remedy(why.to_string()),
        ([], None) => failure.remedy(format!("write `{argument}`; `{}` tells more", help(path))),
        (possible, None) => {
            let possible: Vec<String> = possible.iter().map(|value| format!("`{value}`")).collect();
            failure.remedy(format!("write one of {}", possible.join(", ")))
        }
    }
}

/// A flag that this command does not take.
fn idle_flag(error: &Error, root: &Command, path: &[String], flag: &str) -> Failure {
    let takers = takers_of(root, flag, &mut Vec::new());
    if takers.is_empty() {
        let failure = Failure::new(Code::Usage, format!("there is no flag `{}`", flag.escape_debug()));
        return match error.get(ContextKind::SuggestedArg) {
            Some(ContextValue::String(near)) => failure.remedy(format!("did you mean `{near}`?")),
            _ => failure.remedy(format!("`{}` lists the flags", help(path))),
        };
    }
    if level(root, path).is_subcommand_required_set() {
        return needs_command(root, path);
    }
    let failure = Failure::new(Code::Usage, format!("`{}` takes no `{flag}`", shown(path)));
    failure.why(goes_with(&takers)).remedy(format!("remove `{flag}`, or name another command"))
}

/// Every command that takes the flag, with its whole name: the outer one where all below it do.
fn takers_of(command: &Command, flag: &str, path: &mut Vec<String>) -> Vec<String> {
    let is_it = |argument: &clap::Arg| {
        let long = argument.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long));
        long || argument.get_short().is_some_and(|short| flag == format!("-{short}"))
    };
    let mut takers = Vec::new();
    if command.get_arguments().any(is_it) {
        takers.push(path.join(" "));
    }
    let mut below = Vec::new();
    for inner in command.get_subcommands() {
        path.push(inner.get_name().to_owned());
        below.push(takers_of(inner, flag, path));
        path.pop();
    }
    let is_all = !path.is_empty() && !below.is_empty() && below.iter().all(|found| !found.is_empty());
    takers.extend(if is_all { vec![path.join(" ")] } else { below.concat() });
    takers
}

/// `it goes with `run` and `dev reset`, and without a command`.
fn goes_with(takers: &[String]) -> String {
    let named: Vec<String> =
        takers.iter().filter(|name| !name.is_empty()).map(|it| format!("`{it}`")).collect();
    let is_bare = named.len() < takers.len();
    let with = match named.split_last() {
        None => return "it goes without a command".into(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    };
    if is_bare {
        format!("it goes with {with}, or without a command")
    } else {
        format!("it goes with {with}")
    }
}

/// What people type for a command of ours, below which command, and what it is called here.
const SYNONYMS: &[(&[&str], &str, &str)] = &[
    (&["install", "setup", "deploy", "start", "exec", "all"], "", "run"),
    (&["dry-run", "diff", "preview", "changes"], "", "plan"),
    (&["test", "probe", "ping", "doctor"], "", "check"),
    (&["state", "health"], "", "status"),
    (&["list", "pull"], "", "images"),
    (&["help"], "", "--help"),
    (&["version"], "", "--version"),
    (&["wizard", "ui", "tui"], "", ""),
    (&["prompts"], "", "--plain"),
    (&["lint", "check"], "answers", "validate"),
    (&["new", "create"], "answers", "init"),
    (&["print", "list"], "answers", "show"),
    (&["start", "create"], "dev", "up"),
    (&["stop", "kill"], "dev", "down"),
    (&["remove", "delete", "destroy", "clean"], "dev", "reset"),
];

/// A word that is no command, with the nearest that is one: a command, a stage, a check, a code.
fn no_command(root: &Command, path: &[String], word: &str) -> Failure {
    let above = path.join(" ");
    let full = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{above} {name}") };
    let own: Vec<&str> = level(root, path).get_subcommands().map(Command::get_name).collect();
    let mut known: Vec<(String, String)> = own.iter().map(|name| ((*name).to_owned(), full(name))).collect();
    for (words, _, meant) in SYNONYMS.iter().filter(|(_, below, _)| *below == above) {
        known.extend(words.iter().map(|word| ((*word).to_owned(), full(meant))));
    }
    if path.is_empty() {
        let below = |(command, names): (&str, Vec<Named>)| {
            let full = |(name, _): Named| (name.to_owned(), format!("{command} {name}"));
            names.into_iter().map(full).collect::<Vec<_>>()
        };
        known.extend([("run", stages()), ("check", checks())].into_iter().flat_map(below));
        let nested = root.get_subcommands().flat_map(|outer| {
            let full = |inner: &Command| {
                (inner.get_name().to_owned(), format!("{} {}", outer.get_name(), inner.get_name()))
            };
            outer.get_subcommands().map(full).collect::<Vec<_>>()
        });
        known.extend(nested);
        known.extend(below(("explain", codes())));
    }
    let names = || known.iter().map(|(name, _)| name.as_str());
    let exact = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    let near = exact.or_else(|| {
        let near = did_you_mean(word, names())?;
        known.iter().find(|(name, _)| name == near)
    });
    let failure = Failure::new(Code::Usage, format!("there is no command `{}`", full(word).escape_debug()));
    match near {
        Some((_, meant)) => {
            let line = format!("{} {meant}", env!("CARGO_PKG_NAME"));
            failure.remedy(format!("did you mean `{}`?", line.trim_end()))
        }
        None => failure.remedy(format!("the commands are {}; `{}` tells more", own.join(", "), help(path))),
    }
}

/// What clap says, as one of our messages: what is wrong, then what is possible or meant.
fn as_clap_says(error: &Error) -> Failure {
    let text = error.render().to_string().replace('\'', "`");
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let what = lines.first().copied().unwrap_or("the command line is not understood");
    let more =
        lines.iter().skip(1).take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let more: Vec<&str> = more.map(|line| line.trim_start_matches("tip: ")).collect();
    let failure = Failure::new(Code::Usage, what.trim_start_matches("error: ").trim_end_matches(':'));
    if more.is_empty() { failure } else { failure.why(more.join("; ")) }
}

/// The command as it is named in a message.
fn shown(path: &[String]) -> String {
    if path.is_empty() { env!("CARGO_PKG_NAME").to_owned() } else { path.join(" ") }
}

fn help(path: &[String]) -> String {
    let words = std::iter::once(env!("CARGO_PKG_NAME")).chain(path.iter().map(String::as_str));
    words.chain(["--help"]).collect::<Vec<_>>().join(" ")
}

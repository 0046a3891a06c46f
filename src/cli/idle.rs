//! A flag without effect is refused, never ignored.

use crate::{
    failure::{Code, Failure},
    frontend::Output,
};

use super::args::{AnswersCommand, Cli, Command, Lists};

/// What a command makes use of.
#[derive(Debug, Clone, Copy, Default)]
struct Uses {
    /// Answers, and time limits to look them up.
    answers: bool,
    /// What may be overwritten.
    overwrite: bool,
    /// Which warnings are failures.
    tolerance: bool,
    /// Asks servers and nobody else: it may wait for them, and write a log file.
    probes: bool,
    /// Has a result that may be left out when there is nothing to say.
    quiet: bool,
    /// Has a result in JSON.
    json: bool,
}

impl Uses {
    fn of(cli: &Cli, wizard: bool) -> Self {
        let none = Self::default();
        let asks = Self { answers: true, tolerance: true, json: true, ..none };
        let probes = Self { probes: true, quiet: true, ..asks };
        match &cli.command {
            None if wizard => Self { overwrite: true, json: false, ..asks },
            None | Some(Command::Run { .. }) => Self { overwrite: true, ..probes },
            Some(Command::Plan { .. }) => Self { overwrite: true, ..probes },
            Some(Command::Check { .. } | Command::Status { .. }) => probes,
            Some(Command::Mount(_)) => Self { quiet: false, ..probes },
            Some(Command::Images { copy_samples: Some(_), .. }) => Self { json: true, ..none },
            Some(Command::Images { .. }) => asks,
            Some(Command::Answers(AnswersCommand::Validate { .. })) => Self { quiet: true, ..asks },
            Some(Command::Answers(AnswersCommand::Init { .. } | AnswersCommand::Show { .. })) => {
                Self { tolerance: false, ..asks }
            }
            Some(Command::Dev(_) | Command::Explain { .. }) => Self { json: true, ..none },
            Some(
                Command::Answers(AnswersCommand::Schema) | Command::Completions { .. } | Command::Man { .. },
            ) => none,
        }
    }
}

const WRITERS: &str = "it goes with `run` and `plan`";
const PROBERS: &str = "it goes with `run`, `check`, `plan`, `status` and `mount`";

const PROMPTS: &str = "the line prompts take no command and no `--yes`, and `--answers FILE` with `--review`";

/// Every flag that would be ignored.
pub(super) fn idle(cli: &Cli, lists: &Lists, wizard: bool) -> Vec<Failure> {
    let uses = Uses::of(cli, wizard);
    let global = &cli.global;
    let bare = cli.command.is_none();
    let flags = [
        (
            cli.review,
            bare && !lists.answers.is_empty(),
            "--review",
            "it goes with `--answers FILE` and without a command",
        ),
        (cli.plain, bare && !global.yes && (cli.review || lists.answers.is_empty()), "--plain", PROMPTS),
        (!lists.answers.is_empty(), uses.answers, "--answers", "it takes no answers"),
        (!lists.set.is_empty(), uses.answers, "--set", "it takes no answers"),
        (global.development, uses.answers, "--development", "it takes no answers"),
        (global.timeout.is_some(), uses.answers, "--timeout", "it waits for nothing"),
        (cli.overwrite.replace_mount, uses.overwrite, "--replace-mount", WRITERS),
        (cli.overwrite.prune, uses.overwrite, "--prune", WRITERS),
        (cli.overwrite.rotate_keypairs, uses.overwrite, "--rotate-keypairs", WRITERS),
        (cli.overwrite.replace_published_keys, uses.overwrite, "--replace-published-keys", WRITERS),
        (cli.overwrite.fixture.is_some(), uses.overwrite, "--fixture", WRITERS),
        (global.strict, uses.tolerance, "--strict", "it gives no warnings"),
        (!lists.accept.is_empty(), uses.tolerance, "--accept", "it makes no check"),
        (global.wait.is_some(), uses.probes, "--wait", PROBERS),
        (global.log_file.is_some(), uses.probes, "--log-file", PROBERS),
        (global.quiet, uses.quiet, "--quiet", "its output is what it is for"),
        (global.state_dir.is_some(), uses.answers, "--state-dir", "it keeps nothing there"),
        (global.output == Output::Json, uses.json, "--output json", "its output has a form of its own"),
    ];
    let idle = flags.into_iter().filter(|(given, used, ..)| *given && !*used);
    idle.map(|(_, _, flag, why)| {
        Failure::new(Code::Usage, format!("`{flag}` would have no effect here"))
            .why(why)
            .remedy("remove the flag, or name another command")
    })
    .collect()
}

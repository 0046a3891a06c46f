//! The command line as types for clap.

use std::{ffi::OsStr, path::PathBuf, time::Duration};

use clap::{
    Arg, Args, Parser, Subcommand, ValueEnum, ValueHint,
    builder::{PossibleValue, RangedU64ValueParser, StringValueParser, TypedValueParser},
};

use crate::{
    failure::{Code, Tolerance},
    frontend::{Output, dev::DevCommand},
    session::{check_abouts, stage_abouts},
};

/// Prepares an etcd cluster and a PostgreSQL database for the Backend.AI manager.
///
/// Without a command it opens the wizard on this terminal. With `--answers FILE` and no command all
/// stages run, and no question is asked.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    pub(super) lists: Lists,
    #[command(flatten)]
    pub(super) global: Global,
    #[command(flatten)]
    pub(super) overwrite: OverwriteFlags,
    /// The wizard as line prompts, for plain terminals and screen readers
    #[arg(long)]
    pub(super) plain: bool,
    /// Opens the wizard, filled in from the answers files
    #[arg(long)]
    pub(super) review: bool,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

const AFTER_HELP: &str = "\
Stages:
  load-images, load-aliases, set-mount, create-database, write-config,
  install-schema, populate-fixtures
Exit statuses:
  0 success            4 not fit, conflict    8 another run holds the lock
  1 internal error     5 unreachable          9 not as wanted
  2 usage              6 refused             10 an answer is needed
  3 answers or input   7 partly written     129, 130, 143 stopped by a signal
`backendai-setup explain CODE` tells what an error code means.";

#[derive(Debug, Args)]
pub(super) struct Global {
    /// Fills in the values of the guide's development setup
    #[arg(long, global = true, help_heading = "Answers")]
    pub(super) development: bool,
    /// Waits so long for targets that are not up yet, for example 120s
    #[arg(long, value_name = "DURATION", value_parser = duration, global = true, help_heading = "Checks")]
    pub(super) wait: Option<Duration>,
    /// Gives each operation this long, for example 30s, instead of its own limit
    #[arg(long, value_name = "DURATION", value_parser = duration, global = true, help_heading = "Checks")]
    pub(super) timeout: Option<Duration>,
    /// Warnings are failures
    #[arg(long, global = true, help_heading = "Checks")]
    pub(super) strict: bool,
    /// How results are written
    #[arg(long, value_enum, default_value_t = Output::Text, global = true, help_heading = "Output")]
    pub(super) output: Output,
    /// Prints nothing when nothing changed and nothing is wrong
    #[arg(long, short, conflicts_with = "verbose", global = true, help_heading = "Output")]
    pub(super) quiet: bool,
    /// Tells every rung of the checks and every change
    #[arg(long, short, global = true, help_heading = "Output")]
    pub(super) verbose: bool,
    /// Writes down what happens at the end of this file too
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, global = true, help_heading = "Output")]
    pub(super) log_file: Option<PathBuf>,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true, help_heading = "Output")]
    pub(super) color: Color,
    /// Plain signs: [x] instead of ✓
    #[arg(long, global = true, help_heading = "Output")]
    pub(super) ascii: bool,
    /// Needs no confirmation
    #[arg(long, short = 'y', global = true, help_heading = "Everywhere")]
    pub(super) yes: bool,
    /// Where transcripts and unfinished answers are kept
    #[arg(long, value_name = "DIR", global = true, help_heading = "Everywhere")]
    pub(super) state_dir: Option<PathBuf>,
}

/// Each may be given several times, before the command and after it: all of them count.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Lists {
    /// Answers file; may be given several times, later ones win; `-` is stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Answers")]
    pub(super) answers: Vec<String>,
    /// Sets one answer, for example etcd.namespace=local
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Answers")]
    pub(super) set: Vec<String>,
    /// Takes a failed check, or a warning, for a warning; may be given several times
    #[arg(long, value_name = "CODE", value_parser = Names(acceptable), hide_possible_values = true, help_heading = "Checks")]
    pub(super) accept: Vec<String>,
}

/// Each overwrites one foreign thing; there is none for everything.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct OverwriteFlags {
    /// Replaces another shared folder that etcd already names
    #[arg(long)]
    pub(super) replace_mount: bool,
    /// Removes image keys that are left from an older list
    #[arg(long)]
    pub(super) prune: bool,
    /// Gives the keypairs that are there new secrets
    #[arg(long)]
    pub(super) rotate_keypairs: bool,
    /// Gives new secrets to all keypairs whose secret is published, empty or blank
    #[arg(long)]
    pub(super) replace_published_keys: bool,
    /// Loads the rows of this fixture instead of two new keypairs
    #[arg(long, value_name = "FILE")]
    pub(super) fixture: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Runs all stages, or just these
    Run {
        /// Stages to run
        #[arg(value_parser = Names(stages))]
        stages: Vec<String>,
        /// Starts at this stage
        #[arg(long, value_name = "STAGE", value_parser = Names(stages))]
        from: Option<String>,
        /// Leaves this stage out
        #[arg(long, value_name = "STAGE", value_parser = Names(stages))]
        skip: Vec<String>,
        #[command(flatten)]
        overwrite: OverwriteFlags,
        #[command(flatten)]
        lists: Lists,
    },
    /// Probes every target live, all at once: etcd, database, storage, images, files
    Check {
        /// Checks to make
        #[arg(value_parser = Names(checks))]
        checks: Vec<String>,
        #[command(flatten)]
        lists: Lists,
    },
    /// Shows what would change; writes nothing
    Plan {
        /// Exit with status 9 when something would change
        #[arg(long)]
        detailed_exitcode: bool,
        #[command(flatten)]
        overwrite: OverwriteFlags,
        #[command(flatten)]
        lists: Lists,
    },
    /// Shows each stage: done, pending or conflict; status 9 unless all are done
    Status {
        #[command(flatten)]
        lists: Lists,
    },
    /// Shows the image list, its aliases and problems
    Images {
        /// Prints the guide's `docker pull` lines instead
        #[arg(long)]
        pull_commands: bool,
        /// Copies the samples into this folder, to be edited
        #[arg(long, value_name = "DIR", conflicts_with = "pull_commands")]
        copy_samples: Option<PathBuf>,
        #[command(flatten)]
        lists: Lists,
    },
    /// Works on answers files
    #[command(subcommand, arg_required_else_help = false)]
    Answers(AnswersCommand),
    /// Tells whether the shared folder is the same on every node
    #[command(subcommand, arg_required_else_help = false)]
    Mount(MountCommand),
    /// A private etcd on localhost:8120 and PostgreSQL on localhost:8100
    #[command(subcommand, arg_required_else_help = false)]
    Dev(DevCommand),
    /// Explains an error code, or lists them all
    Explain {
        /// For example E-DB-AUTH
        #[arg(value_parser = Names(codes))]
        code: Option<String>,
    },
    /// Prints the completions of a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Prints the manual page, or writes the pages of all commands
    Man {
        /// Writes all pages into this folder instead
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum AnswersCommand {
    /// Writes a new answers file with a comment at every key
    Init {
        /// The new file; `-` is stdout
        #[arg(default_value = "answers.yml", value_hint = ValueHint::FilePath)]
        file: String,
        /// Leaves out what has a default, and the comments
        #[arg(long)]
        minimal: bool,
        #[command(flatten)]
        lists: Lists,
    },
    /// Reports every problem of the answers, offline
    Validate {
        /// Answers files, beside those of `--answers`
        #[arg(value_hint = ValueHint::FilePath)]
        files: Vec<String>,
        #[command(flatten)]
        lists: Lists,
    },
    /// Shows the merged answers, each with its origin; secrets stay hidden
    Show {
        /// Answers files, beside those of `--answers`
        #[arg(value_hint = ValueHint::FilePath)]
        files: Vec<String>,
        #[command(flatten)]
        lists: Lists,
    },
    /// Prints the JSON Schema of answers files, by which editors complete
    Schema,
}

#[derive(Debug, Subcommand)]
pub(super) enum MountCommand {
    /// Offers the shared folder of this host, and lists the nodes that have the same
    Offer {
        /// How long nodes may take to answer, for example 30m
        #[arg(long = "for", value_name = "DURATION", default_value = "10m", value_parser = duration)]
        lasting: Duration,
        /// Ends as soon as so many other nodes have answered; fewer are a failure
        #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MANY))]
        nodes: Option<usize>,
        #[command(flatten)]
        lists: Lists,
    },
    /// On another node: looks whether the folder that is offered is there, and answers
    Verify {
        /// What this node is called in the list, instead of its host name
        #[arg(long, value_name = "NAME", value_parser = node)]
        node: Option<String>,
        #[command(flatten)]
        lists: Lists,
    },
}

/// More nodes than a list is good for.
const MANY: u64 = 100_000;

/// Bash, zsh and fish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Cli {
    /// Everything that stands before and after the command, in that order.
    pub(super) fn take_lists(&mut self) -> Lists {
        let mut all = std::mem::take(&mut self.lists);
        let inner = match &mut self.command {
            Some(
                Command::Run { lists, .. }
                | Command::Check { lists, .. }
                | Command::Plan { lists, .. }
                | Command::Status { lists }
                | Command::Images { lists, .. }
                | Command::Answers(
                    AnswersCommand::Init { lists, .. }
                    | AnswersCommand::Validate { lists, .. }
                    | AnswersCommand::Show { lists, .. },
                )
                | Command::Mount(MountCommand::Offer { lists, .. } | MountCommand::Verify { lists, .. }),
            ) => std::mem::take(lists),
            _ => Lists::default(),
        };
        all.answers.extend(inner.answers);
        all.set.extend(inner.set);
        all.accept.extend(inner.accept);
        all
    }
}

/// Takes any text, and tells completions which names there are: judging is not the parser's work.
#[derive(Debug, Clone, Copy)]
struct Names(fn() -> Vec<&'static str>);

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter().map(PossibleValue::new)))
    }
}

/// `500ms`, `30s`, `2 min`; nothing below a millisecond would ever be met.
fn duration(text: &str) -> Result<Duration, String> {
    let given = text.parse::<jiff::SignedDuration>().ok().and_then(|given| Duration::try_from(given).ok());
    match given {
        Some(given) if (MILLISECOND..=DAY).contains(&given) => Ok(given),
        Some(_) => Err("it must be at least 1 ms and at most 24 h".into()),
        None => Err("write a number with its unit, for example `30s` or `2m`".into()),
    }
}

/// A part of a key in etcd, and a word in lists.
fn node(text: &str) -> Result<String, String> {
    let fits = (1..=253).contains(&text.len());
    if fits && !text.chars().any(|c| c == '/' || c.is_whitespace() || c.is_control()) {
        Ok(text.to_owned())
    } else {
        Err("write a name of at most 253 characters, without a slash or white space".into())
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn stages() -> Vec<&'static str> {
    stage_abouts().into_iter().map(|about| about.id).collect()
}

fn checks() -> Vec<&'static str> {
    check_abouts().into_iter().map(|about| about.id).collect()
}

fn acceptable() -> Vec<&'static str> {
    let codes = Code::ALL.iter().filter(|code| Tolerance::can_accept(**code));
    codes.map(|code| code.as_str()).collect()
}

fn codes() -> Vec<&'static str> {
    Code::ALL.iter().map(|code| code.as_str()).collect()
}

//! The command line as types for clap.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint, builder::RangedU64ValueParser};

use super::{
    flags::{Asking, Form, Look, OverwriteFlags, Severity, Sources, VolumeArgs, Writing},
    help::{APPLYING, SAVING, after_help},
    kept::{TargetsArgs, UndoArgs},
    schema::SchemaCommand,
    values::{Names, checks, codes, duration, names, node, path, stages},
};

/// Prepares an etcd cluster and a PostgreSQL database for the Backend.AI manager.
///
/// Without a command it opens the wizard on this terminal. With `--answers FILE` and no command all
/// stages run, and no question is asked.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true, args_override_self = true, after_help = after_help())]
pub struct Cli {
    #[command(flatten)]
    pub(super) asking: Asking,
    #[command(flatten)]
    pub(super) volume: VolumeArgs,
    #[command(flatten)]
    pub(super) writing: Writing,
    /// The wizard as line prompts, for plain terminals and screen readers
    #[arg(long)]
    pub(super) plain: bool,
    /// Opens the wizard, filled in from the answers files
    #[arg(long)]
    pub(super) review: bool,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Runs all stages, or just these
    Run {
        /// Stages to run
        #[arg(value_parser = Names(stages))]
        stages: Vec<String>,
        /// Starts at this stage
        #[arg(long, value_name = "STAGE", value_parser = Names(stages), hide_possible_values = true)]
        from: Option<String>,
        /// Leaves this stage out
        #[arg(long, value_name = "STAGE", value_parser = Names(stages), hide_possible_values = true)]
        skip: Vec<String>,
        #[command(flatten)]
        writing: Writing,
        #[command(flatten)]
        asking: Asking,
        #[command(flatten)]
        volume: VolumeArgs,
    },
    #[command(about = format!("Probes every target live, all at once: {}", names(checks).join(", ")))]
    Check {
        /// Checks to make
        #[arg(value_parser = Names(checks))]
        checks: Vec<String>,
        #[command(flatten)]
        overwrite: OverwriteFlags,
        #[command(flatten)]
        asking: Asking,
        #[command(flatten)]
        volume: VolumeArgs,
    },
    /// Shows what would change; writes nothing
    #[command(after_help = SAVING)]
    Plan {
        /// Exit with status 9 when something would change
        #[arg(long)]
        detailed_exitcode: bool,
        /// Shows how many changes each stage has instead of each change
        #[arg(long)]
        summary: bool,
        /// Saves the plan as this file too, for `apply`
        #[arg(long, value_name = "FILE", value_parser = path, value_hint = ValueHint::FilePath)]
        out: Option<PathBuf>,
        /// Where the key of saved plans is kept
        #[arg(
            long,
            value_name = "DIR",
            value_parser = path,
            value_hint = ValueHint::DirPath,
            requires = "out"
        )]
        state_dir: Option<PathBuf>,
        #[command(flatten)]
        overwrite: OverwriteFlags,
        #[command(flatten)]
        asking: Asking,
        #[command(flatten)]
        volume: VolumeArgs,
    },
    /// Writes exactly what a saved plan says, or nothing
    #[command(after_help = APPLYING)]
    Apply {
        /// The file that `plan --out` has written
        #[arg(value_parser = path, value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Where transcripts and the key of saved plans are kept
        #[arg(long, value_name = "DIR", value_parser = path, value_hint = ValueHint::DirPath)]
        state_dir: Option<PathBuf>,
        #[command(flatten)]
        asking: Asking,
        #[command(flatten)]
        volume: VolumeArgs,
    },
    /// Shows each stage: done, pending or conflict; status 9 unless all are done
    Status {
        #[command(flatten)]
        asking: Asking,
        #[command(flatten)]
        volume: VolumeArgs,
    },
    /// Looks at the schema of the database, and puts it right
    #[command(subcommand, arg_required_else_help = false)]
    Schema(SchemaCommand),
    /// Puts back what the last run changed, after showing it
    Undo(UndoArgs),
    /// Lists what was set up from this machine
    Targets(TargetsArgs),
    /// Shows the image list, its aliases and problems
    Images {
        /// Prints the guide's `docker pull` lines instead
        #[arg(long)]
        pull_commands: bool,
        /// Copies the samples into this folder, to be edited
        #[arg(
            long,
            value_name = "DIR",
            value_parser = path,
            value_hint = ValueHint::DirPath,
            conflicts_with_all = ["pull_commands", "answers", "set", "development", "strict", "accept"],
        )]
        copy_samples: Option<PathBuf>,
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        severity: Severity,
        #[command(flatten)]
        form: Form,
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
        #[arg(value_parser = Names(codes), hide_possible_values = true)]
        code: Option<String>,
        #[command(flatten)]
        form: Form,
    },
    /// Prints the completions of a shell
    Completions {
        /// Which shell
        shell: Shell,
        #[command(flatten)]
        look: Look,
    },
    /// Prints the manual page, or writes the pages of all commands
    Man {
        /// Writes all pages into this folder instead
        #[arg(long, value_name = "DIR", value_parser = path, value_hint = ValueHint::DirPath)]
        out: Option<PathBuf>,
        #[command(flatten)]
        look: Look,
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
        sources: Sources,
        #[command(flatten)]
        form: Form,
    },
    /// Reports every problem of the answers, offline
    Validate {
        /// Answers files, beside those of `--answers`
        #[arg(value_hint = ValueHint::FilePath)]
        files: Vec<String>,
        /// Looks secrets up too: reads their files, starts their programs
        #[arg(long)]
        with_secrets: bool,
        /// The files are a part, to be laid over others: what is missing may stand there
        #[arg(long)]
        partial: bool,
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        severity: Severity,
        /// Gives a program this long to give out its secret, for example 5s, instead of 30 s
        #[arg(
            long,
            value_name = "DURATION",
            value_parser = duration,
            allow_hyphen_values = true,
            requires = "with_secrets",
            help_heading = "Checks"
        )]
        timeout: Option<Duration>,
        /// Prints nothing when nothing is wrong
        #[arg(long, short, help_heading = "Output")]
        quiet: bool,
        #[command(flatten)]
        form: Form,
    },
    /// Shows the merged answers, each with its origin; secrets stay hidden
    Show {
        /// Answers files, beside those of `--answers`
        #[arg(value_hint = ValueHint::FilePath)]
        files: Vec<String>,
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        form: Form,
    },
    /// Prints the JSON Schema of answers files, by which editors complete
    Schema {
        #[command(flatten)]
        look: Look,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum MountCommand {
    /// Offers the shared folder of this host, and lists the nodes that have the same
    Offer {
        /// How long nodes may take to answer, for example 30m
        #[arg(
            long = "for",
            value_name = "DURATION",
            default_value = "10m",
            value_parser = duration,
            allow_hyphen_values = true,
        )]
        lasting: Duration,
        /// Ends as soon as so many other nodes have answered; fewer are a failure
        #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MANY))]
        nodes: Option<usize>,
        #[command(flatten)]
        asking: Asking,
        /// Tells every rung of the checks
        #[arg(long, short, help_heading = "Output")]
        verbose: bool,
    },
    /// On another node: looks whether the folder that is offered is there, and answers
    Verify {
        /// What this node is called in the list, instead of its host name
        #[arg(long, value_name = "NAME", value_parser = node)]
        node: Option<String>,
        #[command(flatten)]
        asking: Asking,
        /// Tells every rung of the checks
        #[arg(long, short, help_heading = "Output")]
        verbose: bool,
    },
}

/// More nodes than a list is good for.
const MANY: u64 = 100_000;

/// What can be done with the development stack.
#[derive(Debug, Subcommand)]
pub(super) enum DevCommand {
    /// Starts what does not run and waits until both servers answer
    Up {
        #[command(flatten)]
        place: Place,
        /// etcd's port instead of 8120
        #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
        etcd_port: Option<u16>,
        /// PostgreSQL's port instead of 8100
        #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
        postgres_port: Option<u16>,
    },
    /// Stops what runs; the data stay
    Down(Place),
    /// Shows what runs; status 9 unless both servers answer
    Status(Place),
    /// Stops what runs and removes all data
    Reset {
        #[command(flatten)]
        place: Place,
        /// Needs no confirmation
        #[arg(long, short = 'y')]
        yes: bool,
    },
}

/// Which stack is meant.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// Folder of the stack
    #[arg(long, value_name = "DIR", value_parser = path, value_hint = ValueHint::DirPath)]
    pub(super) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(super) form: Form,
}

/// Bash, zsh and fish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
}

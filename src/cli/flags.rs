//! The flags that commands have in common, in groups: a command offers those groups that it makes use of.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, ValueHint};

use crate::frontend::{Output, Volume};

use super::values::{Names, acceptable, duration, path};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// How messages look; every command has some.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Look {
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Color::Auto, help_heading = "Output")]
    pub(super) color: Color,
    /// Plain signs: [x] instead of ✓
    #[arg(long, help_heading = "Output")]
    pub(super) ascii: bool,
}

/// The form of a result that scripts may read.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Form {
    /// How results are written
    #[arg(long, value_enum, default_value_t = Output::Text, help_heading = "Output")]
    pub(super) output: Output,
    #[command(flatten)]
    pub(super) look: Look,
}

/// Where answers come from.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Sources {
    /// Answers file; may be given several times, later ones win; `-` is stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Answers")]
    pub(super) answers: Vec<String>,
    /// Sets one answer, for example etcd.namespace=local
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Answers")]
    pub(super) set: Vec<String>,
    /// Fills in the values of the guide's development setup
    #[arg(long, help_heading = "Answers")]
    pub(super) development: bool,
}

/// Which findings are failures.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Severity {
    /// Warnings are failures
    #[arg(long, help_heading = "Checks")]
    pub(super) strict: bool,
    /// Takes a failed check, or a warning, for a warning; may be given several times
    #[arg(long, value_name = "CODE", value_parser = Names(acceptable), hide_possible_values = true, help_heading = "Checks")]
    pub(super) accept: Vec<String>,
}

/// For commands that ask one server what it has.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Looking {
    #[command(flatten)]
    pub(super) sources: Sources,
    /// Gives each operation this long, for example 30s, instead of its own limit
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = duration,
        allow_hyphen_values = true,
        help_heading = "Checks"
    )]
    pub(super) timeout: Option<Duration>,
    #[command(flatten)]
    pub(super) form: Form,
}

/// For commands that ask servers.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Asking {
    #[command(flatten)]
    pub(super) sources: Sources,
    #[command(flatten)]
    pub(super) severity: Severity,
    /// Waits so long for targets that are not up yet, for example 120s
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = duration,
        allow_hyphen_values = true,
        help_heading = "Checks"
    )]
    pub(super) wait: Option<Duration>,
    /// Gives each operation this long, for example 30s, instead of its own limit
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = duration,
        allow_hyphen_values = true,
        help_heading = "Checks"
    )]
    pub(super) timeout: Option<Duration>,
    /// Writes down what happens at the end of this file too
    #[arg(
        long,
        value_name = "FILE",
        value_parser = path,
        value_hint = ValueHint::FilePath,
        help_heading = "Output"
    )]
    pub(super) log_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) form: Form,
}

/// How much is printed.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct VolumeArgs {
    /// Prints nothing when nothing changed and nothing is wrong
    #[arg(long, short, conflicts_with = "verbose", help_heading = "Output")]
    pub(super) quiet: bool,
    /// Tells every rung of the checks and every change
    #[arg(long, short, help_heading = "Output")]
    pub(super) verbose: bool,
}

impl VolumeArgs {
    pub(super) fn volume(&self) -> Volume {
        match (self.quiet, self.verbose) {
            (true, _) => Volume::Quiet,
            (false, true) => Volume::Verbose,
            (false, false) => Volume::Normal,
        }
    }
}

/// Each overwrites one foreign thing; there is none for everything.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct OverwriteFlags {
    /// Replaces another shared folder that etcd already names
    #[arg(long, help_heading = "Overwriting")]
    pub(super) replace_mount: bool,
    /// Removes image keys that are left from an older list
    #[arg(long, help_heading = "Overwriting")]
    pub(super) prune: bool,
    /// Gives the keypairs that are there new secrets
    #[arg(long, help_heading = "Overwriting")]
    pub(super) rotate_keypairs: bool,
    /// Gives new secrets to all keypairs whose secret is published, empty or blank
    #[arg(long, help_heading = "Overwriting")]
    pub(super) replace_published_keys: bool,
    /// Lets an upgrade of an old database drop the rows of table usage
    #[arg(long, help_heading = "Overwriting")]
    pub(super) drop_usage: bool,
    /// Pours the rows of this fixture instead of two new keypairs
    #[arg(
        long,
        value_name = "FILE",
        value_parser = path,
        value_hint = ValueHint::FilePath,
        help_heading = "Overwriting"
    )]
    pub(super) fixture: Option<PathBuf>,
}

/// For commands that write.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Writing {
    #[command(flatten)]
    pub(super) overwrite: OverwriteFlags,
    /// Needs no confirmation
    #[arg(long, short = 'y')]
    pub(super) yes: bool,
    /// Where transcripts and unfinished answers are kept
    #[arg(long, value_name = "DIR", value_parser = path, value_hint = ValueHint::DirPath)]
    pub(super) state_dir: Option<PathBuf>,
}

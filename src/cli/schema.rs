//! The commands about the schema of the database.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::{
    flags::{Asking, Form, Looking, VolumeArgs},
    help::{REPAIRING, SCRIPT, STAMPING},
    values::{Names, path, revisions},
};

/// What is done with the schema.
#[derive(Debug, Subcommand)]
pub(super) enum SchemaCommand {
    /// Shows the revision, the head, what lies between, and the sizes of the tables
    Show(Looking),
    /// Prints the script from one revision to another, for psql; asks no server
    #[command(after_help = SCRIPT)]
    Sql {
        /// Where it begins and ends: revisions, `base` or `head`; without it from `base` to `head`
        #[arg(value_name = "FROM[:TO]", value_parser = Names(revisions), hide_possible_values = true)]
        span: Option<String>,
        #[command(flatten)]
        form: Form,
    },
    /// Names all that is otherwise than the revision says; status 9 where that breaks the manager
    Diff(Looking),
    /// Writes the stamp of a revision into a database whose tables are those of that revision
    #[command(after_help = STAMPING)]
    Stamp {
        /// The revision, or the beginning of its id
        #[arg(value_parser = Names(revisions), hide_possible_values = true)]
        revision: String,
        #[command(flatten)]
        writing: SchemaWriting,
    },
    /// Puts back what is missing or otherwise at the head, where that loses nothing
    #[command(after_help = REPAIRING)]
    Repair(SchemaWriting),
}

/// For those that write.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct SchemaWriting {
    /// Needs no confirmation
    #[arg(long, short = 'y')]
    pub(super) yes: bool,
    /// Where transcripts and journals are kept
    #[arg(long, value_name = "DIR", value_parser = path, value_hint = ValueHint::DirPath)]
    pub(super) state_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(super) asking: Asking,
    #[command(flatten)]
    pub(super) volume: VolumeArgs,
}

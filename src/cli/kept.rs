//! The commands about what earlier runs left on this machine.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::{
    flags::{Asking, Form, VolumeArgs},
    values::{Names, path, stages},
};

/// What is put back.
#[derive(Debug, Args)]
pub(super) struct UndoArgs {
    /// Stages to put back; all that the run changed
    #[arg(value_parser = Names(stages))]
    pub(super) stages: Vec<String>,
    /// The run to put back instead of the last one
    #[arg(long, value_name = "ID")]
    pub(super) run: Option<String>,
    /// Needs no confirmation
    #[arg(long, short = 'y')]
    pub(super) yes: bool,
    /// Where the journals of the runs are kept
    #[arg(long, value_name = "DIR", value_parser = path, value_hint = ValueHint::DirPath)]
    pub(super) state_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(super) asking: Asking,
    #[command(flatten)]
    pub(super) volume: VolumeArgs,
}

/// What is done with the targets.
#[derive(Debug, Args)]
pub(super) struct TargetsArgs {
    #[command(subcommand)]
    pub(super) command: Option<TargetsCommand>,
    /// Where targets are kept
    #[arg(long, value_name = "DIR", value_parser = path, value_hint = ValueHint::DirPath)]
    pub(super) state_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(super) form: Form,
}

impl TargetsArgs {
    /// How the result is written.
    pub(super) fn form(&self) -> &Form {
        match &self.command {
            Some(TargetsCommand::Remove { form, .. }) => form,
            None => &self.form,
        }
    }
}

/// What is done with one target.
#[derive(Debug, Subcommand)]
pub(super) enum TargetsCommand {
    /// Forgets a target; its servers stay as they are
    Remove {
        /// Its name, or its id where several have that name
        name: String,
        /// Needs no confirmation
        #[arg(long, short = 'y')]
        yes: bool,
        /// Where targets are kept
        #[arg(long, value_name = "DIR", value_parser = path, value_hint = ValueHint::DirPath)]
        state_dir: Option<PathBuf>,
        #[command(flatten)]
        form: Form,
    },
}

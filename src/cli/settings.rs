//! What the flags say about the output and the work, whatever the command is.

use std::time::Duration;

use crate::frontend::{Output, Volume};

use super::{
    args::{AnswersCommand, Cli, Command, DevCommand, MountCommand, Place},
    flags::{Asking, Form, Look, Looking, Severity},
    kept::UndoArgs,
    schema::{SchemaCommand, SchemaWriting},
};

/// What is settled before a command is served; what a command does not take is at its default.
#[derive(Debug)]
pub(super) struct OutputSettings {
    pub(super) look: Look,
    pub(super) output: Output,
    pub(super) volume: Volume,
    pub(super) severity: Severity,
    pub(super) timeout: Option<Duration>,
}

impl OutputSettings {
    fn plain(look: &Look) -> Self {
        let (output, volume) = (Output::Text, Volume::Normal);
        Self { look: look.clone(), output, volume, severity: Severity::default(), timeout: None }
    }

    fn form(form: &Form) -> Self {
        Self { output: form.output, ..Self::plain(&form.look) }
    }

    fn looking(looking: &Looking) -> Self {
        Self { timeout: looking.timeout, ..Self::form(&looking.form) }
    }

    fn asking(asking: &Asking, volume: Volume) -> Self {
        let (severity, timeout) = (asking.severity.clone(), asking.timeout);
        Self { volume, severity, timeout, ..Self::form(&asking.form) }
    }
}

impl Cli {
    /// What the flags say about the settings of the work.
    pub(super) fn output_settings(&self) -> OutputSettings {
        let verbose = |is_verbose: bool| if is_verbose { Volume::Verbose } else { Volume::Normal };
        match &self.command {
            None => OutputSettings::asking(&self.asking, self.volume.volume()),
            Some(
                Command::Run { asking, volume, .. }
                | Command::Check { asking, volume, .. }
                | Command::Plan { asking, volume, .. }
                | Command::Apply { asking, volume, .. }
                | Command::Status { asking, volume }
                | Command::Undo(UndoArgs { asking, volume, .. }),
            ) => OutputSettings::asking(asking, volume.volume()),
            Some(Command::Mount(
                MountCommand::Offer { asking, verbose: is_verbose, .. }
                | MountCommand::Verify { asking, verbose: is_verbose, .. },
            )) => OutputSettings::asking(asking, verbose(*is_verbose)),
            Some(Command::Images { severity, form, .. }) => {
                OutputSettings { severity: severity.clone(), ..OutputSettings::form(form) }
            }
            Some(Command::Answers(AnswersCommand::Validate { severity, timeout, quiet, form, .. })) => {
                let volume = if *quiet { Volume::Quiet } else { Volume::Normal };
                OutputSettings {
                    severity: severity.clone(),
                    timeout: *timeout,
                    volume,
                    ..OutputSettings::form(form)
                }
            }
            Some(Command::Schema(SchemaCommand::Show(looking) | SchemaCommand::Diff(looking))) => {
                OutputSettings::looking(looking)
            }
            Some(Command::Schema(
                SchemaCommand::Stamp { writing: SchemaWriting { asking, volume, .. }, .. }
                | SchemaCommand::Repair(SchemaWriting { asking, volume, .. }),
            )) => OutputSettings::asking(asking, volume.volume()),
            Some(Command::Schema(SchemaCommand::Sql { form, .. })) => OutputSettings::form(form),
            Some(Command::Targets(targets)) => OutputSettings::form(targets.form()),
            Some(
                Command::Answers(AnswersCommand::Init { form, .. } | AnswersCommand::Show { form, .. })
                | Command::Explain { form, .. }
                | Command::Dev(
                    DevCommand::Up { place: Place { form, .. }, .. }
                    | DevCommand::Down(Place { form, .. })
                    | DevCommand::Status(Place { form, .. })
                    | DevCommand::Reset { place: Place { form, .. }, .. },
                ),
            ) => OutputSettings::form(form),
            Some(
                Command::Answers(AnswersCommand::Schema { look })
                | Command::Completions { look, .. }
                | Command::Man { look, .. },
            ) => OutputSettings::plain(look),
        }
    }
}

//! Faces without a screen: everything that writes events down.

mod failure;
mod history;
mod json;
mod nodes;
mod plain;
mod quiet;
mod run_state;
mod style;
mod tables;
mod transcript;

use std::{io, path::Path};

use crate::workflow::Event;

pub use failure::write_failure;
pub use history::{History, LastRun, history};
pub use json::Json;
pub use nodes::Nodes;
pub use plain::Plain;
pub use quiet::{Quiet, Waits};
pub use run_state::{RunState, StageProgress};
pub use style::{Style, is_spoken};
pub use tables::{
    write_answers, write_checks, write_images, write_plan, write_pull_commands, write_status, write_verdicts,
};
pub use transcript::Transcript;

/// Something that writes events down.
pub trait Reporter {
    /// Writes one event.
    ///
    /// # Errors
    /// When it cannot be written; a closed pipe among them.
    fn report(&mut self, event: &Event) -> io::Result<()>;

    /// The file that it writes into; none for the terminal.
    fn file(&self) -> Option<&Path> {
        None
    }
}

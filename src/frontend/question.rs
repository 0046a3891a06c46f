//! One question to a person, for yes or no.

use std::io;

use crossterm::{cursor::Show, event::DisableBracketedPaste, execute, style::Print, terminal};
use inquire::{Confirm, InquireError};

use crate::failure::status;

use super::headless::Signals;

/// What came of a question.
pub(super) enum Reply {
    Yes,
    No,
    /// A signal or Ctrl-C, with its exit status.
    Stopped(u8),
    /// The terminal gave no answer.
    Nothing,
}

/// Asks. A signal meanwhile leaves the terminal as it was before.
pub(super) async fn confirm(question: String) -> Reply {
    let mut signals = Signals::new();
    let asked = tokio::task::spawn_blocking(move || Confirm::new(&question).with_default(false).prompt());
    tokio::select! {
        biased; // a lost terminal is both a signal and a failed read
        status = signals.next() => {
            // The question waits on for a key that nobody presses; its thread ends with the program.
            let _ = execute!(io::stderr(), DisableBracketedPaste, Show, Print("\r\n"));
            let _ = terminal::disable_raw_mode();
            Reply::Stopped(status)
        }
        answer = asked => match answer {
            Ok(Ok(true)) => Reply::Yes,
            Ok(Ok(false) | Err(InquireError::OperationCanceled)) => Reply::No,
            Ok(Err(InquireError::OperationInterrupted)) => Reply::Stopped(status::INTERRUPTED),
            _ => Reply::Nothing,
        },
    }
}

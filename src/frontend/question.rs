//! Questions to a person at a terminal.

use std::io;

use crossterm::{cursor::Show, event::DisableBracketedPaste, execute, style::Print, terminal};
use inquire::{Confirm, InquireError};
use rustix::termios::{QueueSelector, tcflush};

use super::{drive::Signals, prompt};

/// What came of a question.
pub(super) enum Reply<T> {
    /// An answer.
    Is(T),
    /// Esc: one thing back.
    Back,
    /// Ctrl-C.
    Interrupted,
    /// A signal, with its exit status.
    Stopped(u8),
    /// The terminal gave no answer.
    Nothing,
}

impl<T> Reply<T> {
    /// The same, with another answer.
    pub(super) fn map<U>(self, answer: impl FnOnce(T) -> U) -> Reply<U> {
        match self {
            Reply::Is(given) => Reply::Is(answer(given)),
            Reply::Back => Reply::Back,
            Reply::Interrupted => Reply::Interrupted,
            Reply::Stopped(status) => Reply::Stopped(status),
            Reply::Nothing => Reply::Nothing,
        }
    }
}

/// Asks on a thread of its own, since a prompt blocks. A signal meanwhile leaves the terminal as it was
/// before.
pub(super) async fn asked<T: Send + 'static>(
    signals: &mut Signals,
    ask: impl FnOnce() -> Result<T, InquireError> + Send + 'static,
) -> Reply<T> {
    let asked = tokio::task::spawn_blocking(ask);
    tokio::select! {
        biased; // a lost terminal is both a signal and a failed read
        status = signals.next() => {
            // What was typed half, a secret perhaps, is for nobody else.
            let _ = tcflush(io::stdin(), QueueSelector::IFlush);
            // The question waits on for a key that nobody presses; its thread ends with the program.
            let _ = execute!(io::stderr(), DisableBracketedPaste, Show, Print("\r\n"));
            let _ = terminal::disable_raw_mode();
            Reply::Stopped(status)
        }
        answer = asked => match answer {
            Ok(Ok(answer)) => Reply::Is(answer),
            Ok(Err(InquireError::OperationCanceled)) => Reply::Back,
            Ok(Err(InquireError::OperationInterrupted)) => Reply::Interrupted,
            _ => Reply::Nothing,
        },
    }
}

/// Asks for yes or no.
pub(super) async fn confirm(signals: &mut Signals, question: String) -> Reply<bool> {
    if prompt::is_accessible() {
        return prompt::confirm(signals, &question).await;
    }
    asked(signals, move || Confirm::new(&question).with_default(false).prompt()).await
}

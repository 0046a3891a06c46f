//! Questions to a person at a terminal.

use std::{io, sync::Arc};

use inquire::InquireError;
use ratatui::crossterm::{cursor::Show, event::DisableBracketedPaste, execute, style::Print, terminal};
use rustix::termios::{QueueSelector, tcflush};

use super::signals::Signals;

/// Says why a text cannot be taken.
pub type Judge = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// A question for a text.
#[derive(Clone)]
pub struct Question {
    /// What is asked for.
    pub title: String,
    /// One line of help.
    pub help: String,
    /// What Enter takes; for a secret only a word about it, and Enter gives an empty text.
    pub default: Option<String>,
    /// What an empty answer means, where there is nothing to take.
    pub empty: Option<&'static str>,
    /// Not to be shown.
    pub secret: bool,
    /// The only judge of the text.
    pub judge: Judge,
}

/// What came of a question.
pub enum Reply<T> {
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
    pub fn map<U>(self, answer: impl FnOnce(T) -> U) -> Reply<U> {
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
pub async fn asked<T: Send + 'static>(
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

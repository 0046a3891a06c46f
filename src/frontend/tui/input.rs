//! From the terminal's events to input: a lone Esc is held for a moment, because a slow line may cut
//! an arrow key in two.

use std::{collections::VecDeque, future::poll_fn, task::Poll, time::Duration};

use futures::StreamExt;
use ratatui::crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{QueueSelector, tcflush},
};
use secrecy::SecretString;
use tokio::time::Instant;

use crate::environment::Environment;

/// What a person does.
#[derive(Debug)]
pub enum Input {
    /// A key.
    Key(KeyEvent),
    /// A paste.
    Paste(SecretString),
    /// Another window size.
    Resize(u16, u16),
    /// A signal with this exit status.
    Signal(u8),
    /// SIGTSTP from outside.
    Stop,
    /// SIGCONT after a stop that nobody announced.
    Resumed,
}

/// A lone Esc is held so long; a line over the network is slower.
fn patience(environment: &Environment) -> Duration {
    let remote = environment.get("SSH_CONNECTION").is_some();
    Duration::from_millis(if remote { 100 } else { 50 })
}

/// How often it is seen whether the terminal is still there, when nothing else tells.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// crossterm hands over what it has read already within this time; a person takes longer from key to key.
const NEXT_READ: Duration = Duration::from_millis(15);

/// A key that is held down, or a long paste, is not dropped for ever.
const LONGEST_DROP: Duration = Duration::from_millis(500);

/// The connection to the terminal is lost.
fn is_gone() -> bool {
    let stdin = std::io::stdin();
    let mut asked = [PollFd::new(&stdin, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let lost = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    poll(&mut asked, Some(&at_once)).is_ok() && asked[0].revents().intersects(lost)
}

/// Keys of a terminal.
pub(super) struct Keys {
    /// Given up while an editor has the terminal.
    stream: Option<EventStream>,
    decoder: EscapeDecoder,
    deadline: Option<Instant>,
    ready: VecDeque<Input>,
    patience: Duration,
}

impl Keys {
    pub(super) fn new(environment: &Environment) -> Self {
        Self {
            stream: Some(EventStream::new()),
            decoder: EscapeDecoder::default(),
            deadline: None,
            ready: VecDeque::new(),
            patience: patience(environment),
        }
    }

    pub(super) fn pause(&mut self) {
        self.stream = None;
    }

    pub(super) fn resume(&mut self) {
        self.stream = Some(EventStream::new());
    }

    /// The next input; none when the terminal is gone. May be dropped at any time without a loss.
    pub(super) async fn next(&mut self) -> Option<Input> {
        loop {
            if let Some(input) = self.ready.pop_front() {
                return Some(input);
            }
            let Some(stream) = &mut self.stream else { return std::future::pending().await };
            // crossterm reads for ever from a terminal that is gone, so it is not asked then.
            let event = poll_fn(|cx| match is_gone() {
                true => Poll::Ready(None),
                false => stream.poll_next_unpin(cx),
            });
            let until = self.deadline.unwrap_or_else(|| Instant::now() + HEARTBEAT);
            let event = match (tokio::time::timeout_at(until, event).await, self.deadline) {
                (Ok(event), _) => event,
                (Err(_), None) => continue,
                (Err(_), Some(_)) => {
                    self.deadline = None;
                    self.ready.extend(self.decoder.flush().into_iter().map(Input::Key));
                    continue;
                }
            };
            self.take(event?.ok()?);
        }
    }

    /// Forgets every key that has come already: what the terminal holds, and what was read of it.
    pub(super) async fn drop_pending(&mut self) {
        let _ = tcflush(std::io::stdin(), QueueSelector::IFlush);
        let at_last = Instant::now() + LONGEST_DROP;
        while let Some(stream) = &mut self.stream
            && !is_gone()
            && Instant::now() < at_last
            && let Ok(Some(Ok(event))) = tokio::time::timeout(NEXT_READ, stream.next()).await
        {
            self.take(event);
        }
        self.ready.retain(|input| !matches!(input, Input::Key(_) | Input::Paste(_)));
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                let keys = self.decoder.take(key);
                self.ready.extend(keys.into_iter().map(Input::Key));
            }
            Event::Paste(text) => self.ready.push_back(Input::Paste(text.into())),
            Event::Resize(columns, rows) => self.ready.push_back(Input::Resize(columns, rows)),
            _ => {}
        }
        self.deadline = self.decoder.is_pending().then(|| Instant::now() + self.patience);
    }
}

/// Puts keys together that came in pieces: `Esc`, `[`, `A` is an arrow.
#[derive(Debug, Default)]
pub(super) struct EscapeDecoder(Vec<KeyEvent>);

impl EscapeDecoder {
    pub(super) fn is_pending(&self) -> bool {
        !self.0.is_empty()
    }

    /// Nothing followed: the keys are what they are.
    pub(super) fn flush(&mut self) -> Vec<KeyEvent> {
        std::mem::take(&mut self.0)
    }

    /// Takes a key and gives those that are certain.
    pub(super) fn take(&mut self, key: KeyEvent) -> Vec<KeyEvent> {
        if self.0.is_empty() {
            if key.code == KeyCode::Esc && key.modifiers.is_empty() {
                self.0.push(key);
                return Vec::new();
            }
            return vec![key];
        }
        if key.code == KeyCode::Esc {
            // The first one stands for itself, the second may begin something.
            let held = self.flush();
            self.0.push(key);
            return held;
        }
        self.0.push(key);
        let rest: Option<String> = self
            .0
            .iter()
            .skip(1)
            .map(|key| match key.code {
                KeyCode::Char(character) => Some(character),
                _ => None,
            })
            .collect();
        let Some(rest) = rest else { return self.flush() };
        if let Some(decoded) = decoded(&rest) {
            self.0.clear();
            return vec![decoded];
        }
        let begins = [
            "[A", "[B", "[C", "[D", "[H", "[F", "[Z", "OP", "OA", "OB", "OC", "OD", "OH", "OF", "[3~", "[5~",
            "[6~", "[1~", "[4~",
        ];
        if begins.iter().any(|whole| whole.starts_with(&rest)) { Vec::new() } else { self.flush() }
    }
}

fn decoded(rest: &str) -> Option<KeyEvent> {
    let code = match rest {
        "[A" | "OA" => KeyCode::Up,
        "[B" | "OB" => KeyCode::Down,
        "[C" | "OC" => KeyCode::Right,
        "[D" | "OD" => KeyCode::Left,
        "[H" | "OH" | "[1~" => KeyCode::Home,
        "[F" | "OF" | "[4~" => KeyCode::End,
        "[3~" => KeyCode::Delete,
        "[5~" => KeyCode::PageUp,
        "[6~" => KeyCode::PageDown,
        "[Z" => return Some(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT)),
        "OP" => KeyCode::F(1),
        _ => return None,
    };
    Some(KeyEvent::new(code, KeyModifiers::NONE))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<KeyCode> {
        let mut decoder = EscapeDecoder::default();
        let mut codes = Vec::new();
        for character in text.chars() {
            let code = if character == '\u{1b}' { KeyCode::Esc } else { KeyCode::Char(character) };
            codes.extend(decoder.take(KeyEvent::new(code, KeyModifiers::NONE)));
        }
        codes.extend(decoder.flush());
        codes.into_iter().map(|key| key.code).collect()
    }

    #[test]
    fn a_key_that_came_in_pieces_is_put_together() {
        use KeyCode::{Char, Down, Esc, PageUp, Up};
        assert_eq!(keys("a\u{1b}[Ab"), [Char('a'), Up, Char('b')]);
        assert_eq!(keys("\u{1b}[5~\u{1b}OB"), [PageUp, Down]);
        assert_eq!(keys("\u{1b}"), [Esc]);
        assert_eq!(keys("\u{1b}x"), [Esc, Char('x')]);
        assert_eq!(keys("\u{1b}\u{1b}[A"), [Esc, Up]);
        assert_eq!(keys("\u{1b}[q"), [Esc, Char('['), Char('q')]);
    }
}

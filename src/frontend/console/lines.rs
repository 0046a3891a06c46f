//! Questions as plain lines: nothing is drawn again, no cursor moves, secrets are typed with echo off.

use std::{
    io::{self, BufRead, Write},
    thread,
};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::failure::status;

use super::{
    questions::{Question, Reply},
    signals::Signals,
    wrapping::tell,
};

/// Reads lines on a thread of its own, so that a signal can break a question off.
pub struct Lines {
    lines: UnboundedReceiver<SecretString>,
}

impl Lines {
    pub fn new() -> Self {
        let (sender, lines) = unbounded_channel();
        // It waits for a line that may never come; it ends with the program.
        thread::spawn(move || {
            let mut stdin = io::stdin().lock();
            loop {
                let mut line = Vec::new();
                match stdin.read_until(b'\n', &mut line) {
                    Ok(1..) => {}
                    _ => return,
                }
                // What is no text is refused like any other answer, by the sign that stands for it.
                let line = String::from_utf8_lossy(&line);
                let line = line.strip_suffix('\n').unwrap_or(&line);
                if sender.send(line.strip_suffix('\r').unwrap_or(line).into()).is_err() {
                    return;
                }
            }
        });
        Self { lines }
    }

    pub fn forget_pending(&mut self) {
        while self.lines.try_recv().is_ok() {}
    }

    pub async fn text(&mut self, signals: &mut Signals, question: &Question) -> Reply<SecretString> {
        let Question { title, help, default, empty, secret, judge } = question;
        let prompt = match default.as_deref().or(*empty) {
            Some(taken) => format!("{title} [{taken}]: "),
            None => format!("{title}: "),
        };
        loop {
            let line = match self.line(signals, &prompt, *secret).await {
                Reply::Is(line) => line,
                other => return other,
            };
            match (line.expose_secret().trim(), default) {
                ("<", _) => return Reply::Back,
                ("?", _) => tell(help),
                ("", Some(default)) if !secret => return Reply::Is(default.as_str().into()),
                (text, _) => {
                    // A blank at an end of a password is part of it.
                    let text: SecretString = if *secret { line.clone() } else { text.into() };
                    match judge(text.expose_secret()) {
                        Ok(()) => return Reply::Is(text),
                        Err(why) => tell(&why),
                    }
                }
            }
        }
    }

    /// Yes or no; without a word it is no.
    pub async fn confirm(&mut self, signals: &mut Signals, title: &str) -> Reply<bool> {
        loop {
            match self.line(signals, &format!("{title} yes or no [no]: "), false).await {
                Reply::Is(line) => match line.expose_secret().trim().to_lowercase().as_str() {
                    "y" | "yes" => return Reply::Is(true),
                    "" | "n" | "no" => return Reply::Is(false),
                    "<" => return Reply::Back,
                    _ => tell("Type yes or no, then Enter."),
                },
                other => return other.map(|_| false),
            }
        }
    }

    pub async fn choose(
        &mut self,
        signals: &mut Signals,
        title: &str,
        options: &[String],
        cursor: usize,
    ) -> Reply<usize> {
        tell(title);
        for (at, option) in options.iter().enumerate() {
            tell(&format!("{:>3}  {option}", at + 1));
        }
        let prompt = format!("Number, 1 to {} [{}]: ", options.len(), cursor + 1);
        loop {
            let line = match self.line(signals, &prompt, false).await {
                Reply::Is(line) => line,
                other => return other.map(|_| cursor),
            };
            match line.expose_secret().trim() {
                "" => return Reply::Is(cursor),
                "<" => return Reply::Back,
                "?" => tell("Type the number of what you want, then Enter."),
                text => match text.parse::<usize>() {
                    Ok(number) if (1..=options.len()).contains(&number) => return Reply::Is(number - 1),
                    _ => tell(&format!("That is no number from 1 to {}.", options.len())),
                },
            }
        }
    }

    async fn line(&mut self, signals: &mut Signals, prompt: &str, secret: bool) -> Reply<SecretString> {
        // Before the prompt says that somebody may type.
        let silence = secret.then(EchoOff::new).flatten();
        let mut err = anstream::AutoStream::auto(io::stderr()).lock();
        let _ = write!(err, "{prompt}").and_then(|()| err.flush());
        drop(err);
        let reply = tokio::select! {
            biased;
            status = signals.next() => {
                tell("");
                if status == status::INTERRUPTED { Reply::Interrupted } else { Reply::Stopped(status) }
            }
            line = self.lines.recv() => match line {
                Some(line) => Reply::Is(line),
                None => {
                    tell("");
                    Reply::Nothing
                }
            },
        };
        drop(silence);
        reply
    }
}

/// The terminal shows nothing of what is typed, until this is dropped; only the line's end is seen.
struct EchoOff(Termios);

impl EchoOff {
    fn new() -> Option<Self> {
        let before = tcgetattr(io::stdin()).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent).ok()?;
        Some(Self(before))
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        // What was typed half is for nobody else.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

//! One question at a time: with inquire, or as plain lines where a cursor must not move.

use std::io;

use inquire::{
    Confirm, Password, PasswordDisplayMode, Select, Text,
    ui::{RenderConfig, Styled},
    validator::{StringValidator, Validation},
};
use rustix::termios::{QueueSelector, tcflush};
use secrecy::SecretString;

use crate::{environment::Environment, failure::status};

use super::{
    lines::Lines,
    questions::{Question, Reply, asked},
    signals::Signals,
    speech::is_accessible,
    terminal::Terminal,
};

/// Who asks.
pub enum Asker {
    /// Prompts with line editing.
    Inquire(Box<RenderConfig<'static>>),
    /// Whole lines: `TERM=dumb`, `ACCESSIBLE=1`.
    Lines(Lines),
}

impl Asker {
    /// Plain lines where they are wanted or nothing else will do, else inquire.
    pub fn detect(environment: &Environment) -> Self {
        if is_accessible(environment) {
            anstream::ColorChoice::Never.write_global();
            return Self::Lines(Lines::new());
        }
        let colour = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
        let config = if colour { RenderConfig::default_colored() } else { RenderConfig::empty() };
        Self::Inquire(Box::new(config.with_canceled_prompt_indicator(Styled::new("(back)"))))
    }

    /// Does every question stand on lines of its own?
    pub fn is_lines(&self) -> bool {
        matches!(self, Self::Lines(_))
    }

    /// How to go back, get help and leave.
    pub fn keys(&self) -> &'static str {
        match self {
            Self::Inquire(_) => "Enter takes what stands in parentheses; Esc goes back, Ctrl-C leaves.",
            Self::Lines(_) => {
                "Enter takes what stands in brackets; < goes back, ? tells more, Ctrl-C leaves."
            }
        }
    }

    /// Forgets what was typed before the question was there: nobody confirms what they have not read.
    pub fn forget_pending(&mut self) {
        let _ = tcflush(io::stdin(), QueueSelector::IFlush);
        if let Self::Lines(lines) = self {
            lines.forget_pending();
        }
    }

    /// Asks for a text, until the judge takes it.
    pub async fn text(&mut self, signals: &mut Signals, question: &Question) -> Reply<SecretString> {
        let config = match self {
            Self::Lines(lines) => return lines.text(signals, question).await,
            Self::Inquire(config) => **config,
        };
        let Question { title, help, default, secret, judge, .. } = question.clone();
        let validator = move |text: &str| match judge(text) {
            Ok(()) => Ok(Validation::Valid),
            Err(why) => Ok(Validation::Invalid(why.into())),
        };
        asked(signals, move || {
            let validators: [Box<dyn StringValidator>; 1] = [Box::new(validator)];
            if secret {
                let title = match &default {
                    Some(kept) => format!("{title} ({kept})"),
                    None => title,
                };
                let prompt = Password::new(&title)
                    .with_help_message(&help)
                    .with_display_mode(PasswordDisplayMode::Masked)
                    .with_display_toggle_enabled()
                    .without_confirmation()
                    .with_validators(&validators)
                    .with_render_config(config);
                return prompt.prompt().map(Into::into);
            }
            let prompt = Text::new(&title)
                .with_help_message(&help)
                .with_validators(&validators)
                .with_render_config(config);
            match &default {
                Some(default) => prompt.with_default(default).prompt(),
                None => prompt.prompt(),
            }
            .map(Into::into)
        })
        .await
    }

    /// Asks for one of several things.
    pub async fn choose(
        &mut self,
        signals: &mut Signals,
        title: &str,
        options: &[String],
        cursor: usize,
    ) -> Reply<usize> {
        let config = match self {
            Self::Lines(lines) => return lines.choose(signals, title, options, cursor).await,
            Self::Inquire(config) => **config,
        };
        let (title, options) = (title.to_owned(), options.to_vec());
        let chosen = asked(signals, move || {
            let rows = options.len().min(12);
            Select::new(&title, options)
                .with_starting_cursor(cursor)
                .with_page_size(rows)
                .with_render_config(config)
                .raw_prompt()
                .map(|chosen| chosen.index)
        });
        chosen.await
    }
}

/// Asks for yes or no.
pub async fn confirm(terminal: &Terminal, signals: &mut Signals, question: String) -> Reply<bool> {
    if is_accessible(&terminal.surroundings.environment) {
        return Lines::new().confirm(signals, &question).await;
    }
    asked(signals, move || Confirm::new(&question).with_default(false).prompt()).await
}

/// Asks whether something may be removed; the exit status when it may not.
///
/// # Errors
/// The exit status of whoever stopped, or of an answer that is no yes.
pub async fn may_remove(terminal: &Terminal, signals: &mut Signals, question: String) -> Result<(), u8> {
    signals.listen();
    let reply = confirm(terminal, signals, question).await;
    signals.stop_listening();
    let status = match reply {
        Reply::Is(true) => return Ok(()),
        Reply::Is(false) | Reply::Back | Reply::Nothing => status::SUCCESS,
        Reply::Interrupted => status::INTERRUPTED,
        Reply::Stopped(status) => status,
    };
    terminal.note("Nothing was removed.");
    Err(status)
}

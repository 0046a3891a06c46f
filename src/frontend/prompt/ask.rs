//! One question at a time: with inquire, or as plain lines where a cursor must not move.

use std::{io, sync::Arc};

use inquire::{
    Password, PasswordDisplayMode, Select, Text,
    ui::{RenderConfig, Styled},
    validator::{StringValidator, Validation},
};
use rustix::termios::{QueueSelector, tcflush};
use secrecy::SecretString;

use crate::{
    frontend::{
        drive::Signals,
        question::{Reply, asked},
    },
    report::is_spoken,
};

use super::lines::Lines;

/// Says why a text cannot be taken.
pub(super) type Judge = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// A question for a text.
#[derive(Clone)]
pub(super) struct Question {
    /// What is asked for.
    pub(super) title: String,
    /// One line of help.
    pub(super) help: String,
    /// What Enter takes; for a secret only a word about it, and Enter gives an empty text.
    pub(super) default: Option<String>,
    /// What an empty answer means, where there is nothing to take.
    pub(super) empty: Option<&'static str>,
    /// Not to be shown.
    pub(super) secret: bool,
    /// The only judge of the text.
    pub(super) judge: Judge,
}

/// Who asks.
pub(super) enum Asker {
    /// Prompts with line editing.
    Inquire(Box<RenderConfig<'static>>),
    /// Whole lines: `TERM=dumb`, `ACCESSIBLE=1`.
    Lines(Lines),
}

impl Asker {
    /// Plain lines where they are wanted or nothing else will do, else inquire.
    pub(super) fn detect() -> Self {
        if is_accessible() {
            anstream::ColorChoice::Never.write_global();
            return Self::Lines(Lines::new());
        }
        let colour = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
        let config = if colour { RenderConfig::default_colored() } else { RenderConfig::empty() };
        Self::Inquire(Box::new(config.with_canceled_prompt_indicator(Styled::new("(back)"))))
    }

    /// Does every question stand on lines of its own?
    pub(super) fn is_lines(&self) -> bool {
        matches!(self, Self::Lines(_))
    }

    /// How to go back, get help and leave.
    pub(super) fn keys(&self) -> &'static str {
        match self {
            Self::Inquire(_) => "Enter takes what stands in parentheses; Esc goes back, Ctrl-C leaves.",
            Self::Lines(_) => {
                "Enter takes what stands in brackets; < goes back, ? tells more, Ctrl-C leaves."
            }
        }
    }

    /// Forgets what was typed before the question was there: nobody confirms what they have not read.
    pub(super) fn forget_pending(&mut self) {
        let _ = tcflush(io::stdin(), QueueSelector::IFlush);
        if let Self::Lines(lines) = self {
            lines.forget_pending();
        }
    }

    /// Asks for a text, until the judge takes it.
    pub(super) async fn text(&mut self, signals: &mut Signals, question: &Question) -> Reply<SecretString> {
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
    pub(super) async fn choose(
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

/// A screen reader follows, or the terminal cannot move its cursor.
pub fn is_accessible() -> bool {
    let term = std::env::var("TERM").unwrap_or_default();
    term.is_empty() || term == "dumb" || is_spoken()
}

//! Signs and colours. A state is always a sign and a word, so that nothing depends on either.

use anstyle::{AnsiColor, Effects, Style as Ansi};

use crate::{environment::Environment, text::visible, workflow::RungState};

/// How text is decorated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Plain signs: `[x]` instead of `✓`.
    pub ascii: bool,
    /// Words instead of signs, for those who listen.
    pub words: bool,
}

impl Style {
    /// Plain signs when asked for, when the locale is not UTF-8, or on the Linux console.
    pub fn detect(ascii: bool, environment: &Environment) -> Self {
        let name = |key| environment.text(key);
        let locale = name("LC_ALL").or_else(|| name("LC_CTYPE")).or_else(|| name("LANG")).unwrap_or_default();
        let locale = locale.to_ascii_lowercase().replace('-', "");
        let plain = !locale.contains("utf8") || name("TERM") == Some("linux");
        Self { ascii: ascii || plain, words: is_spoken(environment) }
    }

    /// Words instead of signs, when somebody listens.
    #[must_use]
    pub fn spoken(self, words: bool) -> Self {
        Self { words, ..self }
    }

    /// The sign of a state, in its colour.
    pub fn sign(self, state: RungState) -> String {
        let (sign, plain, word, colour) = match state {
            RungState::Passed => ("✓", "[x]", "ok:", AnsiColor::Green),
            RungState::Warned => ("!", "[!]", "warning:", AnsiColor::Yellow),
            RungState::Failed => ("✗", "[X]", "failed:", AnsiColor::Red),
            RungState::NotNeeded => ("–", "[-]", "not needed:", AnsiColor::White),
        };
        let sign = match (self.words, self.ascii) {
            (true, _) => word,
            (false, true) => plain,
            (false, false) => sign,
        };
        if state == RungState::NotNeeded {
            return self.dim(sign);
        }
        let style = Ansi::new().fg_color(Some(colour.into()));
        format!("{style}{sign}{style:#}")
    }

    /// The sign of what is to come.
    pub fn pending(self) -> &'static str {
        match (self.words, self.ascii) {
            (true, _) => "to do:",
            (false, true) => "[ ]",
            (false, false) => "○",
        }
    }

    /// Text that matters less.
    pub fn dim(self, text: &str) -> String {
        let style = Ansi::new().effects(Effects::DIMMED);
        format!("{style}{text}{style:#}")
    }

    /// Text in which every sign is one that the terminal has.
    ///
    /// What a server or a file says is shown, never obeyed: characters that nobody sees are spelt out.
    pub fn text(self, text: &str) -> String {
        if self.words && text == "–" {
            return "none".into();
        }
        let mut shown = String::with_capacity(text.len());
        for character in visible(text, false).chars() {
            match character {
                '→' if self.words => shown.push_str("to"),
                '→' if self.ascii => shown.push_str("->"),
                '…' if self.ascii => shown.push_str("..."),
                '–' if self.ascii => shown.push('-'),
                _ => shown.push(character),
            }
        }
        shown
    }
}

/// Somebody listens: `ACCESSIBLE=1`.
pub fn is_spoken(environment: &Environment) -> bool {
    !matches!(environment.text("ACCESSIBLE"), None | Some("0"))
}

/// Pads to a width in columns, wide characters measured right.
pub(super) fn pad(text: &str, width: usize) -> String {
    let have = unicode_width::UnicodeWidthStr::width(text);
    format!("{text}{}", " ".repeat(width.saturating_sub(have)))
}

/// How long something took: `0.4 ms`, `1.2 s`.
pub(super) fn milliseconds(ms: f64) -> String {
    if ms < 1_000.0 { format!("{ms:.1} ms") } else { format!("{:.1} s", ms / 1_000.0) }
}

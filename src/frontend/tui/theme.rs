//! Signs and colours of the screens: the terminal's own palette, one accent, colour on the sign alone.

use ratatui::{
    style::{Color, Modifier, Style as Paint},
    text::Span,
};

use crate::{report::Style, workflow::RungState};

/// What a sign says; always beside a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Done,
    Here,
    ToCome,
    Warning,
    Failed,
    NotNeeded,
    UnderWay,
}

impl From<RungState> for Sign {
    fn from(state: RungState) -> Self {
        match state {
            RungState::Passed => Self::Done,
            RungState::Warned => Self::Warning,
            RungState::Failed => Self::Failed,
            RungState::NotNeeded => Self::NotNeeded,
        }
    }
}

/// How everything is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Plain signs: `[x]` instead of `✓`.
    pub ascii: bool,
    /// Colours; off for `NO_COLOR` and `--color never`.
    pub color: bool,
}

impl Theme {
    pub(super) fn sign(self, sign: Sign) -> Span<'static> {
        let (text, plain, color) = match sign {
            Sign::Done => ("✓", "[x]", Some(Color::Green)),
            Sign::Here => ("●", "[*]", Some(Color::Cyan)),
            Sign::ToCome => ("○", "[ ]", None),
            Sign::Warning => ("!", "[!]", Some(Color::Yellow)),
            Sign::Failed => ("✗", "[X]", Some(Color::Red)),
            Sign::NotNeeded => ("–", "[-]", None),
            Sign::UnderWay => ("…", "[.]", Some(Color::Cyan)),
        };
        let text = if self.ascii { plain } else { text };
        match color {
            Some(color) => Span::styled(text, self.painted(color)),
            None => Span::styled(text, self.dim()),
        }
    }

    /// Columns of a sign.
    pub(super) fn sign_width(self) -> usize {
        if self.ascii { 3 } else { 1 }
    }

    pub(super) fn accent(self) -> Paint {
        self.painted(Color::Cyan)
    }

    pub(super) fn painted(self, color: Color) -> Paint {
        if self.color { Paint::new().fg(color) } else { Paint::new() }
    }

    pub(super) fn dim(self) -> Paint {
        Paint::new().add_modifier(Modifier::DIM)
    }

    pub(super) fn bold(self) -> Paint {
        Paint::new().add_modifier(Modifier::BOLD)
    }

    /// The cursor of a list, in these columns.
    pub(super) fn cursor(self, here: bool, columns: usize) -> Span<'static> {
        if here {
            Span::styled(format!("{:>1$} ", ">", columns - 1), self.accent())
        } else {
            Span::raw(" ".repeat(columns))
        }
    }

    /// Text on which the cursor may stand.
    pub(super) fn chosen(self, here: bool) -> Paint {
        if here { self.bold() } else { Paint::new() }
    }

    pub(super) fn reversed(self) -> Paint {
        Paint::new().add_modifier(Modifier::REVERSED)
    }

    /// Text with signs that the terminal has and no control characters.
    pub(super) fn text(self, text: &str) -> String {
        Style { ascii: self.ascii, words: false }.text(text)
    }

    /// What stands for what does not fit.
    pub(super) fn ellipsis(self) -> &'static str {
        if self.ascii { "..." } else { "…" }
    }

    /// The plain sign for one drawn cell, where the terminal has no others.
    pub(super) fn plain(symbol: &str) -> Option<&'static str> {
        match symbol {
            "─" => Some("-"),
            "│" => Some("|"),
            "█" => Some("#"),
            "░" => Some("."),
            "•" => Some("*"),
            "↑" => Some("^"),
            "↓" => Some("v"),
            other if other.is_ascii() => None,
            _ => Some("?"),
        }
    }
}

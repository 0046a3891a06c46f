//! The help: every key that does something here, from the table of keys.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::frontend::tui::{
    app::{App, Page},
    keymap::{self, Place},
    text::{pad, width},
};

use super::Canvas;

/// Where the keys are pressed that the help names: a field may be a secret, and whoever asks for help types nowhere.
fn place(app: &App) -> Place {
    match app.place_on_page() {
        Place::Text => Place::Secret,
        Place::Path => Place::Home,
        Place::Search if app.page == Page::Home => Place::Home,
        Place::Search if app.page != Page::Run => Place::Images,
        Place::Search => Place::Run,
        place => place,
    }
}

pub(super) fn page(app: &App, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    canvas.title(" Keys on this page", "Esc closes this");
    let rows = keymap::help(place(app));
    canvas.blank_if(rows.len().div_ceil(2));
    let half = (canvas.columns() / 2).saturating_sub(2);
    let entry = |(key, label): &(&str, &str)| {
        let key = app.key_name(key);
        vec![
            Span::raw("   "),
            Span::styled(pad(&key, 14, ""), theme.bold()),
            Span::raw(pad(label, half.saturating_sub(17), theme.ellipsis())),
        ]
    };
    let split = rows.len().div_ceil(2);
    for at in 0..split {
        let mut spans = rows.get(at).map(entry).unwrap_or_default();
        spans.extend(rows.get(split + at).map(entry).unwrap_or_default());
        canvas.line(Line::from(spans));
    }
    canvas.blank_if(3);
    let words = match app.page {
        Page::Section(_) => {
            "In a text field also: Home End ^A ^E move, ^W takes a word out, ^U all. Checks begin when a field is left, and leave no trace."
        }
        Page::Review => "w is off while something is in the way. Nothing is written before it is pressed.",
        Page::Run => "^C finishes the unit of work under way and stops; a second one leaves at once.",
        _ => "Nothing is written to a server until you press w.",
    };
    canvas.words(3, words, theme.dim());
}

/// The column at the right of a wide screen: what this section is, and where each value may come from.
pub(super) fn column(app: &App, buffer: &mut Buffer, area: Rect) {
    let theme = app.theme;
    let Page::Section(at) = app.page else { return };
    let Some(form) = app.forms.get(at) else { return };
    let mut canvas = Canvas::new(buffer, area, theme);
    canvas.line(Line::styled(form.section.title, theme.dim()));
    canvas.blank();
    canvas.words(0, form.section.intro, theme.dim());
    for field in &form.fields {
        canvas.blank_if(3);
        let variable = field.variable;
        let title = variable.title;
        let blanks = canvas.columns().saturating_sub(width(title) + 1);
        canvas.line(Line::styled(format!("{title}{}", " ".repeat(blanks)), theme.bold()));
        canvas.words(0, variable.help, theme.dim());
        canvas.words(0, variable.key, theme.dim());
        canvas.words(0, &variable.env(), theme.dim());
    }
}

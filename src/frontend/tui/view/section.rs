//! A page of variables with its live check.

use ratatui::{
    layout::Position,
    text::{Line, Span},
};
use secrecy::ExposeSecret;
use unicode_width::UnicodeWidthStr;

use crate::{
    frontend::tui::{
        app::App,
        form::{Entry, Field, Form},
        text::{self, pad},
        theme::Sign,
    },
    guide::{Default, Origin},
};

use super::{Canvas, ladder};

pub(super) fn page(app: &App, canvas: &mut Canvas<'_>, at: usize) -> Option<Position> {
    let form = app.forms.get(at)?;
    canvas.title(form.section.title, "");
    if canvas.rows() > 14 {
        canvas.words(0, form.section.intro, canvas.theme.dim());
        canvas.blank();
    }
    let cursor = fields(app, canvas, form, true);
    for failure in app.problems_of(at).iter().filter(|failure| !is_mere_gap(failure)) {
        ladder::failed(canvas, 0, failure);
    }
    for note in app.notes_of(at) {
        ladder::failed(canvas, 0, &note);
    }
    if app.has_check(at) {
        ladder::draw(app, canvas, at);
    }
    cursor
}

/// A required answer that is not given yet needs no message of its own.
fn is_mere_gap(failure: &crate::failure::Failure) -> bool {
    failure.code == crate::failure::Code::AnswersMissing
}

/// Draws the fields with message and help; gives the place of the cursor when the form has the focus.
pub(super) fn fields(app: &App, canvas: &mut Canvas<'_>, form: &Form, focused: bool) -> Option<Position> {
    let label = form.fields.iter().map(|field| text::width(field.variable.title)).max().unwrap_or(0) + 3;
    let mut cursor = None;
    for (at, field) in form.fields.iter().enumerate() {
        let here = focused && at == form.focus;
        let (x, y) = canvas.at();
        let offset = one(app, canvas, field, label, here);
        if here {
            cursor = offset.map(|offset| Position::new(x + offset, y));
        }
        if let Some(error) = &field.error {
            canvas.message(2 + label, Sign::Failed, &error.what, Line::default());
            if let Some(remedy) = error.remedy.as_ref().filter(|_| canvas.left() > 6) {
                canvas.words(4 + label, remedy, canvas.theme.dim());
            }
        }
    }
    if let (true, Some(field)) = (focused, form.field()) {
        // As many lines as the longest help takes: nothing jumps when the focus moves.
        let room = canvas.columns().saturating_sub(1).max(1);
        let lines = |help: &str| text::wrap(help, room).len();
        let most = form.fields.iter().map(|field| lines(field.variable.help)).max().unwrap_or(1);
        let own = lines(field.variable.help);
        canvas.words(0, field.variable.help, canvas.theme.dim());
        (own..most).for_each(|_| canvas.blank());
    }
    cursor
}

/// One field; gives how far from the left the cursor stands.
pub(super) fn one(
    app: &App,
    canvas: &mut Canvas<'_>,
    field: &Field,
    label: usize,
    here: bool,
) -> Option<u16> {
    let theme = canvas.theme;
    let first = 2 + label;
    let origin = origin(app, field);
    let room = canvas.columns().saturating_sub(first + text::width(&origin) + 3).max(1);
    let (value, offset) = value(field, room, here, theme.ellipsis());
    let title = pad(field.variable.title, label, theme.ellipsis());
    let title = if here { Span::styled(title, theme.bold()) } else { Span::raw(title) };
    let mark = theme.cursor(here, 2);
    let value = match value {
        Some(value) => Span::raw(theme.text(&value)),
        None => Span::styled(theme.text(&placeholder(field)), theme.dim()),
    };
    canvas.ends(Line::from(vec![mark, title, value]), Span::styled(theme.text(&origin), theme.dim()));
    u16::try_from(first + offset).ok()
}

/// What is shown of a field, and where the cursor is in it.
pub(super) fn value(field: &Field, room: usize, here: bool, ellipsis: &str) -> (Option<String>, usize) {
    if field.is_empty() {
        return (None, 0);
    }
    match &field.entry {
        Entry::Text(input) if here => {
            let scroll = input.visual_scroll(room.saturating_sub(1));
            let mut skipped = 0;
            let tail: String = input
                .value()
                .chars()
                .skip_while(|character| {
                    let wide = unicode_width::UnicodeWidthChar::width(*character).unwrap_or(0);
                    let skip = skipped + wide <= scroll;
                    skipped += if skip { wide } else { 0 };
                    skip && scroll > 0
                })
                .collect();
            (Some(text::head(&tail, room)), input.visual_cursor().saturating_sub(skipped).min(room))
        }
        Entry::Text(input) => (Some(text::cut(input.value(), room, ellipsis)), 0),
        Entry::Secret(secret) if field.revealed => {
            let shown: String = secret.expose_secret().chars().flat_map(char::escape_debug).collect();
            let end = shown.width().min(room);
            (Some(text::cut(&shown, room, ellipsis)), end)
        }
        // Always the same number of dots: the length is nobody's business.
        Entry::Secret(_) => (Some("••••••••".into()), 8),
    }
}

/// What counts while nothing is typed.
fn placeholder(field: &Field) -> String {
    match field.variable.default {
        Default::Required => String::new(),
        Default::Unset(what) => what.to_owned(),
        Default::Value(value) => value.to_owned(),
    }
}

/// Where the value comes from, when it was not typed.
fn origin(app: &App, field: &Field) -> String {
    let given = app.answers.given(field.variable.key).filter(|_| !field.is_dirty());
    match given.map(|given| (&given.origin, given.reference())) {
        Some((_, Some(reference))) => format!("from {reference}"),
        Some((Origin::Environment(name), _)) => format!("from {name}"),
        Some((Origin::File(place), _)) => format!("from {place}"),
        Some((Origin::Flag, _)) => "from --set".into(),
        Some((Origin::Development, _)) => "development".into(),
        Some((Origin::Draft, _)) => "kept".into(),
        Some((Origin::Typed | Origin::Default, _)) => String::new(),
        None if field.is_empty() => match field.variable.default {
            Default::Required => "needed".into(),
            Default::Unset(_) | Default::Value(_) => "default".into(),
        },
        None => String::new(),
    }
}

//! Questions: on leaving, and before something foreign is overwritten.

use ratatui::{
    layout::Position,
    style::Style,
    text::{Line, Span},
};
use tui_input::Input;

use crate::{
    failure::Failure,
    frontend::{
        tui::{
            app::{App, Ask, Grant},
            text,
            theme::Sign,
        },
        wizard::home::Wish,
    },
    workflow::Outcome,
};

use super::{Canvas, ladder, section};

/// One secret of a target that is kept nowhere.
pub(super) fn ask(app: &App, canvas: &mut Canvas<'_>, ask: &Ask) {
    let theme = canvas.theme;
    let variable = ask.field.variable;
    canvas.title(&app.name(), "nothing is written yet");
    canvas.blank();
    let section = app
        .sections()
        .into_iter()
        .find(|section| section.variables.iter().any(|known| known.key == variable.key));
    canvas.words(
        0,
        &format!("{}: one answer is kept nowhere.", section.map_or("", |it| it.title)),
        Style::new(),
    );
    for note in app.notices.iter().filter(|note| note.variable() == Some(variable.key)) {
        if let Some(why) = &note.why {
            canvas.words(0, why, theme.dim());
        }
    }
    canvas.blank();
    let (x, y) = canvas.at();
    let label = text::width(variable.title) + 3;
    let offset = section::one(app, canvas, &ask.field, label, true);
    canvas.cursor = offset.map(|offset| Position::new(x + offset, y));
    if let Some(error) = &ask.field.error {
        canvas.message(2 + label, Sign::Failed, &error.what, Line::default());
    }
    canvas.words(0, variable.help, theme.dim());
    canvas.blank();
    let then = match ask.wish {
        Wish::Review => "its review",
        Wish::Stages => "its stages",
        Wish::Undo => "what its last run wrote",
    };
    canvas.words(0, &format!("Enter shows {then}. What you type is not kept."), theme.dim());
}

pub(super) fn leave(app: &App, canvas: &mut Canvas<'_>, cursor: usize) {
    let theme = canvas.theme;
    canvas.line(Span::styled(" Leave?", theme.bold()));
    canvas.blank();
    let under_way = app.run.as_ref().filter(|run| run.state.summary.is_none() && run.refused.is_empty());
    let writes = under_way.map(|run| run.state.count(|outcome| matches!(outcome, Outcome::Changed(_))) > 0);
    canvas.words(1, app.round.leaving(writes), Style::new());
    canvas.blank();
    canvas.choices(&["Stay", "Leave"], cursor);
}

pub(super) fn confirm(canvas: &mut Canvas<'_>, failure: &Failure, grants: Grant, input: &Input) -> Position {
    let theme = canvas.theme;
    canvas.line(Span::styled(" Overwrite it?", theme.bold()));
    canvas.blank();
    ladder::failed(canvas, 1, &Failure { remedy: None, ..failure.clone() });
    canvas.blank();
    let words = match grants {
        Grant::Mount => "the path in etcd becomes yours once you press w",
        Grant::StaleKeys => "keys of the older list are removed once you press w",
        Grant::Published => "keypairs that anybody can use get new secrets once you press w",
        Grant::Usage => "table usage and its rows are dropped once you press w",
    };
    canvas.words(
        1,
        &format!("Type {} and Enter: {words}. Esc leaves everything as it is.", grants.word()),
        Style::new(),
    );
    canvas.blank();
    canvas.input(" > ", input)
}

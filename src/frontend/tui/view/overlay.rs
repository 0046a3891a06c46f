//! Questions: on leaving, and before something foreign is overwritten.

use ratatui::{layout::Position, style::Style, text::Span};
use tui_input::Input;

use crate::{
    failure::Failure,
    frontend::tui::app::{App, Grant},
    workflow::Outcome,
};

use super::{Canvas, ladder};

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

//! The menu: every stage with its live state; each can be run alone.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use crate::{
    failure::Code,
    frontend::tui::{app::App, text::pad, theme::Sign},
    workflow::{About, StageStatus},
};

use super::{Canvas, ladder};

pub(super) fn page(app: &App, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let right = if app.survey.since.is_some() { "looking at the servers" } else { "when it last ran" };
    canvas.title(" Stages, each alone", right);
    canvas.blank_if(12);
    let abouts = app.setup.stage_abouts();
    for (at, about) in abouts.iter().enumerate() {
        stage(app, canvas, about, at == app.menu_cursor);
    }
    canvas.blank_if(3);
    if let Some(Err(problems)) = &app.survey.result {
        let missing = (0..app.forms.len()).filter(|at| !app.is_complete(*at));
        let missing: Vec<&str> = missing.map(|at| app.forms[at].section.title).collect();
        if !missing.is_empty() {
            let words = format!("Not all is answered: {}", missing.join(", "));
            canvas.message(1, Sign::Warning, &words, Line::default());
            let words = "Enter looks at one stage; it needs the answers of its own sections alone.";
            canvas.words(2 + theme.sign_width(), words, theme.dim());
        }
        for problem in problems.iter().filter(|problem| problem.code != Code::AnswersMissing) {
            ladder::failed(canvas, 1, problem);
        }
        return;
    }
    if let Some(about) = abouts.get(app.menu_cursor) {
        canvas.rule(about.title);
        canvas.words(2, &format!("{}  ({})", about.summary, about.id), Style::new());
        let state = app.survey.stages().iter().find(|state| state.stage == about.id);
        if let Some(failure) = state.and_then(|state| state.failure.as_ref()) {
            ladder::failed(canvas, 2, failure);
        } else {
            canvas.words(2, "Enter shows its changes; w there runs it, and nothing else.", theme.dim());
        }
    }
}

/// One stage: what is there, and when it last ran.
fn stage(app: &App, canvas: &mut Canvas<'_>, about: &About, here: bool) {
    let theme = canvas.theme;
    let state = app.survey.stages().iter().find(|state| state.stage == about.id);
    let (sign, word, words) = match (state, &app.survey.result) {
        (Some(state), _) => {
            let sign = match state.state {
                StageStatus::Done => Sign::Done,
                StageStatus::Pending => Sign::ToCome,
                StageStatus::Conflict | StageStatus::Failed => Sign::Failed,
            };
            (sign, state.state.word(), state.summary.clone())
        }
        (None, Some(_)) => (Sign::NotNeeded, "unknown", String::new()),
        (None, None) => (Sign::UnderWay, "looking", String::new()),
    };
    let last = app.remembered.iter().find(|(id, _)| *id == about.id);
    let last = last.map_or("never", |(_, when)| when.as_str()).to_owned();
    let mark = canvas.mark(here, 3);
    let style = theme.chosen(here);
    canvas.ends(
        Line::from(vec![
            mark,
            theme.sign(sign),
            Span::raw(" "),
            Span::styled(pad(about.title, 15, ""), style),
            Span::raw(pad(word, 10, "")),
            Span::raw(theme.text(&words)),
        ]),
        Span::styled(last, theme.dim()),
    );
}

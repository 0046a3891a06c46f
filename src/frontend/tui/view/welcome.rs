//! The first page.

use ratatui::{
    layout::Position,
    text::{Line, Span},
};

use crate::{
    devstack::{Seen, SeenState},
    frontend::tui::{
        app::{App, Choice},
        text::pad,
        theme::Sign,
    },
};

use super::{Canvas, canvas::duration, ladder};

pub(super) fn page(app: &App, canvas: &mut Canvas<'_>) -> Option<Position> {
    let theme = canvas.theme;
    let roomy = canvas.rows() >= 18;
    // Where room is short, what went wrong needs it more.
    let failures = &app.welcome.failures;
    let obstacle = app.welcome.look.as_ref().and_then(|look| look.obstacle.as_ref());
    let obstacle = obstacle.filter(|it| app.welcome.starting.is_none() && !failures.contains(it));
    let short = obstacle.is_some() || (!roomy && !failures.is_empty());
    canvas.line(Span::styled(" Prepare etcd and PostgreSQL for the Backend.AI manager", theme.bold()));
    if roomy {
        canvas.blank();
    }
    let what_for = [
        ("etcd", "the image list, its aliases and the shared folder"),
        ("PostgreSQL", "the database, its schema and two new keypairs"),
        ("files", "alembic.ini, manager.env, keypairs.yml"),
    ];
    for (title, what) in what_for.into_iter().filter(|_| !short) {
        canvas.line(format!("   {}{what}", pad(title, 14, theme.ellipsis())));
    }
    if roomy {
        if !short {
            canvas.blank();
        }
        canvas.line(" Checks leave no trace. Nothing is written to a server until you press w.");
        canvas.blank();
        canvas.line(Span::styled(" Where are your servers?", theme.bold()));
        canvas.blank();
    }
    let mut cursor = None;
    for (at, choice) in app.choices().into_iter().enumerate() {
        cursor = one(app, canvas, choice, at == app.welcome.cursor).or(cursor);
    }
    for failure in failures.iter().chain(obstacle) {
        canvas.blank_if(4);
        ladder::failed(canvas, 1, failure);
    }
    cursor
}

fn one(app: &App, canvas: &mut Canvas<'_>, choice: Choice, here: bool) -> Option<Position> {
    let theme = canvas.theme;
    let words = choice.words(app.unfinished.as_ref());
    let right = if choice == Choice::Development { "2 keys to done" } else { "" };
    let mark = theme.cursor(here, 3);
    let style = theme.chosen(here);
    canvas.ends(
        Line::from(vec![mark, Span::styled(theme.text(&words), style)]),
        Span::styled(right, theme.dim()),
    );
    match choice {
        Choice::Development => development(app, canvas),
        Choice::File => {
            return app.welcome.path.as_ref().map(|input| canvas.input("     Path   ", input));
        }
        _ => {}
    }
    None
}

fn development(app: &App, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    if let Some(lines) = &app.welcome.starting {
        for line in lines {
            canvas.message(5, Sign::Done, line, Line::default());
        }
        canvas.message(5, Sign::UnderWay, "starting etcd and PostgreSQL", Line::default());
        return;
    }
    let Some(look) = &app.welcome.look else {
        canvas.message(5, Sign::UnderWay, "looking at localhost", Line::default());
        return;
    };
    for seen in [&look.postgres, &look.etcd] {
        server(canvas, seen);
    }
    let (path, exists) = &look.mount;
    let (sign, what) = if *exists { (Sign::Done, "is there") } else { (Sign::ToCome, "will be made") };
    let what = pad(what, 17, "");
    let path = path.display().to_string();
    canvas.ends(
        Line::from(vec![
            Span::raw("     "),
            theme.sign(sign),
            Span::raw(format!(" {}{what}{}", pad("folder", 12, ""), theme.text(&path))),
        ]),
        Line::default(),
    );
}

fn server(canvas: &mut Canvas<'_>, seen: &Seen) {
    let theme = canvas.theme;
    let sign = match &seen.state {
        SeenState::Answers { .. } | SeenState::Used { .. } => Sign::Done,
        SeenState::WillStart { .. } => Sign::ToCome,
        SeenState::Silent => Sign::Warning,
        SeenState::InTheWay { .. } => Sign::Failed,
    };
    let right = match seen.state {
        SeenState::Answers { .. } | SeenState::Used { .. } => Line::raw(duration(seen.latency_ms)),
        _ => Line::default(),
    };
    let address = pad(&format!("localhost:{}", seen.port), 17, "");
    let words = format!(" {}{address}{}", pad(seen.title, 12, ""), theme.text(&seen.state.words()));
    canvas.ends(Line::from(vec![Span::raw("     "), theme.sign(sign), Span::raw(words)]), right);
}

//! A run: while it is under way its stages with the log of one of them, and its receipt once it has ended.

use ratatui::{
    layout::Position,
    style::Style,
    text::{Line, Span},
};

use crate::{
    frontend::tui::{
        app::App,
        running::RunPage,
        text::{self, cut},
        theme::{Sign, Theme},
    },
    report::Tone,
};

use super::{Canvas, receipt};

pub(super) fn page(app: &App, canvas: &mut Canvas<'_>) {
    let Some(run) = app.run.as_ref() else { return };
    heading(app, run, canvas);
    if run.has_ended() && !run.log_open {
        return receipt::page(app, run, canvas);
    }
    canvas.blank_if(14);
    // The log has its room: of many stages those around the one whose log it is show.
    let room = canvas.left().saturating_sub(6).max(1);
    let lines = run.stage_lines();
    let top = match lines.len() <= room {
        true => 0,
        false => run.shown().saturating_sub(room / 2).min(lines.len() - room),
    };
    for (at, line) in lines.iter().enumerate().skip(top).take(room) {
        receipt::stage(canvas, line, at == run.shown());
        let is_shown = at == run.shown() && line.sign == Sign::UnderWay && canvas.rows() > 14;
        if let Some(bar) =
            is_shown.then(|| bar(app, run, canvas.columns().min(60).saturating_sub(8))).flatten()
        {
            canvas.line(bar);
        }
    }
    canvas.blank_if(8);
    log(app, run, canvas);
}

/// What it came to, the whole of it, and how long it took.
fn heading(app: &App, run: &RunPage, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let time = app.run_time(run);
    let first = 2 + theme.sign_width();
    let room = canvas.columns().saturating_sub(first + text::width(&time) + 4).max(1);
    let mut lines = text::wrap(&theme.text(&run.heading()), room).into_iter();
    let words = Span::styled(lines.next().unwrap_or_default(), theme.bold());
    let left = vec![Span::raw(" "), theme.sign(run.verdict()), Span::raw(" "), words];
    canvas.ends(Line::from(left), Span::styled(time, theme.dim()));
    for line in lines {
        canvas.line(Line::styled(format!("{}{line}", " ".repeat(first)), theme.bold()));
    }
}

/// How far the stage under way is.
fn bar(app: &App, run: &RunPage, cells: usize) -> Option<Line<'static>> {
    let live = run.state.stages.iter().filter(|stage| stage.outcome.is_none());
    let (done, total) = live.filter_map(|stage| stage.progress).next_back()?;
    let full = (done * cells).checked_div(total)?.min(cells);
    Some(Line::from(vec![
        Span::raw("     "),
        Span::styled("█".repeat(full), app.theme.accent()),
        Span::styled("░".repeat(cells - full), app.theme.dim()),
    ]))
}

/// The log of one stage, in the rows that are left.
fn log(app: &App, run: &RunPage, canvas: &mut Canvas<'_>) {
    let theme = app.theme;
    let Some(id) = run.order.get(run.shown()) else { return };
    let title = run.setup.stage_title(id);
    let began = run.log().and_then(|log| log.began).map_or_else(
        || title.to_owned(),
        |began| format!("{title}, since {}", began.to_zoned_datetime(app.zone.clone()).strftime("%H:%M:%S")),
    );
    canvas.rule(&began);
    let shown = run.lines();
    let room = canvas.left().saturating_sub(1).max(1);
    let top = run.top(room);
    if let Some(log) = run.log() {
        for at in shown.iter().skip(top).take(room) {
            if let Some(line) = log.lines.get(*at) {
                canvas.line(log_line(theme, line, run.search.value()));
            }
        }
    }
    canvas.bottom(1);
    if run.search_open {
        let (x, y) = canvas.at();
        canvas.line(format!(" / {}", theme.text(run.search.value())));
        let column = u16::try_from(3 + run.search.visual_cursor()).unwrap_or_default();
        canvas.cursor = Some(Position::new(x + column, y));
        return;
    }
    let mut state = Vec::new();
    if let Some(dropped) = run.log().map(|log| log.dropped).filter(|dropped| *dropped > 0) {
        state.push(format!("{dropped} earlier lines are in the transcript"));
    }
    if run.errors_only {
        state.push("errors only".into());
    }
    if run.follow {
        state.push("following".into());
    } else {
        state.push(format!("line {} of {}", top + 1, shown.len()));
    }
    let state = cut(&state.join(", "), canvas.columns().saturating_sub(2), theme.ellipsis());
    let blanks = canvas.columns().saturating_sub(text::width(&state) + 1);
    canvas.line(Line::styled(format!("{}{state}", " ".repeat(blanks)), theme.dim()));
}

fn log_line(theme: Theme, line: &crate::report::Line, wanted: &str) -> Line<'static> {
    let words = theme.text(&line.text);
    let sign = match line.level {
        Tone::Info => Span::raw(""),
        Tone::Good => theme.sign(Sign::Done),
        Tone::Warning => theme.sign(Sign::Warning),
        Tone::Error => theme.sign(Sign::Failed),
    };
    let gap = if line.level == Tone::Info { "" } else { " " };
    let hit = !wanted.is_empty() && words.to_lowercase().contains(&wanted.to_lowercase());
    let style = if hit { theme.reversed() } else { Style::new() };
    let offset = format!(" +{:.3} ", line.after.as_secs_f64());
    Line::from(vec![Span::styled(offset, theme.dim()), sign, Span::raw(gap), Span::styled(words, style)])
}

//! A run: the stages at the left, the log of one of them at the right, and what to do after a failure.

use ratatui::{
    layout::Position,
    style::Style,
    text::{Line, Span},
};

use crate::{
    failure::{Code, Failure},
    frontend::{
        tui::{
            app::App,
            running::RunPage,
            text::{self, cut, pad},
            theme::Sign,
        },
        wizard::run::Remedy,
    },
    report::Tone,
    workflow::Outcome,
};

use super::{Canvas, canvas::duration, ladder::code};

pub(super) fn page(app: &App, canvas: &mut Canvas<'_>) -> Option<Position> {
    let run = app.run.as_ref()?;
    let failed = run.has_failed();
    let panel = if failed { 12.min(canvas.rows().saturating_sub(4)) } else { 0 };
    let rows = canvas.rows() - panel;
    // The log needs its room: on a narrow screen times and bar go first.
    let left = if canvas.columns() >= 78 { 35 + app.theme.sign_width() } else { 28 };
    let stages = stage_lines(app, run, left, rows);
    let log = log_lines(app, run, canvas.columns().saturating_sub(left + 4), rows);
    let bar = if app.theme.ascii { "|" } else { "│" };
    for row in 0..rows {
        let mut line = stages.get(row).cloned().unwrap_or_default();
        line = text::cut_line(line, left, app.theme.ellipsis());
        let blanks = left.saturating_sub(line.width());
        line.spans.push(Span::styled(format!("{} {bar} ", " ".repeat(blanks)), app.theme.dim()));
        line.spans.extend(log.get(row).cloned().unwrap_or_default().spans);
        canvas.line(line);
    }
    let mut cursor = None;
    if run.search_open {
        let column = left + 3 + 2 + run.search.visual_cursor();
        let (x, y) = canvas.at();
        cursor = Some(Position::new(x + u16::try_from(column).ok()?, y.saturating_sub(1)));
    }
    if failed {
        panel_of(app, run, canvas);
    }
    cursor
}

fn stage_lines(app: &App, run: &RunPage, left: usize, rows: usize) -> Vec<Line<'static>> {
    let theme = app.theme;
    let mut lines = Vec::new();
    for (at, id) in run.order.iter().enumerate() {
        let progress = run.state.stages.iter().find(|stage| stage.stage == *id);
        let (sign, words) = match progress.map(|stage| (&stage.outcome, stage.progress)) {
            None => (Sign::ToCome, String::new()),
            Some((None, progress)) => {
                let words = progress.map_or(String::new(), |(done, total)| format!("{done} of {total}"));
                (Sign::UnderWay, words)
            }
            Some((Some(Outcome::Changed(done)), _)) => (Sign::Done, run.state.wrote(id, done.changes)),
            Some((Some(Outcome::Unchanged { .. }), _)) => (Sign::Done, "as it was".into()),
            Some((Some(Outcome::Failed { .. }), progress)) => {
                let words = progress.map_or("failed".into(), |(done, total)| format!("{done} of {total}"));
                (Sign::Failed, words)
            }
            Some((Some(Outcome::Skipped { .. }), _)) => (Sign::NotNeeded, "not begun".into()),
            Some((Some(Outcome::LeftOut), _)) => (Sign::NotNeeded, "skipped".into()),
            Some((Some(Outcome::Cancelled { left: None }), _)) => (Sign::NotNeeded, "not begun".into()),
            Some((Some(Outcome::Cancelled { .. }), _)) => (Sign::NotNeeded, "stopped".into()),
        };
        let here = at == run.shown();
        let style = theme.chosen(here);
        let ended = matches!(sign, Sign::Done | Sign::Failed);
        let took = run.logs.of(id).and_then(|log| log.took_ms).filter(|_| ended && left > 30);
        let time = took.map_or(String::new(), |ms| duration(ms as f64));
        let words = pad(&words, 10, theme.ellipsis());
        lines.push(Line::from(vec![
            Span::raw(" "),
            theme.sign(sign),
            Span::raw(" "),
            Span::styled(pad(run.setup.stage_title(id), 14, ""), style),
            Span::raw(words),
            Span::styled(if left > 30 { format!("{time:>8}") } else { String::new() }, theme.dim()),
        ]));
    }
    if let Some(bar) = bar(app, run, left.saturating_sub(4)).filter(|_| lines.len() + 2 < rows) {
        lines.push(Line::default());
        lines.push(bar);
    }
    if lines.len() + 1 < rows {
        let end = run.ended.unwrap_or(app.now);
        let seconds = end.saturating_sub(run.since).as_secs_f64();
        lines.push(Line::default());
        let words = match (&run.state.summary, run.stopping) {
            (None, true) => " stopping".to_owned(),
            (None, false) if run.state.stages.is_empty() && run.refused.is_empty() => {
                format!(" checking the targets, {seconds:.1} s")
            }
            _ => format!(" {} of {} done, {seconds:.1} s", run.state.done(), run.order.len()),
        };
        lines.push(Line::raw(words));
    }
    lines
}

/// How far the stage under way is.
fn bar(app: &App, run: &RunPage, cells: usize) -> Option<Line<'static>> {
    let live = run.state.stages.iter().filter(|stage| stage.outcome.is_none());
    let (done, total) = live.filter_map(|stage| stage.progress).next_back()?;
    let full = (done * cells).checked_div(total)?.min(cells);
    Some(Line::from(vec![
        Span::raw("   "),
        Span::styled("█".repeat(full), app.theme.accent()),
        Span::styled("░".repeat(cells - full), app.theme.dim()),
    ]))
}

fn log_lines(app: &App, run: &RunPage, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let theme = app.theme;
    let Some(id) = run.order.get(run.shown()) else { return Vec::new() };
    let began = run.log().and_then(|log| log.began).map_or_else(
        || run.setup.stage_title(id).to_owned(),
        |began| {
            let time = began.to_zoned_datetime(app.zone.clone()).strftime("%H:%M:%S");
            format!("{}, since {time}", run.setup.stage_title(id))
        },
    );
    let mut lines = vec![Line::styled(cut(&began, columns, theme.ellipsis()), theme.bold())];
    let shown = run.lines();
    let room = rows.saturating_sub(2).max(1);
    let top = run.top(room);
    let wanted = run.search.value().to_lowercase();
    if let Some(log) = run.log() {
        for at in shown.iter().skip(top).take(room) {
            let Some(line) = log.lines.get(*at) else { continue };
            let offset = format!("+{:.3} ", line.after.as_secs_f64());
            let words = theme.text(&line.text);
            let sign = match line.level {
                Tone::Info => Span::raw(""),
                Tone::Good => theme.sign(Sign::Done),
                Tone::Warning => theme.sign(Sign::Warning),
                Tone::Error => theme.sign(Sign::Failed),
            };
            let gap = if line.level == Tone::Info { "" } else { " " };
            let hit = !wanted.is_empty() && words.to_lowercase().contains(&wanted);
            let style = if hit { theme.reversed() } else { Style::new() };
            let spans =
                vec![Span::styled(offset, theme.dim()), sign, Span::raw(gap), Span::styled(words, style)];
            lines.push(text::cut_line(Line::from(spans), columns, theme.ellipsis()));
        }
    }
    while lines.len() + 1 < rows {
        lines.push(Line::default());
    }
    if run.search_open {
        lines.push(Line::raw(format!("/ {}", theme.text(run.search.value()))));
        return lines;
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
    let state = cut(&state.join(", "), columns, theme.ellipsis());
    let blanks = columns.saturating_sub(text::width(&state));
    lines.push(Line::styled(format!("{}{state}", " ".repeat(blanks)), theme.dim()));
    lines
}

/// What failed, why, in which state everything is, and what can be done.
fn panel_of(app: &App, run: &RunPage, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let failures = run.failures();
    canvas.rule(&match failures.len() {
        0 | 1 => String::new(),
        several => format!("1 of {several} problems; p shows all"),
    });
    let Some(failure) = failures.first() else { return };
    let remedies = app.remedies();
    // The choices always show; where room is short, what is told above them is cut.
    let room = canvas.left().saturating_sub(remedies.len());
    canvas.part(room, |canvas| told(app, run, failure, canvas));
    canvas.bottom(remedies.len());
    for (at, remedy) in remedies.iter().enumerate() {
        let here = at == run.cursor;
        let words = words_of(app, run, *remedy);
        let mark = theme.cursor(here, 3);
        let style = theme.chosen(here);
        canvas.line(Line::from(vec![
            mark,
            Span::styled(pad(remedy.title(), 20, ""), style),
            Span::styled(theme.text(&words), theme.dim()),
        ]));
    }
}

/// What, why, in which state everything is, and what to do next.
fn told(app: &App, run: &RunPage, failure: &Failure, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let stopped = failure.code == Code::Cancelled;
    let what = match run.state.failed() {
        Some((id, failure)) => format!("{} stopped: {}", run.setup.stage_title(id), failure.what),
        None if stopped && run.stopping => "Stopped as you asked".to_owned(),
        None => failure.what.clone(),
    };
    let sign = if stopped { Sign::Warning } else { Sign::Failed };
    if canvas.rows() < 6 {
        let left = vec![Span::raw(" "), theme.sign(sign), Span::raw(format!(" {}", theme.text(&what)))];
        canvas.ends(Line::from(left), code(theme, failure));
        return told_in_short(app, run, failure, canvas);
    }
    canvas.message(1, sign, &what, code(theme, failure));
    // The server that is asked again takes one line. Of the others every part has one, and what is left goes to the
    // remedy first.
    let watch = usize::from(run.state.failed().is_some() && run.watch.found.is_some());
    let state = run.left();
    let parts = [
        ("Why", failure.why.as_deref()),
        ("State", Some(state.as_str())),
        ("Next", failure.remedy.as_deref()),
    ];
    let columns = canvas.columns().saturating_sub(12).max(1);
    let parts = parts.map(|(title, words)| {
        (title, words.map_or(Vec::new(), |words| text::wrap(&theme.text(words), columns)))
    });
    let mut spare = canvas.left().saturating_sub(watch);
    let mut rows = parts.each_ref().map(|(_, lines)| lines.len().min(1));
    spare = spare.saturating_sub(rows.iter().sum());
    for at in [2, 1, 0] {
        let more = spare.min(parts[at].1.len() - rows[at]);
        (rows[at], spare) = (rows[at] + more, spare - more);
    }
    for ((title, lines), most) in parts.into_iter().zip(rows) {
        for (at, line) in clipped(lines, most, columns, theme.ellipsis()).into_iter().enumerate() {
            canvas.line(Line::from(vec![
                Span::raw("   "),
                Span::styled(pad(if at == 0 { title } else { "" }, 8, ""), theme.dim()),
                Span::raw(line),
            ]));
        }
    }
    if let Some((_, failure)) = run.state.failed() {
        watched(app, run, failure, canvas, 11);
    }
}

/// One line each: in which state everything is, and what to do or who answers again.
fn told_in_short(app: &App, run: &RunPage, failure: &Failure, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    canvas.words(3, &cut(&run.left(), canvas.columns() - 4, theme.ellipsis()), theme.dim());
    if let Some((_, failure)) = run.state.failed().filter(|_| run.watch.found.is_some()) {
        return watched(app, run, failure, canvas, 3);
    }
    let columns = canvas.columns().saturating_sub(4).max(1);
    let lines = text::wrap(&theme.text(failure.remedy.as_deref().unwrap_or_default()), columns);
    for line in clipped(lines, canvas.left(), columns, theme.ellipsis()) {
        canvas.line(Line::raw(format!("   {line}")));
    }
}

/// So many of the lines; what is cut off says so.
fn clipped(mut lines: Vec<String>, most: usize, columns: usize, ellipsis: &str) -> Vec<String> {
    let is_cut = lines.len() > most;
    lines.truncate(most);
    if let Some(last) = lines.last_mut().filter(|_| is_cut) {
        let room = columns.saturating_sub(text::width(ellipsis));
        *last = cut(last, room, "").trim_end().to_owned() + ellipsis;
    }
    lines
}

fn words_of(app: &App, run: &RunPage, remedy: Remedy) -> String {
    match remedy {
        Remedy::Again => "what is done is not repeated".into(),
        Remedy::Look => "the review, with what would change now".into(),
        Remedy::Change => "back to the review".into(),
        Remedy::Skip => {
            let ids = app.passed_over().unwrap_or_default();
            match ids.iter().skip(1).map(|id| run.setup.stage_title(id)).collect::<Vec<_>>().as_slice() {
                [] => "the other stages run without it".into(),
                [one] => format!("{one} needs it and is skipped too"),
                several => format!("{} need it and are skipped too", several.join(" and ")),
            }
        }
        // The draft is kept, so the wizard knows where to go on.
        Remedy::Leave => "backendai-setup offers to continue here".into(),
    }
}

fn watched(app: &App, run: &RunPage, failure: &Failure, canvas: &mut Canvas<'_>, indent: usize) {
    let Some(title) = app.section_of_server(failure).map(|at| app.section_title(at)) else { return };
    let (sign, words) = match &run.watch.found {
        None => return,
        Some(Ok(since)) => {
            let seconds = app.now.saturating_sub(*since).as_secs();
            (Sign::Done, format!("{title} answers, since {seconds} s"))
        }
        Some(Err(failure)) => (Sign::UnderWay, format!("asked again every 2 s: {}", failure.what)),
    };
    canvas.message(indent, sign, &words, Line::default());
}

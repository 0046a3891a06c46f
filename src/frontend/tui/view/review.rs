//! The review: the state of each target, the answers, and what each stage would change.

use std::collections::BTreeSet;

use ratatui::{
    style::Color,
    text::{Line, Span},
};

use crate::{
    failure::{Code, Failure},
    frontend::{
        tui::{
            app::{App, Grant, ProbeState, View},
            reviewing::Item,
            text::{self, both_ends, pad},
            theme::Sign,
        },
        wizard::{drift::is_drift, first_of},
    },
    workflow::{Change, RungState, StageState, StageStatus},
};

use super::{Canvas, canvas::duration, ladder};

pub(super) fn page(app: &App, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let right = match (app.review.view, app.survey.since) {
        (View::All, Some(_)) => "looking at the servers",
        (View::All, None) if app.round.wrote => "",
        (View::All, None) => "nothing is written yet",
        (view, _) => view.word(),
    };
    canvas.title("Review", right);
    canvas.blank_if(14);
    let items = app.review_items();
    let cursor = app.review_cursor();
    let below = note_rows(app, canvas.columns(), canvas.rows());
    let rows = canvas.left().saturating_sub(below).max(3);
    let mut lines: Vec<(bool, Line<'static>)> = Vec::new();
    let mut at_line = 0;
    let mut above_stages = false;
    for (at, item) in items.iter().enumerate() {
        let is_stage = matches!(item, Item::Stage(_) | Item::Revision(_) | Item::Problem(_));
        // Remarks of stages stand between them.
        if is_stage && at > 0 && !above_stages {
            above_stages = true;
            lines.push((false, totals(app)));
        }
        if at == cursor {
            at_line = lines.len();
        }
        lines.push((true, line(app, canvas, item, at == cursor)));
    }
    if app.survey.result.is_none() {
        lines.push((false, Line::default()));
        let time = app.waited(app.survey.since).map_or(String::new(), |time| format!("  {time}"));
        lines.push((
            false,
            Line::from(vec![
                Span::raw("  "),
                theme.sign(Sign::UnderWay),
                Span::raw(format!(" looking at what is there, stage by stage{time}")),
            ]),
        ));
    }
    if items.is_empty() {
        lines.push((
            false,
            Line::raw(format!("  Nothing under \"{}\"; v shows others.", app.review.view.word())),
        ));
    }
    let first = (at_line + 1).saturating_sub(rows);
    for (_, line) in lines.into_iter().skip(first).take(rows) {
        canvas.line(line);
    }
    canvas.bottom(below);
    note(app, canvas, items.get(cursor));
}

/// How many things are to be written.
fn totals(app: &App) -> Line<'static> {
    let changes: Vec<Change> =
        app.survey.stages().iter().flat_map(|stage| stage.changes().iter().cloned()).collect();
    match &app.survey.result {
        Some(Ok(_)) if changes.is_empty() => Line::styled("  nothing to change", app.theme.dim()),
        Some(Ok(_)) => Line::styled(format!("  to write: {}", Change::count(&changes)), app.theme.dim()),
        _ => Line::default(),
    }
}

/// The rows below the list: the same for every entry, so that nothing jumps when the cursor moves.
fn note_rows(app: &App, columns: usize, rows: usize) -> usize {
    let wrong = app.review_items().iter().any(|item| app.is_problem(item));
    match (wrong, rows >= 16) {
        (true, true) => 6,
        (true, false) => 4,
        (false, has_room) => {
            let lines = if has_room { 4 } else { 2 };
            before_upgrade(app)
                .map_or(1, |dump| text::wrap(&dump, dump_columns(app, columns)).len().min(lines))
        }
    }
}

/// The columns beside the sign of a note.
fn dump_columns(app: &App, columns: usize) -> usize {
    columns.saturating_sub(app.theme.sign_width() + 1).max(1)
}

/// What is in the way, and the way out; else what the keys do next.
fn note(app: &App, canvas: &mut Canvas<'_>, item: Option<&Item<'_>>) {
    let theme = canvas.theme;
    let Some(item) = item else { return };
    if !app.is_problem(item) {
        let words = match app.obstacle() {
            Some(obstacle) => format!("w is off: {obstacle}"),
            None if app.survey.stages().iter().all(|stage| stage.changes().is_empty()) => {
                "Everything is as it should be. w runs all stages again; nothing will change.".into()
            }
            None => match before_upgrade(app) {
                Some(dump) => return say_before(app, canvas, &dump),
                None => "w writes all this; Enter shows an entry in full.".into(),
            },
        };
        canvas.line(Line::styled(theme.text(&words), theme.dim()));
        return;
    }
    match item {
        Item::Target(at) if !app.is_complete(*at) => {
            canvas.message(
                0,
                Sign::Failed,
                "answers are missing or refused; Enter leads there",
                Line::default(),
            );
        }
        Item::Target(at) => {
            let failures = app.failures_of(*at);
            if let Some(first) = failures.first() {
                hint(canvas, first, true, failures.len() - 1);
            }
        }
        Item::Stage(StageState { failure: Some(failure), .. }) => hint(canvas, failure, false, 0),
        Item::Problem(problem) => hint(canvas, problem, false, 0),
        Item::Stage(_) | Item::Revision(_) | Item::Answers | Item::Note(_) => {}
    }
}

/// As much of it as there is room for; its remark has all of it.
fn say_before(app: &App, canvas: &mut Canvas<'_>, dump: &str) {
    let theme = canvas.theme;
    let lines = text::wrap(&theme.text(dump), dump_columns(app, canvas.columns()));
    let room = canvas.left().max(1);
    let is_cut = lines.len() > room;
    for (at, words) in lines.into_iter().take(room).enumerate() {
        let sign = match at {
            0 => theme.sign(Sign::Warning),
            _ => Span::raw(" ".repeat(theme.sign_width())),
        };
        let rest = if is_cut && at + 1 == room { theme.ellipsis() } else { "" };
        canvas.line(Line::from(vec![sign, Span::raw(format!(" {words}{rest}"))]));
    }
}

/// What to do before an upgrade, which cannot be undone.
fn before_upgrade(app: &App) -> Option<String> {
    let mut remarks = app.survey.stages().iter().flat_map(|stage| &stage.remarks);
    let remark = remarks.find(|remark| remark.code == Code::DbUpgrade)?;
    let mut text = remark.remedy.clone()?;
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Some(text)
}

/// What is in the way; `more` stand elsewhere.
fn hint(canvas: &mut Canvas<'_>, failure: &Failure, has_page: bool, more: usize) {
    let theme = canvas.theme;
    // The flag that the remedy may name is not needed here: Enter asks.
    let mut shown = failure.clone();
    if Grant::of(failure).is_some() {
        shown.remedy = None;
    }
    if canvas.left() < 5 && shown.remedy.is_some() {
        shown.why = None;
    }
    canvas.part(canvas.left() - 1, |canvas| ladder::failed(canvas, 0, &shown));
    canvas.bottom(1);
    let words = match (Grant::of(failure), has_page) {
        (Some(_), _) => "w is off; Enter asks whether to overwrite it".to_owned(),
        (None, true) if more > 0 => format!("w is off; {more} more, Enter shows all; r checks again"),
        (None, true) => "w is off; r checks again, Enter leads to its answers".to_owned(),
        (None, false) if is_drift(failure) => {
            "w is off; Enter shows every difference; r checks again".to_owned()
        }
        (None, false) => "w is off until it is fixed; r checks again".to_owned(),
    };
    canvas.words(theme.sign_width() + 1, &words, theme.dim());
}

fn line(app: &App, canvas: &Canvas<'_>, item: &Item<'_>, here: bool) -> Line<'static> {
    let theme = canvas.theme;
    let (sign, title, words, right) = match item {
        Item::Target(at) => {
            let (sign, words, right) = target(app, *at);
            // Always as wide, so that what stands before it does not move.
            (theme.sign(sign), pad(app.section_title(*at), 13, ""), words, format!("{right:>9}"))
        }
        Item::Answers => {
            let blank = Span::raw(" ".repeat(theme.sign_width()));
            (blank, "all answers".to_owned(), String::new(), String::new())
        }
        Item::Stage(stage) => {
            let (sign, words) = stage_words(stage);
            (stage_sign(app, stage, sign), pad(stage.title, 16, ""), words, String::new())
        }
        Item::Revision(climbed) => {
            let blank = Span::raw(" ".repeat(theme.sign_width()));
            (blank, format!("  {}", theme.text(&climbed.words())), String::new(), String::new())
        }
        Item::Note(problem) | Item::Problem(problem) => {
            let sign = if problem.is_warning() { Sign::Warning } else { Sign::Failed };
            (theme.sign(sign), theme.text(&problem.headline()), String::new(), problem.code.to_string())
        }
    };
    let left = vec![
        theme.cursor(here, 2),
        sign,
        Span::raw(" "),
        Span::styled(title, theme.chosen(here)),
        Span::raw(theme.text(&words)),
    ];
    let columns = canvas.columns().saturating_sub(1);
    both_ends(Line::from(left), Line::styled(right, theme.dim()), columns, theme.ellipsis())
}

/// `+` where something is new, `~` where something changes, `✓` where all is done.
fn stage_sign(app: &App, stage: &StageState, sign: char) -> Span<'static> {
    let theme = app.theme;
    let width = theme.sign_width();
    let text = |sign: &str, color: Color| Span::styled(format!("{sign:<width$}"), theme.painted(color));
    match (stage.state, sign) {
        (StageStatus::Done, _) => theme.sign(Sign::Done),
        (StageStatus::Pending, '~') => text("~", Color::Yellow),
        (StageStatus::Pending, '-') => text("-", Color::Yellow),
        (StageStatus::Pending, _) => text("+", Color::Green),
        (StageStatus::Conflict | StageStatus::Failed, _) => theme.sign(Sign::Failed),
    }
}

/// What a stage would do, in one line.
pub(super) fn stage_words(stage: &StageState) -> (char, String) {
    let has = |sign: &char| stage.changes().iter().any(|change| change.sign() == *sign);
    let sign = ['~', '+', '-'].into_iter().find(has).unwrap_or(' ');
    let words = match (&stage.failure, stage.changes()) {
        (Some(failure), _) => format!("{}  {}", failure.what, failure.code),
        (None, [Change::Key { old: Some(old), new: Some(new), .. }]) => format!("1 key   {old} → {new}"),
        (None, [Change::Database { name, .. }]) => format!("1       {name}"),
        (None, [.., Change::Row { table, what, is_new: false, .. }]) if table == "alembic_version" => {
            format!("{}  {what}", revisions(stage.changes()))
        }
        (None, changes @ [Change::File { .. }, ..]) => {
            let name = |change: &Change| match change {
                Change::File { path, .. } => path.rsplit('/').next().map(str::to_owned),
                _ => None,
            };
            let files: Vec<String> = changes.iter().filter_map(name).collect();
            format!("{}  {}", stage.summary, files.join(", "))
        }
        (None, _) => stage.summary.clone(),
    };
    (sign, words)
}

/// How many revisions an upgrade climbs: its statements name theirs first.
fn revisions(changes: &[Change]) -> String {
    let of = |change: &Change| match change {
        Change::Statement { what, .. } => what.split_once(": ").map(|(revision, _)| revision.to_owned()),
        _ => None,
    };
    match changes.iter().filter_map(of).collect::<BTreeSet<_>>().len() {
        1 => "1 revision".to_owned(),
        count => format!("{count} revisions"),
    }
}

/// What the check of a section found, in one line.
pub(super) fn target(app: &App, at: usize) -> (Sign, String, String) {
    if !app.is_complete(at) {
        return (Sign::Failed, "answers are missing or refused".into(), String::new());
    }
    match app.probes.get(at).map(|probe| &probe.state) {
        Some(ProbeState::Running { since, .. }) => {
            let right = app.waited(Some(*since)).unwrap_or_default();
            (Sign::UnderWay, "checking".into(), right)
        }
        Some(ProbeState::Found(verdict)) => {
            let ms: f64 = verdict.rungs.iter().map(|rung| rung.latency_ms).sum();
            let words = match verdict.state() {
                RungState::Failed => first_of(verdict.failures()),
                RungState::Warned => first_of(verdict.warnings()),
                _ => None,
            };
            let right = match verdict.failures().next() {
                Some(failure) => failure.code.to_string(),
                None => duration(ms),
            };
            (verdict.state().into(), words.unwrap_or_else(|| verdict.summary.clone()), right)
        }
        Some(ProbeState::Refused(failures)) => {
            (Sign::Failed, first_of(failures).unwrap_or_default(), String::new())
        }
        _ => (Sign::ToCome, "not checked yet".into(), String::new()),
    }
}

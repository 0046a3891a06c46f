//! The ladder of a live check.

use ratatui::{
    style::{Color, Style},
    text::{Line, Span},
};

use crate::{
    failure::Failure,
    frontend::tui::{
        app::{App, ProbeState},
        text::{self, pad},
        theme::{Sign, Theme},
    },
    workflow::{Rung, RungState},
};

use super::{Canvas, canvas::duration};

/// Columns of a rung's name.
const NAME: usize = 11;

/// Draws the check of a section into the rows that are left.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, at: usize) {
    let Some(probe) = app.probes.get(at) else { return };
    match &probe.state {
        ProbeState::Idle => {
            let words = if app.is_complete(at) {
                "not checked since the last change"
            } else {
                "begins once the answers above are complete"
            };
            canvas.rule("live check");
            canvas.message(2, Sign::ToCome, words, Line::default());
        }
        ProbeState::Running { since, rungs: passed } => {
            canvas.rule("live check");
            rungs(canvas, passed, 1);
            let right = Line::raw(app.waited(Some(*since)).unwrap_or_default());
            canvas.message(2, Sign::UnderWay, "checking; go on meanwhile", right);
        }
        ProbeState::Found(verdict) => match verdict.failures().next() {
            // Where room is short, the first failure and its remedy come before anything else.
            Some(failure) if canvas.left() < 6 => {
                failed(canvas, 0, &Failure { why: None, ..failure.clone() });
            }
            _ => {
                canvas.rule("live check");
                rungs(canvas, &verdict.rungs, 0);
            }
        },
        ProbeState::Refused(failures) => {
            canvas.rule("live check");
            for failure in failures {
                failed(canvas, 2, failure);
            }
        }
    }
}

/// Every rung, with room for so many lines below; where room is short the passed ones fold into one line, the first
/// failure always shows.
pub(super) fn rungs(canvas: &mut Canvas<'_>, rungs: &[Rung], below: usize) {
    let lines = |rung: &Rung| 1 + rung.failure.as_ref().map_or(0, |failure| told_lines(canvas, failure));
    let needed = rungs.iter().map(lines).sum::<usize>() + below;
    let folded = needed > canvas.left();
    let mut passed = Vec::new();
    let fold = |canvas: &mut Canvas<'_>, passed: &mut Vec<&Rung>| {
        if passed.is_empty() {
            return;
        }
        let names: Vec<&str> = passed.iter().map(|rung| rung.name).collect();
        let ms: f64 = passed.iter().map(|rung| rung.latency_ms).sum();
        canvas.message(2, Sign::Done, &names.join(", "), Line::raw(duration(ms)));
        passed.clear();
    };
    for rung in rungs {
        if folded && matches!(rung.state, RungState::Passed | RungState::NotNeeded) {
            passed.push(rung);
            continue;
        }
        fold(canvas, &mut passed);
        one(canvas, rung);
    }
    fold(canvas, &mut passed);
}

fn one(canvas: &mut Canvas<'_>, rung: &Rung) {
    let theme = canvas.theme;
    let right = match &rung.failure {
        Some(failure) => code(theme, failure),
        None if rung.state == RungState::NotNeeded => Line::default(),
        None => Line::raw(duration(rung.latency_ms)),
    };
    let name = pad(rung.name, NAME, theme.ellipsis());
    let detail = theme.text(&rung.detail);
    let first = 2 + theme.sign_width() + 1 + NAME;
    let room = canvas.columns().saturating_sub(first + right.width() + 3).max(1);
    let mut wrapped = text::wrap(&detail, room).into_iter();
    let head = Line::from(vec![
        Span::raw("  "),
        theme.sign(rung.state.into()),
        Span::raw(" "),
        Span::raw(name),
        Span::raw(wrapped.next().unwrap_or_default()),
    ]);
    canvas.ends(head, right);
    for line in wrapped {
        canvas.line(Line::raw(format!("{}{line}", " ".repeat(first))));
    }
    if let Some(failure) = &rung.failure {
        // The remedy always shows.
        let remedy = failure.remedy.as_ref().map_or(0, |words| text::wrap(words, room).len());
        let why = failure.why.as_ref().filter(|_| canvas.left() > remedy + 1);
        for (words, style) in [(why, theme.dim()), (failure.remedy.as_ref(), Style::new())] {
            if let Some(words) = words {
                canvas.words(first, words, style);
            }
        }
    }
}

/// How many lines why and remedy take, at most.
fn told_lines(canvas: &Canvas<'_>, failure: &Failure) -> usize {
    let room = canvas.columns().saturating_sub(NAME + 6).max(1);
    let wrapped = |words: &Option<String>| words.as_ref().map_or(0, |words| text::wrap(words, room).len());
    wrapped(&failure.why) + wrapped(&failure.remedy) + usize::from(text::width(&failure.what) > room / 2)
}

/// A failure: what, why and what to do.
pub(super) fn failed(canvas: &mut Canvas<'_>, indent: usize, failure: &Failure) {
    let theme = canvas.theme;
    let sign = if failure.is_warning() { Sign::Warning } else { Sign::Failed };
    canvas.message(indent, sign, &failure.headline(), code(theme, failure));
    let below = indent + theme.sign_width() + 1;
    if let Some(why) = &failure.why {
        canvas.words(below, why, theme.dim());
    }
    if let Some(remedy) = &failure.remedy {
        canvas.words(below, remedy, Style::new());
    }
}

/// Red words for a code at the right end of a line.
pub(super) fn code(theme: Theme, failure: &Failure) -> Line<'static> {
    let color = if failure.is_warning() { Color::Yellow } else { Color::Red };
    Line::styled(failure.code.to_string(), theme.painted(color))
}

//! Something in full, to scroll in: answers, a ladder, the changes of a stage.

use ratatui::text::{Line, Span};
use secrecy::ExposeSecret;

use crate::{
    failure::Failure,
    frontend::{
        tui::{
            app::{App, Overlay, Reading},
            text,
        },
        wizard::{
            drift,
            upgrade::{Climbed, upgrade},
        },
    },
    guide::{Answers, Default, Variable},
    workflow::{Change, StageState},
};

use super::{Canvas, canvas::duration};

/// Title, what stands at its right, and the lines.
type Page = (String, String, Vec<String>);

pub(super) fn page(app: &App, canvas: &mut Canvas<'_>, scroll: usize) {
    if let Some(Overlay::Reading { what, .. }) = &app.overlay {
        let (title, right, lines) = read(app, what);
        show(canvas, &title, &right, &lines, scroll);
    }
}

/// One stage as it would run alone.
pub(super) fn alone(app: &App, canvas: &mut Canvas<'_>, stage: &str, scroll: usize) {
    let (right, lines) = alone_lines(app, stage);
    let (mut title, mut all) = (format!(" {} alone", app.setup.stage_title(stage)), lines);
    if canvas.rows() < 6 {
        title = title.trim().to_owned();
        all.retain(|line| !line.is_empty());
    }
    show(canvas, &title, &right, &all, scroll);
}

fn alone_lines(app: &App, stage: &str) -> (String, Vec<String>) {
    match &app.alone.result {
        None => {
            let time = app.waited(app.alone.since).map_or(String::new(), |time| format!(", {time}"));
            ("nothing is written yet".into(), vec![format!("  looking at what is there{time}")])
        }
        Some(Err(problems)) => ("w is off".into(), problems.iter().flat_map(problem_lines).collect()),
        Some(Ok(stages)) => match stages.iter().find(|state| state.stage == stage) {
            Some(state) if state.failure.is_some() => ("w is off".into(), stage_lines(state)),
            Some(state) => ("nothing is written yet".into(), stage_lines(state)),
            None => (String::new(), Vec::new()),
        },
    }
}

/// What the last run wrote, as it would be put back.
pub(super) fn undo(app: &App, canvas: &mut Canvas<'_>, scroll: usize) {
    let (right, mut lines) = undo_lines(app);
    let mut title = " Undo the last run".to_owned();
    if canvas.rows() < 6 {
        title = title.trim().to_owned();
        lines.retain(|line| !line.is_empty());
    }
    show(canvas, &title, &right, &lines, scroll);
}

fn undo_lines(app: &App) -> (String, Vec<String>) {
    match &app.alone.result {
        None => {
            let time = app.waited(app.alone.since).map_or(String::new(), |time| format!(", {time}"));
            ("nothing is written yet".into(), vec![format!("  looking at what is there{time}")])
        }
        Some(Err(problems)) => ("w is off".into(), problems.iter().flat_map(problem_lines).collect()),
        Some(Ok(stages)) => {
            // All at a glance, then each in full.
            let glance = stages.iter().map(|state| format!("  {:<16}{}", state.title, state.summary));
            let stage = |state: &StageState| {
                let title = format!(" {}", state.title);
                let is_told = !state.changes().is_empty() || !state.remarks.is_empty();
                let lines = [String::new(), title].into_iter().chain(stage_lines(state));
                if is_told { lines.collect() } else { Vec::new() }
            };
            let is_off = stages.iter().any(|state| state.failure.is_some())
                || stages.iter().all(|state| state.changes().is_empty());
            let right = if is_off { "w is off" } else { "nothing is written yet" };
            (right.into(), glance.chain(stages.iter().flat_map(stage)).collect())
        }
    }
}

fn show(canvas: &mut Canvas<'_>, title: &str, right: &str, lines: &[String], scroll: usize) {
    let theme = canvas.theme;
    let columns = canvas.columns().saturating_sub(1).max(1);
    // Long lines are wrapped, with the same indent.
    let mut wrapped = Vec::new();
    for line in lines {
        let line = theme.text(line);
        // What goes on in the next line stands below the last column of the first.
        let hang = text::head(&line, 32).rfind("  ").map_or(0, |at| at + 2);
        let indent = line.chars().take_while(|character| *character == ' ').count();
        let hang = if text::width(&line) > columns { hang.max(indent).min(columns / 2) } else { indent };
        let (first, rest) = line.split_at_checked(hang).unwrap_or(("", &line));
        for (at, part) in text::wrap(rest, columns.saturating_sub(hang).max(1)).into_iter().enumerate() {
            let before = if at == 0 { first.to_owned() } else { " ".repeat(hang) };
            wrapped.push(before + &part);
        }
    }
    let rows = canvas.rows().saturating_sub(2).max(1);
    let last = wrapped.len().saturating_sub(rows);
    let top = scroll.min(last);
    let right = if last > 0 {
        let end = (top + rows).min(wrapped.len());
        format!("{}-{end} of {}", top + 1, wrapped.len())
    } else {
        right.to_owned()
    };
    canvas.title(title, &right);
    canvas.blank();
    for line in wrapped.into_iter().skip(top).take(rows) {
        canvas.line(Line::from(Span::raw(line)));
    }
}

/// What stands in full, as text to be copied.
pub(in crate::frontend::tui) fn text(app: &App) -> String {
    let lines = match &app.overlay {
        Some(Overlay::Reading { what, .. }) => read(app, what).2,
        Some(Overlay::Alone { stage, .. }) => alone_lines(app, stage).1,
        Some(Overlay::Undo { .. }) => undo_lines(app).1,
        _ => Vec::new(),
    };
    lines.join("\n")
}

fn read(app: &App, what: &Reading) -> Page {
    match what {
        Reading::Answers => ("All answers".into(), "secrets hidden".into(), answer_lines(&app.answers)),
        Reading::Verdict(at) => {
            let title = app.section_title(*at).to_owned();
            let (_, words, right) = super::review::target(app, *at);
            (title, right, verdict_lines(app, *at, words))
        }
        Reading::Stage(id) => {
            let state = app.survey.stages().iter().find(|state| state.stage == *id);
            let lines = state.map(|state| upgrade_lines(app, state)).unwrap_or_default();
            (app.setup.stage_title(id).to_owned(), "nothing is written yet".into(), lines)
        }
        Reading::Revision(climbed) => {
            let title = format!("{}  {}", climbed.id, climbed.title);
            (title, "nothing is written yet".into(), revision_lines(climbed))
        }
        Reading::Drift => ("Differences".into(), "nothing is written here".into(), drift_lines(app)),
        Reading::Problems(problems) => {
            let title = if problems.iter().all(Failure::is_warning) { "Remarks" } else { "In the way" };
            (title.into(), String::new(), problems.iter().flat_map(problem_lines).collect())
        }
        Reading::Image(name) => (name.clone(), String::new(), image_lines(app, name)),
        Reading::Keypairs(path, text) => {
            let lines = text.expose_secret().lines().map(|line| format!("  {line}")).collect();
            (" Keypairs".into(), path.display().to_string(), lines)
        }
    }
}

fn verdict_lines(app: &App, at: usize, words: String) -> Vec<String> {
    use crate::frontend::tui::app::ProbeState;
    let verdict = match app.probes.get(at).map(|probe| &probe.state) {
        Some(ProbeState::Found(verdict)) => verdict,
        Some(ProbeState::Refused(problems)) => return problems.iter().flat_map(problem_lines).collect(),
        _ => return vec![format!("  {words}")],
    };
    let mut lines = vec![format!("  {words}"), String::new()];
    for rung in &verdict.rungs {
        let word = match rung.state {
            crate::workflow::RungState::Passed => "ok",
            crate::workflow::RungState::Warned => "warning",
            crate::workflow::RungState::Failed => "failed",
            crate::workflow::RungState::NotNeeded => "not needed",
        };
        let took =
            if rung.latency_ms > 0.0 { format!("  ({})", duration(rung.latency_ms)) } else { String::new() };
        lines.push(format!("  {:<11}{:<12}{}{took}", rung.name, word, rung.detail));
        if let Some(failure) = &rung.failure {
            lines.extend(
                failure.why.iter().chain(&failure.remedy).map(|words| format!("             {words}")),
            );
            lines.push(format!("             {}", failure.code));
        }
    }
    lines
}

fn stage_lines(state: &StageState) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(failure) = &state.failure {
        lines.extend(problem_lines(failure));
    }
    if state.changes().is_empty() && state.failure.is_none() {
        lines.push(format!("  nothing to do: {}", state.summary));
    }
    lines.extend(state.remarks.iter().flat_map(problem_lines));
    lines.extend(state.changes().iter().flat_map(change_lines));
    lines
}

/// A stage, and before the statements of an upgrade the revisions, each with what happens to rows.
fn upgrade_lines(app: &App, state: &StageState) -> Vec<String> {
    let climbed = upgrade(&app.setup.guide.schema, state);
    if climbed.is_empty() {
        return stage_lines(state);
    }
    let mut lines: Vec<String> = state.remarks.iter().flat_map(problem_lines).collect();
    for revision in &climbed {
        lines.push(format!("  {}  {}", revision.id, revision.title));
        lines.extend(revision.rows.iter().map(|rows| format!("    {rows}")));
    }
    lines.push(String::new());
    lines.extend(state.changes().iter().flat_map(change_lines));
    lines
}

fn revision_lines(climbed: &Climbed) -> Vec<String> {
    let rows = climbed.rows.as_deref().unwrap_or("nothing happens to rows");
    let lines = [format!("  {rows}"), String::new()];
    lines.into_iter().chain(climbed.statements.iter().flat_map(change_lines)).collect()
}

fn change_lines(change: &Change) -> Vec<String> {
    let sql = match change {
        Change::Statement { sql, .. } => sql.as_str(),
        _ => "",
    };
    [format!("  {change}")].into_iter().chain(sql.lines().map(|line| format!("      {line}"))).collect()
}

fn drift_lines(app: &App) -> Vec<String> {
    match &app.drift.result {
        None => {
            let time = app.waited(app.drift.since).map_or(String::new(), |time| format!(", {time}"));
            vec![format!("  looking at the tables{time}")]
        }
        Some(Err(problems)) => problems.iter().flat_map(problem_lines).collect(),
        Some(Ok(look)) => drift::lines(look, &app.answers),
    }
}

fn image_lines(app: &App, name: &str) -> Vec<String> {
    let Some(row) = app.images.rows.iter().find(|row| row.name == name) else { return Vec::new() };
    let aliases = if row.aliases.is_empty() { "none".to_owned() } else { row.aliases.join(", ") };
    let mut lines = vec![
        format!("  in etcd  {}", row.in_etcd.word()),
        format!("  slots    cpu {}, mem {} GiB, gpu {}", row.cpu, row.mem, row.gpu),
        format!("  aliases  {aliases}"),
        String::new(),
        "  Tags".into(),
    ];
    for (tag, digest) in &row.tags {
        match digest.strip_prefix(':') {
            Some(other) => lines.push(format!("    {tag}  → {other}")),
            None => {
                lines.push(format!("    {tag}  {}:{tag}", row.repository));
                lines.push(format!("      {digest}"));
            }
        }
    }
    lines
}

fn problem_lines(failure: &Failure) -> Vec<String> {
    let mut lines = vec![format!("  {}", failure.headline())];
    lines.extend(failure.why.iter().flat_map(|why| why.lines()).map(|line| format!("    {line}")));
    lines.extend(failure.remedy.iter().map(|words| format!("    {words}")));
    lines.push(format!("    {}", failure.code));
    lines.push(String::new());
    lines
}

fn answer_lines(answers: &Answers) -> Vec<String> {
    let mut lines = Vec::new();
    for section in answers.guide().sections {
        lines.push(format!("  {}", section.title));
        for variable in section.variables {
            let (value, origin) = answer(answers, variable);
            lines.push(format!("    {:<16}{value}{origin}", variable.title));
        }
    }
    lines
}

fn answer(answers: &Answers, variable: &Variable) -> (String, String) {
    match answers.given(variable.key) {
        None => match variable.default {
            Default::Required => ("not answered".into(), String::new()),
            Default::Unset(what) => (what.into(), "  (default)".into()),
            Default::Value(value) => (value.into(), "  (default)".into()),
        },
        Some(given) => {
            let value = given.words(variable);
            let origin = match given.origin {
                crate::guide::Origin::Typed | crate::guide::Origin::Default => String::new(),
                ref origin => format!("  ({})", origin.to_string().replace('`', "")),
            };
            (value, origin)
        }
    }
}

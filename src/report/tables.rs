//! Results as text: checks, plan, status, images, answers.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::{
    guide::{Answers, Default, Origin},
    images::ImageList,
    workflow::{Change, Rung, RungState, StageState, StageStatus},
};

use super::{
    RunState,
    style::{Style, milliseconds, pad},
};

/// Prints the ladder of every check, with latency, code and remedy.
///
/// # Errors
/// When it cannot be written.
pub fn write_checks(out: &mut impl Write, style: Style, state: &RunState) -> io::Result<()> {
    for (_, title, verdict) in &state.checks {
        writeln!(out, "{} {title}", style.sign(verdict.state()))?;
        for rung in &verdict.rungs {
            write_rung(out, style, rung)?;
        }
    }
    Ok(())
}

/// Prints one line for each check, and the rungs that want a look.
///
/// # Errors
/// When it cannot be written.
pub fn write_verdicts(out: &mut impl Write, style: Style, state: &RunState) -> io::Result<()> {
    for (_, title, verdict) in &state.checks {
        let sign = style.sign(verdict.state());
        writeln!(out, "{sign} {}{}", pad(title, 12), style.text(&verdict.summary))?;
        for rung in verdict.rungs.iter().filter(|rung| rung.failure.is_some()) {
            write_rung(out, style, rung)?;
        }
    }
    Ok(())
}

fn write_rung(out: &mut impl Write, style: Style, rung: &Rung) -> io::Result<()> {
    let took = if rung.latency_ms > 0.0 { milliseconds(rung.latency_ms) } else { String::new() };
    let sign = style.sign(rung.state);
    let detail = style.text(&rung.detail);
    let Some(failure) = &rung.failure else {
        let head = format!("  {sign} {}", pad(rung.name, 12));
        if took.is_empty() {
            return writeln!(out, "{head}{detail}");
        }
        if style.words {
            return writeln!(out, "{head}{detail}, in {took}");
        }
        return writeln!(out, "{head}{} {}", pad(&detail, 52), style.dim(&format!("{took:>9}")));
    };
    writeln!(out, "  {sign} {}{detail}  {}", pad(rung.name, 12), failure.code)?;
    let indent = " ".repeat(16);
    if let Some(place) = &failure.place {
        writeln!(out, "{indent}{} {place}", style.dim("at "))?;
    }
    for (label, text) in [("why", &failure.why), ("do ", &failure.remedy)] {
        if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
            writeln!(out, "{indent}{} {}", style.dim(label), style.text(text))?;
        }
    }
    Ok(())
}

/// Prints what each stage would change, in full.
///
/// # Errors
/// When it cannot be written.
pub fn write_plan(out: &mut impl Write, style: Style, state: &RunState) -> io::Result<()> {
    for stage in &state.plan {
        write_stage(out, style, stage)?;
        for change in stage.changes() {
            writeln!(out, "    {}", style.text(&change.to_string()))?;
            if let Change::Statement { sql, .. } = change {
                for line in sql.lines() {
                    writeln!(out, "        {}", style.dim(line))?;
                }
            }
        }
    }
    write_total(out, state)
}

fn write_total(out: &mut impl Write, state: &RunState) -> io::Result<()> {
    let changes: usize = state.plan.iter().map(|stage| stage.changes().len()).sum();
    let stages = state.plan.iter().filter(|stage| !stage.changes().is_empty()).count();
    let unknown = state.plan.iter().filter(|stage| stage.failure.is_some()).count();
    let all = state.plan.len();
    match (changes, unknown) {
        _ if all == 0 => writeln!(out, "Stopped before anything was known."),
        (0, 0) => writeln!(out, "Nothing to change."),
        (_, 0) => writeln!(out, "Changes: {changes}, in {stages} of {all} stages."),
        (_, 1) => writeln!(out, "Changes: {changes}, in {stages} of {all} stages; 1 stage cannot tell."),
        _ => writeln!(out, "Changes: {changes}, in {stages} of {all} stages; {unknown} stages cannot tell."),
    }
}

/// Prints one line for each stage: how much is changed and removed, then how much is new.
///
/// # Errors
/// When it cannot be written.
pub fn write_plan_summary(out: &mut impl Write, style: Style, state: &RunState) -> io::Result<()> {
    for stage in &state.plan {
        let of = |sign: char| -> Vec<Change> {
            stage.changes().iter().filter(|change| change.sign() == sign).cloned().collect()
        };
        let parts = [("changes", '~'), ("removes", '-'), ("adds", '+')].map(|(verb, sign)| (verb, of(sign)));
        let parts = parts.iter().filter(|(_, changes)| !changes.is_empty());
        let words: Vec<String> =
            parts.map(|(verb, changes)| format!("{verb} {}", Change::count(changes))).collect();
        let summary = if words.is_empty() { stage.summary.clone() } else { words.join("; ") };
        write_stage(out, style, &StageState { summary, ..stage.clone() })?;
    }
    write_total(out, state)
}

/// Prints one line for each stage.
///
/// # Errors
/// When it cannot be written.
pub fn write_status(out: &mut impl Write, style: Style, state: &RunState) -> io::Result<()> {
    for stage in &state.plan {
        write_stage(out, style, stage)?;
    }
    Ok(())
}

fn write_stage(out: &mut impl Write, style: Style, stage: &StageState) -> io::Result<()> {
    let StageState { state, title, summary, failure, .. } = stage;
    let sign = match *state {
        StageStatus::Done => style.sign(RungState::Passed),
        StageStatus::Pending => style.pending().to_owned(),
        StageStatus::Conflict | StageStatus::Failed => style.sign(RungState::Failed),
    };
    let code = failure.as_ref().map(|failure| format!("  {}", failure.code)).unwrap_or_default();
    writeln!(out, "{sign} {}{}{}{code}", pad(title, 15), pad(state.word(), 10), style.text(summary))?;
    for remark in &stage.remarks {
        let sign = style.sign(RungState::Warned);
        writeln!(out, "  {sign} {}  {}", style.text(&remark.what), remark.code)?;
        let indent = " ".repeat(16);
        for (label, text) in [("why", &remark.why), ("do ", &remark.remedy)] {
            if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
                writeln!(out, "{indent}{} {}", style.dim(label), style.text(text))?;
            }
        }
    }
    Ok(())
}

/// Prints the image list as rows, each with so many of its aliases at most.
///
/// # Errors
/// When it cannot be written.
pub fn write_images(out: &mut impl Write, style: Style, list: &ImageList, most: usize) -> io::Result<()> {
    if style.words {
        return write_spoken_images(out, list, most);
    }
    let rows = list.rows();
    let width = rows
        .iter()
        .map(|row| unicode_width::UnicodeWidthStr::width(row.name.as_str()))
        .max()
        .unwrap_or(0)
        .clamp(5, 50);
    writeln!(out, "{}", style.dim(&format!("{} tags  cpu   mem GiB   gpu  aliases", pad("image", width))))?;
    for row in &rows {
        let cells = format!("{:>4} {:>4} {:>9} {:>5}", row.tags, row.cpu, row.mem_gib, row.gpu);
        let mut aliases: Vec<&str> = row.aliases.iter().take(most).map(|alias| alias.as_ref()).collect();
        let more = row.aliases.len() - aliases.len();
        let more = format!("and {more} more");
        aliases.extend((row.aliases.len() > most).then_some(more.as_str()));
        writeln!(out, "{} {cells}  {}", pad(&row.name, width), aliases.join(", "))?;
    }
    writeln!(out, "{}", list.counts())
}

/// A table read aloud is a row of numbers.
fn write_spoken_images(out: &mut impl Write, list: &ImageList, most: usize) -> io::Result<()> {
    for row in &list.rows() {
        let aliases: Vec<&str> = row.aliases.iter().take(most).map(AsRef::as_ref).collect();
        let more = row.aliases.len() - aliases.len();
        let also = match (aliases.is_empty(), more) {
            (true, _) => String::new(),
            (false, 0) => format!("; also called {}", aliases.join(", ")),
            (false, _) => format!("; also called {}, and {more} more", aliases.join(", ")),
        };
        let tags = if row.tags == 1 { "1 tag".into() } else { format!("{} tags", row.tags) };
        writeln!(
            out,
            "{}: {tags}, cpu {}, mem {} GiB, gpu {}{also}",
            row.name, row.cpu, row.mem_gib, row.gpu
        )?;
    }
    writeln!(out, "{}", list.counts())
}

/// Prints the guide's `docker pull` lines.
///
/// # Errors
/// When it cannot be written.
pub fn write_pull_commands(out: &mut impl Write, list: &ImageList) -> io::Result<()> {
    list.pull_commands().iter().try_for_each(|command| writeln!(out, "{command}"))
}

/// Prints each answer with where it comes from; a secret as set, and from where.
///
/// # Errors
/// When it cannot be written.
pub fn write_answers(out: &mut impl Write, style: Style, answers: &Answers) -> io::Result<()> {
    let rows: Vec<(&str, String, String)> = answers
        .guide()
        .variables()
        // Only a file has to say its version.
        .filter(|variable| !variable.is_version() || answers.given(variable.key).is_some())
        .map(|variable| {
            let Some(given) = answers.given(variable.key) else {
                let (value, why) = match variable.default {
                    Default::Unset(meaning) => ("–".to_owned(), meaning),
                    _ => ("missing".to_owned(), "it is required"),
                };
                return (variable.key, value, why.to_owned());
            };
            (variable.key, given.words(variable), given.origin.to_string())
        })
        .collect();
    let width = |column: fn(&(&str, String, String)) -> usize, most: usize| {
        rows.iter().map(column).max().unwrap_or(0).min(most)
    };
    let keys = width(|(key, ..)| key.len(), 24);
    let values = width(|(_, value, _)| unicode_width::UnicodeWidthStr::width(value.as_str()), 36);
    for (key, value, origin) in &rows {
        let value = pad(&style.text(value), values);
        writeln!(out, "{}  {value}  {}", pad(key, keys), style.dim(&style.text(origin)))?;
    }
    Ok(())
}

/// Every answer that is given, with its origin; no secret.
pub fn answers_json(answers: &Answers) -> Vec<Value> {
    let given =
        answers.guide().variables().filter_map(|variable| Some((variable, answers.given(variable.key)?)));
    let json = given.map(|(variable, given)| {
        let place = match &given.origin {
            Origin::File(place) => Some(place),
            _ => None,
        };
        json!({
            "key": variable.key,
            "value": given.shown(variable).map(|text| variable.json(text)),
            "secret": variable.is_secret(),
            "origin": given.origin.kind(),
            "place": place,
            "reference": given.reference(),
        })
    });
    json.collect()
}

//! All is done: where everything is, and what comes next.

use std::path::Path;

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use crate::{
    frontend::{
        tui::{
            app::App,
            running::RunPage,
            text::{pad, width},
            theme::Sign,
        },
        wizard::{file, run::Ending, settings},
    },
    guide::files,
    report::{Reporter, StageProgress, Transcript, about_file, next_command},
    workflow::{Event, EventKind, Outcome},
};

use super::{Canvas, canvas::duration, ladder::code};

pub(super) fn page(app: &App, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let Some(run) = &app.run else { return };
    let (sign, words) = headline(run);
    canvas.message(1, sign, &words, Line::default());
    // In full they stand on the ordinary screen after leaving.
    for warning in run.state.warnings() {
        canvas.message(1, Sign::Warning, &warning.what, code(theme, warning));
    }
    canvas.blank_if(14);
    let files = app.files();
    let wide = files.iter().map(|(name, _)| width(name)).max().unwrap_or(0) + 3;
    for (name, what) in files {
        canvas.line(Line::from(vec![
            Span::raw("   "),
            Span::styled(pad(&theme.text(&name), wide, ""), theme.bold()),
            Span::raw(theme.text(&what)),
        ]));
    }
    if let Some(path) = &app.saved_answers {
        canvas.blank_if(10);
        canvas.line("   The answers that repeat all this, without secrets:");
        // As short as a shell still understands it.
        let home = app.surroundings.environment.path("HOME").filter(|home| *home != Path::new("/"));
        let below = home.and_then(|home| path.strip_prefix(home).ok());
        let path = below.map_or_else(|| path.display().to_string(), |below| format!("~/{}", below.display()));
        canvas.words(5, &path, Style::new());
    }
    if let Some(command) = app.next_command() {
        canvas.blank_if(7);
        canvas.line("   Next, in the manager's folder:");
        canvas.words(5, &command, theme.accent());
        canvas.words(3, app.setup.guide.needs, Style::new());
        // Where there is no room it stands on the ordinary screen alone.
        if let Some(local) = settings(&app.answers).local_addresses().filter(|_| canvas.left() > 7) {
            canvas.words(3, &local, Style::new());
        }
    }
    let endings: Vec<&str> = app.endings().into_iter().map(Ending::title).collect();
    canvas.blank_if(endings.len());
    canvas.choices(&endings, app.done_cursor);
}

fn headline(run: &RunPage) -> (Sign, String) {
    let summary = run.state.summary.as_ref();
    let time = duration(summary.map_or(0.0, |summary| summary.duration_ms as f64));
    let changed = run.state.count(|outcome| matches!(outcome, Outcome::Changed(_)));
    let unchanged = run.state.done() - changed;
    if run.is_undo {
        let changes = |stage: &StageProgress| match &stage.outcome {
            Some(Outcome::Changed(done)) => done.changes,
            _ => 0,
        };
        let back: usize = run.state.stages.iter().map(changes).sum();
        let unit = if back == 1 { "change" } else { "changes" };
        return (Sign::Done, format!("Undone: {back} {unit} put back, in {time}"));
    }
    if let [only] = run.order.as_slice() {
        let what = if changed > 0 { "is done" } else { "was as it should be" };
        return (Sign::Done, format!("{} {what}, in {time}", run.setup.stage_title(only)));
    }
    let all = run.order.len();
    match left_out(run) {
        Some(left) => {
            let words =
                format!("Not all is prepared: {} of {all} stages are done, without {left}", run.state.done());
            (Sign::Warning, words)
        }
        None => {
            let counts = format!("{all} stages, {changed} changed, {unchanged} unchanged");
            (Sign::Done, format!("Prepared in {time}: {counts}"))
        }
    }
}

/// What people call the stages that are left to do.
fn left_out(run: &RunPage) -> Option<String> {
    let left = run.left_out();
    (!left.is_empty()).then(|| run.setup.titles_of(&left))
}

impl App {
    /// The files that this run wrote or found as they should be, each with what to do with it.
    pub(in crate::frontend::tui) fn files(&self) -> Vec<(String, String)> {
        let Some(run) = &self.run else { return Vec::new() };
        let about = |key| match key {
            files::CREDENTIALS => "the two keypairs; only you can read it",
            key => about_file(key, run.state.warnings().map(|warning| warning.code)),
        };
        let written = run.files().into_iter();
        written.filter_map(|key| Some((file(&self.answers, key)?, about(key).to_owned()))).collect()
    }

    /// The guide's next command, once all that it needs is there.
    pub(in crate::frontend::tui) fn next_command(&self) -> Option<String> {
        let run = self.run.as_ref().filter(|run| run.wanted.is_empty() && run.left_out().is_empty())?;
        let path = settings(&self.answers).files.environment;
        let path = path.filter(|_| run.files().contains(&files::ENVIRONMENT))?;
        Some(next_command(self.setup.guide, &path))
    }

    /// What stands on the ordinary screen after leaving: outcome, paths, the next command.
    pub fn farewell(&self) -> Vec<String> {
        let Some(run) = &self.run else { return Vec::new() };
        let Some(summary) = &run.state.summary else { return Vec::new() };
        let transcript = summary.transcript.iter().map(|path| format!("Transcript:  {path}"));
        if run.broken_off {
            return transcript.collect();
        }
        if summary.status != 0 {
            return [format!("State:       {}", run.left())].into_iter().chain(transcript).collect();
        }
        let mut lines = vec![headline(run).1];
        let files: Vec<String> = self.files().into_iter().map(|(path, _)| path).collect();
        if !files.is_empty() {
            lines.push(format!("Files:       {}", files.join(", ")));
        }
        if let Some(path) = &self.saved_answers {
            lines.push(format!("Answers:     {}", path.display()));
        }
        if let Some(left) = left_out(run) {
            lines.push(format!("Not done:    {left}; `backendai-setup` offers to continue with it"));
        }
        lines.extend(transcript);
        if let Some(command) = self.next_command() {
            lines.push(format!("Next:        {command}"));
            lines.push(format!("             {}", self.setup.guide.needs));
            lines.extend(
                settings(&self.answers).local_addresses().map(|local| format!("             {local}")),
            );
        }
        lines
    }

    /// The transcript of a run that was broken off has an end too: whoever writes it is not waited for.
    pub fn write_end_down(&self) {
        let Some(run) = self.run.as_ref().filter(|run| run.broken_off) else { return };
        if let (Some(path), Some(summary)) = (&run.transcript, &run.state.summary)
            && let Ok(mut transcript) =
                Transcript::append(&self.surroundings.disk, path.as_ref(), self.setup.stage_titles())
        {
            // Nobody is left to be told that this record is lost.
            let _ = transcript
                .report(&Event::at(self.surroundings.clock.now(), EventKind::Summary(summary.clone())));
        }
    }

    /// Printed after leaving: what the checks warned of, and why a run did not end well.
    pub fn failures(&self) -> Vec<crate::failure::Failure> {
        let Some(run) = &self.run else { return Vec::new() };
        let failures = if run.has_failed() { run.failures() } else { Vec::new() };
        run.state.warnings().cloned().chain(failures).collect()
    }
}

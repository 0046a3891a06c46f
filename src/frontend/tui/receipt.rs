//! The receipt: what came of a run, whichever way it ended. The page shows it, and the ordinary screen after leaving.

use std::path::PathBuf;

use crate::{
    failure::{Code, Failure, status},
    frontend::wizard::{file, run::Remedy, settings},
    guide::files,
    report::{Reporter, StageProgress, Transcript, about_file, next_command},
    workflow::{Event, EventKind, Outcome, StageId},
};

use super::{app::App, running::RunPage, theme::Sign, view::duration};

/// One stage of it.
pub(super) struct StageLine {
    pub(super) sign: Sign,
    pub(super) title: &'static str,
    /// What it did, or why it did not.
    pub(super) words: String,
    /// How long it took, in milliseconds.
    pub(super) took_ms: Option<u64>,
    /// Why it failed.
    pub(super) code: Option<Code>,
}

/// A file, and what to do with it.
pub(super) struct FileLine {
    pub(super) path: PathBuf,
    pub(super) what: String,
}

impl RunPage {
    /// It is over, or never began.
    pub(super) fn has_ended(&self) -> bool {
        self.state.summary.is_some() || !self.refused.is_empty()
    }

    /// Its verdict: that of the worst stage, those included that somebody skipped.
    pub(super) fn verdict(&self) -> Sign {
        match self.state.summary.as_ref().map(|summary| summary.status) {
            _ if !self.refused.is_empty() => Sign::Failed,
            None if self.stopping => Sign::Warning,
            None => Sign::UnderWay,
            Some(status::SUCCESS) if self.left_out().is_empty() => Sign::Done,
            Some(status::SUCCESS) => Sign::Warning,
            Some(_) if self.is_stopped() => Sign::Warning,
            Some(_) => Sign::Failed,
        }
    }

    /// A person stopped it, and nothing failed by itself.
    fn is_stopped(&self) -> bool {
        self.stopping && self.failures().first().is_some_and(|failure| failure.code == Code::Cancelled)
    }

    /// What it came to, in one line.
    pub(super) fn heading(&self) -> String {
        let all = self.order.len();
        let count =
            format!("{} of {all} {} done", self.state.done(), if all == 1 { "stage" } else { "stages" });
        let Some(summary) = &self.state.summary else {
            return match (self.refused.is_empty(), self.stopping) {
                (false, _) => "Not started".to_owned(),
                (true, true) => format!("Stopping after the unit of work under way: {count}"),
                (true, false) if self.state.stages.is_empty() => "Checking the servers".to_owned(),
                (true, false) if self.is_undo => format!("Undoing: {count}"),
                (true, false) => format!("Writing: {count}"),
            };
        };
        if summary.status == status::SUCCESS {
            return self.heading_of_success(&count);
        }
        let what = if self.is_undo { "Undo stopped" } else { "Stopped" };
        match self.state.failed() {
            _ if self.broken_off => format!("Left without waiting for the end: {count}"),
            Some((id, _)) => format!("{what} at {}: {count}", self.setup.stage_title(id)),
            None if self.is_stopped() => format!("{what} as you asked: {count}"),
            None if self.state.done() == 0 => format!("{what} before the first stage"),
            None => format!("{what}: {count}"),
        }
    }

    fn heading_of_success(&self, count: &str) -> String {
        let changed = self.state.count(|outcome| matches!(outcome, Outcome::Changed(_)));
        let unchanged = self.state.done() - changed;
        let stages = |count: usize| if count == 1 { "stage" } else { "stages" };
        if self.is_undo {
            let back: usize = self.state.stages.iter().map(changes).sum();
            let unit = if back == 1 { "change" } else { "changes" };
            return format!("Undone: {back} {unit} put back");
        }
        if let [only] = self.order.as_slice() {
            let what = if changed > 0 { "is done" } else { "is unchanged" };
            return format!("{} {what}", self.setup.stage_title(only));
        }
        match self.left_out().as_slice() {
            [] if changed == 0 => format!("Prepared: all {unchanged} {} unchanged", stages(unchanged)),
            [] if unchanged == 0 => format!("Prepared: {changed} {} changed", stages(changed)),
            [] => format!("Prepared: {changed} {} changed, {unchanged} unchanged", stages(changed)),
            left => format!("Prepared without {}: {count}", self.setup.titles_of(left)),
        }
    }

    /// Each stage, in their order.
    pub(super) fn stage_lines(&self) -> Vec<StageLine> {
        self.order.iter().map(|id| self.stage_line(id)).collect()
    }

    fn stage_line(&self, id: StageId) -> StageLine {
        let progress = self.state.stages.iter().find(|stage| stage.stage == id);
        let of = |(done, total): (usize, usize)| format!("{done} of {total}");
        let mut code = None;
        let (sign, words) = match progress.map(|stage| (&stage.outcome, stage.progress)) {
            None if self.has_ended() => (Sign::NotNeeded, "not begun".into()),
            None => (Sign::ToCome, String::new()),
            Some((None, _)) if self.has_ended() => (Sign::Warning, "under way when it was left".into()),
            Some((None, progress)) => (Sign::UnderWay, progress.map_or(String::new(), of)),
            Some((Some(outcome), progress)) => match outcome {
                Outcome::Changed(done) => (Sign::Done, self.state.wrote(id, done.changes)),
                Outcome::Unchanged { .. } => (Sign::Done, "unchanged".into()),
                Outcome::Failed { failure, .. } => {
                    code = Some(failure.code);
                    (Sign::Failed, progress.map_or("failed".into(), of))
                }
                Outcome::Skipped { because } => {
                    (Sign::NotNeeded, format!("skipped: it comes after {}", self.setup.stage_title(because)))
                }
                Outcome::LeftOut => (Sign::NotNeeded, "skipped".into()),
                Outcome::Cancelled { left: None } => (Sign::NotNeeded, "not begun".into()),
                Outcome::Cancelled { .. } => (Sign::NotNeeded, "stopped".into()),
            },
        };
        let took_ms = self.logs.of(id).and_then(|log| log.took_ms);
        let took_ms = took_ms.filter(|_| matches!(sign, Sign::Done | Sign::Failed));
        StageLine { sign, title: self.setup.stage_title(id), words, took_ms, code }
    }
}

fn changes(stage: &StageProgress) -> usize {
    match &stage.outcome {
        Some(Outcome::Changed(done)) => done.changes,
        _ => 0,
    }
}

/// What failed and why, in one sentence.
pub(super) fn what_and_why(failure: &Failure) -> String {
    match &failure.why {
        Some(why) => format!("{}: {why}", failure.headline()),
        None => failure.headline(),
    }
}

impl App {
    /// When the run began and how long it took: `14:03:22, 0.4 s`.
    pub(super) fn run_time(&self, run: &RunPage) -> String {
        let took = match &run.state.summary {
            // A tenth of a second is enough here.
            Some(summary) => duration((summary.duration_ms as f64).max(100.0)),
            None => {
                let end = run.ended.unwrap_or(self.now);
                format!("{:.1} s", end.saturating_sub(run.since).as_secs_f64())
            }
        };
        match run.began {
            Some(began) => {
                format!("{}, {took}", began.to_zoned_datetime(self.zone.clone()).strftime("%H:%M:%S"))
            }
            None => took,
        }
    }

    /// The files that this run wrote or found as they should be, and the answers that repeat it.
    pub(super) fn files(&self) -> Vec<FileLine> {
        let Some(run) = &self.run else { return Vec::new() };
        let about = |key| match key {
            files::CREDENTIALS => "the two keypairs; only you can read it",
            key => about_file(key, run.state.warnings().map(|warning| warning.code)),
        };
        let written = run.files().into_iter().filter_map(|key| {
            let path = PathBuf::from(file(&self.answers, key)?);
            let path = std::path::absolute(&path).unwrap_or(path);
            Some(FileLine { path, what: about(key).to_owned() })
        });
        let answers = self.saved_answers.iter().map(|path| FileLine {
            path: path.clone(),
            what: "these answers repeat it, without the secrets: `--answers`".to_owned(),
        });
        written.chain(answers).collect()
    }

    /// The guide's next command, once all that it needs is there.
    pub(super) fn next_command(&self) -> Option<String> {
        let is_whole =
            |run: &&RunPage| run.wanted.is_empty() && run.left_out().is_empty() && !run.has_failed();
        let run = self.run.as_ref().filter(is_whole)?;
        let path = settings(&self.answers).files.environment;
        let path = path.filter(|_| run.files().contains(&files::ENVIRONMENT))?;
        Some(next_command(self.setup.guide, &path))
    }

    /// What to know before the next command.
    pub(super) fn before_next(&self) -> Vec<String> {
        let needs = self.setup.guide.needs.to_owned();
        std::iter::once(needs).chain(settings(&self.answers).local_addresses()).collect()
    }

    /// What can be done after a failure, each with what comes of it.
    pub(super) fn remedy_words(&self, run: &RunPage, remedy: Remedy) -> String {
        match remedy {
            Remedy::Again => "what is done is not repeated".into(),
            Remedy::Look => "the review, with what would change now".into(),
            Remedy::Change => "back to the review".into(),
            Remedy::Skip => {
                let ids = self.passed_over().unwrap_or_default();
                match ids.iter().skip(1).map(|id| run.setup.stage_title(id)).collect::<Vec<_>>().as_slice() {
                    [] => "the other stages run without it".into(),
                    [one] => format!("{one} is skipped too"),
                    several => format!("{} are skipped too", several.join(" and ")),
                }
            }
            // The draft is kept, so the wizard knows where to go on.
            Remedy::Leave => "the next start continues here".into(),
        }
    }

    /// The receipt as lines, for the ordinary screen and to be copied; the transcript stands last.
    pub fn farewell(&self) -> Vec<String> {
        let Some(run) = &self.run else { return Vec::new() };
        let theme = self.theme;
        let sign = |sign: Sign| theme.sign(sign).content.into_owned();
        let mut lines = vec![format!("{} {}  ({})", sign(run.verdict()), run.heading(), self.run_time(run))];
        if !run.order.is_empty() && run.refused.is_empty() {
            lines.push(String::new());
            for stage in run.stage_lines() {
                let took = stage.took_ms.map(|ms| format!("  ({})", duration(ms as f64))).unwrap_or_default();
                let line = format!("  {} {:<15} {}{took}", sign(stage.sign), stage.title, stage.words);
                lines.push(line.trim_end().to_owned());
            }
        }
        for warning in run.state.warnings() {
            lines.extend([
                String::new(),
                format!("  {} {} ({})", sign(Sign::Warning), what_and_why(warning), warning.code),
            ]);
            lines.extend(warning.remedy.iter().map(|remedy| format!("    {remedy}")));
        }
        if run.has_failed() {
            for failure in run.failures() {
                lines.extend([String::new(), format!("  {} ({})", what_and_why(&failure), failure.code)]);
                lines.extend(failure.remedy.iter().map(|remedy| format!("  {remedy}")));
            }
            if run.refused.is_empty() && !run.broken_off {
                lines.extend([String::new(), format!("  State: {}", run.left())]);
            }
        } else if !run.left_out().is_empty() {
            let left = run.setup.titles_of(&run.left_out());
            lines.extend([
                String::new(),
                format!("  Not done: {left}; `backendai-setup` offers to continue with it"),
            ]);
        }
        let files = self.files();
        if !files.is_empty() {
            lines.push(String::new());
        }
        lines.extend(files.into_iter().map(|file| format!("  {}  {}", file.path.display(), file.what)));
        if let Some(command) = self.next_command() {
            lines.extend([String::new(), "  Next, in the manager's folder:".into(), command]);
            lines.extend(self.before_next().into_iter().map(|words| format!("  {words}")));
        }
        if let Some(path) = self.transcript() {
            lines.extend([String::new(), format!("Transcript: {path}")]);
        }
        lines
    }

    /// Where the last run is written down.
    pub(super) fn transcript(&self) -> Option<&str> {
        let run = self.run.as_ref()?;
        let of_summary = run.state.summary.as_ref().and_then(|summary| summary.transcript.as_deref());
        of_summary.or(run.transcript.as_deref()).or(self.last_transcript.as_deref())
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
}

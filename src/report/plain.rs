//! Whole lines for people and logs: time, stage, what happened. No cursor movement.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use jiff::{Timestamp, tz::TimeZone};

use crate::workflow::{Event, EventKind, Level, Outcome, RungState, StageId, Summary};

use super::{
    Reporter,
    failure::write_failure,
    style::{Style, pad},
};

/// Wide enough for every title.
const COLUMN: usize = 14;

/// Writes events as lines.
pub struct Plain<W> {
    out: W,
    style: Style,
    titles: BTreeMap<StageId, &'static str>,
    zone: TimeZone,
    with_date: bool,
    closing: Vec<String>,
}

impl<W: Write> Plain<W> {
    /// Lines with the time of day in local time; `titles` are the stages' titles by id.
    pub fn new(out: W, style: Style, titles: BTreeMap<StageId, &'static str>) -> Self {
        Self { out, style, titles, zone: TimeZone::system(), with_date: false, closing: Vec::new() }
    }

    /// Lines with date and time in UTC, for a file that is read years later.
    pub fn dated(out: W, titles: BTreeMap<StageId, &'static str>) -> Self {
        Self {
            out,
            style: Style { ascii: false },
            titles,
            zone: TimeZone::UTC,
            with_date: true,
            closing: Vec::new(),
        }
    }

    /// Lines to say before the last one when all went well and something changed.
    #[must_use]
    pub fn closing_with(mut self, lines: Vec<String>) -> Self {
        self.closing = lines;
        self
    }

    fn line(&mut self, time: Timestamp, who: &str, what: &str) -> io::Result<()> {
        let time = time.to_zoned_datetime(self.zone.clone());
        let time = time.strftime(if self.with_date { "%Y-%m-%dT%H:%M:%SZ" } else { "%H:%M:%S" }).to_string();
        let what = self.style.text(what);
        writeln!(self.out, "{}  {}{what}", self.style.dim(&time), pad(who, COLUMN))
    }

    fn stage_line(&mut self, time: Timestamp, stage: StageId, what: &str) -> io::Result<()> {
        let title = self.titles.get(stage).copied().unwrap_or(stage);
        self.line(time, title, what)
    }

    fn finished(
        &mut self,
        time: Timestamp,
        stage: StageId,
        outcome: &Outcome,
        duration_ms: u64,
    ) -> io::Result<()> {
        let sign = |state| self.style.sign(state);
        let took = duration(duration_ms);
        let what = match outcome {
            Outcome::Changed(done) => {
                format!("{} changed: {}, {took}", sign(RungState::Passed), done.summary)
            }
            Outcome::Unchanged { summary } => format!("{} unchanged: {summary}", sign(RungState::Passed)),
            Outcome::Failed { failure } => {
                format!("{} failed: {}  {}", sign(RungState::Failed), failure.what, failure.code)
            }
            Outcome::Skipped { because } => {
                let title = self.titles.get(because).copied().unwrap_or(because);
                format!("{} skipped, because {title} failed", sign(RungState::NotNeeded))
            }
            Outcome::Cancelled => format!("{} stopped on request", sign(RungState::NotNeeded)),
        };
        self.stage_line(time, stage, &what)
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        for failure in &summary.failures {
            write_failure(&mut self.out, self.style, failure)?;
        }
        if let (Some(transcript), false) = (&summary.transcript, self.with_date) {
            writeln!(self.out, "{} {transcript}", self.style.dim("transcript"))?;
        }
        if summary.status == 0 && summary.changed > 0 {
            for line in &self.closing {
                writeln!(self.out, "{line}")?;
            }
        }
        writeln!(
            self.out,
            "{} changed={} unchanged={} failed={} skipped={}",
            summary.name, summary.changed, summary.unchanged, summary.failed, summary.skipped
        )
    }
}

impl<W: Write> Reporter for Plain<W> {
    fn report(&mut self, event: &Event) -> io::Result<()> {
        let time = event.time;
        match &event.kind {
            EventKind::Version { program, version, name, .. } => {
                self.line(time, program, &format!("  {version}, {name}"))
            }
            EventKind::Notice { warning } => {
                let what =
                    format!("{} {}  {}", self.style.sign(RungState::Warned), warning.what, warning.code);
                self.line(time, "answers", &what)
            }
            EventKind::Check { title, verdict, .. } => {
                let sign = self.style.sign(verdict.state());
                // The first failure is the verdict.
                let (detail, code) = match verdict.failures().next() {
                    Some(failure) => (failure.what.clone(), format!("  {}", failure.code)),
                    None => (verdict.summary.clone(), String::new()),
                };
                self.line(time, "check", &format!("{sign} {}{detail}{code}", pad(title, 12)))?;
                for warning in verdict.warnings() {
                    let sign = self.style.sign(RungState::Warned);
                    self.line(
                        time,
                        "check",
                        &format!("{sign} {}{}  {}", pad(title, 12), warning.what, warning.code),
                    )?;
                }
                Ok(())
            }
            EventKind::Plan { stages } => {
                for stage in
                    stages.iter().filter(|stage| stage.state == "conflict" || stage.state == "failed")
                {
                    let sign = self.style.sign(RungState::Failed);
                    self.line(time, stage.title, &format!("{sign} {}: {}", stage.state, stage.summary))?;
                }
                Ok(())
            }
            // Progress is for screens that redraw.
            EventKind::StageStarted { .. } | EventKind::Progress { .. } => Ok(()),
            EventKind::Log { stage, level, message } => {
                let mark = match level {
                    Level::Info => String::from("  "),
                    Level::Warning => format!("{} ", self.style.sign(RungState::Warned)),
                };
                self.stage_line(time, stage, &format!("{mark}{message}"))
            }
            EventKind::StageFinished { stage, outcome, duration_ms } => {
                self.finished(time, stage, outcome, *duration_ms)
            }
            EventKind::Summary(summary) => self.summary(summary),
        }?;
        self.out.flush()
    }
}

/// `0.04 s`, `1.2 s`, `2 min 05 s`.
fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("0.{:02} s", ms / 10),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {:02} s", ms / 60_000, ms / 1_000 % 60),
    }
}

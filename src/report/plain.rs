//! Whole lines for people and logs: time, stage, what happened. Only the progress of a long stage is drawn over,
//! where a terminal shows it.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    failure::{Code, Failure},
    workflow::{
        Event, EventKind, Level, Outcome, RungState, StageId, StageState, StageStatus, Summary, Verdict,
    },
};

use super::{
    Reporter,
    closing::{Closing, NEXT},
    failure::{write_details, write_failure},
    nodes::node_line,
    pace::Pace,
    style::{Style, milliseconds, pad},
};

/// After so many lines what was said has left a small screen.
const SCREEN: usize = 20;

/// Wide enough for every title.
const COLUMN: usize = 14;

/// Writes events as lines.
pub struct Plain<W> {
    out: W,
    style: Style,
    titles: BTreeMap<StageId, &'static str>,
    zone: TimeZone,
    with_date: bool,
    closing: Option<Closing>,
    warned: Vec<Code>,
    tells_all: bool,
    offered: String,
    /// What the checks warned of that the manager will meet, and the line it was said on.
    warnings: Vec<(Failure, usize)>,
    lines: usize,
    stages_ran: bool,
    units: BTreeMap<StageId, &'static str>,
    paces: BTreeMap<StageId, Pace>,
    redraws: bool,
    /// How wide the line of progress is that stands on the terminal without an end.
    drawn: usize,
}

impl<W: Write> Plain<W> {
    /// Lines with the time of day in local time; `titles` are the stages' titles by id.
    pub fn new(out: W, style: Style, titles: BTreeMap<StageId, &'static str>) -> Self {
        Self {
            out,
            style,
            titles,
            zone: TimeZone::system(),
            with_date: false,
            closing: None,
            warned: Vec::new(),
            tells_all: false,
            offered: String::new(),
            warnings: Vec::new(),
            lines: 0,
            stages_ran: false,
            units: BTreeMap::new(),
            paces: BTreeMap::new(),
            redraws: false,
            drawn: 0,
        }
    }

    /// Lines with date and time in UTC, for a file that is read years later.
    pub fn dated(out: W, titles: BTreeMap<StageId, &'static str>) -> Self {
        let style = Style { ascii: false, words: false };
        Self { zone: TimeZone::UTC, with_date: true, ..Self::new(out, style, titles) }
    }

    /// Lines to say before the last one when all went well and something changed.
    #[must_use]
    pub fn closing_with(mut self, lines: Option<Closing>) -> Self {
        self.closing = lines;
        self
    }

    /// Every rung of a check and every planned change too.
    #[must_use]
    pub fn telling_all(mut self, all: bool) -> Self {
        self.tells_all = all;
        self
    }

    /// Draws progress over itself: for a terminal that somebody looks at.
    #[must_use]
    pub fn redrawing(mut self, redraws: bool) -> Self {
        self.redraws = redraws;
        self
    }

    fn progress(&mut self, time: Timestamp, stage: StageId, done: usize, total: usize) -> io::Result<()> {
        let redraws = self.redraws;
        let line = self.paces.get_mut(stage).and_then(|pace| pace.line(time, done, total, redraws));
        let Some(line) = line else { return Ok(()) };
        if !redraws {
            return self.line(time, self.title(stage), None, &line);
        }
        self.wipe()?;
        let line = format!("{}  {}  {line}", self.clock(time), pad(self.title(stage), COLUMN));
        self.drawn = line.chars().count();
        write!(self.out, "{line}")
    }

    /// Takes the line of progress away, with blanks: escape sequences may be off.
    fn wipe(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.drawn) {
            0 => Ok(()),
            width => write!(self.out, "\r{}\r", " ".repeat(width)),
        }
    }

    /// One line: time, who, a sign where there is one, what happened.
    fn line(&mut self, time: Timestamp, who: &str, sign: Option<RungState>, what: &str) -> io::Result<()> {
        self.lines += 1;
        let time = self.clock(time);
        let sign = sign.map_or_else(|| " ".to_owned(), |state| self.style.sign(state));
        writeln!(self.out, "{}  {}{sign} {}", self.style.dim(&time), pad(who, COLUMN), self.style.text(what))
    }

    fn clock(&self, time: Timestamp) -> String {
        let time = time.to_zoned_datetime(self.zone.clone());
        time.strftime(if self.with_date { "%Y-%m-%dT%H:%M:%SZ" } else { "%H:%M:%S" }).to_string()
    }

    fn title(&self, stage: StageId) -> &'static str {
        self.titles.get(stage).copied().unwrap_or(stage)
    }

    fn check(&mut self, time: Timestamp, title: &str, verdict: &Verdict) -> io::Result<()> {
        // The first failure is the verdict.
        let (detail, code) = match verdict.failures().next() {
            Some(failure) => (failure.what.clone(), format!("  {}", failure.code)),
            // Nothing but what was accepted is known of it.
            None if verdict.summary.is_empty() => match verdict.warnings().next() {
                Some(warning) => (warning.what.clone(), format!("  {}", warning.code)),
                None => (String::new(), String::new()),
            },
            None => (verdict.summary.clone(), String::new()),
        };
        let what = format!("{}{detail}{code}", pad(title, 12));
        self.line(time, "check", Some(verdict.state()), &what)?;
        if self.tells_all {
            self.rungs(time, verdict)?;
        }
        for warning in verdict.warnings() {
            self.warned.push(warning.code);
            if !self.tells_all {
                let what = format!("{}{}  {}", pad(title, 12), warning.what, warning.code);
                self.line(time, "check", Some(RungState::Warned), &what)?;
                write_details(&mut self.out, self.style, warning)?;
            }
            if warning.code == Code::EtcdManager {
                self.warnings.push((warning.clone(), self.lines));
            }
        }
        Ok(())
    }

    fn rungs(&mut self, time: Timestamp, verdict: &Verdict) -> io::Result<()> {
        for rung in &verdict.rungs {
            let told = match &rung.failure {
                Some(failure) => format!("  {}", failure.code),
                None if rung.latency_ms > 0.0 => format!("  {}", milliseconds(rung.latency_ms)),
                None => String::new(),
            };
            let what = format!("{:12}{} {}{told}", "", pad(rung.name, 10), rung.detail);
            self.line(time, "check", Some(rung.state), &what)?;
            if let (RungState::Warned, Some(warning)) = (rung.state, &rung.failure) {
                write_details(&mut self.out, self.style, warning)?;
            }
        }
        Ok(())
    }

    fn plan(&mut self, time: Timestamp, stages: &[StageState]) -> io::Result<()> {
        let tells_all = self.tells_all;
        for stage in stages {
            let units = stage.changes().iter().map(|change| change.unit(2));
            let unit = units.reduce(|one, other| if one == other { one } else { "" });
            self.units.insert(stage.stage, unit.unwrap_or_default());
            let is_wrong = matches!(stage.state, StageStatus::Conflict | StageStatus::Failed);
            if is_wrong || tells_all {
                let what = format!("{}: {}", stage.state.word(), stage.summary);
                self.line(time, stage.title, is_wrong.then_some(RungState::Failed), &what)?;
            }
            for change in stage.changes().iter().filter(|_| tells_all) {
                self.line(time, stage.title, None, &format!("  {change}"))?;
            }
        }
        Ok(())
    }

    fn finished(
        &mut self,
        time: Timestamp,
        stage: StageId,
        outcome: &Outcome,
        duration_ms: u64,
    ) -> io::Result<()> {
        let (state, what) = match outcome {
            Outcome::Changed(done) => {
                (RungState::Passed, format!("changed in {}: {}", duration(duration_ms), done.summary))
            }
            Outcome::Unchanged { summary } => (RungState::Passed, format!("unchanged: {summary}")),
            Outcome::Failed { failure, left } => {
                let what = format!("failed: {}  {}", failure.what, failure.code);
                self.line(time, self.title(stage), Some(RungState::Failed), &what)?;
                return self.line(time, self.title(stage), None, left);
            }
            Outcome::Skipped { because } => {
                (RungState::NotNeeded, format!("skipped, because {} failed", self.title(because)))
            }
            Outcome::LeftOut => (RungState::NotNeeded, "left out".to_owned()),
            Outcome::Cancelled { left: None } => (RungState::NotNeeded, "not begun".to_owned()),
            Outcome::Cancelled { left: Some(left) } => {
                (RungState::NotNeeded, format!("stopped on request: {left}"))
            }
        };
        self.line(time, self.title(stage), Some(state), &what)
    }

    fn offered(&mut self, time: Timestamp, host: &str, until: &str, command: Option<&str>) -> io::Result<()> {
        let path = self.offered.clone();
        let Some(command) = command else {
            return self.line(time, "mount", None, &format!("{host} offers {path} until {until}"));
        };
        self.line(time, "mount", None, &format!("{path} is offered until {until}"))?;
        self.line(time, "mount", None, "on every other node, run:")?;
        // A line of its own, to be copied.
        writeln!(self.out, "{}", self.style.text(command))
    }

    /// Says again what the manager will meet, where this is true of the lines since it was said.
    fn warn_again(&mut self, is_due: impl Fn(usize) -> bool) -> io::Result<()> {
        let due = |line: &usize| self.stages_ran && is_due(self.lines - line);
        for (warning, _) in self.warnings.iter().filter(|(_, line)| due(line)) {
            write_failure(&mut self.out, self.style, warning)?;
        }
        Ok(())
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        let closes = summary.status == 0 && summary.changed > 0;
        // Who is shown how to start the manager must see what it will meet, below that.
        let lines = self.closing.as_ref().filter(|_| closes).map(|closing| closing(&self.warned));
        let closing = lines.unwrap_or_default();
        let is_next = closing.iter().any(|line| line == NEXT);
        if !is_next {
            // What is still on the screen needs no second word.
            self.warn_again(|lines| lines >= SCREEN)?;
        }
        for failure in &summary.failures {
            write_failure(&mut self.out, self.style, failure)?;
        }
        if let (Some(transcript), false) = (&summary.transcript, self.with_date) {
            writeln!(self.out, "{} {}", self.style.dim("transcript"), self.style.text(transcript))?;
        }
        for line in &closing {
            writeln!(self.out, "{}", self.style.text(line))?;
        }
        if is_next {
            self.warn_again(|_| true)?;
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
        if !matches!(event.kind, EventKind::Progress { .. } | EventKind::Rung { .. }) {
            self.wipe()?;
        }
        match &event.kind {
            EventKind::Version { program, version, name, .. } => {
                self.line(time, program, None, &format!("{version}, {name}"))
            }
            EventKind::Notice { warning } => {
                let state = if warning.is_warning() { RungState::Warned } else { RungState::Failed };
                let what = format!("{}  {}", warning.what, warning.code);
                self.line(time, "answers", Some(state), &what)?;
                write_details(&mut self.out, self.style, warning)
            }
            EventKind::Waiting { title, until, failure, .. } => {
                let until = self.clock(*until);
                let what =
                    format!("{}waiting until {until}: {}  {}", pad(title, 12), failure.what, failure.code);
                self.line(time, "check", None, &what)
            }
            EventKind::Rung { .. } => Ok(()), // the verdict, which follows, has them all
            EventKind::Check { title, verdict, .. } => self.check(time, title, verdict),
            EventKind::Plan { stages } => self.plan(time, stages),
            EventKind::PlanSaved { path } => self.line(time, "plan", None, &format!("saved as {path}")),
            EventKind::StageStarted { stage } => {
                self.stages_ran = true;
                let unit = self.units.get(stage).copied().unwrap_or_default();
                self.paces.insert(*stage, Pace::new(time, unit));
                Ok(())
            }
            EventKind::Progress { stage, done, total } => self.progress(time, stage, *done, *total),
            EventKind::Log { stage, level, message } => {
                let sign = (*level == Level::Warning).then_some(RungState::Warned);
                self.line(time, self.title(stage), sign, message)
            }
            EventKind::StageFinished { stage, outcome, duration_ms } => {
                self.finished(time, stage, outcome, *duration_ms)
            }
            EventKind::MountOffered { host, path, until, command, .. } => {
                self.offered.clone_from(path);
                let until = self.clock(*until);
                self.offered(time, host, &until, command.as_deref())
            }
            EventKind::MountNode(found) => {
                let state = if found.passed { RungState::Passed } else { RungState::Failed };
                let what = format!("{}: {}", found.node, node_line(found, &self.offered));
                self.line(time, "mount", Some(state), &what)
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

//! What each stage says, to be looked at while it runs: bounded, since the transcript has it all.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use jiff::Timestamp;

use crate::workflow::{Event, EventKind, Level, Outcome, StageId};

/// So many lines of a stage are kept; older ones are counted and dropped.
pub const LINES_KEPT: usize = 10_000;
/// A line longer than this is cut when it comes in.
const LINE_LENGTH: usize = 1000;

/// One line of a log.
#[derive(Debug, Clone)]
pub struct Line {
    /// Since the stage began.
    pub after: Duration,
    /// How it matters.
    pub level: Tone,
    /// What it says.
    pub text: String,
}

/// How a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// What is going on.
    Info,
    /// It went well.
    Good,
    /// Worth a look.
    Warning,
    /// What failed.
    Error,
}

/// The log of one stage.
#[derive(Debug, Default)]
pub struct Log {
    /// When the stage began.
    pub began: Option<Timestamp>,
    /// The latest lines.
    pub lines: VecDeque<Line>,
    /// How many earlier ones were dropped.
    pub dropped: usize,
    /// How long the stage took, once it has ended.
    pub took_ms: Option<u64>,
}

impl Log {
    fn push(&mut self, at: Timestamp, level: Tone, text: &str) {
        let after = self
            .began
            .map_or(Duration::ZERO, |began| Duration::try_from(at.duration_since(began)).unwrap_or_default());
        let text = match text.char_indices().nth(LINE_LENGTH) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        };
        if self.lines.len() == LINES_KEPT {
            self.lines.pop_front();
            self.dropped += 1;
        }
        self.lines.push_back(Line { after, level, text });
    }

    /// The places of the lines, or of those alone that want a look.
    pub fn places(&self, wants_a_look: bool) -> Vec<usize> {
        let is_bad = |line: &Line| matches!(line.level, Tone::Warning | Tone::Error);
        let lines = self.lines.iter().enumerate().filter(|(_, line)| !wants_a_look || is_bad(line));
        lines.map(|(at, _)| at).collect()
    }

    /// The log as text, to be saved or copied.
    pub fn text(&self) -> String {
        let mut text = match self.dropped {
            0 => String::new(),
            dropped => format!("{dropped} earlier lines are in the transcript\n"),
        };
        for line in &self.lines {
            let sign = match line.level {
                Tone::Warning => "! ",
                Tone::Error => "X ",
                Tone::Info | Tone::Good => "",
            };
            text.push_str(&format!("+{:.3} {sign}{}\n", line.after.as_secs_f64(), line.text));
        }
        text
    }
}

/// The logs of a run.
#[derive(Debug)]
pub struct StageLogs {
    titles: BTreeMap<StageId, &'static str>,
    logs: BTreeMap<StageId, Log>,
}

impl StageLogs {
    /// None yet; `titles` are the stages' titles by id.
    pub fn new(titles: BTreeMap<StageId, &'static str>) -> Self {
        Self { titles, logs: BTreeMap::new() }
    }

    /// The log of one stage.
    pub fn of(&self, stage: StageId) -> Option<&Log> {
        self.logs.get(stage)
    }

    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::StageStarted { stage } => {
                self.logs.entry(stage).or_default().began = Some(event.time);
            }
            EventKind::Log { stage, level, message } => {
                let tone = match level {
                    Level::Info => Tone::Info,
                    Level::Warning => Tone::Warning,
                };
                self.logs.entry(stage).or_default().push(event.time, tone, message);
            }
            EventKind::StageFinished { stage, outcome, duration_ms } => {
                let (tone, text) = self.ended(outcome);
                let log = self.logs.entry(stage).or_default();
                log.took_ms = Some(*duration_ms);
                log.push(event.time, tone, &text);
                if let Outcome::Failed { failure, .. } = outcome {
                    for line in failure.why.iter().flat_map(|why| why.lines()) {
                        log.push(event.time, Tone::Error, line);
                    }
                }
            }
            _ => {}
        }
    }

    fn ended(&self, outcome: &Outcome) -> (Tone, String) {
        match outcome {
            Outcome::Changed(done) => (Tone::Good, done.summary.clone()),
            Outcome::Unchanged { summary } => (Tone::Good, format!("nothing to do: {summary}")),
            Outcome::Failed { failure, .. } => (Tone::Error, failure.what.clone()),
            Outcome::Skipped { because } => {
                let title = self.titles.get(because).copied().unwrap_or_default();
                (Tone::Warning, format!("not started: {title} failed"))
            }
            Outcome::LeftOut => (Tone::Warning, "left out".to_owned()),
            Outcome::Cancelled { left: None } => (Tone::Warning, "not begun".to_owned()),
            Outcome::Cancelled { left: Some(left) } => (Tone::Warning, format!("stopped: {left}")),
        }
    }
}

//! One JSON object a line on stdout, and nothing else.

use std::io::{self, Write};

use serde::Serialize;

use crate::{
    failure::Failure,
    text::visible_json,
    workflow::{ChangeCount, Event, EventKind, StageId, StageState, StageStatus},
};

use super::Reporter;

/// Writes events as JSON lines.
pub struct Json<W> {
    out: W,
    counts: bool,
}

impl<W: Write> Json<W> {
    /// Every event whole.
    pub fn new(out: W) -> Self {
        Self { out, counts: false }
    }

    /// Of a plan only how many changes each stage has, of each kind.
    #[must_use]
    pub fn counting(self, counts: bool) -> Self {
        Self { counts, ..self }
    }
}

/// A plan without its changes.
#[derive(Serialize)]
struct CountedPlan<'a> {
    time: jiff::Timestamp,
    #[serde(rename = "type")]
    kind: &'static str,
    stages: Vec<CountedStage<'a>>,
}

#[derive(Serialize)]
struct CountedStage<'a> {
    stage: StageId,
    title: &'static str,
    state: StageStatus,
    summary: &'a str,
    counts: Vec<ChangeCount>,
    #[serde(skip_serializing_if = "<[Failure]>::is_empty")]
    remarks: &'a [Failure],
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a Failure>,
}

impl<'a> CountedStage<'a> {
    fn of(stage: &'a StageState) -> Self {
        Self {
            stage: stage.stage,
            title: stage.title,
            state: stage.state,
            summary: &stage.summary,
            counts: ChangeCount::of(stage.changes()),
            remarks: &stage.remarks,
            failure: stage.failure.as_ref(),
        }
    }
}

impl<W: Write> Reporter for Json<W> {
    fn report(&mut self, event: &Event) -> io::Result<()> {
        let line = match &event.kind {
            EventKind::Rung { .. } => return Ok(()),
            EventKind::Plan { stages } if self.counts => {
                let stages = stages.iter().map(CountedStage::of).collect();
                serde_json::to_string(&CountedPlan { time: event.time, kind: "plan", stages })?
            }
            _ => serde_json::to_string(event)?,
        };
        writeln!(self.out, "{}", visible_json(&line))?;
        self.out.flush()
    }
}

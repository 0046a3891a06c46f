//! Nothing is told when nothing changed and nothing is wrong.

use std::io;

use crate::workflow::{Event, EventKind, Outcome};

use super::Reporter;

/// Holds events back until one of them is worth hearing; then everything comes, in order.
pub struct Quiet<R> {
    inner: R,
    held: Vec<Event>,
    is_open: bool,
    /// The first and the last event always come: scripts wait for them.
    keeps_ends: bool,
}

impl<R: Reporter> Quiet<R> {
    /// Tells nothing at all when there is nothing to tell.
    pub fn new(inner: R) -> Self {
        Self { inner, held: Vec::new(), is_open: false, keeps_ends: false }
    }

    /// Tells `version` and `summary` in any case.
    pub fn with_ends(inner: R) -> Self {
        Self { keeps_ends: true, ..Self::new(inner) }
    }
}

impl<R: Reporter> Reporter for Quiet<R> {
    fn report(&mut self, event: &Event) -> io::Result<()> {
        let is_end = matches!(event.kind, EventKind::Summary(_));
        if !self.is_open && !is_noteworthy(&event.kind) {
            if !is_end {
                self.held.push(event.clone());
                return Ok(());
            }
            if !self.keeps_ends {
                return Ok(());
            }
            self.held.truncate(1);
        }
        self.is_open = true;
        for held in self.held.drain(..) {
            self.inner.report(&held)?;
        }
        self.inner.report(event)
    }
}

/// Reports what is waited for; the rest comes elsewhere.
pub struct Waits<R> {
    inner: R,
    tells_findings: bool,
}

impl<R: Reporter> Waits<R> {
    /// Nothing else.
    pub fn alone(inner: R) -> Self {
        Self { inner, tells_findings: false }
    }

    /// Also what checks find and what would change, as it is known.
    pub fn and_findings(inner: R) -> Self {
        Self { inner, tells_findings: true }
    }
}

impl<R: Reporter> Reporter for Waits<R> {
    fn report(&mut self, event: &Event) -> io::Result<()> {
        let is_told = match event.kind {
            EventKind::Waiting { .. } => true,
            EventKind::Check { .. } | EventKind::Plan { .. } => self.tells_findings,
            _ => false,
        };
        if is_told { self.inner.report(event) } else { Ok(()) }
    }
}

fn is_noteworthy(kind: &EventKind) -> bool {
    match kind {
        EventKind::Plan { stages } => {
            stages.iter().any(|stage| !stage.changes().is_empty() || stage.failure.is_some())
        }
        EventKind::StageFinished { outcome, .. } => !matches!(outcome, Outcome::Unchanged { .. }),
        EventKind::Summary(summary) => summary.status != 0 || summary.changed > 0,
        _ => false,
    }
}

//! A verdict: what a live check found, as a ladder of rungs. The check tells each rung as it is passed, and the verdict
//! is their sum.

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::failure::{Failure, Tolerance};

/// How a rung ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RungState {
    /// All is well.
    Passed,
    /// Worth saying, no reason to stop.
    Warned,
    /// The first failed rung is the verdict.
    Failed,
    /// Does not apply here.
    NotNeeded,
}

/// One rung of a ladder: one question put to a target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rung {
    /// What was asked: `resolve`, `connect`, `sign in`.
    pub name: &'static str,
    /// How it ended.
    pub state: RungState,
    /// What was found.
    pub detail: String,
    /// How long it took, in milliseconds.
    pub latency_ms: f64,
    /// The failure or warning, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What it adds to the one line that tells the target.
    #[serde(skip)]
    pub told: Option<String>,
}

impl Rung {
    /// It held.
    pub fn passed(name: &'static str, detail: impl Into<String>, since: Instant) -> Self {
        Self::new(name, RungState::Passed, detail.into(), since.elapsed(), None)
    }

    /// It does not apply.
    pub fn not_needed(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, RungState::NotNeeded, detail.into(), Duration::ZERO, None)
    }

    /// A failure or, for a `W-` code, a warning; the headline is the detail.
    pub fn noted(name: &'static str, failure: Failure, since: Instant) -> Self {
        Self::new(name, state_of(&failure), failure.what.clone(), since.elapsed(), Some(failure))
    }

    fn new(
        name: &'static str,
        state: RungState,
        detail: String,
        took: Duration,
        failure: Option<Failure>,
    ) -> Self {
        let latency_ms = (took.as_secs_f64() * 10_000.0).round() / 10.0;
        Self { name, state, detail, latency_ms, failure, told: None }
    }

    /// Adds a part to the one line that tells the target.
    #[must_use]
    pub fn telling(self, part: impl Into<String>) -> Self {
        Self { told: Some(part.into()), ..self }
    }

    /// Weighs its failure or warning anew: what was only warned about may fail, and the other way round.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: &Tolerance) -> Self {
        if let Some(failure) = self.failure.take() {
            let failure = tolerance.apply(failure);
            self.state = state_of(&failure);
            self.failure = Some(failure);
        }
        self
    }
}

/// Where a check tells its rungs, each as soon as it is passed.
#[derive(Debug, Clone)]
pub struct Ladder(UnboundedSender<Rung>);

impl Ladder {
    /// A ladder, and where its rungs arrive; they end when every clone of the ladder is gone.
    pub fn new() -> (Self, UnboundedReceiver<Rung>) {
        let (sender, rungs) = unbounded_channel();
        (Self(sender), rungs)
    }

    /// For a climb of which only the outcome counts.
    pub fn unseen() -> Self {
        Self::new().0
    }

    /// Tells a rung; when nobody listens any more there is nobody to tell.
    pub fn tell(&self, rung: Rung) {
        let _ = self.0.send(rung);
    }

    /// Tells what arrives from other ladders, one ladder after the other.
    pub async fn absorb(&self, ladders: Vec<UnboundedReceiver<Rung>>) {
        for mut rungs in ladders {
            while let Some(rung) = rungs.recv().await {
                self.tell(rung);
            }
        }
    }

    /// Tells a rung that held.
    pub fn pass(&self, name: &'static str, detail: impl Into<String>, since: Instant) {
        self.tell(Rung::passed(name, detail, since));
    }

    /// Tells a rung that does not apply.
    pub fn not_needed(&self, name: &'static str, detail: impl Into<String>) {
        self.tell(Rung::not_needed(name, detail));
    }

    /// Tells a failure or a warning.
    pub fn note(&self, name: &'static str, failure: Failure, since: Instant) {
        self.tell(Rung::noted(name, failure, since));
    }
}

/// What a check found: the sum of its rungs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Verdict {
    /// One line: which target this is and what was found, when all is well.
    pub summary: String,
    /// Every rung that was climbed, in order.
    pub rungs: Vec<Rung>,
}

impl Extend<Rung> for Verdict {
    fn extend<I: IntoIterator<Item = Rung>>(&mut self, rungs: I) {
        for rung in rungs {
            if let Some(part) = &rung.told {
                self.summary.push_str(if self.summary.is_empty() { "" } else { ", " });
                self.summary.push_str(part);
            }
            self.rungs.push(rung);
        }
    }
}

impl FromIterator<Rung> for Verdict {
    fn from_iter<I: IntoIterator<Item = Rung>>(rungs: I) -> Self {
        let mut verdict = Self::default();
        verdict.extend(rungs);
        verdict
    }
}

impl Verdict {
    /// Every failure, the first of a ladder first.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.of(RungState::Failed)
    }

    /// Every warning.
    pub fn warnings(&self) -> impl Iterator<Item = &Failure> {
        self.of(RungState::Warned)
    }

    fn of(&self, state: RungState) -> impl Iterator<Item = &Failure> {
        self.rungs.iter().filter(move |rung| rung.state == state).filter_map(|rung| rung.failure.as_ref())
    }

    /// The worst of the rungs.
    pub fn state(&self) -> RungState {
        let has = |state| self.rungs.iter().any(|rung| rung.state == state);
        match () {
            () if has(RungState::Failed) => RungState::Failed,
            () if has(RungState::Warned) => RungState::Warned,
            () if has(RungState::Passed) => RungState::Passed,
            () => RungState::NotNeeded,
        }
    }
}

fn state_of(failure: &Failure) -> RungState {
    if failure.is_warning() { RungState::Warned } else { RungState::Failed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Code;

    #[tokio::test]
    async fn the_verdict_is_the_sum_of_its_rungs() {
        let now = Instant::now();
        let (ladder, mut arriving) = Ladder::new();
        ladder.pass("resolve", "a", now);
        let ((first, one), (second, two)) = (Ladder::new(), Ladder::new());
        second.tell(Rung::passed("server", "2", now).telling("two"));
        first.tell(Rung::passed("server", "1", now).telling("one"));
        drop((first, second));
        ladder.absorb(vec![one, two]).await;
        ladder.note("rights", Failure::new(Code::EtcdMember, "a warning"), now);
        drop(ladder);
        let mut verdict = Verdict::default();
        while let Some(rung) = arriving.recv().await {
            verdict.extend([rung]);
        }
        assert_eq!(verdict.summary, "one, two", "one ladder after the other");
        assert_eq!(verdict.rungs.len(), 4);
        assert_eq!(verdict.state(), RungState::Warned);
        assert_eq!((verdict.failures().count(), verdict.warnings().count()), (0, 1));
    }
}

//! A verdict: what a live check found, as a ladder of rungs.

use std::time::{Duration, Instant};

use serde::Serialize;

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
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Verdict {
    /// One line: which target this is and what was found, when all is well.
    pub summary: String,
    /// Every rung that was climbed, in order.
    pub rungs: Vec<Rung>,
}

impl Verdict {
    /// Climbs nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a rung that held.
    pub fn pass(&mut self, name: &'static str, detail: impl Into<String>, since: Instant) {
        self.push(name, RungState::Passed, detail.into(), since.elapsed(), None);
    }

    /// Notes a rung that does not apply.
    pub fn not_needed(&mut self, name: &'static str, detail: impl Into<String>) {
        self.push(name, RungState::NotNeeded, detail.into(), Duration::ZERO, None);
    }

    /// Notes a failure or, for a `W-` code, a warning; the headline is the detail.
    pub fn note(&mut self, name: &'static str, failure: Failure, since: Instant) {
        self.push(name, state_of(&failure), failure.what.clone(), since.elapsed(), Some(failure));
    }

    /// Weighs every failure and warning anew: a rung that was only warned about may fail, and the other way round.
    #[must_use]
    pub fn weighed(mut self, tolerance: &Tolerance) -> Self {
        for rung in &mut self.rungs {
            if let Some(failure) = rung.failure.take() {
                let failure = tolerance.weigh(failure);
                rung.state = state_of(&failure);
                rung.failure = Some(failure);
            }
        }
        self
    }

    /// Takes in another one, after what is there.
    pub fn absorb(&mut self, other: Self) {
        if !other.summary.is_empty() {
            self.tell(&other.summary);
        }
        self.rungs.extend(other.rungs);
    }

    /// Adds a part to the one line that tells the target.
    pub fn tell(&mut self, part: impl AsRef<str>) {
        if !self.summary.is_empty() {
            self.summary.push_str(", ");
        }
        self.summary.push_str(part.as_ref());
    }

    fn push(
        &mut self,
        name: &'static str,
        state: RungState,
        detail: String,
        took: Duration,
        failure: Option<Failure>,
    ) {
        let latency_ms = (took.as_secs_f64() * 10_000.0).round() / 10.0;
        self.rungs.push(Rung { name, state, detail, latency_ms, failure });
    }

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

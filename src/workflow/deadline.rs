//! Until when something is waited for.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::clock::Clock;

/// A moment to come, for the program and for people.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Instant,
    /// The same by the clock, in UTC.
    pub clock: Timestamp,
}

impl Deadline {
    /// So long from now.
    pub fn after(clock: Clock, wait: Duration) -> Self {
        let clock = clock.now().saturating_add(SignedDuration::try_from(wait).unwrap_or_default());
        Self { at: Instant::now() + wait, clock: clock.unwrap_or(Timestamp::MAX) }
    }

    /// How much time is left; none once it is over.
    pub fn left(self) -> Option<Duration> {
        let left = self.at.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}

//! Waiting for what others have to do, until the deadline of the run.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::sleep;

use crate::failure::Failure;

use super::{Context, EventKind};

/// The first pause between two looks; each is twice as long as the one before.
const SHORTEST: Duration = Duration::from_millis(100);

/// One thing that is waited for.
#[derive(Debug)]
pub struct Waiting {
    check: &'static str,
    title: &'static str,
    longest: Duration,
    pauses: ExponentialBackoff,
    told: Option<Failure>,
}

impl Waiting {
    /// For the target of this check, which people call so. Somebody waits for the run: no pause is longer than this.
    pub fn new(check: &'static str, title: &'static str, longest: Duration) -> Self {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(SHORTEST)
            .with_max_delay(longest)
            .with_jitter()
            .without_max_times()
            .build();
        Self { check, title, longest, pauses, told: None }
    }

    /// Waits for another while, and tells what for whenever something else is in the way than before.
    ///
    /// # Errors
    /// What is in the way, when no time is left or none was given; `E-CANCELLED`.
    pub async fn wait<W>(&mut self, cx: &Context<W>, in_the_way: Failure) -> Result<(), Failure> {
        let Some((deadline, left)) = cx.deadline().and_then(|it| Some((it, it.left()?))) else {
            return Err(in_the_way);
        };
        if !self.told.as_ref().is_some_and(|told| told.reads_like(&in_the_way)) {
            self.told = Some(in_the_way.clone());
            let (check, title, until) = (self.check, self.title, deadline.clock);
            cx.send(EventKind::Waiting { check, title, until, failure: in_the_way }).await;
        }
        cx.wait(sleep(self.pauses.next().unwrap_or(self.longest).min(left))).await
    }
}

//! Work under way: what it tells, and how to stop it.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::event::Event;

/// How many events may wait for the reader; a stage that is ahead waits for it.
pub const EVENTS_AHEAD: usize = 256;

/// Asks work to stop after the unit under way, and remembers with which exit status.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    token: CancellationToken,
    status: Arc<AtomicU8>,
}

impl Stop {
    /// Asks to stop; the first status given counts.
    pub fn now(&self, status: u8) {
        let _ = self.status.compare_exchange(0, status, Ordering::SeqCst, Ordering::SeqCst);
        self.token.cancel();
    }

    /// Was it asked?
    pub fn is_asked(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits until it is asked.
    pub async fn asked(&self) {
        self.token.cancelled().await;
    }

    /// The exit status of the first who asked; 0 when nobody did.
    pub fn status(&self) -> u8 {
        self.status.load(Ordering::SeqCst)
    }
}

/// Work under way: what it tells, and how to stop it.
#[derive(Debug)]
pub struct Run {
    /// Everything that happens, in order; closed after the summary.
    pub events: mpsc::Receiver<Event>,
    /// Stops it.
    pub stop: Stop,
}

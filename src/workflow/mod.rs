//! How work runs: stages, what they would change, and one stream of events that tells what happened.
//!
//! Nothing here knows a concrete stage, a server or a screen: everything is generic over the world `W`
//! that stages reach through their [`Context`]. Tests run toy stages with `W = ()`.

mod change;
mod context;
mod event;
mod runner;
mod stage;
mod verdict;

pub use change::Change;
pub use context::Context;
pub use event::{Event, EventKind, Level, StageState, Summary};
pub use runner::{Finished, execute, survey};
pub use stage::{About, Done, Lane, Outcome, Stage, StageId, State};
pub use verdict::{Rung, RungState, Verdict};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How many events may wait for the reader; a stage that is ahead waits for it.
pub const EVENTS_AHEAD: usize = 256;

/// Work under way: what it tells, and how to stop it.
#[derive(Debug)]
pub struct Run {
    /// Everything that happens, in order; closed after the summary.
    pub events: mpsc::Receiver<Event>,
    /// Stops the run after the unit of work under way.
    pub cancel: CancellationToken,
}

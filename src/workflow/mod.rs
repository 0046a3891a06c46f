//! How work runs: stages, what they would change, and one stream of events that tells what happened.
//!
//! Nothing here knows a concrete stage, a server or a screen: everything is generic over the world `W`
//! that stages reach through their [`Context`]. Tests run toy stages with `W = ()`.

mod change;
mod context;
mod deadline;
mod event;
mod outcome;
mod plan;
mod run;
mod runner;
mod stage;
mod verdict;
mod waiting;

pub use change::{Change, ChangeCount};
pub use context::Context;
pub use deadline::Deadline;
pub use event::{Event, EventKind, Level, MountedThere, NodeFound, StageState, StageStatus, Summary};
pub use outcome::{About, Certainty, Done, Found, Outcome, Written};
pub use plan::{Observed, StageId, StagePlan};
pub use run::{EVENTS_AHEAD, Run, Stop};
pub use runner::{Finished, Plan, execute, survey};
pub use stage::Stage;
pub use verdict::{Ladder, Rung, RungState, Verdict};
pub use waiting::Waiting;

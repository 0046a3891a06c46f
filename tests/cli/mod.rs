//! The command line as scripts and operators use it: machine output, statuses, terms of a run.

mod closed;
mod flags;
pub mod json;
mod offline;
mod restarts;
mod statuses;
mod terms;
mod wait;

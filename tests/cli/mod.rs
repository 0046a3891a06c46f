//! The command line as scripts and operators use it: machine output, statuses, terms of a run.

mod closed;
pub mod json;
mod offline;
mod restarts;
mod statuses;
mod terms;
mod wait;

//! The faces: they fill in answers and show events, and do no work of their own.

pub mod answers;
mod console;
pub mod dev;
mod differences;
mod drive;
pub mod headless;
pub mod mount;
pub mod offline;
pub mod plans;
pub mod prompt;
pub mod schema;
pub mod targets;
pub mod tui;
pub mod undo;
mod wizard;

pub use crate::report::is_spoken;
pub use console::{
    Output, Signals, Terminal, Volume,
    signals::{BEFORE, BROKEN_OFF},
    speech::is_accessible,
};
pub use drive::Invocation;

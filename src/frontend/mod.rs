//! The faces: they fill in answers and show events, and do no work of their own.

pub mod answers;
pub mod dev;
mod drive;
pub mod headless;
pub mod mount;
pub mod offline;
pub mod prompt;
mod question;
pub mod signals;
mod teller;
mod telling;
mod terminal;
pub mod tui;
mod wizard;
mod wrapped;

pub use crate::report::is_spoken;
pub use terminal::{Output, Terminal, Volume};

//! The terminal at the bottom of every face: signals, output, events on their way to reporters, questions.

pub mod asker;
pub mod guard;
pub mod lines;
pub mod questions;
pub mod signals;
pub mod speech;
pub mod telling;
pub mod terminal;
pub mod wrapping;

pub use signals::Signals;
pub use terminal::{Output, Terminal, Volume};

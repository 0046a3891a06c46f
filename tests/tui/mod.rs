//! The full-screen face on real terminals: in tmux, where the screen can be read, and on a bare
//! pseudo-terminal, where every byte and the terminal's settings can be.

#![allow(dead_code, unused_imports)] // a box of tools: no test needs them all

mod capture;
mod endings;
mod harness;
mod modes;
mod pictures;
pub mod plain;
mod pty;
mod question;
mod redact;
mod svg;
mod tmux;
pub mod wizard;

pub use capture::capture;
pub use modes::Modes;
pub use pictures::picture;
pub use pty::{Left, Pty};
pub use tmux::Tmux;

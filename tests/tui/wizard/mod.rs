//! The wizard by keys alone, in tmux, against real servers; each screen that matters is kept beside the
//! test that makes it, in `captures/`.

mod development;
mod faults;
mod own_servers;
mod parity;
mod stand;
mod terminal;

pub use stand::{BREAKS, PATIENT, Stand, at_both_sizes, write_private};
pub use terminal::letters;

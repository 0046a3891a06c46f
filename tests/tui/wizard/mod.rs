//! The wizard by keys alone, in tmux, against real servers; each screen that matters is kept beside the
//! test that makes it, in `captures/`.

mod development;
mod faults;
mod home;
mod old;
mod own_servers;
mod parity;
mod stand;
mod terminal;

pub use home::Three;
pub use stand::{BREAKS, PATIENT, Stand, at_both_sizes, write_private};
pub use terminal::letters;

/// Waits until a receipt names the answers that were kept, wherever that stands, and shows its begin again.
pub fn beside(tmux: &crate::tui::Tmux) {
    tmux.keys(&["NPage"]);
    tmux.wait_for(".local/state");
    tmux.keys(&["PPage", "PPage"]);
    tmux.wait_for("Image list");
}

/// From anywhere on the first page to the pages of servers that a person names.
pub const SERVERS: &[&str] = &["End", "Up", "Up", "Enter"];

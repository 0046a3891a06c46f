//! Whether somebody listens to the terminal rather than looks at it.

use crate::report::is_spoken;

/// A screen reader follows, or the terminal cannot move its cursor.
pub fn is_accessible() -> bool {
    let term = std::env::var("TERM").unwrap_or_default();
    term.is_empty() || term == "dumb" || is_spoken()
}

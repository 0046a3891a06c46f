//! Whether somebody listens to the terminal rather than looks at it.

use crate::{environment::Environment, report::is_spoken};

/// A screen reader follows, or the terminal cannot move its cursor.
pub fn is_accessible(environment: &Environment) -> bool {
    matches!(environment.text("TERM"), None | Some("dumb")) || is_spoken(environment)
}

//! What a run leaves on this machine.

use super::Target;

/// A run that is written down, and where.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// What tells it from other runs of its target; sorts by time.
    pub id: String,
    /// The path of its transcript.
    pub transcript: String,
    /// What is set up.
    pub target: Target,
    /// The run that it puts back, where it does that.
    pub undoes: Option<String>,
}

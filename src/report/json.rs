//! One JSON object a line on stdout, and nothing else.

use std::io::{self, Write};

use crate::{
    text::visible_json,
    workflow::{Event, EventKind},
};

use super::Reporter;

/// Writes events as JSON lines.
pub struct Json<W>(pub W);

impl<W: Write> Reporter for Json<W> {
    fn report(&mut self, event: &Event) -> io::Result<()> {
        if matches!(event.kind, EventKind::Rung { .. }) {
            return Ok(());
        }
        let line = visible_json(&serde_json::to_string(event)?);
        writeln!(self.0, "{line}")?;
        self.0.flush()
    }
}

//! The nodes that have answered an offer of the shared folder, as a list at its end.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use crate::workflow::{Event, EventKind, NodeFound, RungState};

use super::{
    Reporter,
    style::{Style, pad},
};

/// Writes the list of nodes when the offer has ended.
pub struct Nodes<W> {
    out: W,
    style: Style,
    path: String,
    found: BTreeMap<String, NodeFound>,
}

impl<W: Write> Nodes<W> {
    /// No node has answered yet.
    pub fn new(out: W, style: Style) -> Self {
        Self { out, style, path: String::new(), found: BTreeMap::new() }
    }

    fn write(&mut self) -> io::Result<()> {
        let width = self.found.keys().map(|node| unicode_width::UnicodeWidthStr::width(node.as_str())).max();
        for (node, found) in &self.found {
            let state = if found.passed { RungState::Passed } else { RungState::Failed };
            let node = pad(&self.style.text(node), width.unwrap_or_default());
            let told = self.style.text(&node_line(found, &self.path));
            writeln!(self.out, "{} {node}  {told}", self.style.sign(state))?;
        }
        self.out.flush()
    }
}

impl<W: Write> Reporter for Nodes<W> {
    fn report(&mut self, event: &Event) -> io::Result<()> {
        match &event.kind {
            EventKind::MountOffered { path, .. } => self.path.clone_from(path),
            EventKind::MountNode(found) => {
                self.found.insert(found.node.clone(), found.clone());
            }
            EventKind::Summary(_) => self.write()?,
            _ => {}
        }
        Ok(())
    }
}

/// What a node found, what is mounted there, and the code when it did not pass.
pub(super) fn node_line(found: &NodeFound, path: &str) -> String {
    let mounted = found.mounted.as_ref().map(|mounted| format!(" ({})", mounted.seen_from(path)));
    let code = found.code.as_ref().map(|code| format!("  {code}"));
    format!("{}{}{}", found.found, mounted.unwrap_or_default(), code.unwrap_or_default())
}

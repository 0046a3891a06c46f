//! What the journals of a target tell.

use std::{collections::BTreeMap, path::Path};

use jiff::Timestamp;

use crate::{disk::Disk, failure::Failure};

use super::{Entry, FOLDER, Line, VERSION};

/// A run as its journal tells it.
#[derive(Debug)]
pub struct JournaledRun {
    /// What tells it from other runs of its target.
    pub id: String,
    /// When it began to write.
    pub began: Timestamp,
    /// The run that it put back, where it did that.
    pub undoes: Option<String>,
    /// How it ended; none for one that was killed.
    pub status: Option<u8>,
    /// By stage, what was sent, and may be written.
    stages: BTreeMap<String, Vec<Entry>>,
}

impl JournaledRun {
    /// What a stage may have written, in order.
    pub fn entries(&self, stage: &str) -> &[Entry] {
        self.stages.get(stage).map_or(&[], Vec::as_slice)
    }

    /// The stages that may have written something.
    pub fn stages(&self) -> impl Iterator<Item = &str> {
        self.stages.iter().filter(|(_, entries)| !entries.is_empty()).map(|(stage, _)| stage.as_str())
    }
}

/// Every run of a target that may have written something, the last one first.
///
/// # Errors
/// `E-FILE-HUNG` when nothing answers.
pub fn journals(disk: &Disk, target: &Path) -> Result<Vec<JournaledRun>, Failure> {
    let mut runs: Vec<JournaledRun> = Vec::new();
    for path in disk.files(&target.join(FOLDER))?.iter().rev() {
        runs.extend(read(&disk.record(path)).filter(|run| run.stages().next().is_some()));
    }
    Ok(runs)
}

/// One of them by its id.
pub fn of_run<'r>(runs: &'r [JournaledRun], id: &str) -> Option<&'r JournaledRun> {
    runs.iter().find(|run| run.id == id)
}

/// None for what is no journal. A line that was cut off tells nothing: it was not yet acted upon.
fn read(bytes: &[u8]) -> Option<JournaledRun> {
    let mut lines = bytes.split(|byte| *byte == b'\n').map_while(|line| serde_json::from_slice(line).ok());
    let Some(Line::Run { version: VERSION, run, began, undoes, .. }) = lines.next() else { return None };
    let mut stages: Vec<(String, usize)> = Vec::new();
    let mut entries: Vec<(Entry, bool)> = Vec::new();
    let mut status = None;
    for line in lines {
        match line {
            Line::Entries { stage, entries: more, .. } => {
                stages.push((stage, more.len()));
                entries.extend(more.into_iter().map(|entry| (entry, false)));
            }
            Line::Sent { from, to } => mark(&mut entries, from, to, true),
            Line::NotOurs { from, to } => mark(&mut entries, from, to, false),
            Line::Ended { status: ended } => status = Some(ended),
            Line::Run { .. } => return None,
        }
    }
    let mut entries = entries.into_iter();
    let mut sent: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for (stage, count) in stages {
        let own = entries.by_ref().take(count).filter(|(_, is_sent)| *is_sent).map(|(entry, _)| entry);
        sent.entry(stage).or_default().extend(own);
    }
    Some(JournaledRun { id: run, began, undoes, status, stages: sent })
}

fn mark(entries: &mut [(Entry, bool)], from: usize, to: usize, is_sent: bool) {
    let to = to.min(entries.len());
    if let Some(part) = entries.get_mut(from.min(to)..to) {
        part.iter_mut().for_each(|(_, sent)| *sent = is_sent);
    }
}

//! What is written down of a run: its transcript, when each stage last ran, and the file that a person asked for.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use crate::{
    disk::Disk,
    failure::Failure,
    guide::Answers,
    limits::Limits,
    state::{RunRecord, StateDir},
    workflow::{Event, StageId},
};

use super::{History, Reporter, Sink, Teller, Transcript, lost_record};

/// What people call each stage.
type Titles = BTreeMap<StageId, &'static str>;

/// Everything that a run is written into.
pub struct Recorder {
    /// What is known of the run before it begins.
    pub record: RunRecord,
    /// They write it.
    pub reporters: Vec<Box<dyn Reporter + Send>>,
}

impl Recorder {
    /// Opens all of it before anything is done.
    ///
    /// # Errors
    /// `E-STATE-DIR` or `E-FILE-WRITE` when something cannot be written.
    pub fn open(
        titles: Titles,
        folder: Result<StateDir, Failure>,
        answers: &Answers,
        undoes: Option<String>,
        log: Option<&Path>,
    ) -> Result<Self, Failure> {
        let folder = folder?;
        let target = folder.target(answers)?;
        let stamp = folder.surroundings.clock.now().strftime("%Y%m%dT%H%M%S%.3fZ").to_string();
        let id = format!("{stamp}-{}", std::process::id());
        let transcript = Transcript::create(&target, &id, titles.clone())?;
        let path = transcript.path().display().to_string();
        let mut reporters: Vec<Box<dyn Reporter + Send>> =
            vec![Box::new(transcript), Box::new(History::create(&target, undoes.is_some()))];
        reporters.extend(log_file(&folder.surroundings.disk, titles, log)?);
        Ok(Self { record: RunRecord { id, transcript: path, target, undoes }, reporters })
    }
}

/// The file in which everything is written down too, where one is asked for.
///
/// # Errors
/// `E-FILE-WRITE` when it cannot be written.
pub fn log_file(
    disk: &Disk,
    titles: Titles,
    path: Option<&Path>,
) -> Result<Option<Box<dyn Reporter + Send>>, Failure> {
    let Some(path) = path else { return Ok(None) };
    Ok(Some(Box::new(Transcript::append(disk, path, titles)?)))
}

/// Records that are written beside a screen.
pub struct Records {
    tellers: Vec<Teller>,
    lost: BTreeSet<String>,
}

impl Records {
    /// By these reporters, each on a thread of its own.
    pub fn new(reporters: Vec<Box<dyn Reporter + Send>>, limits: Limits) -> Self {
        let tellers = reporters.into_iter().map(|reporter| Teller::new(reporter, limits)).collect();
        Self { tellers, lost: BTreeSet::new() }
    }

    /// Writes an event down. A record that is lost must not stop the work: it is named once.
    pub async fn write(&mut self, event: &Arc<Event>) -> Vec<Failure> {
        let mut lost = Vec::new();
        for teller in &mut self.tellers {
            let Some(Err(error)) = teller.tell(event).await else { continue };
            let (Sink::Own(path) | Sink::Asked(path)) = teller.sink() else { continue };
            lost.push(lost_record(path, &error));
        }
        lost.retain(|failure| self.lost.insert(failure.what.clone()));
        lost
    }
}

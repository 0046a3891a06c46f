//! What is written down of a run: its transcript, when each stage last ran, and the file that a person asked for.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use crate::{
    failure::Failure,
    frontend::{
        console::Teller,
        drive::{log_file, titles},
    },
    limits::Limits,
    report::{History, Reporter, Sink, Transcript, lost_record},
    session::Setup,
    state::StateDir,
    workflow::Event,
};

/// Everything that a run is written into.
pub struct Recorder {
    /// The transcript.
    pub path: String,
    /// They write it.
    pub reporters: Vec<Box<dyn Reporter + Send>>,
}

impl Recorder {
    /// Opens all of it before anything is done.
    ///
    /// # Errors
    /// `E-STATE-DIR` or `E-FILE-WRITE` when something cannot be written.
    pub fn open(
        setup: &Setup,
        folder: Result<StateDir, Failure>,
        name: &str,
        log: Option<&Path>,
    ) -> Result<Self, Failure> {
        let folder = folder?;
        let transcript = Transcript::create(&folder, name, titles(setup))?;
        let path = transcript.path().display().to_string();
        let mut reporters: Vec<Box<dyn Reporter + Send>> =
            vec![Box::new(transcript), Box::new(History::create(&folder, name))];
        reporters.extend(log_file(&folder.surroundings.disk, setup, log)?);
        Ok(Self { path, reporters })
    }
}

/// Records that are written beside the screen.
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

//! The context: the one door through which a stage reaches the world and tells what it does.

use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::mpsc;

use crate::{
    clock::Clock,
    failure::{Code, Failure},
    journal::{Entry, Intent, Journal},
};

use super::{Certainty, Deadline, Event, EventKind, Level, StageId, Stop, Written};

/// What a stage gets to work with.
#[derive(Debug)]
pub struct Context<W> {
    /// Settings and connections.
    pub world: Arc<W>,
    events: mpsc::Sender<Event>,
    stop: Stop,
    clock: Clock,
    deadline: Option<Deadline>,
    stage: Option<StageId>,
    expected: Arc<BTreeSet<StageId>>,
    written: Arc<Mutex<Written>>,
    remarks: Arc<Mutex<Vec<Failure>>>,
    journal: Option<Arc<Journal>>,
}

impl<W> Clone for Context<W> {
    fn clone(&self) -> Self {
        Self {
            world: Arc::clone(&self.world),
            events: self.events.clone(),
            stop: self.stop.clone(),
            clock: self.clock,
            deadline: self.deadline,
            stage: self.stage,
            expected: Arc::clone(&self.expected),
            written: Arc::clone(&self.written),
            remarks: Arc::clone(&self.remarks),
            journal: self.journal.clone(),
        }
    }
}

impl<W> Context<W> {
    /// A context that sends its events there and stops when told.
    pub fn new(world: Arc<W>, events: mpsc::Sender<Event>, stop: Stop) -> Self {
        Self {
            world,
            events,
            stop,
            clock: Clock::default(),
            deadline: None,
            stage: None,
            expected: Arc::default(),
            written: nothing(),
            remarks: Arc::default(),
            journal: None,
        }
    }

    /// The same context, with a journal of what it writes.
    #[must_use]
    pub fn with_journal(self, journal: Option<Arc<Journal>>) -> Self {
        Self { journal, ..self }
    }

    /// The same context with another clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The same context, waiting until then for what others have to do.
    #[must_use]
    pub fn with_deadline(self, deadline: Option<Deadline>) -> Self {
        Self { deadline, ..self }
    }

    /// Until when the run waits for what others have to do, if it does.
    pub fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    /// The same context, speaking for a stage that has written nothing yet.
    pub(super) fn for_stage(&self, stage: StageId) -> Self {
        Self { stage: Some(stage), written: nothing(), remarks: Arc::default(), ..self.clone() }
    }

    /// The same context, judging against what these stages will have made.
    pub(super) fn expecting(&self, stages: BTreeSet<StageId>) -> Self {
        Self { expected: Arc::new(stages), remarks: Arc::default(), ..self.clone() }
    }

    /// True when the runner would wait for that stage first, and it has not run yet.
    pub fn expects(&self, stage: StageId) -> bool {
        self.expected.contains(stage)
    }

    /// Notes in the journal what the stage is about to write, and what stands there, before anything of it is written.
    ///
    /// # Errors
    /// `E-STATE-DIR` when it cannot be noted: then it must not be written either.
    pub async fn intend(&self, entries: Vec<Entry>) -> Result<Intent, Failure> {
        match (&self.journal, self.stage) {
            (Some(journal), Some(stage)) => journal.intend(stage, entries).await,
            _ => Ok(Intent::unrecorded()),
        }
    }

    /// Writes a part of what was intended: the one way by which a stage does. What is written, or may be, is left behind
    /// by a later failure.
    ///
    /// # Errors
    /// The failure of the work, or `E-STATE-DIR` when the journal cannot be written; then the work has not begun.
    pub async fn write<T>(
        &self,
        intent: &Intent,
        part: Range<usize>,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        self.write_where(intent, part, work, |_| true).await
    }

    /// The same for work that may find itself done: true when it was this run's. What another run has written is not left
    /// behind by this one.
    ///
    /// # Errors
    /// As [`Context::write`].
    pub async fn write_unless_there(
        &self,
        intent: &Intent,
        part: Range<usize>,
        work: impl Future<Output = Result<bool, Failure>>,
    ) -> Result<bool, Failure> {
        self.write_where(intent, part, work, |is_ours| *is_ours).await
    }

    async fn write_where<T>(
        &self,
        intent: &Intent,
        part: Range<usize>,
        work: impl Future<Output = Result<T, Failure>>,
        is_ours: impl FnOnce(&T) -> bool,
    ) -> Result<T, Failure> {
        if let Some(journal) = &self.journal {
            journal.send(intent, &part).await?;
        }
        let outcome = work.await;
        let sure = match &outcome {
            Ok(done) if is_ours(done) => Certainty::Something,
            Err(failure) if failure.leaves_doubt() => Certainty::Unknown,
            Ok(_) | Err(_) => Certainty::Nothing,
        };
        self.note(|written| written.sure = written.sure.max(sure));
        if let (Some(journal), Certainty::Nothing) = (&self.journal, sure) {
            // What is noted as sent, and is not there, only costs a look when it is undone.
            let _ = journal.is_not_ours(intent, &part).await;
        }
        outcome
    }

    /// What the stage has written so far.
    pub(super) fn what_is_written(&self) -> Written {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, note: impl FnOnce(&mut Written)) {
        note(&mut self.written.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Tells people what happens.
    pub async fn log(&self, message: impl Into<String>) {
        self.say(Level::Info, message.into()).await;
    }

    /// Tells people what they should look at.
    pub async fn warn(&self, message: impl Into<String>) {
        self.say(Level::Warning, message.into()).await;
    }

    /// Something that a look at the world found and nothing is to be done about: shown beside whatever state
    /// the stage is in. A failure under `--strict`.
    pub fn remark(&self, warning: Failure) {
        self.remarks.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
    }

    /// The remarks of the look that has just ended.
    pub(super) fn take_remarks(&self) -> Vec<Failure> {
        std::mem::take(&mut *self.remarks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn say(&self, level: Level, message: String) {
        if let Some(stage) = self.stage {
            self.send(EventKind::Log { stage, level, message }).await;
        }
    }

    /// Tells how far the stage is.
    pub async fn progress(&self, done: usize, total: usize) {
        self.note(|written| written.progress = (done, total));
        if let Some(stage) = self.stage {
            self.send(EventKind::Progress { stage, done, total }).await;
        }
    }

    /// Sends an event; when nobody listens any more there is nobody to tell.
    pub async fn send(&self, kind: EventKind) {
        let _ = self.events.send(Event::at(self.clock.now(), kind)).await;
    }

    /// Asked to stop?
    pub fn is_cancelled(&self) -> bool {
        self.stop.is_asked()
    }

    /// Waits until asked to stop.
    pub(super) async fn cancelled(&self) {
        self.stop.asked().await;
    }

    /// Between two units of work: goes on, or stops when asked to.
    ///
    /// # Errors
    /// `E-CANCELLED` when asked to stop.
    pub fn checkpoint(&self) -> Result<(), Failure> {
        if self.is_cancelled() { Err(stopped()) } else { Ok(()) }
    }

    /// Waits for somebody else, or stops when asked to. The wait must write nothing.
    ///
    /// # Errors
    /// `E-CANCELLED` when asked to stop.
    pub async fn wait<T>(&self, wait: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            came = wait => Ok(came),
            () = self.cancelled() => Err(stopped()),
        }
    }
}

fn nothing() -> Arc<Mutex<Written>> {
    Arc::new(Mutex::new(Written { sure: Certainty::Nothing, progress: (0, 0) }))
}

fn stopped() -> Failure {
    Failure::new(Code::Cancelled, "stopped on request").remedy("run the same command again to go on")
}

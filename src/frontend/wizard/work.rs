//! Work that writes nothing: sessions, and the first thing that is wanted of one.

use crate::{
    disk,
    failure::{Code, Failure},
    guide::Answers,
    session::{Operation, RunOptions, Scope, Session},
    workflow::{EventKind, Stop},
};

/// The answers as a session. It reads files: a mount that hangs holds a thread.
///
/// # Errors
/// Every problem at once.
pub async fn open(
    answers: Answers,
    run_options: RunOptions,
    scope: Result<Scope, Failure>,
    operation: Operation,
) -> Result<Session, Vec<Failure>> {
    let scope = scope.map_err(|failure| vec![failure])?;
    let opened = disk::beside(move || Session::new(&answers, &run_options, scope, operation)).await;
    opened.unwrap_or_else(|| Err(vec![broke()]))
}

/// The first event that is wanted. Work that nobody waits for any more is stopped.
///
/// # Errors
/// The failures of the summary, when that comes first.
pub async fn first<T>(
    session: &Session,
    operation: Operation,
    mut wanted: impl FnMut(EventKind) -> Option<T>,
) -> Result<T, Vec<Failure>> {
    let mut run = session.start(operation, None);
    let _stop = StopOnDrop(run.stop.clone());
    let mut failures = Vec::new();
    while let Some(event) = run.events.recv().await {
        if let EventKind::Summary(summary) = event.kind {
            failures = summary.failures;
        } else if let Some(found) = wanted(event.kind) {
            return Ok(found);
        }
    }
    Err(if failures.is_empty() { vec![broke()] } else { failures })
}

/// What is said of a bug.
pub fn broke() -> Failure {
    Failure::new(Code::Internal, "a piece of work stopped because of a bug in this program")
        .remedy("try again; keep the transcript for a report")
}

struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.now(0);
    }
}

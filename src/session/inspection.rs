//! What a wizard asks while answers are typed: what the check of a section finds, what stages would change, what the
//! image list says. Nothing is written.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    disk,
    failure::{Code, Failure},
    guide::{Answers, Section, database, images},
    images::ImageList,
    workflow::{EventKind, Rung, StageId, StageState, Stop, Verdict},
};

use super::{Operation, RunOptions, SchemaLook, Scope, Session, Setup};

/// How long one question may take that is asked again and again.
const AGAIN: Duration = Duration::from_secs(10);

/// Answers that are looked at, and how.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// What is set up.
    pub setup: &'static Setup,
    /// The answers.
    pub answers: Answers,
    /// The options that a run would have.
    pub run_options: RunOptions,
}

impl Inspection {
    /// These answers as a session. It reads files: see [`Inspection::open`].
    ///
    /// # Errors
    /// Every problem at once.
    pub fn session(
        &self,
        scope: Result<Scope, Failure>,
        operation: Operation,
    ) -> Result<Session, Vec<Failure>> {
        let scope = scope.map_err(|failure| vec![failure])?;
        Session::new(&self.answers, &self.run_options, scope, operation)
    }

    /// The same beside the tasks, since a mount that hangs holds a thread.
    ///
    /// # Errors
    /// Every problem at once.
    pub async fn open(
        self,
        scope: Result<Scope, Failure>,
        operation: Operation,
    ) -> Result<Session, Vec<Failure>> {
        let opened = disk::beside(move || self.session(scope, operation)).await;
        opened.unwrap_or_else(|| Err(vec![broke()]))
    }

    /// Makes the checks of a section; several are reported as one. Each rung is reported as it is passed.
    ///
    /// # Errors
    /// Why they could not be made.
    pub async fn check(
        self,
        section: &'static Section,
        mut climbed: impl FnMut(Rung),
    ) -> Result<Verdict, Vec<Failure>> {
        let ids = self.setup.checks_of(section);
        let scope = Ok(Scope::section(self.setup, section));
        let session = self.open(scope, Operation::Check).await?;
        let mut found = BTreeMap::new();
        let all = |kind| {
            match kind {
                EventKind::Check { check, verdict, .. } => {
                    found.insert(ids.iter().position(|id| *id == check), verdict);
                }
                EventKind::Rung { rung, .. } => climbed(rung),
                _ => {}
            }
            let all = (found.len() == ids.len()).then(|| std::mem::take(&mut found));
            all.map(|all| all.into_values().flat_map(|verdict| verdict.rungs).collect())
        };
        first(&session, Operation::Check, all).await
    }

    /// Asks whether the server of a section is back.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn is_back(self, section: &'static Section) -> Result<(), Failure> {
        match tokio::time::timeout(AGAIN, self.check(section, drop)).await {
            Ok(Ok(verdict)) => verdict.failures().next().cloned().map_or(Ok(()), Err),
            Ok(Err(failures)) => failures.into_iter().next().map_or(Ok(()), Err),
            Err(_) => {
                let what = format!("no answer within {} s", AGAIN.as_secs());
                Err(Failure::new(Code::EtcdTimeout, what))
            }
        }
    }

    /// What these stages, or all, would change.
    ///
    /// # Errors
    /// Why nobody knows.
    pub async fn survey(self, stages: &[StageId]) -> Result<Vec<StageState>, Vec<Failure>> {
        let operation = Operation::Plan { detailed: false };
        let scope = Scope::stages(self.setup, stages, None, &[]);
        let session = self.open(scope, operation).await?;
        first(&session, operation, planned).await
    }

    /// The same of work that has to be looked up first.
    ///
    /// # Errors
    /// Why nobody knows.
    pub async fn survey_scope(
        self,
        scope: impl FnOnce() -> Result<Scope, Failure> + Send + 'static,
    ) -> Result<Vec<StageState>, Vec<Failure>> {
        let operation = Operation::Plan { detailed: false };
        let opened = disk::beside(move || self.session(scope(), operation)).await;
        let session = opened.unwrap_or_else(|| Err(vec![broke()]))?;
        first(&session, operation, planned).await
    }

    /// In what the database is otherwise than its revision, and what a repair would do about it.
    ///
    /// # Errors
    /// Why nobody knows.
    pub async fn drift(self) -> Result<SchemaLook, Vec<Failure>> {
        let scope = Ok(Scope::section(self.setup, &database::SECTION));
        let session = self.open(scope, Operation::Status).await?;
        session.look_at_drift().await.map_err(|failure| vec![failure])
    }

    /// The whole image list when it is sound, also what is left out of it; and what is wrong with it, or worth saying.
    pub fn image_list(mut self) -> (Option<ImageList>, Vec<Failure>) {
        self.answers.unset(images::ONLY);
        let scope = Ok(Scope::section(self.setup, &images::SECTION));
        match self.session(scope, Operation::Plan { detailed: false }) {
            Ok(session) => {
                let list = session.images().cloned();
                let warnings = list.as_ref().map(|list| list.warnings.clone()).unwrap_or_default();
                (list, warnings)
            }
            Err(problems) => (None, problems),
        }
    }
}

fn planned(kind: EventKind) -> Option<Vec<StageState>> {
    if let EventKind::Plan { stages } = kind { Some(stages) } else { None }
}

/// The first event that is wanted, or the failures of the summary. Work that nobody waits for any more is stopped.
async fn first<T>(
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

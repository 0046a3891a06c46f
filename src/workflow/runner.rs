//! The runner: surveys stages, and runs each as soon as those that it comes after have ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
    time::Instant,
};

use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::failure::{Code, Failure};

use super::{
    Certainty, Change, Context, Done, EventKind, Outcome, Stage, StageId, StageState, StageStatus, State,
};

/// A stage that several tasks may hold.
pub type SharedStage<W> = Arc<dyn Stage<W>>;

/// The stages of one run that must have ended before this one starts: those that it names, those that they name,
/// and so on. A stage that is not part of the run is not waited for.
fn predecessors<W: Send + Sync>(stages: &[SharedStage<W>], stage: &dyn Stage<W>) -> BTreeSet<StageId> {
    let mut found = BTreeSet::new();
    let mut named = stage.about().after.to_vec();
    while let Some(id) = named.pop() {
        if let Some(before) = stages.iter().find(|other| other.about().id == id)
            && found.insert(id)
        {
            named.extend(before.about().after);
        }
    }
    found
}

/// Looks at every stage as if its predecessors had run. The states come back in the order of `stages`.
pub async fn survey<W: Send + Sync>(stages: &[SharedStage<W>], cx: &Context<W>) -> Vec<StageState> {
    join_all(stages.iter().map(|stage| {
        let cx = cx.expecting(predecessors(stages, stage.as_ref()));
        async move {
            let found = stage.inspect(&cx).await;
            describe(stage.as_ref(), found, cx.take_remarks())
        }
    }))
    .await
}

fn describe<W: Send + Sync>(
    stage: &dyn Stage<W>,
    found: Result<State, Failure>,
    remarks: Vec<Failure>,
) -> StageState {
    let about = stage.about();
    let (state, summary, changes, failure) = match found {
        Ok(State::Done(summary)) => (StageStatus::Done, summary, Vec::new(), None),
        Ok(State::Pending(changes)) => (StageStatus::Pending, Change::count(&changes), changes, None),
        Ok(State::Conflict(failure)) => {
            (StageStatus::Conflict, failure.what.clone(), Vec::new(), Some(failure))
        }
        Err(failure) => (StageStatus::Failed, failure.what.clone(), Vec::new(), Some(failure)),
    };
    StageState { stage: about.id, title: about.title, state, summary, changes, remarks, failure }
}

/// How the stages of a run ended.
#[derive(Debug)]
pub struct Finished {
    /// Each stage with its outcome, in the order of the run's stages.
    pub outcomes: Vec<(StageId, Outcome)>,
    /// True when something was written, by a stage that changed or by one that failed half-way.
    pub wrote: bool,
}

/// Runs the stages side by side, each once its predecessors have ended. After a failure nothing new
/// starts. Every stage gets exactly one end, also when it panics.
///
/// The stages must not wait for each other in a circle: such a run would never end.
pub async fn execute<W: Send + Sync + 'static>(stages: &[SharedStage<W>], cx: &Context<W>) -> Finished {
    let failed = OnceLock::new();
    let ended: BTreeMap<StageId, CancellationToken> =
        stages.iter().map(|stage| (stage.about().id, CancellationToken::new())).collect();
    let runs = stages.iter().map(|stage| {
        let (failed, ended) = (&failed, &ended);
        async move {
            let id = stage.about().id;
            for before in predecessors(stages, stage.as_ref()) {
                ended[before].cancelled().await;
            }
            let cx = cx.for_stage(id);
            let outcome = run_one(Arc::clone(stage), &cx, failed).await;
            ended[id].cancel();
            (id, outcome, cx.what_is_written().sure > Certainty::Nothing)
        }
    });
    let outcomes = join_all(runs).await;
    let wrote = outcomes.iter().any(|(.., wrote)| *wrote);
    Finished { outcomes: outcomes.into_iter().map(|(id, outcome, _)| (id, outcome)).collect(), wrote }
}

async fn run_one<W: Send + Sync + 'static>(
    stage: SharedStage<W>,
    cx: &Context<W>,
    failed: &OnceLock<StageId>,
) -> Outcome {
    let id = stage.about().id;
    let began = Instant::now();
    let outcome = if let Some(because) = failed.get() {
        Outcome::Skipped { because }
    } else if cx.is_cancelled() {
        Outcome::Cancelled { left: None }
    } else {
        cx.send(EventKind::StageStarted { stage: id }).await;
        // A task of its own, so that a panic ends the stage and not the program.
        let work = tokio::spawn({
            let (cx, stage) = (cx.clone(), Arc::clone(&stage));
            async move { inspect_run_verify(stage.as_ref(), &cx).await }
        });
        let ended = work.await.unwrap_or_else(|_| {
            let what = format!("stage `{id}` stopped because of a bug in this program");
            Err(Failure::new(Code::Internal, what)
                .remedy("run again: what is done is skipped; keep the transcript for a report"))
        });
        ended.unwrap_or_else(|failure| {
            let left = stage.left(cx.what_is_written());
            match failure.code {
                Code::Cancelled => Outcome::Cancelled { left: Some(left) },
                _ => Outcome::Failed { failure, left },
            }
        })
    };
    if matches!(outcome, Outcome::Failed { .. }) {
        let _ = failed.set(id);
    }
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    cx.send(EventKind::StageFinished { stage: id, outcome: outcome.clone(), duration_ms }).await;
    outcome
}

async fn inspect_run_verify<W: Send + Sync>(
    stage: &dyn Stage<W>,
    cx: &Context<W>,
) -> Result<Outcome, Failure> {
    // Looking can be broken off at any time; the work itself stops between two units.
    let found = cx.wait(stage.inspect(cx)).await??;
    match found {
        State::Done(summary) => {
            tell_remarks(cx).await;
            return Ok(Outcome::Unchanged { summary });
        }
        State::Conflict(failure) => return Err(failure),
        State::Pending(changes) => cx.log(format!("{} to write", Change::count(&changes))).await,
    }
    // What the look before the work remarked may be different after it.
    cx.take_remarks();
    let done: Done = stage.run(cx).await?;
    let found = stage.inspect(cx).await?;
    tell_remarks(cx).await;
    match found {
        // Another run did it between our look and our work.
        State::Done(_) if done.changes == 0 => Ok(Outcome::Unchanged { summary: done.summary }),
        State::Done(_) => Ok(Outcome::Changed(done)),
        State::Pending(changes) => Err(Failure::new(
            Code::StageVerify,
            format!(
                "after the work {} {} still to write",
                Change::count(&changes),
                if changes.len() == 1 { "is" } else { "are" }
            ),
        )
        .why(changes.first().map(ToString::to_string).unwrap_or_default())
        .remedy("run again; if it stays so, another program writes the same things")),
        State::Conflict(failure) => Err(failure),
    }
}

async fn tell_remarks<W>(cx: &Context<W>) {
    for remark in cx.take_remarks() {
        let remedy = remark.remedy.iter().map(|remedy| format!("; {remedy}")).collect::<String>();
        cx.warn(format!("{}{remedy}  {}", remark.what, remark.code)).await;
    }
}

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
    Certainty, Change, Context, EventKind, Found, Outcome, Stage, StageId, StagePlan, StageState, StageStatus,
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
    found: Result<Found, Failure>,
    remarks: Vec<Failure>,
) -> StageState {
    let about = stage.about();
    let nothing = || StagePlan::nothing(about.id);
    let (state, summary, plan, failure) = match found {
        Ok(Found::Done(summary)) => (StageStatus::Done, summary, nothing(), None),
        Ok(Found::Pending(plan)) => (StageStatus::Pending, Change::count(&plan.changes), plan, None),
        Ok(Found::Conflict(failure)) => {
            (StageStatus::Conflict, failure.what.clone(), nothing(), Some(failure))
        }
        Err(failure) => (StageStatus::Failed, failure.what.clone(), nothing(), Some(failure)),
    };
    StageState { stage: about.id, title: about.title, state, summary, plan: Arc::new(plan), remarks, failure }
}

/// How the stages of a run ended.
#[derive(Debug)]
pub struct Finished {
    /// Each stage with its outcome, in the order of the run's stages.
    pub outcomes: Vec<(StageId, Outcome)>,
    /// True when something was written, by a stage that changed or by one that failed half-way.
    pub wrote: bool,
}

/// How often a stage is planned anew when its plan is out of date before it wrote anything.
const MOST_PLANS: usize = 3;

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Plan<W> {
    /// What each stage was found in, in the order of the stages.
    pub states: Vec<StageState>,
    /// A person has confirmed it, or it was saved: it is written as it is, or not at all. Else a stage whose plan is
    /// out of date before it wrote anything is planned anew.
    pub is_binding: bool,
    /// How much a remark matters in this run, where a stage is planned anew: one that is no warning is in the way.
    pub judge: fn(&W, Failure) -> Failure,
}

/// Writes the plans of the stages side by side, each once its predecessors have ended. After a failure nothing new
/// starts. Every stage gets exactly one end, also when it panics.
///
/// The stages must not wait for each other in a circle: such a run would never end.
pub async fn execute<W: Send + Sync + 'static>(
    stages: &[SharedStage<W>],
    plan: &Plan<W>,
    cx: &Context<W>,
) -> Finished {
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
            let outcome = run_one(Arc::clone(stage), plan, &cx, failed).await;
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
    plan: &Plan<W>,
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
            let state = plan.states.iter().find(|state| state.stage == id).cloned();
            let judge = (!plan.is_binding).then_some(plan.judge);
            async move { write_and_verify(stage.as_ref(), state, judge, &cx).await }
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

/// Writes the plan of a stage. One that is out of date before anything of it was written is made anew where somebody
/// judges that; a binding one is not.
async fn write_and_verify<W: Send + Sync>(
    stage: &dyn Stage<W>,
    state: Option<StageState>,
    judge: Option<fn(&W, Failure) -> Failure>,
    cx: &Context<W>,
) -> Result<Outcome, Failure> {
    let mut plan = match state {
        Some(StageState { failure: Some(failure), .. }) => return Err(failure),
        Some(state) if state.state == StageStatus::Done => {
            warn_of(&state.remarks, cx).await;
            return Ok(Outcome::Unchanged { summary: state.summary });
        }
        Some(state) => state.plan,
        None => return Err(Failure::new(Code::Internal, "a stage was started without a plan")),
    };
    let mut plans = 1;
    loop {
        cx.log(format!("{} to write", Change::count(&plan.changes))).await;
        let stale = match stage.apply(cx, &plan).await {
            Ok(done) => {
                stage.verify(cx, &plan).await?;
                warn_of(&cx.take_remarks(), cx).await;
                // Another run did it between our look and our work.
                return Ok(match done.changes {
                    0 => Outcome::Unchanged { summary: done.summary },
                    _ => Outcome::Changed(done),
                });
            }
            Err(failure) => failure,
        };
        let is_untouched = cx.what_is_written().sure == Certainty::Nothing;
        let Some(judge) =
            judge.filter(|_| stale.code == Code::PlanStale && is_untouched && plans < MOST_PLANS)
        else {
            return Err(stale);
        };
        plans += 1;
        cx.warn(format!("{}; planned anew", stale.what)).await;
        // Looking can be broken off at any time; the work itself stops between two units.
        let found = cx.wait(stage.inspect(cx)).await??;
        let remarks: Vec<Failure> =
            cx.take_remarks().into_iter().map(|remark| judge(&cx.world, remark)).collect();
        if let Some(failure) = remarks.iter().find(|remark| !remark.is_warning()) {
            return Err(failure.clone());
        }
        plan = match found {
            Found::Pending(plan) => Arc::new(plan),
            Found::Conflict(failure) => return Err(failure),
            Found::Done(summary) => {
                warn_of(&remarks, cx).await;
                return Ok(Outcome::Unchanged { summary });
            }
        };
    }
}

async fn warn_of<W>(remarks: &[Failure], cx: &Context<W>) {
    for remark in remarks {
        let remedy = remark.remedy.iter().map(|remedy| format!("; {remedy}")).collect::<String>();
        cx.warn(format!("{}{remedy}  {}", remark.what, remark.code)).await;
    }
}

//! One piece of work from its first event to its summary.

use std::{sync::Arc, time::Instant};

use futures::{StreamExt, stream::FuturesUnordered};

use crate::{
    checks::{Check, CheckAbout},
    failure::{Code, Failure, status},
    journal::Journal,
    rendezvous::Rendezvous,
    saved_plan::PlanFile,
    stages::SetupStage,
    state::RunRecord,
    workflow::{
        About, Context, Event, EventKind, Outcome, Plan, StageId, StageState, StageStatus, Stop, Summary,
        Verdict, execute, survey,
    },
    world::World,
};

use super::{
    Operation,
    confirmed::Confirmed,
    found::{is_found_by_stages, stuck, with_tolerance},
    locks::{Needed, RunLocks},
    meeting::meet_nodes,
    recognise::other_server,
    stopped::stopped,
    wait::{Patience, probe},
};

pub(super) struct Work {
    pub(super) stages: Vec<SetupStage>,
    /// Asked beside the checks whether they could run.
    pub(super) asked: Vec<SetupStage>,
    pub(super) checks: Vec<Arc<dyn Check>>,
    pub(super) rendezvous: Option<Rendezvous>,
    pub(super) left_out: Vec<StageId>,
    pub(super) notices: Vec<Failure>,
    pub(super) operation: Operation,
    /// What a person has confirmed: that is run, or nothing.
    pub(super) confirmed: Option<Confirmed>,
    /// Where the plan is saved.
    pub(super) save: Option<PlanFile>,
    pub(super) record: Option<RunRecord>,
    pub(super) journal: Option<Arc<Journal>>,
}

/// What is counted while the work goes on.
#[derive(Default)]
struct Tally {
    failures: Vec<Failure>,
    changed: usize,
    unchanged: usize,
    failed: usize,
    /// Stages that cannot run, found before any did.
    stuck: usize,
    skipped: usize,
    wrote: bool,
    unwanted: bool,
}

impl Work {
    pub(super) async fn run(self, cx: Context<World>, stop: Stop) {
        let began = Instant::now();
        let name = cx.world.settings.name.clone();
        let ids = self.stages.iter().map(|stage| stage.about().id).collect();
        let checks = self.checks.iter().map(|check| check.about().id).collect();
        cx.send(Event::version(&name, ids, checks)).await;
        let mut tally = Tally::default();
        self.give_notice(&cx, &mut tally).await;
        let states = tokio::select! {
            states = self.look(&cx, &mut tally) => states,
            // Looking writes nothing, so it can be broken off anywhere.
            () = stop.asked() => Vec::new(),
        };
        self.compare(&states, &mut tally);
        if tally.failures.is_empty()
            && let Some(failure) = other_server(self.record.as_ref(), &cx.world).await
        {
            tally.note(&failure);
        }
        if tally.failures.is_empty() && !stop.is_asked() {
            self.save(&cx, &states, &mut tally).await;
        }
        let goes_on = tally.failures.is_empty() && !stop.is_asked();
        match (self.operation, &self.rendezvous) {
            (Operation::Run, _) if goes_on => self.write(states, &cx, &mut tally, &stop).await,
            (_, Some(rendezvous)) if goes_on => {
                let met = meet_nodes(rendezvous.clone(), cx.clone()).await;
                tally.failed += met.failed;
                met.failures.iter().for_each(|failure| tally.note(failure));
            }
            (Operation::Run, _) => tally.skipped = self.stages.len().saturating_sub(tally.stuck),
            _ if stop.is_asked() => tally.skipped = self.stages.len(),
            _ => {}
        }
        cx.world.hang_up().await;
        let status = self.status(&tally, &stop);
        // Whatever failed counts, also when it was no stage and no check.
        tally.failed = tally.failed.max(usize::from(!tally.failures.is_empty()));
        if stop.is_asked() && status == stop.status() {
            tally.note(&stopped(status, self.left(&tally)));
        }
        if let Some(journal) = &self.journal {
            // The journal tells what was written without it.
            let _ = journal.end(status).await;
        }
        let summary = Summary {
            name,
            status,
            changed: tally.changed,
            unchanged: tally.unchanged,
            failed: tally.failed,
            skipped: tally.skipped + self.left_out.len(),
            failures: tally.failures,
            duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            transcript: self.record.map(|record| record.transcript),
        };
        cx.send(EventKind::Summary(summary)).await;
    }

    async fn give_notice(&self, cx: &Context<World>, tally: &mut Tally) {
        for warning in self.notices.iter().cloned() {
            // With `--strict` it is more than a warning.
            if !warning.is_warning() {
                tally.failed += 1;
                tally.note(&warning);
            }
            cx.send(EventKind::Notice { warning }).await;
        }
    }

    /// Checks and survey: whatever is found here, nothing was written.
    async fn look(&self, cx: &Context<World>, tally: &mut Tally) -> Vec<StageState> {
        let broken = self.check(cx, tally).await;
        let runs = matches!(self.operation, Operation::Preview | Operation::Run);
        if self.operation == Operation::Rendezvous || (runs && !tally.failures.is_empty()) {
            return Vec::new();
        }
        let states = self.find(cx, tally, &broken).await;
        if self.operation != Operation::Check {
            cx.send(EventKind::Plan { stages: states.clone() }).await;
        }
        states
    }

    /// What the stages find, counted.
    async fn find(
        &self,
        cx: &Context<World>,
        tally: &mut Tally,
        broken: &[(&'static CheckAbout, Failure)],
    ) -> Vec<StageState> {
        let is_check = self.operation == Operation::Check;
        cx.world.locks.begin_look();
        let states = self.survey(if is_check { &self.asked } else { &self.stages }, cx, broken).await;
        for state in &states {
            // A stage that only waits for a server is no fault of its own.
            let is_new = state.failure.as_ref().is_some_and(|failure| !tally.failures.contains(failure));
            tally.failed += usize::from(is_new);
            tally.stuck += usize::from(state.failure.is_some());
            match (&state.failure, state.state) {
                (Some(failure), StageStatus::Conflict) if self.operation == Operation::Status => {
                    tally.unwanted = true;
                    tally.note(failure);
                }
                // What was confirmed had no conflict: something changed.
                (Some(failure), StageStatus::Conflict)
                    if self.confirmed.as_ref().is_some_and(|it| it.is_new(failure)) => {}
                (Some(failure), _) => tally.note(failure),
                (None, StageStatus::Pending) => tally.unwanted = true,
                (None, _) => {}
            }
        }
        states
    }

    /// Saves what was found, where that is wanted and nothing is in its way.
    async fn save(&self, cx: &Context<World>, states: &[StageState], tally: &mut Tally) {
        let Some(file) = &self.save else { return };
        match file.save(&cx.world, states).await {
            Ok(()) => cx.send(EventKind::PlanSaved { path: file.path.display().to_string() }).await,
            Err(failure) => tally.note(&failure),
        }
    }

    /// What was confirmed is what is written, or nothing: not when another look finds something else.
    fn compare(&self, found: &[StageState], tally: &mut Tally) {
        let Some(confirmed) = &self.confirmed else { return };
        // A check tells early what a stage would find.
        let is_moved = |failure: &&mut Failure| is_found_by_stages(failure) && confirmed.is_new(failure);
        if let Some(failure) = tally.failures.iter_mut().find(is_moved) {
            *failure = confirmed.out_of_date(failure.what.clone());
        }
        if let Some(difference) = confirmed.difference(found).filter(|_| tally.failures.is_empty()) {
            tally.note(&confirmed.out_of_date(difference));
        }
    }

    /// All checks at once; each tells its verdict when it has one. Gives back which of them failed.
    async fn check(&self, cx: &Context<World>, tally: &mut Tally) -> Vec<(&'static CheckAbout, Failure)> {
        let patience = Patience::default();
        let patience = &patience;
        let mut probes: FuturesUnordered<_> = self
            .checks
            .iter()
            .map(|check| async move {
                (check.about(), probe(check.as_ref(), cx, &cx.world.tolerance, patience).await)
            })
            .collect();
        let mut broken = Vec::new();
        let mut verdicts: Vec<(usize, Verdict)> = Vec::new();
        while let Some((about, verdict)) = probes.next().await {
            patience.end_if_permanent(&verdict);
            let kind = EventKind::Check { check: about.id, title: about.title, verdict: verdict.clone() };
            cx.send(kind).await;
            if let Some(failure) = verdict.failures().next() {
                broken.push((about, failure.clone()));
            }
            let place = self.checks.iter().position(|check| check.about().id == about.id).unwrap_or_default();
            verdicts.push((place, verdict));
        }
        verdicts.sort_by_key(|(place, _)| *place);
        for failure in verdicts.iter().flat_map(|(_, verdict)| verdict.failures()) {
            tally.note(failure);
        }
        // `failed` counts checks, not the problems that one check lists.
        tally.failed += broken.len();
        broken
    }

    /// A stage whose server cannot be asked is not asked: one message for one cause. What a check finds wrong
    /// elsewhere hides no change, but nothing is done as long as it is so.
    async fn survey(
        &self,
        stages: &[SetupStage],
        cx: &Context<World>,
        broken: &[(&'static CheckAbout, Failure)],
    ) -> Vec<StageState> {
        // What a check found is reported there; beside it a stage has nothing to add.
        let is_check = self.operation == Operation::Check;
        let hinders: fn(&CheckAbout) -> bool = if is_check { |_| true } else { |check| check.is_server };
        let cause = |about: &About, counts: fn(&CheckAbout) -> bool| {
            let is_own = |(check, failure): &&(&CheckAbout, Failure)| {
                about.checks.contains(&check.id)
                    && counts(check)
                    && (is_check || !is_found_by_stages(failure))
            };
            broken.iter().find(is_own).map(|(_, failure)| failure.clone())
        };
        let asked: Vec<SetupStage> =
            stages.iter().filter(|stage| cause(stage.about(), hinders).is_none()).cloned().collect();
        let mut found = survey(&asked, cx).await.into_iter().map(|state| with_tolerance(&cx.world, state));
        let mut states: Vec<StageState> = Vec::new();
        for stage in stages {
            let about = stage.about();
            let own = match cause(about, hinders) {
                Some(failure) => Some(stuck(about, StageStatus::Failed, failure)),
                None => found.next().map(|state| match cause(about, |_| true) {
                    Some(failure) if state.state == StageStatus::Done => {
                        stuck(about, StageStatus::Failed, failure)
                    }
                    _ => state,
                }),
            };
            // What it needs will not be there: whatever it found by itself follows from that.
            let before =
                states.iter().find(|state| about.after.contains(&state.stage) && state.failure.is_some());
            let follows = before.and_then(|state| Some((state.state, state.failure.clone()?)));
            states.extend(follows.map(|(state, failure)| stuck(about, state, failure)).or(own));
        }
        states
    }

    /// Writes under the locks of what is written.
    async fn write(&self, states: Vec<StageState>, cx: &Context<World>, tally: &mut Tally, stop: &Stop) {
        let folder = self.record.as_ref().map(|record| record.target.folder().to_owned());
        let mut locks = RunLocks::new(cx, folder);
        match self.held(states, &mut locks, cx, tally, stop).await {
            Ok(states) if tally.failures.is_empty() && !stop.is_asked() => {
                self.execute(states, cx, tally).await;
            }
            Ok(_) => tally.skipped = self.stages.len().saturating_sub(tally.stuck),
            Err(failure) => {
                tally.skipped = self.stages.len();
                if failure.code != Code::Cancelled {
                    tally.note(&failure);
                }
            }
        }
        locks.release().await;
    }

    /// Takes the locks, and looks again where another run may have written since the look before. With nothing to write
    /// there are none to take.
    async fn held(
        &self,
        mut states: Vec<StageState>,
        locks: &mut RunLocks,
        cx: &Context<World>,
        tally: &mut Tally,
        stop: &Stop,
    ) -> Result<Vec<StageState>, Failure> {
        loop {
            let needed = Needed::by(&self.stages, &states);
            if locks.hold(needed) || !locks.take(needed).await? {
                return Ok(states);
            }
            let found = tokio::select! {
                found = self.find(cx, tally, &[]) => found,
                () = stop.asked() => return Ok(states),
            };
            self.compare(&found, tally);
            if found != states {
                cx.send(EventKind::Plan { stages: found.clone() }).await;
            }
            if !tally.failures.is_empty() {
                return Ok(found);
            }
            states = found;
        }
    }

    async fn execute(&self, states: Vec<StageState>, cx: &Context<World>, tally: &mut Tally) {
        for &stage in &self.left_out {
            cx.send(EventKind::StageFinished { stage, outcome: Outcome::LeftOut, duration_ms: 0 }).await;
        }
        let judge = |world: &World, remark| world.tolerance.apply(remark);
        let plan = Plan { states, is_binding: self.confirmed.is_some(), judge };
        let finished = execute(&self.stages, &plan, cx).await;
        tally.wrote = finished.wrote;
        for (_, outcome) in finished.outcomes {
            match outcome {
                Outcome::Changed(_) => tally.changed += 1,
                Outcome::Unchanged { .. } => tally.unchanged += 1,
                Outcome::Failed { failure, .. } => {
                    tally.failed += 1;
                    tally.note(&failure);
                }
                Outcome::Skipped { .. } | Outcome::LeftOut | Outcome::Cancelled { .. } => tally.skipped += 1,
            }
        }
    }

    /// What a stop leaves behind.
    fn left(&self, tally: &Tally) -> &'static str {
        match self.rendezvous {
            Some(Rendezvous::Offer(_)) => "nothing is left of the offer",
            _ if tally.wrote => {
                "what was written stays; the unit of work under way was finished or rolled back"
            }
            _ => "nothing was written",
        }
    }

    fn status(&self, tally: &Tally, stop: &Stop) -> u8 {
        let faults = tally.failures.iter().any(|failure| failure.code == Code::Internal);
        if faults {
            status::INTERNAL
        } else if stop.is_asked() && tally.skipped > 0 || stop.is_asked() && self.operation != Operation::Run
        {
            stop.status()
        } else if !tally.failures.is_empty() && tally.wrote {
            status::PARTIAL
        } else if self.operation == (Operation::Plan { detailed: true }) && tally.unwanted {
            tally.worst().unwrap_or(status::NOT_AS_WANTED)
        } else if self.operation == Operation::Status && tally.unwanted {
            // Conflicts are what `status` is for; a server that cannot be asked is worse.
            tally.worst().filter(|worst| *worst != status::UNFIT).unwrap_or(status::NOT_AS_WANTED)
        } else {
            tally.worst().unwrap_or(status::SUCCESS)
        }
    }
}

/// The summary of work that stopped because of a bug in this program.
pub(super) fn broke(name: &str) -> EventKind {
    let failure = Failure::new(Code::Internal, "the work stopped because of a bug in this program")
        .why("what was written before stays")
        .remedy("run `status` to see what was done, then run again; keep the transcript for a report");
    EventKind::Summary(Summary::of_failures(name, status::INTERNAL, vec![failure]))
}

impl Tally {
    fn worst(&self) -> Option<u8> {
        status::first_of(self.failures.iter().map(Failure::status))
    }

    /// One cause is told once, however many stages it stops.
    fn note(&mut self, failure: &Failure) {
        if !self.failures.contains(failure) {
            self.failures.push(failure.clone());
        }
    }
}

//! How work runs: toy stages without a world.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use backendai_setup::failure::{Code, Failure};
use backendai_setup::journal::Intent;
use backendai_setup::workflow::{
    About, Change, Context, Done, EVENTS_AHEAD, Event, EventKind, Finished, Found, Outcome, Plan, Stage,
    StageId, StagePlan, StageStatus, Stop, execute, survey,
};
use serde_json::Value;
use tokio::sync::{Barrier, mpsc};

use super::grammar::stages_keep;

/// What a toy does when it runs.
#[derive(Debug, Clone)]
pub enum Does {
    Work,
    Fail,
    Panic,
    Chatter(usize),
    /// Waits for another toy to come here too.
    Meet(Arc<Barrier>),
    /// Asks to stop, as a signal would, and goes on to its next unit.
    Stop(Stop),
    /// Is done before it starts.
    Nothing,
    /// Runs, and still finds something to do.
    InVain,
    /// Finds so often that the world has moved on, before it writes anything.
    Overtaken(Arc<AtomicUsize>),
    /// Finds so when it has written something.
    OvertakenHalfWay,
}

struct Toy {
    about: &'static About,
    does: Does,
    ran: std::sync::atomic::AtomicBool,
}

pub fn toy(id: StageId, after: &'static [StageId], does: Does) -> Arc<dyn Stage<()>> {
    let (sections, checks, files, flags) = (&[], &[], &[], &[]);
    let about =
        Box::leak(Box::new(About { id, title: id, summary: "a toy", sections, checks, after, files, flags }));
    Arc::new(Toy { about, does, ran: false.into() })
}

#[async_trait]
impl Stage<()> for Toy {
    fn about(&self) -> &'static About {
        self.about
    }

    async fn inspect(&self, _: &Context<()>) -> Result<Found, Failure> {
        let ran = self.ran.load(Ordering::SeqCst);
        if matches!(self.does, Does::Nothing) || (ran && !matches!(self.does, Does::InVain)) {
            return Ok(Found::Done("all is well".into()));
        }
        Ok(Found::Pending(StagePlan::new(
            self.about.id,
            vec![Change::Database { name: self.about.id.into(), is_removed: false }],
        )))
    }

    async fn apply(&self, cx: &Context<()>, plan: &StagePlan) -> Result<Done, Failure> {
        assert_eq!(plan.changes, [Change::Database { name: self.about.id.into(), is_removed: false }]);
        cx.checkpoint()?;
        if let Does::Overtaken(often) = &self.does
            && often.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            return Err(Failure::stale("the toy moved", "somebody played with it"));
        }
        cx.write(&Intent::unrecorded(), 0..0, async { Ok(()) }).await?;
        match &self.does {
            Does::Fail => return Err(Failure::new(Code::DbLost, "the toy fell")),
            Does::Panic => panic!("the toy broke (this is part of a test)"),
            Does::Chatter(lines) => {
                for line in 0..*lines {
                    cx.log(format!("line {line}")).await;
                    cx.progress(line + 1, *lines).await;
                }
            }
            Does::Meet(barrier) => {
                barrier.wait().await;
            }
            Does::Stop(stop) => stop.now(130),
            Does::OvertakenHalfWay => return Err(Failure::stale("the toy moved", "somebody played with it")),
            Does::Work | Does::Nothing | Does::InVain | Does::Overtaken(_) => {}
        }
        cx.checkpoint()?;
        self.ran.store(true, Ordering::SeqCst);
        Ok(Done { summary: "done".into(), changes: 1 })
    }
}

/// Plans, and runs that.
async fn run(stages: &[Arc<dyn Stage<()>>], cx: &Context<()>, is_binding: bool) -> Finished {
    let plan = Plan { states: survey(stages, cx).await, is_binding, judge: |(), remark| remark };
    execute(stages, &plan, cx).await
}

/// Runs toys; gives back every event as JSON, each outcome, and whether something was written.
pub async fn play(stages: Vec<Arc<dyn Stage<()>>>, stop: Stop) -> (Vec<Value>, Vec<(String, String)>, bool) {
    play_as(stages, stop, false).await
}

async fn play_as(
    stages: Vec<Arc<dyn Stage<()>>>,
    stop: Stop,
    is_binding: bool,
) -> (Vec<Value>, Vec<(String, String)>, bool) {
    let (sender, mut events) = mpsc::channel(EVENTS_AHEAD);
    let cx = Context::new(Arc::new(()), sender, stop);
    let reader = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(event) = events.recv().await {
            seen.push(serde_json::to_value(&event).expect("events are JSON"));
        }
        seen
    });
    let finished = run(&stages, &cx, is_binding).await;
    drop(cx);
    let seen = reader.await.expect("the reader reads");
    let told = stages_keep(&seen);
    let outcomes: Vec<_> = finished
        .outcomes
        .iter()
        .map(|(id, outcome)| {
            let value = serde_json::to_value(outcome).expect("outcomes are JSON");
            ((*id).to_owned(), value["outcome"].as_str().expect("it has a name").to_owned())
        })
        .collect();
    assert_eq!(told, outcomes.iter().cloned().collect(), "what is told is what came out");
    assert_eq!(outcomes.len(), stages.len(), "one end for each stage");
    (seen, outcomes, finished.wrote)
}

fn ends(outcomes: &[(String, String)]) -> Vec<(&str, &str)> {
    outcomes.iter().map(|(id, outcome)| (id.as_str(), outcome.as_str())).collect()
}

#[tokio::test]
async fn every_stage_ends_once() {
    let stages = vec![
        toy("a", &[], Does::Work),
        toy("b", &["a"], Does::Nothing),
        toy("c", &[], Does::Chatter(3)),
        toy("d", &[], Does::Work),
    ];
    let (_, outcomes, wrote) = play(stages, Stop::default()).await;
    assert_eq!(ends(&outcomes), [("a", "changed"), ("b", "unchanged"), ("c", "changed"), ("d", "changed")]);
    assert!(wrote);
}

#[tokio::test]
async fn nothing_to_do_writes_nothing() {
    let stages = vec![toy("a", &[], Does::Nothing), toy("b", &[], Does::Nothing)];
    let (_, outcomes, wrote) = play(stages, Stop::default()).await;
    assert_eq!(ends(&outcomes), [("a", "unchanged"), ("b", "unchanged")]);
    assert!(!wrote);
}

#[tokio::test]
async fn after_a_failure_nothing_new_starts() {
    let stages = vec![toy("a", &[], Does::Fail), toy("b", &["a"], Does::Work), toy("c", &["b"], Does::Work)];
    let (events, outcomes, wrote) = play(stages, Stop::default()).await;
    assert_eq!(ends(&outcomes), [("a", "failed"), ("b", "skipped"), ("c", "skipped")]);
    let skipped = events.iter().filter(|event| event["because"] == "a").count();
    assert_eq!((skipped, wrote), (2, true));
}

#[tokio::test]
async fn a_panic_is_a_failure_and_no_more() {
    let stages =
        vec![toy("a", &[], Does::Panic), toy("b", &["a"], Does::Work), toy("c", &[], Does::Chatter(1))];
    let (events, outcomes, _) = play(stages, Stop::default()).await;
    assert_eq!(ends(&outcomes)[..2], [("a", "failed"), ("b", "skipped")]);
    let failure = events.iter().find(|event| event["outcome"] == "failed").expect("it is told");
    assert_eq!(failure["failure"]["code"], "E-INTERNAL");
    assert!(!failure.to_string().contains("the toy broke"), "a panic's text may hold anything");
}

#[tokio::test]
async fn work_in_vain_is_a_failure() {
    let (events, outcomes, _) = play(vec![toy("a", &[], Does::InVain)], Stop::default()).await;
    assert_eq!(ends(&outcomes), [("a", "failed")]);
    assert!(events.iter().any(|event| event["failure"]["code"] == "E-STAGE-VERIFY"));
}

fn is_anew(event: &Value) -> bool {
    event["message"].as_str().is_some_and(|message| message.ends_with("; planned anew"))
}

/// A plan that is out of date before anything was written is made anew, three times at most, unless it was confirmed.
#[tokio::test]
async fn who_is_overtaken_plans_anew() {
    let play = async |often, is_binding| {
        let stages = vec![toy("a", &[], Does::Overtaken(Arc::new(AtomicUsize::new(often))))];
        let (events, outcomes, wrote) = play_as(stages, Stop::default(), is_binding).await;
        let anew = events.iter().filter(|event| is_anew(event)).count();
        (anew, ends(&outcomes)[0].1.to_owned(), wrote)
    };
    assert_eq!(play(0, true).await, (0, "changed".into(), true));
    assert_eq!(play(1, true).await, (0, "failed".into(), false));
    assert_eq!(play(1, false).await, (1, "changed".into(), true));
    assert_eq!(play(2, false).await, (2, "changed".into(), true));
    assert_eq!(play(3, false).await, (2, "failed".into(), false));
}

#[tokio::test]
async fn what_is_half_written_is_not_planned_anew() {
    let (events, outcomes, wrote) = play(vec![toy("a", &[], Does::OvertakenHalfWay)], Stop::default()).await;
    assert_eq!((ends(&outcomes), wrote), (vec![("a", "failed")], true));
    assert!(events.iter().any(|event| event["failure"]["code"] == "E-PLAN-STALE"));
    assert!(!events.iter().any(is_anew));
}

#[tokio::test]
async fn who_is_stopped_is_cancelled() {
    let stop = Stop::default();
    let stages = vec![toy("a", &[], Does::Stop(stop.clone())), toy("b", &["a"], Does::Work)];
    let (_, outcomes, _) = play(stages, stop.clone()).await;
    assert_eq!(ends(&outcomes), [("a", "cancelled"), ("b", "cancelled")]);
    stop.now(143);
    assert_eq!(stop.status(), 130, "the first who asks counts");

    let (_, outcomes, wrote) = play(vec![toy("a", &[], Does::Work)], stop).await;
    assert_eq!(ends(&outcomes), [("a", "cancelled")]);
    assert!(!wrote);
}

#[tokio::test]
async fn what_waits_for_nothing_runs_side_by_side() {
    // Each waits in its run for the others: one after the other would never end.
    let barrier = Arc::new(Barrier::new(3));
    let meet = |id| toy(id, &[], Does::Meet(Arc::clone(&barrier)));
    let stages = vec![meet("a"), meet("b"), meet("c")];
    let (events, outcomes, _) = play(stages, Stop::default()).await;
    assert!(outcomes.iter().all(|(_, outcome)| outcome == "changed"));
    let first_end = events.iter().position(|event| event["type"] == "stage_finished");
    let last_start = events.iter().rposition(|event| event["type"] == "stage_started");
    assert!(last_start < first_end, "all start before one ends");
}

#[tokio::test]
async fn a_slow_reader_loses_nothing() {
    const LINES: usize = EVENTS_AHEAD * 4;
    let (sender, mut events) = mpsc::channel(2);
    let cx = Context::new(Arc::new(()), sender, Stop::default());
    let work = tokio::spawn(async move {
        run(&[toy("a", &[], Does::Chatter(LINES))], &cx, false).await;
    });
    let mut lines = Vec::new();
    while let Some(Event { kind, .. }) = events.recv().await {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        if let EventKind::Log { message, .. } = kind
            && message.starts_with("line ")
        {
            lines.push(message);
        }
    }
    work.await.expect("the work ends");
    assert_eq!(lines, (0..LINES).map(|line| format!("line {line}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn nobody_listens_and_the_work_goes_on() {
    let (sender, events) = mpsc::channel(1);
    drop(events);
    let cx = Context::new(Arc::new(()), sender, Stop::default());
    let finished = run(&[toy("a", &[], Does::Chatter(9))], &cx, false).await;
    assert!(matches!(finished.outcomes.as_slice(), [("a", Outcome::Changed(_))]));
}

#[tokio::test]
async fn a_survey_runs_nothing_and_keeps_the_order() {
    let stages = vec![toy("a", &[], Does::Panic), toy("b", &[], Does::Nothing), toy("c", &[], Does::Work)];
    let (sender, _events) = mpsc::channel(1);
    let states = survey(&stages, &Context::new(Arc::new(()), sender, Stop::default())).await;
    let states: Vec<_> = states.iter().map(|state| (state.stage, state.state)).collect();
    let (pending, done) = (StageStatus::Pending, StageStatus::Done);
    assert_eq!(states, [("a", pending), ("b", done), ("c", pending)]);
}

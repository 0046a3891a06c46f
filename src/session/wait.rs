//! Waiting for targets that are not up yet.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    checks::Check,
    failure::{Code, Failure, Tolerance, status},
    workflow::{Context, Deadline, EventKind, Ladder, Verdict},
    world::World,
};

/// The first pause between two looks; each is twice as long as the one before.
const SHORTEST: Duration = Duration::from_millis(200);
/// The longest pause: somebody waits for the run.
const LONGEST: Duration = Duration::from_secs(5);

/// What several checks wait by.
#[derive(Debug)]
pub(super) struct Waiting {
    deadline: Deadline,
    /// A check found what no waiting fixes.
    permanent: CancellationToken,
}

impl Waiting {
    /// No longer than this.
    pub(super) fn until(deadline: Deadline) -> Self {
        Self { deadline, permanent: CancellationToken::new() }
    }

    /// Ends the waiting when a verdict has a failure that does not pass by itself: whatever comes up, the work
    /// cannot be done.
    pub(super) fn cancel_if_permanent(&self, verdict: &Verdict) {
        if verdict.failures().next().is_some() && missing(verdict).is_none() {
            self.permanent.cancel();
        }
    }
}

/// Makes a check and, until the deadline, makes it again for as long as its target may still come up. Tells
/// what it waits for whenever that changes.
pub(super) async fn probe(
    check: &dyn Check,
    cx: &Context<World>,
    tolerance: &Tolerance,
    waiting: Option<&Waiting>,
) -> Verdict {
    // The first look is never cut short: without it nothing would be known.
    let mut last = look(check, cx, tolerance, true).await;
    let (Some(Waiting { deadline, permanent }), Some(mut failure)) = (waiting, missing(&last)) else {
        return last;
    };
    tell(check, cx, &failure, deadline).await;
    let pauses = ExponentialBuilder::default()
        .with_min_delay(SHORTEST)
        .with_max_delay(LONGEST)
        .with_jitter()
        .without_max_times()
        .build();
    let looking = async {
        for pause in pauses {
            let Some(left) = deadline.left() else { return };
            sleep(pause.min(left)).await;
            last = look(check, cx, tolerance, false).await;
            let Some(found) = missing(&last) else { return };
            if !found.reads_like(&failure) && deadline.left().is_some() {
                tell(check, cx, &found, deadline).await;
            }
            failure = found;
        }
    };
    // The last look is at the deadline; its own time limits bound it.
    permanent.run_until_cancelled(looking).await;
    last
}

/// Makes a check once and adds up its rungs. Each is handed on as soon as it is passed, but for those of later looks:
/// what these are about says [`EventKind::Waiting`].
async fn look(check: &dyn Check, cx: &Context<World>, tolerance: &Tolerance, is_first: bool) -> Verdict {
    let (ladder, mut rungs) = Ladder::new();
    let climb = async {
        check.probe(&cx.world, &ladder).await;
        drop(ladder);
    };
    let add_up = async {
        let mut verdict = Verdict::default();
        while let Some(rung) = rungs.recv().await {
            let rung = rung.with_tolerance(tolerance);
            if is_first {
                cx.send(EventKind::Rung { check: check.about().id, rung: rung.clone() }).await;
            }
            verdict.extend([rung]);
        }
        verdict
    };
    tokio::join!(climb, add_up).1
}

async fn tell(check: &dyn Check, cx: &Context<World>, failure: &Failure, deadline: &Deadline) {
    let about = check.about();
    let kind = EventKind::Waiting {
        check: about.id,
        title: about.title,
        until: deadline.clock,
        failure: failure.clone(),
    };
    cx.send(kind).await;
}

/// The failure that may pass by itself: a server that does not answer yet, a member that is not promoted
/// yet, a share that is not mounted yet.
fn missing(verdict: &Verdict) -> Option<Failure> {
    let may_pass = |failure: &&Failure| {
        failure.status() == status::UNREACHABLE
            || matches!(failure.code, Code::EtcdLearner | Code::MountMissing | Code::MountUnmounted)
    };
    verdict.failures().find(may_pass).cloned()
}

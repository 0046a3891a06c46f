//! Waiting for targets that are not up yet.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    checks::Check,
    failure::{Code, Failure, Tolerance, status},
    workflow::{Context, EventKind, Ladder, Verdict, Waiting},
    world::World,
};

/// The longest pause between two looks.
const LONGEST: Duration = Duration::from_secs(5);

/// For how long several checks wait.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// A check found what no waiting fixes.
    ended: CancellationToken,
}

impl Patience {
    /// Ends the waiting when a verdict has a failure that does not pass by itself: whatever comes up, the work
    /// cannot be done.
    pub(super) fn end_if_permanent(&self, verdict: &Verdict) {
        if verdict.failures().next().is_some() && missing(verdict).is_none() {
            self.ended.cancel();
        }
    }
}

/// Makes a check and, until the deadline, makes it again for as long as its target may still come up. Tells
/// what it waits for whenever that changes.
pub(super) async fn probe(
    check: &dyn Check,
    cx: &Context<World>,
    tolerance: &Tolerance,
    patience: &Patience,
) -> Verdict {
    // The first look is never cut short: without it nothing would be known.
    let mut last = look(check, cx, tolerance, true).await;
    let mut waiting = Waiting::new(check.about().id, check.about().title, LONGEST);
    let looking = async {
        // The last look is at the deadline; its own time limits bound it.
        while let Some(missing) = missing(&last) {
            if waiting.wait(cx, missing).await.is_err() {
                return;
            }
            last = look(check, cx, tolerance, false).await;
        }
    };
    patience.ended.run_until_cancelled(looking).await;
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

/// The failure that may pass by itself: a server that does not answer yet, a member that is not promoted
/// yet, a share that is not mounted yet.
fn missing(verdict: &Verdict) -> Option<Failure> {
    let may_pass = |failure: &&Failure| {
        failure.status() == status::UNREACHABLE
            || matches!(failure.code, Code::EtcdLearner | Code::MountMissing | Code::MountUnmounted)
    };
    verdict.failures().find(may_pass).cloned()
}

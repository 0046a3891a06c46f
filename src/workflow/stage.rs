//! A stage: one setup step. It looks, and what it finds is a plan; it writes that plan; it looks whether that is so.
//! Everything else is derived from its [`About`].

use async_trait::async_trait;

use crate::failure::{Code, Failure};

use super::{
    change::Change,
    context::Context,
    outcome::{About, Certainty, Done, Found, Written},
    plan::StagePlan,
};

/// One setup step.
#[async_trait]
pub trait Stage<W: Send + Sync>: Send + Sync {
    /// What it is.
    fn about(&self) -> &'static About;

    /// Looks at the world and says what would change; reads only, so this is the dry run too.
    ///
    /// # Errors
    /// When the world cannot be looked at, or a stage that must come first has not run.
    async fn inspect(&self, cx: &Context<W>) -> Result<Found, Failure>;

    /// Writes what the plan says and nothing else; safe to repeat and safe to kill. It asks its guards as it writes.
    ///
    /// # Errors
    /// `E-PLAN-STALE` when the world is not as the plan saw it, else whatever hinders it; the message says in which
    /// state everything is.
    async fn apply(&self, cx: &Context<W>, plan: &StagePlan) -> Result<Done, Failure>;

    /// Looks whether the plan's end was reached: another look has nothing left to write.
    ///
    /// # Errors
    /// `E-STAGE-VERIFY` when something is left, or what hinders the look.
    async fn verify(&self, cx: &Context<W>, plan: &StagePlan) -> Result<(), Failure> {
        match self.inspect(cx).await? {
            Found::Done(_) => Ok(()),
            Found::Conflict(failure) => Err(failure),
            Found::Pending(left) => Err(unfinished(plan, &left)),
        }
    }

    /// In which state it leaves what it writes when it does not come to its end, as part of a sentence.
    fn left(&self, written: Written) -> String {
        match written.sure {
            Certainty::Nothing => "nothing was written".to_owned(),
            Certainty::Something => "what it had written stays".to_owned(),
            Certainty::Unknown => "whether its last write arrived is not known".to_owned(),
        }
    }
}

fn unfinished(plan: &StagePlan, left: &StagePlan) -> Failure {
    let what = Change::count(&left.changes);
    let verb = if left.changes.len() == 1 { "is" } else { "are" };
    let planned =
        |change: &&Change| plan.changes.iter().any(|planned| planned.resource() == change.resource());
    let first = left.changes.iter().find(planned).or(left.changes.first());
    Failure::new(Code::StageVerify, format!("after the work {what} {verb} still to write"))
        .why(first.map(ToString::to_string).unwrap_or_default())
        .remedy("run again; if it stays so, another program writes the same things")
}

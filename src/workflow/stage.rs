//! A stage: one setup step. Three methods; everything else is derived from its [`About`].

use async_trait::async_trait;

use crate::failure::Failure;

use super::{
    context::Context,
    outcome::{About, Certainty, Done, State, Written},
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
    async fn inspect(&self, cx: &Context<W>) -> Result<State, Failure>;

    /// Makes the changes; safe to repeat and safe to kill.
    ///
    /// # Errors
    /// When it cannot; the message says in which state everything is.
    async fn run(&self, cx: &Context<W>) -> Result<Done, Failure>;

    /// In which state it leaves what it writes when it does not come to its end, as part of a sentence.
    fn left(&self, written: Written) -> String {
        match written.sure {
            Certainty::Nothing => "nothing was written".to_owned(),
            Certainty::Something => "what it had written stays".to_owned(),
            Certainty::Unknown => "whether its last write arrived is not known".to_owned(),
        }
    }
}

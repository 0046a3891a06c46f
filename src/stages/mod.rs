//! The stages: one file each. Which of them make a setup, and in which order, is said in `guides`.

mod create_database;
mod file;
mod install_schema;
mod keys;
mod load_aliases;
mod load_images;
mod populate_fixtures;
mod set_mount;
mod stale_keys;
mod undo;
mod write_config;

pub use create_database::CreateDatabase;
pub use install_schema::InstallSchema;
pub use load_aliases::LoadAliases;
pub use load_images::LoadImages;
pub use populate_fixtures::PopulateFixtures;
pub use set_mount::SetMount;
pub use undo::stages as undo;
pub use write_config::WriteConfig;

use std::sync::Arc;

use crate::{
    failure::Failure,
    services::postgres,
    workflow::{Context, Stage},
    world::World,
};

/// Looks as often as an operation has time.
const LOOKS: usize = usize::MAX;

/// Work in one transaction that the server rolls back when the connection breaks: twice more from its beginning. The
/// attempt learns whether it is another one, for what it finds may be its own work.
async fn worked<T, F>(cx: &Context<World>, mut attempt: impl FnMut(bool) -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut again = false;
    postgres::repeated(cx.world.surroundings.limits, 2, || {
        let is_again = std::mem::replace(&mut again, true);
        let work = attempt(is_again);
        async move {
            if is_again {
                cx.warn("the connection broke; once more from the beginning").await;
            }
            work.await
        }
    })
    .await
}

/// A stage of this program.
pub type SetupStage = Arc<dyn Stage<World>>;

//! The stages: one file each, and [`all`] in the guide's order.

mod create_database;
mod install_schema;
mod keys;
mod leftovers;
mod load_aliases;
mod load_images;
mod populate_fixtures;
mod set_mount;
mod write_config;

use std::sync::Arc;

use crate::{
    failure::Failure,
    services::postgres,
    workflow::{About, Context, Stage},
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
    postgres::repeated(2, || {
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

/// Every stage, in the guide's order.
pub fn all() -> Vec<SetupStage> {
    vec![
        Arc::new(load_images::LoadImages),
        Arc::new(load_aliases::LoadAliases),
        Arc::new(set_mount::SetMount),
        Arc::new(create_database::CreateDatabase),
        Arc::new(write_config::WriteConfig),
        Arc::new(install_schema::InstallSchema),
        Arc::new(populate_fixtures::PopulateFixtures),
    ]
}

/// What every stage is, as data.
pub fn abouts() -> Vec<&'static About> {
    all().iter().map(|stage| stage.about()).collect()
}

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
    workflow::{About, Stage},
    world::World,
};

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

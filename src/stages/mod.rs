//! The stages: one file each. Which of them make a setup, and in which order, is said in `guides`.

mod create_database;
mod file;
mod install_schema;
mod keys;
mod load_aliases;
mod load_images;
mod populate_fixtures;
mod repair_schema;
mod set_mount;
mod stale_keys;
mod stamp_schema;
mod undo;
mod write_config;

pub use create_database::CreateDatabase;
pub use install_schema::InstallSchema;
pub use load_aliases::LoadAliases;
pub use load_images::LoadImages;
pub use populate_fixtures::PopulateFixtures;
pub use repair_schema::{RepairSchema, judged as judged_for_repair};
pub use set_mount::SetMount;
pub use stamp_schema::StampSchema;
pub use undo::stages as undo;
pub use write_config::WriteConfig;

use std::{sync::Arc, time::Duration};

use crate::{
    failure::{Code, Failure},
    services::postgres,
    workflow::{Context, Stage, Waiting},
    world::World,
};

/// Looks as often as an operation has time.
const LOOKS: usize = usize::MAX;

/// The longest pause before work on the database is tried again that another run holds up.
const LONGEST: Duration = Duration::from_secs(1);

/// Work in one transaction that the server rolls back when the connection breaks: twice more from its beginning. The
/// attempt learns whether it is another one, for what it finds may be its own work. Where another run has the lock of the
/// database, taken while there was none yet or the connection was broken, it is waited for until the deadline.
async fn worked<T, F>(cx: &Context<World>, mut attempt: impl FnMut(bool) -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let (mut last, mut again, mut broke) = (false, false, false);
    let mut waiting = Waiting::new("database", "PostgreSQL", LONGEST);
    loop {
        let ended = postgres::repeated(cx.world.surroundings.limits, 2, || {
            last = std::mem::replace(&mut again, true);
            let (is_told, work) = (std::mem::replace(&mut broke, true), attempt(last));
            async move {
                if is_told {
                    cx.warn("the connection broke; once more from the beginning").await;
                }
                work.await
            }
        });
        match ended.await {
            Err(busy) if busy.code == Code::DbBusy => waiting.wait(cx, busy).await?,
            ended => return ended,
        }
        // What was held up has written nothing, and no connection broke.
        (again, broke) = (last, false);
    }
}

/// A stage of this program.
pub type SetupStage = Arc<dyn Stage<World>>;

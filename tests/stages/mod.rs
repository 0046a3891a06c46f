//! The stages against real servers: what the manager would find, byte for byte.

mod alembic;
mod config;
mod connections;
mod contract;
mod events;
mod failover;
mod golden;
mod grammar;
mod graph;
mod history;
mod keep;
mod keypairs;
mod keypairs_doors;
mod keypairs_kept;
mod kills;
mod large;
mod locks;
pub mod old;
mod overtaken;
mod saved;
mod saved_refused;
mod schema;
mod serial;
mod site;
mod stale;
mod targets;
mod undo;
mod upgrade;
mod upgrade_kept;

pub use saved::Desk;
pub use site::Site;

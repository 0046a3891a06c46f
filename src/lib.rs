//! `backendai-setup` prepares an etcd cluster and a PostgreSQL database for the Backend.AI manager.
//!
//! The map of the house is in `ARCHITECTURE.md`; `tests/house.rs` holds its borders.

pub mod bundle;
pub mod checks;
pub mod cli;
pub mod clock;
pub mod devstack;
pub mod disk;
pub mod environment;
pub mod failure;
pub mod fingerprint;
pub mod fixture;
pub mod frontend;
pub mod guide;
pub mod guides;
pub mod images;
pub mod journal;
pub mod limits;
pub mod manager_config;
pub mod rendezvous;
pub mod report;
pub mod runtime;
pub mod saved_plan;
pub mod schema;
pub mod services;
pub mod session;
pub mod stages;
pub mod state;
pub mod surroundings;
pub mod text;
pub mod workflow;
pub mod world;
pub mod yaml;

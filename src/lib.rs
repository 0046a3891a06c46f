//! `backendai-setup` prepares an etcd cluster and a PostgreSQL database for the Backend.AI manager.
//!
//! The map of the house is in `ARCHITECTURE.md`; `tests/house.rs` holds its borders.

pub mod devhome;
pub mod devstack;
pub mod failure;
pub mod images;
pub mod yaml;

//! The live checks: one file each. Each climbs a ladder and leaves no trace. Which of them make a setup is said in
//! `guides`.

mod check;
mod database;
mod etcd;
mod files;
mod images;
mod manager;
mod member;
mod storage;

pub use check::{Check, CheckAbout};
pub use database::DatabaseCheck;
pub use etcd::EtcdCheck;
pub use files::FilesCheck;
pub use images::ImagesCheck;
pub use storage::StorageCheck;

use std::sync::Arc;

/// Does etcd answer? For work that does not write below the manager's prefix.
pub fn etcd_answers() -> Arc<dyn Check> {
    Arc::new(EtcdCheck { rights: false })
}

/// Could the manager use etcd at the address that it is given? For work that writes that address and asks etcd nothing:
/// it warns, and stops nothing.
pub fn for_manager() -> Arc<dyn Check> {
    Arc::new(manager::ManagerCheck)
}

/// Is the shared folder fit?
pub fn storage() -> Arc<dyn Check> {
    Arc::new(StorageCheck)
}

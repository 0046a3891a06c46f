//! What keeps a run from writing once it has lost its lock.

use etcd_client::{Compare, CompareOp};

/// The key of the lock, below the namespace: none of the manager's.
pub(super) const LOCK: &str = "backendai-setup/lock";

/// What each write of a run compares beside its keys: that the lock is still its own.
#[derive(Debug, Clone, Copy)]
pub struct Fence {
    /// The revision at which the lock was written.
    pub(super) revision: i64,
}

impl Fence {
    /// The comparison with the key of the lock.
    pub(super) fn compare(self, key: String) -> Compare {
        // Of whatever is written there later none has the same.
        Compare::mod_revision(key, CompareOp::Equal, self.revision)
    }
}

//! Where etcd answered last, as all stores of a run know it.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Which endpoint answered last, and how often another connection was needed.
#[derive(Debug, Default)]
pub struct Answered {
    endpoint: AtomicUsize,
    connections: AtomicUsize,
}

impl Answered {
    /// The place of the endpoint among those of the answers.
    pub(super) fn endpoint(&self) -> usize {
        self.endpoint.load(Ordering::SeqCst)
    }

    /// How many connections there were.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// A new connection, to this endpoint; gives back its number.
    pub(super) fn connected(&self, endpoint: usize) -> usize {
        self.endpoint.store(endpoint, Ordering::SeqCst);
        self.connections.fetch_add(1, Ordering::SeqCst) + 1
    }
}

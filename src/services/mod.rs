//! The outside world: etcd, PostgreSQL, disk. Every connection, every timeout.

pub mod etcd;
pub mod files;
pub mod mount;
pub mod net;
pub mod postgres;

mod caught;

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use caught::caught;

pub use crate::patience::{limit, limit_operations, seconds};

/// How long a host name may take to resolve, or a connection to be accepted.
pub fn connect_limit() -> Duration {
    limit(5)
}

/// How long a server may take to answer one request.
pub fn answer_limit() -> Duration {
    limit(10)
}

/// How long the first answer of a server may take: shorter, since somebody is watching.
pub fn greeting_limit() -> Duration {
    limit(5)
}

/// The pauses before a question is put again.
fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .with_jitter()
        .without_max_times()
        .build()
}

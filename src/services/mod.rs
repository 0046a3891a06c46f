//! The outside world: etcd, PostgreSQL, disk. Every connection, every timeout.

pub mod etcd;
pub mod files;
pub mod mount;
pub mod net;
pub mod postgres;

mod caught;

use std::{sync::OnceLock, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use caught::caught;

/// How long each operation may take, when the command line says so.
static LIMIT: OnceLock<Duration> = OnceLock::new();

/// Gives every operation this much time instead of its own limit. Said once, before any work begins.
pub fn limit_operations(limit: Duration) {
    let _ = LIMIT.set(limit);
}

/// The limit of an operation that usually gets so many seconds.
pub fn limit(usual_seconds: u64) -> Duration {
    LIMIT.get().copied().unwrap_or(Duration::from_secs(usual_seconds))
}

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

/// How long a file system may take to answer.
pub fn file_system_limit() -> Duration {
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

/// A limit in words: `5 s`, `0.5 s`.
pub fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}

//! How long anything may take.

use std::{sync::OnceLock, time::Duration};

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

/// How long a file system may take to answer.
pub fn file_system_limit() -> Duration {
    limit(5)
}

/// How long a file may take to be written: a disk that is busy takes its time to sync.
pub fn write_limit() -> Duration {
    limit(15)
}

/// A limit in words: `5 s`, `0.5 s`.
pub fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}

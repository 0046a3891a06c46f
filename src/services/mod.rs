//! The servers: etcd and PostgreSQL. Every connection, every timeout.

pub mod etcd;
pub mod net;
pub mod postgres;

mod caught;
mod holder;
mod locks;

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use caught::caught;

pub use holder::{Holder, SignOfLife};
pub use locks::Locks;

/// The pauses before a question is put again.
fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .with_jitter()
        .without_max_times()
        .build()
}

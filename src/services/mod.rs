//! The outside world: etcd, PostgreSQL, disk. Every connection, every timeout.

pub mod etcd;
pub mod files;
pub mod mount;
pub mod net;
pub mod postgres;

use std::time::Duration;

/// How long a host name may take to resolve, or a connection to be accepted.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a server may take to answer one request.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the first answer of a server may take: shorter, since somebody is watching.
pub const GREETING_TIMEOUT: Duration = Duration::from_secs(5);

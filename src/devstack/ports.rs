//! Whether a port is free.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};

/// The addresses that `localhost` may mean here.
pub(super) fn localhost() -> Vec<IpAddr> {
    let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        addresses.push(IpAddr::V6(Ipv6Addr::LOCALHOST));
    }
    addresses
}

/// Why a port cannot be had; nothing when it is free.
pub(super) fn trouble(port: u16) -> Option<io::Error> {
    localhost().into_iter().find_map(|address| TcpListener::bind((address, port)).err())
}

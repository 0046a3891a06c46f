//! Whether anything accepts connections at an address. Nobody is spoken to.

use crate::{guide::parse_address, limits::Limits, services::net};

/// Does anything accept connections there? True for an address that does not read: nobody knows.
pub async fn accepts(address: &str, limits: Limits) -> bool {
    let Ok(address) = parse_address(address, 0) else { return true };
    let Ok(found) = net::resolve(&net::ETCD, &address, limits).await else { return false };
    net::connect(&net::ETCD, &address, &found, limits).await.is_ok()
}

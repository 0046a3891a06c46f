//! Whether a port is free, and who holds it when it is not.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::Path;

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

/// Names the process that listens on the port, as far as this user may know.
pub(super) fn holder(port: u16) -> String {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .flat_map(|table| listening(&std::fs::read_to_string(table).unwrap_or_default(), port))
        .collect();
    let mut refused = false;
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        match holds(&entry.path(), &inodes) {
            Some(true) => {
                let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
                return format!("`{}` (pid {pid})", name.trim());
            }
            Some(false) => {}
            None => refused = true,
        }
    }
    if refused { "a process of another user".to_owned() } else { "another process".to_owned() }
}

/// Whether the process has one of the sockets open; nothing when it may not be looked at.
fn holds(process: &Path, inodes: &[String]) -> Option<bool> {
    let files = match std::fs::read_dir(process.join("fd")) {
        Ok(files) => files,
        Err(error) => return (error.kind() != ErrorKind::PermissionDenied).then_some(false),
    };
    let mut links = files.flatten().filter_map(|file| std::fs::read_link(file.path()).ok());
    Some(links.any(|link| {
        let inode = link.to_str().and_then(|link| link.strip_prefix("socket:[")?.strip_suffix(']'));
        inode.is_some_and(|inode| inodes.iter().any(|known| known == inode))
    }))
}

/// The inodes of the sockets that listen on the port, from the text of `/proc/net/tcp`.
fn listening(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.len() > 9 && row[3] == LISTEN)
        .filter(|row| {
            row[1].rsplit_once(':').is_some_and(|(_, hex)| u16::from_str_radix(hex, 16) == Ok(port))
        })
        .map(|row| row[9].to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::listening;

    #[test]
    fn sockets_are_found_by_port_and_state() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1FB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1135 1 0 100\n\
            1: 0100007F:1FB8 0100007F:A36F 01 00000000:00000000 00:00000000 00000000     0        0 1136 1 0 100\n";
        assert_eq!(listening(table, 8120), ["1135"]);
        assert!(listening(table, 8100).is_empty());
    }
}

//! What the kernel tells of processes and ports below `/proc`: asking touches no file system that could hang.

use std::{fs, io::ErrorKind, path::Path};

/// A process with its arguments; one that ended and waits for its parent has none.
pub type Process = (u32, Vec<String>);

/// Which start of the system this is; none where the kernel does not tell.
pub fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// Every process; none where there is no `/proc`.
pub fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let arguments = line.split(|byte| *byte == 0);
            Some((pid, arguments.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()))
        })
        .collect()
}

/// The parent of a process.
pub fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}

/// True while a process of this program works in the folder, as far as this user may know.
pub fn works_in(program: &str, folder: &Path) -> bool {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut processes = entries.map(|entry| entry.path());
    processes.any(|process| {
        fs::read_link(process.join("cwd")).is_ok_and(|place| place == folder)
            && fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim() == program)
    })
}

/// The signals that this process ignores since before it began, a bit for each.
pub fn ignored_signals() -> u64 {
    fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|table| {
            let mask = table.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
            u64::from_str_radix(mask.trim(), 16).ok()
        })
        .unwrap_or(0)
}

/// Names the process that listens on the port, as far as this user may know.
pub fn holder_of_port(port: u16) -> String {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .flat_map(|table| listening(&fs::read_to_string(table).unwrap_or_default(), port))
        .collect();
    let mut refused = false;
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        match holds(&entry.path(), &inodes) {
            Some(true) => {
                let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
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
    let files = match fs::read_dir(process.join("fd")) {
        Ok(files) => files,
        Err(error) => return (error.kind() != ErrorKind::PermissionDenied).then_some(false),
    };
    let mut links = files.flatten().filter_map(|file| fs::read_link(file.path()).ok());
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

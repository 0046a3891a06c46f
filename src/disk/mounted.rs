//! What is mounted where, as the kernel tells it: asking touches no other file system.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// One line of the kernel's table of mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// Where.
    pub at: PathBuf,
    /// `nfs4`, `ext4`.
    pub kind: String,
    /// `nas:/export`, `/dev/vda1`.
    pub source: String,
    /// Mounted read-only.
    pub read_only: bool,
}

/// The mount that a path lies on, from the kernel's table: touches no file system.
pub fn mount_of(path: &Path) -> Option<Mounted> {
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    table
        .lines()
        .filter_map(mount_line)
        // Later lines cover earlier ones at the same place.
        .enumerate()
        .filter(|(_, mounted)| path.starts_with(&mounted.at))
        .max_by_key(|(line, mounted)| (mounted.at.as_os_str().len(), *line))
        .map(|(_, mounted)| mounted)
}

/// The first place below a folder where another file system is mounted.
pub fn mounted_below(folder: &Path) -> Option<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points = table.lines().filter_map(|line| line.split(' ').nth(4)).map(unescape);
    let mut below = points.filter(|point| point != folder && point.starts_with(folder));
    below.next()
}

/// proc(5): id, parent, device, root, place, options, optional fields, `-`, type, source, super options.
fn mount_line(line: &str) -> Option<Mounted> {
    let (head, tail) = line.split_once(" - ")?;
    let head: Vec<&str> = head.split(' ').collect();
    let tail: Vec<&str> = tail.split(' ').collect();
    let read_only = |options: &&str| options.split(',').any(|option| option == "ro");
    Some(Mounted {
        at: unescape(head.get(4)?),
        kind: (*tail.first()?).to_owned(),
        source: unescape(tail.get(1)?).to_string_lossy().into_owned(),
        read_only: head.get(5).is_some_and(read_only) || tail.get(2).is_some_and(read_only),
    })
}

/// The kernel writes blanks as `\040`, and so does `/etc/fstab`.
pub fn unescape(text: &str) -> PathBuf {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text.get(at + 1..at + 4).and_then(|code| u8::from_str_radix(code, 8).ok());
        match (bytes[at], code) {
            (b'\\', Some(code)) => {
                plain.push(code);
                at += 4;
            }
            (byte, _) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    PathBuf::from(std::ffi::OsStr::from_bytes(&plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_mountinfo() {
        let line = r"36 35 98:0 /mnt1 /mnt/two\040words rw,noatime master:1 - nfs4 nas:/a\011b ro,vers=4";
        let mounted = mount_line(line).expect("a well-formed line");
        assert_eq!(mounted.at, Path::new("/mnt/two words"));
        assert_eq!((mounted.kind.as_str(), mounted.source.as_str()), ("nfs4", "nas:/a\tb"));
        assert!(mounted.read_only);
        assert_eq!(mount_line("nonsense"), None);
    }

    #[test]
    fn the_root_is_a_mount() {
        assert_eq!(mount_of(Path::new("/")).map(|mounted| mounted.at), Some(PathBuf::from("/")));
    }
}

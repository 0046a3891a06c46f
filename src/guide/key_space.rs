//! Where the manager looks in etcd.

/// Which keys of etcd are the manager's.
#[derive(Debug)]
pub struct KeySpace {
    /// Where they all begin, before the namespace.
    pub root: &'static str,
    /// Below the namespace: the path of the shared folder.
    pub mount: &'static str,
    /// Below the namespace: keys that stand for all that is written, to ask whether they may be.
    pub written: &'static [&'static str],
}

//! Which conflicts a person can allow to be overwritten.

use crate::{
    failure::{Code, Failure},
    world::Overwrite,
};

/// What a typed confirmation allows to overwrite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// The shared folder that etcd names.
    Mount,
    /// Keys that are left from an older list.
    StaleKeys,
    /// Keypairs that anybody can use.
    Published,
    /// Rows of a table that an upgrade drops.
    Usage,
}

impl Grant {
    /// What would be allowed, for a conflict that can be overwritten.
    pub fn of(failure: &Failure) -> Option<Self> {
        match failure.code {
            Code::MountForeign => Some(Grant::Mount),
            Code::ImagesCircle | Code::ImagesHidden => Some(Grant::StaleKeys),
            Code::KeysPublished => Some(Grant::Published),
            Code::DbUsage => Some(Grant::Usage),
            _ => None,
        }
    }

    /// What would be allowed, for each of these.
    pub fn all(failures: &[Failure]) -> Vec<Self> {
        let mut grants = Vec::new();
        for grant in failures.iter().filter_map(Self::of) {
            if !grants.contains(&grant) {
                grants.push(grant);
            }
        }
        grants
    }

    /// The word that confirms it.
    pub fn word(self) -> &'static str {
        match self {
            Grant::Mount => "replace",
            Grant::StaleKeys => "remove",
            Grant::Published => "renew",
            Grant::Usage => "drop",
        }
    }

    /// Allows it.
    pub fn allow(self, overwrite: &mut Overwrite) {
        match self {
            Grant::Mount => overwrite.mount = true,
            Grant::StaleKeys => overwrite.stale_keys = true,
            Grant::Published => overwrite.published = true,
            Grant::Usage => overwrite.usage = true,
        }
    }
}

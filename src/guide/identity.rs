//! Which servers are meant: their own identities, to be compared before anything is done.

use super::{
    answers::Answers,
    validate::Refused,
    variable::{Default, Section, Shape, Variable},
};

/// The id of the etcd cluster that is meant.
pub const ETCD_CLUSTER: &str = "expect.etcd-cluster";
/// The system identifier of the PostgreSQL server that is meant.
pub const DATABASE_SYSTEM: &str = "expect.database-system";

/// What the servers must say of themselves; nothing is compared where nothing is given.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    etcd_cluster: Option<String>,
    database_system: Option<String>,
}

impl Identity {
    pub(super) fn from_answers(answers: &Answers) -> Self {
        Self { etcd_cluster: answers.text(ETCD_CLUSTER), database_system: answers.text(DATABASE_SYSTEM) }
    }

    /// The etcd cluster that is expected, when it is not this one.
    pub fn other_cluster(&self, found: u64) -> Option<&str> {
        self.etcd_cluster.as_deref().filter(|expected| !names(expected, found))
    }

    /// Is a cluster expected?
    pub fn tells_cluster(&self) -> bool {
        self.etcd_cluster.is_some()
    }

    /// Is a PostgreSQL server expected?
    pub fn tells_system(&self) -> bool {
        self.database_system.is_some()
    }

    /// The system identifier of PostgreSQL that is expected, when it is not this one.
    pub fn other_system(&self, found: u64) -> Option<&str> {
        self.database_system.as_deref().filter(|expected| decimal(expected) != Some(found))
    }
}

/// etcd logs the id of its cluster in hexadecimal, `etcdctl` prints it in decimal.
fn names(expected: &str, found: u64) -> bool {
    decimal(expected) == Some(found) || hexadecimal(expected) == Some(found)
}

fn decimal(text: &str) -> Option<u64> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    is_decimal.then(|| text.parse().ok()).flatten()
}

fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

fn cluster(text: &str) -> Result<(), Refused> {
    if decimal(text).or(hexadecimal(text)).is_some() {
        return Ok(());
    }
    Err(Refused::new(
        "it is not the id of an etcd cluster",
        "write it as `backendai-setup check etcd` shows it, for example \"cdf818194e3a8c32\"",
    ))
}

fn system(text: &str) -> Result<(), Refused> {
    if decimal(text).is_some() {
        return Ok(());
    }
    Err(Refused::new(
        "it is not a system identifier of PostgreSQL",
        "write it as `backendai-setup check database` shows it, for example \"7000000000000000001\"",
    ))
}

/// The variables of this service.
pub static SECTION: Section = Section {
    id: "expect",
    title: "Identity",
    intro: "Which servers are meant; others are refused before anything is written.",
    is_asked: false,
    variables: &[
        Variable {
            key: ETCD_CLUSTER,
            title: "Cluster",
            help: "The id of the etcd cluster; `check etcd` shows it.",
            shape: Shape::Text,
            default: Default::Unset("not compared"),
            development: None,
            manager_env: None,
            validate: cluster,
        },
        Variable {
            key: DATABASE_SYSTEM,
            title: "System",
            help: "The system identifier of the PostgreSQL server; `check database` shows it.",
            shape: Shape::Text,
            default: Default::Unset("not compared"),
            development: None,
            manager_env: None,
            validate: system,
        },
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_has_two_spellings() {
        for same in ["cdf818194e3a8c32", "CDF818194E3A8C32", "0xcdf818194e3a8c32", "14841639068965178418"] {
            assert!(cluster(same).is_ok() && names(same, 14_841_639_068_965_178_418), "{same}");
        }
        for other in ["cdf818194e3a8c33", "1", "0"] {
            assert!(cluster(other).is_ok() && !names(other, 14_841_639_068_965_178_418), "{other}");
        }
        for wrong in ["", "0x", "etcd-1", "+1", "-1", "99999999999999999999999"] {
            assert!(cluster(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "+1", "0x1", "70000000000000000010000"] {
            assert!(system(wrong).is_err(), "{wrong}");
        }
    }
}

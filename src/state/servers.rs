//! Which servers a target is made of.

use serde::{Deserialize, Serialize};

use crate::guide::{Etcd, Settings};

/// The servers of a target as they are addressed. A run of some stages may know only one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Servers {
    /// The etcd cluster and the namespace in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etcd: Option<EtcdPlace>,
    /// The database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<DatabasePlace>,
}

/// A namespace of an etcd cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EtcdPlace {
    /// The addresses of its members, as answered.
    pub endpoints: Vec<String>,
    /// The namespace.
    pub namespace: String,
}

/// A database of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabasePlace {
    /// The server's address.
    pub address: String,
    /// The database's name.
    pub name: String,
}

impl Servers {
    /// The servers of these settings, as far as they were answered.
    pub fn of(settings: &Settings) -> Self {
        let place = |etcd: &Etcd| EtcdPlace {
            endpoints: etcd.endpoints.iter().map(ToString::to_string).collect(),
            namespace: etcd.namespace.clone(),
        };
        Self {
            etcd: settings.etcd().ok().map(place),
            database: settings.database().ok().map(|database| DatabasePlace {
                address: database.address.to_string(),
                name: database.name.clone(),
            }),
        }
    }

    /// Are these the same servers, as far as both tell? One address of an etcd cluster in common is enough: members come
    /// and go.
    pub fn are(&self, other: &Self) -> bool {
        let etcd = self.etcd.as_ref().zip(other.etcd.as_ref()).map(|(one, other)| {
            one.namespace == other.namespace
                && one.endpoints.iter().any(|endpoint| other.endpoints.contains(endpoint))
        });
        let database = self.database.as_ref().zip(other.database.as_ref()).map(|(one, other)| one == other);
        match (etcd, database) {
            (None, None) => false,
            (etcd, database) => etcd.unwrap_or(true) && database.unwrap_or(true),
        }
    }

    /// Does one of them stand at one of these addresses?
    pub fn stand_at(&self, addresses: &[String]) -> bool {
        let etcd = self.etcd.iter().flat_map(|etcd| &etcd.endpoints);
        let database = self.database.iter().map(|database| &database.address);
        etcd.chain(database).any(|address| addresses.contains(address))
    }

    /// Every address of both, etcd's first.
    pub fn addresses(&self) -> Vec<String> {
        let etcd = self.etcd.iter().flat_map(|etcd| &etcd.endpoints);
        etcd.chain(self.database.iter().map(|database| &database.address)).cloned().collect()
    }

    /// What is known of one of the two.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            etcd: self.etcd.or_else(|| other.etcd.clone()),
            database: self.database.or_else(|| other.database.clone()),
        }
    }

    /// How much of it is known: both servers before one.
    pub(super) fn known(&self) -> usize {
        usize::from(self.etcd.is_some()) + usize::from(self.database.is_some())
    }
}

impl std::fmt::Display for Servers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(DatabasePlace { address, name }) = &self.database {
            write!(f, "{address}/{name}")?;
        }
        if let Some(EtcdPlace { endpoints, namespace }) = &self.etcd {
            let between = if self.database.is_some() { ", " } else { "" };
            write!(f, "{between}{}/{namespace}", endpoints.join(","))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(etcd: Option<(&[&str], &str)>, database: Option<(&str, &str)>) -> Servers {
        Servers {
            etcd: etcd.map(|(endpoints, namespace)| EtcdPlace {
                endpoints: endpoints.iter().map(ToString::to_string).collect(),
                namespace: namespace.into(),
            }),
            database: database
                .map(|(address, name)| DatabasePlace { address: address.into(), name: name.into() }),
        }
    }

    #[test]
    fn the_same_servers_are_known_again() {
        let etcd = Some((["a:2379", "b:2379"].as_slice(), "local"));
        let whole = servers(etcd, Some(("db:5432", "backend")));
        for (other, are) in [
            (whole.clone(), true),
            // A member was replaced.
            (servers(Some((&["b:2379", "c:2379"], "local")), Some(("db:5432", "backend"))), true),
            (servers(Some((&["c:2379"], "local")), Some(("db:5432", "backend"))), false),
            (servers(Some((&["a:2379"], "prod")), Some(("db:5432", "backend"))), false),
            (servers(etcd, Some(("db:5432", "other"))), false),
            (servers(etcd, Some(("db:5433", "backend"))), false),
            // Some stages alone know one of the two.
            (servers(etcd, None), true),
            (servers(None, Some(("db:5432", "backend"))), true),
            (servers(None, Some(("db:5432", "other"))), false),
            (servers(None, None), false),
        ] {
            assert_eq!((whole.are(&other), other.are(&whole)), (are, are), "{other}");
        }
        assert!(!servers(etcd, None).are(&servers(None, Some(("db:5432", "backend")))));
    }
}

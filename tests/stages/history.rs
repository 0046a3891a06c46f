//! What a reader of etcd sees, now and at every revision there has been.

use std::collections::{BTreeMap, BTreeSet};

use etcd_client::{Client, GetOptions};

use crate::servers::{Etcd, block};

/// Where the manager looks.
pub const ROOT: &str = "/sorna/local/";

/// Follows every alias as the manager does, and looks at every tag's slots. Gives back what leads nowhere.
pub fn broken(keys: &BTreeMap<String, String>) -> BTreeSet<String> {
    let at = |key: &str| keys.get(&format!("{ROOT}images/{key}"));
    let mut broken = BTreeSet::new();
    for key in keys.keys().filter_map(|key| key.strip_prefix(ROOT)?.strip_prefix("images/")) {
        if let Some(alias) = key.strip_prefix("_aliases/") {
            let mut name = alias;
            let mut steps = 0;
            while let Some(next) = at(&format!("_aliases/{name}")) {
                name = next;
                steps += 1;
                if steps > keys.len() {
                    broken.insert(format!("{alias} goes in a circle"));
                    break;
                }
            }
            let found = name.rsplit_once(':').and_then(|(image, tag)| at(&format!("{image}/tags/{tag}")));
            if found.is_none() {
                broken.insert(format!("{alias} ends at {name}"));
            }
        } else if let Some((image, tag)) = key.split_once("/tags/") {
            let slots = ["", "/cpu", "/mem", "/gpu"];
            if slots.iter().any(|slot| at(&format!("{image}{slot}")).is_none()) {
                broken.insert(format!("{image}:{tag} has no slots"));
            }
        }
    }
    broken
}

/// Every key below [`ROOT`] at a revision.
pub fn at_revision(etcd: &Etcd, revision: i64) -> BTreeMap<String, String> {
    let endpoint = etcd.endpoint.clone();
    block(async move {
        let mut client = Client::connect([endpoint], None).await.expect("etcd runs");
        let options = GetOptions::new().with_prefix().with_revision(revision);
        let answer = client.get(ROOT, Some(options)).await.expect("the revision is there");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8 in etcd");
        answer.kvs().iter().map(|pair| (text(pair.key()), text(pair.value()))).collect()
    })
}

/// Looks at every revision after `first` up to the last one.
pub fn never_broken_since(etcd: &Etcd, first: i64) {
    for revision in first + 1..=etcd.revision() {
        let broken = broken(&at_revision(etcd, revision));
        assert!(broken.is_empty(), "at revision {revision}: {broken:#?}");
    }
}

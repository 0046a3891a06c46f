//! The answers to an offer, and what they come to.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    failure::{Code, Failure},
    workflow::NodeFound,
};

use super::record::{AnswerRecord, OfferLimits, OfferRecord, read, seen_from};

/// What nodes have written, by node.
pub(super) type Answers = BTreeMap<String, Vec<u8>>;

/// The nodes that have answered.
#[derive(Default)]
pub(super) struct Nodes {
    seen: Answers,
    found: BTreeMap<String, NodeFound>,
}

impl Nodes {
    /// Takes in all answers that there are, and gives back those that are new.
    pub(super) fn take(&mut self, answers: Answers, nonce: &str) -> Vec<NodeFound> {
        let mut new = Vec::new();
        for (node, value) in answers {
            if self.seen.get(&node) == Some(&value) {
                continue;
            }
            let found = match read::<AnswerRecord>(&value) {
                Some(answer) if answer.nonce != nonce => continue,
                Some(answer) => NodeFound { node: node.clone(), ..answer.found },
                None => NodeFound {
                    node: node.clone(),
                    passed: false,
                    found: "it answered as another version of this program".into(),
                    code: None,
                    mounted: None,
                },
            };
            self.seen.insert(node.clone(), value);
            self.found.insert(node, found.clone());
            new.push(found);
        }
        new
    }

    /// How many nodes have answered beside the host that offers, which has looked at its own folder.
    pub(super) fn others(&self, host: &str) -> usize {
        self.found.keys().filter(|node| *node != host).count()
    }

    pub(super) fn failed(&self) -> usize {
        self.found.values().filter(|found| !found.passed).count()
    }

    /// Nodes that do not have the folder.
    pub(super) fn differ(&self, offer: &OfferRecord) -> Option<Failure> {
        let failed = self.found.values().filter(|found| !found.passed);
        let names: Vec<String> = failed.map(|found| format!("`{}`", found.node)).collect();
        let path = &offer.path;
        let what = match names.as_slice() {
            [] => return None,
            [one] => format!("{one} does not have this host's `{path}`"),
            more => format!("{} do not have this host's `{path}`", more.join(", ")),
        };
        // What is mounted on the others stands in the list.
        Some(
            Failure::new(Code::MountDiffers, what)
                .why(format!("here: {}", seen_from(offer.mounted.as_ref(), path)))
                .remedy("mount the same share there, then run `mount offer` and `mount verify` again"),
        )
    }

    /// Fewer nodes have answered than were waited for.
    pub(super) fn lack(&self, wanted: OfferLimits, host: &str) -> Option<Failure> {
        let have = self.others(host);
        let what = match (wanted.nodes, have) {
            (None, 0) => "no other node has answered in time".to_owned(),
            (Some(wanted), _) if have < wanted => {
                format!("{have} of {wanted} other nodes have answered in time")
            }
            _ => return None,
        };
        Some(
            Failure::new(Code::MountNodes, what)
                .why(format!("the offer stood for {}", lasting(wanted.lasting)))
                .remedy("run `mount verify` on the other nodes while the offer is active; `--for DURATION` makes it longer"),
        )
    }
}

/// `10 min`, `90 s`.
fn lasting(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds >= 60 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        _ => format!("{} s", time.as_secs_f64()),
    }
}

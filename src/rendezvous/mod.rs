//! Two nodes meet at the shared folder: one offers it, the others look whether theirs is the same.
//!
//! The offer is a file in the folder and its twin in etcd, which tells what stands in the file. Whoever
//! finds it at the path that the manager reads has the same folder, and answers.

mod nodes;
mod offer;
mod record;
mod verify;

use crate::failure::{Code, Failure};

pub use offer::{notes, offer};
pub use record::{OfferLimits, RendezvousOutcome, host};
pub use verify::verify;

/// What this host is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rendezvous {
    /// Offers the folder to the others.
    Offer(OfferLimits),
    /// Looks whether the folder that is offered is here too.
    Verify {
        /// What this node is called.
        node: String,
    },
}

impl Rendezvous {
    /// Verifies as a node of this name, else as the host is called.
    ///
    /// # Errors
    /// `E-USAGE` when the host's name could be any host's: answers of two nodes would be taken for one's.
    pub fn verify_as(node: Option<String>) -> Result<Self, Failure> {
        let node = node.unwrap_or_else(host);
        if ["", "(none)", "localhost", "localhost.localdomain"].contains(&node.as_str()) {
            return Err(Failure::new(Code::Usage, format!("this host is called `{node}`, as others may be"))
                .why("nodes are distinguished by their names")
                .remedy("give it a name of its own: `mount verify --node NAME`"));
        }
        Ok(Self::Verify { node })
    }
}

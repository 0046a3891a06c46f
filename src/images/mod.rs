//! The image list: `image-metadata.yml` and `image-aliases.yml`, judged as a whole.
//!
//! [`judge`] either returns an [`ImageList`] that is written to etcd exactly as the manager would have
//! written it, or every reason why not. The preview, the plan and the load all come from that one list.

mod alike;
mod force;
mod judge;
mod keys;
mod links;
mod list;
mod only;
mod slots;
mod words;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests;

use crate::failure::Failure;

pub use keys::{Row, targets_first};
pub use links::Resolved;
pub use list::{Alias, Image, ImageList, LeftOut, Source, Tag};

/// Judges both files. The list is returned only when nothing at all is wrong with it; a warning
/// is no reason to stop.
///
/// # Errors
/// Every problem of both files, in the order of the files.
pub fn judge(metadata: Source<'_>, aliases: Source<'_>) -> Result<ImageList, Vec<Failure>> {
    judge::both(metadata, aliases)
}

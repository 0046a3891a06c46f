//! Keys that are left from an older list: the manager never deletes.

use crate::{
    failure::{Code, Failure},
    images::{ImageList, targets_first},
    services::etcd::Stored,
    world::World,
};

use super::keys::Held;

const ALIASES: &str = "images/_aliases/";

/// Keys under `images/` that neither file sets.
pub(super) struct StaleKeys {
    /// Old aliases that hide a tag of the list. They can go as soon as that tag is there, and must go
    /// before an alias of another tag could lead back to them.
    pub(super) hiding: Vec<String>,
    /// The rest. It can go once all aliases are as they should be; then in this order, in which no
    /// reader ever sees an alias without its target or a tag without its slots.
    pub(super) others: Vec<String>,
}

impl StaleKeys {
    pub(super) fn find(list: &ImageList, held: &Held) -> Self {
        let wanted = list.keys();
        let left = || held.keys().filter(|key| !wanted.contains_key(*key));
        let (hiding, aliases): (Vec<&String>, Vec<&String>) =
            left().filter(|key| key.starts_with(ALIASES)).partition(|key| {
                let tag = key[ALIASES.len()..].rsplit_once(':');
                tag.is_some_and(|(name, tag)| wanted.contains_key(&format!("images/{name}/tags/{tag}")))
            });
        let links = aliases.into_iter().map(|key| (key[ALIASES.len()..].to_owned(), text(held, key)));
        let aliases = targets_first(links.collect()).into_iter().rev().map(|(key, _)| key);
        let (tags, slots): (Vec<&String>, Vec<&String>) =
            left().filter(|key| !key.starts_with(ALIASES)).partition(|key| key.contains("/tags/"));
        Self {
            hiding: hiding.into_iter().cloned().collect(),
            others: aliases.chain(tags.into_iter().cloned()).chain(slots.into_iter().cloned()).collect(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.hiding.len() + self.others.len()
    }

    pub(super) fn first(&self) -> Option<&String> {
        self.hiding.iter().chain(&self.others).next()
    }
}

/// What is said of keys that stay.
pub(super) fn warning(first: &str, count: usize) -> Failure {
    let keys = if count == 1 { "1 key is".to_owned() } else { format!("{count} keys are") };
    Failure::new(Code::ImagesLeftover, format!("{keys} left from an older list, for example `{first}`"))
        .why("the manager never deletes image keys; what the names of this list lead to stays the same")
        .remedy("remove them with `--prune`, or let them be with `--accept W-IMAGES-LEFTOVER`")
}

fn text(held: &Held, key: &str) -> String {
    held.get(key).map(Stored::text).unwrap_or_default()
}

/// Aliases of an older list that win over this one, unless they are to go or are accepted.
pub(super) fn conflict(world: &World, held: &Held) -> Result<Option<Failure>, Failure> {
    if world.overwrite.stale_keys {
        return Ok(None);
    }
    let overruled = world.images()?.overruled(held).map(|failure| match failure.code {
        // Nobody can want the manager to hang.
        Code::ImagesCircle => failure,
        _ => world.tolerance.apply(failure),
    });
    Ok(overruled.filter(|failure| !failure.is_warning()))
}

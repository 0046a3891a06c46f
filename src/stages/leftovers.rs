//! Keys that are left from an older list: the manager never deletes, and old aliases still win.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    failure::{Code, Failure},
    images::{ImageList, targets_first},
};

use super::keys::Held;

const ALIASES: &str = "images/_aliases/";

/// Keys under `images/` that neither file sets.
pub(super) struct Leftovers {
    /// Old aliases that hide a tag of the list. They can go as soon as that tag is there, and must go
    /// before an alias of another tag could lead back to them.
    pub(super) hiding: Vec<String>,
    /// The rest. It can go once all aliases are as they should be; then in this order, in which no
    /// reader ever sees an alias without its target or a tag without its slots.
    pub(super) others: Vec<String>,
}

impl Leftovers {
    pub(super) fn find(list: &ImageList, held: &Held) -> Self {
        let wanted = wanted(list);
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
        .why("the manager never deletes image keys, and old aliases still win")
        .remedy("remove them with `--prune`, or let them be with `--accept W-IMAGES-LEFTOVER`")
}

fn wanted(list: &ImageList) -> BTreeMap<String, String> {
    list.image_keys().into_iter().chain(list.alias_keys()).collect()
}

fn text(held: &Held, key: &str) -> String {
    held.get(key).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

/// An alias that would go in a circle through aliases of an older list: the manager would hang on it.
pub(super) fn circle(list: &ImageList, held: &Held) -> Option<Failure> {
    let wanted = wanted(list);
    let alias = |key: &str| key.strip_prefix(ALIASES).map(str::to_owned);
    let mut links: HashMap<String, String> =
        held.keys().filter_map(|key| Some((alias(key)?, text(held, key)))).collect();
    links.extend(wanted.iter().filter_map(|(key, target)| Some((alias(key)?, target.clone()))));
    let mut sound: BTreeSet<&str> = BTreeSet::new();
    for start in wanted.keys().filter_map(|key| key.strip_prefix(ALIASES)) {
        let mut path = BTreeSet::new();
        let mut name = start;
        while let (Some(target), false) = (links.get(name), sound.contains(name)) {
            if !path.insert(name) {
                let old = path.into_iter().find(|name| !wanted.contains_key(&format!("{ALIASES}{name}")));
                let old = old.unwrap_or(name);
                return Some(
                    Failure::new(
                        Code::ImagesCircle,
                        format!("with aliases of an older list `{start}` would go in a circle"),
                    )
                    .why(format!(
                        "`{ALIASES}{old}` in etcd still leads to `{}`; the manager would hang on it",
                        links.get(old).map_or("", String::as_str)
                    ))
                    .remedy("remove what is left from the older list: `--prune`"),
                );
            }
            name = target;
        }
        sound.append(&mut path);
    }
    None
}

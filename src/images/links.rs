//! Where names lead: aliases followed as the manager follows them, loops, and ends in nothing.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{ImageList, words::closest};
use crate::{
    failure::{Code, Failure, Problems, Subject, shortened},
    yaml::Mark,
};

/// Where a name leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// An image and a tag that are in the list.
    Found {
        /// The image.
        image: String,
        /// Its tag.
        tag: String,
    },
    /// The last name of the chain, which is no image and tag of the list.
    Missing {
        /// That name.
        end: String,
    },
    /// A circle: the manager would never come to an end.
    Loop,
}

/// One key below `images/_aliases/`.
struct Link<'l> {
    name: String,
    target: String,
    mark: Mark,
    file: &'l str,
    /// As a message names it.
    what: String,
}

impl ImageList {
    /// Follows a name as the manager does: through `images/_aliases/` to its end; a name without `:` that
    /// is no alias counts as `<name>:latest`; then the image must have the tag. What an alias ends at
    /// is not completed: an alias of `python` alone leads nowhere.
    pub fn resolve(&self, name: &str) -> Resolved {
        Map::of(self, "", "").resolve(name)
    }

    /// Like [`resolve`](Self::resolve) for many names at once: the maps are built once.
    pub(super) fn resolve_all<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<Resolved> {
        let map = Map::of(self, "", "");
        names.map(|name| map.resolve(name)).collect()
    }
}

/// Everything below `images/_aliases/`, and the tags that a chain may end at.
struct Map<'l> {
    /// In file order.
    links: Vec<Link<'l>>,
    index: HashMap<String, usize>,
    /// For each link the last one of its chain; nothing for a circle and what runs into one.
    last: Vec<Option<usize>>,
    circles: Vec<Vec<usize>>,
    tags: HashSet<(&'l str, &'l str)>,
}

impl<'l> Map<'l> {
    /// What is below `images/_aliases/` once both files are loaded: image-aliases.yml comes last and wins.
    fn of(list: &'l ImageList, metadata: &'l str, aliases: &'l str) -> Self {
        let mut map = Map {
            links: Vec::new(),
            index: HashMap::new(),
            last: Vec::new(),
            circles: Vec::new(),
            tags: HashSet::new(),
        };
        for image in &list.images {
            for tag in &image.tags {
                map.tags.insert((&image.name, &tag.tag));
                let Some(other) = tag.alias_of() else { continue };
                map.insert(Link {
                    name: format!("{}:{}", image.name, tag.tag),
                    target: format!("{}:{other}", image.name),
                    mark: tag.mark,
                    file: metadata,
                    what: format!("The tag `{}` of image `{}`", tag.tag, image.name),
                });
            }
        }
        for alias in &list.aliases {
            map.insert(Link {
                name: alias.alias.clone(),
                target: alias.target.clone(),
                mark: alias.mark,
                file: aliases,
                what: format!("The alias `{}`", alias.alias),
            });
        }
        map.follow();
        map
    }

    fn insert(&mut self, link: Link<'l>) {
        if let Some(known) = self.index.get(&link.name).and_then(|&at| self.links.get_mut(at)) {
            *known = link;
        } else {
            self.index.insert(link.name.clone(), self.links.len());
            self.links.push(link);
        }
    }

    fn next(&self, at: usize) -> Option<usize> {
        self.links.get(at).and_then(|link| self.index.get(&link.target).copied())
    }

    /// Walks every chain once, however long they are.
    fn follow(&mut self) {
        self.last = vec![None; self.links.len()];
        let mut walked = vec![false; self.links.len()];
        for start in 0..self.links.len() {
            let mut path = Vec::new();
            let mut at = Some(start);
            while let Some(here) = at.filter(|&here| walked.get(here) == Some(&false)) {
                if let Some(seen) = walked.get_mut(here) {
                    *seen = true;
                }
                path.push(here);
                at = self.next(here);
            }
            let last = match at {
                None => path.last().copied(),
                Some(met) => {
                    if let Some(first) = path.iter().position(|&here| here == met) {
                        self.circles.push(path.get(first..).unwrap_or_default().to_vec());
                        None
                    } else {
                        self.last.get(met).copied().flatten()
                    }
                }
            };
            for here in path {
                if let Some(slot) = self.last.get_mut(here) {
                    *slot = last;
                }
            }
        }
    }

    fn resolve(&self, name: &str) -> Resolved {
        let latest = format!("{name}:latest");
        let mut at = self.index.get(name);
        let mut end = name;
        if at.is_none() && !name.contains(':') {
            at = self.index.get(&latest);
            end = &latest;
        }
        match at {
            Some(&at) => self.from(at),
            None => self.judge(end),
        }
    }

    /// Where a link leads.
    fn from(&self, at: usize) -> Resolved {
        match self.last.get(at).copied().flatten().and_then(|last| self.links.get(last)) {
            Some(last) => self.judge(&last.target),
            None => Resolved::Loop,
        }
    }

    fn judge(&self, end: &str) -> Resolved {
        let (image, tag) = end.split_once(':').unwrap_or((end, ""));
        if self.tags.contains(&(image, tag)) {
            Resolved::Found { image: image.to_owned(), tag: tag.to_owned() }
        } else {
            Resolved::Missing { end: end.to_owned() }
        }
    }
}

/// Loops, which are refused, and aliases that lead nowhere, which are warnings.
pub(super) fn check(list: &ImageList, metadata: &str, aliases: &str) -> (Vec<Failure>, Vec<Failure>) {
    let map = Map::of(list, metadata, aliases);
    let loops = shortened(map.circles.iter().filter_map(|circle| describe(&map, circle)));
    let known: BTreeSet<String> = map.tags.iter().map(|(image, tag)| format!("{image}:{tag}")).collect();
    let mut dangling = Problems::default();
    for (at, link) in map.links.iter().enumerate() {
        let Resolved::Missing { end } = map.from(at) else { continue };
        dangling.push_with(Code::ImagesDangling, link.mark.place(link.file), || {
            let latest = format!("{end}:latest");
            let remedy = if !end.contains(':') && known.contains(&latest) {
                format!("name the tag too: `{latest}`")
            } else {
                match closest(&end, known.iter().map(String::as_str)) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "add the image and tag to the list, or remove the alias".to_owned(),
                }
            };
            let via =
                if end == link.target { String::new() } else { format!(", by way of `{}`", link.target) };
            let what = format!("{} ends at `{end}`{via}, which is not in the list", link.what);
            Failure::new(Code::ImagesDangling, what)
                .why("whoever asks for it gets an error")
                .remedy(remedy)
                .about(image_of(&end))
        });
    }
    (loops, dangling.into_vec())
}

/// The image of an image and tag.
fn image_of(name: &str) -> Subject {
    Subject::Image(name.split_once(':').map_or(name, |(image, _)| image).into())
}

fn describe(map: &Map<'_>, circle: &[usize]) -> Option<Failure> {
    const SHOWN: usize = 8;
    let links: Vec<&Link<'_>> = circle.iter().filter_map(|&at| map.links.get(at)).collect();
    let first = links.first()?;
    let shown = || links.iter().take(SHOWN);
    let more = (links.len() > SHOWN).then(|| "…".to_owned());
    let chain: Vec<String> = shown()
        .map(|link| format!("`{}`", link.name))
        .chain(more)
        .chain([format!("`{}`", first.name)])
        .collect();
    let places: Vec<String> = shown().map(|link| format!("{}:{}", link.file, link.mark.line)).collect();
    Some(
        Failure::new(Code::ImagesLoop, format!("{} leads back to itself", first.what))
            .why(format!(
                "{} ({}); the manager would follow it for ever",
                chain.join(" → "),
                places.join(", ")
            ))
            .remedy("point one of them at an image and tag with a digest")
            .about(image_of(&first.name))
            .at(first.mark.place(first.file)),
    )
}

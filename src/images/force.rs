//! The list in force: what its names lead to once it stands in etcd beside keys of an older list.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Bound,
};

use super::ImageList;
use crate::failure::{Code, Failure};

const ALIASES: &str = "images/_aliases/";

/// Where a name ends; nothing for one that goes in a circle.
type End<'k> = Option<&'k str>;

impl ImageList {
    /// Every key that both files set, with its value.
    pub fn keys(&self) -> BTreeMap<String, String> {
        self.image_keys().into_iter().chain(self.alias_keys()).collect()
    }

    /// Why the list would not be in force as it is given, when aliases that are left in etcd from an older list
    /// win over it. Names are followed as the manager follows them; `held` has the keys below `images/`.
    ///
    /// `E-IMAGES-CIRCLE` where a name would lead in a circle, `E-IMAGES-HIDDEN` where one would lead elsewhere.
    pub fn overruled(&self, held: &BTreeMap<String, impl AsRef<[u8]>>) -> Option<Failure> {
        if self.has_every_alias_of(held) {
            return None;
        }
        let wanted = self.keys();
        let texts: BTreeMap<&str, String> = held
            .iter()
            .filter_map(|(key, value)| {
                Some((key.strip_prefix(ALIASES)?, String::from_utf8_lossy(value.as_ref()).into_owned()))
            })
            .collect();
        let own = Names::of(wanted.iter().filter_map(link), wanted.keys().map(String::as_str));
        let old = texts.iter().map(|(name, target)| (*name, target.as_str()));
        let all = Names::of(
            old.chain(wanted.iter().filter_map(link)),
            held.keys().chain(wanted.keys()).map(String::as_str),
        );
        let tags: Vec<String> = self
            .images
            .iter()
            .flat_map(|image| image.tags.iter().map(|tag| format!("{}:{}", image.name, tag.tag)))
            .collect();
        let images = self.images.iter().map(|image| image.name.as_str());
        let names = wanted.keys().filter_map(|key| key.strip_prefix(ALIASES));
        // Tags first: what wins over one of them wins over every alias of it.
        let names: Vec<&str> = tags.iter().map(String::as_str).chain(names).chain(images).collect();
        in_a_circle(&names, &all, &own).or_else(|| hidden(names, &all, &own))
    }
}

/// The first name that would lead in a circle.
fn in_a_circle(names: &[&str], all: &Names<'_>, own: &Names<'_>) -> Option<Failure> {
    let (name, key) = names.iter().find_map(|name| {
        let start = all.start(name);
        let circles = all.ends.get(start).is_some_and(Option::is_none);
        circles.then(|| all.foreign(start, own)).flatten().map(|key| (name, key))
    })?;
    let what = format!("with aliases of an older list `{name}` would go in a circle");
    Some(
        Failure::new(Code::ImagesCircle, what)
            .why(format!(
                "`{ALIASES}{key}` in etcd still leads to `{}`; the manager would hang on it",
                all.links.get(key).copied().unwrap_or_default()
            ))
            .remedy("remove what is left from the older list: `--prune`"),
    )
}

/// The first name that would lead elsewhere, and how many others do.
fn hidden(names: Vec<&str>, all: &Names<'_>, own: &Names<'_>) -> Option<Failure> {
    let mut seen = HashSet::new();
    let hidden: Vec<(&str, String, String)> = names
        .into_iter()
        .filter(|name| seen.insert(*name))
        .filter_map(|name| {
            let given = own.found(name)?;
            let there = all.end(name).unwrap_or_default();
            (given != there).then_some((name, given, there))
        })
        .collect();
    let (name, given, there) = hidden.first()?;
    let more = match hidden.len() - 1 {
        0 => String::new(),
        1 => ", and 1 more name elsewhere too".to_owned(),
        more => format!(", and {more} more names elsewhere too"),
    };
    let what = format!("an alias of an older list leads `{name}` to `{there}`{more}");
    let key = all.foreign(all.start(name), own).unwrap_or_default();
    Some(
        Failure::new(Code::ImagesHidden, what)
            .why(format!(
                "`{ALIASES}{key}` in etcd is `{}`, and the manager follows aliases first; this list means `{given}`",
                all.links.get(key).copied().unwrap_or_default()
            ))
            .remedy("remove what is left from the older list: `--prune`; `plan --prune` shows every key that goes"),
    )
}

impl ImageList {
    /// True when etcd holds no alias that the list does not set: nothing can win over the list then, and there is no
    /// need to follow a large one.
    fn has_every_alias_of(&self, held: &BTreeMap<String, impl AsRef<[u8]>>) -> bool {
        let old = || {
            let from = held.range::<str, _>((Bound::Included(ALIASES), Bound::Unbounded));
            from.map_while(|(key, _)| key.strip_prefix(ALIASES))
        };
        if old().next().is_none() {
            return true;
        }
        let aliases: HashSet<&str> = self.aliases.iter().map(|alias| alias.alias.as_str()).collect();
        let named: HashSet<(&str, &str)> = self
            .images
            .iter()
            .flat_map(|image| image.tags.iter().map(move |tag| (image, tag)))
            .filter(|(_, tag)| tag.alias_of().is_some())
            .map(|(image, tag)| (image.name.as_str(), tag.tag.as_str()))
            .collect();
        old().all(|name| aliases.contains(name) || name.split_once(':').is_some_and(|it| named.contains(&it)))
    }
}

fn link<'k>((key, target): (&'k String, &'k String)) -> Option<(&'k str, &'k str)> {
    Some((key.strip_prefix(ALIASES)?, target.as_str()))
}

/// Keys as the manager's reading sees them.
struct Names<'k> {
    links: HashMap<&'k str, &'k str>,
    ends: HashMap<&'k str, End<'k>>,
    tags: HashSet<String>,
    /// `<name>:latest`, for every link of that form.
    latest: HashMap<&'k str, &'k str>,
}

impl<'k> Names<'k> {
    /// Of several links of one name the last counts.
    fn of(links: impl Iterator<Item = (&'k str, &'k str)>, keys: impl Iterator<Item = &'k str>) -> Self {
        let links: HashMap<&str, &str> = links.collect();
        let latest = links.keys().filter_map(|name| Some((name.strip_suffix(":latest")?, *name))).collect();
        let tag = |key: &str| {
            let (image, tag) = key.strip_prefix("images/")?.split_once("/tags/")?;
            Some(format!("{image}:{tag}"))
        };
        let ends = ends(&links);
        Self { ends, tags: keys.filter_map(tag).collect(), latest, links }
    }

    /// The link that a name begins at: its own, or that of `<name>:latest`.
    fn start<'n>(&self, name: &'n str) -> &'n str
    where
        'k: 'n,
    {
        match self.latest.get(name) {
            Some(latest) if !name.contains(':') && !self.links.contains_key(name) => latest,
            _ => name,
        }
    }

    /// Where a name ends, whatever is there.
    fn end(&self, name: &str) -> Option<String> {
        let start = self.start(name);
        match self.ends.get(start) {
            Some(end) => end.map(str::to_owned),
            None if name.contains(':') => Some(name.to_owned()),
            None => Some(format!("{name}:latest")),
        }
    }

    /// Where a name ends, when that is an image and a tag.
    fn found(&self, name: &str) -> Option<String> {
        self.end(name).filter(|end| self.tags.contains(end))
    }

    /// The first link on the way that is not as the list has it.
    fn foreign<'n>(&self, start: &'n str, own: &Names<'_>) -> Option<&'n str>
    where
        'k: 'n,
    {
        let mut seen = HashSet::new();
        let mut name = start;
        while let (Some(target), true) = (self.links.get(name), seen.insert(name)) {
            if own.links.get(name) != Some(target) {
                return Some(name);
            }
            name = target;
        }
        None
    }
}

/// Walks every chain once, however long they are.
fn ends<'k>(links: &HashMap<&'k str, &'k str>) -> HashMap<&'k str, End<'k>> {
    let mut ends: HashMap<&str, End<'_>> = HashMap::with_capacity(links.len());
    for start in links.keys().copied() {
        let mut path = Vec::new();
        let mut name = start;
        let end = loop {
            // Whoever comes back to a name that is still on the way goes in a circle.
            if let Some(known) = ends.get(name) {
                break *known;
            }
            let Some(target) = links.get(name) else { break Some(name) };
            ends.insert(name, None);
            path.push(name);
            name = target;
        };
        for name in path {
            ends.insert(name, end);
        }
    }
    ends
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use std::collections::BTreeMap;

    use crate::images::{ImageList, Source, judge};

    fn list(tags: &str, aliases: &str) -> ImageList {
        let metadata =
            format!("images:\n  - name: python\n    tags: [{tags}]\n    slots: {{cpu: 1, mem: 1, gpu: 0}}\n");
        let aliases = format!("aliases: [{aliases}]\n");
        let source = |file, bytes| Source { file, bytes };
        judge(source("images.yml", metadata.as_bytes()), source("aliases.yml", aliases.as_bytes())).unwrap()
    }

    fn said(tags: &str, aliases: &str, old: &[(&str, &str)]) -> String {
        let held: BTreeMap<String, Vec<u8>> =
            old.iter().map(|(key, value)| (format!("images/{key}"), value.as_bytes().to_vec())).collect();
        list(tags, aliases).overruled(&held).map_or_else(String::new, |failure| {
            format!("{}: {}; {}", failure.code, failure.what, failure.why.unwrap_or_default())
        })
    }

    #[test]
    fn what_wins_over_the_list_and_what_does_not() {
        let real = "[latest, abc], ['3.6', def]";
        type Pairs = &'static [(&'static str, &'static str)];
        // Tags and aliases of the list; aliases and tags in etcd; words of the failure, if there is one.
        let table: &[(&str, &str, Pairs, &[&str])] = &[
            // Nothing old, and old keys that no name of the list leads to.
            (real, "", &[], &[]),
            (real, "[py, 'python:3.6']", &[("python/tags/2.7", "x"), ("_aliases/old", "python:2.7")], &[]),
            // Keys of the list are written over, whatever they were.
            (real, "[py, 'python:3.6']", &[("_aliases/py", "python:2.7")], &[]),
            ("[latest, ':3.6'], ['3.6', def]", "", &[("_aliases/python:latest", "python:2.7")], &[]),
            // An old alias on another way to the same end.
            (real, "[py, a]", &[("_aliases/a", "python:3.6")], &[]),
            // A tag that was an alias: `python` alone is the same.
            (
                real,
                "",
                &[("_aliases/python:latest", "python:3.6")],
                &[
                    "E-IMAGES-HIDDEN",
                    "leads `python:latest` to `python:3.6`, and 1 more name",
                    "means `python:latest`",
                ],
            ),
            // An old alias of the bare name.
            (
                real,
                "",
                &[("_aliases/python", "python:3.6")],
                &["leads `python` to `python:3.6`", "_aliases/python`"],
            ),
            // A tag in the middle of a chain.
            (
                real,
                "[py, 'python:3.6']",
                &[("_aliases/python:3.6", "gone")],
                &["leads `python:3.6` to `gone`", "_aliases/python:3.6`", "and 1 more name"],
            ),
            // Circles, of an alias of the list and of a plain tag.
            (real, "[py, a]", &[("_aliases/a", "py")], &["E-IMAGES-CIRCLE", "`py`", "_aliases/a`"]),
            (
                real,
                "",
                &[("_aliases/python:3.6", "a"), ("_aliases/a", "python:3.6")],
                &["E-IMAGES-CIRCLE", "`python:3.6`"],
            ),
        ];
        for (tags, aliases, old, words) in table {
            let said = said(tags, aliases, old);
            assert_eq!(said.is_empty(), words.is_empty(), "{old:?}: {said}");
            for word in *words {
                assert!(said.contains(word), "{word} in {said}");
            }
        }
    }

    /// A chain of any length is walked once.
    #[test]
    fn the_time_grows_with_the_length() {
        let count = 100_000;
        let held: BTreeMap<String, Vec<u8>> = (0..count)
            .map(|at| (format!("images/_aliases/a{at}"), format!("a{}", at + 1).into_bytes()))
            .collect();
        let aliases: Vec<String> = (0..2_000).map(|at| format!("[b{at}, a{at}]")).collect();
        let list = list("[latest, abc]", &aliases.join(", "));
        let began = ticks();
        assert_eq!(list.overruled(&held), None);
        // Walked anew for each alias these would be 200 million steps.
        let took = ticks() - began;
        assert!(took < 500, "{took} ticks");
    }

    /// What this thread has worked so far, in hundredths of a second: what else the machine does is no matter.
    fn ticks() -> u64 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, after_name) = stat.rsplit_once(')').unwrap();
        let fields = after_name.split_whitespace().skip(11).take(2);
        fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
    }
}

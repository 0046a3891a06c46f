//! What a sound list becomes: etcd keys in a safe order, preview rows, pull commands.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::failure::shell_word;

use super::{Image, ImageList, Resolved};

/// One image in the preview.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Row {
    /// The image.
    pub name: String,
    /// How many tags it has.
    pub tags: usize,
    /// Cores.
    pub cpu: u64,
    /// Memory in GiB: `8`, `0.3`.
    pub mem_gib: String,
    /// GPUs with two decimals.
    pub gpu: String,
    /// The aliases of `image-aliases.yml` that end at it, in file order.
    pub aliases: Vec<String>,
}

impl ImageList {
    /// The keys below `/sorna/<namespace>/` that `load-images` writes, with their values. Keys that
    /// `image-aliases.yml` sets are left to `load-aliases`.
    ///
    /// Written in this order, in batches of any size, no reader ever sees a tag without its slots or
    /// an alias whose target is still to come.
    pub fn image_keys(&self) -> Vec<(String, String)> {
        let taken: HashSet<&str> = self.aliases.iter().map(|alias| alias.alias.as_str()).collect();
        let (mut slots, mut real, mut named, mut links) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for image in &self.images {
            let base = format!("images/{}", image.name);
            slots.push((format!("{base}/cpu"), image.cpu.to_string()));
            slots.push((format!("{base}/mem"), image.mem_mib.to_string()));
            slots.push((format!("{base}/gpu"), image.gpu.clone()));
            slots.push((base.clone(), "1".to_owned()));
            for tag in &image.tags {
                let pair = (format!("{base}/tags/{}", tag.tag), tag.digest.clone());
                let Some(other) = tag.alias_of() else {
                    real.push(pair);
                    continue;
                };
                named.push(pair);
                let alias = format!("{}:{}", image.name, tag.tag);
                if !taken.contains(alias.as_str()) {
                    links.push((alias, format!("{}:{other}", image.name)));
                }
            }
        }
        slots.append(&mut real);
        slots.append(&mut named);
        slots.extend(targets_first(links));
        slots
    }

    /// The keys below `/sorna/<namespace>/` that `load-aliases` writes, targets before the aliases of them.
    pub fn alias_keys(&self) -> Vec<(String, String)> {
        let links = self.aliases.iter().map(|alias| (alias.alias.clone(), alias.target.clone())).collect();
        targets_first(links)
    }

    /// The tags that the aliases of `image-aliases.yml` end at, as keys below `/sorna/<namespace>/`; those
    /// that end nowhere are left out.
    pub fn alias_ends(&self) -> BTreeSet<String> {
        let ends = self.resolve_all(self.aliases.iter().map(|alias| alias.alias.as_str()));
        let key = |end| match end {
            Resolved::Found { image, tag } => Some(format!("images/{image}/tags/{tag}")),
            Resolved::Missing { .. } | Resolved::Loop => None,
        };
        ends.into_iter().filter_map(key).collect()
    }

    /// The preview, in file order.
    pub fn rows(&self) -> Vec<Row> {
        let ends = self.resolve_all(self.aliases.iter().map(|alias| alias.alias.as_str()));
        let mut by_image: HashMap<String, Vec<String>> = HashMap::new();
        for (alias, end) in self.aliases.iter().zip(ends) {
            if let Resolved::Found { image, .. } = end {
                by_image.entry(image).or_default().push(alias.alias.clone());
            }
        }
        let row = |image: &Image| Row {
            name: image.name.clone(),
            tags: image.tags.len(),
            cpu: image.cpu,
            mem_gib: image.mem_gib.clone(),
            gpu: image.gpu.clone(),
            aliases: by_image.remove(&image.name).unwrap_or_default(),
        };
        self.images.iter().map(row).collect()
    }

    /// The guide's `docker pull` lines, one for each tag with a digest of its own. Images are hosted as
    /// `lablup/kernel-NAME:TAG`; a name with a slash is a repository already.
    pub fn pull_commands(&self) -> Vec<String> {
        self.images.iter().flat_map(Image::pull_commands).collect()
    }
}

impl Image {
    /// Where its tags are pulled from.
    pub fn repository(&self) -> String {
        if self.name.contains('/') { self.name.clone() } else { format!("lablup/kernel-{}", self.name) }
    }

    /// The guide's `docker pull` lines of this image.
    pub fn pull_commands(&self) -> Vec<String> {
        let repository = self.repository();
        let own = self.tags.iter().filter(|tag| tag.alias_of().is_none());
        own.map(|tag| format!("docker pull {}", shell_word(&format!("{repository}:{}", tag.tag)))).collect()
    }
}

/// Links, name and target, as keys and values, each after the link it points to.
pub fn targets_first(links: Vec<(String, String)>) -> Vec<(String, String)> {
    let index: HashMap<&str, usize> =
        links.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at)).collect();
    let mut written = vec![false; links.len()];
    let mut order = Vec::with_capacity(links.len());
    for start in 0..links.len() {
        let mut path = Vec::new();
        let mut next = Some(start);
        while let Some(at) = next {
            let Some(seen) = written.get_mut(at).filter(|seen| !**seen) else { break };
            *seen = true;
            path.push(at);
            next = links.get(at).and_then(|(_, target)| index.get(target.as_str()).copied());
        }
        order.extend(path.into_iter().rev());
    }
    order
        .into_iter()
        .filter_map(|at| links.get(at))
        .map(|(name, target)| (format!("images/_aliases/{name}"), target.clone()))
        .collect()
}

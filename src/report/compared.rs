//! The image list as rows, each compared with what etcd holds: by what the stages that load it would write.

use std::collections::BTreeSet;

use crate::{
    images::ImageList,
    workflow::{Change, StageState, StageStatus},
};

/// How an image compares with what etcd holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InEtcd {
    /// etcd was not asked, or did not answer.
    Unknown,
    /// It is not there.
    New,
    /// It is there, and other.
    Changed,
    /// It is there as it should be.
    Unchanged,
    /// etcd has it from an older list.
    Left,
}

impl InEtcd {
    /// In a word or two.
    pub fn word(self) -> &'static str {
        match self {
            InEtcd::Unknown => "not asked",
            InEtcd::New => "new",
            InEtcd::Changed => "changed",
            InEtcd::Unchanged => "unchanged",
            InEtcd::Left => "left over",
        }
    }
}

/// One image, with what etcd has of it.
#[derive(Debug, Clone)]
pub struct ComparedImage {
    /// Its name.
    pub name: String,
    /// Each tag with its digest, or with `:` and the tag that it stands for.
    pub tags: Vec<(String, String)>,
    /// CPU cores.
    pub cpu: u64,
    /// Memory in GiB.
    pub mem: String,
    /// The share of a GPU.
    pub gpu: String,
    /// What else it is called.
    pub aliases: Vec<String>,
    /// Its line in the file; 0 for one that stands in etcd alone.
    pub line: usize,
    /// Where it is pulled from.
    pub repository: String,
    /// How it compares.
    pub in_etcd: InEtcd,
}

/// The images of a list, and those that etcd has left from an older one. `stages` is what would be written, where etcd
/// was asked; `only` are the images that are loaded, or all.
pub fn compared_images(
    list: &ImageList,
    stages: Option<&[StageState]>,
    only: Option<&BTreeSet<String>>,
) -> Vec<ComparedImage> {
    let touched = stages.map(Touched::read);
    let images = list.images.iter().zip(list.rows()).map(|(image, row)| {
        let mut compared = ComparedImage {
            name: row.name,
            tags: image.tags.iter().map(|tag| (tag.tag.clone(), tag.digest.clone())).collect(),
            cpu: row.cpu,
            mem: row.mem_gib,
            gpu: row.gpu,
            aliases: row.aliases,
            line: image.mark.line,
            repository: image.repository(),
            in_etcd: InEtcd::Unknown,
        };
        let is_chosen = only.is_none_or(|only| only.contains(&compared.name));
        if let Some(touched) = touched.as_ref().filter(|touched| touched.asked && is_chosen) {
            compared.in_etcd = touched.state(&compared);
        }
        compared
    });
    let known: BTreeSet<&str> = list.images.iter().map(|image| image.name.as_str()).collect();
    let left = touched.iter().flat_map(|touched| &touched.left).filter(|name| !known.contains(name.as_str()));
    let left = left.map(|name| ComparedImage {
        name: name.clone(),
        tags: Vec::new(),
        cpu: 0,
        mem: String::new(),
        gpu: String::new(),
        aliases: Vec::new(),
        line: 0,
        repository: String::new(),
        in_etcd: InEtcd::Left,
    });
    images.chain(left).collect()
}

/// What would be written, by image.
#[derive(Default)]
struct Touched {
    asked: bool,
    new: BTreeSet<String>,
    changed: BTreeSet<String>,
    left: BTreeSet<String>,
    aliases: BTreeSet<String>,
}

impl Touched {
    fn read(stages: &[StageState]) -> Self {
        let asked = stages.iter().all(|stage| stage.state != StageStatus::Failed);
        let mut touched = Self { asked, ..Self::default() };
        for change in stages.iter().flat_map(|stage| stage.changes()) {
            let Change::Key { key, old, new, .. } = change else { continue };
            let Some((_, path)) = key.split_once("/images/") else { continue };
            if let Some(alias) = path.strip_prefix("_aliases/") {
                touched.aliases.insert(alias.to_owned());
                continue;
            }
            // An image's name may have a slash; its slots and tags follow it.
            let name = path
                .split_once("/tags/")
                .map(|(name, _)| name)
                .or_else(|| ["/cpu", "/mem", "/gpu"].iter().find_map(|slot| path.strip_suffix(slot)))
                .unwrap_or(path);
            if path == name && new.is_none() {
                touched.left.insert(name.to_owned());
            } else if path == name && old.is_none() {
                touched.new.insert(name.to_owned());
            }
            touched.changed.insert(name.to_owned());
        }
        touched
    }

    fn state(&self, image: &ComparedImage) -> InEtcd {
        let tag_alias = |tag: &str| self.aliases.contains(&format!("{}:{tag}", image.name));
        if self.new.contains(&image.name) {
            InEtcd::New
        } else if self.changed.contains(&image.name)
            || image.aliases.iter().any(|alias| self.aliases.contains(alias))
            || image.tags.iter().any(|(tag, _)| tag_alias(tag))
        {
            InEtcd::Changed
        } else {
            InEtcd::Unchanged
        }
    }
}

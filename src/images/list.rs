//! What an image list is made of.

use crate::{failure::Failure, yaml::Mark};

/// A file's content under the name that messages give it.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file as the user named it.
    pub file: &'a str,
    /// What it holds.
    pub bytes: &'a [u8],
}

/// A sound image list.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageList {
    /// The images in file order.
    pub images: Vec<Image>,
    /// The aliases of `image-aliases.yml` in file order.
    pub aliases: Vec<Alias>,
    /// What is worth saying though the list is sound: `W-IMAGES-FIELD`, `W-IMAGES-ALIKE`, `W-IMAGES-DANGLING`.
    pub warnings: Vec<Failure>,
    /// How much of the files `images.only` leaves out.
    pub left_out: LeftOut,
}

/// What a choice of images leaves out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Images that were not chosen.
    pub images: usize,
    /// Aliases that lead to one of those.
    pub aliases: usize,
}

/// One image of `image-metadata.yml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Its name, as in `images/<name>`.
    pub name: String,
    /// Its tags in file order.
    pub tags: Vec<Tag>,
    /// Cores: the `cpu` slot.
    pub cpu: u64,
    /// The `mem` slot in MiB: `int(GiB * 1024)`.
    pub mem_mib: u64,
    /// The `mem` slot in GiB as a person reads it: `8`, `0.3`.
    pub mem_gib: String,
    /// The `gpu` slot with two decimals: `0.32`.
    pub gpu: String,
    /// Where its entry starts.
    pub mark: Mark,
}

/// One tag of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    /// The tag.
    pub tag: String,
    /// The digest as written; `:other` makes the tag an alias of another tag.
    pub digest: String,
    /// Where it stands.
    pub mark: Mark,
}

impl Tag {
    /// The other tag of the same image that this one is an alias of.
    pub fn alias_of(&self) -> Option<&str> {
        self.digest.strip_prefix(':')
    }
}

/// One pair of `image-aliases.yml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Alias {
    /// The name people may use.
    pub alias: String,
    /// What it stands for: another alias, or `name:tag`.
    pub target: String,
    /// Where it stands.
    pub mark: Mark,
}

//! A part of the list: some images, and the aliases that lead to them.

use std::collections::BTreeSet;

use super::{Alias, Image, ImageList, LeftOut, Resolved, words::closest};

impl ImageList {
    /// The list with these images alone. Aliases that lead to another image are left out too, and counted;
    /// those that lead nowhere stay as they are.
    ///
    /// # Errors
    /// Each name that is no image of the list, with the nearest one that is.
    pub fn only(&self, names: &[String]) -> Result<Self, Vec<(String, Option<String>)>> {
        /// Past these a guess helps nobody, and each is a comparison with every name.
        const GUESSES: usize = 20;
        let known: BTreeSet<&str> = self.images.iter().map(|image| image.name.as_str()).collect();
        let unknown: Vec<_> = names
            .iter()
            .filter(|name| !known.contains(name.as_str()))
            .enumerate()
            .map(|(at, name)| {
                let near = (at < GUESSES).then(|| closest(name, known.iter().copied())).flatten();
                (name.clone(), near.map(str::to_owned))
            })
            .collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        let wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let ends = self.resolve_all(self.aliases.iter().map(|alias| alias.alias.as_str()));
        let leads = |end: &Resolved| match end {
            Resolved::Found { image, .. } => wanted.contains(image.as_str()),
            Resolved::Missing { .. } | Resolved::Loop => true,
        };
        let kept = self.aliases.iter().zip(&ends).filter(|(_, end)| leads(end));
        let aliases: Vec<Alias> = kept.map(|(alias, _)| alias.clone()).collect();
        let chosen = self.images.iter().filter(|image| wanted.contains(image.name.as_str()));
        let images: Vec<Image> = chosen.cloned().collect();
        let left_out =
            LeftOut { images: self.images.len() - images.len(), aliases: self.aliases.len() - aliases.len() };
        Ok(Self { images, aliases, warnings: self.warnings.clone(), left_out })
    }

    /// `22 images, 67 tags, 117 aliases`, and how many are left out.
    pub fn counts(&self) -> String {
        let tags: usize = self.images.iter().map(|image| image.tags.len()).sum();
        let LeftOut { images, aliases } = self.left_out;
        let left = match (images, aliases) {
            (0, 0) => String::new(),
            _ => format!("; {} left out by `images.only`", both(images, aliases)),
        };
        let (images, aliases) = (count(self.images.len(), "image"), count(self.aliases.len(), "alias"));
        format!("{images}, {}, {aliases}{left}", count(tags, "tag"))
    }
}

fn both(images: usize, aliases: usize) -> String {
    format!("{} and {}", count(images, "image"), count(aliases, "alias"))
}

fn count(number: usize, what: &str) -> String {
    match (number, what) {
        (1, _) => format!("1 {what}"),
        (_, "alias") => format!("{number} aliases"),
        _ => format!("{number} {what}s"),
    }
}

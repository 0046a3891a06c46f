//! Names that look alike: the manager tells them apart, and people do not.

use std::collections::HashMap;

use super::ImageList;
use crate::{
    failure::{Code, Failure, Place, Problems, Subject},
    text::{parting, skeleton},
    yaml::Mark,
};

/// The first spelling of each picture, and where it stands.
#[derive(Default)]
struct Seen<'a>(HashMap<String, (&'a str, Place)>);

impl<'a> Seen<'a> {
    /// A remark when something before it looks the same; ASCII letters alone differ by their font.
    fn look(&mut self, what: &str, name: &'a str, place: Place) -> Option<Failure> {
        let Some((first, earlier)) = self.0.get(&skeleton(name)) else {
            self.0.insert(skeleton(name), (name, place));
            return None;
        };
        if *first == name || (first.is_ascii() && name.is_ascii()) {
            return None;
        }
        Some(
            Failure::new(Code::ImagesAlike, format!("{what} `{name}` looks like `{first}` ({earlier})"))
                .why(format!("{}; the manager takes them for two names", parting(name, first)))
                .remedy("give both the same spelling, or different names")
                .at(place),
        )
    }
}

/// Every name, tag and alias that looks like another of its kind.
pub(super) fn check(list: &ImageList, metadata: &str, aliases: &str) -> Vec<Failure> {
    let mut remarks = Problems::default();
    // An alias is asked for like a name.
    let mut names = Seen::default();
    let at = |mark: Mark, file: &str| mark.place(file);
    for image in &list.images {
        let about = |remark: Failure| remark.about(Subject::Image(image.name.as_str().into()));
        remarks.extend(names.look("The image", &image.name, at(image.mark, metadata)).map(about));
        let mut tags = Seen::default();
        let what = format!("The tag of image `{}`", image.name);
        for tag in &image.tags {
            remarks.extend(tags.look(&what, &tag.tag, at(tag.mark, metadata)).map(about));
        }
    }
    for alias in &list.aliases {
        remarks.extend(names.look("The alias", &alias.alias, at(alias.mark, aliases)));
    }
    remarks.into_vec()
}

//! The image list: the guide's `image-metadata.yml` and `image-aliases.yml`.

use std::path::PathBuf;

use super::{
    answers::Answers,
    validate::{self, Refused},
    variable::{Default, Section, Shape, Variable},
};

/// The user's list of images.
pub const METADATA: &str = "images.metadata";
/// The user's list of aliases.
pub const ALIASES: &str = "images.aliases";
/// The images to load.
pub const ONLY: &str = "images.only";

/// Where the image list comes from.
#[derive(Debug, Clone)]
pub struct Images {
    /// The user's `image-metadata.yml`; none means the built-in sample.
    pub metadata: Option<PathBuf>,
    /// The user's `image-aliases.yml`; none means the built-in sample.
    pub aliases: Option<PathBuf>,
    /// The images to load; none means all.
    pub only: Option<Vec<String>>,
}

impl Answers {
    /// Where the image list comes from: known whatever else is missing.
    pub fn images(&self) -> Images {
        Images::from_answers(self)
    }
}

impl Images {
    pub(super) fn from_answers(answers: &Answers) -> Self {
        let names = |text: String| text.split(',').map(|name| name.trim().to_owned()).collect();
        Self {
            metadata: answers.path(METADATA),
            aliases: answers.path(ALIASES),
            only: answers.text(ONLY).map(names),
        }
    }
}

/// The variables of this service.
pub static SECTION: Section = Section {
    id: "images",
    title: "Images",
    intro: "The kernel images that users may start, and the names they go by.",
    is_asked: true,
    variables: &[
        Variable {
            key: METADATA,
            title: "Image list",
            help: "Your image-metadata.yml.",
            shape: Shape::Path,
            default: Default::Unset("the built-in sample"),
            development: None,
            manager_env: None,
            validate: validate::path,
        },
        Variable {
            key: ALIASES,
            title: "Aliases",
            help: "Your image-aliases.yml.",
            shape: Shape::Path,
            default: Default::Unset("the built-in sample"),
            development: None,
            manager_env: None,
            validate: validate::path,
        },
        Variable {
            key: ONLY,
            title: "Only",
            help: "Names of the images to load; the others and their aliases are left out.",
            shape: Shape::List,
            default: Default::Unset("all images"),
            development: None,
            manager_env: None,
            validate: only,
        },
    ],
};

fn only(text: &str) -> Result<(), Refused> {
    let mut seen = Vec::new();
    for name in text.split(',').map(str::trim) {
        validate::plain_text(name, 255)?;
        if seen.contains(&name) {
            return Err(Refused::new(format!("`{name}` stands in it twice"), "keep one of them"));
        }
        seen.push(name);
    }
    Ok(())
}

//! The image list: the guide's `image-metadata.yml` and `image-aliases.yml`.

use std::path::PathBuf;

use super::{
    accept,
    answers::Answers,
    variable::{Default, Section, Shape, Variable},
};

/// Where the image list comes from.
#[derive(Debug, Clone)]
pub struct Images {
    /// The user's `image-metadata.yml`; none means the built-in sample.
    pub metadata: Option<PathBuf>,
    /// The user's `image-aliases.yml`; none means the built-in sample.
    pub aliases: Option<PathBuf>,
}

impl Images {
    pub(super) fn from_answers(answers: &Answers) -> Self {
        Self { metadata: answers.path("images.metadata"), aliases: answers.path("images.aliases") }
    }
}

pub(super) static SECTION: Section = Section {
    id: "images",
    title: "Images",
    intro: "The kernel images that users may start, and the names they go by.",
    variables: &[
        Variable {
            key: "images.metadata",
            title: "Image list",
            help: "Your image-metadata.yml.",
            shape: Shape::Text,
            default: Default::Unset("the built-in sample"),
            development: None,
            manager_env: None,
            accept: accept::path,
        },
        Variable {
            key: "images.aliases",
            title: "Aliases",
            help: "Your image-aliases.yml.",
            shape: Shape::Text,
            default: Default::Unset("the built-in sample"),
            development: None,
            manager_env: None,
            accept: accept::path,
        },
    ],
};

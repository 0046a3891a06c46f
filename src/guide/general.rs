//! What concerns the whole of the answers.

use super::{
    validate::{self, Refused},
    variable::{Default, Development, Section, Shape, Variable},
};

/// The version of the answers.
pub const VERSION: &str = "version";
/// What the cluster is called.
pub const NAME: &str = "name";

/// The version of the answers that this program reads.
pub(super) const CURRENT: &str = "1";

fn version(text: &str) -> Result<(), Refused> {
    if text == CURRENT {
        return Ok(());
    }
    Err(Refused::new(format!("this program reads version {CURRENT}"), format!("write `version: {CURRENT}`")))
}

/// The variables of this service.
pub static SECTION: Section = Section {
    id: "general",
    title: "General",
    intro: "What concerns the whole of the answers.",
    is_asked: false,
    variables: &[
        Variable {
            key: VERSION,
            title: "Version",
            help: "The version of the answers; 1 is the only one there is.",
            shape: Shape::Version,
            default: Default::Required,
            development: Some(Development::Value(CURRENT)),
            manager_env: None,
            validate: version,
        },
        Variable {
            key: NAME,
            title: "Name",
            help: "What you call this cluster; it stands in the closing line and names its folder of transcripts.",
            shape: Shape::Text,
            default: Default::Unset("the host of the database"),
            development: Some(Development::Value("development")),
            manager_env: None,
            validate: |text| validate::plain_text(text, 100),
        },
    ],
};

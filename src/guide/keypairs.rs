//! Keypairs: what the guide leaves to the reader with "automate here!".

use super::{
    answers::Answers,
    validate,
    variable::{Default, Section, Shape, Variable},
};

/// Who gets the keypair of the administrator.
pub const ADMIN: &str = "keypairs.admin";
/// Who gets the keypair of the user.
pub const USER: &str = "keypairs.user";

/// Who gets a keypair.
#[derive(Debug, Clone)]
pub struct Keypairs {
    /// `user_id` of the administrator.
    pub admin: String,
    /// `user_id` of the user.
    pub user: String,
}

impl Keypairs {
    pub(super) fn from_answers(answers: &Answers) -> Option<Self> {
        Some(Self { admin: answers.text(ADMIN)?, user: answers.text(USER)? })
    }
}

/// The variables of this service.
pub static SECTION: Section = Section {
    id: "keypairs",
    title: "Keypairs",
    intro: "Two new keypairs to sign in to the manager with; the keys are made here.",
    is_asked: true,
    variables: &[
        Variable {
            key: ADMIN,
            title: "Administrator",
            help: "The administrator's e-mail address.",
            shape: Shape::Text,
            default: Default::Value("admin@localhost"),
            development: None,
            manager_env: None,
            validate: validate::email,
        },
        Variable {
            key: USER,
            title: "User",
            help: "The first user's e-mail address.",
            shape: Shape::Text,
            default: Default::Value("user@localhost"),
            development: None,
            manager_env: None,
            validate: validate::email,
        },
    ],
};

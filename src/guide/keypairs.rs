//! Keypairs: what the guide leaves to the reader with "automate here!".

use super::{
    accept,
    answers::Answers,
    variable::{Default, Section, Shape, Variable},
};

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
        Some(Self { admin: answers.text("keypairs.admin")?, user: answers.text("keypairs.user")? })
    }
}

pub(super) static SECTION: Section = Section {
    id: "keypairs",
    title: "Keypairs",
    intro: "Two new keypairs to sign in to the manager with; the keys are made here.",
    variables: &[
        Variable {
            key: "keypairs.admin",
            title: "Administrator",
            help: "The administrator's e-mail address.",
            shape: Shape::Text,
            default: Default::Value("admin@localhost"),
            development: None,
            manager_env: None,
            accept: accept::email,
        },
        Variable {
            key: "keypairs.user",
            title: "User",
            help: "The first user's e-mail address.",
            shape: Shape::Text,
            default: Default::Value("user@localhost"),
            development: None,
            manager_env: None,
            accept: accept::email,
        },
    ],
};

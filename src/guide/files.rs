//! The files that are written for the manager.

use std::path::PathBuf;

use super::{
    accept,
    answers::Answers,
    variable::{Default, Section, Shape, Variable},
};

/// The files to write; none where the answer is `none`.
#[derive(Debug, Clone)]
pub struct Files {
    /// The manager's alembic configuration.
    pub alembic_ini: Option<PathBuf>,
    /// A shell file with the variables that the manager reads.
    pub environment: Option<PathBuf>,
    /// The new keypairs.
    pub credentials: Option<PathBuf>,
}

impl Files {
    pub(super) fn from_answers(answers: &Answers) -> Self {
        let file = |key| answers.path(key).filter(|_| answers.text(key).as_deref() != Some("none"));
        Self {
            alembic_ini: file("files.alembic-ini"),
            environment: file("files.environment"),
            credentials: file("files.credentials"),
        }
    }

    /// The files that are to be written, each with its key.
    pub fn named(&self) -> Vec<(&'static str, &PathBuf)> {
        [
            ("files.alembic-ini", &self.alembic_ini),
            ("files.environment", &self.environment),
            ("files.credentials", &self.credentials),
        ]
        .into_iter()
        .filter_map(|(key, path)| path.as_ref().map(|path| (key, path)))
        .collect()
    }
}

pub(super) static SECTION: Section = Section {
    id: "files",
    title: "Files",
    intro: "What the manager reads at its start; each file only you can read.",
    variables: &[
        Variable {
            key: "files.alembic-ini",
            title: "alembic.ini",
            help: "The manager's alembic configuration; a path, or none.",
            shape: Shape::Text,
            default: Default::Value("alembic.ini"),
            development: None,
            manager_env: None,
            accept: accept::path_or_none,
        },
        Variable {
            key: "files.environment",
            title: "Environment",
            help: "A shell file with the variables the manager reads; a path, or none.",
            shape: Shape::Text,
            default: Default::Value("manager.env"),
            development: None,
            manager_env: None,
            accept: accept::path_or_none,
        },
        Variable {
            key: "files.credentials",
            title: "Credentials",
            help: "Where the new keypairs are kept; a path, or none.",
            shape: Shape::Text,
            default: Default::Value("keypairs.yml"),
            development: None,
            manager_env: None,
            accept: accept::path_or_none,
        },
    ],
};

//! The files that are written for the manager.

use std::path::PathBuf;

use super::{
    answers::Answers,
    validate,
    variable::{Default, Section, Shape, Variable},
};

/// Where the manager's alembic reads the database's URL.
pub const ALEMBIC_INI: &str = "files.alembic-ini";
/// Where the shell that starts the manager reads its variables.
pub const ENVIRONMENT: &str = "files.environment";
/// Where the new keypairs are kept.
pub const CREDENTIALS: &str = "files.credentials";

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
            alembic_ini: file(ALEMBIC_INI),
            environment: file(ENVIRONMENT),
            credentials: file(CREDENTIALS),
        }
    }

    /// The files that are to be written, each with its key.
    pub fn named(&self) -> Vec<(&'static str, &PathBuf)> {
        [(ALEMBIC_INI, &self.alembic_ini), (ENVIRONMENT, &self.environment), (CREDENTIALS, &self.credentials)]
            .into_iter()
            .filter_map(|(key, path)| path.as_ref().map(|path| (key, path)))
            .collect()
    }
}

/// The variables of this service.
pub static SECTION: Section = Section {
    id: "files",
    title: "Files",
    intro: "What the manager reads at its start; each file only you can read.",
    is_asked: true,
    variables: &[
        Variable {
            key: ALEMBIC_INI,
            title: "alembic.ini",
            help: "The manager's alembic configuration; a path, or none.",
            shape: Shape::Path,
            default: Default::Value("alembic.ini"),
            development: None,
            manager_env: None,
            validate: validate::path_or_none,
        },
        Variable {
            key: ENVIRONMENT,
            title: "Environment",
            help: "A shell file with the variables the manager reads; a path, or none.",
            shape: Shape::Path,
            default: Default::Value("manager.env"),
            development: None,
            manager_env: None,
            validate: validate::path_or_none,
        },
        Variable {
            key: CREDENTIALS,
            title: "Credentials",
            help: "Where the new keypairs are kept; a path, or none.",
            shape: Shape::Path,
            default: Default::Value("keypairs.yml"),
            development: None,
            manager_env: None,
            validate: validate::path_or_none,
        },
    ],
};

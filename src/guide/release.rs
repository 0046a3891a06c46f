//! The guide for one release of the manager.

use crate::schema::Schema;

use super::{
    key_space::KeySpace,
    variable::{Section, Variable},
};

/// A guide of the manager: what it asks for one release, and what that release calls things.
#[derive(Debug)]
pub struct Guide {
    /// The sections in its order, which is the order of the pages.
    pub sections: &'static [&'static Section],
    /// Keys that are known and refused rather than ignored, since nothing acts on them.
    pub unbuilt: &'static [&'static str],
    /// Where the manager looks in etcd.
    pub keys: KeySpace,
    /// The tables that the manager works with.
    pub schema: Schema,
    /// The files that the manager's repository has as samples.
    pub samples: Samples,
    /// The shell command that starts the manager.
    pub start: &'static str,
    /// What that command fails without, as a sentence.
    pub needs: &'static str,
}

/// The texts of files that count where a person names none of their own.
#[derive(Debug)]
pub struct Samples {
    /// `image-metadata.yml`.
    pub image_metadata: &'static str,
    /// `image-aliases.yml`.
    pub image_aliases: &'static str,
    /// `alembic.ini`, with a placeholder for the URL.
    pub alembic_ini: &'static str,
    /// The fixture of the keypairs, without keys.
    pub keypairs: &'static str,
}

impl Guide {
    /// Every variable, in order.
    pub fn variables(&self) -> impl Iterator<Item = &'static Variable> + use<> {
        self.sections.iter().flat_map(|section| section.variables.iter())
    }

    /// The variable with this key, for example `etcd.namespace`.
    pub fn variable(&self, key: &str) -> Option<&'static Variable> {
        self.variables().find(|variable| variable.key == key)
    }

    /// The sections that the wizards ask; the others are for answers files.
    pub fn asked(&self) -> Vec<&'static Section> {
        self.sections.iter().copied().filter(|section| section.is_asked).collect()
    }

    /// Every environment name that gives a value, or a file with one.
    pub fn environment_names(&self) -> impl Iterator<Item = String> + use<> {
        self.variables().flat_map(|variable| [Some(variable.env()), variable.env_file()]).flatten()
    }

    /// Environment names that hold a secret: no program that is started from here gets them.
    /// [`super::Answers::secret_names`] are those that answers name themselves.
    pub fn secret_names(&self) -> impl Iterator<Item = String> + use<> {
        let secrets = self.variables().filter(|variable| variable.is_secret());
        secrets.map(Variable::env).chain(["PGPASSWORD".to_owned()])
    }
}

//! What is asked: variables by section, what a [`Guide`] is made of, and the answers to it.
//!
//! Pure: nothing here touches a server, a file or a screen. A variable is an edit to one section's
//! file; command line, answers file, environment names and the tables of the README follow. Which sections make a
//! guide, and what does its work, is said in `guides`.

pub mod accept;
mod answers;
mod command;
pub mod database;
pub mod etcd;
mod file;
pub mod files;
pub mod general;
pub mod identity;
pub mod images;
mod init;
mod json_schema;
pub mod keypairs;
mod leaf;
mod repeat;
mod settings;
pub mod storage;
mod variable;

pub use command::{Doubt, doubts};

use crate::{
    schema::Schema,
    text::{parting, skeleton},
};

pub use accept::{Address, Refused, parse_address};
pub use answers::{Answers, Given, Origin};
pub use database::{Database, SslMode, database_url};
pub use etcd::{Etcd, KeySpace};
pub use file::{Leaves, leaves};
pub use files::Files;
pub use identity::Identity;
pub use images::Images;
pub use init::SCHEMA_FILE;
pub use keypairs::Keypairs;
pub use leaf::{Leaf, SecretSource};
pub use repeat::Reference;
pub use settings::Settings;
pub use storage::{DEVELOPMENT_HOME, Expect, Storage, development_home, development_mount};
pub use variable::{Default, Section, Shape, Variable, environment_name};

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

    /// Environment names that hold a secret: no program that is started from here gets them.
    /// [`Answers::secret_names`] are those that answers name themselves.
    pub fn secret_names(&self) -> impl Iterator<Item = String> + use<> {
        let secrets = self.variables().filter(|variable| variable.is_secret());
        secrets.map(Variable::env).chain(["PGPASSWORD".to_owned()])
    }
}

/// The known key that is nearest to a misspelt one, if any is near.
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody misspells a page of text, and comparing takes as long as it is long.
    if given.len() > 200 {
        return None;
    }
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(twin) = known.iter().find(|candidate| only_looks_like(given, candidate)) {
        return Some(twin);
    }
    let given = given.to_lowercase();
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_lowercase();
    known
        .into_iter()
        .filter_map(|candidate| {
            let distance = strsim::osa_distance(&given, &candidate.to_lowercase());
            let (own, other) = (last(&given), last(candidate));
            // `username` for `user`, `pass` for `password`: cut short or gone on, whatever the distance.
            let begins =
                own.len().min(other.len()) > 2 && (own.starts_with(&other) || other.starts_with(&own));
            let is_sibling = given.rsplit_once('.').map(|it| it.0)
                == candidate.to_lowercase().rsplit_once('.').map(|it| it.0);
            let goes_on = begins && is_sibling;
            let is_near = distance <= 1 + candidate.len() / 4;
            (goes_on || is_near).then_some((goes_on, distance, candidate))
        })
        .min_by_key(|(goes_on, distance, _)| (!*goes_on, *distance))
        .map(|(.., candidate)| candidate)
}

/// The remedy for a misspelt word when this one is the nearest: one with letters of another script says which
/// they are, for nobody sees them.
pub fn meant(given: &str, near: &str) -> String {
    if only_looks_like(given, near) {
        return format!("write `{near}`: yours only looks like it, {}", parting(given, near));
    }
    format!("did you mean `{near}`?")
}

/// Is it the same to the eye, but written with other letters?
fn only_looks_like(given: &str, known: &str) -> bool {
    !given.is_ascii() && given != known && skeleton(given) == skeleton(known)
}

//! What a plan was made from besides the world: answers, image list, fixture. Their fingerprints alone are kept, so that
//! nothing is said about a secret, and everything that moves is found.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::{
    failure::{Code, Failure, Subject, shell_word},
    fingerprint::FingerprintKey,
    guide::{Given, Shape, UserIds, Variable},
    world::World,
};

/// A fingerprint for each of them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedInputs {
    /// Of each answer, by its key; defaults among them.
    answers: BTreeMap<String, String>,
    /// Of the image list, by what it puts into etcd: comments do not matter.
    images: Option<String>,
    /// Of the rows of a fixture that was given as a file.
    fixture: Option<String>,
}

impl SavedInputs {
    /// Those of this world, under its key.
    pub(super) fn of(world: &World, has_fixture: bool) -> Result<Self, Failure> {
        let key = &world.surroundings.fingerprints;
        // What each file says of its version is no part of what it means.
        let variables = world.guide().variables().filter(|variable| !variable.is_version());
        let given = variables.filter_map(|variable| Some((variable, world.answers.given(variable.key)?)));
        let answers = given
            .map(|(variable, given)| Ok((variable.key.to_owned(), of_answer(key, variable, given)?)))
            .collect::<Result<_, Failure>>()?;
        let images = match world.judged_images() {
            Some(Ok(list)) => Some(key.of_json("image list", &(list.image_keys(), list.alias_keys()))?),
            _ => None,
        };
        let fixture = has_fixture.then(|| of_fixture(key, world)).transpose()?;
        Ok(Self { answers, images, fixture })
    }

    /// What of it has changed in this world, each with its name; never with a value.
    pub(super) fn moved(
        &self,
        world: &World,
        file: &Path,
        fixture: Option<&Path>,
    ) -> Result<Vec<Failure>, Failure> {
        let now = Self::of(world, fixture.is_some())?;
        let remedy = format!(
            "apply it with what it was made with, or make a plan with what there is now: `plan --out {}`",
            shell_word(&file.to_string_lossy())
        );
        let moved = |what: String| Failure::new(Code::PlanStale, what).remedy(remedy.clone());
        let keys: BTreeSet<&String> = self.answers.keys().chain(now.answers.keys()).collect();
        let answers = keys.into_iter().filter_map(|key| {
            let how = match (self.answers.get(key), now.answers.get(key)) {
                (Some(then), Some(now)) if then == now => return None,
                (Some(_), Some(_)) => "has changed since the plan was made",
                (Some(_), None) => "has no value, and had one when the plan was made",
                (None, _) => "has a value, and had none when the plan was made",
            };
            let failure = moved(format!("`{key}` {how}"));
            let Some(variable) = world.guide().variable(key) else { return Some(failure) };
            let failure = failure.about(Subject::Variable(variable.key));
            Some(match world.answers.given(key) {
                Some(given) => failure.why(format!("it comes from {}", given.origin)),
                None => failure,
            })
        });
        let mut found: Vec<Failure> = answers.collect();
        if self.images != now.images {
            found.push(moved("the image list has changed since the plan was made".into()));
        }
        if let Some(fixture) = fixture.filter(|_| self.fixture != now.fixture) {
            found.push(moved(format!(
                "the fixture `{}` has changed since the plan was made",
                fixture.display()
            )));
        }
        Ok(found)
    }
}

/// By what it means: a relative path is another one in another folder, and a blank in a list is none.
fn of_answer(key: &FingerprintKey, variable: &Variable, given: &Given) -> Result<String, Failure> {
    let text = given.value().expose_secret();
    let path = std::path::absolute(text).ok().filter(|_| variable.shape == Shape::Path && text != "none");
    let list =
        matches!(variable.shape, Shape::List | Shape::Addresses).then(|| variable.json(text).to_string());
    let path = path.or_else(|| match UserIds::of(variable, text)? {
        UserIds::Map(path) => Some(path),
        UserIds::Direct => None,
    });
    let meant = match (&path, &list) {
        (Some(path), _) => path.as_os_str().as_encoded_bytes(),
        (None, Some(list)) => list.as_bytes(),
        (None, None) => text.as_bytes(),
    };
    key.of(&[b"an answer", variable.key.as_bytes(), meant])
}

fn of_fixture(key: &FingerprintKey, world: &World) -> Result<String, Failure> {
    let rows = world.fixture()?.rows.iter().map(|row| {
        let keys = row.keys.as_ref().map(|keys| (&keys.access, keys.secret.expose_secret()));
        let limits = (row.concurrency_limit, row.concurrency_used, row.rate_limit, row.num_queries);
        (&row.user_id, row.is_admin, row.is_active, &row.resource_policy, limits, keys)
    });
    key.of_json("fixture", &rows.collect::<Vec<_>>())
}

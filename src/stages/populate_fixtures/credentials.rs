//! The credentials file: the keypairs, readable for the owner alone. What others wrote into it stays.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{
    disk::Existing,
    failure::{Code, Failure},
    fixture::Keys,
    manager_config::{self, Entry},
    workflow::Change,
    world::World,
    yaml,
};

const HEADER: &str =
    "# Keypairs for the Backend.AI manager, written by backendai-setup. Keep them to yourself.\n";

/// A keypair for the file.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) user_id: String,
    pub(super) is_admin: bool,
    pub(super) keys: Keys,
}

/// The file's form: what `--fixture` reads too.
#[derive(Serialize)]
struct Written<'a> {
    keypairs: Vec<WrittenPair<'a>>,
}

#[derive(Serialize)]
struct WrittenPair<'a> {
    user_id: &'a str,
    access_key: &'a str,
    secret_key: &'a str,
    is_admin: bool,
}

fn yaml_of(pairs: &[Held]) -> Result<String, Failure> {
    let keypairs = pairs
        .iter()
        .map(|pair| WrittenPair {
            user_id: &pair.user_id,
            access_key: &pair.keys.access,
            secret_key: pair.keys.secret.expose_secret(),
            is_admin: pair.is_admin,
        })
        .collect();
    yaml::write(&Written { keypairs })
        .map_err(|_| Failure::new(Code::Internal, "the keypairs cannot be written as YAML"))
}

fn entry(pair: &Held) -> Result<Entry, Failure> {
    let text = yaml_of(std::slice::from_ref(pair))?;
    let value = |name: &'static str| {
        let mut lines = text.lines().map(|line| line.trim_start_matches(['-', ' ']));
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.map(|value| (name, value.to_owned()))
    };
    let fields = ["user_id", "access_key", "secret_key", "is_admin"].into_iter().filter_map(value).collect();
    Ok(Entry { access: pair.keys.access.clone(), fields })
}

/// What the file is to hold, and what that changes; none when it is so already.
///
/// # Errors
/// `E-FILE-FOREIGN` when it is no list of keypairs, or in a form that cannot be changed by position.
pub(super) async fn look(
    world: &World,
    path: &Path,
    pairs: &[Held],
) -> Result<Option<(Change, SecretString, Option<Existing>)>, Failure> {
    let existing = world.surroundings.disk.target(path).await?;
    let key = &world.surroundings.fingerprints;
    let seen = existing.as_ref().map(|existing| existing.fingerprint(key)).transpose()?;
    let change = |what: &str, text: String| {
        let (path, what, is_new) = (path.display().to_string(), what.to_owned(), seen.is_none());
        (Change::File { path, what, is_new, is_removed: false, seen: seen.clone() }, SecretString::from(text))
    };
    let Some(existing) = existing else {
        let (change, text) = change("new", format!("{HEADER}{}", yaml_of(pairs)?));
        return Ok(Some((change, text, None)));
    };
    let text = manager_config::own_keypairs(path, &existing.bytes)?;
    let entries = pairs.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    let wanted = manager_config::splice(text, &entries).map_err(|refused| refused.of(path))?;
    let what = match existing.mode_to_close() {
        _ if wanted != text => "change keypairs".to_owned(),
        Some(to) => format!("change mode {:04o} → {to:04o}", existing.mode),
        None => return Ok(None),
    };
    let (change, text) = change(&what, wanted);
    Ok(Some((change, text, Some(existing))))
}

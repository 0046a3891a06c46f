//! The credentials file: the keypairs, readable for the owner alone. What others wrote into it stays.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{
    failure::{Code, Failure, Place},
    fixture::Keys,
    services::files,
    workflow::Change,
    yaml,
};

use super::splice::{Entry, Refused, splice};

const HEADER: &str =
    "# Keypairs for the Backend.AI manager, written by backendai-setup. Keep them to yourself.\n";

/// A keypair for the file.
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
pub(super) async fn look(path: &Path, pairs: &[Held]) -> Result<Option<(Change, SecretString)>, Failure> {
    let change = |what: &str, text: String| {
        let path = path.display().to_string();
        Ok(Some((Change::File { path, what: what.to_owned() }, text.into())))
    };
    let Some(existing) = files::patient_target(path).await? else {
        return change("new", format!("{HEADER}{}", yaml_of(pairs)?));
    };
    let name = format!("`{}`", path.display());
    let foreign = || {
        Failure::new(Code::FileForeign, format!("{name} does not belong to this database"))
            .why("it is not a list of keypairs")
            .remedy("move it away, or name another path: `files.credentials`")
    };
    let text = std::str::from_utf8(&existing.bytes).map_err(|_| foreign())?;
    let entries = pairs.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    let wanted = splice(text, &entries).map_err(|refused| match refused {
        Refused::NoList => foreign(),
        Refused::TooMuch(failure) => {
            let place =
                failure.place.clone().map(|place| Place { file: path.display().to_string().into(), ..place });
            Failure { place, ..*failure }
                .remedy("move the file away, or name another path: `files.credentials`")
        }
        Refused::Line(line) => Failure::new(Code::FileForeign, format!("{name} cannot take the keypairs"))
            .why("its entries are not written with one `field: value` on a line")
            .remedy("write them so, move the file away, or name another path: `files.credentials`")
            .at(Place { file: path.display().to_string().into(), line, column: 1 }),
    })?;
    if wanted != text {
        return change("change keypairs", wanted);
    }
    if existing.mode & 0o077 != 0 {
        return change(&format!("change mode {:04o} → 0600", existing.mode), wanted);
    }
    Ok(None)
}

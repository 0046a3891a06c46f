//! The credentials file: the keypairs, readable for the owner alone.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{
    failure::{Code, Failure},
    fixture::{Fixture, Keys},
    services::files::{self, Existing},
    workflow::Change,
    yaml,
};

use super::rows::{Pair, Standing};

const HEADER: &str =
    "# Keypairs for the Backend.AI manager, written by backendai-setup. Keep them to yourself.\n";

/// The file's form, as `upstream.md` gives it.
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

/// The text of the file; none as long as a pair has no keys yet.
fn text(pairs: &[Pair]) -> Option<SecretString> {
    let keypairs = pairs
        .iter()
        .map(|pair| match &pair.standing {
            Standing::Kept(keys) => Some(WrittenPair {
                user_id: &pair.row.user_id,
                access_key: &keys.access,
                secret_key: keys.secret.expose_secret(),
                is_admin: pair.row.is_admin,
            }),
            Standing::New { .. } => None,
        })
        .collect::<Option<Vec<_>>>()?;
    let yaml = yaml::write(&Written { keypairs }).ok()?;
    Some(format!("{HEADER}{yaml}").into())
}

/// What is to be done to the file, if anything.
///
/// # Errors
/// `E-FILE-FOREIGN` when it holds keypairs that the table does not have: they would be lost.
pub(super) async fn look(
    path: &Path,
    pairs: &[Pair],
    known: &[(String, SecretString)],
) -> Result<Option<Change>, Failure> {
    let shown = path.display().to_string();
    let change = |what: &str| Ok(Some(Change::File { path: shown.clone(), what: what.to_owned() }));
    let Some(existing) = files::patient_target(path).await? else {
        let kept = pairs.iter().all(|pair| matches!(pair.standing, Standing::Kept(_)));
        return change(if kept { "new, from the rows that are there" } else { "new" });
    };
    match text(pairs) {
        Some(wanted) if wanted.expose_secret().as_bytes() == existing.bytes => {
            if existing.mode & 0o077 == 0 {
                return Ok(None);
            }
            return change(&format!("change mode {:04o} → 0600", existing.mode));
        }
        _ => {}
    }
    let held = pairs_of(&existing).ok_or_else(|| foreign(path, "it is not a list of keypairs"))?;
    let lost = held.iter().any(|keys| {
        !known.iter().any(|(access, secret)| {
            *access == keys.access && secret.expose_secret() == keys.secret.expose_secret()
        })
    });
    if lost {
        return Err(foreign(path, "it holds keypairs that table keypairs does not have; they would be lost"));
    }
    change("change keypairs")
}

fn pairs_of(existing: &Existing) -> Option<Vec<Keys>> {
    let fixture = Fixture::read("", &existing.bytes).ok()?;
    fixture.rows.into_iter().map(|row| row.keys).collect()
}

fn foreign(path: &Path, why: &str) -> Failure {
    Failure::new(Code::FileForeign, format!("`{}` does not belong to this database", path.display()))
        .why(why)
        .remedy("move it away, or name another path: `files.credentials`")
}

/// Writes the file.
pub(super) fn write(path: &Path, pairs: &[Pair]) -> Result<(), Failure> {
    let text = text(pairs)
        .ok_or_else(|| Failure::new(Code::Internal, "a keypair has no keys after it was inserted"))?;
    files::write_secret(path, text.expose_secret().as_bytes())
}

//! The file of a saved plan: sealed under the key of the state directory, so that one that was edited is known.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    failure::{Code, Failure},
    fingerprint::FingerprintKey,
    state::StateDir,
};

use super::{inputs::SavedInputs, shape::SavedStage};

/// By what the file is known.
const FORMAT: &str = "backendai-setup saved plan";

/// The version of the format.
const VERSION: u32 = 1;

/// The release that made it; only that one applies it.
const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// The largest plan, in bytes: 100,000 tags and 20,000 aliases take half of it.
pub(super) const MOST: u64 = 64 << 20;

/// What is saved, without a secret.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    /// What the cluster is called.
    pub(super) name: String,
    /// When the plan was made.
    pub(super) made: Timestamp,
    pub(super) allows: Allows,
    pub(super) inputs: SavedInputs,
    /// In the order of the run.
    pub(super) stages: Vec<SavedStage>,
}

/// What may be overwritten, by the flags of the command line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Allows {
    pub(super) replace_mount: bool,
    pub(super) prune: bool,
    pub(super) rotate_keypairs: bool,
    pub(super) replace_published_keys: bool,
    pub(super) drop_usage: bool,
    /// The whole path of `--fixture`.
    pub(super) fixture: Option<String>,
}

/// What every release can read of the file of any other.
#[derive(Deserialize)]
struct Head {
    format: String,
    release: String,
    key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    format: String,
    version: u32,
    release: String,
    key: String,
    plan: Content,
    seal: String,
}

impl Whole {
    fn seal(&self, key: &FingerprintKey) -> Result<String, Failure> {
        key.of_json(FORMAT, &(self.version, &self.release, &self.key, &self.plan))
    }
}

/// The bytes of the file.
pub(super) fn sealed(plan: Content, key: &FingerprintKey, path: &Path) -> Result<Vec<u8>, Failure> {
    let (format, release) = (FORMAT.to_owned(), RELEASE.to_owned());
    let mut whole = Whole { format, version: VERSION, release, key: key.id()?, plan, seal: String::new() };
    whole.seal = whole.seal(key)?;
    let mut bytes = serde_json::to_vec_pretty(&whole)
        .map_err(|_| Failure::new(Code::Internal, "the plan cannot be written as JSON"))?;
    bytes.push(b'\n');
    if bytes.len() as u64 > MOST {
        return Err(Failure::new(Code::PlanFile, format!("the plan is too large for `{}`", path.display()))
            .why(format!("a saved plan has at most {} MiB", MOST >> 20))
            .remedy("do it without a saved plan: `run`"));
    }
    Ok(bytes)
}

/// Is it a saved plan, of whichever release and machine?
pub(super) fn is_one(bytes: &[u8]) -> bool {
    head(bytes).is_ok()
}

fn head(bytes: &[u8]) -> Result<Head, String> {
    let head: Head = serde_json::from_slice(bytes).map_err(|error| {
        // A reader's words may repeat what stands there.
        if error.is_data() {
            "it does not have what every saved plan has".to_owned()
        } else {
            format!("it is no JSON from line {}, column {} on", error.line(), error.column())
        }
    })?;
    if head.format == FORMAT { Ok(head) } else { Err("it is another kind of file".to_owned()) }
}

/// The plan in these bytes, when it was saved by this release under this key and nobody has edited it since.
pub(super) fn opened(bytes: &[u8], key: Option<&FingerprintKey>, at: &At<'_>) -> Result<Content, Failure> {
    let head = head(bytes).map_err(|why| at.refused("is no saved plan", why))?;
    if head.release != RELEASE {
        let why = format!("release {} has made it, and this is release {RELEASE}", head.release);
        return Err(at.refused("was saved by another release of this program", why));
    }
    let folder = at.state_dir.path().display();
    let foreign = |why| at.refused("was saved on another machine, or with another state directory", why);
    let Some(key) = key else { return Err(foreign(format!("`{folder}` has no key of saved plans"))) };
    let id = key.id()?;
    if head.key != id {
        return Err(foreign(format!(
            "it is sealed with the key {}, and `{folder}` has the key {id}",
            head.key
        )));
    }
    let edited = |why: &str| at.refused("was edited after it was saved", why.to_owned());
    let whole: Whole = serde_json::from_slice(bytes)
        .map_err(|_| edited("something is missing or added, or has another form"))?;
    if whole.version != VERSION || whole.seal != whole.seal(key)? {
        return Err(edited("its seal does not fit its content"));
    }
    Ok(whole.plan)
}

/// Where the file is, and where its key should be.
pub(super) struct At<'a> {
    pub(super) path: &'a Path,
    pub(super) state_dir: &'a StateDir,
}

impl At<'_> {
    pub(super) fn refused(&self, what: &str, why: String) -> Failure {
        Failure::new(Code::PlanFile, format!("`{}` {what}", self.path.display()))
            .why(why)
            .remedy("make a plan here, with this release, and apply that as it is: `plan --out FILE`")
    }
}

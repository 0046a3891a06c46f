//! Saved plans: what `plan --out` writes and `apply` reads, exactly that or nothing.
//!
//! The file is JSON, versioned, and sealed with an HMAC under the key of the state directory (`fingerprint-key`), so an
//! edited file is refused, and so is one of another release, machine or state directory. It holds every change with its
//! guards, and of answers, image list and fixture the fingerprints under the same key: no secret.

mod file;
mod inputs;
mod shape;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;

use crate::{
    disk::Guard,
    failure::{Code, Failure, shell_word},
    fingerprint::FingerprintKey,
    guides::Setup,
    state::StateDir,
    workflow::{Change, StageId, StageState, StageStatus},
    world::{Overwrite, World},
};

use file::{Allows, At, Content};
use inputs::SavedInputs;
use shape::SavedStage;

/// A plan that was saved, as it was found in its file.
#[derive(Debug)]
pub struct SavedPlan {
    /// The file.
    pub path: PathBuf,
    /// What the cluster is called.
    pub name: String,
    /// When it was made.
    pub made: Timestamp,
    /// What may be overwritten.
    pub overwrite: Overwrite,
    /// The fixture that it was made with, instead of the built-in one.
    pub fixture: Option<PathBuf>,
    /// What each of its stages will write.
    pub states: Vec<StageState>,
    /// The key of all fingerprints in it.
    pub key: FingerprintKey,
    inputs: SavedInputs,
}

impl SavedPlan {
    /// Reads a plan of this setup that was saved here.
    ///
    /// # Errors
    /// `E-PLAN-FILE` when it is none, or not as this release has saved it with this state directory.
    pub fn read(setup: &'static Setup, state_dir: &StateDir, path: &Path) -> Result<Self, Failure> {
        let at = At { path, state_dir };
        let bytes = state_dir.surroundings.disk.read_input_of(path, file::MOST).map_err(unread)?;
        let key = state_dir.kept_fingerprint_key()?;
        let Content { name, made, allows, inputs, stages } = file::opened(&bytes, key.as_ref(), &at)?;
        drop(bytes);
        let mut states = Vec::new();
        for saved in stages {
            let id = saved.stage.clone();
            let plan = saved.plan(setup).ok_or_else(|| {
                at.refused("is of another setup", format!("there is no stage `{}`", id.escape_debug()))
            })?;
            states.push(StageState {
                stage: plan.stage,
                title: setup.stage_title(plan.stage),
                state: if plan.changes.is_empty() { StageStatus::Done } else { StageStatus::Pending },
                summary: Change::count(&plan.changes),
                plan: Arc::new(plan),
                remarks: Vec::new(),
                failure: None,
            });
        }
        let overwrite = Overwrite {
            mount: allows.replace_mount,
            stale_keys: allows.prune,
            keypairs: allows.rotate_keypairs,
            published: allows.replace_published_keys,
            usage: allows.drop_usage,
        };
        let fixture = allows.fixture.map(PathBuf::from);
        // A plan that opened was sealed with a key.
        let key = key.unwrap_or_default();
        Ok(Self { path: path.to_owned(), name, made, overwrite, fixture, states, key, inputs })
    }

    /// Its stages, in the order of the run.
    pub fn stages(&self) -> Vec<StageId> {
        self.states.iter().map(|state| state.stage).collect()
    }

    /// What of answers, image list and fixture has changed since it was made: each by name, never by value.
    ///
    /// # Errors
    /// `E-PLAN-STALE`, one for each.
    pub fn fits(&self, world: &World) -> Result<(), Vec<Failure>> {
        let moved = self.inputs.moved(world, &self.path, self.fixture.as_deref());
        match moved {
            Ok(moved) if moved.is_empty() => Ok(()),
            Ok(moved) => Err(moved),
            Err(failure) => Err(vec![failure]),
        }
    }
}

/// Whatever keeps the file from being read, it is a plan that cannot be applied.
fn unread(failure: Failure) -> Failure {
    let code = if failure.code == Code::FileRead { Code::PlanFile } else { failure.code };
    Failure { code, ..failure }
}

/// Where a plan is to be saved, as it was found: a file of anybody else is never written over.
#[derive(Debug, Clone)]
pub struct PlanFile {
    /// The file.
    pub path: PathBuf,
    /// The key of all fingerprints in it.
    pub key: FingerprintKey,
    /// The fingerprint of an older plan that stands there.
    seen: Option<String>,
    fixture: Option<String>,
}

impl PlanFile {
    /// Looks at the place, and at the key of this state directory, which is made when it is not there.
    ///
    /// # Errors
    /// `E-FILE-FOREIGN` when something stands there that is no saved plan, `E-FILE-PARENT`, `E-FILE-SYMLINK`,
    /// `E-FILE-OWNER` or `E-FILE-MOUNT` when nothing can be written there, `E-STATE-DIR` when no key can be kept.
    pub fn at(state_dir: &StateDir, path: &Path, fixture: Option<&Path>) -> Result<Self, Failure> {
        let another = "name another file with `--out`";
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let disk = &state_dir.surroundings.disk;
        if !disk.is_there(folder)? {
            let what = format!("the folder `{}` for the plan is not there", folder.display());
            let remedy = format!("mkdir -p {}", shell_word(&folder.to_string_lossy()));
            return Err(Failure::new(Code::FileParent, what).remedy(remedy));
        }
        let found = disk.target_of(path, file::MOST).map_err(|failure| match failure.code {
            Code::FileHung => failure,
            _ => failure.remedy(another),
        })?;
        if found.as_ref().is_some_and(|found| !file::is_one(&found.bytes)) {
            let what = format!("`{}` is there already, and is no saved plan", path.display());
            let failure =
                Failure::new(Code::FileForeign, what).why("only a saved plan is replaced by another one");
            return Err(failure.remedy(format!("{another}, or move it away")));
        }
        let fixture = fixture.map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
        let fixture = fixture.map(|path| {
            path.into_os_string().into_string().map_err(|path| {
                let what = format!("the fixture's name `{}` is not UTF-8", path.display());
                Failure::new(Code::Usage, what)
                    .why("a saved plan names it")
                    .remedy("give the fixture another name")
            })
        });
        let key = state_dir.fingerprint_key()?;
        let seen = found.map(|found| found.fingerprint(&key)).transpose()?;
        Ok(Self { path: path.to_owned(), key, seen, fixture: fixture.transpose()? })
    }

    /// Saves what the stages of this world would write, all of it or nothing; only its owner can read the file.
    ///
    /// # Errors
    /// `E-FILE-WRITE`, `E-FILE-HUNG`; `E-FILE-FOREIGN` when something else stands there by now.
    pub async fn save(&self, world: &World, states: &[StageState]) -> Result<(), Failure> {
        let overwrite = world.overwrite;
        let content = Content {
            name: world.settings.name.clone(),
            made: world.surroundings.clock.now(),
            allows: Allows {
                replace_mount: overwrite.mount,
                prune: overwrite.stale_keys,
                rotate_keypairs: overwrite.keypairs,
                replace_published_keys: overwrite.published,
                drop_usage: overwrite.usage,
                fixture: self.fixture.clone(),
            },
            inputs: SavedInputs::of(world, self.fixture.is_some())?,
            stages: states.iter().map(|state| SavedStage::of(&state.plan)).collect(),
        };
        let bytes = file::sealed(content, &self.key, &self.path)?;
        let guard = Guard { key: self.key.clone(), seen: self.seen.clone() };
        let put = world.surroundings.disk.replace_guarded(&self.path, &bytes, None, guard).await;
        put.map(drop).map_err(|failure| match failure.code {
            Code::PlanStale => {
                let what = format!("`{}` changed while the plan was made", self.path.display());
                Failure::new(Code::FileForeign, what)
                    .why("nothing was written over it")
                    .remedy("run again, or name another file with `--out`")
            }
            _ => failure,
        })
    }
}

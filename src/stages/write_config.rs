//! `write-config`: `alembic.ini` and the environment file, readable for the owner alone.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    disk::Existing,
    failure::Failure,
    guide::files::{ALEMBIC_INI, ENVIRONMENT},
    manager_config,
    workflow::{About, Certainty, Change, Context, Done, Found, Stage, StagePlan, Written},
    world::World,
};

use super::{
    file::{put, stale_file},
    keys::count,
};

pub(super) static ABOUT: About = About {
    id: "write-config",
    title: "Config files",
    summary: "`alembic.ini` and the environment file for the manager",
    sections: &["etcd", "database", "files"],
    checks: &["files"],
    after: &[],
    files: &[ALEMBIC_INI, ENVIRONMENT],
    flags: &[],
};

/// The stage.
pub struct WriteConfig;

/// A file that is to be written.
struct PendingFile {
    path: PathBuf,
    wanted: SecretString,
    what: String,
    /// What stands there; none for a new file.
    existing: Option<Existing>,
    /// Its fingerprint.
    seen: Option<String>,
    /// A backup of it is kept.
    keeps_old: bool,
}

async fn pending_files(world: &World) -> Result<Vec<PendingFile>, Failure> {
    let settings = &world.settings;
    let database = settings.database()?;
    let mut pending_files = Vec::new();
    if let Some(path) = &settings.files.alembic_ini {
        let url = manager_config::alembic_url(database);
        let existing = world.surroundings.disk.target(path).await?;
        let old = existing
            .as_ref()
            .map_or(world.guide().samples.alembic_ini.as_bytes(), |existing| &existing.bytes);
        let wanted = manager_config::alembic_ini(path, old, &url)?.text;
        let what = if existing.is_some() { "change `sqlalchemy.url`, keep the rest" } else { "new" };
        let seen = seen(world, existing.as_ref())?;
        pending_files.extend(pending_file(path, wanted, what.to_owned(), existing, seen, true));
    }
    if let Some(path) = &settings.files.environment {
        let existing = world.surroundings.disk.target(path).await?;
        let old = existing.as_ref().map(|existing| manager_config::own_environment(path, &existing.bytes));
        let wanted = manager_config::environment(old.transpose()?, settings.etcd()?, database)
            .map_err(|unclear| manager_config::unclear_environment(path, &unclear))?;
        let what = if existing.is_some() { "change variables" } else { "new" };
        let seen = seen(world, existing.as_ref())?;
        pending_files.extend(pending_file(path, wanted, what.to_owned(), existing, seen, false));
    }
    Ok(pending_files)
}

fn seen(world: &World, existing: Option<&Existing>) -> Result<Option<String>, Failure> {
    existing.map(|existing| existing.fingerprint(&world.surroundings.fingerprints)).transpose()
}

fn plan(pending_files: &[PendingFile]) -> StagePlan {
    let change = |file: &PendingFile| Change::File {
        path: shown(&file.path),
        what: file.what.clone(),
        is_new: file.seen.is_none(),
        is_removed: false,
        seen: file.seen.clone(),
    };
    StagePlan::new(ABOUT.id, pending_files.iter().map(change).collect())
}

/// Nothing to write when content and mode are right.
fn pending_file(
    path: &Path,
    wanted: SecretString,
    what: String,
    existing: Option<Existing>,
    seen: Option<String>,
    keep: bool,
) -> Option<PendingFile> {
    let same = existing.as_ref().is_some_and(|existing| existing.bytes == wanted.expose_secret().as_bytes());
    let open = existing.as_ref().and_then(|existing| Some((existing.mode, existing.mode_to_close()?)));
    let what = match (same, open) {
        (true, None) => return None,
        (true, Some((mode, to))) => format!("change mode {mode:04o} → {to:04o}"),
        (false, _) => what,
    };
    let keeps_old = keep && !same;
    Some(PendingFile { path: path.to_owned(), wanted, what, existing, seen, keeps_old })
}

#[async_trait]
impl Stage<World> for WriteConfig {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<Found, Failure> {
        let pending_files = match pending_files(&cx.world).await {
            Ok(pending_files) => pending_files,
            Err(failure) => return Ok(Found::Conflict(failure)),
        };
        if pending_files.is_empty() {
            let files = &cx.world.settings.files;
            let names: Vec<_> = [&files.alembic_ini, &files.environment]
                .into_iter()
                .flatten()
                .map(|path| shown(path))
                .collect();
            return Ok(Found::Done(match names.as_slice() {
                [] => "no files are asked for".into(),
                names => names.join(", "),
            }));
        }
        Ok(Found::Pending(plan(&pending_files)))
    }

    async fn apply(&self, cx: &Context<World>, guarded: &StagePlan) -> Result<Done, Failure> {
        // The contents are made again, for a plan holds no secret: of the files that it saw, or not at all.
        let what = "the config files changed after the plan was made";
        let pending_files = pending_files(&cx.world).await.map_err(|failure| stale_file(failure, what))?;
        if let Some(difference) = guarded.difference(&plan(&pending_files)) {
            return Err(Failure::stale(what, difference));
        }
        let total = pending_files.len();
        let mut names = Vec::new();
        for pending_file in &pending_files {
            cx.checkpoint()?;
            let bytes = pending_file.wanted.expose_secret().as_bytes();
            let existing = pending_file.existing.as_ref();
            let put = put(cx, &pending_file.path, bytes, existing, pending_file.keeps_old).await?;
            if let Some(backup) = &put.backup {
                cx.log(format!("old content kept in {}", backup.display())).await;
            }
            cx.log(format!("written with mode {:04o}: {}", put.mode, pending_file.path.display())).await;
            names.push(shown(&pending_file.path));
            cx.progress(names.len(), total).await;
        }
        Ok(Done { summary: format!("{}: {}", count(total, "file"), names.join(", ")), changes: total })
    }

    fn left(&self, written: Written) -> String {
        match (written.sure, written.progress) {
            (Certainty::Nothing, _) => "no file was changed".to_owned(),
            (_, (done, total)) => format!("{done} of {} are written and stay", count(total, "file")),
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

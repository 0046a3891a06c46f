//! `write-config`: `alembic.ini` and the environment file, readable for the owner alone.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    bundle,
    failure::{Code, Failure, Place},
    guide::Settings,
    manager_config,
    services::files::{self, Existing},
    workflow::{About, Change, Context, Done, Lane, Stage, State},
    world::World,
};

use super::keys::count;

pub(super) static ABOUT: About = About {
    id: "write-config",
    title: "Config files",
    summary: "`alembic.ini` and the environment file for the manager",
    sections: &["etcd", "database", "files"],
    checks: &["files"],
    after: &[],
    lane: Lane::Files,
};

pub(super) struct WriteConfig;

/// A file that is to be written.
struct Draft {
    path: PathBuf,
    wanted: SecretString,
    what: String,
    /// The old content, where a backup is kept.
    backup: Option<Vec<u8>>,
}

async fn drafts(settings: &Settings) -> Result<Vec<Draft>, Failure> {
    let database = settings.database()?;
    let mut drafts = Vec::new();
    if let Some(path) = &settings.files.alembic_ini {
        let url = manager_config::alembic_url(database);
        let existing = files::patient_target(path).await?;
        let (wanted, what) = match &existing {
            None => (edit(path, bundle::ALEMBIC_INI.as_bytes(), &url)?, "new".to_owned()),
            Some(existing) => {
                (edit(path, &existing.bytes, &url)?, "change `sqlalchemy.url`, keep the rest".to_owned())
            }
        };
        drafts.extend(draft(path, wanted, what, existing, true));
    }
    if let Some(path) = &settings.files.environment {
        let existing = files::patient_target(path).await?;
        let old = existing.as_ref().map(|existing| manager_config::own_environment(path, &existing.bytes));
        let wanted = manager_config::environment(old.transpose()?, settings.etcd()?, database)
            .map_err(|unclear| manager_config::unclear_environment(path, &unclear))?;
        let what = if existing.is_some() { "change variables" } else { "new" };
        drafts.extend(draft(path, wanted, what.to_owned(), existing, false));
    }
    Ok(drafts)
}

/// Nothing to write when content and mode are right.
fn draft(
    path: &Path,
    wanted: SecretString,
    what: String,
    existing: Option<Existing>,
    keep: bool,
) -> Option<Draft> {
    let same = existing.as_ref().is_some_and(|existing| existing.bytes == wanted.expose_secret().as_bytes());
    let open = existing.as_ref().map(|existing| existing.mode).filter(|mode| mode & 0o077 != 0);
    let what = match (same, open) {
        (true, None) => return None,
        (true, Some(mode)) => format!("change mode {mode:04o} → 0600"),
        (false, _) => what,
    };
    let backup = existing.map(|existing| existing.bytes).filter(|_| keep && !same);
    Some(Draft { path: path.to_owned(), wanted, what, backup })
}

fn edit(path: &Path, bytes: &[u8], url: &SecretString) -> Result<SecretString, Failure> {
    let refuse = |line: Option<usize>, why: &str| {
        let failure = Failure::new(
            Code::FileForeign,
            format!("`{}` is not an alembic configuration that can be read", path.display()),
        )
        .why(why)
        .remedy("fix it or move it away, or name another path: `files.alembic-ini`");
        match line {
            Some(line) => failure.at(Place { file: path.display().to_string().into(), line, column: 1 }),
            None => failure,
        }
    };
    let text = std::str::from_utf8(bytes).map_err(|_| refuse(None, "it is not UTF-8 text"))?;
    manager_config::set_alembic_url(text, url).map_err(|unfit| refuse(unfit.line, &unfit.why))
}

#[async_trait]
impl Stage<World> for WriteConfig {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<State, Failure> {
        let drafts = match drafts(&cx.world.settings).await {
            Ok(drafts) => drafts,
            Err(failure) => return Ok(State::Conflict(failure)),
        };
        if drafts.is_empty() {
            let files = &cx.world.settings.files;
            let names: Vec<_> = [&files.alembic_ini, &files.environment]
                .into_iter()
                .flatten()
                .map(|path| shown(path))
                .collect();
            return Ok(State::Done(match names.as_slice() {
                [] => "no files are asked for".into(),
                names => names.join(", "),
            }));
        }
        Ok(State::Pending(
            drafts
                .into_iter()
                .map(|draft| Change::File { path: shown(&draft.path), what: draft.what })
                .collect(),
        ))
    }

    async fn run(&self, cx: &Context<World>) -> Result<Done, Failure> {
        let drafts = drafts(&cx.world.settings).await?;
        let total = drafts.len();
        let mut names = Vec::new();
        for draft in &drafts {
            cx.checkpoint()?;
            if let Some(old) = &draft.backup {
                let backup = cx.written(files::keep_backup(&draft.path, old))?;
                cx.log(format!("old content kept in {}", backup.display())).await;
            }
            cx.written(files::write_secret(&draft.path, draft.wanted.expose_secret().as_bytes()))?;
            cx.log(format!("written with mode 0600: {}", draft.path.display())).await;
            names.push(shown(&draft.path));
            cx.progress(names.len(), total).await;
        }
        Ok(Done { summary: format!("{}: {}", count(total, "file"), names.join(", ")), changes: total })
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

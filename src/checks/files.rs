//! Files: each target can be written, is no symlink, and belongs to us.

use std::{path::Path, time::Instant};

use async_trait::async_trait;

use crate::{
    disk::Disk,
    failure::{Code, Failure},
    guide::files as keys,
    manager_config::{self, Edited},
    workflow::{Ladder, Rung},
    world::World,
};

use super::check::{Check, CheckAbout};

static ABOUT: CheckAbout = CheckAbout {
    id: "files",
    title: "files",
    summary: "targets writable, not a symbolic link, not somebody else's file",
    sections: &["files"],
    is_server: false,
};

/// The check.
pub struct FilesCheck;

/// What is there already, judged as the stages that write it do.
fn judge(world: &World, key: &str, path: &Path, bytes: &[u8]) -> Result<Option<Edited>, Failure> {
    match key {
        keys::ALEMBIC_INI => {
            // `check files` alone needs no database; any URL shows whether the file takes one.
            let url = world.settings.database().map(manager_config::alembic_url);
            let url = url.unwrap_or_else(|_| "postgresql://".into());
            manager_config::alembic_ini(path, bytes, &url).map(Some)
        }
        keys::ENVIRONMENT => manager_config::own_environment(path, bytes).map(|_| None),
        _ => manager_config::own_keypairs(path, bytes).map(|_| None),
    }
}

/// What alembic needs beside our one value: its scripts, and sections for logging.
async fn look_beside(ladder: &Ladder, disk: &Disk, path: &Path, edited: Option<Edited>) {
    let (scripts, remark) = edited.map_or_else(|| ("alembic".into(), None), |it| (it.scripts, it.remark));
    if let Some(unfit) = remark {
        ladder.note("logging", manager_config::logging_remark(path, unfit), Instant::now());
    }
    // `package:folder` is found by Python.
    let folder = path.with_file_name(&scripts);
    if scripts.contains(':') {
        return;
    }
    let since = Instant::now();
    match disk.is_folder(&folder).await {
        Ok(true) => {}
        Ok(false) => {
            let what = format!("beside `alembic.ini` there is no folder {}", folder.display());
            let warning = Failure::new(Code::FileAlembic, what)
                .remedy("move `alembic.ini` into the manager's folder before you use it");
            ladder.note("alembic", warning, since);
        }
        Err(failure) => ladder.note("alembic", failure, since),
    }
}

#[async_trait]
impl Check for FilesCheck {
    fn about(&self) -> &'static CheckAbout {
        &ABOUT
    }

    async fn probe(&self, world: &World, ladder: &Ladder) {
        let disk = &world.surroundings.disk;
        let mut none = true;
        for (key, path) in world.settings.files.named() {
            none = false;
            let since = Instant::now();
            let rung = key.trim_start_matches("files.");
            let judged = match disk.target(path).await {
                Ok(None) => Ok(("can be written", None)),
                Ok(Some(existing)) => judge(world, key, path, &existing.bytes)
                    .map(|edited| ("is there and can be changed", edited)),
                Err(failure) => Err(failure),
            };
            match judged {
                Err(failure) => ladder.note(rung, failure, since),
                Ok((what, edited)) => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    let passed = Rung::passed(rung, format!("{what}: {}", path.display()), since);
                    ladder.tell(passed.telling(name));
                    if key == keys::ALEMBIC_INI {
                        look_beside(ladder, disk, path, edited).await;
                    }
                }
            }
        }
        if none {
            ladder.tell(Rung::not_needed("files", "each is `none`").telling("none are asked for"));
        }
    }
}

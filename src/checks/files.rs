//! Files: each target can be written, is no symlink, and belongs to us.

use std::time::Instant;

use async_trait::async_trait;

use crate::{
    failure::{Code, Failure},
    manager_config,
    services::files,
    workflow::Verdict,
    world::World,
};

use super::{Check, CheckAbout};

static ABOUT: CheckAbout = CheckAbout {
    id: "files",
    title: "files",
    summary: "targets writable, not a symbolic link, not somebody else's file",
    sections: &["files"],
};

pub(super) struct FilesCheck;

#[async_trait]
impl Check for FilesCheck {
    fn about(&self) -> &'static CheckAbout {
        &ABOUT
    }

    async fn probe(&self, world: &World) -> Verdict {
        let mut verdict = Verdict::new();
        for (key, path) in world.settings.files.named() {
            let since = Instant::now();
            let rung = key.trim_start_matches("files.");
            let found = files::patient_target(path).await.and_then(|existing| {
                if let ("files.environment", Some(existing)) = (key, &existing) {
                    manager_config::own_environment(path, &existing.bytes)?;
                }
                Ok(existing)
            });
            match found {
                Err(failure) => verdict.note(rung, failure, since),
                Ok(existing) => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    verdict.tell(name);
                    let what =
                        if existing.is_some() { "is there and can be replaced" } else { "can be written" };
                    verdict.pass(rung, format!("{what}: {}", path.display()), since);
                }
            }
        }
        if let Some(path) = &world.settings.files.alembic_ini {
            let scripts = path.with_file_name("alembic");
            if !scripts.is_dir() {
                let warning = Failure::new(
                    Code::FileAlembic,
                    format!("beside `alembic.ini` there is no folder {}", scripts.display()),
                )
                .remedy("move `alembic.ini` into the manager's folder before you use it");
                verdict.note("alembic", warning, Instant::now());
            }
        }
        if verdict.rungs.is_empty() {
            verdict.tell("none are asked for");
            verdict.not_needed("files", "each is `none`");
        }
        verdict
    }
}

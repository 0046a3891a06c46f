//! The guide "Prepare Database for Manager" as it was in September 2018, for the manager of that day.

mod revisions;

use std::sync::Arc;

use crate::{
    bundle,
    checks::{self, Check},
    guide::{Guide, KeySpace, Samples, database, etcd, files, general, identity, images, keypairs, storage},
    schema::Schema,
    stages::{self, SetupStage},
};

use super::Setup;

/// The guide with all that does its work.
pub static SETUP: Setup = Setup { guide: &GUIDE, checks, stages };

/// What it asks.
pub static GUIDE: Guide = Guide {
    sections: &[
        &general::SECTION,
        &etcd::SECTION,
        &database::SECTION,
        &storage::SECTION,
        &images::SECTION,
        &keypairs::SECTION,
        &files::SECTION,
        &identity::SECTION,
    ],
    unbuilt: &[
        "etcd.tls.ca",
        "etcd.tls.cert",
        "etcd.tls.key",
        "etcd.tls.server-name",
        "database.tls.ca",
        "database.tls.cert",
        "database.tls.key",
    ],
    keys: KeySpace {
        root: "/sorna/",
        mount: "volumes/_mount",
        written: &["images/backendai-setup-probe", "volumes/_mount"],
    },
    schema: Schema {
        head: "f9971fbb34d9",
        tables: &[
            "agents",
            "kernels",
            "keypairs",
            "usage",
            "vfolder_attachment",
            "vfolder_invitations",
            "vfolder_permissions",
            "vfolders",
        ],
        types: &["agentstatus", "kernelstatus"],
        chain: revisions::CHAIN,
        statements: bundle::HEAD_SQL,
        shapes: bundle::SHAPES,
    },
    samples: Samples {
        image_metadata: bundle::IMAGE_METADATA,
        image_aliases: bundle::IMAGE_ALIASES,
        alembic_ini: bundle::ALEMBIC_INI,
        keypairs: bundle::EXAMPLE_KEYPAIR,
    },
    start: "python -m ai.backend.gateway.server",
    needs: "It needs a redis at 127.0.0.1:6379; for another, set BACKEND_REDIS_ADDR in the environment file.",
};

fn checks() -> Vec<Arc<dyn Check>> {
    vec![
        Arc::new(checks::EtcdCheck { rights: true }),
        Arc::new(checks::DatabaseCheck),
        Arc::new(checks::StorageCheck),
        Arc::new(checks::ImagesCheck),
        Arc::new(checks::FilesCheck),
    ]
}

fn stages() -> Vec<SetupStage> {
    vec![
        Arc::new(stages::LoadImages),
        Arc::new(stages::LoadAliases),
        Arc::new(stages::SetMount),
        Arc::new(stages::CreateDatabase),
        Arc::new(stages::WriteConfig),
        Arc::new(stages::InstallSchema),
        Arc::new(stages::PopulateFixtures),
    ]
}

//! What the binary carries with it. A file that the user names wins over any of these.

/// The image list of the samples.
pub const IMAGE_METADATA: &str = include_str!("../sample-configs/image-metadata.yml");
/// The aliases of the samples.
pub const IMAGE_ALIASES: &str = include_str!("../sample-configs/image-aliases.yml");
/// alembic's configuration, with a placeholder for the URL.
pub const ALEMBIC_INI: &str = include_str!("../sample-configs/alembic.ini.sample");
/// The schema at the head.
pub const HEAD_SQL: &str = include_str!("../migrations/head.sql");
/// What the catalogs of a server say of every revision.
pub const SHAPES: &str = include_str!("../migrations/shapes.tsv");
/// The two keypairs, without keys.
pub const EXAMPLE_KEYPAIR: &str = include_str!("../fixtures/example_keypair.json");

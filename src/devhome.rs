//! Where the development setup lives: named by the guide, filled by the development stack.

use std::path::PathBuf;

use etcetera::BaseStrategy;

/// The folder of the development stack. PostgreSQL refuses root and its own user cannot enter
/// root's home, so for root it is a folder of the system.
pub fn development_home() -> PathBuf {
    const NAME: &str = "backendai-setup-dev";
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/lib").join(NAME);
    }
    // The XDG names on every system, also where Apple's would be others.
    etcetera::base_strategy::Xdg::new().map_or_else(
        |_| std::env::temp_dir().join(format!("{NAME}-{}", rustix::process::geteuid().as_raw())),
        |folders| folders.data_dir().join(NAME),
    )
}

/// The shared folder of the development setup.
pub fn development_mount() -> PathBuf {
    development_home().join("mount")
}

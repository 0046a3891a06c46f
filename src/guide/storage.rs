//! The shared folder: `{STRGMOUNT}` of the guide.

use std::path::PathBuf;

use crate::environment::Environment;

use super::{
    answers::Answers,
    validate::{self, Refused},
    variable::{Default, Development, Section, Shape, Variable},
};

/// The path of the shared folder.
pub const MOUNT: &str = "storage.mount";
/// What that path must be on this host.
pub const EXPECT: &str = "storage.expect";

/// What the path must be on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// A mounted file system.
    MountPoint,
    /// Any directory.
    Directory,
    /// Not on this host; nothing is looked at.
    Elsewhere,
}

/// The words for it.
const EXPECTATIONS: &[&str] = &["mount-point", "directory", "elsewhere"];

/// The shared folder as answered.
#[derive(Debug, Clone)]
pub struct Storage {
    /// Its absolute path, the same on every node; written as it was given.
    pub mount: String,
    /// What it must be on this host.
    pub expect: Expect,
}

impl Storage {
    pub(super) fn from_answers(answers: &Answers) -> Option<Self> {
        Some(Self {
            mount: answers.text(MOUNT)?,
            expect: match answers.text(EXPECT)?.as_str() {
                "directory" => Expect::Directory,
                "elsewhere" => Expect::Elsewhere,
                _ => Expect::MountPoint,
            },
        })
    }
}

/// The environment name of the development stack's folder.
pub const DEVELOPMENT_HOME: &str = "BACKENDAI_SETUP_DEV_DIR";

/// The folder of the development stack: named, else the user's own. PostgreSQL refuses root and its own
/// user cannot enter root's home, so for root it is a folder of the system.
pub fn development_home(environment: &Environment) -> PathBuf {
    const NAME: &str = "backendai-setup-dev";
    if let Some(named) = environment.path(DEVELOPMENT_HOME) {
        return std::path::absolute(named).unwrap_or_else(|_| named.to_owned());
    }
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/lib").join(NAME);
    }
    // The XDG names on every system, also where Apple's would be others.
    environment.data_directory().map_or_else(
        || {
            let name = format!("{NAME}-{}", rustix::process::geteuid().as_raw());
            environment.temporary_directory().join(name)
        },
        |folder| folder.join(NAME),
    )
}

/// The shared folder of the development stack.
pub fn development_mount(environment: &Environment) -> PathBuf {
    development_home(environment).join("mount")
}

fn mount(text: &str) -> Result<(), Refused> {
    validate::path(text)?;
    if !text.starts_with('/') {
        return Err(Refused::new(
            "it is not absolute, and the path must be the same on every node",
            "write the whole path, for example `/mnt/vfroot`",
        ));
    }
    if text == "/" {
        return Err(Refused::new("it is the root of this host", "name the folder that the nodes share"));
    }
    // A slash at its end may be what etcd holds: it is compared letter by letter, so it must be settable.
    if text.contains("//") {
        return Err(Refused::new("it has two slashes in a row", "write it as in `/mnt/vfroot`"));
    }
    if text.split('/').any(|part| part == ".." || part == ".") {
        return Err(Refused::new("it has `.` or `..` in it", "write the path without detours"));
    }
    Ok(())
}

/// The variables of this service.
pub static SECTION: Section = Section {
    id: "storage",
    title: "Storage",
    intro: "The folder that the manager and all agents share; virtual folders lie there.",
    is_asked: true,
    variables: &[
        Variable {
            key: MOUNT,
            title: "Shared folder",
            help: "An absolute path, the same on every node that runs the manager or an agent.",
            shape: Shape::Text,
            default: Default::Required,
            development: Some(Development::Local(|environment| {
                development_mount(environment).to_string_lossy().into_owned()
            })),
            manager_env: None,
            validate: mount,
        },
        Variable {
            key: EXPECT,
            title: "Must be",
            help: "mount-point, directory, or elsewhere for a host that does not have the mount.",
            shape: Shape::Choice(EXPECTATIONS),
            default: Default::Value("mount-point"),
            development: Some(Development::Value("directory")),
            manager_env: None,
            validate: |text| validate::one_of(text, EXPECTATIONS),
        },
    ],
};

//! What the process was started with: variables, arguments, folders. A copy of it: nobody else asks the system.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The environment as it was when it was looked at; cheap to copy.
#[derive(Clone, Default)]
pub struct Environment(Arc<Snapshot>);

#[derive(Default)]
struct Snapshot {
    variables: BTreeMap<OsString, OsString>,
    arguments: Vec<OsString>,
    program: Option<PathBuf>,
    folder: Option<PathBuf>,
    home: Option<PathBuf>,
    temporary: PathBuf,
}

// What variables hold may be secret.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        Self(Arc::new(Snapshot {
            variables: std::env::vars_os().collect(),
            arguments: std::env::args_os().collect(),
            program: std::env::current_exe().ok(),
            folder: std::env::current_dir().ok(),
            // The system's table of users knows it too.
            home: std::env::home_dir(),
            temporary: std::env::temp_dir(),
        }))
    }

    /// The value of a variable, as it stands.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.variables.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// A value that is UTF-8 text and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.to_str().filter(|value| !value.is_empty())
    }

    /// A path; an empty one is none.
    pub fn path(&self, name: &str) -> Option<&Path> {
        self.get(name).filter(|value| !value.is_empty()).map(Path::new)
    }

    /// The names of all variables that are UTF-8 text, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.variables.keys().filter_map(|name| name.to_str())
    }

    /// The folders of `PATH`, relative ones left out.
    pub fn search_path(&self) -> Vec<PathBuf> {
        let path = self.get("PATH").unwrap_or_default();
        std::env::split_paths(path).filter(|folder| folder.is_absolute()).collect()
    }

    /// The words of the command line, the program's own name first.
    pub fn arguments(&self) -> &[OsString] {
        &self.0.arguments
    }

    /// The file of this program, where the system tells it.
    pub fn program(&self) -> Option<&Path> {
        self.0.program.as_deref()
    }

    /// The working directory, unless it is gone.
    pub fn working_directory(&self) -> Option<&Path> {
        self.0.folder.as_deref()
    }

    /// Where temporary files go.
    pub fn temporary_directory(&self) -> &Path {
        &self.0.temporary
    }

    /// Where programs of this user keep data, as the XDG names say; none without them and a home.
    pub fn data_directory(&self) -> Option<PathBuf> {
        self.xdg("XDG_DATA_HOME", ".local/share")
    }

    /// Where programs of this user keep their state; none without a home.
    pub fn state_directory(&self) -> Option<PathBuf> {
        self.xdg("XDG_STATE_HOME", ".local/state")
    }

    /// A relative path counts for nothing there.
    fn xdg(&self, name: &str, usual: &str) -> Option<PathBuf> {
        let named = self.path(name).filter(|path| path.is_absolute());
        named.map(Path::to_owned).or_else(|| Some(self.0.home.as_ref()?.join(usual)))
    }
}

/// Folders as `PATH` would name them; nothing when one cannot be named there.
pub fn joined(folders: &[PathBuf]) -> OsString {
    std::env::join_paths(folders).unwrap_or_default()
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    /// These variables, and what follows from them.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let variables: BTreeMap<OsString, OsString> =
            pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let path = |name: &str| variables.get(OsStr::new(name)).map(PathBuf::from);
        let (home, temporary) = (path("HOME"), path("TMPDIR").unwrap_or_else(|| "/tmp".into()));
        Self(Arc::new(Snapshot { variables, home, temporary, ..Snapshot::default() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_of_a_user() {
        let at_home = Environment::from_iter([("HOME", "/users/me"), ("XDG_DATA_HOME", "relative")]);
        assert_eq!(at_home.data_directory(), Some("/users/me/.local/share".into()));
        let elsewhere = Environment::from_iter([("HOME", "/users/me"), ("XDG_STATE_HOME", "/state")]);
        assert_eq!(elsewhere.state_directory(), Some("/state".into()));
        assert_eq!(Environment::default().state_directory(), None);
    }

    #[test]
    fn what_it_holds_is_not_shown() {
        let environment = Environment::from_iter([("PASSWORD", "canary")]);
        assert_eq!(format!("{environment:?}"), "Environment { .. }");
    }

    #[test]
    fn an_empty_value_is_none() {
        let environment = Environment::from_iter([("EMPTY", ""), ("FULL", "text")]);
        assert_eq!((environment.text("EMPTY"), environment.text("FULL")), (None, Some("text")));
        assert!(environment.get("EMPTY").is_some() && environment.path("EMPTY").is_none());
    }
}

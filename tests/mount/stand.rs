//! An etcd whose manager has a shared folder, and programs that know no more than etcd's address.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::failures::Told;
use crate::servers::{Etcd, Namespaces, Outcome, PATIENCE, Program, Running, binary, wait_until};

/// Everything that two nodes share.
pub struct Stand {
    pub etcd: Etcd,
    /// What `volumes/_mount` names.
    pub mount: PathBuf,
    namespace: String,
    folder: TempDir,
}

impl Stand {
    pub fn new() -> Self {
        Self::named("local")
    }

    /// With another namespace.
    pub fn named(namespace: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("backendai-setup-test-").tempdir().expect("a folder");
        let mount = folder.path().join("mount");
        for name in ["mount", "other"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let etcd = Etcd::start();
        etcd.put(&format!("/sorna/{namespace}/volumes/_mount"), &mount.display().to_string());
        Self { etcd, mount, namespace: namespace.to_owned(), folder }
    }

    /// `mount` with these words, and all that a node must know.
    pub fn program(&self, words: &[&str]) -> Program {
        let (namespace, endpoint) = (&self.namespace, &self.etcd.endpoint);
        let set = [format!("etcd.namespace={namespace}"), format!("etcd.endpoints={endpoint}")];
        let set = set.into_iter().flat_map(|pair| ["--set".to_owned(), pair]);
        Program::new().args(["mount"]).args(words.to_vec()).args(set)
    }

    /// The same on a node that has another folder at the path, in mounts of its own.
    pub fn elsewhere(&self, namespaces: Namespaces, words: &[&str]) -> Program {
        let other = self.folder.path().join("other");
        let mount = format!("mount --bind {} {}", other.display(), self.mount.display());
        self.program(words).under(namespaces.after(&mount))
    }

    /// The line that an offer prints for the other nodes.
    pub fn command_line(&self) -> String {
        let endpoint = &self.etcd.endpoint;
        let namespace = self.namespace.replace('\'', r"'\''");
        format!(
            "backendai-setup mount verify --set etcd.namespace='{namespace}' --set etcd.endpoints={endpoint}"
        )
    }

    /// Runs a line in a shell that finds the program.
    pub fn shell(&self, line: &str) -> Outcome {
        let bin = Path::new(env!("CARGO_BIN_EXE_backendai-setup")).parent().expect("a folder");
        let script = format!("PATH={}:$PATH; {line}", bin.display());
        Program::named("sh").args(["-c", &script]).run()
    }

    /// Keys beside those of the manager.
    pub fn keys(&self) -> Vec<String> {
        self.etcd.get_all("").into_keys().filter(|key| !key.starts_with("/sorna/")).collect()
    }

    /// Every file in the shared folder.
    pub fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.mount).expect("the folder is there");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }

    pub fn wait_for_the_offer(&self) {
        let key = format!("/backendai-setup/{}/mount/offer", self.namespace);
        wait_until("the offer stands", PATIENCE, || self.keys().contains(&key));
    }

    /// Waits until the offer has told about a node.
    pub fn wait_until_told(&self, offer: &Running, node: &str) {
        let (line, json) = (format!(" {node}: "), format!(r#""node":"{node}""#));
        wait_until("the node is told", PATIENCE, || offer.has_said(&line) || offer.has_said(&json));
    }

    /// Nothing is left of an offer: no key, no lease, no file.
    pub fn is_as_before(&self) {
        assert_eq!(self.keys(), [""; 0]);
        let leases = Command::new(binary("etcdctl"))
            .env("ETCDCTL_API", "3")
            .args(["--endpoints", &self.etcd.endpoint, "lease", "list"])
            .output()
            .expect("etcdctl starts");
        let leases = String::from_utf8_lossy(&leases.stdout).into_owned();
        assert!(leases.contains("found 0 leases"), "{leases}");
        assert!(self.files().is_empty(), "{:?}", self.files());
    }

    /// What a run with JSON told.
    pub fn told(&self, outcome: &Outcome) -> Told {
        crate::cli::json::holds(outcome);
        Told::read(outcome, Vec::new())
    }
}

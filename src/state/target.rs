//! Targets: what was set up from this machine. Each has a folder for its answers, transcripts, history and journals.

use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rand::{TryRng, rngs::SysRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    disk::{Disk, replace_record},
    failure::{Code, Failure, words},
    guide::{Answers, Guide, Origin, SecretSource, Settings, file_values},
    yaml,
};

use super::{Servers, StateDir};

/// The version of a target's record.
const VERSION: u32 = 1;
const RECORD: &str = "target.json";

/// Something that was set up: an etcd cluster with a namespace, and a database.
#[derive(Debug, Clone)]
pub struct Target {
    folder: PathBuf,
    record: Record,
    disk: Disk,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    version: u32,
    /// Random: a target that was removed and made again is another one.
    id: String,
    name: String,
    servers: Servers,
    #[serde(default)]
    seen: Identities,
}

/// What servers say of themselves. Never trusted alone: two etcds of one configuration have the same id, and so has the
/// copy of a database server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identities {
    /// The id of the etcd cluster, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The system identifier of the PostgreSQL server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

impl Target {
    /// What tells it from any other, also from one of the same name.
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// Its servers.
    pub fn servers(&self) -> &Servers {
        &self.record.servers
    }

    /// Where everything of it is kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The door to that folder.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Are the servers that answer the ones that were set up before? Remembers those that it had not seen yet.
    ///
    /// # Errors
    /// `E-TARGET-OTHER` when another server stands at the address, `E-STATE-DIR` when it cannot be remembered.
    pub fn recognise(&self, seen: &Identities) -> Result<(), Failure> {
        let servers = &self.record.servers;
        let etcd = servers.etcd.as_ref().map_or_else(String::new, |etcd| etcd.endpoints.join(", "));
        let database = servers.database.as_ref().map_or_else(String::new, |place| place.address.clone());
        let before = &self.record.seen;
        for (address, what, before, now) in [
            (etcd, "etcd cluster", &before.cluster, &seen.cluster),
            (database, "PostgreSQL server", &before.system, &seen.system),
        ] {
            if let (Some(before), Some(now)) = (before, now)
                && before != now
            {
                return Err(self.other(&address, what, before, now));
            }
        }
        let known = Identities {
            cluster: before.cluster.clone().or_else(|| seen.cluster.clone()),
            system: before.system.clone().or_else(|| seen.system.clone()),
        };
        if known == *before {
            return Ok(());
        }
        self.with(Record { seen: known, ..self.record.clone() }).map(drop)
    }

    fn other(&self, address: &str, what: &str, before: &str, now: &str) -> Failure {
        Failure::new(Code::TargetOther, format!("{address} is another {what} than in earlier runs"))
            .why(format!("it was {before}, and is {now}; answers, history and journals of `{}` belong to the old one", self.name()))
            .remedy(format!("fix the address; or, when the server was replaced, forget the old one: `backendai-setup targets remove {}`", self.id()))
    }

    /// The same target with another record, which is written.
    fn with(&self, record: Record) -> Result<Self, Failure> {
        let text = serde_json::to_string_pretty(&record).unwrap_or_default() + "\n";
        let path = self.folder.join(RECORD);
        let write = {
            let path = path.clone();
            move || replace_record(&path, text.as_bytes())
        };
        let written = self.disk.access(&path, crate::disk::Access::Write, write)?;
        written.map_err(|error| unwritten(&self.folder, &error))?;
        Ok(Self { record, ..self.clone() })
    }
}

fn unwritten(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Code::StateDir, format!("`{}` cannot be written", folder.display()))
        .why(words(error))
        .remedy("name a folder that can be written: `--state-dir DIR`")
}

impl StateDir {
    /// Every target that has a folder here, by name.
    ///
    /// # Errors
    /// `E-FILE-HUNG` when nothing answers.
    pub fn targets(&self) -> Result<Vec<Target>, Failure> {
        let disk = &self.surroundings.disk;
        let folders = disk.folders(&self.path)?.into_iter();
        let mut targets: Vec<Target> = folders.filter_map(|folder| self.target_in(folder)).collect();
        targets.sort_by(|one, other| (one.name(), one.id()).cmp(&(other.name(), other.id())));
        Ok(targets)
    }

    fn target_in(&self, folder: PathBuf) -> Option<Target> {
        let disk = self.surroundings.disk.clone();
        let record: Record = serde_json::from_slice(&disk.record(&folder.join(RECORD))).ok()?;
        (record.version == VERSION).then_some(Target { folder, record, disk })
    }

    /// The target of these answers, if anything was set up there from here. Writes nothing.
    ///
    /// # Errors
    /// `E-FILE-HUNG` when nothing answers.
    pub fn known_target(&self, answers: &Answers) -> Result<Option<Target>, Failure> {
        let settings = Settings::new(&answers.filled());
        Ok(match self.find_target(&Servers::of(&settings), &settings.name)? {
            Some(target) => Some(target),
            None => self
                .older_folder(answers, &settings)
                .map(|folder| self.new_target(folder, &settings, String::new())),
        })
    }

    /// The one that fits best: whose two servers are known before one of which one is, then by name.
    fn find_target(&self, servers: &Servers, name: &str) -> Result<Option<Target>, Failure> {
        let fitting = self.targets()?.into_iter().filter(|target| target.servers().are(servers));
        Ok(fitting.max_by_key(|target| (target.servers().known(), target.name() == name)))
    }

    /// The target of these answers, which gets a folder when it has none.
    ///
    /// # Errors
    /// `E-STATE-DIR` when that cannot be made, `E-FILE-HUNG` when nothing answers.
    pub fn target(&self, answers: &Answers) -> Result<Target, Failure> {
        let settings = Settings::new(&answers.filled());
        let servers = Servers::of(&settings);
        if let Some(target) = self.find_target(&servers, &settings.name)? {
            let servers = servers.or(target.servers());
            let record = Record { servers, name: settings.name, ..target.record.clone() };
            let is_known = record.name == target.record.name && record.servers == target.record.servers;
            return if is_known { Ok(target) } else { target.with(record) };
        }
        let folder = match self.older_folder(answers, &settings) {
            Some(folder) => folder,
            None => self.path.join(format!("{}-{}", kept(&settings.name), short_digest(&servers))),
        };
        self.surroundings.disk.make_folder(&folder)?;
        let target = self.new_target(folder.clone(), &settings, random_id()?);
        let text = serde_json::to_string_pretty(&target.record).unwrap_or_default() + "\n";
        let put = self.surroundings.disk.put_new(&folder.join(RECORD), text.as_bytes(), 0o600)?;
        match put {
            Ok(()) => Ok(target),
            // Another run made it meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                self.target_in(folder.clone()).ok_or_else(|| {
                    let what = format!("`{}` cannot be read", folder.join(RECORD).display());
                    Failure::new(Code::StateDir, what)
                        .why("it is damaged, or of another release of this program")
                        .remedy("name another folder with `--state-dir DIR`, or remove this one")
                })
            }
            Err(error) => Err(unwritten(&folder, &error)),
        }
    }

    fn new_target(&self, folder: PathBuf, settings: &Settings, id: String) -> Target {
        let (name, servers) = (settings.name.clone(), Servers::of(settings));
        let record = Record { version: VERSION, id, name, servers, seen: Identities::default() };
        Target { folder, record, disk: self.surroundings.disk.clone() }
    }

    /// A folder from before targets had records, called like the cluster, unless its answers name other servers.
    fn older_folder(&self, answers: &Answers, settings: &Settings) -> Option<PathBuf> {
        let disk = &self.surroundings.disk;
        let folder = self.path.join(kept(&settings.name).to_string());
        let is_there = |path: &Path| disk.is_there(path).unwrap_or(false);
        if !is_there(&folder) || is_there(&folder.join(RECORD)) {
            return None;
        }
        let kept = servers_in(answers.guide(), &disk.record(&folder.join("answers.yml")));
        kept.is_none_or(|kept| kept.are(&Servers::of(settings))).then_some(folder)
    }

    /// Lets go of a target with everything that is kept of it.
    ///
    /// # Errors
    /// `E-STATE-DIR` when its folder cannot be removed, `E-FILE-HUNG` when nothing answers.
    pub fn remove(&self, target: &Target) -> Result<(), Failure> {
        let removed = self.surroundings.disk.remove_folder(&target.folder)?;
        removed.map_err(|error| {
            Failure::new(Code::StateDir, format!("`{}` cannot be removed", target.folder.display()))
                .why(words(&error))
                .remedy("remove it by hand")
        })
    }
}

/// A name is the user's own text; a folder must not lead anywhere else.
fn kept(name: &str) -> impl std::fmt::Display + '_ {
    const KEPT_AS_IS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'@');
    utf8_percent_encode(name, KEPT_AS_IS)
}

/// Two runs that come at the same time make one folder.
fn short_digest(servers: &Servers) -> String {
    let text = serde_json::to_vec(servers).unwrap_or_default();
    HEXLOWER.encode(&Sha256::digest(&text)[..4])
}

fn random_id() -> Result<String, Failure> {
    let mut id = [0; 5];
    SysRng.try_fill_bytes(&mut id).map_err(|error| {
        Failure::new(Code::Internal, "the operating system gave no randomness for a name")
            .why(error.to_string())
            .remedy("run again")
    })?;
    Ok(HEXLOWER.encode(&id))
}

/// The servers that a kept answers file names; none when it does not read.
fn servers_in(guide: &'static Guide, bytes: &[u8]) -> Option<Servers> {
    let root = yaml::read(RECORD, bytes).ok()?;
    let mut answers = Answers::new(guide);
    for given in file_values(guide, RECORD, &root).values {
        if let SecretSource::Text(text) = given.value {
            let _ = answers.set(given.variable.key, text, Origin::Draft);
        }
    }
    Some(Servers::of(&Settings::new(&answers))).filter(|servers| servers.known() > 0)
}

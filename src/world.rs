//! The world as stages and checks see it: what was answered, and how to reach the servers.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::{
    failure::{Code, Failure, Tolerance},
    fixture::Fixture,
    guide::{Answers, Guide, Settings},
    images::ImageList,
    schema::Owners,
    services::{
        Locks,
        etcd::{Answered, Store},
        postgres::{self, Connections, Transaction},
    },
    surroundings::Surroundings,
};

/// What may be overwritten: each needs its own flag, there is none for everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Overwrite {
    /// `--replace-mount`: another shared folder in etcd.
    pub mount: bool,
    /// `--prune`: keys that are left from an older list.
    pub stale_keys: bool,
    /// `--rotate-keypairs`: secrets of keypairs that are there.
    pub keypairs: bool,
    /// `--replace-published-keys`: secrets that are published, empty or blank.
    pub published: bool,
    /// `--drop-usage`: rows of table `usage`, which an upgrade drops.
    pub usage: bool,
}

/// Access keys with their secrets; a row can lack one.
pub type Secrets = Vec<(String, Option<SecretString>)>;

/// Settings, input and connections.
#[derive(Debug)]
pub struct World {
    /// By what it is reached.
    pub surroundings: Surroundings,
    /// The answers, defaults among them.
    pub answers: Answers,
    /// The same, typed.
    pub settings: Settings,
    /// What may be overwritten.
    pub overwrite: Overwrite,
    /// What counts as a failure.
    pub tolerance: Tolerance,
    /// A check is what was asked for, and not what comes before something else.
    pub thorough: bool,
    /// Held by the stage that compares the image list with etcd.
    pub comparing: Mutex<()>,
    /// The locks of the run under way.
    pub locks: Locks,
    images: Option<Result<ImageList, Vec<Failure>>>,
    fixture: Option<Fixture>,
    owners: Option<Owners>,
    rotated: AtomicBool,
    replaces: OnceLock<Secrets>,
    answered: Arc<Answered>,
    store: Mutex<Option<Store>>,
    /// Those to PostgreSQL.
    pub connections: Connections,
    /// The id of the etcd cluster, where it tells one from others.
    pub cluster: OnceLock<String>,
    /// The system identifier of the PostgreSQL server, where it may be asked.
    pub system: OnceLock<String>,
}

impl World {
    /// The image list and the fixture are there when a stage or check of this run needs them.
    pub fn new(
        surroundings: Surroundings,
        answers: Answers,
        overwrite: Overwrite,
        tolerance: Tolerance,
        images: Option<Result<ImageList, Vec<Failure>>>,
        fixture: Option<Fixture>,
    ) -> Self {
        Self {
            settings: Settings::new(&answers).within(surroundings.limits),
            surroundings,
            answers,
            overwrite,
            tolerance,
            thorough: false,
            comparing: Mutex::new(()),
            locks: Locks::default(),
            images,
            fixture,
            owners: None,
            rotated: AtomicBool::new(false),
            replaces: OnceLock::new(),
            answered: Arc::default(),
            store: Mutex::default(),
            connections: Connections::default(),
            cluster: OnceLock::new(),
            system: OnceLock::new(),
        }
    }

    /// The guide that is followed.
    pub fn guide(&self) -> &'static Guide {
        self.answers.guide()
    }

    /// The image list as judged, or every problem of it.
    pub fn judged_images(&self) -> Option<&Result<ImageList, Vec<Failure>>> {
        self.images.as_ref()
    }

    /// The image list.
    ///
    /// # Errors
    /// Its first problem; the run does not start with one.
    pub fn images(&self) -> Result<&ImageList, Failure> {
        match &self.images {
            Some(Ok(list)) => Ok(list),
            Some(Err(problems)) => Err(problems.first().cloned().unwrap_or_else(|| unread("image list"))),
            None => Err(unread("image list")),
        }
    }

    /// The fixture.
    ///
    /// # Errors
    /// When no stage of this run said that it needs one.
    pub fn fixture(&self) -> Result<&Fixture, Failure> {
        self.fixture.as_ref().ok_or_else(|| unread("fixture"))
    }

    /// The same, with what is to become of the numbers of owners in an upgrade.
    #[must_use]
    pub fn naming(self, owners: Option<Owners>) -> Self {
        Self { owners, ..self }
    }

    /// What is to become of the numbers of owners in an upgrade, where somebody has said so.
    pub fn owners(&self) -> Option<&Owners> {
        self.owners.as_ref()
    }

    /// A connection to the first etcd endpoint that answers, the same for all as long as it is good for something. What is
    /// written by it is written under the lock of the run.
    ///
    /// # Errors
    /// When none does.
    pub async fn etcd(&self) -> Result<Store, Failure> {
        let mut kept = self.store.lock().await;
        if let Some(store) = kept.as_ref().filter(|store| store.is_newest()) {
            return Ok(self.locks.bind(store.clone()));
        }
        // A dead member costs its time limit once, not at every connection.
        let store = Store::connect_any(self.settings.etcd()?, &self.answered).await?;
        *kept = Some(store.clone());
        Ok(self.locks.bind(store))
    }

    /// The same, where the connection that there was has come to nothing.
    ///
    /// # Errors
    /// When no endpoint answers.
    pub async fn etcd_again(&self) -> Result<Store, Failure> {
        *self.store.lock().await = None;
        self.etcd().await
    }

    /// Keeps the connection of a check, where there is none yet.
    pub async fn keep_etcd(&self, store: Store) {
        self.store.lock().await.get_or_insert_with(|| store.counted(&self.answered));
    }

    /// A transaction in the manager's database, once others have ended theirs; a server that is away for a moment is waited
    /// for as long as one operation may take.
    ///
    /// # Errors
    /// `E-DB-MISSING` when it is not there, else as the server says.
    pub async fn transaction(&self) -> Result<Transaction, Failure> {
        let database = self.settings.database()?;
        postgres::repeated(database.limits, usize::MAX, || self.connections.begin(database)).await
    }

    /// The same; none where the database is not there.
    ///
    /// # Errors
    /// As the server says.
    pub async fn transaction_if_there(&self) -> Result<Option<Transaction>, Failure> {
        match self.transaction().await {
            Err(failure) if failure.code == Code::DbMissing => Ok(None),
            begun => begun.map(Some),
        }
    }

    /// Closes what is open and idle.
    pub async fn hang_up(&self) {
        *self.store.lock().await = None;
        if let Ok(database) = self.settings.database() {
            self.connections.hang_up(database).await;
        }
    }

    /// Are the keypairs still to be rotated in this run?
    pub fn rotation_is_due(&self) -> bool {
        self.overwrite.keypairs && !self.rotated.load(Ordering::SeqCst)
    }

    /// The secrets that this run replaces: what the first look saw counts for the whole run.
    pub fn replaces(&self, seen: impl FnOnce() -> Secrets) -> &Secrets {
        self.replaces.get_or_init(seen)
    }

    /// The keypairs were rotated; looking again must not ask for it once more.
    pub fn rotated(&self) {
        self.rotated.store(true, Ordering::SeqCst);
    }
}

fn unread(what: &str) -> Failure {
    Failure::new(Code::Internal, format!("the {what} was not read")).remedy("report this with the transcript")
}

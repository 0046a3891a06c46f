//! The world as stages and checks see it: what was answered, and how to reach the servers.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use secrecy::SecretString;
use sqlx::PgConnection;
use tokio::sync::Mutex;

use crate::{
    failure::{Code, Failure, Tolerance},
    fixture::Fixture,
    guide::{Answers, Guide, Settings},
    images::ImageList,
    services::{Locks, etcd::Store, postgres},
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
    rotated: AtomicBool,
    replaces: OnceLock<Secrets>,
    endpoint: Arc<AtomicUsize>,
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
            rotated: AtomicBool::new(false),
            replaces: OnceLock::new(),
            endpoint: Arc::default(),
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

    /// A connection to the first etcd endpoint that answers; what is written by it is written under the lock of the run.
    ///
    /// # Errors
    /// When none does.
    pub async fn etcd(&self) -> Result<Store, Failure> {
        // A dead member costs its time limit once, not at every connection.
        let store = Store::connect_any(self.settings.etcd()?, &self.endpoint).await?;
        Ok(self.locks.bind(store))
    }

    /// A connection to the manager's database; a server that is away for a moment is waited for as long as one
    /// operation may take.
    ///
    /// # Errors
    /// `E-DB-MISSING` when it is not there, else as the server says.
    pub async fn database(&self) -> Result<PgConnection, Failure> {
        let database = self.settings.database()?;
        let connect =
            || async { postgres::connect_target(database).await.map_err(|refused| refused.failure) };
        postgres::repeated(database.limits, usize::MAX, connect).await
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

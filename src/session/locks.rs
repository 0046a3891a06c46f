//! The locks of a run: one of each namespace and one of each database that it writes to, etcd's first, until its end.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::{
    disk::{self, HeldFile},
    environment::Environment,
    failure::Failure,
    guide::Database,
    rendezvous::host,
    services::{
        Holder, SignOfLife,
        etcd::{LockFound, NamespaceLock, Store},
        postgres::{self, Attempt, DatabaseLock},
    },
    stages::SetupStage,
    workflow::{Context, StageState, StageStatus, Waiting},
    world::World,
};

/// The file in the folder of a target that a run keeps locked.
const FILE: &str = "lock";
/// The longest pause between two attempts.
const LONGEST: Duration = Duration::from_secs(1);
/// A server may take so long to see that the connection of a killed run is gone.
const GRACE: Duration = Duration::from_secs(1);

/// Which locks a run needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needed {
    namespace: bool,
    database: bool,
}

impl Needed {
    /// Those of the servers to which the stages that have something to do write.
    pub(super) fn by(stages: &[SetupStage], states: &[StageState]) -> Self {
        let is_pending = |stage: &&SetupStage| {
            let found = states.iter().find(|state| state.stage == stage.about().id);
            found.is_some_and(|found| found.state == StageStatus::Pending)
        };
        let writes_to =
            |server| stages.iter().filter(is_pending).any(|it| it.about().checks.contains(&server));
        Self { namespace: writes_to("etcd"), database: writes_to("database") }
    }
}

/// The locks that a run holds.
pub(super) struct RunLocks {
    cx: Context<World>,
    /// Where this target keeps what it knows, if anywhere.
    folder: Option<PathBuf>,
    holder: Holder,
    sign: Option<HeldFile>,
    namespace: Option<NamespaceLock>,
    database: Option<Arc<DatabaseLock>>,
}

impl RunLocks {
    /// None yet.
    pub(super) fn new(cx: &Context<World>, folder: Option<PathBuf>) -> Self {
        let surroundings = &cx.world.surroundings;
        let holder = Holder {
            host: host(),
            user: user(&surroundings.environment),
            pid: std::process::id(),
            since: surroundings.clock.now(),
            boot: disk::boot_id(),
            alive: None,
        };
        Self { cx: cx.clone(), folder, holder, sign: None, namespace: None, database: None }
    }

    /// Does it hold all of these?
    pub(super) fn hold(&self, needed: Needed) -> bool {
        (self.namespace.is_some() || !needed.namespace) && (self.database.is_some() || !needed.database)
    }

    /// Takes those that are missing; true when another run may have written since the look before.
    ///
    /// # Errors
    /// `E-ETCD-BUSY` or `E-DB-BUSY` when somebody else has one and the time to wait is over; `E-CANCELLED`.
    pub(super) async fn take(&mut self, needed: Needed) -> Result<bool, Failure> {
        let world = Arc::clone(&self.cx.world);
        self.give_sign().await;
        let mut moved = false;
        if needed.namespace && self.namespace.is_none() {
            // Two runs that wait for each other's lock would wait for ever.
            moved |= self.let_go_of_database().await;
            let looked_at = world.locks.looked_at();
            let (lock, waited) = self.take_namespace().await?;
            moved |= waited || !lock.follows(looked_at);
            world.locks.set_namespace(Some(lock.fence()));
            self.namespace = Some(lock);
        }
        if needed.database && self.database.is_none() {
            moved |= self.take_database(world.settings.database()?).await?;
        }
        Ok(moved)
    }

    /// Lets go of all of them.
    pub(super) async fn release(mut self) {
        self.let_go_of_database().await;
        self.cx.world.locks.set_namespace(None);
        if let Some(lock) = self.namespace.take() {
            lock.release().await;
        }
    }

    async fn let_go_of_database(&mut self) -> bool {
        self.cx.world.locks.set_database(None);
        match self.database.take() {
            Some(lock) => {
                lock.release().await;
                true
            }
            None => false,
        }
    }

    /// Locks the file by which others find out whether this run is alive. Without one they wait for the lease.
    async fn give_sign(&mut self) {
        let (Some(folder), None) = (&self.folder, &self.sign) else { return };
        let Some(path) = folder.to_str() else { return };
        self.sign = self.cx.world.surroundings.disk.hold(&folder.join(FILE)).await;
        let sign = |held: &HeldFile| SignOfLife { state: path.to_owned(), file: held.id.clone() };
        self.holder.alive = self.sign.as_ref().map(sign);
    }

    /// The holder ran on this machine, and has ended.
    async fn is_dead(&self, found: &LockFound) -> bool {
        let Some(other) = &found.holder else { return false };
        let Some(sign) = &other.alive else { return false };
        if other.host != self.holder.host || other.boot.is_none() || other.boot != self.holder.boot {
            return false;
        }
        if self.sign.as_ref().is_some_and(|own| own.id == sign.file) {
            return true;
        }
        let path = Path::new(&sign.state).join(FILE);
        path.is_absolute() && self.cx.world.surroundings.disk.is_let_go(&path, &sign.file).await
    }

    /// Gives back whether somebody else had it, too.
    async fn take_namespace(&mut self) -> Result<(NamespaceLock, bool), Failure> {
        let (mut waiting, mut waited) = (Waiting::new("etcd", "etcd", LONGEST), false);
        let mut store = self.cx.world.etcd().await?;
        loop {
            let found = store.lock_found().await?;
            let is_free = match &found {
                Some(found) => self.is_dead(found).await,
                None => true,
            };
            if is_free && let Some(lock) = self.take_free(&mut store, found.as_ref()).await? {
                return Ok((lock, waited));
            }
            waited = true;
            // Else somebody was faster.
            if let Some(found) = found.filter(|_| !is_free) {
                let busy = store.busy(&found, self.cx.world.surroundings.clock.now());
                waiting.wait(&self.cx, busy).await?;
                self.give_sign().await;
            }
        }
    }

    async fn take_free(
        &mut self,
        store: &mut Store,
        over: Option<&LockFound>,
    ) -> Result<Option<NamespaceLock>, Failure> {
        self.cx.checkpoint()?;
        self.holder.since = self.cx.world.surroundings.clock.now();
        store.take_lock(&self.holder, over).await
    }

    /// Gives back whether somebody else had it. A database that is not there yet is locked once it is.
    async fn take_database(&mut self, database: &Database) -> Result<bool, Failure> {
        let (mut waiting, mut waited) = (Waiting::new("database", "PostgreSQL", LONGEST), false);
        let clock = self.cx.world.surroundings.clock;
        let lock = Arc::new(DatabaseLock::new(database, &self.holder, clock));
        let mut patience = GRACE;
        if self.cx.world.connections.know_it_missing().await {
            self.cx.world.locks.set_database(Some(Arc::clone(&lock)));
            self.database = Some(lock);
            return Ok(false);
        }
        loop {
            let take = || lock.take(patience);
            // Stopped in the middle it holds nothing: its connection is gone.
            let attempt = self.cx.wait(postgres::repeated(database.limits, usize::MAX, take)).await??;
            let Attempt::Busy(busy) = attempt else { break };
            waited = true;
            waiting.wait(&self.cx, busy).await?;
            patience = Duration::ZERO;
        }
        self.cx.world.locks.set_database(Some(Arc::clone(&lock)));
        self.database = Some(lock);
        Ok(waited)
    }
}

/// Who runs it: as the environment says, where it does.
fn user(environment: &Environment) -> String {
    let named = ["USER", "LOGNAME"].into_iter().find_map(|name| environment.text(name));
    match named {
        Some(name) => name.chars().filter(|c| !c.is_control()).take(64).collect(),
        None if rustix::process::geteuid().is_root() => "root".to_owned(),
        None => format!("uid-{}", rustix::process::geteuid().as_raw()),
    }
}

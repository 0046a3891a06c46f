//! The locks of the run under way, for whoever reads and writes in it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use sqlx::PgConnection;

use crate::failure::Failure;

use super::{
    etcd::{Fence, Store},
    postgres::{Attempt, DatabaseLock},
};

/// What the run under way holds; nothing where only looks are made.
#[derive(Debug)]
pub struct Locks {
    namespace: Mutex<Option<Fence>>,
    database: Mutex<Option<Arc<DatabaseLock>>>,
    /// The lowest revision at which etcd was read for the plan.
    oldest: Arc<AtomicI64>,
}

impl Default for Locks {
    fn default() -> Self {
        let oldest = Arc::new(AtomicI64::new(i64::MAX));
        Self { namespace: Mutex::default(), database: Mutex::default(), oldest }
    }
}

fn open<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Locks {
    /// From now on what is written to the namespace compares this lock.
    pub fn set_namespace(&self, fence: Option<Fence>) {
        *open(&self.namespace) = fence;
    }

    /// From now on what is written to the database does so under this lock.
    pub fn set_database(&self, lock: Option<Arc<DatabaseLock>>) {
        *open(&self.database) = lock;
    }

    /// A store that writes under the lock of this run.
    pub fn bind(&self, store: Store) -> Store {
        store.fenced(*open(&self.namespace), &self.oldest)
    }

    /// Begins to note at which revision etcd is read.
    pub fn begin_look(&self) {
        self.oldest.store(i64::MAX, Ordering::SeqCst);
    }

    /// The lowest revision at which etcd was read since then.
    pub fn looked_at(&self) -> i64 {
        self.oldest.load(Ordering::SeqCst)
    }

    fn database(&self) -> Option<Arc<DatabaseLock>> {
        open(&self.database).clone()
    }

    /// Before work on the database begins: takes its lock where the run does not hold it, since the database was not there
    /// before or the connection broke.
    ///
    /// # Errors
    /// `E-DB-BUSY` when somebody else has it.
    pub async fn hold_database(&self) -> Result<(), Failure> {
        let Some(lock) = self.database() else { return Ok(()) };
        match lock.take_patiently().await? {
            Attempt::Busy(failure) => Err(failure),
            Attempt::Held | Attempt::NoDatabase => Ok(()),
        }
    }

    /// Before the database is removed: its lock hangs on a session in it.
    pub async fn leave_database(&self) {
        if let Some(lock) = self.database() {
            lock.release().await;
        }
    }

    /// Before this transaction is committed: is the lock still held?
    ///
    /// # Errors
    /// `E-DB-LOST` when it is not.
    pub async fn stand(&self, work: &mut PgConnection) -> Result<(), Failure> {
        match self.database() {
            Some(lock) => lock.stands(work).await,
            None => Ok(()),
        }
    }
}

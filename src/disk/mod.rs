//! The one door to the disk: every access runs on a thread of its own and has a limit, because a file system whose
//! server is gone answers nothing, not even a signal. What hangs keeps its thread, and nobody else.

mod files;
mod guarded;
mod held;
mod kernel;
pub mod local;
pub mod mount;
mod mounted;
mod names;
mod put;
mod records;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{RecvTimeoutError, TryRecvError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    failure::{Code, Failure, words},
    limits::{Limits, seconds},
};

pub use files::{Existing, INPUT_LIMIT};
pub use guarded::Guard;
pub use held::HeldFile;
pub use kernel::{Process, boot_id, holder_of_port, ignored_signals, parent, processes, works_in};
pub use mounted::{Mounted, mount_of, mounted_below, unescape};
pub use put::Put;
pub use records::{LogFile, replace_record};

/// The stack of a thread, whatever `RUST_MIN_STACK` says.
const STACK: usize = 1 << 20;
/// So many threads may hang at a time, however many paths are asked for.
const MOST: usize = 16;

/// What has not come back in time.
#[derive(Debug, Default)]
struct Overdue {
    /// How many accesses there were.
    count: u64,
    /// Each by its number.
    paths: BTreeMap<u64, PathBuf>,
}

impl Overdue {
    fn holds(&self, path: &Path) -> bool {
        self.paths.values().any(|hanging| hanging == path)
    }
}

/// What all copies of a [`Disk`] share.
#[derive(Debug, Default)]
struct Door {
    overdue: Mutex<Overdue>,
    /// Something of it came back.
    came_back: Condvar,
}

impl Door {
    fn overdue(&self) -> MutexGuard<'_, Overdue> {
        self.overdue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is done at a path: the word for it, and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Something is looked at.
    Look,
    /// Something is read.
    Read,
    /// Something is written or removed.
    Write,
}

impl Access {
    /// How long it may take.
    fn limit(self, limits: Limits) -> Duration {
        match self {
            Self::Look | Self::Read => limits.file_system(),
            Self::Write => limits.write(),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Look => "looked at",
            Self::Read => "read",
            Self::Write => "written",
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Stuck {
    /// Nothing came within this time.
    Hung(Duration),
    /// No thread could be started.
    NoThread(io::Error),
    /// The work broke off.
    Broke,
}

impl Stuck {
    /// The failure that tells it.
    pub fn failure(self, path: &Path, access: Access) -> Failure {
        let what = format!("`{}` could not be {}", path.display(), access.word());
        let limit = match self {
            Self::Hung(limit) => seconds(limit),
            Self::NoThread(error) => {
                return Failure::new(Code::Limits, what)
                    .why(format!("the system lets the program start no more threads: {}", words(&error)))
                    .remedy("end other programs of this user, or allow more: `ulimit -u`");
            }
            Self::Broke => {
                return Failure::new(Code::Internal, what)
                    .why("the access broke off because of a bug in this program")
                    .remedy("try again; report it if it stays so");
            }
        };
        let mount = std::path::absolute(path).ok().and_then(|path| mount_of(&path));
        let (server, remedy) = match mount.filter(|mount| mount.at != Path::new("/")) {
            Some(mount) => (
                format!("its file system at `{}` ({})", mount.at.display(), mount.kind),
                "check the server of that file system, then run again; or name a path on another file system",
            ),
            None => (
                "the file system that it is on".to_owned(),
                "check the disk and the mounts of this machine, then run again; or name another path",
            ),
        };
        let doubt = if access == Access::Write { "; it may be written later" } else { "" };
        Failure::new(Code::FileHung, what)
            .why(format!("{server} did not answer in {limit}{doubt}"))
            .remedy(remedy)
    }

    /// The same as an error of the system.
    pub fn error(self) -> io::Error {
        match self {
            Self::Hung(limit) => {
                let said = format!("the file system did not answer in {}", seconds(limit));
                io::Error::new(io::ErrorKind::TimedOut, said)
            }
            Self::NoThread(error) => error,
            Self::Broke => io::Error::other("the access broke off"),
        }
    }
}

/// On the list of what is overdue until it is dropped, if it gets there.
struct Ticket {
    number: u64,
    door: Arc<Door>,
}

impl Ticket {
    fn next(door: &Arc<Door>) -> Self {
        let mut overdue = door.overdue();
        overdue.count += 1;
        Self { number: overdue.count, door: Arc::clone(door) }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.door.overdue().paths.remove(&self.number).is_some() {
            self.door.came_back.notify_all();
        }
    }
}

/// The door; cheap to copy, and every copy is the same door.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    limits: Limits,
    door: Arc<Door>,
}

impl Disk {
    /// The same door with other limits.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Works on the disk and waits, no longer than the limit. While earlier work at the same path has not come back,
    /// no other begins: a path that hangs has one thread, however often it is asked.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn within<T: Send + 'static>(
        &self,
        path: &Path,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Stuck> {
        let until = Instant::now() + limit;
        let is_closed = |overdue: &mut Overdue| overdue.paths.len() >= MOST || overdue.holds(path);
        let waited = self.door.came_back.wait_timeout_while(self.door.overdue(), limit, is_closed);
        let (mut waited, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if is_closed(&mut waited) {
            return Err(Stuck::Hung(limit));
        }
        drop(waited);
        let (answer, answers) = sync_channel(1);
        let ticket = Ticket::next(&self.door);
        let number = ticket.number;
        let job = move || {
            // Given back last, after the answer, also when the work panics.
            let _ticket = ticket;
            let answer = answer;
            let _ = answer.send(work());
        };
        thread::Builder::new().name("disk".into()).stack_size(STACK).spawn(job).map_err(Stuck::NoThread)?;
        match answers.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Disconnected) => return Err(Stuck::Broke),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let mut overdue = self.door.overdue();
        // It may have come just now.
        match answers.try_recv() {
            Ok(answer) => Ok(answer),
            Err(TryRecvError::Disconnected) => Err(Stuck::Broke),
            Err(TryRecvError::Empty) => {
                overdue.paths.insert(number, path.to_owned());
                Err(Stuck::Hung(limit))
            }
        }
    }

    /// As [`Disk::within`], with the limit and the failure of this access.
    ///
    /// # Errors
    /// `E-FILE-HUNG` when there is no answer.
    pub fn access<T: Send + 'static>(
        &self,
        path: &Path,
        access: Access,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let limit = access.limit(self.limits);
        self.within(path, limit, work).map_err(|stuck| stuck.failure(path, access))
    }

    /// As [`Disk::access`], without a thread that waits.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn patiently<T: Send + 'static>(
        &self,
        path: &Path,
        access: Access,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Stuck> {
        let (disk, path, limit) = (self.clone(), path.to_owned(), access.limit(self.limits));
        beside(move || disk.within(&path, limit, work)).await.unwrap_or(Err(Stuck::Broke))
    }

    /// Works on the disk some time; nobody waits for it, and at the end of the program it may be left.
    pub fn some_time(&self, path: &Path, work: impl FnOnce() + Send + 'static) {
        if !self.door.overdue().holds(path) {
            let _ = thread::Builder::new().name("disk".into()).stack_size(STACK).spawn(work);
        }
    }
}

/// Runs work that waits at this door beside the tasks; none when it broke off.
pub async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_path_that_hangs_has_one_thread() {
        let (disk, path) = (Disk::default(), Path::new("/hangs"));
        let (go, gate) = channel::<()>();
        let hung = disk.within(path, SHORT, move || gate.recv());
        assert!(matches!(hung, Err(Stuck::Hung(SHORT))));
        for _ in 0..3 {
            let again = disk.within(path, SHORT, || unreachable!("no other thread begins"));
            assert!(matches!(again, Err::<(), _>(Stuck::Hung(SHORT))));
        }
        assert_eq!(disk.door.overdue().paths.len(), 1);
        // Another path is not held up.
        assert_eq!(disk.within(Path::new("/answers"), LONG, || 1).unwrap(), 1);
        go.send(()).unwrap();
        assert_eq!(disk.within(path, LONG, || 2).unwrap(), 2);
    }

    #[test]
    fn work_that_panics_is_told_and_leaves_the_path_open() {
        let (disk, path) = (Disk::default(), Path::new("/panics"));
        let broke = disk.within(path, LONG, || panic!("a fault"));
        assert!(matches!(broke, Err::<(), _>(Stuck::Broke)));
        assert_eq!(disk.within(path, LONG, || 1).unwrap(), 1);
    }

    #[test]
    fn the_failure_names_the_path_and_what_was_tried() {
        let failure = Stuck::Hung(SHORT).failure(Path::new("/a b/c"), Access::Write);
        assert_eq!((failure.code, failure.what.as_str()), (Code::FileHung, "`/a b/c` could not be written"));
        assert!(failure.why.unwrap().contains("0.05 s; it may be written later"));
    }
}

//! Real servers for the tests, started on free ports in temporary folders and gone when the test
//! process is gone, however it ends.

#![allow(dead_code, unused_imports)] // a box of tools: no test needs them all

mod abilities;
mod etcd;
mod fake;
mod guard;
mod harness;
mod pgbouncer;
mod postgres;
mod program;
mod relay;

use std::ffi::OsStr;
use std::future::Future;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Condvar, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

pub use abilities::{Fuse, Namespaces};
pub use etcd::Etcd;
pub use fake::Fake;
pub use guard::Guarded;
pub use pgbouncer::PgBouncer;
pub use postgres::{Database, Postgres};
pub use program::{Outcome, Program, Running};
pub use relay::Relay;

/// How long anything may take that the tests wait for, on a machine that has much else to do. Nothing waits for it to
/// pass: whatever comes true is seen at once.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Looks until `condition` holds; panics with `what` when it does not within `deadline`.
pub fn wait_until(what: &str, deadline: Duration, condition: impl FnMut() -> bool) {
    assert!(comes_true(deadline, condition), "waited {deadline:?} in vain: {what}");
}

/// Looks until `condition` holds; false when it does not within `deadline`.
pub fn comes_true(deadline: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let never = (Mutex::new(()), Condvar::new());
    let start = Instant::now();
    while !condition() {
        if start.elapsed() >= deadline {
            return false;
        }
        let locked = never.0.lock().expect("nobody else has this lock");
        drop(never.1.wait_timeout(locked, Duration::from_millis(5)));
    }
    true
}

/// A port that nobody listens on and that no other test was given.
pub fn free_port() -> u16 {
    // The kernel gives the ports above these to connections, of which the tests have many. The seven behind each are
    // left free: a program that finds one taken takes the next.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let (first, last, step) = (10_000, 32_000, 8);
    let steps = (last - first) / step;
    let start =
        u16::try_from(std::process::id() % u32::from(steps)).expect("it is below the number of steps");
    for _ in 0..steps {
        let at = (start + NEXT.fetch_add(1, Ordering::Relaxed)) % steps;
        let port = first + at * step;
        let is_taken = |host: &&str| {
            TcpListener::bind((*host, port)).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
        };
        if !["127.0.0.1", "::1"].iter().any(is_taken) {
            return port;
        }
    }
    panic!("no port from {first} to {last} is free");
}

/// Finds a server's binary, or says how to get it: a test that is skipped proves nothing.
pub fn binary(name: &str) -> PathBuf {
    let mut newest_first: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path()).collect())
        .unwrap_or_default();
    newest_first.sort_by_key(|path| {
        let version = path.file_name().and_then(OsStr::to_str).and_then(|name| name.parse::<u32>().ok());
        std::cmp::Reverse(version)
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    newest_first
        .into_iter()
        .map(|version| version.join("bin"))
        .chain(std::env::split_paths(&path))
        .chain(
            ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/pgsql/bin", "/opt/homebrew/bin"]
                .map(PathBuf::from),
        )
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("the tests need `{name}`, which is not installed: run `make deps`"))
}

/// Runs a future to its end from anywhere, also from inside another runtime.
pub fn block<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("servers")
            .enable_all()
            .build()
            .expect("a runtime for the servers")
    });
    let (done, result) = mpsc::channel();
    runtime.spawn(async move { done.send(future.await) });
    result.recv_timeout(PATIENCE).expect("the server answers in time")
}

/// A fresh folder: in memory where there is room enough, since nothing here must outlive the tests.
fn fresh_folder(name: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let roomy = rustix::fs::statvfs(memory).is_ok_and(|room| room.f_bavail * room.f_frsize > 2 << 30);
    let base = if roomy { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new()
        .prefix(&format!("backendai-setup-test-{name}-"))
        .tempdir_in(base)
        .expect("a temporary folder")
        .keep()
}

/// How many stages a whole run has.
pub fn every_stage() -> usize {
    backendai_setup::guides::september_2018::SETUP.stage_abouts().len()
}

/// What a whole run says at its end, when it had everything to do.
pub fn all_changed() -> String {
    format!("changed={} unchanged=0 failed=0 skipped=0", every_stage())
}

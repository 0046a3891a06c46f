//! The threads that do the work, and what the system must allow for them.

use std::{
    io,
    num::NonZero,
    panic,
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use rustix::event::{EventfdFlags, eventfd};
use tokio::runtime::{Builder, Runtime};

use crate::failure::{Code, Failure, words};

/// How many threads do the work: what takes time is waiting for servers.
const THREADS: usize = 4;
/// The stack of each, whatever `RUST_MIN_STACK` says.
const STACK: usize = 2 << 20;
/// How many files and connections one command opens at a time, with some to spare.
const DESCRIPTORS: usize = 24;

/// The threads that do the work. The library panics where the system refuses it a thread or a descriptor, and where
/// its own environment name has a value that it does not like; so it is looked before, and told how many.
///
/// # Errors
/// `E-LIMITS` when the system refuses what is needed.
pub fn runtime() -> Result<Runtime, Failure> {
    let refused = |what: &str, error: &io::Error, remedy: &str| {
        Failure::new(Code::Limits, what).why(words(error)).remedy(remedy)
    };
    let descriptors: Result<Vec<_>, _> =
        (0..DESCRIPTORS).map(|_| eventfd(0, EventfdFlags::CLOEXEC)).collect();
    let descriptors = descriptors.map_err(|error| {
        refused(
            &format!("the program may not open the {DESCRIPTORS} files and connections that it needs"),
            &error.into(),
            "allow more in the shell that starts it: `ulimit -n 1024`",
        )
    })?;
    drop(descriptors);
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS);
    let no_threads = |error: &io::Error| {
        refused(
            "the system lets the program start no more threads",
            error,
            "end other programs of this user, or allow more: `ulimit -u`, and `pids.max` or `TasksMax` of a container or unit",
        )
    };
    // One for each worker, and some for the disk, the reporters and the resolver.
    try_threads(workers + 6).map_err(|error| no_threads(&error))?;
    let build =
        || Builder::new_multi_thread().worker_threads(workers).thread_stack_size(STACK).enable_all().build();
    let before = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let built = panic::catch_unwind(build);
    panic::set_hook(before);
    built.unwrap_or_else(|_| Err(io::ErrorKind::WouldBlock.into())).map_err(|error| no_threads(&error))
}

/// Starts so many threads side by side and lets them end.
fn try_threads(count: usize) -> io::Result<()> {
    let together = Arc::new(Mutex::new(()));
    let held = together.lock();
    let started: Vec<io::Result<JoinHandle<()>>> = (0..count)
        .map(|_| {
            let together = Arc::clone(&together);
            thread::Builder::new().stack_size(STACK).spawn(move || drop(together.lock()))
        })
        .collect();
    drop(held);
    started.into_iter().try_for_each(|thread| {
        // Nothing in it can panic.
        let _ = thread?.join();
        Ok(())
    })
}

//! SIGINT, SIGTERM and SIGHUP. One thread hears them from the first moment on and hands them to whoever works. What
//! nobody takes, because nobody listens or because something hangs, ends the program all the same.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    process,
    sync::{
        LazyLock, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::sync_channel,
    },
    thread,
    time::{Duration, Instant},
};

use ratatui::crossterm::terminal::disable_raw_mode;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    low_level::pipe,
};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::{
    failure::status,
    session::{forsake_secrets, stopped},
};

use super::{
    guard,
    terminal::{Output, Terminal},
};

/// How long a signal may lie before somebody takes it, and how long the end may take after a second one.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the last words may take: whoever should read them may have left.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long after its terminal was lost a program that draws on it may save what it has.
const AFTER_LOSS: Duration = Duration::from_secs(20);
/// The stack of the thread, whatever `RUST_MIN_STACK` says.
const STACK: usize = 1 << 18;

/// A signal with its number in the order of their coming.
#[derive(Debug, Clone, Copy)]
struct Came {
    number: u64,
    status: u8,
}

static BUS: LazyLock<broadcast::Sender<Came>> = LazyLock::new(|| broadcast::channel(64).0);
/// The last one that somebody took.
static TAKEN: AtomicU64 = AtomicU64::new(0);
/// Two signals mean: now.
static IN_A_HURRY: AtomicBool = AtomicBool::new(false);
/// A terminal is drawn on.
static IS_DRAWN_ON: AtomicBool = AtomicBool::new(false);
static WAKE: OnceLock<UnixStream> = OnceLock::new();
/// How the end is reported, and what is left then.
static FACE: Mutex<Option<(Terminal, &'static str)>> = Mutex::new(None);

/// Hears signals from now on. The first thing that the program does; a system that allows no thread for it leaves
/// signals as they are.
pub fn hear() {
    let (ready, is_ready) = sync_channel::<()>(1);
    let listen = move || {
        if let Ok(mut ears) = Ears::new() {
            drop(ready);
            ears.listen();
        }
    };
    if thread::Builder::new().name("signals".into()).stack_size(STACK).spawn(listen).is_ok() {
        let _ = is_ready.recv();
    }
}

/// In which form the end is reported when a signal ends the program, and what it leaves.
pub fn end_as(terminal: &Terminal, left: &'static str) {
    *FACE.lock().unwrap_or_else(PoisonError::into_inner) = Some((*terminal, left));
}

/// A second signal ends the program wherever it stands, until this is dropped.
pub(crate) struct Hurry(());

impl Hurry {
    pub(crate) fn new() -> Self {
        IN_A_HURRY.store(true, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Hurry {
    fn drop(&mut self) {
        IN_A_HURRY.store(false, Ordering::SeqCst);
    }
}

/// The terminal is drawn on until this is dropped; when it is gone there is nothing to do.
pub(crate) struct Drawing(());

impl Drawing {
    pub(crate) fn new() -> Self {
        IS_DRAWN_ON.store(true, Ordering::SeqCst);
        wake();
        Self(())
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        IS_DRAWN_ON.store(false, Ordering::SeqCst);
        wake();
    }
}

fn wake() {
    if let Some(mut wake) = WAKE.get() {
        let _ = wake.write_all(b".");
    }
}

/// The signals that come from now on. What comes between two waits is not lost, so one of these goes with a piece of
/// work from its begin to its end.
pub struct Signals(broadcast::Receiver<Came>);

impl Signals {
    pub(crate) fn new() -> Self {
        Self(BUS.subscribe())
    }

    /// The next one, by its exit status.
    pub async fn next(&mut self) -> u8 {
        loop {
            match self.0.recv().await {
                Ok(came) => {
                    TAKEN.fetch_max(came.number, Ordering::SeqCst);
                    return came.status;
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// Where signals come in.
struct Ears {
    pipes: Vec<(u8, UnixStream)>,
    woken: UnixStream,
    number: u64,
    /// A signal that may still lie there, and when it came.
    lies: Option<(Came, Instant)>,
    /// When the second one came, where two mean: now.
    second: Option<(u8, Instant)>,
    /// When the terminal was lost.
    lost: Option<Instant>,
}

impl Ears {
    fn new() -> io::Result<Self> {
        // What was switched off for us stays off: `nohup` is meant.
        let ignored = ignored_signals();
        let (mut pipes, mut caught) = (Vec::new(), Vec::new());
        for (status, number) in
            [(status::INTERRUPTED, SIGINT), (status::TERMINATED, SIGTERM), (status::HANGUP, SIGHUP)]
        {
            if ignored >> (number - 1) & 1 == 1 {
                continue;
            }
            let (ours, theirs) = UnixStream::pair()?;
            ours.set_nonblocking(true)?;
            pipes.push((status, ours));
            caught.push((number, theirs));
        }
        let (woken, wake) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        wake.set_nonblocking(true)?;
        let _ = WAKE.set(wake);
        // Last: a signal that is caught and not heard would be ignored.
        for (number, theirs) in caught {
            pipe::register(number, theirs)?;
        }
        Ok(Self { pipes, woken, number: 0, lies: None, second: None, lost: None })
    }

    fn listen(&mut self) -> ! {
        loop {
            for status in self.next() {
                self.number += 1;
                let came = Came { number: self.number, status };
                if BUS.send(came).is_err() {
                    end(status);
                }
                self.lies.get_or_insert((came, Instant::now()));
                if self.number > 1 && IN_A_HURRY.load(Ordering::SeqCst) {
                    self.second.get_or_insert((status, Instant::now()));
                }
            }
            if let Some((oldest, came)) = self.lies
                && came.elapsed() >= PATIENCE
            {
                let taken = TAKEN.load(Ordering::SeqCst);
                if taken < oldest.number {
                    end(oldest.status);
                }
                let last = Came { number: self.number, ..oldest };
                self.lies = (taken < self.number).then(|| (last, Instant::now()));
            }
            if let Some((status, came)) = self.second
                && came.elapsed() >= PATIENCE
                && IN_A_HURRY.load(Ordering::SeqCst)
            {
                end(status);
            }
            if self.lost.is_some_and(|lost| lost.elapsed() >= AFTER_LOSS) {
                process::exit(i32::from(status::HANGUP));
            }
        }
    }

    /// Waits for signals, or until it is time to look after an earlier one.
    fn next(&mut self) -> Vec<u8> {
        let since = [self.lies.map(|(_, came)| came), self.second.map(|(_, came)| came)];
        let since = since.into_iter().flatten().map(|came| (came, PATIENCE));
        let since = since.chain(self.lost.map(|lost| (lost, AFTER_LOSS)));
        let rest = since.map(|(since, limit)| limit.saturating_sub(since.elapsed())).min();
        let rest = rest.and_then(|rest| Timespec::try_from(rest).ok());
        let stdin = io::stdin();
        let drawn_on = IS_DRAWN_ON.load(Ordering::SeqCst) && self.lost.is_none();
        let mut asked: Vec<PollFd<'_>> =
            self.pipes.iter().map(|(_, pipe)| PollFd::new(pipe, PollFlags::IN)).collect();
        asked.push(PollFd::new(&self.woken, PollFlags::IN));
        if drawn_on {
            asked.push(PollFd::new(&stdin, PollFlags::empty()));
        }
        if poll(&mut asked, rest.as_ref()).is_err() {
            return Vec::new();
        }
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        let is_lost = drawn_on && asked.last().is_some_and(|stdin| stdin.revents().intersects(gone));
        let mut bytes = [0; 64];
        let _ = (&self.woken).read(&mut bytes);
        let mut came = Vec::new();
        for (status, pipe) in &self.pipes {
            // Each byte is a signal; two that come at once may be one.
            let count = (&*pipe).read(&mut bytes).unwrap_or(0);
            came.extend(std::iter::repeat_n(*status, count));
        }
        if is_lost {
            self.lost = Some(Instant::now());
            came.push(status::HANGUP);
        }
        came
    }
}

/// The signals that are ignored since before we began, from the kernel's table of this process.
fn ignored_signals() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|table| {
            let mask = table.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
            u64::from_str_radix(mask.trim(), 16).ok()
        })
        .unwrap_or(0)
}

/// Ends the program, with a word about it if somebody reads it.
fn end(status: u8) -> ! {
    let (told, is_told) = sync_channel::<()>(1);
    let tell = move || {
        let _ = disable_raw_mode();
        guard::leave();
        let face = *FACE.lock().unwrap_or_else(PoisonError::into_inner);
        let (terminal, left) = face.unwrap_or_else(|| (Terminal::new(Output::Text, false), BEFORE));
        terminal.end(status, &[stopped(status, left)]);
        drop(told);
    };
    if thread::Builder::new().stack_size(STACK).spawn(tell).is_ok() {
        let _ = is_told.recv_timeout(LAST_WORDS);
    }
    forsake_secrets();
    process::exit(i32::from(status))
}

/// What is left while nothing has begun.
pub const BEFORE: &str = "nothing was written";
/// What is left by work that may have written something.
pub const BROKEN_OFF: &str = "the work under way was broken off";

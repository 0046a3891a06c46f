//! SIGINT, SIGTERM and SIGHUP. One thread hears them from the first moment on and hands them to whoever works. What
//! nobody takes, because nobody listens or because something hangs, ends the program all the same.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex, PoisonError,
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
    disk::ignored_signals,
    failure::status,
    session::stopped,
    surroundings::{Surroundings, exit},
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

/// What the thread that hears signals shares with whoever works.
struct Shared {
    bus: broadcast::Sender<Came>,
    /// The last one that somebody took.
    taken: AtomicU64,
    /// Two signals mean: now.
    in_a_hurry: AtomicBool,
    /// A terminal is drawn on.
    is_drawn_on: AtomicBool,
    /// How the end is reported, and what is left then.
    face: Mutex<(Terminal, &'static str)>,
}

/// The signals of this process: one value, made first of all, and handed down to whoever works.
pub struct Signals {
    shared: Arc<Shared>,
    /// Those that somebody listens for. What comes between two waits is not lost.
    came: Option<broadcast::Receiver<Came>>,
    wake: Option<UnixStream>,
}

impl Signals {
    /// Hears signals from now on. The first thing that the program does, once it has its surroundings; a system that allows no thread for it leaves
    /// signals as they are.
    pub fn hear(surroundings: &Surroundings) -> Self {
        let terminal = Terminal::new(Output::Text, false, surroundings.clone());
        let shared = Arc::new(Shared {
            bus: broadcast::channel(64).0,
            taken: AtomicU64::new(0),
            in_a_hurry: AtomicBool::new(false),
            is_drawn_on: AtomicBool::new(false),
            face: Mutex::new((terminal, BEFORE)),
        });
        let (ready, is_ready) = sync_channel::<UnixStream>(1);
        let heard = Arc::clone(&shared);
        let listen = move || {
            if let Ok((mut listener, wake)) = SignalListener::new(heard) {
                let _ = ready.send(wake);
                listener.listen();
            }
        };
        let thread = thread::Builder::new().name("signals".into()).stack_size(STACK).spawn(listen);
        let wake = thread.ok().and_then(|_| is_ready.recv().ok());
        Self { shared, came: None, wake }
    }

    /// In which form the end is reported when a signal ends the program, and what it leaves.
    pub fn end_as(&self, terminal: &Terminal, left: &'static str) {
        *self.shared.face.lock().unwrap_or_else(PoisonError::into_inner) = (terminal.clone(), left);
    }

    /// Somebody takes what comes from now on.
    pub fn listen(&mut self) {
        self.came = Some(self.shared.bus.subscribe());
    }

    /// As [`Signals::listen`], and a second signal ends the program wherever it stands.
    pub fn listen_in_a_hurry(&mut self) {
        self.shared.in_a_hurry.store(true, Ordering::SeqCst);
        self.listen();
    }

    /// Nobody listens any more: what comes ends the program.
    pub fn stop_listening(&mut self) {
        self.came = None;
        self.shared.in_a_hurry.store(false, Ordering::SeqCst);
    }

    /// The terminal is drawn on from now on; when it is gone there is nothing to do.
    pub fn draw(&mut self) {
        self.shared.is_drawn_on.store(true, Ordering::SeqCst);
        if let Some(wake) = &mut self.wake {
            let _ = wake.write_all(b".");
        }
    }

    /// The next one, by its exit status.
    pub async fn next(&mut self) -> u8 {
        loop {
            let Some(signals) = &mut self.came else { return std::future::pending().await };
            match signals.recv().await {
                Ok(came) => {
                    self.shared.taken.fetch_max(came.number, Ordering::SeqCst);
                    return came.status;
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// Where signals come in.
struct SignalListener {
    shared: Arc<Shared>,
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

impl SignalListener {
    /// With the end that wakes it.
    fn new(shared: Arc<Shared>) -> io::Result<(Self, UnixStream)> {
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
        // Last: a signal that is caught and not heard would be ignored.
        for (number, theirs) in caught {
            pipe::register(number, theirs)?;
        }
        Ok((Self { shared, pipes, woken, number: 0, lies: None, second: None, lost: None }, wake))
    }

    fn listen(&mut self) -> ! {
        loop {
            for status in self.next() {
                self.number += 1;
                let came = Came { number: self.number, status };
                if self.shared.bus.send(came).is_err() {
                    self.end(status);
                }
                self.lies.get_or_insert((came, Instant::now()));
                if self.number > 1 && self.shared.in_a_hurry.load(Ordering::SeqCst) {
                    self.second.get_or_insert((status, Instant::now()));
                }
            }
            if let Some((oldest, came)) = self.lies
                && came.elapsed() >= self.patience()
            {
                let taken = self.shared.taken.load(Ordering::SeqCst);
                if taken < oldest.number {
                    self.end(oldest.status);
                }
                let last = Came { number: self.number, ..oldest };
                self.lies = (taken < self.number).then(|| (last, Instant::now()));
            }
            if let Some((status, came)) = self.second
                && came.elapsed() >= PATIENCE
                && self.shared.in_a_hurry.load(Ordering::SeqCst)
            {
                self.end(status);
            }
            if self.lost.is_some_and(|lost| lost.elapsed() >= AFTER_LOSS) {
                exit(status::HANGUP);
            }
        }
    }

    /// How long a signal may lie: where the terminal is gone nobody waits at it, and what was typed is still to be saved.
    fn patience(&self) -> Duration {
        if self.lost.is_some() { AFTER_LOSS } else { PATIENCE }
    }

    /// Waits for signals, or until it is time to look after an earlier one.
    fn next(&mut self) -> Vec<u8> {
        let lies = self.lies.map(|(_, came)| (came, self.patience()));
        let second = self.second.map(|(_, came)| (came, PATIENCE));
        let since = [lies, second, self.lost.map(|lost| (lost, AFTER_LOSS))].into_iter().flatten();
        let rest = since.map(|(since, limit)| limit.saturating_sub(since.elapsed())).min();
        let rest = rest.and_then(|rest| Timespec::try_from(rest).ok());
        let stdin = io::stdin();
        let drawn_on = self.shared.is_drawn_on.load(Ordering::SeqCst) && self.lost.is_none();
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

    /// Ends the program, with a word about it if somebody reads it.
    fn end(&self, status: u8) -> ! {
        let (told, is_told) = sync_channel::<()>(1);
        let (terminal, left) = self.shared.face.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let lookups = terminal.surroundings.lookups.clone();
        let tell = move || {
            let _ = disable_raw_mode();
            guard::leave();
            terminal.end(status, &[stopped(status, left)]);
            drop(told);
        };
        if thread::Builder::new().stack_size(STACK).spawn(tell).is_ok() {
            let _ = is_told.recv_timeout(LAST_WORDS);
        }
        lookups.cancel();
        exit(status)
    }
}

/// What is left while nothing has begun.
pub const BEFORE: &str = "nothing was written";
/// What is left by work that may have written something.
pub const BROKEN_OFF: &str = "the work under way was broken off";

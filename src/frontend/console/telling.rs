//! Each event to each reporter, and what a signal cuts short.

use std::{io, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    report::{Reporter, RunState, Sink, Teller},
    session::{Operation, stopped},
    surroundings::exit,
    workflow::{Event, EventKind, Stop, Summary},
};

use super::{signals::Signals, terminal::Terminal};

/// How long after a signal whoever reads may take for an event.
const GRACE: Duration = Duration::from_secs(1);

/// Events on their way to the reporters.
pub struct Telling<'t> {
    terminal: &'t Terminal,
    state: RunState,
    tellers: Vec<Teller>,
    /// The work is a run.
    runs: bool,
    /// The first signal, by its status, and when it came.
    asked: Option<(u8, Instant)>,
    /// Somebody does not read what a signal has ended.
    is_cut: bool,
}

impl<'t> Telling<'t> {
    /// To these reporters, in their order.
    pub fn new(
        terminal: &'t Terminal,
        reporters: Vec<Box<dyn Reporter + Send>>,
        operation: Operation,
    ) -> Self {
        let limits = terminal.surroundings.limits;
        Self {
            terminal,
            state: RunState::default(),
            tellers: reporters.into_iter().map(|reporter| Teller::new(reporter, limits)).collect(),
            runs: operation == Operation::Run,
            asked: None,
            is_cut: false,
        }
    }

    /// What was told so far.
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// Takes a signal: the first one asks for a stop, the status of a second one comes back.
    pub fn hear(&mut self, status: u8, stop: &Stop) -> Option<u8> {
        if self.asked.is_some() {
            return Some(status);
        }
        self.asked = Some((status, Instant::now()));
        stop.now(status);
        None
    }

    /// Tells an event to all; the status of a second signal that came meanwhile.
    pub async fn tell(&mut self, event: Event, signals: &mut Signals, stop: &Stop) -> Option<u8> {
        // The plan of a large list is large: everybody gets the same one.
        let mut event = Arc::new(self.terminal.with_lost_output(event));
        let second = self.hand_to_all(&mut event, signals, stop).await;
        self.note(&event);
        second
    }

    /// Notes an event that is no longer reported to anybody.
    pub fn note(&mut self, event: &Event) {
        // A run has shown its plan by now; nobody asks for it again, and with a large list it is large.
        if !(self.runs && matches!(event.kind, EventKind::Plan { .. })) {
            self.state.apply(event);
        }
    }

    async fn hand_to_all(
        &mut self,
        event: &mut Arc<Event>,
        signals: &mut Signals,
        stop: &Stop,
    ) -> Option<u8> {
        for at in 0..self.tellers.len() {
            *event = self.cut(Arc::clone(event));
            if !self.tellers[at].hand(event) {
                continue;
            }
            let done = loop {
                let until = self.tellers[at].until(self.asked.map(|(_, came)| (came, GRACE)));
                let teller = &mut self.tellers[at];
                tokio::select! {
                    done = teller.done() => break done,
                    status = signals.next() => {
                        if let Some(status) = self.hear(status, stop) {
                            return Some(status);
                        }
                    }
                    () = at_time(until) => break Err(self.given_up(at)),
                }
            };
            self.record_write(at, done);
        }
        None
    }

    /// Tells the end to whoever still takes it.
    pub async fn last_word(&mut self, event: Event) {
        let event = Arc::new(event);
        let came = Some((Instant::now(), GRACE));
        for at in 0..self.tellers.len() {
            if !self.tellers[at].hand(&event) {
                continue;
            }
            let until = self.tellers[at].until(came);
            let teller = &mut self.tellers[at];
            let done = tokio::select! {
                done = teller.done() => done,
                () = at_time(until) => Err(self.given_up(at)),
            };
            self.record_write(at, done);
        }
        self.state.apply(&event);
    }

    fn given_up(&mut self, at: usize) -> io::Error {
        self.is_cut |= matches!(self.tellers[at].sink(), Sink::Stdout);
        self.tellers[at].give_up()
    }

    fn record_write(&self, at: usize, done: io::Result<()>) {
        // Lost output must not stop the work. That nobody reads is said to nobody.
        if !self.is_cut || done.is_ok() {
            self.terminal.record_write(done, self.tellers[at].sink());
        }
    }

    /// A summary that not everybody was told is none of success.
    fn cut(&self, event: Arc<Event>) -> Arc<Event> {
        match (&event.kind, self.asked) {
            (EventKind::Summary(summary), Some((status, _)))
                if self.is_cut && summary.status != status && summary.failures.is_empty() =>
            {
                let failures = vec![stopped(status, "not all of the output was read")];
                let kind = EventKind::Summary(Summary { status, failures, ..summary.clone() });
                Arc::new(Event { time: event.time, kind })
            }
            _ => event,
        }
    }

    /// What was told; where nobody reads, nothing can be told afterwards either.
    pub fn end(self) -> RunState {
        if let (true, Some((status, _))) = (self.is_cut, self.asked) {
            exit(status);
        }
        self.state
    }
}

async fn at_time(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

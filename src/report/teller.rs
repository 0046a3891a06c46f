//! A reporter on a thread of its own: output that nobody reads, and a file on a disk that hangs, hold nobody else up.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    thread,
    time::Duration,
};

use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::Instant,
};

use crate::{
    limits::{Limits, seconds},
    workflow::Event,
};

use super::{Reporter, Sink};

/// The stack of its thread, whatever `RUST_MIN_STACK` says.
const STACK: usize = 1 << 20;

/// Where a reporter writes.
enum Place {
    Stdout,
    Asked(PathBuf),
    Own(PathBuf),
}

/// Hands events to a reporter, one at a time.
pub struct Teller {
    place: Place,
    /// None once it was given up.
    events: Option<Sender<Arc<Event>>>,
    done: UnboundedReceiver<io::Result<()>>,
    handed: Instant,
    limits: Limits,
}

impl Teller {
    /// Starts the thread.
    pub fn new(mut reporter: Box<dyn Reporter + Send>, limits: Limits) -> Self {
        let place = match reporter.sink() {
            Sink::Stdout => Place::Stdout,
            Sink::Asked(path) => Place::Asked(path.to_owned()),
            Sink::Own(path) => Place::Own(path.to_owned()),
        };
        let (events, handed) = channel::<Arc<Event>>();
        let (told, done) = unbounded_channel();
        let tell = move || {
            for event in handed {
                if told.send(reporter.report(&event)).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("report".into()).stack_size(STACK).spawn(tell);
        Self { place, events: thread.is_ok().then_some(events), done, handed: Instant::now(), limits }
    }

    /// Where it writes.
    pub fn sink(&self) -> Sink<'_> {
        match &self.place {
            Place::Stdout => Sink::Stdout,
            Place::Asked(path) => Sink::Asked(path),
            Place::Own(path) => Sink::Own(path),
        }
    }

    /// Hands an event over. False when nobody takes it.
    pub fn hand(&mut self, event: &Arc<Event>) -> bool {
        self.handed = Instant::now();
        self.events.as_ref().is_some_and(|events| events.send(Arc::clone(event)).is_ok())
    }

    /// What came of the event that was handed over. May be dropped and asked again.
    pub async fn done(&mut self) -> io::Result<()> {
        self.done.recv().await.unwrap_or_else(|| Err(io::Error::other("the reporter broke off")))
    }

    /// Until when the event must be written: a disk has a limit, whoever reads a pipe has none until a signal came.
    pub fn until(&self, signal: Option<(Instant, Duration)>) -> Option<Instant> {
        let own = (!matches!(self.place, Place::Stdout)).then(|| self.handed + self.limits.write());
        let asked = signal.map(|(came, grace)| came.max(self.handed) + grace);
        [own, asked].into_iter().flatten().min()
    }

    /// Gives it up: it may hang for ever.
    pub fn give_up(&mut self) -> io::Error {
        self.events = None;
        let waited = Duration::from_secs(self.handed.elapsed().as_secs().max(1));
        let said = format!("an event was not written within {}", seconds(waited));
        io::Error::new(io::ErrorKind::TimedOut, said)
    }

    /// Hands an event over and waits until it is written; none when it was given up before.
    pub async fn tell(&mut self, event: &Arc<Event>) -> Option<io::Result<()>> {
        if !self.hand(event) {
            return None;
        }
        let until = self.handed + self.limits.write();
        match tokio::time::timeout_at(until, self.done()).await {
            Ok(done) => Some(done),
            Err(_) => Some(Err(self.give_up())),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use std::{path::Path, sync::mpsc::Receiver};

    use jiff::Timestamp;

    use super::*;

    /// Hangs until somebody lets it go.
    struct Hangs(Receiver<()>);

    impl Reporter for Hangs {
        fn report(&mut self, _event: &Event) -> io::Result<()> {
            let _ = self.0.recv();
            Ok(())
        }

        fn sink(&self) -> Sink<'_> {
            Sink::Own(Path::new("/hangs"))
        }
    }

    #[tokio::test]
    async fn a_reporter_that_hangs_is_given_up() {
        let (go, gate) = channel();
        let mut teller = Teller::new(Box::new(Hangs(gate)), Limits::default());
        let event = Arc::new(Event::at(Timestamp::UNIX_EPOCH, Event::version("", Vec::new(), Vec::new())));
        assert!(teller.hand(&event));
        assert_eq!(teller.until(None), Some(teller.handed + Limits::default().write()));
        let short = Duration::from_millis(50);
        assert!(tokio::time::timeout(short, teller.done()).await.is_err());
        go.send(()).unwrap();
        assert!(teller.done().await.is_ok(), "it was late, and not given up");
        assert!(teller.hand(&event));
        assert!(tokio::time::timeout(short, teller.done()).await.is_err());
        assert_eq!(teller.give_up().kind(), io::ErrorKind::TimedOut);
        assert!(teller.tell(&event).await.is_none());
    }
}

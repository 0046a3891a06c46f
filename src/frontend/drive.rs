//! What every face needs to drive work: a runtime, signals, and each event to each reporter.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

use rustix::process::Signal as RustixSignal;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::spawn_blocking,
};

use crate::{
    failure::{Code, Failure, status},
    report::{Closing, Json, Plain, Quiet, Reporter, RunState, Waits, closing, log_file},
    runtime::runtime,
    session::{Inputs, Operation, Scope, Session, Setup, broken_off, stopped},
    state::RunRecord,
    surroundings::exit,
    workflow::{Event, EventKind},
};

use super::console::{Signals, Terminal, Volume, telling::Telling, wrapping::wrapping_stderr};

/// Where things are, and the guide's next command.
pub(super) fn what_next(session: &Session) -> Closing {
    closing(session.setup().guide, session.files_to_write(), session.runs_all(), session.local_addresses())
}

/// JSON on stdout, or lines on stderr.
pub(super) fn live(terminal: &Terminal, setup: &Setup, closing: Option<Closing>) -> Box<dyn Reporter + Send> {
    let is_quiet = terminal.volume == Volume::Quiet;
    if terminal.is_json() {
        return json(terminal, false);
    }
    let out: Box<dyn io::Write + Send> = if terminal.style.words && io::stderr().is_terminal() {
        Box::new(wrapping_stderr(true))
    } else {
        Box::new(anstream::AutoStream::auto(io::stderr()))
    };
    let is_watched = io::stderr().is_terminal() && !terminal.style.words && !is_quiet;
    let plain = Plain::new(out, terminal.style, setup.stage_titles())
        .closing_with(closing)
        .redrawing(is_watched)
        .telling_all(terminal.volume == Volume::Verbose);
    if is_quiet { Box::new(Quiet::new(plain)) } else { Box::new(plain) }
}

/// JSON on stdout; of a plan whole changes, or how many there are.
pub(super) fn json(terminal: &Terminal, counts: bool) -> Box<dyn Reporter + Send> {
    let json = Json::new(io::stdout()).counting(counts);
    if terminal.volume == Volume::Quiet { Box::new(Quiet::with_ends(json)) } else { Box::new(json) }
}

/// Where a result is printed at the end, only what is waited for is reported before; with `-v` all that is found is reported too.
pub(super) fn waits(terminal: &Terminal, setup: &Setup) -> Vec<Box<dyn Reporter + Send>> {
    if terminal.is_json() || terminal.volume == Volume::Quiet {
        return Vec::new();
    }
    let out = anstream::AutoStream::auto(io::stderr());
    let plain = Plain::new(out, terminal.style, setup.stage_titles());
    match terminal.volume {
        Volume::Verbose => vec![Box::new(Waits::and_findings(plain.telling_all(true)))],
        _ => vec![Box::new(Waits::alone(plain))],
    }
}

/// A command that asks nobody, as it was given.
pub struct Invocation<'t> {
    /// Where it answers.
    pub terminal: &'t Terminal,
    /// Where its answers come from.
    pub inputs: Inputs,
    /// The file in which everything is written down too.
    pub log: Option<PathBuf>,
}

impl Invocation<'_> {
    /// Reads and judges the answers, as [`load`] does.
    pub(super) async fn load(
        &self,
        signals: &mut Signals,
        scope: Result<Scope, Failure>,
        operation: Operation,
    ) -> Result<Session, u8> {
        load(self.terminal, signals, &self.inputs, scope, operation).await
    }

    /// Opens that file beside the tasks; what is in the way is reported, and so is a signal.
    pub(super) async fn log_file(
        &self,
        signals: &mut Signals,
    ) -> Result<Option<Box<dyn Reporter + Send>>, u8> {
        let (setup, path) = (self.inputs.setup, self.log.clone());
        let disk = self.terminal.surroundings.disk.clone();
        let open = move || log_file(&disk, setup.stage_titles(), path.as_deref());
        let opened = run_until_signal(self.terminal, signals, open).await?;
        opened.map_err(|failure| self.terminal.fail(&[failure]))
    }
}

/// Reads and judges answers, which may take its time: stdin, a program that gives out a secret. What is in the
/// way is told, and so is a signal; then there is only the exit status.
pub(super) async fn load(
    terminal: &Terminal,
    signals: &mut Signals,
    inputs: &Inputs,
    scope: Result<Scope, Failure>,
    operation: Operation,
) -> Result<Session, u8> {
    let inputs = inputs.clone();
    let load = move || {
        scope.map_err(|failure| vec![failure]).and_then(|scope| Session::load(&inputs, scope, operation))
    };
    run_until_signal(terminal, signals, load).await?.map_err(|failures| terminal.fail(&failures))
}

/// Work that blocks; a signal meanwhile ends the program in order.
pub(super) async fn run_until_signal<T: Send + 'static>(
    terminal: &Terminal,
    signals: &mut Signals,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, u8> {
    tokio::select! {
        done = spawn_blocking(work) => done.map_err(|_| {
            let what = "a piece of work stopped because of a bug in this program";
            terminal.fail(&[Failure::new(Code::Internal, what).remedy("report this with the answers")])
        }),
        status = signals.next() => {
            terminal.surroundings.lookups.cancel();
            Err(terminal.end(status, &[stopped(status, "nothing was written")]))
        }
    }
}

/// Hands every event to every reporter, in order, until the summary. The first signal asks for an
/// orderly stop, a second one leaves at once. Output that nobody reads is waited for until a signal comes.
pub(super) async fn drive(
    terminal: &Terminal,
    signals: &mut Signals,
    session: &Session,
    operation: Operation,
    record: Option<RunRecord>,
    reporters: Vec<Box<dyn Reporter + Send>>,
) -> RunState {
    let transcript = record.as_ref().map(|record| record.transcript.clone());
    let mut run = session.start(operation, record);
    let mut telling = Telling::new(terminal, reporters, operation);
    loop {
        let status = tokio::select! {
            event = run.events.recv() => match event {
                Some(event) => telling.tell(event, signals, &run.stop).await,
                None => return telling.end(),
            },
            status = signals.next() => telling.hear(status, &run.stop),
        };
        if let Some(status) = status {
            // What has happened counts, whether or not there was time to tell it.
            while let Ok(event) = run.events.try_recv() {
                telling.note(&event);
            }
            let failure = broken_off(operation);
            let summary = telling.state().broken_off(session.name(), status, failure, transcript);
            let now = terminal.surroundings.clock.now();
            telling.last_word(Event::at(now, EventKind::Summary(summary))).await;
            exit(status);
        }
    }
}

/// How a run ended.
pub(super) fn status_of(state: &RunState) -> u8 {
    state.summary.as_ref().map_or(status::INTERNAL, |summary| summary.status)
}

/// Work without a person: as [`in_runtime`], and a second signal ends it wherever it stands. Either way it comes to an
/// exit status.
pub(super) fn headless(
    terminal: &Terminal,
    signals: &mut Signals,
    work: impl AsyncFnOnce(&mut Signals) -> Result<u8, u8>,
) -> u8 {
    signals.listen_in_a_hurry();
    let status = in_runtime(terminal, async { work(signals).await.unwrap_or_else(|status| status) });
    signals.stop_listening();
    status
}

/// A hung mount may hold a thread for ever: the exit does not wait for it.
pub(super) fn in_runtime(terminal: &Terminal, work: impl Future<Output = u8>) -> u8 {
    match runtime() {
        Ok(runtime) => {
            let status = runtime.block_on(async {
                // Where files may not grow (`ulimit -f`) writing is an error then, and not the end.
                let _ = signal(SignalKind::from_raw(RustixSignal::XFSZ.as_raw()));
                work.await
            });
            runtime.shutdown_background();
            status
        }
        Err(failure) => terminal.fail(&[failure]),
    }
}

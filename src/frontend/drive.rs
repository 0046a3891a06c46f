//! What every face needs to drive work: a runtime, signals, and each event to each reporter.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal},
    path::Path,
};

use rustix::process::Signal as RustixSignal;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::spawn_blocking,
};

use crate::{
    disk::Disk,
    failure::{Code, Failure, status},
    report::{Closing, Json, Plain, Quiet, Reporter, RunState, Transcript, Waits, closing},
    runtime::runtime,
    session::{Inputs, Operation, Scope, Session, Setup, stopped},
    surroundings::exit,
    workflow::{Event, EventKind, Outcome, StageId, Summary},
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
        let json = Json(io::stdout());
        return if is_quiet { Box::new(Quiet::with_ends(json)) } else { Box::new(json) };
    }
    let out: Box<dyn io::Write + Send> = if terminal.style.words && io::stderr().is_terminal() {
        Box::new(wrapping_stderr(true))
    } else {
        Box::new(anstream::AutoStream::auto(io::stderr()))
    };
    let is_watched = io::stderr().is_terminal() && !terminal.style.words && !is_quiet;
    let plain = Plain::new(out, terminal.style, titles(setup))
        .closing_with(closing)
        .redrawing(is_watched)
        .telling_all(terminal.volume == Volume::Verbose);
    if is_quiet { Box::new(Quiet::new(plain)) } else { Box::new(plain) }
}

/// Where a result is printed at the end, only what is waited for is reported before; with `-v` all that is found is reported too.
pub(super) fn waits(terminal: &Terminal, setup: &Setup) -> Vec<Box<dyn Reporter + Send>> {
    if terminal.is_json() || terminal.volume == Volume::Quiet {
        return Vec::new();
    }
    let out = anstream::AutoStream::auto(io::stderr());
    let plain = Plain::new(out, terminal.style, titles(setup));
    match terminal.volume {
        Volume::Verbose => vec![Box::new(Waits::and_findings(plain.telling_all(true)))],
        _ => vec![Box::new(Waits::alone(plain))],
    }
}

/// The file in which everything is written down too.
///
/// # Errors
/// `E-FILE-WRITE` when it cannot be written.
pub(super) fn log_file(
    disk: &Disk,
    setup: &Setup,
    path: Option<&Path>,
) -> Result<Option<Box<dyn Reporter + Send>>, Failure> {
    let Some(path) = path else { return Ok(None) };
    Ok(Some(Box::new(Transcript::append(disk, path, titles(setup))?)))
}

/// As [`log_file`], beside the tasks; what is in the way is reported, and so is a signal.
pub(super) async fn opened(
    terminal: &Terminal,
    signals: &mut Signals,
    setup: &'static Setup,
    path: Option<&Path>,
) -> Result<Option<Box<dyn Reporter + Send>>, u8> {
    let path = path.map(Path::to_owned);
    let disk = terminal.surroundings.disk.clone();
    let open = move || log_file(&disk, setup, path.as_deref());
    run_until_signal(terminal, signals, open).await?.map_err(|failure| terminal.fail(&[failure]))
}

/// What people call each stage.
pub(super) fn titles(setup: &Setup) -> BTreeMap<StageId, &'static str> {
    setup.stage_abouts().into_iter().map(|about| (about.id, about.title)).collect()
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
    transcript: Option<String>,
    reporters: Vec<Box<dyn Reporter + Send>>,
) -> RunState {
    let mut run = session.start(operation, transcript.clone());
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
            let summary = broken_off(telling.state(), session.name(), operation, status, transcript);
            telling
                .last_word(Event::at(terminal.surroundings.clock.now(), EventKind::Summary(summary)))
                .await;
            exit(status);
        }
    }
}

/// How a run ended.
pub(super) fn status_of(state: &RunState) -> u8 {
    state.summary.as_ref().map_or(status::INTERNAL, |summary| summary.status)
}

/// The end of a run that is not waited for any more: a summary comes all the same.
pub(super) fn broken_off(
    state: &RunState,
    name: &str,
    operation: Operation,
    status: u8,
    transcript: Option<String>,
) -> Summary {
    let count = |wanted: fn(&Outcome) -> bool| {
        state
            .stages
            .iter()
            .filter_map(|stage| stage.outcome.as_ref())
            .filter(|outcome| wanted(outcome))
            .count()
    };
    let (left, remedy) = match operation {
        Operation::Rendezvous => (
            "the file of an offer may still be in the shared folder, and its keys in etcd for 15 s",
            "remove a file `.backendai-setup-mount-…` of yours, or leave that to a later `mount offer`",
        ),
        _ => (
            "what was under way may be written or not",
            "run `status` to see what was done, then the same command again to go on",
        ),
    };
    let failure = Failure::new(Code::Cancelled, "left without waiting for the work under way")
        .why(format!("a second signal came; {left}"))
        .remedy(remedy);
    Summary {
        changed: count(|outcome| matches!(outcome, Outcome::Changed(_))),
        unchanged: count(|outcome| matches!(outcome, Outcome::Unchanged { .. })),
        failed: count(|outcome| matches!(outcome, Outcome::Failed { .. })),
        skipped: state.stages.len() - count(|_| true),
        transcript,
        ..Summary::of_failures(name, status, vec![failure])
    }
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

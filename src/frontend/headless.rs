//! Headless: no question asked, unless a person runs `run` at a terminal.

use std::{collections::BTreeMap, io, path::PathBuf};

use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
};

use crate::{
    failure::{Code, Failure, shell_word, status, words},
    report::{
        History, Json, Plain, Reporter, RunState, Style, Transcript, write_checks, write_failure, write_plan,
        write_status,
    },
    session::{Inputs, Intent, Scope, Session, stage_abouts},
    state::state_dir,
    workflow::StageId,
};

use super::{
    Terminal,
    question::{Reply, confirm},
};

/// What `run` is asked for.
#[derive(Debug)]
pub struct Run {
    /// These stages, or all.
    pub stages: Vec<String>,
    /// Start at this one.
    pub from: Option<String>,
    /// Leave these out.
    pub skip: Vec<String>,
    /// Where transcripts are kept.
    pub state_dir: Option<PathBuf>,
    /// `--yes` was given: nobody has to confirm.
    pub yes: bool,
    /// The program was started without a command.
    pub bare: bool,
}

fn needs_answers(terminal: &Terminal) -> u8 {
    let failure = Failure::new(Code::NeedsAnswers, "nothing says which servers are meant")
        .why("there are no answers, and nobody is asked")
        .remedy("give `--answers FILE`, or `run --development` for the guide's development setup; `--help` lists more");
    terminal.fail(&[failure])
}

/// Runs stages.
pub fn run(terminal: &Terminal, inputs: &Inputs, work: Run) -> u8 {
    // Headless work, told from an answers file, needs no confirmation.
    let answers = !inputs.answers.is_empty();
    if !inputs.say_something() {
        return needs_answers(terminal);
    }
    if work.bare && !answers {
        let failure = Failure::new(Code::NeedsAnswers, "no command says what to do")
            .why("without a command only `--answers FILE` runs all stages")
            .remedy("name a command, for example `run`; `--help` lists them");
        return terminal.fail(&[failure]);
    }
    let load = || Scope::stages(&work.stages, work.from.as_deref(), &work.skip);
    let session = match load()
        .map_err(|failure| vec![failure])
        .and_then(|scope| Session::load(inputs, scope, Intent::Run))
    {
        Ok(session) => session,
        Err(failures) => return terminal.fail(&failures),
    };
    let must_ask = !answers && !work.yes;
    if must_ask && !terminal.can_ask() {
        let failure =
            Failure::new(Code::NeedsConfirmation, "nobody can confirm that something may be written")
                .why("`run` asks before it writes, and there is no terminal to ask at")
                .remedy("give `--yes`, or the answers as `--answers FILE`");
        return terminal.fail(&[failure]);
    }
    let opened = state_dir(work.state_dir).and_then(|folder| {
        Transcript::create(&folder, session.name(), titles()).map(|transcript| (folder, transcript))
    });
    let (folder, transcript) = match opened {
        Ok(opened) => opened,
        Err(failure) => return terminal.fail(&[failure]),
    };
    in_runtime(terminal, async {
        if must_ask {
            match ask(terminal, &session).await {
                Answer::Yes => {}
                Answer::No(status) => return status,
            }
        }
        let shown = transcript.path().display().to_string();
        let history = History::create(&folder, session.name());
        let mut reporters: Vec<Box<dyn Reporter + Send>> = vec![
            live(terminal, terminal.style, what_next(&session)),
            Box::new(transcript),
            Box::new(history),
        ];
        status_of(&drive(terminal, &session, Intent::Run, Some(shown), &mut reporters).await)
    })
}

enum Answer {
    Yes,
    No(u8),
}

/// Shows what would change and asks a person. Nothing to change needs no answer.
async fn ask(terminal: &Terminal, session: &Session) -> Answer {
    let state = drive(terminal, session, Intent::Preview, None, &mut []).await;
    if status_of(&state) != status::SUCCESS {
        tell_failures(terminal, &state);
        terminal.note("Nothing was written.");
        return Answer::No(status_of(&state));
    }
    if state.plan.iter().all(|stage| stage.changes.is_empty()) {
        // The run itself says that everything is unchanged.
        return Answer::Yes;
    }
    terminal.result(|mut out| {
        write_status(&mut out, terminal.style, &state)?;
        writeln!(out, "`plan` shows every change in full.")
    });
    match confirm("Write this?".into()).await {
        Reply::Is(true) => Answer::Yes,
        Reply::Is(false) | Reply::Back => {
            terminal.note("Nothing was written.");
            Answer::No(status::SUCCESS)
        }
        Reply::Interrupted => {
            terminal.note("Nothing was written.");
            Answer::No(status::INTERRUPTED)
        }
        Reply::Stopped(status) => {
            terminal.note("Nothing was written.");
            Answer::No(status)
        }
        Reply::Nothing => {
            let failure = Failure::new(Code::NeedsConfirmation, "the terminal gave no answer")
                .remedy("give `--yes`, or the answers as `--answers FILE`");
            Answer::No(terminal.fail(&[failure]))
        }
    }
}

/// Where things are, and the guide's next command.
pub(super) fn what_next(session: &Session) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut next = None;
    for (key, path) in session.files_to_write() {
        let what = match key {
            "files.alembic-ini" => "move it beside the manager's alembic/ folder:",
            "files.environment" => {
                next = Some(format!("  . {} && python -m ai.backend.gateway.server", shell_word(&path)));
                "source it before you start the manager:      "
            }
            _ => "the keypairs, only you can read them:        ",
        };
        lines.push(format!("{what}  {path}"));
    }
    if let Some(next) = next {
        lines.push("Next, in the manager's folder:".into());
        lines.push(next);
    }
    lines
}

/// Makes live checks and prints every ladder.
pub fn check(terminal: &Terminal, inputs: &Inputs, checks: &[String]) -> u8 {
    with_session(terminal, inputs, Scope::checks(checks), Intent::Check, |terminal, state| {
        terminal.result(|mut out| write_checks(&mut out, terminal.style, state));
        if let Some(stopped) = stopped(state) {
            let mut err = anstream::AutoStream::auto(io::stderr()).lock();
            let _ = write_failure(&mut err, terminal.style, stopped);
        }
    })
}

/// Shows what would change.
pub fn plan(terminal: &Terminal, inputs: &Inputs, detailed: bool) -> u8 {
    let scope = Scope::stages(&[], None, &[]);
    with_session(terminal, inputs, scope, Intent::Plan { detailed }, |terminal, state| {
        terminal.result(|mut out| write_plan(&mut out, terminal.style, state));
        tell_failures(terminal, state);
    })
}

/// Shows each stage: done, pending or conflict.
pub fn status(terminal: &Terminal, inputs: &Inputs) -> u8 {
    let scope = Scope::stages(&[], None, &[]);
    with_session(terminal, inputs, scope, Intent::Status, |terminal, state| {
        terminal.result(|mut out| write_status(&mut out, terminal.style, state));
        tell_failures(terminal, state);
    })
}

fn with_session(
    terminal: &Terminal,
    inputs: &Inputs,
    scope: Result<Scope, Failure>,
    intent: Intent,
    print: impl FnOnce(&Terminal, &RunState),
) -> u8 {
    if !inputs.say_something() && scope.as_ref().is_ok_and(Scope::needs_answers) {
        return needs_answers(terminal);
    }
    let session =
        match scope.map_err(|failure| vec![failure]).and_then(|scope| Session::load(inputs, scope, intent)) {
            Ok(session) => session,
            Err(failures) => return terminal.fail(&failures),
        };
    in_runtime(terminal, async {
        if terminal.is_json() {
            return status_of(
                &drive(terminal, &session, intent, None, &mut [live(terminal, terminal.style, Vec::new())])
                    .await,
            );
        }
        for notice in session.notices() {
            let mut err = anstream::AutoStream::auto(io::stderr()).lock();
            let _ = write_failure(&mut err, terminal.style, notice);
        }
        let state = drive(terminal, &session, intent, None, &mut []).await;
        print(terminal, &state);
        status_of(&state)
    })
}

fn tell_failures(terminal: &Terminal, state: &RunState) {
    let mut err = anstream::AutoStream::auto(io::stderr()).lock();
    for failure in state.summary.iter().flat_map(|summary| &summary.failures) {
        let _ = write_failure(&mut err, terminal.style, failure);
    }
}

/// JSON on stdout, or lines on stderr.
pub(super) fn live(terminal: &Terminal, style: Style, closing: Vec<String>) -> Box<dyn Reporter + Send> {
    if terminal.is_json() {
        Box::new(Json(io::stdout()))
    } else {
        let out = anstream::AutoStream::auto(io::stderr());
        Box::new(Plain::new(out, style, titles()).closing_with(closing))
    }
}

pub(super) fn titles() -> BTreeMap<StageId, &'static str> {
    stage_abouts().into_iter().map(|about| (about.id, about.title)).collect()
}

/// A signal ended it.
fn stopped(state: &RunState) -> Option<&Failure> {
    let failures = state.summary.iter().flat_map(|summary| &summary.failures);
    failures.into_iter().find(|failure| failure.code == Code::Cancelled)
}

pub(super) fn status_of(state: &RunState) -> u8 {
    state.summary.as_ref().map_or(status::INTERNAL, |summary| summary.status)
}

/// Hands every event to every reporter, in order, until the summary. The first signal asks for an
/// orderly stop, a second one leaves at once.
pub(super) async fn drive(
    terminal: &Terminal,
    session: &Session,
    intent: Intent,
    transcript: Option<String>,
    reporters: &mut [Box<dyn Reporter + Send>],
) -> RunState {
    let mut state = RunState::default();
    // Before anything is under way: from here on a signal finds a listener.
    let mut signals = Signals::new();
    let mut run = session.start(intent, transcript);
    loop {
        tokio::select! {
            event = run.events.recv() => {
                let Some(event) = event else { return state };
                for reporter in reporters.iter_mut() {
                    // Lost output must not stop the work.
                    terminal.kept(reporter.report(&event));
                }
                state.apply(&event);
            }
            status = signals.next() => {
                if run.stop.is_asked() {
                    std::process::exit(i32::from(status));
                }
                run.stop.now(status);
            }
        }
    }
}

/// SIGINT, SIGTERM and SIGHUP, where the system lets us listen.
pub(super) struct Signals(Vec<(u8, Signal)>);

impl Signals {
    pub(super) fn new() -> Self {
        let kinds = [
            (status::INTERRUPTED, SignalKind::interrupt()),
            (status::TERMINATED, SignalKind::terminate()),
            (status::HANGUP, SignalKind::hangup()),
        ];
        // What was switched off for us stays off: `nohup` is meant.
        let ignored = |kind: SignalKind| ignored_signals() >> (kind.as_raw_value() - 1) & 1 == 1;
        Self(
            kinds
                .into_iter()
                .filter(|(_, kind)| !ignored(*kind))
                .filter_map(|(status, kind)| Some((status, signal(kind).ok()?)))
                .collect(),
        )
    }

    pub(super) async fn next(&mut self) -> u8 {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        let waiting = self.0.iter_mut().map(|(status, signal)| {
            let status = *status;
            Box::pin(async move {
                match signal.recv().await {
                    Some(()) => status,
                    None => std::future::pending().await,
                }
            })
        });
        futures::future::select_all(waiting).await.0
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

/// A hung mount may hold a thread for ever: the exit does not wait for it.
pub(super) fn in_runtime(terminal: &Terminal, work: impl Future<Output = u8>) -> u8 {
    match Runtime::new() {
        Ok(runtime) => {
            let status = runtime.block_on(work);
            runtime.shutdown_background();
            status
        }
        Err(error) => {
            let failure = Failure::new(Code::Internal, "the program could not start its threads")
                .why(words(&error))
                .remedy("look at the limits of this user (`ulimit -u`)");
            terminal.fail(&[failure])
        }
    }
}

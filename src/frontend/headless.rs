//! Headless: no question asked, unless a person runs `run` at a terminal.

use std::path::PathBuf;

use crate::{
    disk,
    failure::{Code, Failure, status},
    report::{Recorder, Reporter, RunState, write_checks, write_plan, write_status},
    session::{Operation, Scope, Session, save_answers_of},
    state::{StateDir, Target},
    workflow::StageState,
};

use super::{
    console::{Signals, Terminal, Volume, asker::confirm, questions::Reply},
    drive::{self, Invocation, drive, json, live, run_until_signal, status_of, waits, what_next},
};

/// What `run` is asked for.
#[derive(Debug, Default)]
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

pub(super) fn needs_answers(terminal: &Terminal) -> u8 {
    let failure = Failure::new(Code::NeedsAnswers, "nothing says which servers are meant")
        .why("there are no answers, and nobody is asked")
        .remedy("give `--answers FILE`, or `run --development` for the guide's development setup; `--help` lists more");
    terminal.fail(&[failure])
}

fn names(given: &[String]) -> Vec<&str> {
    given.iter().map(String::as_str).collect()
}

/// Runs stages.
pub fn run(invocation: &Invocation<'_>, signals: &mut Signals, work: Run) -> u8 {
    let Invocation { terminal, inputs, .. } = invocation;
    let scope = Scope::stages(inputs.setup, &names(&work.stages), work.from.as_deref(), &names(&work.skip));
    if let Err(failure) = scope {
        return terminal.fail(&[failure]);
    }
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
    let must_ask = !answers && !work.yes;
    drive::headless(terminal, signals, async |signals| {
        let session = invocation.load(signals, scope, Operation::Run).await?;
        if must_ask && !terminal.can_ask() {
            let failure =
                Failure::new(Code::NeedsConfirmation, "nobody can confirm that something may be written")
                    .why("`run` asks before it writes, and there is no terminal to ask at")
                    .remedy("give `--yes`, or the answers as `--answers FILE`");
            return Err(terminal.fail(&[failure]));
        }
        let folder = StateDir::find(work.state_dir, inputs.surroundings().clone());
        let recorder = record(invocation, signals, &session, folder).await?;
        let session = if must_ask {
            let confirmed = ask(terminal, signals, &session, "Write this?").await?;
            session.confirmed(Some(confirmed))
        } else {
            session
        };
        Ok(write(invocation, signals, &session, recorder).await)
    })
}

/// Opens what a run is written down in.
pub(super) async fn record(
    invocation: &Invocation<'_>,
    signals: &mut Signals,
    session: &Session,
    folder: Result<StateDir, Failure>,
) -> Result<Recorder, u8> {
    let Invocation { terminal, inputs, log } = invocation;
    let (titles, answers, log) = (inputs.setup.stage_titles(), session.answers().clone(), log.clone());
    let undoes = session.undoes().map(str::to_owned);
    let open = move || Recorder::open(titles, folder, &answers, undoes, log.as_deref());
    run_until_signal(terminal, signals, open).await?.map_err(|failure| terminal.fail(&[failure]))
}

/// Runs the stages; gives back the exit status.
pub(super) async fn write(
    invocation: &Invocation<'_>,
    signals: &mut Signals,
    session: &Session,
    recorder: Recorder,
) -> u8 {
    let Invocation { terminal, inputs, .. } = invocation;
    let closing = (!session.shows_all()).then(|| what_next(session));
    let mut all = vec![live(terminal, inputs.setup, closing)];
    all.extend(recorder.reporters);
    let target = recorder.record.target.clone();
    let status =
        status_of(&drive(terminal, signals, session, Operation::Run, Some(recorder.record), all).await);
    if status == status::SUCCESS && session.undoes().is_none() {
        keep(session, target).await;
    }
    status
}

/// Keeps the answers of a target once all of them were given: the wizard opens it with them. That they cannot be kept is no
/// reason to bother anyone.
async fn keep(session: &Session, target: Target) {
    let answers = session.answers().clone();
    let sections = session.setup().guide.asked();
    if answers.filled().problems(&sections).is_empty() {
        let _ = disk::beside(move || save_answers_of(&target, &answers)).await;
    }
}

/// Shows what would change and asks a person. Gives back what was confirmed, or the exit status when nothing may be
/// written. Nothing to change needs no answer.
pub(super) async fn ask(
    terminal: &Terminal,
    signals: &mut Signals,
    session: &Session,
    question: &str,
) -> Result<Vec<StageState>, u8> {
    let state =
        drive(terminal, signals, session, Operation::Preview, None, waits(terminal, session.setup())).await;
    let status = status_of(&state);
    if status != status::SUCCESS {
        terminal.tell(state.failures());
        terminal.note("Nothing was written.");
        return Err(status);
    }
    if state.plan.iter().all(|stage| stage.changes().is_empty()) {
        // The run itself says that everything is unchanged.
        return Ok(state.plan);
    }
    terminal.result(|mut out| {
        if session.shows_all() {
            // There is no other command that shows it.
            return write_plan(&mut out, terminal.style, &state);
        }
        write_status(&mut out, terminal.style, &state)?;
        writeln!(out, "`plan` shows every change in full.")
    });
    let status = match confirm(terminal, signals, question.into()).await {
        Reply::Is(true) => return Ok(state.plan),
        Reply::Is(false) | Reply::Back => status::SUCCESS,
        Reply::Interrupted => status::INTERRUPTED,
        Reply::Stopped(status) => status,
        Reply::Nothing => {
            let failure = Failure::new(Code::NeedsConfirmation, "the terminal gave no answer")
                .remedy("give `--yes`, or the answers as `--answers FILE`");
            return Err(terminal.fail(&[failure]));
        }
    };
    terminal.note("Nothing was written.");
    Err(status)
}

/// Makes live checks and prints every ladder.
pub fn check(invocation: &Invocation<'_>, signals: &mut Signals, checks: &[String]) -> u8 {
    let scope = Scope::checks(invocation.inputs.setup, &names(checks)).map(Scope::and_stages);
    with_session(invocation, signals, scope, Operation::Check, |terminal, state| {
        terminal.result(|mut out| write_checks(&mut out, terminal.style, state));
        terminal.tell(&state.failures_beside_checks());
    })
}

/// Shows each stage: done, pending or conflict.
pub fn status(invocation: &Invocation<'_>, signals: &mut Signals) -> u8 {
    let scope = Scope::stages(invocation.inputs.setup, &[], None, &[]);
    with_session(invocation, signals, scope, Operation::Status, |terminal, state| {
        terminal.result(|mut out| write_status(&mut out, terminal.style, state));
        terminal.tell(state.failures());
    })
}

fn with_session(
    invocation: &Invocation<'_>,
    signals: &mut Signals,
    scope: Result<Scope, Failure>,
    operation: Operation,
    print: impl FnOnce(&Terminal, &RunState),
) -> u8 {
    let Invocation { terminal, inputs, .. } = invocation;
    if !inputs.say_something() && scope.as_ref().is_ok_and(Scope::needs_answers) {
        return needs_answers(terminal);
    }
    drive::headless(terminal, signals, async |signals| {
        let session = invocation.load(signals, scope, operation).await?;
        show(invocation, signals, &session, operation, json(terminal, false), print).await
    })
}

/// Does this work and shows its result: as this JSON, or printed at the end.
pub(super) async fn show(
    invocation: &Invocation<'_>,
    signals: &mut Signals,
    session: &Session,
    operation: Operation,
    json: Box<dyn Reporter + Send>,
    print: impl FnOnce(&Terminal, &RunState),
) -> Result<u8, u8> {
    let Invocation { terminal, inputs, .. } = invocation;
    let log = invocation.log_file(signals).await?;
    let mut reporters = if terminal.is_json() { vec![json] } else { waits(terminal, inputs.setup) };
    reporters.extend(log);
    let state = drive(terminal, signals, session, operation, None, reporters).await;
    let status = status_of(&state);
    let is_noteworthy =
        status != status::SUCCESS || state.plan.iter().any(|stage| !stage.changes().is_empty());
    if terminal.is_json() || (terminal.volume == Volume::Quiet && !is_noteworthy) {
        return Ok(status);
    }
    // With `--strict` they are failures, and told as such.
    let warnings: Vec<Failure> = session.notices().iter().filter(|it| it.is_warning()).cloned().collect();
    terminal.tell(&warnings);
    print(terminal, &state);
    Ok(status)
}

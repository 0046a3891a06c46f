//! Headless: no question asked, unless a person runs `run` at a terminal.

use std::path::{Path, PathBuf};

use crate::{
    failure::{Code, Failure, status},
    report::{RunState, write_checks, write_plan, write_status},
    session::{Inputs, Operation, Scope, Session},
    state::StateDir,
    workflow::StageState,
};

use super::{
    console::{Signals, Terminal, Volume, asker::confirm, questions::Reply},
    drive::{self, drive, live, load, opened, run_until_signal, status_of, waits, what_next},
    wizard::recorder::Recorder,
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

fn needs_answers(terminal: &Terminal) -> u8 {
    let failure = Failure::new(Code::NeedsAnswers, "nothing says which servers are meant")
        .why("there are no answers, and nobody is asked")
        .remedy("give `--answers FILE`, or `run --development` for the guide's development setup; `--help` lists more");
    terminal.fail(&[failure])
}

/// Runs stages.
pub fn run(terminal: &Terminal, signals: &mut Signals, inputs: &Inputs, work: Run, log: Option<&Path>) -> u8 {
    let scope = Scope::stages(inputs.setup, &work.stages, work.from.as_deref(), &work.skip);
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
        let session = load(terminal, signals, inputs, scope, Operation::Run).await?;
        if must_ask && !terminal.can_ask() {
            let failure =
                Failure::new(Code::NeedsConfirmation, "nobody can confirm that something may be written")
                    .why("`run` asks before it writes, and there is no terminal to ask at")
                    .remedy("give `--yes`, or the answers as `--answers FILE`");
            return Err(terminal.fail(&[failure]));
        }
        let setup = inputs.setup;
        let (named, name, log) = (work.state_dir, session.name().to_owned(), log.map(Path::to_owned));
        let surroundings = inputs.surroundings().clone();
        let open = move || Recorder::open(setup, StateDir::find(named, surroundings), &name, log.as_deref());
        let Recorder { path, reporters } =
            run_until_signal(terminal, signals, open).await?.map_err(|failure| terminal.fail(&[failure]))?;
        let session = if must_ask {
            let confirmed = ask(terminal, signals, &session).await?;
            session.confirmed(confirmed)
        } else {
            session
        };
        let mut all = vec![live(terminal, setup, Some(what_next(&session)))];
        all.extend(reporters);
        Ok(status_of(&drive(terminal, signals, &session, Operation::Run, Some(path), all).await))
    })
}

/// Shows what would change and asks a person. Gives back what was confirmed, or the exit status when nothing may be
/// written. Nothing to change needs no answer.
async fn ask(terminal: &Terminal, signals: &mut Signals, session: &Session) -> Result<Vec<StageState>, u8> {
    let state =
        drive(terminal, signals, session, Operation::Preview, None, waits(terminal, session.setup())).await;
    let status = status_of(&state);
    if status != status::SUCCESS {
        tell_failures(terminal, &state);
        terminal.note("Nothing was written.");
        return Err(status);
    }
    if state.plan.iter().all(|stage| stage.changes().is_empty()) {
        // The run itself says that everything is unchanged.
        return Ok(state.plan);
    }
    terminal.result(|mut out| {
        write_status(&mut out, terminal.style, &state)?;
        writeln!(out, "`plan` shows every change in full.")
    });
    let status = match confirm(terminal, signals, "Write this?".into()).await {
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
pub fn check(
    terminal: &Terminal,
    signals: &mut Signals,
    inputs: &Inputs,
    checks: &[String],
    log: Option<&Path>,
) -> u8 {
    let scope = Scope::checks(inputs.setup, checks).map(Scope::and_stages);
    with_session(terminal, signals, inputs, scope, Operation::Check, log, |terminal, state| {
        terminal.result(|mut out| write_checks(&mut out, terminal.style, state));
        // What a check found stands in its ladder.
        let found: Vec<&Failure> = state.checks.iter().flat_map(|(.., verdict)| verdict.failures()).collect();
        let failures = state.summary.iter().flat_map(|summary| &summary.failures);
        let others: Vec<Failure> = failures.filter(|failure| !found.contains(failure)).cloned().collect();
        terminal.tell(&others);
    })
}

/// Shows what would change.
pub fn plan(
    terminal: &Terminal,
    signals: &mut Signals,
    inputs: &Inputs,
    detailed: bool,
    log: Option<&Path>,
) -> u8 {
    let scope = Scope::stages(inputs.setup, &[], None, &[]);
    with_session(terminal, signals, inputs, scope, Operation::Plan { detailed }, log, |terminal, state| {
        terminal.result(|mut out| write_plan(&mut out, terminal.style, state));
        tell_failures(terminal, state);
    })
}

/// Shows each stage: done, pending or conflict.
pub fn status(terminal: &Terminal, signals: &mut Signals, inputs: &Inputs, log: Option<&Path>) -> u8 {
    let scope = Scope::stages(inputs.setup, &[], None, &[]);
    with_session(terminal, signals, inputs, scope, Operation::Status, log, |terminal, state| {
        terminal.result(|mut out| write_status(&mut out, terminal.style, state));
        tell_failures(terminal, state);
    })
}

fn with_session(
    terminal: &Terminal,
    signals: &mut Signals,
    inputs: &Inputs,
    scope: Result<Scope, Failure>,
    operation: Operation,
    log: Option<&Path>,
    print: impl FnOnce(&Terminal, &RunState),
) -> u8 {
    if !inputs.say_something() && scope.as_ref().is_ok_and(Scope::needs_answers) {
        return needs_answers(terminal);
    }
    drive::headless(terminal, signals, async |signals| {
        let session = load(terminal, signals, inputs, scope, operation).await?;
        let log = opened(terminal, signals, inputs.setup, log).await?;
        let mut reporters = if terminal.is_json() {
            vec![live(terminal, inputs.setup, None)]
        } else {
            waits(terminal, inputs.setup)
        };
        reporters.extend(log);
        let state = drive(terminal, signals, &session, operation, None, reporters).await;
        let status = status_of(&state);
        if terminal.is_json() || (terminal.volume == Volume::Quiet && !is_noteworthy(&state)) {
            return Ok(status);
        }
        // With `--strict` they are failures, and told as such.
        let warnings: Vec<Failure> = session.notices().iter().filter(|it| it.is_warning()).cloned().collect();
        terminal.tell(&warnings);
        print(terminal, &state);
        Ok(status)
    })
}

/// Something is wrong, or not as it should be.
fn is_noteworthy(state: &RunState) -> bool {
    status_of(state) != status::SUCCESS || state.plan.iter().any(|stage| !stage.changes().is_empty())
}

fn tell_failures(terminal: &Terminal, state: &RunState) {
    if let Some(summary) = &state.summary {
        terminal.tell(&summary.failures);
    }
}

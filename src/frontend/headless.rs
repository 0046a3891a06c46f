//! Headless: no question asked, unless a person runs `run` at a terminal.

use std::path::{Path, PathBuf};

use crate::{
    failure::{Code, Failure, shell_word, status},
    guide::{Guide, files},
    report::{
        Closing, History, NEXT, Reporter, RunState, Transcript, write_checks, write_plan, write_status,
    },
    session::{Inputs, Intent, Scope, Session},
    state::state_dir,
};

use super::{
    console::{Signals, Terminal, Volume, asker::confirm, questions::Reply},
    drive::{self, drive, live, load, log_file, opened, titles, unless_stopped, waits},
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
pub fn run(terminal: &Terminal, inputs: &Inputs, work: Run, log: Option<&Path>) -> u8 {
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
    drive::headless(terminal, async {
        let mut signals = Signals::new();
        let session = match load(terminal, &mut signals, inputs, scope, Intent::Run).await {
            Ok(session) => session,
            Err(status) => return status,
        };
        if must_ask && !terminal.can_ask() {
            let failure =
                Failure::new(Code::NeedsConfirmation, "nobody can confirm that something may be written")
                    .why("`run` asks before it writes, and there is no terminal to ask at")
                    .remedy("give `--yes`, or the answers as `--answers FILE`");
            return terminal.fail(&[failure]);
        }
        let setup = inputs.setup;
        let (named, name, log) = (work.state_dir, session.name().to_owned(), log.map(Path::to_owned));
        let open = move || {
            let folder = state_dir(named)?;
            let transcript = Transcript::create(&folder, &name, titles(setup))?;
            Ok((folder, transcript, log_file(setup, log.as_deref())?))
        };
        let (folder, transcript, log) = match unless_stopped(terminal, &mut signals, open).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(failure)) => return terminal.fail(&[failure]),
            Err(status) => return status,
        };
        if must_ask {
            match ask(terminal, &mut signals, &session).await {
                Answer::Yes => {}
                Answer::No(status) => return status,
            }
        }
        let shown = transcript.path().display().to_string();
        let name = session.name().to_owned();
        let remember = move || History::create(&folder, &name);
        let history = match unless_stopped(terminal, &mut signals, remember).await {
            Ok(history) => history,
            Err(status) => return status,
        };
        let mut reporters: Vec<Box<dyn Reporter + Send>> = vec![
            live(terminal, terminal.style, setup, Some(what_next(&session))),
            Box::new(transcript),
            Box::new(history),
        ];
        reporters.extend(log);
        status_of(&drive(terminal, &mut signals, &session, Intent::Run, Some(shown), reporters).await)
    })
}

enum Answer {
    Yes,
    No(u8),
}

/// Shows what would change and asks a person. Nothing to change needs no answer.
async fn ask(terminal: &Terminal, signals: &mut Signals, session: &Session) -> Answer {
    let state =
        drive(terminal, signals, session, Intent::Preview, None, waits(terminal, session.setup())).await;
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
    match confirm(signals, "Write this?".into()).await {
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
pub(super) fn what_next(session: &Session) -> Closing {
    let (files, whole, local) = (session.files_to_write(), session.runs_all(), session.local_addresses());
    let guide = session.setup().guide;
    Box::new(move |warned| closing(guide, &files, whole, local.as_deref(), warned))
}

/// What to do with `alembic.ini`: it is moved only where it is not beside the manager's scripts already.
pub(super) fn about_alembic(mut warned: impl Iterator<Item = Code>) -> &'static str {
    match warned.any(|code| code == Code::FileAlembic) {
        true => "belongs beside the manager's alembic/ folder",
        false => "the manager's alembic reads it",
    }
}

fn closing(
    guide: &Guide,
    files: &[(&'static str, String)],
    whole: bool,
    local: Option<&str>,
    warned: &[Code],
) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut next = None;
    for (key, path) in files {
        let what = match *key {
            files::ALEMBIC_INI => about_alembic(warned.iter().copied()),
            files::ENVIRONMENT => {
                next = Some(format!("  . {} && {}", shell_word(path), guide.start));
                "source it before you start the manager"
            }
            _ => "the keypairs, only you can read them",
        };
        lines.push(format!("{:46} {path}", format!("{what}:")));
    }
    // Without one of the stages the manager would not start, or not serve.
    if let Some(next) = next.filter(|_| whole) {
        lines.push(NEXT.into());
        lines.push(next);
        lines.push(guide.needs.into());
        lines.extend(local.map(str::to_owned));
    }
    if lines.len() == 1 {
        lines.clear();
    }
    lines
}

/// Makes live checks and prints every ladder.
pub fn check(terminal: &Terminal, inputs: &Inputs, checks: &[String], log: Option<&Path>) -> u8 {
    let scope = Scope::checks(inputs.setup, checks).map(Scope::and_stages);
    with_session(terminal, inputs, scope, Intent::Check, log, |terminal, state| {
        terminal.result(|mut out| write_checks(&mut out, terminal.style, state));
        // What a check found stands in its ladder.
        let found: Vec<&Failure> = state.checks.iter().flat_map(|(.., verdict)| verdict.failures()).collect();
        let failures = state.summary.iter().flat_map(|summary| &summary.failures);
        let others: Vec<Failure> = failures.filter(|failure| !found.contains(failure)).cloned().collect();
        terminal.tell(&others);
    })
}

/// Shows what would change.
pub fn plan(terminal: &Terminal, inputs: &Inputs, detailed: bool, log: Option<&Path>) -> u8 {
    let scope = Scope::stages(inputs.setup, &[], None, &[]);
    with_session(terminal, inputs, scope, Intent::Plan { detailed }, log, |terminal, state| {
        terminal.result(|mut out| write_plan(&mut out, terminal.style, state));
        tell_failures(terminal, state);
    })
}

/// Shows each stage: done, pending or conflict.
pub fn status(terminal: &Terminal, inputs: &Inputs, log: Option<&Path>) -> u8 {
    let scope = Scope::stages(inputs.setup, &[], None, &[]);
    with_session(terminal, inputs, scope, Intent::Status, log, |terminal, state| {
        terminal.result(|mut out| write_status(&mut out, terminal.style, state));
        tell_failures(terminal, state);
    })
}

fn with_session(
    terminal: &Terminal,
    inputs: &Inputs,
    scope: Result<Scope, Failure>,
    intent: Intent,
    log: Option<&Path>,
    print: impl FnOnce(&Terminal, &RunState),
) -> u8 {
    if !inputs.say_something() && scope.as_ref().is_ok_and(Scope::needs_answers) {
        return needs_answers(terminal);
    }
    drive::headless(terminal, async {
        let mut signals = Signals::new();
        let session = match load(terminal, &mut signals, inputs, scope, intent).await {
            Ok(session) => session,
            Err(status) => return status,
        };
        let log = match opened(terminal, &mut signals, inputs.setup, log).await {
            Ok(log) => log,
            Err(status) => return status,
        };
        if terminal.is_json() {
            let mut reporters = vec![live(terminal, terminal.style, inputs.setup, None)];
            reporters.extend(log);
            return status_of(&drive(terminal, &mut signals, &session, intent, None, reporters).await);
        }
        let mut reporters = waits(terminal, inputs.setup);
        reporters.extend(log);
        let state = drive(terminal, &mut signals, &session, intent, None, reporters).await;
        if terminal.volume == Volume::Quiet && !is_noteworthy(&state) {
            return status_of(&state);
        }
        // With `--strict` they are failures, and told as such.
        let warnings: Vec<Failure> = session.notices().iter().filter(|it| it.is_warning()).cloned().collect();
        terminal.tell(&warnings);
        print(terminal, &state);
        status_of(&state)
    })
}

/// Something is wrong, or not as it should be.
fn is_noteworthy(state: &RunState) -> bool {
    status_of(state) != status::SUCCESS || state.plan.iter().any(|stage| !stage.changes.is_empty())
}

fn tell_failures(terminal: &Terminal, state: &RunState) {
    if let Some(summary) = &state.summary {
        terminal.tell(&summary.failures);
    }
}

pub(super) fn status_of(state: &RunState) -> u8 {
    state.summary.as_ref().map_or(status::INTERNAL, |summary| summary.status)
}

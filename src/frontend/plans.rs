//! `plan` and `apply`: what would change, shown and saved; and exactly that, written.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    failure::{Code, Failure, shell_word, status},
    guide::{Origin, Variable},
    report::{RunState, write_plan, write_plan_summary},
    session::{Inputs, LoadedAnswers, Operation, PlanFile, SavedPlan, Scope, Session},
    state::StateDir,
};

use super::{
    console::{
        Signals, Terminal,
        asker::Asker,
        questions::{Question, Reply},
    },
    drive::{Invocation, headless, json, run_until_signal},
    headless::{needs_answers, record, show, write},
};

/// What `plan` is asked for.
#[derive(Debug, Default)]
pub struct Planning {
    /// Tell by the exit status whether there are changes.
    pub detailed: bool,
    /// How many changes each stage has, instead of each change.
    pub summary: bool,
    /// The file in which it is saved.
    pub out: Option<PathBuf>,
    /// Where the key of saved plans is kept.
    pub state_dir: Option<PathBuf>,
}

/// Shows what would change, and saves it where that is wanted.
pub fn plan(invocation: &Invocation<'_>, signals: &mut Signals, planning: Planning) -> u8 {
    let Invocation { terminal, inputs, .. } = invocation;
    if !inputs.say_something() {
        return needs_answers(terminal);
    }
    let Planning { detailed, summary, out, state_dir } = planning;
    let operation = Operation::Plan { detailed };
    let scope = Scope::stages(inputs.setup, &[], None, &[]);
    headless(terminal, signals, async |signals| {
        let state_dir_given = state_dir.clone();
        let (session, saves) = match out {
            None => (invocation.load(signals, scope, operation).await?, false),
            Some(path) => {
                let folder = state_dir_of(terminal, inputs, state_dir)?;
                let fixture = inputs.run_options.fixture.clone();
                let look = move || PlanFile::at(&folder, &path, fixture.as_deref());
                let file = in_order(terminal, signals, look).await?;
                let mut inputs = inputs.clone();
                inputs.run_options.surroundings.fingerprints = file.key.clone();
                (load_asking(terminal, signals, &inputs, scope, operation).await?.saving(Some(file)), true)
            }
        };
        let json = json(terminal, summary);
        show(invocation, signals, &session, operation, json, |terminal, state| {
            if summary {
                terminal.result(|mut out| write_plan_summary(&mut out, terminal.style, state));
            } else {
                terminal.result(|mut out| write_plan(&mut out, terminal.style, state));
            }
            terminal.tell(state.failures());
            if saves {
                tell_of_file(terminal, inputs, state_dir_given.as_deref(), state);
            }
        })
        .await
    })
}

/// Where the plan is, and the command that applies it.
fn tell_of_file(terminal: &Terminal, inputs: &Inputs, state_dir: Option<&Path>, state: &RunState) {
    let Some(path) = &state.saved else { return terminal.note("No plan was saved.") };
    terminal.note(&format!("saved, only you can read it:  {path}"));
    let mut words = vec![env!("CARGO_PKG_NAME").to_owned(), "apply".to_owned(), shell_word(path)];
    let mut add = |flag: &str, value: &str| words.extend([flag.to_owned(), shell_word(value)]);
    inputs.answers.iter().for_each(|file| add("--answers", file));
    inputs.set.iter().for_each(|pair| add("--set", pair));
    if let Some(folder) = state_dir {
        add("--state-dir", &folder.to_string_lossy());
    }
    words.extend(inputs.development.then(|| "--development".to_owned()));
    terminal.note(&format!("next:  {}", words.join(" ")));
}

/// Writes exactly what a saved plan says, or nothing: giving the file is the confirmation.
pub fn apply(
    invocation: &Invocation<'_>,
    signals: &mut Signals,
    path: PathBuf,
    state_dir: Option<PathBuf>,
) -> u8 {
    let Invocation { terminal, inputs, .. } = invocation;
    let setup = inputs.setup;
    if !inputs.say_something() {
        let failure = Failure::new(Code::NeedsAnswers, "nothing says which servers are meant")
            .why("a saved plan holds no answers and no secrets: they are read again")
            .remedy("give those that it was made with, for example `--answers FILE`");
        return terminal.fail(&[failure]);
    }
    headless(terminal, signals, async |signals| {
        let folder = state_dir_of(terminal, inputs, state_dir)?;
        let from = folder.clone();
        let plan = in_order(terminal, signals, move || SavedPlan::read(setup, &from, &path)).await?;
        let mut inputs = inputs.clone();
        let run_options = &mut inputs.run_options;
        run_options.surroundings.fingerprints = plan.key.clone();
        run_options.overwrite = plan.overwrite;
        run_options.fixture.clone_from(&plan.fixture);
        let scope = Scope::stages(setup, &plan.stages(), None, &[]);
        let session = load_asking(terminal, signals, &inputs, scope, Operation::Run).await?;
        let fit = move || session.applying(plan);
        let session =
            run_until_signal(terminal, signals, fit).await?.map_err(|moved| terminal.fail(&moved))?;
        let recorder = record(invocation, signals, &session, Ok(folder)).await?;
        Ok(write(invocation, signals, &session, recorder).await)
    })
}

fn state_dir_of(terminal: &Terminal, inputs: &Inputs, named: Option<PathBuf>) -> Result<StateDir, u8> {
    StateDir::find(named, inputs.surroundings().clone()).map_err(|failure| terminal.fail(&[failure]))
}

/// Work that reads files; what is in the way is reported, and so is a signal.
async fn in_order<T: Send + 'static>(
    terminal: &Terminal,
    signals: &mut Signals,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, u8> {
    run_until_signal(terminal, signals, work).await?.map_err(|failure| terminal.fail(&[failure]))
}

/// Reads and judges the answers. What a person is to enter is asked for where one sits at the terminal: a plan is made
/// and applied with the same answers, so both commands ask.
async fn load_asking(
    terminal: &Terminal,
    signals: &mut Signals,
    inputs: &Inputs,
    scope: Result<Scope, Failure>,
    operation: Operation,
) -> Result<Session, u8> {
    let scope = scope.map_err(|failure| terminal.fail(&[failure]))?;
    let given = inputs.clone();
    let load = move || Session::load_answers(&given, &scope).map(|answers| (answers, scope));
    let loaded = run_until_signal(terminal, signals, load).await?;
    let (mut answers, scope) = loaded.map_err(|failures| terminal.fail(&failures))?;
    if terminal.can_ask() && answers.problems.is_empty() {
        enter(terminal, signals, &mut answers).await?;
    }
    let run_options = inputs.run_options.clone();
    let judge = move || Session::of_answers(answers, &run_options, scope, operation);
    run_until_signal(terminal, signals, judge).await?.map_err(|failures| terminal.fail(&failures))
}

/// Asks for each secret that a person is to enter.
async fn enter(terminal: &Terminal, signals: &mut Signals, loaded: &mut LoadedAnswers) -> Result<(), u8> {
    let (asked, left): (Vec<_>, Vec<_>) = std::mem::take(&mut loaded.to_ask)
        .into_iter()
        .partition(|(_, failure)| failure.code == Code::NeedsAnswers);
    loaded.to_ask = left;
    if !loaded.to_ask.is_empty() {
        // Nothing goes on without these, whatever is entered.
        return Ok(());
    }
    let mut asker = Asker::detect(&terminal.surroundings.environment);
    for (key, failure) in asked {
        let Some((section, variable)) = question_of(loaded, key) else { continue };
        let question = Question {
            title: format!("{section}: {}", variable.title),
            help: variable.help.to_owned(),
            default: None,
            empty: None,
            secret: true,
            judge: Arc::new(move |text| judge(variable, text)),
        };
        let status = match asker.text(signals, &question).await {
            Reply::Is(text) => {
                if let Err(failure) = loaded.answers.set(key, text, Origin::Typed) {
                    return Err(terminal.fail(&[failure]));
                }
                continue;
            }
            Reply::Back | Reply::Nothing => {
                return Err(terminal
                    .fail(&[Failure { what: format!("`{key}` must be entered, and was not"), ..failure }]));
            }
            Reply::Interrupted => status::INTERRUPTED,
            Reply::Stopped(status) => status,
        };
        terminal.note("Nothing was written.");
        return Err(status);
    }
    Ok(())
}

fn question_of(loaded: &LoadedAnswers, key: &str) -> Option<(&'static str, &'static Variable)> {
    let sections = loaded.answers.guide().sections.iter();
    let mut all = sections.flat_map(|section| section.variables.iter().map(|it| (section.title, it)));
    all.find(|(_, variable)| variable.key == key)
}

/// Why a text cannot be taken, in one line.
fn judge(variable: &Variable, text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err(format!("{} is needed to go on.", variable.title));
    }
    (variable.validate)(text).map_err(|refused| {
        let failure = Failure::new(Code::AnswersValue, refused.why);
        format!("{}: {}.", failure.what, refused.remedy)
    })
}

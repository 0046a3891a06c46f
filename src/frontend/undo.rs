//! `undo`: what a run changed is put back, after a person has seen it.

use std::path::PathBuf;

use crate::{
    failure::{Code, Failure},
    guide::Answers,
    session::{Operation, Session, undo_scope},
    state::StateDir,
};

use super::{
    console::Signals,
    drive::{self, Invocation, run_until_signal},
    headless::{ask, needs_answers, record, write},
};

/// What `undo` is asked for.
#[derive(Debug, Default)]
pub struct Undo {
    /// These stages, or all.
    pub stages: Vec<String>,
    /// This run, or the last one.
    pub run: Option<String>,
    /// Where the journals are kept.
    pub state_dir: Option<PathBuf>,
    /// `--yes` was given: nobody has to confirm.
    pub yes: bool,
}

/// Shows what would be put back, and does it when that is confirmed.
pub fn undo(invocation: &Invocation<'_>, signals: &mut Signals, work: Undo) -> u8 {
    let Invocation { terminal, inputs, .. } = invocation;
    let setup = inputs.setup;
    if !inputs.say_something() {
        return needs_answers(terminal);
    }
    let folder = StateDir::find(work.state_dir, inputs.surroundings().clone());
    drive::headless(terminal, signals, async |signals| {
        let (given, kept) = (inputs.clone(), folder.clone());
        let load = move || {
            let secrets = setup.server_secrets();
            let choose =
                |answers: &Answers| undo_scope(setup, &kept?, answers, work.run.as_deref(), &work.stages);
            Session::load_for(&given, &secrets, choose, Operation::Run)
        };
        let loaded = run_until_signal(terminal, signals, load).await?;
        let session = loaded.map_err(|failures| terminal.fail(&failures))?;
        if !work.yes && !terminal.can_ask() {
            let failure =
                Failure::new(Code::NeedsConfirmation, "nobody can confirm that something may be put back")
                    .why("`undo` asks before it writes, and there is no terminal to ask at")
                    .remedy("give `--yes`");
            return Err(terminal.fail(&[failure]));
        }
        let session = match work.yes {
            true => session,
            false => {
                let confirmed = ask(terminal, signals, &session, "Put this back?").await?;
                session.confirmed(Some(confirmed))
            }
        };
        let recorder = record(invocation, signals, &session, folder).await?;
        Ok(write(invocation, signals, &session, recorder).await)
    })
}

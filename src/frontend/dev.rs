//! The development stack at the command line.

use std::path::PathBuf;

use crate::{
    devstack::{self, Server, Stack, Status},
    failure::{Failure, status as exit},
    guide::Guide,
    state::StateDir,
    surroundings::Surroundings,
};

pub use crate::devstack::Options;

use super::{
    console::{Signals, Terminal, asker::may_remove},
    drive::in_runtime,
};

/// What can be done with the development stack in this folder.
#[derive(Debug)]
pub enum Dev {
    /// Starts what does not run and waits until both servers answer.
    Up(Options),
    /// Stops what runs; the data stay.
    Down(Options),
    /// Shows what runs.
    Status(Options),
    /// Stops what runs and removes all data.
    Reset {
        /// Which one.
        stack: Options,
        /// Nobody has to confirm.
        yes: bool,
    },
}

/// The stack in this folder, or the usual one.
pub fn stack_at(dir: Option<PathBuf>, surroundings: &Surroundings) -> Options {
    let usual = Options::usual(surroundings.clone());
    match dir {
        Some(dir) => Options { home: std::path::absolute(&dir).unwrap_or(dir), ..usual },
        None => usual,
    }
}

/// Serves a command.
pub fn serve(terminal: &Terminal, signals: &mut Signals, guide: &Guide, command: Dev) -> u8 {
    in_runtime(terminal, async {
        let mut say = |line: &str| terminal.note(line);
        match command {
            Dev::Up(options) => match devstack::up(&options, &mut say).await {
                Ok(stack) => {
                    let result = serde_json::to_value(&stack).unwrap_or_default();
                    terminal
                        .answer("dev_stack", result, exit::SUCCESS, || tell_stack(terminal, guide, &stack))
                }
                Err(failure) => terminal.fail(&[failure]),
            },
            Dev::Down(stack) => ended(terminal, devstack::down(&stack, &mut say).await),
            Dev::Status(stack) => {
                let status = devstack::status(&stack).await;
                let reached = if status.is_up() { exit::SUCCESS } else { exit::NOT_AS_WANTED };
                let result = serde_json::to_value(&status).unwrap_or_default();
                terminal.answer("dev_status", result, reached, || tell_status(terminal, &status))
            }
            Dev::Reset { stack, yes } => match may_reset(terminal, signals, &stack, yes).await {
                Ok(()) => {
                    let addresses = devstack::own_addresses(&stack).await;
                    let reset = devstack::reset(&stack, &mut say).await;
                    if matches!(reset, Ok(true)) {
                        forget(terminal, &addresses);
                    }
                    ended(terminal, reset)
                }
                Err(status) => status,
            },
        }
    })
}

/// What was set up on servers that are gone is no target any more. What cannot be forgotten is found by the next run.
fn forget(terminal: &Terminal, addresses: &[String]) {
    let Ok(folder) = StateDir::find(None, terminal.surroundings.clone()) else { return };
    for target in folder.targets().unwrap_or_default() {
        if target.servers().stand_at(addresses) && folder.remove(&target).is_ok() {
            terminal.note(&format!("target {} ({}) forgotten", target.name(), target.servers()));
        }
    }
}

fn ended(terminal: &Terminal, done: Result<bool, Failure>) -> u8 {
    match done {
        Ok(_) => terminal.end(exit::SUCCESS, &[]),
        Err(failure) => terminal.fail(&[failure]),
    }
}

/// Asks before all data are removed; the exit status when they are not to be.
async fn may_reset(terminal: &Terminal, signals: &mut Signals, stack: &Options, yes: bool) -> Result<(), u8> {
    let Some(question) = devstack::reset_question(stack).filter(|_| !yes) else { return Ok(()) };
    if !terminal.can_ask() {
        return Err(terminal.fail(&[devstack::reset_unconfirmed(stack)]));
    }
    may_remove(terminal, signals, question).await
}

/// Says where the servers are; on other ports also what to add to the answers.
fn tell_stack(terminal: &Terminal, guide: &Guide, stack: &Stack) {
    terminal.result(|out| {
        let whose = |server: &Server| {
            if server.is_ours() { "" } else { "  (not the stack's; used, never stopped)" }
        };
        for (title, server) in [("etcd      ", &stack.etcd), ("PostgreSQL", &stack.postgres)] {
            writeln!(out, "{title}  localhost:{}  {}{}", server.port, server.version, whose(server))?;
        }
        writeln!(out, "mount       {}", stack.mount.display())?;
        let set = stack.flags(&terminal.surroundings.environment, guide);
        if !set.is_empty() {
            writeln!(out, "To use it, add:  --development {}", set.join(" "))?;
        }
        Ok(())
    });
}

fn tell_status(terminal: &Terminal, status: &Status) {
    terminal.result(|out| {
        writeln!(out, "etcd        {}", status.etcd.words())?;
        writeln!(out, "PostgreSQL  {}", status.postgres.words())?;
        match &status.mount {
            Some(mount) => writeln!(out, "mount       {}", mount.display()),
            None => writeln!(out, "mount       not there"),
        }
    });
}

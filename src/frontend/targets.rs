//! `targets`: what was set up from this machine, as its last runs left it. No server is asked.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::{
    failure::{Code, Failure, status as exit},
    session::Setup,
    state::{StateDir, Target},
};

use super::{
    console::{Signals, Terminal, asker::may_remove},
    drive::in_runtime,
    wizard::kept::{KeptTarget, kept_targets, runs},
};

/// `7 of 7 done  2 days ago`.
fn words(target: &KeptTarget, setup: &Setup, now: Timestamp) -> String {
    format!("{}  {}", target.state(setup), target.when(now)).trim_end().to_owned()
}

/// Lists them.
pub fn list(terminal: &Terminal, setup: &'static Setup, folder: Option<PathBuf>) -> u8 {
    let folder = StateDir::find(folder, terminal.surroundings.clone());
    let kept = folder.and_then(|folder| kept_targets(setup, &folder));
    let kept = match kept {
        Ok(kept) => kept,
        Err(failure) => return terminal.fail(&[failure]),
    };
    let now = terminal.surroundings.clock.now();
    let result = serde_json::json!({ "targets": kept });
    terminal.answer("targets", result, exit::SUCCESS, || {
        if kept.is_empty() {
            terminal.note("Nothing was set up from this machine yet.");
        }
        let width = |text: fn(&KeptTarget) -> &str| {
            kept.iter().map(|target| unicode_width::UnicodeWidthStr::width(text(target))).max().unwrap_or(0)
        };
        let (names, servers) = (width(|target| &target.name), width(|target| &target.servers));
        terminal.result(|out| {
            for target in &kept {
                let words = words(target, setup, now);
                let (name, place) = (padded(&target.name, names), padded(&target.servers, servers));
                writeln!(out, "{name}  {place}  {}  {words}", target.id)?;
            }
            Ok(())
        });
    })
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(unicode_width::UnicodeWidthStr::width(text))))
}

/// Forgets one, after a person has read what goes with it.
pub fn remove(
    terminal: &Terminal,
    signals: &mut Signals,
    folder: Option<PathBuf>,
    name: &str,
    yes: bool,
) -> u8 {
    in_runtime(terminal, async {
        let found = StateDir::find(folder, terminal.surroundings.clone()).and_then(|folder| {
            let target = named(&folder, name)?;
            let runs = runs(&target)?;
            Ok((folder, target, runs))
        });
        let (folder, target, runs) = match found {
            Ok(found) => found,
            Err(failure) => return terminal.fail(&[failure]),
        };
        let lost = match runs {
            0 => "no run of it can be undone now either".to_owned(),
            1 => "1 run can no longer be undone".to_owned(),
            runs => format!("{runs} runs can no longer be undone"),
        };
        if !yes && let Err(status) = may_forget(terminal, signals, &target, &lost).await {
            return status;
        }
        match folder.remove(&target) {
            Err(failure) => terminal.fail(&[failure]),
            Ok(()) => {
                let result = serde_json::json!({ "id": target.id(), "name": target.name(), "runs": runs });
                terminal.answer("target_removed", result, exit::SUCCESS, || {
                    terminal.result(|out| {
                        writeln!(out, "{} ({}) is forgotten: {lost}.", target.name(), target.servers())?;
                        writeln!(out, "Its servers stay as they are.")
                    });
                })
            }
        }
    })
}

/// The target of this name, or of this id.
fn named(folder: &StateDir, name: &str) -> Result<Target, Failure> {
    let all = folder.targets()?;
    let mut found: Vec<&Target> = all.iter().filter(|target| target.id() == name).collect();
    if found.is_empty() {
        found = all.iter().filter(|target| target.name() == name).collect();
    }
    match found.as_slice() {
        [target] => Ok((*target).clone()),
        [] => {
            let known: Vec<&str> = all.iter().map(Target::name).collect();
            let failure = Failure::new(Code::Usage, format!("there is no target `{}`", name.escape_debug()));
            Err(match known.as_slice() {
                [] => failure.remedy("`backendai-setup targets` lists them; there is none yet"),
                known => failure.remedy(format!("the targets are {}", known.join(", "))),
            })
        }
        several => {
            let ids: Vec<String> =
                several.iter().map(|target| format!("{} ({})", target.id(), target.servers())).collect();
            Err(Failure::new(Code::Usage, format!("{} targets are called `{name}`", several.len()))
                .remedy(format!("name one by its id: {}", ids.join(", "))))
        }
    }
}

/// Asks before anything is forgotten; the exit status when it is not to be.
async fn may_forget(
    terminal: &Terminal,
    signals: &mut Signals,
    target: &Target,
    lost: &str,
) -> Result<(), u8> {
    if !terminal.can_ask() {
        let failure =
            Failure::new(Code::NeedsConfirmation, "nobody can confirm that a target may be forgotten")
                .why("there is no terminal to ask at")
                .remedy("give `--yes`");
        return Err(terminal.fail(&[failure]));
    }
    terminal.note(&format!("{} ({}): {lost}.", target.name(), target.servers()));
    may_remove(terminal, signals, "Forget it?".into()).await
}

//! The command line: which face serves which command.

mod args;
mod manual;

use std::{
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command as Process, ExitCode},
};

use clap::{CommandFactory, Parser};

use crate::{
    failure::{Code, Failure, status, words},
    frontend::{Output, Terminal, headless, prompt, tui},
    session::{Inputs, Offering, Overwrite, limit_operations},
};

use args::{AnswersCommand, Cli, Color, Command, Global, MountCommand, OverwriteFlags, Shell};

/// Parses the command line and serves it.
pub fn start() -> ExitCode {
    if let Err(error) = leave_postgres_names_behind() {
        let why = error.to_string();
        let failure = Failure::new(Code::Internal, "the program could not start itself anew")
            .why(why)
            .remedy("unset PGSSLROOTCERT, PGSSLCERT, PGSSLKEY and PGOPTIONS");
        return ExitCode::from(Terminal::new(Output::Text, false).fail(&[failure]));
    }
    let cli = Cli::parse();
    match cli.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    let Global { answers, set, development, output, ascii, yes, state_dir, timeout, .. } = cli.global;
    if let Some(limit) = timeout {
        limit_operations(limit);
    }
    let terminal = Terminal::new(output, ascii);
    let takes_overwrite = matches!(cli.command, None | Some(Command::Run { .. } | Command::Plan { .. }));
    if cli.overwrite.any() && !takes_overwrite {
        return terminal.refuse_idle(
            "`--replace-mount`, `--prune`, `--rotate-keypairs` and `--fixture` go with `run` and `plan`",
        );
    }
    // A flag without effect is refused, never ignored.
    let offline = matches!(
        cli.command,
        Some(
            Command::Explain { .. }
                | Command::Dev(_)
                | Command::Completions { .. }
                | Command::Man { .. }
                | Command::Answers(AnswersCommand::Schema)
                | Command::Images { copy_samples: Some(_), .. }
        )
    );
    let answered = !answers.is_empty() || !set.is_empty() || development;
    let writes = matches!(cli.command, None | Some(Command::Run { .. }));
    if (offline && answered) || (!writes && state_dir.is_some()) {
        return terminal.refuse_idle(if offline && answered {
            "`--answers`, `--set` and `--development` mean nothing to this command"
        } else {
            "`--state-dir` goes with `run`"
        });
    }
    let outer = cli.overwrite;
    let inputs = |inner: OverwriteFlags, answers: Vec<String>| Inputs {
        answers,
        set: set.clone(),
        development,
        fixture: inner.fixture.or(outer.fixture.clone()),
        overwrite: Overwrite {
            mount: inner.replace_mount || outer.replace_mount,
            leftovers: inner.prune || outer.prune,
            keypairs: inner.rotate_keypairs || outer.rotate_keypairs,
        },
    };
    let none = OverwriteFlags::default();
    if cli.review && (cli.command.is_some() || answers.is_empty()) {
        return terminal.refuse_idle("`--review` goes with `--answers FILE` and without a command");
    }
    if cli.plain && (cli.command.is_some() || yes || (!answers.is_empty() && !cli.review)) {
        return terminal
            .refuse_idle("`--plain` is the wizard as line prompts: it takes no command, and `--answers FILE` with `--review`");
    }
    let wizard = cli.review || (answers.is_empty() && !yes && terminal.is_full());
    let reached = match cli.command {
        None if cli.plain || (wizard && prompt::is_accessible()) => {
            prompt::serve(&terminal, &inputs(none, answers), state_dir, cli.review)
        }
        None if wizard => tui::serve(&terminal, &inputs(none, answers), state_dir, cli.review),
        None => {
            let work = headless::Run {
                stages: Vec::new(),
                from: None,
                skip: Vec::new(),
                state_dir,
                yes,
                bare: true,
            };
            headless::run(&terminal, &inputs(none, answers), work)
        }
        Some(Command::Run { stages, from, skip, overwrite }) => {
            let work = headless::Run { stages, from, skip, state_dir, yes, bare: false };
            headless::run(&terminal, &inputs(overwrite, answers), work)
        }
        Some(Command::Check { checks }) => headless::check(&terminal, &inputs(none, answers), &checks),
        Some(Command::Plan { detailed_exitcode, overwrite }) => {
            headless::plan(&terminal, &inputs(overwrite, answers), detailed_exitcode)
        }
        Some(Command::Status) => headless::status(&terminal, &inputs(none, answers)),
        Some(Command::Images { copy_samples: Some(folder), .. }) => {
            crate::frontend::offline::copy_samples(&terminal, &folder)
        }
        Some(Command::Images { pull_commands, .. }) => {
            crate::frontend::offline::images(&terminal, &inputs(none, answers), pull_commands)
        }
        Some(Command::Answers(AnswersCommand::Init { file, minimal })) => {
            crate::frontend::answers::init(&terminal, &inputs(none, answers), &file, minimal)
        }
        Some(Command::Answers(AnswersCommand::Schema)) => crate::frontend::answers::schema(&terminal),
        Some(Command::Answers(AnswersCommand::Validate { files })) => {
            let all = answers.into_iter().chain(files).collect();
            crate::frontend::answers::validate(&terminal, &inputs(none, all))
        }
        Some(Command::Answers(AnswersCommand::Show { files })) => {
            let all = answers.into_iter().chain(files).collect();
            crate::frontend::answers::show(&terminal, &inputs(none, all))
        }
        Some(Command::Mount(MountCommand::Offer { lasting, nodes })) => {
            crate::frontend::mount::offer(&terminal, &inputs(none, answers), Offering { lasting, nodes })
        }
        Some(Command::Mount(MountCommand::Verify { node })) => {
            crate::frontend::mount::verify(&terminal, &inputs(none, answers), node)
        }
        Some(Command::Dev(command)) => crate::frontend::dev::serve(&terminal, command, yes),
        Some(Command::Explain { code }) => crate::frontend::offline::explain(&terminal, code.as_deref()),
        Some(Command::Completions { shell }) => completions(&terminal, shell),
        Some(Command::Man { out: None }) => {
            terminal.result(|out| manual::page(out));
            status::SUCCESS
        }
        Some(Command::Man { out: Some(folder) }) => write_manual(&terminal, &folder),
    };
    ExitCode::from(terminal.status(reached))
}

fn completions(terminal: &Terminal, shell: Shell) -> u8 {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), env!("CARGO_PKG_NAME"), &mut script);
    terminal.result(|out| out.write_all(&script));
    status::SUCCESS
}

/// Writes a page for each command.
fn write_manual(terminal: &Terminal, folder: &Path) -> u8 {
    match manual::pages(folder) {
        Ok(()) => status::SUCCESS,
        Err(error) => {
            let what = format!("the manual pages could not be written into `{}`", folder.display());
            let failure = Failure::new(Code::FileWrite, what).why(words(&error));
            terminal.fail(&[failure.remedy("name a folder that is there and can be written")])
        }
    }
}

/// The database library takes every option that is not given from `PG*` names of the environment, TLS files
/// among them, and cannot be told not to. So the program starts itself anew without them.
fn leave_postgres_names_behind() -> io::Result<()> {
    // Host, user, password and the like are always set, so those names do no harm.
    let names = ["PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGOPTIONS"];
    if names.iter().all(|name| std::env::var_os(name).is_none()) {
        return Ok(());
    }
    let mut again = Process::new(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1));
    for name in names {
        again.env_remove(name);
    }
    Err(again.exec())
}

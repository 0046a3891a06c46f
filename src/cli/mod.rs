//! The command line: which face serves which command.

mod args;
mod idle;
mod manual;

use std::{
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command as Process, ExitCode},
};

use clap::{CommandFactory, Parser};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    failure::{Code, Failure, Tolerance, status, words},
    frontend::{Output, Terminal, Volume, answers, dev, headless, is_spoken, mount, offline, prompt, tui},
    session::{Inputs, Offering, Overwrite, Terms, limit_operations},
};

use args::{AnswersCommand, Cli, Color, Command, Global, Lists, MountCommand, OverwriteFlags, Shell};

/// Parses the command line and serves it.
pub fn start() -> ExitCode {
    leave_no_core();
    if let Err(error) = leave_postgres_names_behind() {
        let why = error.to_string();
        let failure = Failure::new(Code::Internal, "the program could not start itself anew")
            .why(why)
            .remedy("unset PGSSLROOTCERT, PGSSLCERT, PGSSLKEY and PGOPTIONS");
        return ExitCode::from(Terminal::new(Output::Text, false).fail(&[failure]));
    }
    let mut cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(not_understood(&error)),
    };
    match cli.global.color {
        Color::Auto if is_spoken() => anstream::ColorChoice::Never.write_global(),
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    if let Some(limit) = cli.global.timeout {
        limit_operations(limit);
    }
    let volume = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => Volume::Quiet,
        (false, true) => Volume::Verbose,
        (false, false) => Volume::Normal,
    };
    let terminal = Terminal::new(cli.global.output, cli.global.ascii).at(volume);
    let lists = cli.take_lists();
    let wizard = cli.command.is_none()
        && (cli.review || cli.plain || (lists.answers.is_empty() && !cli.global.yes && terminal.is_full()));
    let mut problems = idle::idle(&cli, &lists, wizard);
    let accept = lists.accept.iter().map(|code| acceptable(code));
    let accept = accept.filter_map(|code| code.map_err(|failure| problems.push(failure)).ok()).collect();
    if !problems.is_empty() {
        return ExitCode::from(terminal.fail(&problems));
    }
    let tolerance = Tolerance { strict: cli.global.strict, accept };
    let reached = serve(cli, lists, &terminal, wizard, tolerance);
    ExitCode::from(terminal.status(reached))
}

/// Help and version as asked for; else what is wrong with the command line.
fn not_understood(error: &clap::Error) -> u8 {
    if !error.use_stderr() {
        // Whoever closed the pipe has read enough.
        let _ = error.print();
        return status::SUCCESS;
    }
    let text = error.render().to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let what = lines.first().copied().unwrap_or("the command line is not understood");
    // What is possible, missing or meant, up to the usage line.
    let more =
        lines.iter().skip(1).take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let more: Vec<&str> = more.map(|line| line.trim_start_matches("tip: ")).collect();
    let failure = Failure::new(Code::Usage, what.trim_start_matches("error: ").trim_end_matches(':'));
    let failure = if more.is_empty() { failure } else { failure.why(more.join("; ")) };
    let failure = failure.remedy("`backendai-setup --help` tells what there is");
    // Nothing was parsed, and scripts still read JSON alone.
    let words: Vec<_> = std::env::args_os().collect();
    let asks_for_json = words.windows(2).any(|pair| pair[0] == "--output" && pair[1] == "json")
        || words.iter().any(|word| word == "--output=json");
    Terminal::new(if asks_for_json { Output::Json } else { Output::Text }, false).fail(&[failure])
}

/// A code that a check or a remark can have.
fn acceptable(given: &str) -> Result<Code, Failure> {
    let code = offline::known_code(given)?;
    if Tolerance::can_accept(code) {
        return Ok(code);
    }
    Err(Failure::new(Code::Usage, format!("`{code}` cannot be accepted"))
        .why(format!("it is no finding of a check: {}", code.title()))
        .remedy(format!("take `--accept {code}` out, and fix what it tells")))
}

fn serve(cli: Cli, lists: Lists, terminal: &Terminal, wizard: bool, tolerance: Tolerance) -> u8 {
    let Lists { answers, set, .. } = lists;
    let Global { development, yes, state_dir, wait, log_file, .. } = cli.global;
    let outer = cli.overwrite;
    let inputs = |inner: OverwriteFlags, answers: Vec<String>| Inputs {
        answers,
        set: set.clone(),
        development,
        terms: Terms {
            fixture: inner.fixture.or(outer.fixture.clone()),
            overwrite: Overwrite {
                mount: inner.replace_mount || outer.replace_mount,
                leftovers: inner.prune || outer.prune,
                keypairs: inner.rotate_keypairs || outer.rotate_keypairs,
                published: inner.replace_published_keys || outer.replace_published_keys,
            },
            tolerance: tolerance.clone(),
            wait,
        },
    };
    let none = OverwriteFlags::default();
    let log_file = log_file.as_deref();
    match cli.command {
        None if cli.plain || (wizard && prompt::is_accessible()) => {
            prompt::serve(terminal, &inputs(none, answers), state_dir, cli.review)
        }
        None if wizard => tui::serve(terminal, &inputs(none, answers), state_dir, cli.review),
        None => {
            let work = headless::Run { state_dir, yes, bare: true, ..headless::Run::default() };
            headless::run(terminal, &inputs(none, answers), work, log_file)
        }
        Some(Command::Run { stages, from, skip, overwrite, .. }) => {
            let work = headless::Run { stages, from, skip, state_dir, yes, bare: false };
            headless::run(terminal, &inputs(overwrite, answers), work, log_file)
        }
        Some(Command::Check { checks, .. }) => {
            headless::check(terminal, &inputs(none, answers), &checks, log_file)
        }
        Some(Command::Plan { detailed_exitcode, overwrite, .. }) => {
            headless::plan(terminal, &inputs(overwrite, answers), detailed_exitcode, log_file)
        }
        Some(Command::Status { .. }) => headless::status(terminal, &inputs(none, answers), log_file),
        Some(Command::Images { copy_samples: Some(folder), .. }) => offline::copy_samples(terminal, &folder),
        Some(Command::Images { pull_commands, .. }) => {
            offline::images(terminal, &inputs(none, answers), pull_commands)
        }
        Some(Command::Answers(command)) => {
            serve_answers(command, terminal, |files| inputs(none, answers.into_iter().chain(files).collect()))
        }
        Some(Command::Mount(MountCommand::Offer { lasting, nodes, .. })) => {
            mount::offer(terminal, &inputs(none, answers), Offering { lasting, nodes }, log_file)
        }
        Some(Command::Mount(MountCommand::Verify { node, .. })) => {
            mount::verify(terminal, &inputs(none, answers), node, log_file)
        }
        Some(Command::Dev(command)) => dev::serve(terminal, command, yes),
        Some(Command::Explain { code }) => offline::explain(terminal, code.as_deref()),
        Some(Command::Completions { shell }) => completions(terminal, shell),
        Some(Command::Man { out: None }) => {
            terminal.result(|out| manual::page(out));
            status::SUCCESS
        }
        Some(Command::Man { out: Some(folder) }) => write_manual(terminal, &folder),
    }
}

fn serve_answers(
    command: AnswersCommand,
    terminal: &Terminal,
    inputs: impl FnOnce(Vec<String>) -> Inputs,
) -> u8 {
    match command {
        AnswersCommand::Init { file, minimal, .. } => {
            answers::init(terminal, &inputs(Vec::new()), &file, minimal)
        }
        AnswersCommand::Schema => answers::schema(terminal),
        AnswersCommand::Validate { files, .. } => answers::validate(terminal, &inputs(files)),
        AnswersCommand::Show { files, .. } => answers::show(terminal, &inputs(files)),
    }
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

/// A core file would hold every secret, so there is none: before the first of them is read. A program that we start
/// may allow itself one again.
fn leave_no_core() {
    let maximum = getrlimit(Resource::Core).maximum;
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
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

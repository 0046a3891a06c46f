//! The command line: which face serves which command.

mod args;
mod completions;
mod flags;
mod help;
mod kept;
mod manual;
mod order;
mod refused;
mod schema;
mod settings;
mod values;

use std::{
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command as Process, ExitCode},
};

use clap::{CommandFactory, Parser};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    disk::Access,
    environment::Environment,
    failure::{Code, Failure, Tolerance, status, words},
    frontend::{
        BEFORE, BROKEN_OFF, Invocation, Output, Signals, Terminal, answers, dev, headless, is_accessible,
        is_spoken, mount, offline, plans, prompt, schema as schemas, targets, tui, undo,
    },
    limits::Limits,
    session::{Inputs, Judging, OfferLimits, Overwrite, RunOptions},
    surroundings::Surroundings,
};

use args::{AnswersCommand, Cli, Command, DevCommand, MountCommand, Place, Shell};
use flags::{Asking, Color, Looking, OverwriteFlags, Sources, Writing};
use kept::{TargetsArgs, TargetsCommand, UndoArgs};
use schema::{SchemaCommand, SchemaWriting};
use values::SETUP;

/// Parses the command line and serves it.
pub fn start(mut signals: Signals, surroundings: Surroundings) -> ExitCode {
    leave_no_core();
    if let Err(error) = leave_postgres_names_behind(&surroundings.environment) {
        let why = error.to_string();
        let failure = Failure::new(Code::Internal, "the program could not restart itself")
            .why(why)
            .remedy("unset PGSSLROOTCERT, PGSSLCERT, PGSSLKEY and PGOPTIONS");
        return ExitCode::from(Terminal::new(Output::Text, false, surroundings).fail(&[failure]));
    }
    let given = order::command_first(&Cli::command(), surroundings.environment.arguments().iter().cloned());
    let cli = match Cli::try_parse_from(&given.words) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(not_understood(&error, &given.command, surroundings)),
    };
    let settings = cli.output_settings();
    match settings.look.color {
        Color::Auto if is_spoken(&surroundings.environment) => anstream::ColorChoice::Never.write_global(),
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    let surroundings = surroundings.within(Limits::of_operations(settings.timeout));
    let terminal = Terminal::new(settings.output, settings.look.ascii, surroundings).at(settings.volume);
    // A wizard may have written something, and so may the development setup.
    let begins_at_once = cli.command.is_none() || matches!(cli.command, Some(Command::Dev(_)));
    signals.end_as(&terminal, if begins_at_once { BROKEN_OFF } else { BEFORE });
    let answers_are_named = !cli.asking.sources.answers.is_empty();
    let wizard = cli.command.is_none()
        && (cli.review || cli.plain || (!answers_are_named && !cli.writing.yes && terminal.is_full()));
    let mut problems = if wizard { not_for_the_wizard(&cli) } else { Vec::new() };
    let accept = settings.severity.accept.iter().map(|code| acceptable(code));
    let accept = accept.filter_map(|code| code.map_err(|failure| problems.push(failure)).ok()).collect();
    if !problems.is_empty() {
        return ExitCode::from(terminal.fail(&problems));
    }
    let tolerance = Tolerance { strict: settings.severity.strict, accept };
    let reached = serve(cli, &terminal, &mut signals, wizard, tolerance);
    ExitCode::from(terminal.status(reached))
}

/// Help and version as asked for; else what is wrong with the command line.
fn not_understood(error: &clap::Error, command: &[String], surroundings: Surroundings) -> u8 {
    if !error.use_stderr() {
        let terminal = Terminal::new(Output::Text, false, surroundings);
        terminal.result(|out| write!(out, "{}", error.render().ansi()));
        return terminal.status(status::SUCCESS);
    }
    let failure = refused::explain(error, &Cli::command(), command);
    // Nothing was parsed, and scripts still read JSON alone.
    let environment = surroundings.environment.clone();
    let words = environment.arguments();
    let asks_for_json = words.windows(2).any(|pair| pair[0] == "--output" && pair[1] == "json")
        || words.iter().any(|word| word == "--output=json");
    Terminal::new(if asks_for_json { Output::Json } else { Output::Text }, false, surroundings)
        .fail(&[failure])
}

/// Flags that go without a command, but not with the wizard: one without effect is refused, never ignored.
fn not_for_the_wizard(cli: &Cli) -> Vec<Failure> {
    let Cli { asking, volume, writing, plain, review, .. } = cli;
    let answers = !asking.sources.answers.is_empty();
    let headless = "the wizard does without it";
    let flags = [
        (*review && !answers, "--review", "it fills the wizard in from `--answers FILE`"),
        (*plain && answers && !review, "--answers", "with `--plain` it goes with `--review`"),
        (writing.yes, "--yes", "the wizard asks before it writes"),
        (asking.wait.is_some(), "--wait", headless),
        (asking.log_file.is_some(), "--log-file", headless),
        (volume.quiet, "--quiet", headless),
        (volume.verbose, "--verbose", headless),
        (asking.form.output == Output::Json, "--output json", headless),
    ];
    let idle = flags.into_iter().filter(|(is_idle, ..)| *is_idle);
    idle.map(|(_, flag, why)| {
        Failure::new(Code::Usage, format!("`{flag}` would have no effect here"))
            .why(why)
            .remedy("remove the flag, or name a command, for example `run`")
    })
    .collect()
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

/// What a command is given besides its own arguments.
fn inputs(sources: Sources, overwrite: OverwriteFlags, run_options: RunOptions) -> Inputs {
    let Sources { answers, set, development } = sources;
    let OverwriteFlags { replace_mount, prune, rotate_keypairs, replace_published_keys, drop_usage, fixture } =
        overwrite;
    let overwrite = Overwrite {
        mount: replace_mount,
        stale_keys: prune,
        keypairs: rotate_keypairs,
        published: replace_published_keys,
        usage: drop_usage,
    };
    Inputs {
        setup: SETUP,
        answers,
        set,
        development,
        run_options: RunOptions { fixture, overwrite, ..run_options },
    }
}

/// Does the wizard ask line by line: as it was told, for who listens, or since a terminal that does not report its size has
/// too little room? That is said.
fn asks_lines(terminal: &Terminal, plain: bool, wizard: bool) -> bool {
    if plain || !wizard || is_accessible(&terminal.surroundings.environment) {
        return plain || wizard;
    }
    let too_small = tui::too_small(terminal);
    too_small.iter().for_each(|why| terminal.note(why));
    too_small.is_some()
}

fn serve(cli: Cli, terminal: &Terminal, signals: &mut Signals, wizard: bool, tolerance: Tolerance) -> u8 {
    let run_options = RunOptions { tolerance, ..RunOptions::new(terminal.surroundings.clone()) };
    let none = OverwriteFlags::default;
    let asking = |Asking { sources, wait, log_file: log, .. }: Asking, overwrite: OverwriteFlags| {
        let inputs = inputs(sources, overwrite, RunOptions { wait, ..run_options.clone() });
        Invocation { terminal, inputs, log }
    };
    match cli.command {
        None => {
            let Writing { overwrite, yes, state_dir } = cli.writing;
            let invocation = asking(cli.asking, overwrite);
            if asks_lines(terminal, cli.plain, wizard) {
                prompt::serve(terminal, signals, &invocation.inputs, state_dir, cli.review)
            } else if wizard {
                tui::serve(terminal, signals, &invocation.inputs, state_dir, cli.review)
            } else {
                let work = headless::Run { state_dir, yes, bare: true, ..headless::Run::default() };
                headless::run(&invocation, signals, work)
            }
        }
        Some(Command::Run { stages, from, skip, writing, asking: given, .. }) => {
            let Writing { overwrite, yes, state_dir } = writing;
            let work = headless::Run { stages, from, skip, state_dir, yes, bare: false };
            headless::run(&asking(given, overwrite), signals, work)
        }
        Some(Command::Check { checks, overwrite, asking: given, .. }) => {
            headless::check(&asking(given, overwrite), signals, &checks)
        }
        Some(Command::Plan {
            detailed_exitcode, summary, out, state_dir, overwrite, asking: given, ..
        }) => {
            let planning = plans::Planning { detailed: detailed_exitcode, summary, out, state_dir };
            plans::plan(&asking(given, overwrite), signals, planning)
        }
        Some(Command::Apply { file, state_dir, asking: given, .. }) => {
            plans::apply(&asking(given, none()), signals, file, state_dir)
        }
        Some(Command::Status { asking: given, .. }) => headless::status(&asking(given, none()), signals),
        Some(Command::Undo(UndoArgs { stages, run, yes, state_dir, asking: given, .. })) => {
            let work = undo::Undo { stages, run, state_dir, yes };
            undo::undo(&asking(given, none()), signals, work)
        }
        Some(Command::Schema(command)) => serve_schema(command, terminal, signals, run_options),
        Some(Command::Targets(given)) => serve_targets(given, terminal, signals),
        Some(Command::Images { copy_samples: Some(folder), .. }) => {
            offline::copy_samples(terminal, SETUP.guide, &folder)
        }
        Some(Command::Images { pull_commands, sources, .. }) => {
            offline::images(terminal, signals, &inputs(sources, none(), run_options), pull_commands)
        }
        Some(Command::Answers(command)) => serve_answers(command, terminal, signals, run_options),
        Some(Command::Mount(command)) => serve_mount(command, terminal, signals, run_options),
        Some(Command::Dev(command)) => {
            dev::serve(terminal, signals, SETUP.guide, stack(command, &terminal.surroundings))
        }
        Some(Command::Explain { code, .. }) => offline::explain(terminal, code.as_deref()),
        Some(Command::Completions { shell, .. }) => complete(terminal, shell),
        Some(Command::Man { out, .. }) => man(terminal, out.as_deref()),
    }
}

fn complete(terminal: &Terminal, shell: Shell) -> u8 {
    terminal.result(|out| out.write_all(completions::script(shell).as_bytes()));
    status::SUCCESS
}

fn serve_schema(
    command: SchemaCommand,
    terminal: &Terminal,
    signals: &mut Signals,
    run_options: RunOptions,
) -> u8 {
    let looking = |given: Looking| inputs(given.sources, OverwriteFlags::default(), run_options.clone());
    let writing = |SchemaWriting { yes, state_dir, asking, .. }: SchemaWriting| {
        let Asking { sources, wait, log_file: log, .. } = asking;
        let run_options = RunOptions { wait, ..run_options.clone() };
        let invocation =
            Invocation { terminal, inputs: inputs(sources, OverwriteFlags::default(), run_options), log };
        (invocation, schemas::Writing { yes, state_dir })
    };
    match command {
        SchemaCommand::Show(given) => schemas::show(terminal, signals, &looking(given)),
        SchemaCommand::Diff(given) => schemas::diff(terminal, signals, &looking(given)),
        SchemaCommand::Sql { span, .. } => schemas::script(terminal, SETUP.guide, span.as_deref()),
        SchemaCommand::Stamp { revision, writing: given } => {
            let (invocation, given) = writing(given);
            schemas::stamp(&invocation, signals, &revision, given)
        }
        SchemaCommand::Repair(given) => {
            let (invocation, given) = writing(given);
            schemas::repair(&invocation, signals, given)
        }
    }
}

fn serve_targets(given: TargetsArgs, terminal: &Terminal, signals: &mut Signals) -> u8 {
    match given.command {
        None => targets::list(terminal, SETUP, given.state_dir),
        Some(TargetsCommand::Remove { name, yes, state_dir, .. }) => {
            targets::remove(terminal, signals, state_dir, &name, yes)
        }
    }
}

fn serve_mount(
    command: MountCommand,
    terminal: &Terminal,
    signals: &mut Signals,
    run_options: RunOptions,
) -> u8 {
    let asking = |Asking { sources, wait, log_file: log, .. }: Asking| {
        let run_options = RunOptions { wait, ..run_options.clone() };
        Invocation { terminal, inputs: inputs(sources, OverwriteFlags::default(), run_options), log }
    };
    match command {
        MountCommand::Offer { lasting, nodes, asking: given, .. } => {
            mount::offer(&asking(given), signals, OfferLimits { lasting, nodes })
        }
        MountCommand::Verify { node, asking: given, .. } => mount::verify(&asking(given), signals, node),
    }
}

/// What is to be done with the development stack.
fn stack(command: DevCommand, surroundings: &Surroundings) -> dev::Dev {
    let at = |place: Place| dev::stack_at(place.dir, surroundings);
    match command {
        DevCommand::Up { place, etcd_port, postgres_port } => {
            dev::Dev::Up(dev::Options { etcd_port, postgres_port, ..at(place) })
        }
        DevCommand::Down(place) => dev::Dev::Down(at(place)),
        DevCommand::Status(place) => dev::Dev::Status(at(place)),
        DevCommand::Reset { place, yes } => dev::Dev::Reset { stack: at(place), yes },
    }
}

fn serve_answers(
    command: AnswersCommand,
    terminal: &Terminal,
    signals: &mut Signals,
    run_options: RunOptions,
) -> u8 {
    let inputs = |sources: Sources, files: Vec<String>| {
        let answers = sources.answers.into_iter().chain(files).collect();
        inputs(Sources { answers, ..sources }, OverwriteFlags::default(), run_options)
    };
    match command {
        AnswersCommand::Init { file, minimal, sources, .. } => {
            answers::init(terminal, signals, &inputs(sources, Vec::new()), &file, minimal)
        }
        AnswersCommand::Schema { .. } => answers::schema(terminal, SETUP.guide),
        AnswersCommand::Validate { files, sources, with_secrets, partial, .. } => {
            answers::validate(terminal, signals, &inputs(sources, files), Judging { with_secrets, partial })
        }
        AnswersCommand::Show { files, sources, .. } => {
            answers::show(terminal, signals, &inputs(sources, files))
        }
    }
}

/// Prints the manual page, or writes one for each command.
fn man(terminal: &Terminal, folder: Option<&Path>) -> u8 {
    let Some(folder) = folder else {
        terminal.result(|out| manual::page(out));
        return status::SUCCESS;
    };
    let into = folder.to_owned();
    match terminal.surroundings.disk.access(folder, Access::Write, move || manual::pages(&into)) {
        Err(failure) => terminal.fail(&[failure]),
        Ok(Ok(())) => status::SUCCESS,
        Ok(Err(error)) => {
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
fn leave_postgres_names_behind(environment: &Environment) -> io::Result<()> {
    // Host, user, password and the like are always set, so those names do no harm.
    let names = ["PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGOPTIONS"];
    if names.iter().all(|name| environment.get(name).is_none()) {
        return Ok(());
    }
    let mut again = Process::new(environment.program().ok_or(io::ErrorKind::NotFound)?);
    again.args(environment.arguments().iter().skip(1));
    for name in names {
        again.env_remove(name);
    }
    Err(again.exec())
}

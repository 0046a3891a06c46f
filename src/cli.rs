//! The command line: types for clap, and which face serves which command.

use std::{
    io,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command as Process, ExitCode},
};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    failure::{Code, Failure},
    frontend::{Output, Terminal, headless, tui},
    session::{Inputs, Overwrite},
};

/// Prepares an etcd cluster and a PostgreSQL database for the Backend.AI manager.
///
/// Without a command it opens the wizard on this terminal. With `--answers FILE` and no command all
/// stages run, and no question is asked.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(flatten)]
    overwrite: OverwriteFlags,
    /// Opens the wizard, filled in from the answers files
    #[arg(long)]
    review: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Stages:
  load-images, load-aliases, set-mount, create-database, write-config,
  install-schema, populate-fixtures
Exit statuses:
  0 success            4 not fit, conflict    8 another run holds the lock
  1 internal error     5 unreachable          9 not as wanted
  2 usage              6 refused             10 an answer is needed
  3 answers or input   7 partly written     129, 130, 143 stopped by a signal
`backendai-setup explain CODE` tells what an error code means.";

#[derive(Debug, Args)]
struct Global {
    /// Answers file; may be given several times, later ones win; `-` is stdin
    #[arg(long, value_name = "FILE", global = true, help_heading = "Everywhere")]
    answers: Vec<String>,
    /// Sets one answer, for example etcd.namespace=local
    #[arg(long, value_name = "KEY=VALUE", global = true, help_heading = "Everywhere")]
    set: Vec<String>,
    /// Fills in the values of the guide's development setup
    #[arg(long, global = true, help_heading = "Everywhere")]
    development: bool,
    /// How results are written
    #[arg(long, value_enum, default_value_t = Output::Text, global = true, help_heading = "Everywhere")]
    output: Output,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true, help_heading = "Everywhere")]
    color: Color,
    /// Plain signs: [x] instead of ✓
    #[arg(long, global = true, help_heading = "Everywhere")]
    ascii: bool,
    /// Needs no confirmation
    #[arg(long, short = 'y', global = true, help_heading = "Everywhere")]
    yes: bool,
    /// Where transcripts and unfinished answers are kept
    #[arg(long, value_name = "DIR", global = true, help_heading = "Everywhere")]
    state_dir: Option<PathBuf>,
}

/// Each overwrites one foreign thing; there is none for everything.
#[derive(Debug, Clone, Default, Args)]
struct OverwriteFlags {
    /// Replaces another shared folder that etcd already names
    #[arg(long)]
    replace_mount: bool,
    /// Removes image keys that are left from an older list
    #[arg(long)]
    prune: bool,
    /// Makes new keypairs and deactivates those that are there
    #[arg(long)]
    rotate_keypairs: bool,
    /// Pours the rows of this fixture instead of two new keypairs
    #[arg(long, value_name = "FILE")]
    fixture: Option<PathBuf>,
}

impl OverwriteFlags {
    fn any(&self) -> bool {
        self.replace_mount || self.prune || self.rotate_keypairs || self.fixture.is_some()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs all stages, or just these
    Run {
        /// Stages to run
        stages: Vec<String>,
        /// Starts at this stage
        #[arg(long, value_name = "STAGE")]
        from: Option<String>,
        /// Leaves this stage out
        #[arg(long, value_name = "STAGE")]
        skip: Vec<String>,
        #[command(flatten)]
        overwrite: OverwriteFlags,
    },
    /// Probes every target live, all at once: etcd, database, storage, images, files
    Check {
        /// Checks to make
        checks: Vec<String>,
    },
    /// Shows what would change; writes nothing
    Plan {
        /// Exit with status 9 when something would change
        #[arg(long)]
        detailed_exitcode: bool,
        #[command(flatten)]
        overwrite: OverwriteFlags,
    },
    /// Shows each stage: done, pending or conflict; status 9 unless all are done
    Status,
    /// Shows the image list, its aliases and problems
    Images {
        /// Prints the guide's `docker pull` lines instead
        #[arg(long)]
        pull_commands: bool,
        /// Copies the samples into this folder, to be edited
        #[arg(long, value_name = "DIR", conflicts_with = "pull_commands")]
        copy_samples: Option<PathBuf>,
    },
    /// Works on answers files
    #[command(subcommand)]
    Answers(AnswersCommand),
    /// A private etcd on localhost:8120 and PostgreSQL on localhost:8100
    #[command(subcommand)]
    Dev(crate::frontend::dev::DevCommand),
    /// Explains an error code, or lists them all
    Explain {
        /// For example E-DB-AUTH
        code: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
enum AnswersCommand {
    /// Reports every problem of the answers, offline
    Validate {
        /// Answers files, beside those of `--answers`
        files: Vec<String>,
    },
}

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
    let Global { answers, set, development, output, ascii, yes, state_dir, .. } = cli.global;
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
        Some(Command::Explain { .. } | Command::Dev(_) | Command::Images { copy_samples: Some(_), .. })
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
    let wizard = cli.review || (answers.is_empty() && !yes && terminal.is_full());
    let status = match cli.command {
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
        Some(Command::Answers(AnswersCommand::Validate { files })) => {
            let all = answers.into_iter().chain(files).collect();
            crate::frontend::offline::validate(&terminal, &inputs(none, all))
        }
        Some(Command::Dev(command)) => crate::frontend::dev::serve(&terminal, command, yes),
        Some(Command::Explain { code }) => crate::frontend::offline::explain(&terminal, code.as_deref()),
    };
    ExitCode::from(terminal.status(status))
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

//! The stack's own processes, told by their command lines.
//!
//! The truth is the process table, not a file: a process that has this stack's data folder as an
//! argument is ours, whoever crashed in between, and a number that the system gave to somebody else
//! meanwhile is not.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::disk::{self, local};
use crate::environment::Environment;
use crate::failure::{Code, Failure, words};

/// How often something is looked at while waiting for it.
pub(super) const BEAT: Duration = Duration::from_millis(50);

/// A process of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub pid: u32,
    pub arguments: Vec<String>,
}

impl Process {
    /// The running process whose program has this name and that has this very argument.
    pub fn find(environment: &Environment, program: &str, argument: &str) -> Option<Self> {
        let matches: Vec<Self> = table(environment)
            .into_iter()
            .filter(|process| {
                let name = process.arguments.first().and_then(|path| Path::new(path).file_name()?.to_str());
                name == Some(program) && process.arguments.iter().skip(1).any(|known| known == argument)
            })
            .collect();
        // A session that was just forked still has its parent's arguments.
        let is_child = |process: &Self| {
            disk::parent(process.pid).is_some_and(|parent| matches.iter().any(|known| known.pid == parent))
        };
        matches.iter().find(|process| !is_child(process)).cloned()
    }

    /// The value of an argument given as `--name=value`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.arguments.iter().find_map(|argument| argument.strip_prefix(name)?.strip_prefix('='))
    }

    fn signal(&self, signal: Signal) -> Result<(), rustix::io::Errno> {
        match Pid::from_raw(self.pid.cast_signed()).map(|pid| kill_process(pid, signal)) {
            None | Some(Ok(()) | Err(rustix::io::Errno::SRCH)) => Ok(()),
            Some(Err(error)) => Err(error),
        }
    }
}

/// Every process with its arguments; those that ended and wait for their parent have none.
fn table(environment: &Environment) -> Vec<Process> {
    let processes: Vec<Process> =
        disk::processes().into_iter().map(|(pid, arguments)| Process { pid, arguments }).collect();
    if processes.is_empty() { table_by_ps(environment) } else { processes }
}

/// A program that gets nothing of this environment, where secrets may be, but where programs are.
pub(super) fn plain(environment: &Environment, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", environment.get("PATH").unwrap_or(OsStr::new("/usr/bin:/bin")));
    command
}

/// For systems without /proc.
fn table_by_ps(environment: &Environment) -> Vec<Process> {
    let Ok(output) = plain(environment, "ps").args(["-axww", "-o", "pid=,command="]).output() else {
        return Vec::new();
    };
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines
        .lines()
        .filter_map(|line| {
            let (pid, command) = line.trim().split_once(' ')?;
            let arguments = command.split_whitespace().map(str::to_owned).collect();
            Some(Process { pid: pid.parse().ok()?, arguments })
        })
        .collect()
}

/// A server's log: where it is, and where this start's part of it begins.
#[derive(Debug)]
pub(super) struct Log {
    pub path: PathBuf,
    from: u64,
}

impl Log {
    /// What the server has said since it was started.
    pub fn text(&self) -> String {
        local::read_log(&self.path, self.from)
    }

    /// The last lines of it.
    pub fn tail(&self) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }
}

/// Starts a server that outlives this program: no terminal, a process group of its own, and a log.
pub(super) fn detach(command: &mut Command, log: &Path) -> Result<(Child, Log), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut start = || -> std::io::Result<(Child, u64)> {
        let (output, errors, from) = local::open_log(log)?;
        Ok((command.process_group(0).stdin(Stdio::null()).stdout(output).stderr(errors).spawn()?, from))
    };
    match start() {
        Ok((child, from)) => Ok((child, Log { path: log.to_owned(), from })),
        Err(error) => Err(Failure::new(Code::DevStart, format!("`{program}` cannot be started"))
            .why(words(&error))
            .remedy(format!(
                "it must be a program this user can run, and this a file it can write: {}",
                log.display()
            ))),
    }
}

/// Sees a server off that ends while this program still runs, so that no dead entry stays behind.
pub(super) fn reap(mut child: Child) {
    std::thread::spawn(move || child.wait());
}

/// Stops a process: each signal in turn, with the time it has to take effect.
pub(super) async fn stop(
    title: &str,
    find: impl Fn() -> Option<Process>,
    signals: &[(Signal, Duration)],
) -> Result<bool, Failure> {
    let Some(process) = find() else { return Ok(false) };
    for (signal, patience) in signals {
        let start = Instant::now();
        for signal in [*signal, Signal::CONT] {
            process.signal(signal).map_err(|error| {
                Failure::new(
                    Code::DevStop,
                    format!("{title} (pid {}) cannot be stopped by this user", process.pid),
                )
                .why(words(&error.into()))
                .remedy("stop it as the user who started it, or as root")
            })?;
        }
        while start.elapsed() < *patience {
            // Asked anew each time: the number may be given to somebody else.
            if find().is_none_or(|now| now.pid != process.pid) {
                return Ok(true);
            }
            tokio::time::sleep(BEAT).await;
        }
    }
    Err(Failure::new(
        Code::DevStop,
        format!("{title} (pid {}) does not end, not even when killed", process.pid),
    )
    .remedy("its disk or file system may hang; look at `dmesg`"))
}

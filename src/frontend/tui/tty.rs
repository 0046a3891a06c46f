//! The terminal that a person sits at: keys and signals come from there, and an editor or pager can have it for a while.

use std::{io, path::Path, process::Stdio};

use futures::FutureExt;
use ratatui::crossterm::{clipboard::CopyToClipboard, execute, terminal::SetTitle};
use rustix::process::{Signal, getpgrp, getpid, kill_process, kill_process_group};
use tokio::{
    process::Command,
    signal::unix::{self, SignalKind},
};

use crate::{
    disk::{Access, local},
    failure::{Code, Failure, status, words},
    frontend::console::{Signals, guard},
    surroundings::Surroundings,
};

use super::{
    input::{Input, Keys},
    msg::Errand,
};

/// The terminal that the wizard is used from; tests have one of their own.
pub trait Tty {
    /// The next thing that a person does; none when the terminal is gone.
    fn next(&mut self) -> impl Future<Output = Option<Input>>;
    /// Forgets keys that were pressed before what is on the screen now was drawn.
    fn forget_pending(&mut self) -> impl Future<Output = ()>;
    /// Hands text to the terminal's clipboard.
    fn copy(&mut self, text: &str);
    /// Sets the window's title.
    fn title(&mut self, text: &str);
    /// Goes away and comes back; no program that is started gets the environment names of secrets.
    ///
    /// # Errors
    /// When the editor or pager cannot be started, or ends with a failure.
    fn away(&mut self, errand: &Errand, secrets: &[String]) -> impl Future<Output = Result<(), Failure>>;
}

/// The terminal of this process.
pub(super) struct ControllingTerminal<'s> {
    keys: Keys,
    signals: &'s mut Signals,
    stop: Option<unix::Signal>,
    resumed: Option<unix::Signal>,
    /// A signal that came while somebody was away, and means the end.
    missed: Option<u8>,
    /// Somebody else sent SIGTSTP, so nobody needs to send it again.
    told_to_stop: bool,
    surroundings: Surroundings,
}

impl<'s> ControllingTerminal<'s> {
    pub(super) fn new(signals: &'s mut Signals, surroundings: Surroundings) -> Self {
        signals.listen();
        let listen = |kind| unix::signal(kind).ok();
        Self {
            keys: Keys::new(&surroundings.environment),
            surroundings,
            signals,
            stop: listen(SignalKind::from_raw(Signal::TSTP.as_raw())),
            resumed: listen(SignalKind::from_raw(Signal::CONT.as_raw())),
            missed: None,
            told_to_stop: false,
        }
    }

    /// Stops this process until somebody continues it.
    fn sleep(&mut self) -> io::Result<()> {
        guard::leave();
        kill_process(getpid(), Signal::STOP)?;
        // Continued. Our own signals need no second look.
        self.forget_signals();
        guard::enter()
    }
}

async fn heard(signal: &mut Option<unix::Signal>) {
    let came = match signal {
        Some(signal) => signal.recv().await.is_some(),
        None => false,
    };
    if !came {
        std::future::pending().await
    }
}

impl Tty for ControllingTerminal<'_> {
    async fn next(&mut self) -> Option<Input> {
        if let Some(status) = self.missed.take() {
            return Some(Input::Signal(status));
        }
        tokio::select! {
            input = self.keys.next() => input,
            status = self.signals.next() => Some(Input::Signal(status)),
            () = heard(&mut self.stop) => {
                self.told_to_stop = true;
                Some(Input::Stop)
            }
            () = heard(&mut self.resumed) => {
                // The shell may have changed the modes meanwhile.
                guard::leave();
                let _ = guard::enter();
                Some(Input::Resumed)
            }
        }
    }

    async fn forget_pending(&mut self) {
        self.keys.drop_pending().await;
    }

    fn copy(&mut self, text: &str) {
        let _ = execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text));
    }

    fn title(&mut self, text: &str) {
        let plain: String = text.chars().filter(|character| !character.is_control()).collect();
        let _ = execute!(io::stdout(), SetTitle(plain));
    }

    async fn away(&mut self, errand: &Errand, secrets: &[String]) -> Result<(), Failure> {
        self.keys.pause();
        let surroundings = &self.surroundings.clone();
        let result = match errand {
            Errand::Suspend => {
                // The whole group stops, as with ^Z at any program: whoever started us gets the terminal back.
                // Our own signal is taken in before, or it would stop us once more afterwards.
                if !std::mem::take(&mut self.told_to_stop)
                    && self.stop.is_some()
                    && kill_process_group(getpgrp(), Signal::TSTP).is_ok()
                {
                    heard(&mut self.stop).await;
                }
                self.sleep().map_err(|error| terminal_failure(&error))
            }
            Errand::Edit(file, line) => {
                self.lend(open(surroundings, "EDITOR", &["vi", "nano"], Some(*line), file, secrets)).await
            }
            Errand::Read(file) => {
                self.lend(open(surroundings, "PAGER", &["less", "more"], None, file, secrets)).await
            }
        };
        self.keys.resume();
        result
    }
}

impl ControllingTerminal<'_> {
    /// Lets a program have the terminal until it ends.
    async fn lend(&mut self, program: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
        guard::leave();
        let done = during(self.signals, &mut self.missed, program).await;
        self.forget_signals();
        guard::enter().map_err(|error| terminal_failure(&error)).and(done)
    }

    /// A ^C in the editor was meant for the editor.
    fn forget_signals(&mut self) {
        while let Some(status) = self.signals.next().now_or_never() {
            if status != status::INTERRUPTED {
                self.missed = Some(status);
            }
        }
        for signal in [&mut self.stop, &mut self.resumed].into_iter().flatten() {
            while signal.recv().now_or_never().is_some() {}
        }
    }
}

/// Waits for a program that has the terminal. A ^C was meant for it; what means the end ends it too.
async fn during(
    signals: &mut Signals,
    missed: &mut Option<u8>,
    program: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    tokio::pin!(program);
    loop {
        tokio::select! {
            done = &mut program => return done,
            status = signals.next() => if status != status::INTERRUPTED {
                *missed = Some(status);
                return Ok(());
            },
        }
    }
}

fn terminal_failure(error: &io::Error) -> Failure {
    Failure::new(Code::Internal, "the terminal could not be taken again").why(words(error))
}

/// The first of these programs that is there.
async fn usual_one(surroundings: &Surroundings, usual: &'static [&'static str]) -> Option<String> {
    let environment = surroundings.environment.clone();
    let is_there = move |program: &&&str| {
        let path = environment.get("PATH").unwrap_or_default().to_owned();
        let here = environment.working_directory().unwrap_or(Path::new("/"));
        !local::programs(program, path, here).is_empty()
    };
    let find = move || usual.iter().find(is_there);
    let found = surroundings.disk.patiently(Path::new("PATH"), Access::Look, find).await;
    found.ok().flatten().map(|program| (*program).to_owned())
}

/// Starts what the environment names, else the first that is there; `+LINE` is understood by all common editors.
async fn open(
    surroundings: &Surroundings,
    name: &str,
    usual: &'static [&'static str],
    line: Option<usize>,
    file: &Path,
    secrets: &[String],
) -> Result<(), Failure> {
    let wanted = ["VISUAL", name].into_iter().filter(|it| *it != "VISUAL" || name == "EDITOR");
    let wanted =
        wanted.filter_map(|name| surroundings.environment.text(name)).find(|value| !value.trim().is_empty());
    let command = match wanted {
        Some(command) => command.to_owned(),
        None => usual_one(surroundings, usual).await.ok_or_else(|| {
            Failure::new(Code::Editor, format!("no program is known to open `{}`", file.display()))
                .remedy(format!("set {name}, for example `export {name}={}`", usual.first().unwrap_or(&"")))
        })?,
    };
    // The shell takes the words of EDITOR apart, as it does for git; the file is no part of its text.
    let line = line.map(|line| format!("+{line}"));
    let script = format!("{command} \"$@\"");
    let mut shell = Command::new("/bin/sh");
    for name in secrets {
        shell.env_remove(name);
    }
    let started = shell
        .args(["-c", &script, "sh"])
        .args(line)
        .arg(file)
        .stdin(Stdio::inherit())
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit())
        // When nobody waits for it any more.
        .kill_on_drop(true)
        .status()
        .await;
    let done = match started {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(Code::Editor, format!("`{command}` ended with {status}"))),
        Err(error) => {
            Err(Failure::new(Code::Editor, format!("`{command}` could not be started")).why(words(&error)))
        }
    };
    done.map_err(|failure| failure.remedy(format!("set {name} to a program that works")))
}

//! The program itself, or another one, run as a user runs it.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{PATIENCE, comes_true, wait_until};

/// The most memory that the program may use in a test that does not say otherwise, in bytes.
const MEMORY: u64 = 200 << 20;
/// The most that it may tell in any test, in bytes.
const WORDS: usize = 1 << 20;

/// A way to run `backendai-setup` in a clean environment, with a home and a working folder of its own.
pub struct Program {
    program: OsString,
    folder: Arc<TempDir>,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    stdin: Option<String>,
    current_dir: PathBuf,
    under: Vec<OsString>,
    memory: u64,
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Outcome {
    /// The exit status; 128 and the number for a signal, as shells say it.
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The program while it runs.
pub struct Running {
    child: Child,
    stdout: Collected,
    stderr: Collected,
    /// What it writes into must not go before it ends.
    _folder: Arc<TempDir>,
}

/// What came out of a pipe so far.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl Program {
    /// The program without arguments.
    pub fn new() -> Self {
        Self::named(env!("CARGO_BIN_EXE_backendai-setup"))
    }

    /// Another program, in the same clean surroundings.
    pub fn named(program: impl Into<OsString>) -> Self {
        let folder = tempfile::Builder::new().prefix("backendai-setup-test-").tempdir().expect("a folder");
        let current_dir = folder.path().join("work");
        for name in ["work", "home"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        Self {
            program: program.into(),
            folder: Arc::new(folder),
            arguments: Vec::new(),
            environment: Vec::new(),
            stdin: None,
            current_dir,
            under: Vec::new(),
            memory: MEMORY,
        }
    }

    /// The path or name of the program.
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// Adds arguments.
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Replaces the arguments, to run again in the same folders.
    pub fn again<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.clear();
        self.args(arguments)
    }

    /// Sets a name of the environment.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Takes a name of the environment out again.
    pub fn without_env(mut self, name: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self
    }

    /// Gives text on stdin; without it stdin is empty.
    pub fn stdin(mut self, text: impl Into<String>) -> Self {
        self.stdin = Some(text.into());
        self
    }

    /// Runs in another folder than [`Program::work`].
    pub fn current_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.current_dir = folder.into();
        self
    }

    /// Starts it by way of another program, for example `setpriv --reuid=1000`: the program and its
    /// arguments follow.
    pub fn under<A: Into<OsString>>(mut self, prefix: impl IntoIterator<Item = A>) -> Self {
        self.under = prefix.into_iter().map(Into::into).collect();
        self
    }

    /// Gives it more memory, in bytes: for lists that are large and fine.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// The working folder: what the program writes without a path lands here.
    pub fn work(&self) -> &Path {
        &self.current_dir
    }

    /// The folder that holds the home and the working folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The home folder, with `.local/state` below it.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Runs to the end; panics when that takes longer than our patience.
    pub fn run(&self) -> Outcome {
        self.start().wait()
    }

    /// Starts it with further arguments, which it forgets again.
    pub fn start_with(&self, more: &[String]) -> Running {
        self.listen(self.spawn(more))
    }

    /// Kills the program as soon as it has written so many lines on stdout, and returns how many there
    /// were: fewer when it ended before.
    pub fn killed_after(&self, lines: usize) -> usize {
        let mut child = self.spawn(&[]);
        drop(collect(child.stderr.take().expect("stderr is a pipe")));
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let seen = stdout.lines().take(lines).filter(Result::is_ok).count();
        let _ = child.kill(); // it may have ended by now
        child.wait().expect("the program is our child");
        seen
    }

    /// Starts the program and returns while it runs.
    pub fn start(&self) -> Running {
        self.listen(self.spawn(&[]))
    }

    fn listen(&self, mut child: Child) -> Running {
        let stdout = collect(child.stdout.take().expect("stdout is a pipe"));
        let stderr = collect(child.stderr.take().expect("stderr is a pipe"));
        Running { child, stdout, stderr, _folder: Arc::clone(&self.folder) }
    }

    /// The whole command with its clean environment; stdin, stdout and stderr are the caller's choice.
    pub fn command<M: AsRef<OsStr>>(&self, more: &[M]) -> Command {
        // A shell in the background hands ignored signals down; the program would honour that.
        let mut command = Command::new("env");
        command.arg("--default-signal=INT,HUP,TERM");
        // Whatever it reads, our program must do with this much memory. The servers of `dev` would inherit it.
        let is_dev =
            self.arguments.iter().any(|word| word == "dev") || more.iter().any(|word| word.as_ref() == "dev");
        if self.program == env!("CARGO_BIN_EXE_backendai-setup") && !is_dev {
            command.args(["prlimit", &format!("--data={}", self.memory)]);
        }
        command
            .args(&self.under)
            .arg(&self.program)
            .args(&self.arguments)
            .args(more)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("LANG", "C.UTF-8")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.current_dir);
        command
    }

    fn spawn(&self, more: &[String]) -> Child {
        let mut child = self
            .command(more)
            .stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        if let (Some(mut pipe), Some(text)) = (child.stdin.take(), self.stdin.clone()) {
            // On a thread: a program that does not read must not block the test.
            thread::spawn(move || pipe.write_all(text.as_bytes()));
        }
        child
    }
}

impl Outcome {
    /// The result in JSON that stands between the version and the summary, of this type.
    pub fn result(&self, kind: &str) -> serde_json::Value {
        let lines = self.stdout.lines().map(serde_json::from_str);
        let mut lines: Vec<serde_json::Value> = lines.collect::<Result<_, _>>().expect("JSON in every line");
        let types: Vec<&str> = lines.iter().filter_map(|line| line["type"].as_str()).collect();
        assert_eq!(types, ["version", kind, "summary"], "{self:?}");
        assert_eq!(lines[2]["status"], self.status, "{self:?}");
        lines.swap_remove(1)
    }
}

impl Running {
    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has written this, on stdout or stderr.
    pub fn until(&self, text: &str) {
        wait_until(text, PATIENCE, || self.has_said(text));
    }

    /// Kills it at that moment, wherever it stands; false when it has ended before.
    pub fn killed_at(&mut self, moment: Duration) -> bool {
        let has_ended = comes_true(moment, || self.has_ended());
        if !has_ended {
            self.signal(Signal::KILL);
            wait_until("it is dead", PATIENCE, || self.has_ended());
        }
        !has_ended
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid().cast_signed()).expect("a process id is not 0");
        kill_process(pid, signal).expect("the program still runs");
    }

    /// True once it has written this on stdout or stderr.
    pub fn has_said(&self, text: &str) -> bool {
        self.stdout.has(text) || self.stderr.has(text)
    }

    /// True once the program has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("the program is our child").is_some()
    }

    /// Waits for the end; panics when that takes longer than our patience.
    pub fn wait(self) -> Outcome {
        self.wait_within(PATIENCE)
    }

    /// The same for what takes longer by itself.
    pub fn wait_within(mut self, patience: Duration) -> Outcome {
        use std::os::unix::process::ExitStatusExt;
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_until("the program ends", patience, || self.has_ended());
        }));
        if result.is_err() {
            let _ = self.child.kill();
        }
        let status = self.child.wait().expect("the program is our child");
        let status =
            status.code().or(status.signal().map(|signal| 128 + signal)).expect("an exit or a signal");
        let (stdout, stderr) = (self.stdout.all(), self.stderr.all());
        assert!(result.is_ok(), "the program did not end within {patience:?}:\n{stdout}\n{stderr}");
        let told = stdout.len() + stderr.len();
        assert!(told <= WORDS, "{told} bytes were told, which begin so: {stdout:.1000}\n{stderr:.1000}");
        Outcome { status, stdout, stderr }
    }
}

impl Drop for Running {
    /// A test that fails leaves nothing running.
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

impl Collected {
    fn has(&self, text: &str) -> bool {
        let bytes = self.bytes.lock().expect("nobody panics with it");
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    fn all(&mut self) -> String {
        self.thread.take().expect("it is asked once").join().expect("the pipe is read");
        let bytes = std::mem::take(&mut *self.bytes.lock().expect("nobody panics with it"));
        String::from_utf8(bytes).expect("the program writes UTF-8")
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> Collected {
    let bytes: Arc<Mutex<Vec<u8>>> = Arc::default();
    let kept = Arc::clone(&bytes);
    let thread = thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            kept.lock().expect("nobody panics with it").extend_from_slice(&buffer[..count]);
        }
    });
    Collected { bytes, thread: Some(thread) }
}

//! A server process with a guard beside it.
//!
//! Static destructors don't run and a killed test process cleans nothing up. So a small shell holds
//! the other end of a pipe: when the test process ends in any way, the pipe closes, and the shell
//! stops the server and removes its folder.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{PATIENCE, comes_true, fresh_folder, wait_until};

/// As long as a server may take that is told to end at once.
const SOON: Duration = Duration::from_secs(20);

const SCRIPT: &str = r#"
server=
while read -r line; do server=$line; done
if [ -n "$server" ]; then
    kill -CONT "$server" 2>/dev/null
    kill -QUIT "$server" 2>/dev/null
    tries=50
    while kill -0 "$server" && ! grep -q ') Z ' "/proc/$server/stat" && [ $((tries -= 1)) -gt 0 ]; do sleep 0.1; done
    kill -KILL "$server" 2>/dev/null
fi
rm -rf "$1"
"#;

/// A folder, a log and at most one server process in it.
pub struct Guarded {
    pub folder: PathBuf,
    server: Option<Child>,
    guard: Child,
}

impl Guarded {
    /// A fresh folder that is removed in any case.
    pub fn new(name: &str) -> Self {
        let folder = fresh_folder(name);
        let guard = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "guard"])
            .arg(&folder)
            .current_dir("/")
            .process_group(0) // Ctrl-C is for the tests, not for their guard
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("/bin/sh starts");
        Self { folder, server: None, guard }
    }

    /// Starts the server; its output goes to the log.
    pub fn spawn(&mut self, command: &mut Command) {
        assert!(self.server.is_none(), "the server runs already");
        let log = File::create(self.log_path()).expect("a log file");
        let server = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log file twice"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        self.tell(&server.id().to_string());
        self.server = Some(server);
    }

    fn tell(&mut self, pid: &str) {
        let pipe = self.guard.stdin.as_mut().expect("the guard listens");
        writeln!(pipe, "{pid}").expect("the guard listens");
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// What the server has said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Waits for a line of the log; false when the server ended before it.
    pub fn comes_up(&mut self, line: &str) -> bool {
        let mut up = false;
        wait_until(&format!("the log says {line:?}"), PATIENCE, || {
            up = self.log().contains(line);
            let server = self.server.as_mut().expect("the server was started");
            up || server.try_wait().expect("the server is our child").is_some()
        });
        if !up {
            self.gone();
        }
        up
    }

    /// The process id of the running server.
    pub fn pid(&self) -> u32 {
        self.server.as_ref().expect("the server runs").id()
    }

    /// True while the server was started and not stopped.
    pub fn is_running(&self) -> bool {
        self.server.is_some()
    }

    /// Sends a signal to the server and to its own children.
    pub fn signal(&self, signal: Signal) {
        let server = self.pid();
        for pid in [vec![server], children(server)].concat() {
            let pid = Pid::from_raw(pid.cast_signed()).expect("a process id is not 0");
            let _ = kill_process(pid, signal); // a child may have ended meanwhile
        }
    }

    /// Ends the server at once and waits until it is gone. One that does not listen is killed.
    pub fn stop(&mut self) {
        if !self.is_running() {
            return;
        }
        self.ask(Signal::QUIT);
        let server = self.server.as_mut().expect("it runs");
        if !comes_true(SOON, || server.try_wait().is_ok_and(|status| status.is_some())) {
            self.signal(Signal::KILL);
        }
        self.gone();
    }

    /// Ends the server with a signal and waits until it is gone.
    pub fn end(&mut self, signal: Signal) {
        if !self.is_running() {
            return;
        }
        self.ask(signal);
        self.gone();
    }

    /// Sends a signal to the server alone, once all of it listens.
    fn ask(&self, signal: Signal) {
        self.signal(Signal::CONT);
        let pid = Pid::from_raw(self.pid().cast_signed()).expect("a process id is not 0");
        let _ = kill_process(pid, signal);
    }

    fn gone(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        wait_until("the server ends", PATIENCE, || server.try_wait().is_ok_and(|status| status.is_some()));
        self.tell(""); // the id may soon be somebody else's
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.stop();
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// The children of a process, as /proc has them.
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| parent_of(*pid) == Some(parent))
        .collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}

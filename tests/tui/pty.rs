//! A bare pseudo-terminal: every byte that a program wrote, and the terminal's settings before and after.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};

use super::Modes;
use crate::servers::{PATIENCE, Program, comes_true};

/// How soon a reader notices that its terminal was closed.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// A program with a terminal of its own as its controlling terminal.
pub struct Pty {
    master: File,
    /// Kept open, so that the settings outlive the program.
    slave: Option<OwnedFd>,
    child: Child,
    before: String,
    output: Arc<Mutex<Vec<u8>>>,
    closed: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

/// What a program left behind.
#[derive(Debug)]
pub struct Left {
    /// The exit status; 128 and the number for a signal.
    pub status: i32,
    /// Everything that it wrote, on stdout and stderr.
    pub output: Vec<u8>,
    /// The terminal's settings before the program began.
    pub before: String,
    /// The terminal's settings when it had ended.
    pub after: String,
}

impl Left {
    /// What is still on in the terminal.
    pub fn modes(&self) -> Modes {
        Modes::after(&self.output)
    }

    /// What it wrote, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// Panics unless settings and modes are as they were.
    pub fn is_as_before(&self) {
        assert_eq!(self.before, self.after, "the terminal's settings have changed\n{}", self.text());
        assert!(self.modes().are_as_before(), "still on: {:?}\n{}", self.modes(), self.text());
    }
}

impl Pty {
    /// Starts the program with further arguments and names of the environment.
    pub fn start(
        columns: u16,
        rows: u16,
        program: &Program,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("the system has pseudo-terminals");
        grantpt(&master).expect("the terminal is ours");
        unlockpt(&master).expect("the terminal is ours");
        let name = ptsname(&master, Vec::new()).expect("the terminal has a name");
        let slave: OwnedFd = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlags::NOCTTY.bits().cast_signed())
            .open(name.to_str().expect("a path"))
            .expect("the terminal opens")
            .into();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&slave, size).expect("a terminal has a size");
        let before = settings(&slave);
        let plain = program.command(arguments);
        // A session of its own; the terminal on stdin becomes its controlling terminal.
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(plain.get_program())
            .args(plain.get_args())
            .env_clear()
            .env("TERM", "xterm-256color")
            .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .envs(environment.iter().copied())
            .current_dir(program.work())
            .stdin(slave.try_clone().expect("the terminal twice"))
            .stdout(slave.try_clone().expect("the terminal twice"))
            .stderr(slave.try_clone().expect("the terminal twice"))
            .spawn()
            .expect("setsid starts: it comes with util-linux");
        let master = File::from(master);
        let output = Arc::new(Mutex::new(Vec::new()));
        let closed = Arc::new(AtomicBool::new(false));
        let reader = thread::spawn({
            let mut master = master.try_clone().expect("the terminal twice");
            let (output, closed) = (Arc::clone(&output), Arc::clone(&closed));
            move || {
                let mut bytes = [0; 4096];
                while !closed.load(Ordering::Relaxed) {
                    let mut ready = [PollFd::new(&master, PollFlags::IN)];
                    if poll(&mut ready, Some(&TICK)).is_ok_and(|count| count == 0) {
                        continue;
                    }
                    // An error says that nobody has the other side open any more.
                    let Ok(count @ 1..) = master.read(&mut bytes) else { return };
                    output.lock().expect("nobody panics with it").extend_from_slice(&bytes[..count]);
                }
            }
        });
        Self { master, slave: Some(slave), child, before, output, closed, reader: Some(reader) }
    }

    /// Types bytes; `\x03` is Ctrl-C.
    pub fn write(&mut self, bytes: &[u8]) {
        self.master.write_all(bytes).expect("the terminal takes them");
    }

    /// The process id of the program.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a process id is not 0");
        kill_process(pid, signal).expect("the program still runs");
    }

    /// Makes the terminal larger or smaller; the program is told by SIGWINCH.
    pub fn resize(&self, columns: u16, rows: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.master, size).expect("a terminal has a size");
    }

    /// The terminal's settings at this moment.
    pub fn settings(&self) -> String {
        settings(self.slave.as_ref().expect("open until the end"))
    }

    /// The settings from before the program began.
    pub fn settings_before(&self) -> &str {
        &self.before
    }

    /// What the program has written so far.
    pub fn output(&self) -> Vec<u8> {
        self.output.lock().expect("nobody panics with it").clone()
    }

    /// Waits until the program has written this text.
    pub fn wait_for(&self, text: &str) {
        let shown = || String::from_utf8_lossy(&self.output()).into_owned();
        let came = comes_true(PATIENCE, || shown().contains(text));
        assert!(came, "waited {PATIENCE:?} in vain for {text:?}\n{}", shown());
    }

    /// Waits until the program has changed the terminal's settings, as every screen and question does.
    pub fn wait_for_raw(&self) {
        let came = comes_true(PATIENCE, || self.settings() != self.before);
        assert!(came, "the settings are as before\n{}", String::from_utf8_lossy(&self.output()));
    }

    /// Closes the terminal as a lost connection does, and waits for the program's end; its status.
    pub fn hang_up(mut self) -> i32 {
        self.closed.store(true, Ordering::Relaxed);
        self.reader.take().expect("it reads until now").join().expect("it does not panic");
        self.slave = None;
        self.master = File::open("/dev/null").expect("/dev/null opens");
        self.status()
    }

    /// True once the program has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("the program is our child").is_some()
    }

    /// Waits for the program's end.
    pub fn wait(mut self) -> Left {
        let status = self.status();
        let after = self.settings();
        // The reader comes to its end when all is read and nobody has the terminal open.
        self.slave = None;
        self.reader.take().expect("it reads until now").join().expect("it does not panic");
        Left { status, output: self.output(), before: self.before.clone(), after }
    }

    fn status(&mut self) -> i32 {
        let ended = comes_true(PATIENCE, || self.child.try_wait().is_ok_and(|status| status.is_some()));
        assert!(ended, "no end within {PATIENCE:?}\n{}", String::from_utf8_lossy(&self.output()));
        let status = self.child.wait().expect("the program is our child");
        status.code().or(status.signal().map(|signal| 128 + signal)).expect("an exit or a signal")
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

fn settings(terminal: &OwnedFd) -> String {
    format!("{:#?}", tcgetattr(terminal).expect("a terminal has settings"))
}

//! A terminal that can be read: a tmux server of its own with one window.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::servers::{Guarded, PATIENCE, Program, binary, comes_true};

/// What a version does not know, `-q` passes over. (`window-size manual` here makes tmux 3.3a crash.)
const OPTIONS: &str = "\
set -gq default-terminal @TERM@
set -sq escape-time 0
set -sq set-clipboard on
set -gq status off
set -gq remain-on-exit on
set -gq remain-on-exit-format ''
set -gq update-environment ''
";

/// A program on a screen of a known size.
pub struct Tmux {
    server: Guarded,
    size: Cell<(u16, u16)>,
    sent: Cell<usize>,
    pane: Pid,
}

impl Tmux {
    /// Starts the program with further arguments and names of the environment.
    pub fn start(
        columns: u16,
        rows: u16,
        program: &Program,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let command = program.command(arguments);
        let mut words = surroundings(&command, environment);
        words.push(command.get_program().to_owned());
        words.extend(command.get_args().map(OsStr::to_owned));
        Self::open(columns, rows, program.work(), &words)
    }

    /// Starts a shell with job control; the program's path is in `$PROGRAM`.
    pub fn shell(columns: u16, rows: u16, program: &Program) -> Self {
        let mut words = surroundings(&program.command::<&str>(&[]), &[("PS1", "$ ")]);
        words.push(pair("PROGRAM".as_ref(), program.program()));
        words.extend(["bash", "--noprofile", "--norc", "-i"].map(OsString::from));
        let shell = Self::open(columns, rows, program.work(), &words);
        shell.wait_for("$");
        shell
    }

    fn open(columns: u16, rows: u16, folder: &Path, words: &[OsString]) -> Self {
        let mut server = Guarded::new("tmux");
        let options = server.folder.join("tmux.conf");
        std::fs::write(&options, OPTIONS.replace("@TERM@", terminal())).expect("the folder is ours");
        let mut command = tmux(&server.folder);
        command.arg("-f").arg(&options).arg("-D").env("HOME", &server.folder);
        server.spawn(&mut command);
        let socket = socket(&server.folder);
        let up = comes_true(PATIENCE, || std::os::unix::net::UnixStream::connect(&socket).is_ok());
        assert!(up, "tmux does not start: {}", server.log());
        let mut open = tmux(&server.folder);
        open.args(["new-session", "-d", "-x", &columns.to_string(), "-y", &rows.to_string()]);
        open.args(["-P", "-F", "#{pane_pid}", "-c"]).arg(folder).args(words);
        let pane = said(&mut open).trim().parse().expect("a process id");
        let pane = Pid::from_raw(pane).expect("a process id is not 0");
        Self { server, size: Cell::new((columns, rows)), sent: Cell::new(0), pane }
    }

    /// Presses keys by tmux's names: `Enter`, `Tab`, `BTab`, `C-c`, `Escape`, `Up`, `PPage`, `F1`, `w`.
    pub fn keys(&self, names: &[&str]) {
        for name in names {
            self.tell(&["send-keys", "--", &unbroken(name)]);
        }
        self.sent.set(self.sent.get() + names.len());
    }

    /// Types text; every character counts as a key.
    pub fn text(&self, text: &str) {
        self.tell(&["send-keys", "-l", "--", &unbroken(text)]);
        self.sent.set(self.sent.get() + text.chars().count());
    }

    /// Pastes text as a terminal does, in brackets where the program asked for them; one key.
    pub fn paste(&self, text: &str) {
        let mut load = tmux(&self.server.folder);
        load.args(["load-buffer", "-b", "paste", "-"]);
        let mut child =
            load.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("tmux was there before");
        let mut pipe = child.stdin.take().expect("stdin is a pipe");
        pipe.write_all(text.as_bytes()).expect("tmux reads");
        drop(pipe);
        assert!(child.wait().is_ok_and(|status| status.success()), "tmux takes the text");
        self.tell(&["paste-buffer", "-p", "-d", "-b", "paste"]);
        self.sent.set(self.sent.get() + 1);
    }

    /// How many keys were sent so far.
    pub fn sent(&self) -> usize {
        self.sent.get()
    }

    /// What stands on the screen, without spaces at the ends of lines and without empty lines at its end.
    pub fn screen(&self) -> String {
        let screen = self.tell(&["capture-pane", "-p"]);
        let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
        lines.join("\n").trim_end().to_owned()
    }

    /// The whole screen with the escape sequences of its colours.
    pub fn coloured(&self) -> String {
        self.tell(&["capture-pane", "-e", "-N", "-p"])
    }

    /// Waits until the screen shows this text.
    pub fn wait_for(&self, text: &str) {
        self.wait_until(&format!("{text:?} is on the screen"), |screen| screen.contains(text));
    }

    /// Waits until the screen no longer shows this text.
    pub fn wait_gone(&self, text: &str) {
        self.wait_until(&format!("{text:?} is gone"), |screen| !screen.contains(text));
    }

    /// Waits for a condition; panics with the screen when it does not come true.
    pub fn wait_until(&self, what: &str, condition: impl Fn(&str) -> bool) {
        let came = comes_true(PATIENCE, || condition(&self.screen()));
        assert!(came, "waited {PATIENCE:?} in vain: {what}\n{}", self.framed());
    }

    /// The screen in a frame, for messages.
    pub fn framed(&self) -> String {
        let (columns, _) = self.size();
        let line = "─".repeat(columns.into());
        format!(
            "┌{line}\n{}\n└{line}",
            self.screen().lines().map(|line| format!("│{line}\n")).collect::<String>()
        )
    }

    /// Columns and rows.
    pub fn size(&self) -> (u16, u16) {
        self.size.get()
    }

    /// Makes the window larger or smaller.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.tell(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
        self.size.set((columns, rows));
    }

    /// Column and row of the cursor, from 0; nothing while it is hidden.
    pub fn cursor(&self) -> Option<(u16, u16)> {
        let said = self.ask("#{cursor_flag} #{cursor_x} #{cursor_y}");
        let numbers: Vec<u16> = said.split(' ').map(|word| word.parse().expect("a number")).collect();
        (numbers[0] == 1).then_some((numbers[1], numbers[2]))
    }

    /// True while this program has the terminal: what is typed now is for it.
    pub fn runs(&self, name: &str) -> bool {
        self.ask("#{pane_current_command}") == name
    }

    /// True on the alternate screen.
    pub fn is_alternate(&self) -> bool {
        self.ask("#{alternate_on}") == "1"
    }

    /// The title that the program gave the window.
    pub fn title(&self) -> String {
        self.ask("#{pane_title}")
    }

    /// What the program has put into the clipboard by OSC 52; empty at first.
    pub fn clipboard(&self) -> String {
        // To show a buffer where there is none is a mistake to tmux.
        let buffers = self.tell(&["list-buffers", "-F", "#{buffer_name}"]);
        if buffers.is_empty() { String::new() } else { self.tell(&["show-buffer"]) }
    }

    /// The program's process id.
    pub fn pane(&self) -> i32 {
        self.pane.as_raw_nonzero().get()
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pane, signal).expect("the program still runs");
    }

    /// True once the program has ended and everything that it wrote is on the screen.
    pub fn has_ended(&self) -> bool {
        let said = self.ask("#{pane_dead} #{pane_dead_status}#{pane_dead_signal}");
        if said.trim() == "1" {
            // Now and then tmux 3.3a overlooks that a child has ended, until it is told once more.
            let server = Pid::from_raw(self.server.pid().cast_signed()).expect("a process id is not 0");
            let _ = kill_process(server, Signal::CHILD);
        }
        said.strip_prefix("1 ").is_some_and(|status| !status.is_empty())
    }

    /// Waits for the program's end; 128 and the number for a signal. What it left stays on the screen.
    pub fn exit_status(&self) -> i32 {
        let ended = comes_true(PATIENCE, || self.has_ended());
        assert!(ended, "the program did not end within {PATIENCE:?}\n{}", self.framed());
        let status = self.ask("#{pane_dead_status}").parse::<i32>();
        status.unwrap_or_else(|_| 128 + self.ask("#{pane_dead_signal}").parse::<i32>().expect("a signal"))
    }

    fn ask(&self, format: &str) -> String {
        self.tell(&["display-message", "-p", format]).trim_end_matches('\n').to_owned()
    }

    fn tell(&self, words: &[&str]) -> String {
        said(tmux(&self.server.folder).args(words))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let ended = self.has_ended();
        // Its terminal goes, so the program ends: before its folders are removed. By itself tmux
        // passes over the signal that ends the other servers.
        let _ = tmux(&self.server.folder).arg("kill-server").stderr(Stdio::null()).status();
        self.server.stop();
        let gone = || test_kill_process(self.pane).is_err();
        if !ended && !comes_true(PATIENCE / 6, gone) {
            let _ = kill_process(self.pane, Signal::KILL);
        }
    }
}

/// What tmux calls its terminal: the best description that this machine has.
fn terminal() -> &'static str {
    static TERM: OnceLock<&str> = OnceLock::new();
    TERM.get_or_init(|| {
        let mut ask = Command::new("infocmp");
        let ask = ask.arg("tmux-256color").stdout(Stdio::null()).stderr(Stdio::null());
        let known = ask.status().is_ok_and(|status| status.success());
        if known { "tmux-256color" } else { "screen-256color" }
    })
}

/// The words that give a command its environment and nothing of tmux's own.
fn surroundings(command: &Command, more: &[(&str, &str)]) -> Vec<OsString> {
    let plain = ["env".into(), "-i".into(), pair("TERM".as_ref(), terminal().as_ref())];
    let own = command.get_envs().filter_map(|(name, value)| Some(pair(name, value?)));
    let more = more.iter().map(|(name, value)| pair(name.as_ref(), value.as_ref()));
    plain.into_iter().chain(own).chain(more).collect()
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("socket")
}

fn tmux(folder: &Path) -> Command {
    let mut command = Command::new(binary("tmux"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LANG", "C.UTF-8")
        .env("SHELL", "/bin/sh")
        .arg("-u")
        .arg("-S")
        .arg(socket(folder));
    command
}

fn said(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("tmux was there before");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("tmux writes UTF-8")
}

fn pair(name: &OsStr, value: &OsStr) -> OsString {
    let mut pair = name.to_owned();
    pair.push("=");
    pair.push(value);
    pair
}

/// A semicolon at the end of a word would end tmux's command.
fn unbroken(word: &str) -> String {
    word.strip_suffix(';').map_or_else(|| word.to_owned(), |start| format!("{start}\\;"))
}

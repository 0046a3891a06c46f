//! What not every machine allows. A test that needs it asks for it first; where it is not to be had, the test is not
//! run, and that is told by name and with the reason when all tests are done.
//!
//! `TESTS_NOT_RUN` names a file that takes one line for each such test: `make test` shows it at its very end. Without
//! it a guard tells them when this test process has ended. With `ALL_TESTS_MUST_RUN=1` such a test fails.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::panic::Location;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::thread;

/// Users, mounts and a host name of the program's own, in which it is root.
#[derive(Debug, Clone, Copy)]
pub struct Namespaces(());

/// A file system in user space, and the namespaces that it is mounted in.
#[derive(Debug, Clone, Copy)]
pub struct Fuse(Namespaces);

const UNSHARE: &[&str] = &["unshare", "--map-root-user", "--mount", "--uts", "sh", "-c"];

/// Mounts a file system that nobody serves, on the folder that follows: every access waits for ever.
const HUNG: &str = "exec 3<>/dev/fuse && mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 none";

/// Reads the tests until this process has ended, however that comes about, and tells them then.
const TELLER: &str = r#"
told=$(cat)
[ -z "$told" ] || printf '\nTests that were not run:\n%s\n' "$told" >&2
"#;

impl Namespaces {
    /// The namespaces; nothing where this machine refuses them: the test ends there.
    #[track_caller]
    pub fn needed() -> Option<Self> {
        static REFUSED: OnceLock<Option<String>> = OnceLock::new();
        let refused = REFUSED.get_or_init(|| {
            let script = r#"mount -t tmpfs tmpfs "$0" && hostname other"#;
            refusal(UNSHARE, script)
        });
        granted(refused.as_deref(), Self(()))
    }

    /// Words that start a program after a script, in namespaces of its own: for `under`.
    pub fn after(self, script: &str) -> Vec<String> {
        self.around(&format!(r#"{script} && exec "$0" "$@""#))
    }

    /// The same for a script that starts the program itself, as `"$0" "$@"`.
    pub fn around(self, script: &str) -> Vec<String> {
        UNSHARE.iter().copied().chain([script]).map(str::to_owned).collect()
    }
}

impl Fuse {
    /// File systems in user space; nothing where this machine refuses them: the test ends there.
    #[track_caller]
    pub fn needed() -> Option<Self> {
        static REFUSED: OnceLock<Option<String>> = OnceLock::new();
        let refused = REFUSED.get_or_init(|| refusal(UNSHARE, &format!(r#"{HUNG} "$0""#)));
        granted(refused.as_deref(), Self(Namespaces(())))
    }

    /// Words that start a program where this folder never answers: for `under`.
    pub fn hung(self, folder: &Path) -> Vec<String> {
        self.0.after(&self.hang(folder))
    }

    /// The command that makes this folder hang, for a script of [`Namespaces::around`].
    pub fn hang(self, folder: &Path) -> String {
        format!("{HUNG} {}", folder.display())
    }

    /// The namespaces that it is mounted in.
    pub fn namespaces(self) -> Namespaces {
        self.0
    }
}

/// Tries it on a folder; what was said where it does not work.
fn refusal(words: &[&str], script: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(words[0]).args(&words[1..]).arg(script).arg(folder.path()).output();
    let output = match output {
        Ok(output) if output.status.success() => return None,
        Ok(output) => output,
        Err(error) => return Some(format!("{}: {error}", words[0])),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
    Some(last.trim().replace(&folder.path().display().to_string(), "a folder"))
}

#[track_caller]
fn granted<T>(refused: Option<&str>, ability: T) -> Option<T> {
    let Some(reason) = refused else { return Some(ability) };
    // With `--test-threads=1` a test has no thread, and no name, of its own.
    let thread = thread::current();
    let place = Location::caller();
    let test = match thread.name() {
        Some(name) if name != "main" => name.to_owned(),
        _ => format!("{}:{}", place.file(), place.line()),
    };
    let must_run = env::var_os("ALL_TESTS_MUST_RUN").is_some_and(|it| it == "1");
    assert!(!must_run, "{test} cannot be run here, and ALL_TESTS_MUST_RUN=1 is set: {reason}");
    tell(&format!("{test}: {reason}"));
    None
}

fn tell(line: &str) {
    static TELLERS: Mutex<Option<Child>> = Mutex::new(None);
    let line = format!("  {line}\n");
    if let Some(file) = env::var_os("TESTS_NOT_RUN") {
        let file = OpenOptions::new().create(true).append(true).open(&file);
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        return written.expect("TESTS_NOT_RUN names a file that can be written");
    }
    let mut teller = TELLERS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let teller = teller.get_or_insert_with(|| {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", TELLER]).stdin(Stdio::piped()).stdout(Stdio::null());
        shell.spawn().expect("/bin/sh starts")
    });
    teller.stdin.as_mut().expect("it listens").write_all(line.as_bytes()).expect("it listens");
}

/// What is refused is told in the words of the one who refuses.
#[test]
fn a_refusal_is_told_in_its_own_words() {
    assert_eq!(refusal(&["sh", "-c"], "exit 0"), None);
    let refused =
        refusal(&["sh", "-c"], "echo first >&2; echo \"mount: $0: permission denied.\" >&2; exit 1");
    assert_eq!(refused.as_deref(), Some("mount: a folder: permission denied."));
    assert!(refusal(&["no-such-program"], "").is_some_and(|it| it.starts_with("no-such-program: ")));
}

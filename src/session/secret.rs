//! Secrets by reference: from an environment name, a file, a program, stdin.

use std::{
    ffi::OsStr,
    io::{self, IsTerminal, Read},
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use secrecy::SecretString;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    time::timeout,
};

use crate::{
    disk::{Disk, Stuck},
    failure::{Code, Failure, shell_word, words},
    guide::{Guide, Reference, Variable, doubts},
    limits::seconds,
    surroundings::{SecretLookups, Surroundings},
};

/// No password is longer; more is somebody's mistake. In bytes.
const LIMIT: u64 = 64 * 1024;

/// Looks secrets up. Stdin serves one reader.
#[derive(Debug)]
pub(super) struct Sources {
    stdin: Option<String>,
    /// Environment names of other secrets: no program that is started gets them.
    hidden: Vec<String>,
    guide: &'static Guide,
    surroundings: Surroundings,
}

impl Sources {
    /// Knows the environment names that hold secrets of the guide.
    pub(super) fn new(guide: &'static Guide, surroundings: Surroundings) -> Self {
        Self { stdin: None, hidden: guide.secret_names().collect(), guide, surroundings }
    }

    /// This environment name holds a secret too.
    pub(super) fn hide(&mut self, name: &str) {
        self.hidden.push(name.to_owned());
    }

    /// Somebody else reads stdin.
    pub(super) fn stdin_is_taken(&mut self, by: &str) {
        self.stdin = Some(by.to_owned());
    }

    /// The secret of a key; none when a person is to be asked.
    ///
    /// # Errors
    /// `E-ANSWERS-SECRET` when it cannot be had from where it is said to be.
    pub(super) fn look_up(&self, key: &str, reference: &Reference) -> Result<Option<SecretString>, Failure> {
        let disk = &self.surroundings.disk;
        match reference {
            Reference::Env(name) => match self.surroundings.environment.get(name).map(OsStr::to_str) {
                Some(Some("")) => Err(unset(key, name, "is empty")),
                Some(Some(text)) => Ok(text.to_owned().into()),
                Some(None) => Err(unset(key, name, "is not UTF-8 text")),
                None => match self.twin(name) {
                    Some(path) => read_file(disk, path).map_err(|failure| of_key(key, failure)),
                    None => Err(unset(key, name, "is not set")),
                },
            },
            Reference::File(path) => read_file(disk, Path::new(path)).map_err(|failure| of_key(key, failure)),
            Reference::Command(words) => {
                run(&self.surroundings, key, words, &self.hidden).map_err(|failure| doubted(failure, words))
            }
            Reference::Stdin => Self::stdin(key),
            Reference::Prompt => return Ok(None),
        }
        .map(Some)
    }

    /// Keeps stdin for this secret.
    ///
    /// # Errors
    /// `E-ANSWERS-SECRET` when somebody else reads it.
    pub(super) fn claim_stdin(&mut self, variable: &Variable) -> Result<(), Failure> {
        let key = variable.key;
        if let Some(by) = &self.stdin {
            let name = variable.env();
            return Err(refuse(key, &format!("stdin is read by {by} already"))
                .why("stdin serves one reader")
                .remedy(format!("write `{key}: {{env: {name}}}` or `{key}: {{file: PATH}}` instead")));
        }
        self.stdin_is_taken(&format!("`{key}`"));
        Ok(())
    }

    /// The file that the twin of one of our own names gives.
    fn twin(&self, name: &str) -> Option<&Path> {
        let own = self.guide.variables().find(|variable| variable.is_secret() && variable.env() == name)?;
        self.surroundings.environment.path(&own.env_file()?)
    }

    fn stdin(key: &str) -> Result<SecretString, Failure> {
        if io::stdin().is_terminal() {
            return Err(refuse(key, "stdin is a terminal, and would show the secret")
                .remedy("pipe the secret in, or write `{prompt: true}`"));
        }
        let mut bytes = Vec::new();
        io::stdin().lock().take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| {
            refuse(key, "stdin cannot be read").why(words(&error)).remedy("pipe the secret in")
        })?;
        text(bytes, "stdin").map_err(|failure| of_key(key, failure))
    }
}

/// The failure for a secret that is to be asked for where nobody can be asked.
pub(super) fn nobody_to_ask(key: &str, env: &str) -> Failure {
    Failure::new(Code::NeedsAnswers, format!("`{key}` must be entered, and nobody can be asked"))
        .why("`{prompt: true}` is for the wizard, and for `plan --out` and `apply` at a terminal")
        .remedy(format!("write `{{env: NAME}}` or `{{file: PATH}}`, or set `{env}` and remove the line"))
}

fn refuse(key: &str, why: &str) -> Failure {
    Failure::new(Code::AnswersSecret, format!("`{key}`: {why}"))
}

fn of_key(key: &str, failure: Failure) -> Failure {
    let failure = Failure { what: failure.what.replacen("The ", "the ", 1), ..failure };
    // A disk that hangs is no fault of the answers.
    let code = if failure.code == Code::FileHung { Code::FileHung } else { Code::AnswersSecret };
    Failure { code, what: format!("`{key}`: {}", failure.what), ..failure }
}

fn unset(key: &str, name: &str, how: &str) -> Failure {
    refuse(key, &format!("the environment name `{name}` {how}"))
        .remedy(format!("export {name} before you start the program"))
}

/// A secret's file: UTF-8 text, one trailing line break taken off.
///
/// # Errors
/// `E-FILE-READ` when it cannot be read, `E-ANSWERS-SECRET` when others can read it.
pub(super) fn read_file(disk: &Disk, path: &Path) -> Result<SecretString, Failure> {
    if disk.secret_lies_open(path)? {
        let shown = path.display();
        return Err(Failure::new(
            Code::AnswersSecret,
            format!("`{shown}` holds a secret, and others can read it"),
        )
        .remedy(format!("chmod 600 {}", shell_word(&path.to_string_lossy()))));
    }
    text(disk.read_input(path)?, &format!("`{}`", path.display()))
}

fn text(bytes: Vec<u8>, from: &str) -> Result<SecretString, Failure> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LIMIT) {
        return Err(Failure::new(Code::FileRead, format!("{from} has more than {LIMIT} bytes"))
            .why("no secret is that long")
            .remedy("give the secret alone"));
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::new(Code::FileRead, format!("{from} is not UTF-8 text")).remedy("write the secret as UTF-8")
    })?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(text.into())
}

/// What a program said and how it ended.
struct ProgramOutput {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Starts a program, without a shell, and takes its output for the secret. Its stdout is told to nobody.
fn run(
    surroundings: &Surroundings,
    key: &str,
    command: &[String],
    hidden: &[String],
) -> Result<SecretString, Failure> {
    let limit = surroundings.limits.secret();
    let Some((program, arguments)) = command.split_first() else {
        return Err(refuse(key, "the command is empty").remedy("write `{command: [PROGRAM, ARGUMENT]}`"));
    };
    let shown = match program.split_once(' ') {
        // Words in one, the arguments among them.
        Some((first, _)) if arguments.is_empty() => format!("{first} …"),
        _ => shell_word(program),
    };
    // Its own small runtime on its own thread: a face may have one that must not be held up. It has a limit of its
    // own; a program on a disk that hangs does not even start.
    let lookups = surroundings.lookups.clone();
    let (asked, given, names) = (program.clone(), arguments.to_vec(), hidden.to_vec());
    let start = move || listen(&lookups, limit, &asked, &given, &names);
    let told = surroundings.disk.within(Path::new(program), limit + AFTERWARDS * 2, start);
    let told = told.unwrap_or_else(|stuck| match stuck {
        Stuck::Hung(_) => Err(io::ErrorKind::TimedOut.into()),
        other => Err(other.error()),
    });
    let told = told.map_err(|error| {
        let failure = match error.kind() {
            io::ErrorKind::TimedOut => {
                refuse(key, &format!("`{shown}` gave no secret within {}", seconds(limit)))
            }
            _ => refuse(key, &format!("`{shown}` could not be started")).why(words(&error)),
        };
        failure.remedy("run it by hand in the same environment; it runs without stdin and without a shell")
    })?;
    let too_long = u64::try_from(told.stdout.len()).is_ok_and(|length| length > LIMIT);
    if !told.status.success() && !too_long {
        let said = String::from_utf8_lossy(&told.stderr);
        let failure = refuse(key, &format!("`{shown}` failed: {}", told.status));
        let failure = match said.trim() {
            "" => failure.why("it said nothing on stderr"),
            // Its last words tell most; a trace of everything may tell too much.
            said => failure.why(format!("its stderr: {}", last_words(said).escape_debug())),
        };
        return Err(failure
            .remedy("run it by hand in the same environment; it runs without stdin and without a shell"));
    }
    text(told.stdout, &format!("the output of `{shown}`")).map_err(|failure| of_key(key, failure))
}

/// What is strange about the words may be why the program failed.
fn doubted(failure: Failure, command: &[String]) -> Failure {
    let told = doubts(command).into_iter().map(|doubt| format!("word {} {}", doubt.word, doubt.how));
    let why: Vec<String> = failure.why.clone().into_iter().chain(told).collect();
    if why.is_empty() { failure } else { failure.why(why.join("; ")) }
}

/// The end of a text, at most 500 characters.
fn last_words(said: &str) -> String {
    let skipped = said.chars().count().saturating_sub(500);
    let end: String = said.chars().skip(skipped).collect();
    if skipped == 0 { end } else { format!("…{end}") }
}

fn listen(
    lookups: &SecretLookups,
    limit: Duration,
    program: &str,
    arguments: &[String],
    hidden: &[String],
) -> io::Result<ProgramOutput> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in hidden {
            command.env_remove(name);
        }
        let mut child = {
            // Held until it is known whom to end.
            let mut lookup = lookups.begin().ok_or(io::ErrorKind::Interrupted)?;
            let child = command.kill_on_drop(true).spawn()?;
            lookup.asks(child.id());
            child
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let pipes = (child.stdout.take(), child.stderr.take());
        let ended = timeout(limit, async {
            let reading = async { tokio::join!(read(pipes.0, &mut stdout), read(pipes.1, &mut stderr)) };
            tokio::pin!(reading);
            tokio::select! {
                read = &mut reading => {
                    read.0.and(read.1)?;
                    child.wait().await
                }
                status = child.wait() => {
                    // What it has started may go on and hold the pipes: nobody waits for that.
                    let _ = timeout(AFTERWARDS, reading).await;
                    status
                }
            }
        });
        let status = ended.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        lookups.end();
        Ok(ProgramOutput { status: status?, stdout, stderr })
    })
}

/// How long the pipes of a program may stay open once it has ended.
const AFTERWARDS: Duration = Duration::from_millis(500);

async fn read(pipe: Option<impl AsyncRead + Unpin>, bytes: &mut Vec<u8>) -> io::Result<()> {
    match pipe {
        Some(pipe) => pipe.take(LIMIT + 1).read_to_end(bytes).await.map(drop),
        None => Ok(()),
    }
}

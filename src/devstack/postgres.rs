//! The stack's PostgreSQL: a cluster of its own on localhost, with the guide's password.

use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use super::home::{ANOTHER, Account, Home, barrier, unwritable};
use super::ports::localhost;
use super::process::{self, BEAT, Log, Process};
use super::{ANSWER, DEADLINE, PASSWORD, POSTGRES, USER};
use crate::disk::{local, works_in};
use crate::environment::Environment;
use crate::failure::{Code, Failure};

/// How PostgreSQL is asked to end (fast, immediate, killed), and how long each request has.
pub(super) const STOP: &[(Signal, Duration)] = &[
    (Signal::INT, Duration::from_secs(20)),
    (Signal::QUIT, Duration::from_secs(10)),
    (Signal::KILL, Duration::from_secs(5)),
];

fn data(home: &Path) -> PathBuf {
    home.join("postgresql")
}

/// The stack's running PostgreSQL. Its sessions have titles instead of arguments.
pub(super) fn find(environment: &Environment, home: &Path) -> Option<Process> {
    Process::find(environment, POSTGRES, &data(home).to_string_lossy())
}

/// The port a running PostgreSQL was started with.
pub(super) fn port(process: &Process) -> Option<u16> {
    process.value("--port")?.parse().ok()
}

/// True once there are data to keep.
pub(super) fn has_data(home: &Path) -> bool {
    local::is_there(&data(home))
}

/// The folder of programs that fits the data; the best one while there are none.
pub(super) fn programs(
    environment: &Environment,
    home: &Path,
    folders: &[PathBuf],
) -> Result<PathBuf, Failure> {
    let wanted = match local::read(&data(home).join("PG_VERSION")) {
        Ok(version) => Some(version.trim().to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(unwritable(&data(home), &error)),
    };
    let fits = |folder: &&PathBuf| {
        wanted.as_ref().is_none_or(|wanted| major(environment, folder).as_ref() == Some(wanted))
    };
    folders.iter().find(fits).cloned().ok_or_else(|| {
        let mut installed: Vec<String> = folders.iter().filter_map(|folder| major(environment, folder)).collect();
        installed.dedup();
        let (wanted, installed) = (wanted.unwrap_or_default(), installed.join(", "));
        Failure::new(
            Code::DevMissing,
            format!("the data are PostgreSQL {wanted}'s, but only PostgreSQL {installed} is installed"),
        )
        .remedy(format!(
            "install PostgreSQL {wanted}, or start afresh: `backendai-setup dev reset`, which removes the data"
        ))
    })
}

/// The major version, from a line such as `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major(environment: &Environment, folder: &Path) -> Option<String> {
    let output = process::plain(environment, folder.join("postgres")).arg("--version").output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?;
    let version = line.split(") ").nth(1)?;
    Some(version.chars().take_while(char::is_ascii_digit).collect())
}

/// Fails when the user who runs PostgreSQL for root cannot reach the folder.
pub(super) fn can_enter(home: &Home, account: Option<&Account>) -> Result<(), Failure> {
    if let Some(account) = account
        && let Some(folder) = barrier(&home.path, account)
    {
        let what = format!(
            "user `{}`, who runs PostgreSQL for root, cannot enter {}",
            account.name,
            folder.display()
        );
        return Err(Failure::new(Code::DevHome, what)
            .remedy(format!("run `chmod o+x {}`, or {ANOTHER}", folder.display())));
    }
    Ok(())
}

/// Makes the cluster if there is none. It gets its name last, so half a cluster is never used.
pub(super) async fn initialise(
    programs: &Path,
    home: &Home,
    account: Option<&Account>,
) -> Result<bool, Failure> {
    if has_data(&home.path) {
        return Ok(false);
    }
    let unfinished = home.path.join("postgresql.unfinished");
    if local::is_there(&unfinished) {
        local::remove_all(&unfinished).map_err(|error| unwritable(&unfinished, &error))?;
    }
    home.folder("postgresql.unfinished", 0o700)?;
    let secret = home.path.join("password");
    let result = async {
        local::write_secret(&secret, &format!("{PASSWORD}\n"))
            .map_err(|error| unwritable(&secret, &error))?;
        for path in [&unfinished, &secret] {
            if let Some(account) = account {
                local::give(path, account.uid, account.gid).map_err(|error| unwritable(path, &error))?;
            }
        }
        initdb(programs, home, account, &unfinished, &secret).await
    };
    let result = result.await;
    let _ = local::remove_file(&secret);
    result?;
    local::rename(&unfinished, &data(&home.path)).map_err(|error| unwritable(&home.path, &error))?;
    Ok(true)
}

async fn initdb(
    programs: &Path,
    home: &Home,
    account: Option<&Account>,
    folder: &Path,
    secret: &Path,
) -> Result<(), Failure> {
    let locale = if cfg!(target_os = "macos") { "C" } else { "C.UTF-8" };
    let mut command = Command::new(programs.join("initdb"));
    as_account(&mut command, home, account)
        .arg("--pgdata")
        .arg(folder)
        .arg("--pwfile")
        .arg(secret)
        .args(["--username", USER, "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"])
        .arg(format!("--locale={locale}"))
        .stdin(Stdio::null());
    let output = tokio::process::Command::from(command).kill_on_drop(true).output().await;
    let trouble = match output {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    Err(Failure::new(Code::DevStart, format!("PostgreSQL's data cannot be made in {}", home.path.display()))
        .why(trouble)
        .remedy("fix what `initdb` says, then run `backendai-setup dev up` again"))
}

/// A clean environment, the right user, and a folder that this user can enter.
fn as_account<'a>(command: &'a mut Command, home: &Home, account: Option<&Account>) -> &'a mut Command {
    command.env_clear().env("PATH", "/usr/bin:/bin").current_dir(&home.path);
    if let Some(account) = account {
        // Setting the user drops root's other groups too.
        command.uid(account.uid).gid(account.gid);
    }
    command
}

/// Removes the lock file of a server that crashed. PostgreSQL does so itself, but takes a dead
/// process that nobody has seen off (in a container, say) and a stranger with its number for alive.
pub(super) async fn clear_after_crash(home: &Path) -> Result<(), Failure> {
    let file = data(home).join("postmaster.pid");
    if !local::is_there(&file) {
        return Ok(());
    }
    // The sessions of the old server may live a moment longer, and must not meet the new one.
    let start = Instant::now();
    while works_in(POSTGRES, &data(home)) {
        if start.elapsed() > DEADLINE {
            let what =
                format!("sessions of a PostgreSQL that crashed still work in {}", data(home).display());
            return Err(Failure::new(Code::DevStart, what)
                .remedy("end them (`ps -ef | grep postgres`), then run `backendai-setup dev up` again"));
        }
        tokio::time::sleep(BEAT).await;
    }
    local::remove_file(&file).map_err(|error| unwritable(&file, &error))
}

/// Starts PostgreSQL.
pub(super) fn start(
    programs: &Path,
    home: &Home,
    account: Option<&Account>,
    port: u16,
) -> Result<(Child, Log), Failure> {
    let addresses: Vec<String> = localhost().iter().map(ToString::to_string).collect();
    let mut command = Command::new(programs.join("postgres"));
    as_account(&mut command, home, account)
        .arg("-D")
        .arg(data(&home.path))
        .arg(format!("--port={port}"))
        .arg(format!("--listen_addresses={}", addresses.join(",")))
        // A socket's path may be 107 bytes long; nobody needs one here.
        .arg("--unix_socket_directories=");
    process::detach(&mut command, &home.path.join("postgresql.log"))
}

/// Signs in as the guide says and asks for the version; otherwise why not.
pub(super) async fn answer(port: u16) -> Result<String, String> {
    // Every option is set: none may come from PG* names of this environment.
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username(USER)
        .password(PASSWORD)
        .database(USER)
        .ssl_mode(PgSslMode::Disable)
        .application_name("backendai-setup")
        .statement_cache_capacity(0);
    let ask = async {
        let mut connection: PgConnection = options.connect().await?;
        let version: String = sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok::<_, sqlx::Error>(version)
    };
    match tokio::time::timeout(ANSWER, ask).await {
        Ok(Ok(version)) => Ok(version.split(' ').next().unwrap_or_default().to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {ANSWER:?}")),
    }
}

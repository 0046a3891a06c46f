//! The stack's etcd: one member, plain, on localhost.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use etcd_client::{Client, ConnectOptions};
use rustix::process::Signal;

use super::ports::localhost;
use super::process::{self, Log, Process};
use super::{ANSWER, ETCD};
use crate::clock::Clock;
use crate::environment::Environment;
use crate::failure::Failure;

/// How etcd is asked to end, and how long each request has.
pub(super) const STOP: &[(Signal, Duration)] =
    &[(Signal::TERM, Duration::from_secs(10)), (Signal::KILL, Duration::from_secs(5))];

fn data_argument(home: &Path) -> String {
    format!("--data-dir={}", home.join("etcd").display())
}

/// The stack's running etcd.
pub(super) fn find(environment: &Environment, home: &Path) -> Option<Process> {
    Process::find(environment, ETCD, &data_argument(home))
}

/// The port a running etcd was started with.
pub(super) fn port(process: &Process) -> Option<u16> {
    process.value("--listen-client-urls")?.rsplit_once(':')?.1.parse().ok()
}

/// Starts etcd.
pub(super) fn start(clock: Clock, program: &Path, home: &Path, port: u16) -> Result<(Child, Log), Failure> {
    let urls: Vec<String> =
        localhost().into_iter().map(|address| format!("http://{}", SocketAddr::new(address, port))).collect();
    let urls = urls.join(",");
    // No ETCD_* of this environment may redirect it; etcd before 3.5 wants to hear that ARM is meant.
    let mut command = Command::new(program);
    command.env_clear().current_dir(home).arg0(ETCD);
    if cfg!(target_arch = "aarch64") {
        command.env("ETCD_UNSUPPORTED_ARCH", "arm64");
    }
    command
        .arg("--name=default")
        // Or it would call itself as every etcd does that was started alone.
        .arg(format!("--initial-cluster-token={}", clock.now().as_microsecond()))
        .arg(data_argument(home))
        .arg(format!("--listen-client-urls={urls}"))
        .arg(format!("--advertise-client-urls=http://localhost:{port}"))
        // A single member has no peers: the kernel may pick any free port for them.
        .arg("--listen-peer-urls=http://127.0.0.1:0");
    process::detach(&mut command, &home.join("etcd.log"))
}

/// Asks for the version: the answer of a server that is up.
pub(super) async fn answer(port: u16) -> Option<String> {
    let options = ConnectOptions::new().with_connect_timeout(ANSWER).with_timeout(ANSWER);
    let mut client = Client::connect([format!("127.0.0.1:{port}")], Some(options)).await.ok()?;
    let status = tokio::time::timeout(ANSWER, client.status()).await.ok()?.ok()?;
    // Without a leader it answers this, but no reads and writes.
    (status.leader() != 0).then(|| status.version().to_owned())
}

//! Large lists and large neighbours: what `status` costs beside them. `make bench` runs it.

#![allow(clippy::print_stdout, reason = "what was measured is for people to read")]

#[path = "../tests/servers/mod.rs"]
mod servers;

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use servers::{Database, Etcd, Postgres, Program};

/// Runs of each kind; the median counts.
const ROUNDS: usize = 7;
/// Keys of other namespaces in the same etcd.
const NEIGHBOURS: usize = 349_000;

fn main() {
    let (alone, beside) = beside_neighbours();
    let ratio = beside.as_secs_f64() / alone.as_secs_f64();
    println!(
        "status with 299 own keys: {:.0} ms alone, {:.0} ms beside {NEIGHBOURS} of neighbours: {ratio:.2} times   aim: under 1.5",
        ms(alone),
        ms(beside)
    );
    let (guide, large) = (cpu_of_status(None), cpu_of_status(Some(&large_list())));
    println!(
        "status of 100 images, 1,000 tags, 30,000 aliases: {large:.2} s of CPU, {:.1} times the guide's list   aim: under 2 s",
        large / guide
    );
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A program with answers for these servers, everything set up.
fn set_up(etcd: &Etcd, list: Option<&(String, String)>) -> (Program, Database) {
    let database = Postgres::shared().database();
    let program = Program::new();
    let Database { address, name, user, password, .. } = &database;
    let mut answers = format!(
        "version: 1\nname: bench\netcd: {{namespace: own, endpoints: ['{}']}}\n\
         database: {{address: '{address}', name: {name}, user: {user}, password: '{password}'}}\n\
         storage: {{mount: /mnt/shared, expect: elsewhere}}\n",
        etcd.endpoint
    );
    if let Some((images, aliases)) = list {
        answers += "images: {metadata: images.yml, aliases: aliases.yml}\n";
        write(&program, "images.yml", images);
        write(&program, "aliases.yml", aliases);
    }
    write(&program, "answers.yml", &answers);
    let program = program.args(["run", "--answers", "answers.yml"]);
    let outcome = program.run();
    assert_eq!(outcome.status, 0, "{outcome:?}");
    (program.again(["status", "--answers", "answers.yml"]), database)
}

fn write(program: &Program, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = program.work().join(name);
    std::fs::write(&path, text).expect("our folder");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("our file");
}

/// The same `status` on two etcds, one after the other, so that both see the same machine.
fn beside_neighbours() -> (Duration, Duration) {
    let (alone, beside) = (Etcd::start(), Etcd::start());
    let (own, _first) = set_up(&alone, None);
    let (neighbour, _second) = set_up(&beside, None);
    for namespace in ["prod", "test", "other"] {
        beside.fill(&format!("/sorna/{namespace}/images/"), NEIGHBOURS / 3);
    }
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        times.0.push(timed(&own));
        times.1.push(timed(&neighbour));
    }
    (median(times.0), median(times.1))
}

fn timed(program: &Program) -> Duration {
    let began = Instant::now();
    let outcome = program.run();
    assert_eq!(outcome.status, 0, "{outcome:?}");
    began.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// User and system time of `status`, in seconds, as the shell has it.
fn cpu_of_status(list: Option<&(String, String)>) -> f64 {
    let etcd = Etcd::start();
    let (program, _database) = set_up(&etcd, list);
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let inner = program.command::<&str>(&[]);
            let mut shell = Command::new("bash");
            shell.args(["-c", "TIMEFORMAT='%U %S'; time \"$@\" 2>&1 >/dev/null", "bash"]);
            shell.arg(inner.get_program()).args(inner.get_args()).env_clear();
            shell.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let output =
                shell.current_dir(program.work()).stdin(Stdio::null()).output().expect("bash is there");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let last = said.lines().last().expect("the times");
            last.split(' ').map(|part| part.parse::<f64>().expect("seconds")).sum()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// 100 images with ten tags each, and 30,000 aliases.
fn large_list() -> (String, String) {
    let mut images = "images:\n".to_owned();
    for image in 0..100 {
        images += &format!("  - name: image{image}\n    slots: {{cpu: 1, mem: 1.0, gpu: 0}}\n    tags:\n");
        for tag in 0..10 {
            images += &format!("      - [\"t{tag}\", \"d{image}x{tag}\"]\n");
        }
    }
    let mut aliases = "aliases:\n".to_owned();
    for alias in 0..30_000 {
        aliases += &format!("  - [\"a{alias}\", \"image{}:t{}\"]\n", alias % 100, alias % 10);
    }
    (images, aliases)
}

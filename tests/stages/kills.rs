//! Killed at random moments, wherever a run stands: it can be undone, and gone on with.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::contract::is_right;
use super::undo::{STATE, World, used};
use super::{Site, schema};
use crate::servers::Program;

/// How long a whole run takes here, and moments in that time.
struct Moments {
    seed: u64,
    random: StdRng,
    longest: Duration,
}

impl Moments {
    /// Of a run of this program, which is made once.
    fn of(program: &Program) -> Self {
        let began = Instant::now();
        let outcome = program.run();
        assert_eq!(outcome.status, 0, "{}", outcome.stderr);
        let seed = rand::random();
        Self { seed, random: StdRng::seed_from_u64(seed), longest: began.elapsed() }
    }

    fn next(&mut self) -> Duration {
        self.longest.mul_f64(self.random.random())
    }
}

const WHOLE: [&str; 4] = ["run", "--replace-mount", "--state-dir", "state"];

/// Kills so many whole runs on used servers, one a site, and undoes each: everything is as before.
fn undone(rounds: usize) {
    let mut moments = Moments::of(&used().program(WHOLE));
    for round in 0..rounds {
        let site = used();
        let before = World::of(&site);
        let moment = moments.next();
        let told = format!("round {round} of seed {}, killed after {moment:?}", moments.seed);
        let mut running = site.program(WHOLE).start();
        running.killed_at(moment);
        let killed = running.wait();
        let undone = site.run(&format!("undo --yes {STATE}"));
        let told = format!("{told}\n{}\n{}", killed.stderr, undone.stderr);
        // A run that was killed before it wrote anything has no journal.
        assert!(matches!(undone.status, 0 | 3), "{told}");
        assert_eq!(World::of(&site), before, "{told}");
    }
}

#[test]
fn a_run_killed_at_a_random_moment_is_undone() {
    undone(4);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn runs_killed_at_random_moments_are_undone_at_length() {
    undone(60);
}

/// Kills so many runs, several at each site one after the other, and lets the next one come to its end.
fn completed(kills: usize) {
    const AT_EACH: usize = 5;
    let mut moments = Moments::of(&Site::new().program(["run"]));
    for round in 0..kills.div_ceil(AT_EACH) {
        let site = Site::new();
        let program = site.program(["run"]);
        let mut told = format!("round {round} of seed {}:", moments.seed);
        for _ in 0..AT_EACH {
            let moment = moments.next();
            let mut running = program.start();
            running.killed_at(moment);
            told += &format!("\nkilled after {moment:?}\n{}", running.wait().stderr);
        }
        let next = program.run();
        assert_eq!(next.status, 0, "{told}\n{}", next.stderr);
        is_right(&site);
        schema::is_right(&site);
        let world = (World::of(&site), site.etcd.revisions());
        let last = program.run();
        assert!(last.stderr.contains("changed=0"), "{told}\n{}\n{}", next.stderr, last.stderr);
        assert!(world == (World::of(&site), site.etcd.revisions()), "{told}: another run moved something");
    }
}

#[test]
fn killed_at_random_moments_the_next_run_completes() {
    completed(10);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn killed_at_random_moments_the_next_run_completes_at_length() {
    completed(300);
}

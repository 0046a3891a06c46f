//! Not up yet is not wrong: real servers that are restarted under `--wait`, a relay that opens late, a cluster
//! that loses its leader. Whatever the moment, every round must pass.

use crate::failures::Case;
use crate::servers::{Etcd, PATIENCE, Postgres, Relay, Running, wait_until};

fn ends_well(running: Running, what: &str) {
    let outcome = running.wait();
    assert_eq!(outcome.status, 0, "{what}: {outcome:?}");
}

/// The commands that are run, in turns.
const COMMANDS: &[&[&str]] = &[
    &["run", "load-images", "load-aliases", "set-mount", "--yes"],
    &["check", "etcd"],
    &["run", "set-mount"],
];

fn case<'a>(etcd: &'a Etcd, address: &str, round: usize) -> Case<'a> {
    let words = COMMANDS[round % COMMANDS.len()].iter().copied().chain(["--wait", "60s", "-v"]);
    let case = Case::on(etcd, Postgres::shared()).unwatched().flags(words);
    case.set("etcd.endpoints", format!("[{address}]"))
}

#[test]
fn etcd_is_restarted_again_and_again() {
    restarts_of_etcd(9);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn etcd_is_restarted_at_length() {
    restarts_of_etcd(45);
}

fn restarts_of_etcd(rounds: usize) {
    let mut etcd = Etcd::start();
    let address = etcd.endpoint.clone();
    for round in 0..rounds {
        // Down from the start; in the middle of the check; in the middle of the work.
        let moment = round / COMMANDS.len() % 3;
        if moment == 0 {
            etcd.stop();
        }
        let case = case(&etcd, &address, round);
        let running = case.start(&[]);
        drop(case);
        match moment {
            0 => {
                running.until("waiting until");
                etcd.start_again();
            }
            1 => {}
            _ => running.until("has a leader"),
        }
        for again in 0..3 {
            restart(&mut etcd, round + again);
        }
        ends_well(running, &format!("round {round}"));
    }
}

/// In order, or at once.
fn restart(etcd: &mut Etcd, round: usize) {
    if round.is_multiple_of(2) {
        etcd.shut_down()
    } else {
        etcd.stop()
    }
    etcd.start_again();
}

#[test]
fn a_relay_opens_late() {
    relays_before_etcd(3);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn a_relay_opens_late_at_length() {
    relays_before_etcd(25);
}

fn relays_before_etcd(rounds: usize) {
    let etcd = Etcd::start();
    for round in 0..rounds {
        let relay = Relay::to(&etcd.endpoint);
        let case = case(&etcd, &relay.address, round);
        let running = case.start(&[]);
        running.until("waiting until");
        relay.open();
        // And once more, wherever the work is by now.
        relay.close();
        relay.open();
        ends_well(running, &format!("round {round}"));
    }
}

/// A user signs in anew after a restart: no token outlives the server.
#[test]
fn a_sign_in_outlives_a_restart() {
    restarts_under_a_sign_in(2);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn a_sign_in_outlives_restarts_at_length() {
    restarts_under_a_sign_in(20);
}

fn restarts_under_a_sign_in(rounds: usize) {
    let mut etcd = Etcd::with_auth("canary-root-password");
    for round in 0..rounds {
        let address = etcd.endpoint.clone();
        let case = case(&etcd, &address, round).set("etcd.user", "root");
        let case = case.set("etcd.password", "canary-root-password");
        let running = case.start(&[]);
        drop(case);
        restart(&mut etcd, round);
        restart(&mut etcd, round + 1);
        ends_well(running, &format!("round {round}"));
    }
}

#[test]
fn a_leader_is_killed() {
    kills_of_the_leader(4);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn a_leader_is_killed_at_length() {
    kills_of_the_leader(30);
}

fn kills_of_the_leader(rounds: usize) {
    let mut members = Etcd::cluster(3);
    let addresses: Vec<String> = members.iter().map(|member| member.endpoint.clone()).collect();
    members[0].fill("/sorna/large/images/old/tags/", 10_000);
    for round in 0..rounds {
        let leader = leader(&members);
        // First and last in the list.
        let mut order: Vec<&str> = addresses.iter().map(String::as_str).collect();
        order.rotate_left(if round % 2 == 0 { leader } else { (leader + 1) % 3 });
        let case = case(&members[leader], &order.join(", "), round).set("etcd.namespace", "large");
        let case = case.set("storage.mount", "/mnt/shared").set("storage.expect", "elsewhere");
        // Something is to be written each time.
        for key in ["images/_aliases/", "volumes/_mount"] {
            members[leader].delete(&format!("/sorna/large/{key}"));
        }
        let running = case.start(&[]);
        drop(case);
        if round / 2 % 2 == 1 {
            running.until("has a leader");
        }
        members[leader].stop();
        ends_well(running, &format!("round {round}"));
        members[leader].start_again();
        wait_until("all know one leader", PATIENCE, || knows_leader(&members));
    }
}

fn leader(members: &[Etcd]) -> usize {
    members
        .iter()
        .position(|member| {
            let (own, leader) = member.ids();
            own == leader
        })
        .expect("one of them leads")
}

fn knows_leader(members: &[Etcd]) -> bool {
    let leaders: Vec<u64> = members.iter().map(|member| member.ids().1).collect();
    leaders.iter().all(|leader| *leader != 0 && *leader == leaders[0])
}

/// The commands for PostgreSQL, in turns; the last ones need what the first has made.
const FOR_POSTGRES: &[&[&str]] = &[
    &["run", "create-database", "install-schema", "populate-fixtures"],
    &["check", "database"],
    &["run", "populate-fixtures", "--rotate-keypairs", "--yes"],
    &["plan"],
];

/// In order, or at once.
fn restart_postgres(postgres: &mut Postgres, round: usize) {
    if round.is_multiple_of(2) {
        postgres.shut_down()
    } else {
        postgres.stop()
    }
    postgres.start_again();
}

/// Waits for words of the program, or for its end, which tells why they did not come.
fn says(running: &mut Running, words: &str) {
    wait_until(words, PATIENCE, || running.has_said(words) || running.has_ended());
}

#[test]
fn postgresql_is_restarted_again_and_again() {
    restarts_of_postgresql(12);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn postgresql_is_restarted_at_length() {
    restarts_of_postgresql(96);
}

fn restarts_of_postgresql(rounds: usize) {
    let etcd = Etcd::start();
    // What is committed outlives a crash, as on every server in use.
    let mut postgres = Postgres::start_with(&[], &[("synchronous_commit", "on")]);
    let mut database = postgres.database();
    for round in 0..rounds {
        let words = FOR_POSTGRES[round % FOR_POSTGRES.len()];
        if round.is_multiple_of(FOR_POSTGRES.len()) {
            database = postgres.database();
        }
        let case = Case::on(&etcd, Postgres::shared()).unwatched();
        let case = case.flags(words.iter().copied().chain(["--wait", "60s", "-v"]));
        let case = case.set("database.address", database.address.as_str());
        let case =
            case.set("database.name", database.name.as_str()).set("database.user", database.user.as_str());
        let case = case.set("database.password", database.password.as_str());
        // Down from the start; in the middle of the check; in the middle of the work.
        let moment = round / FOR_POSTGRES.len() % 3;
        if moment == 0 {
            postgres.stop();
        }
        let mut running = case.start(&[]);
        match moment {
            0 => {
                says(&mut running, "waiting until");
                postgres.start_again();
            }
            1 => {}
            _ => says(&mut running, "sign in"),
        }
        for again in 0..3 {
            restart_postgres(&mut postgres, round + again);
        }
        ends_well(running, &format!("round {round}: {words:?}"));
    }
}

/// A port forward that closes and opens whatever the work is at.
#[test]
fn a_relay_before_postgresql_opens_late() {
    relays_before_postgresql(4);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn a_relay_before_postgresql_opens_late_at_length() {
    relays_before_postgresql(32);
}

fn relays_before_postgresql(rounds: usize) {
    let etcd = Etcd::start();
    for round in 0..rounds {
        let relay = Relay::to(&Postgres::shared().address());
        let case = Case::on(&etcd, Postgres::shared()).unwatched();
        let case = case.flags(FOR_POSTGRES[round % 2].iter().copied().chain(["--wait", "60s", "-v"]));
        let case = case.set("database.address", relay.address.as_str());
        let running = case.start(&[]);
        running.until("waiting until");
        relay.open();
        if round / 2 % 2 == 1 {
            running.until("sign in");
        }
        relay.close();
        relay.open();
        ends_well(running, &format!("round {round}"));
    }
}

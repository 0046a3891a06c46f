//! `mount offer` and `mount verify`: nodes meet at the shared folder, and nothing is left of it.

mod hung;
mod stand;

use std::fs;
use std::time::{Duration, SystemTime};

use rustix::process::Signal;

use crate::servers::{Namespaces, PATIENCE, wait_until};
use stand::Stand;

/// The types of the events, in order.
fn kinds(events: &[serde_json::Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("every event has a type")).collect()
}

#[test]
fn one_node_passes_and_one_has_another_folder() {
    let Some(namespaces) = Namespaces::needed() else { return };
    let stand = Stand::new();
    let offer = stand.program(&["offer", "--nodes", "2", "--output", "json"]).start();
    stand.wait_for_the_offer();
    let same = stand.told(&stand.program(&["verify", "--node", "a", "--output", "json"]).run());
    assert_eq!(same.status, 0);
    assert_eq!(kinds(&same.events), ["version", "check", "mount_offered", "mount_node", "summary"]);
    assert_eq!(same.events[3]["passed"], true);
    let other =
        stand.told(&stand.elsewhere(namespaces, &["verify", "--node", "b", "--output", "json"]).run());
    assert_eq!(other.status, 4);
    let other = other.expect("E-MOUNT-DIFFERS").names(&["is another folder than on", "here: "]);
    assert_eq!(other.summary()["failed"], 1);

    let told = stand.told(&offer.wait()).expect("E-MOUNT-DIFFERS").names(&["`b`"]);
    assert_eq!((told.status, &told.summary()["failed"]), (4, &1.into()));
    let expected = ["version", "notice", "check", "mount_offered", "mount_node", "mount_node", "summary"];
    assert_eq!(kinds(&told.events), expected);
    let offered = &told.events[3];
    assert_eq!(offered["path"], stand.mount.display().to_string());
    assert!(offered["file"].as_str().is_some_and(|file| file.starts_with(".backendai-setup-mount-")));
    let [a, b] = [&told.events[4], &told.events[5]];
    assert_eq!((&a["node"], &a["passed"], &a["code"]), (&"a".into(), &true.into(), &().into()));
    assert_eq!(
        (&b["node"], &b["passed"], &b["code"]),
        (&"b".into(), &false.into(), &"E-MOUNT-DIFFERS".into())
    );
    assert!(b["mounted"]["file_system"].is_string() && b["mounted"]["source"].is_string(), "{b}");
    stand.is_as_before();
}

/// Whoever looks too early may wait.
#[test]
fn an_offer_that_comes_later_is_waited_for() {
    let stand = Stand::new();
    let verify = stand.program(&["verify", "--node", "a", "--wait", "60s", "--output", "json"]).start();
    wait_until("it waits", PATIENCE, || verify.has_said("\"waiting\""));
    let offer = stand.program(&["offer", "--nodes", "1"]).start();
    let told = stand.told(&verify.wait());
    assert_eq!(told.status, 0, "{:#?}", told.failures);
    assert_eq!(
        kinds(&told.events),
        ["version", "check", "waiting", "mount_offered", "mount_node", "summary"]
    );
    assert_eq!(offer.wait().status, 0);
    let told =
        stand.told(&stand.program(&["verify", "--node", "a", "--wait", "1s", "--output", "json"]).run());
    assert_eq!(told.expect("E-MOUNT-NO-OFFER").status, 5);
    stand.is_as_before();
}

#[test]
fn the_command_for_other_nodes_can_be_copied_and_the_list_is_the_result() {
    let stand = Stand::named("it's");
    let mut offer = stand.program(&["offer", "--nodes", "2"]).start();
    stand.wait_for_the_offer();
    let before = offer.pid();
    // As a person who pastes the line that another one has sent.
    let line = stand.command_line();
    assert_eq!(stand.shell(&format!("{line} --node with-a-name")).status, 0);
    assert!(!offer.has_ended() && offer.pid() == before);
    // The host that offers is no other node: it is listed, and not counted.
    let outcome = stand.shell(&line);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(!offer.has_ended());
    assert_eq!(stand.shell(&format!("{line} --node another")).status, 0);
    let outcome = offer.wait();
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(outcome.stderr.lines().any(|told| told == line), "{line}\n{}", outcome.stderr);
    let last = outcome.stderr.lines().last();
    assert_eq!(last, Some("127.0.0.1 changed=0 unchanged=0 failed=0 skipped=0"));
    let list: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(list.len(), 3, "{list:?}");
    assert!(list.iter().all(|line| line.starts_with("✓ ") && line.contains("  the same folder")), "{list:?}");
    stand.is_as_before();
}

#[test]
fn the_later_answer_of_a_node_counts() {
    let Some(namespaces) = Namespaces::needed() else { return };
    let stand = Stand::new();
    let offer = stand.program(&["offer", "--nodes", "2", "--output", "json"]).start();
    stand.wait_for_the_offer();
    assert_eq!(stand.elsewhere(namespaces, &["verify", "--node", "b"]).run().status, 4);
    stand.wait_until_told(&offer, "b");
    assert_eq!(stand.program(&["verify", "--node", "b"]).run().status, 0);
    assert_eq!(stand.program(&["verify", "--node", "a"]).run().status, 0);
    let told = stand.told(&offer.wait());
    assert_eq!((told.status, &told.summary()["failed"]), (0, &0.into()));
    stand.is_as_before();
}

#[test]
fn a_signal_ends_an_offer_in_order() {
    let signals =
        [(Signal::HUP, 129, "SIGHUP"), (Signal::INT, 130, "SIGINT"), (Signal::TERM, 143, "SIGTERM")];
    for (signal, status, name) in signals {
        let stand = Stand::new();
        let offer = stand.program(&["offer"]).start();
        stand.wait_for_the_offer();
        assert_eq!(stand.program(&["verify", "--node", "a"]).run().status, 0);
        stand.wait_until_told(&offer, "a");
        offer.signal(signal);
        let outcome = offer.wait();
        assert_eq!(outcome.status, status, "{outcome:?}");
        assert!(outcome.stdout.starts_with("✓ a  the same folder"), "{outcome:?}");
        assert!(outcome.stderr.contains(&format!("E-CANCELLED  Stopped by {name}")), "{outcome:?}");
        stand.is_as_before();
    }
}

#[test]
fn a_killed_offer_lapses_and_the_next_one_sweeps_up() {
    let stand = Stand::new();
    let offer = stand.program(&["offer"]).start();
    stand.wait_for_the_offer();
    offer.signal(Signal::KILL);
    assert_eq!(offer.wait().status, 137);
    let left = stand.files();
    assert_eq!(left.len(), 1, "its file stays");
    wait_until("its key is gone", PATIENCE, || stand.keys().is_empty());

    let offer = || stand.program(&["offer", "--for", "100ms", "--output", "json"]).run();
    let told = stand.told(&offer()).expect("E-MOUNT-NODES").names(&["0.1 s"]);
    assert_eq!(told.status, 5);
    assert_eq!(stand.files(), left, "it may be somebody's who offers just now");
    let long_ago = SystemTime::now() - Duration::from_secs(600);
    let file = fs::File::options().write(true).open(&left[0]).expect("the file is ours");
    file.set_modified(long_ago).expect("the file is ours");
    assert_eq!(offer().status, 5);
    stand.is_as_before();
}

/// Two clusters may have one folder, and their etcds may call themselves alike.
#[test]
fn offers_of_two_clusters_in_one_folder_leave_each_other_alone() {
    let (one, mut other) = (Stand::new(), Stand::new());
    other.mount.clone_from(&one.mount);
    other.etcd.put("/sorna/local/volumes/_mount", &one.mount.display().to_string());
    let first = one.program(&["offer", "--nodes", "1"]).start();
    one.wait_for_the_offer();
    let second = other.program(&["offer", "--nodes", "1"]).start();
    other.wait_for_the_offer();
    assert_eq!(one.files().len(), 2);
    for (stand, offer) in [(&one, first), (&other, second)] {
        assert_eq!(stand.program(&["verify", "--node", "a"]).run().status, 0);
        assert_eq!(offer.wait().status, 0);
    }
    one.is_as_before();
    other.is_as_before();
}

/// Whoever waits for an offer does not mind that etcd is away for a moment.
#[test]
fn waiting_outlasts_a_restart_of_etcd() {
    let mut stand = Stand::new();
    let verify = stand.program(&["verify", "--node", "a", "--wait", "60s", "--output", "json"]).start();
    verify.until("E-MOUNT-NO-OFFER");
    stand.etcd.stop();
    verify.until("E-ETCD-");
    stand.etcd.start_again();
    let offer = stand.program(&["offer", "--nodes", "1"]).start();
    let told = stand.told(&verify.wait());
    assert_eq!(told.status, 0, "{:#?}", told.failures);
    assert_eq!(offer.wait().status, 0);
    stand.is_as_before();
}

/// A second signal leaves at once and says what may be left.
#[test]
fn an_offer_that_is_left_at_once_names_what_may_be_left() {
    let stand = Stand::new();
    let mut offer = stand.program(&["offer", "--output", "json"]).start();
    stand.wait_for_the_offer();
    stand.etcd.pause();
    wait_until("a second signal is heard", PATIENCE, || {
        offer.signal(Signal::TERM);
        offer.has_ended()
    });
    stand.etcd.resume();
    let told = stand.told(&offer.wait()).expect("E-CANCELLED");
    assert_eq!(told.status, 143);
}

#[test]
fn an_offer_outlasts_a_restart_of_etcd() {
    let mut stand = Stand::new();
    let offer = stand.program(&["offer", "--nodes", "1", "--output", "json"]).start();
    stand.wait_for_the_offer();
    stand.etcd.stop();
    stand.etcd.start_again();
    assert_eq!(stand.program(&["verify", "--node", "a"]).run().status, 0);
    let told = stand.told(&offer.wait());
    assert_eq!(told.status, 0, "{:#?}", told.failures);
    stand.is_as_before();
}

#[test]
fn other_users_may_read_the_file_whatever_the_mask() {
    use std::os::unix::fs::PermissionsExt;
    let stand = Stand::new();
    let masked =
        stand.program(&["offer", "--nodes", "1"]).under(["sh", "-c", r#"umask 077; exec "$0" "$@""#]);
    let offer = masked.start();
    stand.wait_for_the_offer();
    let files = stand.files();
    let mode = fs::metadata(&files[0]).expect("the file is there").permissions().mode();
    assert_eq!((files.len(), mode & 0o777), (1, 0o644));
    assert_eq!(stand.program(&["verify", "--node", "a"]).run().status, 0);
    assert_eq!(offer.wait().status, 0);
    stand.is_as_before();
}

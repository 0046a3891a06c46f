//! Remedies of the meeting at the shared folder: two nodes, one after the other.

use super::super::{Case, Told};
use super::{literal, literals};
use crate::servers::{Etcd, Namespaces, PATIENCE, Postgres, Running, wait_until};

/// A node of the namespace whose folder is this one.
fn node<'a>(etcd: &'a Etcd, folder: &Case) -> Case<'a> {
    let case = Case::on(etcd, Postgres::shared()).set("etcd.namespace", "meet").unwatched();
    case.set("storage.mount", folder.mount().display().to_string())
}

/// The command that the remedy writes out, with further flags.
fn written<'a>(case: Case<'a>, remedy: &str, begins: &str, more: &[&str]) -> Case<'a> {
    let command = literal(remedy, |it| it.trim_start_matches("backendai-setup ").starts_with(begins));
    let words = command.trim_start_matches("backendai-setup ").split(' ');
    case.flags(words.chain(more.iter().copied()))
}

/// The offer stands in etcd.
fn standing(etcd: &Etcd, offer: &Case) -> Running {
    let running = offer.start(&["--output", "json"]);
    wait_until("the offer stands", PATIENCE, || !etcd.get_all("/backendai-setup/").is_empty());
    running
}

#[test]
fn nodes_that_meet() {
    let Some(namespaces) = Namespaces::needed() else { return };
    let etcd = Etcd::start();
    etcd.put("/sorna/meet/volumes/_mount", "vfroot");
    let folder = Case::new();
    let verify = || node(&etcd, &folder).flags(["mount", "verify", "--node", "b"]);

    // A path that cannot be is replaced by the command of the message.
    let told =
        node(&etcd, &folder).unset("storage.mount").flags(["mount", "offer"]).run().expect("E-MOUNT-PATH");
    let remedy = told.remedy();
    assert!(literals(&remedy).contains(&"storage.mount"), "{remedy}");
    let set = written(node(&etcd, &folder), &remedy, "run set-mount", &[]).run();
    assert_eq!(set.status, 0, "{:#?}", set.failures);

    // Nobody offers: the command is run on this node.
    let told = verify().run().expect("E-MOUNT-NO-OFFER");
    let offer = written(node(&etcd, &folder), &told.remedy(), "mount offer", &["--nodes", "1"]);
    let running = standing(&etcd, &offer);

    // A second offer waits for the end of the first one.
    let second = node(&etcd, &folder).flags(["mount", "offer", "--for", "200ms"]);
    let told = second.run().expect("E-MOUNT-OFFERED");
    assert!(told.remedy().starts_with("end the other `mount offer`"), "{}", told.remedy());

    // Another folder at the path: the share is mounted, and the same command passes.
    let mount = folder.mount().display().to_string();
    let over = namespaces.after(&format!("mount -t tmpfs tmpfs {mount}"));
    let told = verify().under(over).run().expect("E-MOUNT-DIFFERS");
    let here = told.remedy();
    // The offer ends too, as the one node has answered; its remedy begins with an offer.
    let told = Told::read(&running.wait(), Vec::new()).expect("E-MOUNT-DIFFERS");
    let offer = written(node(&etcd, &folder), &told.remedy(), "mount offer", &["--nodes", "1"]);
    let running = standing(&etcd, &offer);
    let again = written(node(&etcd, &folder), &here, "mount verify", &["--node", "b"]).run();
    assert_eq!(again.status, 0, "{:#?}", again.failures);
    assert_eq!(running.wait().status, 0);

    // The other one has ended; nobody comes in time, so it is made longer and the other node verifies.
    let told = second.run().expect("E-MOUNT-NODES");
    let remedy = told.remedy();
    let longer = literal(&remedy, |it| it.starts_with("--for ")).replace("DURATION", "1m");
    let offer =
        longer.split(' ').fold(node(&etcd, &folder).flags(["mount", "offer", "--nodes", "1"]), Case::also);
    let running = standing(&etcd, &offer);
    let other = written(node(&etcd, &folder), &remedy, "mount verify", &["--node", "b"]).run();
    assert_eq!(other.status, 0, "{:#?}", other.failures);
    assert_eq!(running.wait().status, 0);
}

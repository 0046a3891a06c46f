//! Offers of the shared folder that cannot be made, and nodes that cannot answer.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{Case, as_nobody, row, together};
use crate::servers::{Etcd, Namespaces, PATIENCE, Postgres, wait_until};

/// A case whose etcd names a shared folder, in a namespace of its own; without answers about storage.
fn named<'a>(etcd: &'a Etcd, namespace: &str, path: &str) -> Case<'a> {
    etcd.put(&format!("/sorna/{namespace}/volumes/_mount"), path);
    let case = Case::on(etcd, Postgres::shared()).set("etcd.namespace", namespace);
    case.unset("storage.mount").unset("storage.expect").flags(["mount", "offer"])
}

/// The same with the folder that every case has.
fn sound<'a>(etcd: &'a Etcd, namespace: &str) -> Case<'a> {
    let case = named(etcd, namespace, "");
    let mount = case.mount().display().to_string();
    etcd.put(&format!("/sorna/{namespace}/volumes/_mount"), &mount);
    case
}

#[test]
fn nothing_to_offer_and_nobody_who_offers() {
    let etcd = Etcd::start();
    let case = |namespace: &str, path: &str| named(&etcd, namespace, path);
    // All keys first: afterwards the cases watch that nothing is written.
    let alone = sound(&etcd, "alone");
    let empty = || Case::on(&etcd, Postgres::shared()).set("etcd.namespace", "empty");
    let relative = case("relative", "vfroot");
    let foreign =
        case("foreign", "/mnt/others").set("storage.mount", "/tmp").set("storage.expect", "directory");
    let elsewhere =
        case("elsewhere", "/mnt/far").set("storage.mount", "/mnt/far").set("storage.expect", "elsewhere");
    let missing = case("missing", "/nonexistent/vf root");
    let device = case("device", "/dev/null");
    let below = case("below", "/dev/null/vfroot");
    let plain = sound(&etcd, "plain");
    let mount = plain.mount().display().to_string();
    let plain = plain.set("storage.mount", mount);
    let closed = sound(&etcd, "closed");
    let folder = closed.mount();
    let closed = as_nobody(closed);
    fs::set_permissions(&folder, PermissionsExt::from_mode(0o555)).expect("the folder is ours");

    let told = together(vec![
        row("nobody offers", || {
            alone
                .flags(["mount", "verify"])
                .fails(5, "E-MOUNT-NO-OFFER")
                .names(&["`backendai-setup mount offer`"])
        }),
        row("no folder to offer", || {
            empty()
                .flags(["mount", "offer"])
                .fails(4, "E-STAGE-NEEDS")
                .names(&["`set-mount`", "/sorna/empty/"])
        }),
        row("no folder to look at", || {
            empty().flags(["mount", "verify"]).fails(4, "E-STAGE-NEEDS").names(&["`set-mount`"])
        }),
        row("relative", || relative.fails(4, "E-MOUNT-PATH").names(&["`vfroot`", "storage.mount"])),
        row("another folder in the answers", || {
            foreign.fails(4, "E-MOUNT-FOREIGN").names(&["/mnt/others", "`/tmp`", "--replace-mount"])
        }),
        row("not on this host", || elsewhere.fails(4, "E-MOUNT-MISSING").names(&["`elsewhere`", "/mnt/far"])),
        row("missing", || missing.fails(4, "E-MOUNT-MISSING").names(&["mkdir -p '/nonexistent/vf root'"])),
        row("a device", || device.fails(4, "E-MOUNT-KIND").names(&["`/dev/null`"])),
        row("below a device", || below.fails(4, "E-MOUNT-KIND").names(&["`/dev/null/vfroot`"])),
        row("nothing is mounted", || {
            let mut told = plain.fails(4, "E-MOUNT-UNMOUNTED").names(&["storage.expect: directory"]);
            // Every machine has its own.
            let why = told.failures[0]["why"].as_str().expect("it says why");
            let system = why.strip_prefix("it lies on ").and_then(|rest| rest.split(';').next());
            told.redact.insert(0, (system.expect("it says on what").to_owned(), "FILE-SYSTEM"));
            told
        }),
        row("not ours to write", || closed.fails(4, "E-MOUNT-WRITE").names(&[folder.display().to_string()])),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn a_read_only_folder_is_not_offered() {
    let Some(namespaces) = Namespaces::needed() else { return };
    let etcd = Etcd::start();
    let case = sound(&etcd, "read-only");
    let mount = format!("mount -t tmpfs -o ro tmpfs {}", case.mount().display());
    let told = case.under(namespaces.after(&mount)).fails(4, "E-MOUNT-READONLY").names(&["remount,rw"]);
    insta::assert_snapshot!(told.text());
}

#[test]
fn an_offer_that_stands_and_those_who_come_to_it() {
    let Some(namespaces) = Namespaces::needed() else { return };
    let etcd = Etcd::start();
    let case = sound(&etcd, "stands");
    let offer = case.flags(["mount", "offer", "--nodes", "2", "--for", "1m"]);
    let running = offer.start(&["--output", "json"]);
    wait_until("the offer stands", PATIENCE, || !etcd.get_all("/backendai-setup/").is_empty());
    let come = |word: &str| {
        let case = Case::on(&etcd, Postgres::shared()).set("etcd.namespace", "stands");
        case.unset("storage.mount").unset("storage.expect").flags(["mount", word])
    };
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let mount = offer.mount().display().to_string();
    let redact = |mut told: super::Told| {
        told.redact.insert(0, (mount.clone(), "MOUNT"));
        told.redact.insert(1, (format!("`{host}`"), "`HOST`"));
        let parts = told.failures.iter().flat_map(|failure| failure["why"].as_str()).flat_map(str::lines);
        // What is mounted differs from machine to machine.
        let whole = |line: &str| {
            let parts = line.split("; ").filter_map(|part| part.split_once(": "));
            parts.map(|(_, mounted)| mounted.to_owned()).collect::<Vec<_>>()
        };
        let mounted = parts.flat_map(whole);
        for mounted in mounted.collect::<Vec<_>>() {
            told.redact.insert(0, (mounted, "MOUNTED"));
        }
        told
    };
    let text = |told: super::Told| redact(told).text();
    let mut texts = vec![text(come("offer").fails(8, "E-MOUNT-OFFERED").names(&[&host, &mount]))];

    let over = namespaces.after(&format!("mount -t tmpfs tmpfs {mount}"));
    let other = come("verify").unwatched().under(over);
    let other = other.flags(["mount", "verify", "--node", "b"]);
    texts.push(text(other.fails(4, "E-MOUNT-DIFFERS").names(&[&mount, "tmpfs"])));

    // Somebody else's folder is there by now.
    let moved = come("verify").flags(["mount", "verify", "--node", "c"]).unwatched();
    etcd.put("/sorna/stands/volumes/_mount", "/nonexistent");
    texts.push(text(moved.fails(4, "E-MOUNT-MISSING").names(&["/nonexistent"])));

    let told = super::Told::read(&running.wait(), offer.redactions());
    assert_eq!((told.status, &told.summary()["failed"]), (4, &2.into()));
    texts.push(text(told.expect("E-MOUNT-DIFFERS").names(&["`b`", "`c`", &mount])));

    etcd.put("/sorna/stands/volumes/_mount", &mount);
    for (more, what) in [(vec![], "No other node"), (vec!["--nodes", "2"], "0 of 2 other nodes")] {
        let alone =
            come("offer").unwatched().flags([vec!["mount", "offer", "--for", "500ms"], more].concat());
        let told = alone.run().expect("E-MOUNT-NODES").names(&[what, "--for"]);
        assert_eq!((told.status, &told.summary()["failed"]), (5, &1.into()));
        texts.push(text(told));
    }
    assert_eq!(etcd.get_all("/backendai-setup/").len(), 0);
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[test]
fn rights_outside_of_the_managers_prefix() {
    let etcd = Etcd::with_auth("canary-root-password");
    etcd.limited_user("manager", "canary-manager", "/sorna/");
    etcd.reading_user("reader", "canary-reader", "/");
    let mount = sound(&etcd, "local");
    let path = mount.mount();
    let user = |name: &str, password: &str, word: &str| {
        let case = Case::on(&etcd, Postgres::shared()).set("etcd.namespace", "local");
        let case = case.unset("storage.mount").unset("storage.expect").flags(["mount", word]);
        case.set("etcd.user", name).set("etcd.password", password)
    };
    let range = "/backendai-setup/local/";
    let told = together(vec![
        row("offer", || {
            user("manager", "canary-manager", "offer").fails(6, "E-ETCD-RIGHTS").names(&["`manager`", range])
        }),
        row("verify", || {
            user("manager", "canary-manager", "verify").fails(6, "E-ETCD-RIGHTS").names(&["`manager`", range])
        }),
        row("may read, not write", || {
            user("reader", "canary-reader", "offer").fails(6, "E-ETCD-RIGHTS").names(&["`reader`", range])
        }),
    ]);
    assert!(fs::read_dir(path).expect("the folder is there").next().is_none(), "a file is left");
    insta::assert_snapshot!(told);
}

fn signed_in(case: Case<'_>) -> Case<'_> {
    case.set("etcd.user", "setup").set("etcd.password", "canary-setup")
}

#[test]
fn rights_below_its_own_prefix_are_enough() {
    let etcd = Etcd::with_auth("canary-root-password");
    etcd.limited_user("setup", "canary-setup", "/backendai-setup/signed/");
    etcd.may_read_too("setup", "/sorna/signed/");
    let offer = signed_in(sound(&etcd, "signed").flags(["mount", "offer", "--nodes", "1"]));
    let running = offer.start(&["--output", "json"]);
    wait_until("the offer stands", PATIENCE, || !etcd.get_all("/backendai-setup/").is_empty());
    let verify = signed_in(Case::on(&etcd, Postgres::shared()).set("etcd.namespace", "signed"));
    let told = verify.unwatched().flags(["mount", "verify", "--node", "a"]).run();
    assert_eq!(told.status, 0, "{:#?}", told.failures);
    let told = super::Told::read(&running.wait(), offer.redactions()).expect("W-ANSWERS-NOTE");
    assert_eq!(told.status, 0, "{:#?}", told.failures);
    let told = told.names(&["`BACKENDAI_SETUP_ETCD_PASSWORD`"]);
    let offered = told.events.iter().find(|event| event["type"] == "mount_offered").expect("an offer");
    assert!(offered["command"].as_str().is_some_and(|line| line.ends_with(" --set etcd.user=setup")));
    assert!(!told.events.iter().any(|event| event.to_string().contains("canary")), "a password is told");
    assert_eq!(etcd.get_all("/backendai-setup/").len(), 0);
}

#[test]
fn words_that_do_not_go_with_it() {
    let used = |flags: &[&str]| Case::new().flags(flags.to_vec());
    let told = together(vec![
        row("no answers", || {
            used(&["mount", "offer"]).bare().fails(10, "E-NEEDS-ANSWERS").names(&["--answers FILE"])
        }),
        row("no answers on another node", || {
            used(&["mount", "verify"]).bare().fails(10, "E-NEEDS-ANSWERS").names(&["--set"])
        }),
        row("a flag of another command", || {
            used(&["--replace-mount", "mount", "offer"]).fails(2, "E-USAGE").names(&["--replace-mount"])
        }),
        row("an etcd that is not there", || {
            let fake = crate::servers::Fake::closed_port();
            let case = used(&["mount", "offer"]).set("etcd.endpoints", format!("[{}]", fake.address));
            let mut told = case.fails(5, "E-ETCD-CONNECT").names(&[fake.port.to_string()]);
            told.redact.insert(0, (fake.port.to_string(), "PORT"));
            told
        }),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn a_host_without_a_name_of_its_own() {
    let Some(namespaces) = Namespaces::needed() else { return };
    let case = Case::new().flags(["mount", "verify"]).under(namespaces.after("hostname localhost"));
    let told = case.fails(2, "E-USAGE").names(&["`localhost`", "--node NAME"]);
    insta::assert_snapshot!(told.text());
}

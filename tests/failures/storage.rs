//! The shared folder is not there, not mounted, or takes no files.

use std::fs;

use super::{Case, as_nobody, row, together};
use crate::servers::{Etcd, Namespaces, Postgres};

/// In mounts of its own, without touching anybody else's: a file system at the shared folder.
fn mounted(namespaces: Namespaces, options: &str) -> Case<'static> {
    let case = Case::new();
    let mount = format!("mount -t tmpfs -o {options} tmpfs {}", case.mount().display());
    case.unset("storage.expect").under(namespaces.after(&mount))
}

fn elsewhere(name: &str) -> Case<'static> {
    let case = Case::new();
    let path = case.work().join(name).display().to_string();
    case.set("storage.mount", path)
}

#[test]
fn the_folder_is_not_fit() {
    let told = together(vec![
        row("nothing is mounted", || {
            let case = Case::new().unset("storage.expect");
            let mount = case.mount().display().to_string();
            let mut told = case.fails(4, "E-MOUNT-UNMOUNTED").names(&[&mount, "storage.expect: directory"]);
            // Every machine has its own.
            let why = told.failures[0]["why"].as_str().expect("it says why");
            let system = why.strip_prefix("it lies on ").and_then(|rest| rest.split(';').next());
            told.redact.insert(0, (system.expect("it says on what").to_owned(), "FILE-SYSTEM"));
            told
        }),
        row("missing", || {
            let case = elsewhere("nowhere");
            let mkdir = format!("mkdir -p {}/nowhere", case.work().display());
            case.fails(4, "E-MOUNT-MISSING").names(&[mkdir])
        }),
        row("missing, below a file", || elsewhere("file/below").file("file", "").fails(4, "E-MOUNT-KIND")),
        row("a file", || {
            let case = elsewhere("file").file("file", "");
            case.fails(4, "E-MOUNT-KIND").names(&["/file`", "storage.mount"])
        }),
        row("relative", || {
            let case = Case::new().set("storage.mount", "vfroot");
            case.fails(3, "E-ANSWERS-VALUE").names(&["`vfroot`", "storage.mount", "answers.yml:"])
        }),
        row("not ours to write", || {
            let case = as_nobody(Case::new());
            let mount = case.mount();
            fs::set_permissions(&mount, std::os::unix::fs::PermissionsExt::from_mode(0o555)).expect("ours");
            case.fails(4, "E-MOUNT-WRITE").names(&[mount.display().to_string()])
        }),
        row("not ours to look at", || {
            let case = Case::new();
            let below = case.mount().join("closed").join("vfroot");
            fs::create_dir_all(&below).expect("the folder is ours");
            let case = as_nobody(case.set("storage.mount", below.display().to_string()));
            fs::set_permissions(
                case.mount().join("closed"),
                std::os::unix::fs::PermissionsExt::from_mode(0o000),
            )
            .expect("the folder is ours");
            case.fails(4, "E-MOUNT-WRITE").names(&[below.display().to_string()])
        }),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn what_is_mounted_is_not_fit() {
    let Some(namespaces) = Namespaces::needed() else { return };
    let told = together(vec![
        row("read-only", || {
            let case = mounted(namespaces, "ro,size=64m");
            let mount = case.mount().display().to_string();
            case.fails(4, "E-MOUNT-READONLY").names(&[&mount, "remount,rw"])
        }),
        row("no room for another file", || {
            let case = mounted(namespaces, "nr_inodes=1");
            let mount = case.mount().display().to_string();
            case.fails(4, "E-MOUNT-WRITE").names(&[mount])
        }),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn a_mount_point_is_fit_and_little_space_is_a_warning() {
    let Some(namespaces) = Namespaces::needed() else { return };
    let case = mounted(namespaces, "size=64m").flags(["check", "storage"]);
    let told = case.warns("W-MOUNT-SPACE").names(&["64.0 MiB"]);
    let rungs = told.events.iter().find_map(|event| event["rungs"].as_array()).expect("a check");
    let passed = |name| rungs.iter().any(|rung| rung["name"] == name && rung["state"] == "passed");
    assert!(passed("mount") && passed("write"), "{rungs:#?}");
    assert!(fs::read_dir(case.mount()).expect("the folder is there").next().is_none());
}

#[test]
fn another_folder_in_etcd_stays_until_told() {
    let etcd = Etcd::start();
    let case = Case::on(&etcd, Postgres::shared()).set("etcd.namespace", "live");
    etcd.put("/sorna/live/volumes/_mount", "/mnt/others");
    let mount = case.mount().display().to_string();
    let told =
        case.fails(4, "E-MOUNT-FOREIGN").names(&["/mnt/others", &mount, "--replace-mount", "storage.mount"]);
    insta::assert_snapshot!(told.text());
    let case = case.flags(["run", "--replace-mount"]).unwatched();
    assert_eq!(case.run().status, 0);
    assert_eq!(etcd.get_all("/sorna/live/volumes/")["/sorna/live/volumes/_mount"], mount);
}

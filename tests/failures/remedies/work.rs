//! Remedies of the shared folder, the files, the keypairs and the stages.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::super::schema::at_head;
use super::super::{Case, as_nobody};
use super::{Step, all, answer, by_hand, by_shell, fix, flag, literal, literals, shell, solved};
use crate::servers::{Etcd, Namespaces, Postgres};

fn check(section: &'static str) -> Case<'static> {
    Case::new().flags(["check", section])
}

/// A file system of its own at the shared folder; the words are a command for it.
fn mounted(namespaces: Namespaces, options: &str) -> Case<'static> {
    let case = check("storage");
    let mount = mount(&case, options);
    case.unset("storage.expect").under(namespaces.after(&mount))
}

fn mount(case: &Case, options: &str) -> String {
    format!("mount -t tmpfs -o {options} tmpfs {}", case.mount().display())
}

#[test]
fn the_shared_folder() {
    let elsewhere = |name: &'static str| {
        move || {
            let case = check("storage").file("file", "");
            let path = case.work().join(name).display().to_string();
            case.set("storage.mount", path)
        }
    };
    let right = |case: &Case| case.mount().display().to_string();
    let told = all(vec![
        solved("missing", (4, "E-MOUNT-MISSING"), elsewhere("nowhere"), shell("mkdir -p ")),
        solved("a file", (4, "E-MOUNT-KIND"), elsewhere("file"), fix("storage.mount", right)),
        solved("below a file", (4, "E-MOUNT-KIND"), elsewhere("file/below"), fix("storage.mount", right)),
        solved(
            "nothing is mounted",
            (4, "E-MOUNT-UNMOUNTED"),
            || check("storage").unset("storage.expect"),
            answer(&[]),
        ),
        solved(
            "not ours to write",
            (4, "E-MOUNT-WRITE"),
            || {
                let case = as_nobody(check("storage"));
                fs::set_permissions(case.mount(), fs::Permissions::from_mode(0o555)).expect("ours");
                case
            },
            by_hand("owner and mode", |case| {
                fs::set_permissions(case.mount(), fs::Permissions::from_mode(0o755)).expect("ours");
                case
            }),
        ),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn what_is_mounted_as_the_shared_folder() {
    let Some(namespaces) = Namespaces::needed() else { return };
    let told = all(vec![
        solved(
            "read-only",
            (4, "E-MOUNT-READONLY"),
            || mounted(namespaces, "ro,size=64m"),
            Box::new(|case, remedy| {
                // The mount lives as long as the program: the command is carried out before it, beside the mount.
                let (_, command) = remedy.split_once("as root: ").expect("a command for root");
                let script = format!("{} && {command}", mount(&case, "ro,size=64m"));
                (case.under(namespaces.after(&script)), format!("# {command}"))
            }),
        ),
        solved(
            "no room for another file",
            (4, "E-MOUNT-WRITE"),
            || mounted(namespaces, "nr_inodes=1"),
            Box::new(|case, remedy| {
                assert!(remedy.contains("make room"), "{remedy}");
                let mount = mount(&case, "nr_inodes=100");
                (case.under(namespaces.after(&mount)), "by hand: made room".to_owned())
            }),
        ),
        solved(
            "little space",
            (0, "W-MOUNT-SPACE"),
            || mounted(namespaces, "size=64m"),
            Box::new(|case, remedy| {
                assert!(remedy.contains("make room"), "{remedy}");
                let mount = mount(&case, "size=2g");
                (case.under(namespaces.after(&mount)), "by hand: made room".to_owned())
            }),
        ),
    ]);
    insta::assert_snapshot!(told);
}

/// etcd names another folder, each in a namespace of its own.
#[test]
fn another_folder_in_etcd() {
    let etcd = Etcd::start();
    let named = |namespace: &'static str, path: &'static str| {
        etcd.put(&format!("/sorna/{namespace}/volumes/_mount"), path);
        let case = Case::on(&etcd, Postgres::shared()).set("etcd.namespace", namespace);
        case.flags(["run", "set-mount"]).unwatched()
    };
    let told = all(vec![
        solved(
            "replaced",
            (4, "E-MOUNT-FOREIGN"),
            || named("replaced", "/mnt/others"),
            flag("--replace-mount", super::as_it_is),
        ),
        solved(
            "kept",
            (4, "E-MOUNT-FOREIGN"),
            || named("kept", "/mnt/others").set("storage.expect", "elsewhere"),
            answer(&[]),
        ),
        solved(
            "kept with its slash",
            (4, "E-MOUNT-FOREIGN"),
            || named("slash", "/mnt/others/").set("storage.expect", "elsewhere"),
            answer(&[]),
        ),
        solved(
            "no folder in etcd",
            (4, "E-STAGE-NEEDS"),
            || {
                let case = Case::on(&etcd, Postgres::shared()).set("etcd.namespace", "empty");
                case.flags(["mount", "verify"]).unwatched()
            },
            Box::new(|case, remedy| {
                let stage = literal(remedy, |it| it == "set-mount").to_owned();
                let case = case.flags(["run", &stage]);
                assert_eq!(case.run().status, 0);
                (case.flags(["mount", "verify"]), format!("`run {stage}`"))
            }),
        )
        .then(5, "E-MOUNT-NO-OFFER"),
    ]);
    insta::assert_snapshot!(told);
}

/// Another path for a file, under the key that is named or the one of this file.
fn another_path(key: &'static str) -> Step<'static> {
    Box::new(move |case, remedy| {
        assert!(literals(remedy).iter().any(|it| *it == key || *it == "files"), "no key in: {remedy}");
        (case.set(key, "another"), format!("`{key}: another`"))
    })
}

#[test]
fn files_that_are_written() {
    let file = |name: &'static str, text: &'static str| move || check("files").file(name, text);
    let moved = |name: &'static str| {
        by_hand("move", move |case: Case<'static>| {
            fs::rename(case.work().join(name), case.work().join("away")).expect("the folder is ours");
            case
        })
    };
    let told = all(vec![
        solved(
            "a symbolic link",
            (4, "E-FILE-SYMLINK"),
            || {
                let case = check("files").file("elsewhere.env", "# Written by backendai-setup\n");
                symlink("elsewhere.env", case.work().join("manager.env")).expect("the folder is ours");
                case
            },
            Box::new(|case, remedy| {
                assert!(remedy.contains("name the real file under `files`"), "{remedy}");
                (
                    case.set("files.environment", "elsewhere.env"),
                    "`files.environment: elsewhere.env`".to_owned(),
                )
            }),
        ),
        solved(
            "a folder that is not there",
            (4, "E-FILE-PARENT"),
            || check("files").set("files.credentials", "manager/keypairs.yml"),
            shell("mkdir -p "),
        ),
        solved(
            "below a file",
            (4, "E-FILE-PARENT"),
            || check("files").file("file", "").set("files.environment", "file/manager.env"),
            another_path("files.environment"),
        ),
        solved(
            "somebody else's",
            (4, "E-FILE-OWNER"),
            || as_nobody(check("files").set("files.environment", "/etc/passwd")),
            another_path("files.environment"),
        ),
        solved(
            "another environment file",
            (4, "E-FILE-FOREIGN"),
            file("manager.env", "export SECRET=canary\n"),
            another_path("files.environment"),
        ),
        solved(
            "another environment file: moved",
            (4, "E-FILE-FOREIGN"),
            file("manager.env", "export SECRET=canary\n"),
            moved("manager.env"),
        ),
        solved(
            "a computed value",
            (4, "E-FILE-FOREIGN"),
            file("manager.env", "# Written by backendai-setup\nexport BACKEND_DB_USER=\"$(id -un)\"\n"),
            Box::new(|case, remedy| {
                let form = literal(remedy, |it| it.starts_with("export "));
                let line = form.replace("NAME", "BACKEND_DB_USER").replace("value", "somebody");
                (
                    case.file("manager.env", format!("# Written by backendai-setup\n{line}\n")),
                    format!("`{line}`"),
                )
            }),
        ),
        solved(
            "no scripts beside alembic.ini",
            (0, "W-FILE-ALEMBIC"),
            || check("files"),
            Box::new(|case, remedy| {
                assert!(remedy.contains("into the manager's folder"), "{remedy}");
                let (case, _) = by_shell(case, "mkdir -p manager/alembic");
                (
                    case.set("files.alembic-ini", "manager/alembic.ini"),
                    "`files.alembic-ini: manager/alembic.ini`".to_owned(),
                )
            }),
        ),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn files_on_mounts_of_their_own() {
    let Some(namespaces) = Namespaces::needed() else { return };
    let told = all(vec![
        solved(
            "a mount of its own",
            (4, "E-FILE-MOUNT"),
            || {
                let case = check("files")
                    .file("manager.env", "# Written by backendai-setup\n")
                    .file("other.env", "");
                case.under(namespaces.after("mount --bind other.env manager.env"))
            },
            Box::new(|case, remedy| {
                let folder = literal(remedy, |_| true).to_owned();
                assert!(remedy.starts_with("mount the folder"), "{remedy}");
                let script = format!("mount --bind {folder} {folder} && cd {folder}");
                (case.under(namespaces.after(&script)), format!("# mount --bind {folder}"))
            }),
        ),
        solved(
            "a full file system",
            (4, "E-FILE-WRITE"),
            || full(namespaces, "nr_inodes=1"),
            Box::new(|case, remedy| {
                assert!(remedy.contains("make room"), "{remedy}");
                (room(namespaces, case, "nr_inodes=100"), "by hand: made room".to_owned())
            }),
        ),
    ]);
    insta::assert_snapshot!(told);
}

/// A folder on a small file system of its own takes `manager.env`.
fn full(namespaces: Namespaces, options: &str) -> Case<'static> {
    let case = Case::new().set("files.environment", "full/manager.env").set("files.alembic-ini", "none");
    fs::create_dir(case.work().join("full")).expect("the folder is ours");
    room(namespaces, case.flags(["run", "write-config"]), options)
}

fn room<'a>(namespaces: Namespaces, case: Case<'a>, options: &str) -> Case<'a> {
    case.under(namespaces.after(&format!("mount -t tmpfs -o {options} tmpfs full")))
}

#[test]
fn keypairs_and_stages() {
    let etcd: &'static Etcd = Box::leak(Box::new(Etcd::start()));
    let case = move || Case::on(etcd, Postgres::shared()).unwatched();
    let pouring = move || at_head(case()).flags(["run", "populate-fixtures"]);
    let insert = |values: &str| {
        format!(
            "INSERT INTO keypairs (user_id, access_key, secret_key, is_active, is_admin, concurrency_limit, concurrency_used, rate_limit) VALUES {values}"
        )
    };
    let first = |what: &'static str| -> Step<'static> {
        Box::new(move |case, remedy| {
            let stage = literal(remedy, |it| it == what).to_owned();
            let case = case.flags(["run", &stage, "install-schema"]);
            (case, format!("`run {stage}` first"))
        })
    };
    let told = all(vec![
        solved(
            "published keys",
            (4, "E-KEYS-PUBLISHED"),
            move || {
                pouring().sql("{name}", &insert("('x@example.com', 'AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', true, true, 1, 0, 1)"))
            },
            flag("--replace-published-keys", super::as_it_is),
        ),
        solved(
            "a fixture against the table",
            (4, "E-KEYS-CONFLICT"),
            move || {
                let fixture = r#"{"keypairs": [{"user_id": "x@example.com", "is_admin": true, "access_key": "AKIAOURS", "secret_key": "canary-fixture"}]}"#;
                let case = pouring().sql(
                    "{name}",
                    &insert("('x@example.com', 'AKIAOURS', 'another-secret', true, true, 1, 0, 1)"),
                );
                case.file("mine.json", fixture).also("--fixture").also("mine.json")
            },
            by_hand("fix it in the table", |case| {
                case.sql("{name}", "UPDATE keypairs SET secret_key = 'canary-fixture'")
            }),
        ),
        solved(
            "a trigger that drops rows",
            (4, "E-DB-SHAPE"),
            move || {
                pouring().sql(
                    "{name}",
                    "CREATE FUNCTION off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; \
                 CREATE TRIGGER off BEFORE INSERT ON keypairs FOR EACH ROW EXECUTE FUNCTION off()",
                )
            },
            Box::new(|case, remedy| {
                let (_, form) = remedy.rsplit_once("superuser: ").expect("a statement");
                (case.sql("{name}", form), form.to_owned())
            }),
        ),
        solved(
            "no database yet",
            (4, "E-STAGE-NEEDS"),
            move || case().flags(["run", "install-schema"]),
            first("create-database"),
        ),
        solved(
            "no schema yet",
            (4, "E-STAGE-NEEDS"),
            move || case().created("").flags(["run", "populate-fixtures"]),
            Box::new(|case, remedy| {
                let stage = literal(remedy, |it| it == "install-schema").to_owned();
                let case = case.flags(["run", &stage]);
                assert_eq!(case.run().status, 0);
                (case.flags(["run", "populate-fixtures"]), format!("`run {stage}` first"))
            }),
        ),
        solved(
            "somebody changes what was written",
            (7, "E-STAGE-VERIFY"),
            move || {
                pouring().sql("{name}", "CREATE TABLE later (a int); GRANT ALL ON later TO PUBLIC; CREATE FUNCTION note() RETURNS int LANGUAGE plpgsql AS $$ BEGIN \
                 INSERT INTO later VALUES (1); RETURN 1; END $$; ALTER TABLE keypairs ADD COLUMN note int DEFAULT note(); \
                 CREATE FUNCTION off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 UPDATE keypairs SET rate_limit = NULL; RETURN NULL; END $$; \
                 CREATE CONSTRAINT TRIGGER off AFTER INSERT ON later DEFERRABLE INITIALLY DEFERRED \
                 FOR EACH ROW EXECUTE FUNCTION off()")
            },
            by_hand("run again", |case| case),
        ),
        solved(
            "a statement that is refused",
            (4, "E-DB-REFUSED"),
            move || {
                case().created("").flags(["run", "install-schema"]).sql("{name}", "CREATE FUNCTION apart() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$; \
                 CREATE EVENT TRIGGER apart ON ddl_command_start WHEN TAG IN ('CREATE TYPE') EXECUTE FUNCTION apart()")
            },
            by_hand("remove it, then run again", |case| case.sql("{name}", "DROP EVENT TRIGGER apart")),
        ),
    ]);
    insta::assert_snapshot!(told);
}

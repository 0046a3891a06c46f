//! The files to write are somebody else's, in the way, or cannot be written.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use super::{Case, NOBODY, as_nobody, row, together};
use crate::servers::Namespaces;

#[test]
fn files_in_the_way() {
    let told = together(vec![
        row("a symbolic link", || {
            let case = Case::new().file("elsewhere.ini", "[alembic]\n");
            symlink("elsewhere.ini", case.work().join("alembic.ini")).expect("the folder is ours");
            case.fails(4, "E-FILE-SYMLINK").names(&["alembic.ini", "elsewhere.ini"])
        }),
        row("a folder", || {
            let case = Case::new();
            fs::create_dir(case.work().join("manager.env")).expect("the folder is ours");
            case.fails(4, "E-FILE-SYMLINK").names(&["manager.env", "`files"])
        }),
        row("a folder that is not there", || {
            let case = Case::new().set("files.alembic-ini", "manager/alembic.ini");
            let mkdir = format!("mkdir -p {}/manager", case.work().display());
            case.fails(4, "E-FILE-PARENT").names(&["alembic.ini", &mkdir])
        }),
        row("below a file", || {
            let case = Case::new().set("files.environment", "file/manager.env").file("file", "");
            case.fails(4, "E-FILE-PARENT").names(&["/file`"])
        }),
        row("a folder that takes no files", || {
            let case = Case::new();
            let closed = case.work().join("closed");
            fs::create_dir(&closed).expect("the folder is ours");
            let case = as_nobody(case.set("files.credentials", "closed/keypairs.yml"));
            fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).expect("the folder is ours");
            case.fails(4, "E-FILE-PARENT").names(&["keypairs.yml", "/closed`"])
        }),
        row("somebody else's", || {
            // Another's file on every machine, for root once the program is run as nobody.
            let case = as_nobody(Case::new().set("files.environment", "/etc/passwd"));
            let mut told = case.fails(4, "E-FILE-OWNER").names(&["/etc/passwd", "`files"]);
            let me = rustix::process::geteuid();
            let me = if me.is_root() { NOBODY } else { me.as_raw() };
            told.redact.push((format!("you are {me}"), "you are ME"));
            told
        }),
        row("another environment file", || {
            let case = Case::new()
                .secret("canary-of-others")
                .file("manager.env", "export SECRET=canary-of-others\n");
            case.fails(4, "E-FILE-FOREIGN").names(&["manager.env", "files.environment"])
        }),
        row("an environment file with a computed value", || {
            let text = "# Written by backendai-setup\nexport BACKEND_DB_PASSWORD=\"$(cat password)\"\n";
            let case = Case::new().file("manager.env", text);
            case.fails(4, "E-FILE-FOREIGN").names(&[
                "manager.env:2",
                "files.environment",
                "BACKEND_DB_PASSWORD",
            ])
        }),
        row("no alembic configuration", || {
            let case = Case::new().file("alembic.ini", "[loggers]\nkeys = root\n");
            case.fails(4, "E-FILE-FOREIGN").names(&["alembic.ini", "[alembic]", "files.alembic-ini"])
        }),
        row("a variable that is set twice", || {
            let text = "# Written by backendai-setup\nexport BACKEND_DB_NAME=a\n\nexport BACKEND_DB_NAME=b\n";
            let case = Case::new().file("manager.env", text);
            case.fails(4, "E-FILE-FOREIGN").names(&["manager.env:4", "on line 2 too", "BACKEND_DB_NAME"])
        }),
        row("a line of others that ends in a carriage return", || {
            let text = "# Written by backendai-setup\nexport BACKEND_REDIS_ADDR=redis:6379\r\n";
            let case = Case::new().file("manager.env", text);
            let told = case.fails(4, "E-FILE-FOREIGN").names(&["manager.env:2", "carriage return"]);
            // The remedy, word for word.
            let remedy = told.remedy();
            let command = remedy.split_once(": ").expect("a command").1;
            assert!(Command::new("sh").args(["-c", command]).status().is_ok_and(|it| it.success()));
            assert_eq!(case.flags(["run", "write-config"]).run().status, 0);
            told
        }),
        row("an alembic configuration whose scripts are nowhere", || {
            let text = "[alembic]\nscript_location =\n";
            Case::new()
                .file("alembic.ini", text)
                .fails(4, "E-FILE-FOREIGN")
                .names(&["alembic.ini:2", "empty"])
        }),
        row("an alembic configuration that versions of Python read differently", || {
            let text = "[alembic]\nscript_location = alembic\n[a]b]\n";
            Case::new()
                .file("alembic.ini", text)
                .fails(4, "E-FILE-FOREIGN")
                .names(&["alembic.ini:3", "Python"])
        }),
        row("an alembic configuration with two sections", || {
            Case::new()
                .file("alembic.ini", "[alembic]\n[alembic]\n")
                .fails(4, "E-FILE-FOREIGN")
                .names(&["twice"])
        }),
        row("an alembic configuration with two URLs", || {
            let text = "[alembic]\nsqlalchemy.url = a\nSQLALCHEMY.URL = b\n";
            Case::new()
                .file("alembic.ini", text)
                .fails(4, "E-FILE-FOREIGN")
                .names(&["sqlalchemy.url", "twice"])
        }),
        row("an alembic configuration with a line that is no option", || {
            let text = "[alembic]\nscript_location = alembic\n[other]\ncanary-of-others\n";
            let case = Case::new().secret("canary-of-others").file("alembic.ini", text);
            case.fails(4, "E-FILE-FOREIGN").names(&["alembic.ini:4"])
        }),
        row("an alembic configuration with a percent sign of its own", || {
            let text = "[alembic]\nscript_location = 100%\n";
            Case::new().file("alembic.ini", text).fails(4, "E-FILE-FOREIGN").names(&["alembic.ini:2", "%%"])
        }),
        row("an alembic configuration that is no text", || {
            Case::new().file("alembic.ini", [0xff, 0xfe, 0]).fails(4, "E-FILE-FOREIGN").names(&["UTF-8"])
        }),
        row("keypairs in a form that cannot be changed by position", || {
            let text =
                "keypairs: [{user_id: a@b, access_key: AKIA1, secret_key: canary-secret, is_admin: true}]\n";
            let case = Case::new().secret("canary-secret").file("keypairs.yml", text);
            case.fails(4, "E-FILE-FOREIGN").names(&["keypairs.yml", "files.credentials"])
        }),
        row("no keypairs", || {
            Case::new()
                .file("keypairs.yml", "notes: mine\n")
                .fails(4, "E-FILE-FOREIGN")
                .names(&["keypairs.yml"])
        }),
        row("one name for two files", || {
            let case = Case::new().set("files.environment", "alembic.ini");
            case.fails(3, "E-ANSWERS-VALUE").names(&[
                "files.environment",
                "files.alembic-ini",
                "answers.yml:",
            ])
        }),
        row("a state directory that cannot be", || {
            let case = Case::new().file("file", "").flags(["run", "--state-dir", "file/state"]);
            case.fails(3, "E-STATE-DIR").names(&["file/state", "--state-dir"])
        }),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn files_on_mounts_of_their_own() {
    let Some(namespaces) = Namespaces::needed() else { return };
    let told = together(vec![
        row("a file that is a mount of its own", || {
            let case =
                Case::new().file("manager.env", "# Written by backendai-setup\n").file("other.env", "");
            let case = case.under(namespaces.after("mount --bind other.env manager.env"));
            case.fails(4, "E-FILE-MOUNT").names(&["manager.env", "mount the folder"])
        }),
        row("a full file system", || {
            let case = Case::new().set("files.environment", "full/manager.env");
            let full = case.work().join("full");
            fs::create_dir(&full).expect("the folder is ours");
            let mount = format!("mount -t tmpfs -o nr_inodes=1 tmpfs {}", full.display());
            let case = case.set("files.alembic-ini", "none").under(namespaces.after(&mount));
            case.flags(["run", "write-config"]).fails(4, "E-FILE-WRITE").names(&["full/manager.env"])
        }),
        row("a full file system with an alembic configuration", || {
            let case = Case::new().set("files.alembic-ini", "full/alembic.ini");
            fs::create_dir(case.work().join("full")).expect("the folder is ours");
            // Room for the old file and one more, but not for its backup too.
            let script = r#"
                mount -t tmpfs -o nr_inodes=3 tmpfs full
                printf '[alembic]\nscript_location = a\n' > full/alembic.ini
                "$0" "$@"
                status=$?
                [ "$(ls -A full)" = alembic.ini ] && [ "$(wc -l < full/alembic.ini)" = 2 ] || echo left behind
                exit $status"#;
            let case = case.under(namespaces.around(script));
            case.flags(["run", "write-config"]).fails(4, "E-FILE-WRITE").names(&["full/alembic.ini"])
        }),
    ]);
    insta::assert_snapshot!(told);
}

/// One truth: what the stages would find is found by the check, and by all commands alike.
#[test]
fn every_command_finds_the_same_in_a_file() {
    let texts = [
        ("alembic.ini", "[alembic]\nscript_location = alembic\nword\n"),
        ("alembic.ini", "[alembic]\nscript_location =\n"),
        ("manager.env", "# Written by backendai-setup\nBACKEND_DB_NAME=a\nBACKEND_DB_NAME=a\n"),
        ("manager.env", "export MINE=1\n"),
        ("keypairs.yml", "notes: mine\n"),
    ];
    for (name, text) in texts {
        let mut found = Vec::new();
        for (flags, status) in
            [(["check", "files"].as_slice(), 4), (&["plan"], 4), (&["status"], 9), (&["run"], 4)]
        {
            let case = Case::new().file(name, text).flags(flags.iter().copied());
            let told = case.fails(status, "E-FILE-FOREIGN");
            let [failure] = told.failures.as_slice() else { panic!("{:#?}", told.failures) };
            let work = case.work().display().to_string();
            found.push(failure.to_string().replace(&work, "WORK"));
        }
        found.dedup();
        assert_eq!(found.len(), 1, "{found:#?}");
    }
}

#[test]
fn alembic_needs_its_sections_for_logging() {
    let text = "[alembic]\nscript_location = alembic\n[loggers]\nkeys = root\n[handlers]\nkeys =\n";
    let case = Case::new().file("alembic.ini", text).flags(["check", "files"]).unwatched();
    let told = case.warns("W-FILE-LOGGING").names(&["alembic.ini", "[formatters]"]);
    insta::assert_snapshot!(told.text());
    // The remedy, step by step.
    let case = case.flags(["run", "write-config", "--set", "files.alembic-ini=new.ini"]);
    let new = case.outcome(&[]);
    assert_eq!(new.status, 0, "{new:?}");
    let read = |name: &str| fs::read_to_string(case.work().join(name)).expect("it was written");
    let (new, old) = (read("new.ini"), read("alembic.ini"));
    let sections = &new[new.find("[loggers]").expect("the section")..];
    let kept = &old[..old.find("[loggers]").expect("the section")];
    let case = case.file("alembic.ini", format!("{kept}{sections}")).flags(["check", "files"]);
    let told = case.run();
    assert!(told.warnings.iter().all(|it| it["code"] != "W-FILE-LOGGING"), "{:#?}", told.warnings);
}

#[test]
fn alembic_ini_away_from_its_scripts_is_a_warning() {
    let case = Case::new().flags(["check", "files"]);
    let told = case.warns("W-FILE-ALEMBIC").names(&["alembic.ini"]);
    insta::assert_snapshot!(told.text());
    fs::create_dir(case.work().join("alembic")).expect("the folder is ours");
    assert!(case.run().warnings.is_empty());
}

//! Own servers, page by page: a wrong password mended on the way, an edited list, a single stage.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{SERVERS, Stand, at_both_sizes};
use crate::servers::Fake;

#[test]
fn a_wrong_password_is_mended_on_the_way() {
    at_both_sizes(|columns, rows| {
        let stand = Stand::new();
        let tmux = stand.wizard(columns, rows, &["--set", "name=seoul-03-cluster"]);
        tmux.wait_for("Servers you name");
        tmux.keys(SERVERS);
        tmux.wait_for("> Namespace");
        tmux.text("local");
        tmux.keys(&["Enter"]);
        tmux.wait_for("> Addresses");
        tmux.text(&stand.etcd.endpoint);
        tmux.keys(&["Tab"]);
        tmux.wait_for("✓ rights");
        stand.capture("own-1-etcd", &tmux);
        tmux.keys(&["Enter"]);
        tmux.wait_for("> Address ");
        tmux.text(&stand.database.address);
        tmux.keys(&["Tab", "C-u"]);
        tmux.text(&stand.database.name);
        tmux.keys(&["Tab"]);
        tmux.text(&stand.database.user);
        tmux.keys(&["Tab"]);
        tmux.text("not the password");
        tmux.keys(&["Tab"]);
        tmux.wait_for("E-DB-AUTH");
        assert!(!tmux.screen().contains("not the password"));
        stand.capture("own-2-wrong-password", &tmux);
        tmux.keys(&["BTab", "C-u"]);
        tmux.wait_for("> Password");
        tmux.paste(&format!("{}\nand a second line\n", stand.database.password));
        tmux.wait_for("1 more line was cut");
        tmux.keys(&["Tab"]);
        tmux.wait_for("✓ rights");
        stand.capture("own-3-right-password", &tmux);
        tmux.keys(&["Enter"]);
        tmux.wait_for("> Shared folder");
        tmux.text(&stand.mount());
        tmux.keys(&["Tab", "C-u"]);
        tmux.text("directory");
        tmux.keys(&["Tab"]);
        tmux.wait_for("✓ write");
        tmux.keys(&["Enter"]);
        tmux.wait_for("22 images");
        tmux.wait_for(" new");
        stand.capture("own-4-images", &tmux);
        tmux.keys(&["Enter"]);
        tmux.wait_for("> Administrator");
        tmux.keys(&["Enter"]);
        tmux.wait_for("> alembic.ini");
        tmux.keys(&["Enter"]);
        tmux.wait_for("w writes all this");
        tmux.wait_gone("checking");
        stand.capture("own-5-review", &tmux);
        tmux.keys(&["w"]);
        tmux.wait_for("Prepared:");
        assert_eq!(stand.etcd.get_all("/sorna/local/volumes/")["/sorna/local/volumes/_mount"], stand.mount());
        let pairs = stand.database.psql(&stand.database.name, "SELECT count(*) FROM keypairs");
        assert_eq!(pairs.expect("the table is there"), "2\n");
        tmux.keys(&["Enter"]);
        tmux.wait_for("secret_key");
        tmux.keys(&["y"]);
        tmux.wait_for("Secrets are not copied");
        assert_eq!(tmux.clipboard(), "");
        tmux.keys(&["Escape"]);
        tmux.wait_for("> Show the keypairs");
        tmux.keys(&["y"]);
        tmux.wait_for("sent to your terminal");
        assert!(tmux.clipboard().contains("python -m ai.backend.gateway.server"), "{}", tmux.clipboard());
        a_single_stage(&stand, &tmux);
    });
}

/// Somebody took the path of the folder out; the menu shows it and puts it back.
fn a_single_stage(stand: &Stand, tmux: &crate::tui::Tmux) {
    let etcd = &stand.etcd;
    etcd.delete("/sorna/local/volumes/");
    tmux.keys(&["m"]);
    tmux.wait_for("pending");
    stand.capture("own-6-menu", tmux);
    tmux.keys(&["Down", "Down"]);
    tmux.wait_for("> ○ Shared folder");
    tmux.keys(&["Enter"]);
    tmux.wait_for("volumes/_mount");
    stand.capture("own-7-one-stage", tmux);
    tmux.keys(&["w"]);
    tmux.wait_for("Shared folder is done");
    stand.capture("own-8-one-stage-done", tmux);
    assert_eq!(etcd.get_all("/sorna/local/volumes/").len(), 1);
    tmux.keys(&["q"]);
    tmux.wait_for("> Stay");
    tmux.keys(&["Down", "Enter"]);
    assert_eq!(tmux.exit_status(), 0);
}

#[test]
fn a_hung_server_stops_nobody() {
    at_both_sizes(|columns, rows| {
        let (stand, silent) = (Stand::new(), Fake::silent_port());
        // Its own limit is what ends the look at the hung server.
        let arguments = ["--set", "etcd.namespace=local"];
        let tmux = crate::tui::Tmux::start(columns, rows, &stand.program, &arguments, &[]);
        tmux.wait_for("Servers you name");
        tmux.keys(SERVERS);
        tmux.wait_for("> Namespace");
        tmux.keys(&["Tab"]);
        tmux.text(&silent.address);
        tmux.keys(&["Tab"]);
        tmux.wait_for("checking; go on meanwhile");
        // What it passed already shows.
        tmux.wait_for("connect ");
        tmux.keys(&["Enter"]);
        // The next page takes keys while the probe of the one before hangs.
        tmux.wait_for("> Address ");
        tmux.text("typed meanwhile");
        tmux.wait_for("typed meanwhile");
        tmux.keys(&["Escape"]);
        tmux.wait_for("> User");
        tmux.wait_for("E-ETCD-TIMEOUT");
        crate::tui::capture("hung-1-etcd", &tmux, &[(&silent.address, "db-01:2379")]);
        tmux.keys(&["C-c"]);
        tmux.wait_for("> Stay");
        tmux.keys(&["C-c"]);
        assert_eq!(tmux.exit_status(), 0);
        // The answers are offered again.
        let tmux = stand.wizard(columns, rows, &[]);
        tmux.wait_for("> Continue  unfinished answers");
        tmux.keys(&["Enter"]);
        // It goes on where something is missing; what was answered is one page back.
        tmux.wait_for("> Address ");
        tmux.keys(&["Escape"]);
        tmux.wait_for("> Namespace      local");
        tmux.wait_for(&silent.address);
    });
}

#[test]
fn an_edited_list_with_a_typo_keeps_the_last_good_one() {
    at_both_sizes(|columns, rows| {
        let mut stand = Stand::new();
        let folder = stand.program.folder().join("bin");
        fs::create_dir(&folder).expect("a folder");
        // Breaks the list at first, and mends it at the second time.
        let script = "#!/bin/sh\ncase $1 in +*) echo \"$1\" >> \"$0.lines\"; shift;; esac\n\
            if grep -q 'mem: eight' \"$1\"; then sed -i 's/mem: eight/mem: 8/' \"$1\"\n\
            else sed -i '0,/mem: 1.0/s//mem: eight/' \"$1\"; fi\n";
        let editor = folder.join("editor");
        fs::write(&editor, script).expect("a script");
        fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).expect("it is ours");
        stand.program = stand.program.env("EDITOR", &editor);
        let endpoint = format!("etcd.endpoints={}", stand.etcd.endpoint);
        let tmux = stand.wizard(columns, rows, &["--set", "etcd.namespace=local", "--set", &endpoint]);
        tmux.wait_for("Servers you name");
        // To the page of the list by way of the menu of pages: etcd, then on by Enter needs the others.
        tmux.keys(SERVERS);
        tmux.wait_for("> Namespace");
        fill(&stand, &tmux);
        tmux.wait_for("22 images");
        tmux.wait_for(" new");
        tmux.keys(&["e"]);
        tmux.wait_for("E-IMAGES-VALUE");
        tmux.wait_for("the table shows the last good list");
        stand.capture("edit-1-broken", &tmux);
        tmux.keys(&["e"]);
        tmux.wait_gone("E-IMAGES-VALUE");
        tmux.wait_for("from image-metadata.yml");
        stand.capture("edit-2-mended", &tmux);
        let lines = fs::read_to_string(folder.join("editor.lines")).expect("the editor was told where");
        assert_eq!(lines.lines().count(), 2);
        assert!(lines.lines().all(|line| line.starts_with('+') && line != "+0"), "{lines}");
        // An editor that does not work is told, and nothing is lost.
        fs::write(&editor, "#!/bin/sh\nexit 3\n").expect("a script");
        tmux.keys(&["e"]);
        tmux.wait_for("ended with exit status: 3");
        tmux.keys(&["Space"]);
        tmux.wait_for("left out");
        tmux.wait_for("21 of 22 images");
        stand.capture("edit-3-one-left-out", &tmux);
    });
}

/// Etcd is answered; PostgreSQL and storage get something, so that the list is reached by keys.
fn fill(stand: &Stand, tmux: &crate::tui::Tmux) {
    tmux.keys(&["Enter"]);
    tmux.wait_for("> Address ");
    let database = &stand.database;
    tmux.paste(&format!("postgresql://{}:x@{}/{}", database.user, database.address, database.name));
    tmux.wait_for("The URL was split into its fields");
    tmux.wait_for("E-DB-AUTH");
    tmux.keys(&["Enter"]);
    tmux.wait_for("> Shared folder");
    tmux.text(&stand.mount());
    tmux.keys(&["Tab"]);
    // A page that is left before its check has ended hears of it on the next one.
    tmux.wait_for("E-MOUNT-UNMOUNTED");
    tmux.keys(&["Enter"]);
}

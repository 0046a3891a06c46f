//! An unmounted share, a failure in the middle of the schema, something foreign, another size.

use super::{BREAKS, Stand, at_both_sizes};
use crate::servers::Postgres;

#[test]
fn an_unmounted_share_keeps_w_off_until_it_is_mended() {
    at_both_sizes(|columns, rows| {
        let stand = Stand::new();
        let tmux = stand.review(columns, rows, "mount-point");
        tmux.wait_for("E-MOUNT-UNMOUNTED");
        tmux.wait_for("to write:");
        tmux.keys(&["w"]);
        tmux.wait_for("w is off: the check of Storage failed");
        stand.capture("unmounted-1-review", &tmux);
        assert!(stand.etcd.get_all("").is_empty(), "nothing is written");
        // Enter shows the check in full, and once more leads to the page where another answer can be given.
        tmux.keys(&["Enter"]);
        tmux.wait_for("mount      failed");
        stand.capture("unmounted-2-in-full", &tmux);
        tmux.keys(&["Enter"]);
        tmux.wait_for("> Shared folder");
        tmux.keys(&["Tab", "C-u"]);
        tmux.text("directory");
        tmux.keys(&["Tab"]);
        tmux.wait_for("✓ write");
        for page in ["22 images", "> Administrator", "> alembic.ini", "w writes all this"] {
            tmux.keys(&["Enter"]);
            tmux.wait_for(page);
        }
        tmux.keys(&["w"]);
        tmux.wait_for("Prepared:");
    });
}

#[test]
fn a_failure_in_the_middle_of_the_schema_is_tried_again() {
    at_both_sizes(|columns, rows| {
        let stand = Stand::new();
        let (postgres, name) = (Postgres::shared(), &stand.database.name);
        stand.database.psql("postgres", &format!("CREATE DATABASE {name}")).expect("the role may create it");
        postgres.psql(name, BREAKS);
        let tmux = stand.review(columns, rows, "directory");
        tmux.wait_for("w writes all this");
        tmux.keys(&["w"]);
        tmux.wait_for("> Try again");
        tmux.wait_for("E-DB-LOST");
        tmux.wait_for("PostgreSQL answers again, since");
        stand.capture("schema-1-failed", &tmux);
        let tables = stand.database.psql(name, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'");
        assert_eq!(tables.expect("the database is there"), "0\n", "the transaction was rolled back");
        // The log of a stage opens in place.
        tmux.keys(&["Up", "Up"]);
        tmux.wait_for("> ✗ Schema");
        tmux.keys(&["Enter"]);
        tmux.wait_for("Schema, since");
        tmux.keys(&["s"]);
        tmux.wait_for("Log saved");
        tmux.keys(&["y"]);
        tmux.wait_for("The log was sent to your terminal");
        assert!(tmux.clipboard().contains("table keypairs"), "{}", tmux.clipboard());
        tmux.keys(&["/"]);
        tmux.text("keypairs");
        tmux.keys(&["Enter", "v"]);
        tmux.wait_for("errors only");
        tmux.keys(&["v"]);
        tmux.wait_gone("errors only");
        tmux.keys(&["Escape"]);
        tmux.wait_for("Change an answer");
        tmux.keys(&["Down", "Down"]);
        tmux.wait_for("> Try again");
        postgres.psql(name, "DROP EVENT TRIGGER apart; DROP FUNCTION apart()");
        tmux.keys(&["Enter"]);
        tmux.wait_for("Prepared:");
        super::beside(&tmux);
        stand.capture("schema-2-done", &tmux);
        let rows = stand.database.psql(name, "SELECT count(*) FROM keypairs");
        assert_eq!(rows.expect("the table is there"), "2\n");
    });
}

#[test]
fn something_foreign_wants_a_word() {
    at_both_sizes(something_foreign);
}

fn something_foreign(columns: u16, rows: u16) {
    let stand = Stand::new();
    stand.etcd.put("/sorna/local/volumes/_mount", "/mnt/old");
    let tmux = stand.review(columns, rows, "directory");
    tmux.wait_for("E-MOUNT-FOREIGN");
    stand.capture("foreign-1-review", &tmux);
    tmux.keys(&["Enter"]);
    tmux.wait_for("Type replace");
    tmux.text("replace");
    tmux.keys(&["Enter"]);
    tmux.wait_for("w writes all this");
    stand.capture("foreign-2-allowed", &tmux);
    tmux.keys(&["w"]);
    tmux.wait_for("Prepared:");
    assert_eq!(stand.etcd.get_all("/sorna/local/volumes/")["/sorna/local/volumes/_mount"], stand.mount());
}

/// What changed since the review is not written over: there is nothing but another look, and what it finds is written.
#[test]
fn what_changed_since_the_review() {
    at_both_sizes(|columns, rows| {
        let stand = Stand::new();
        let tmux = stand.review(columns, rows, "directory");
        tmux.wait_for("w writes all this");
        tmux.wait_gone("checking");
        let key = "/sorna/local/images/_aliases/python";
        stand.etcd.put(key, "of somebody else");
        tmux.keys(&["w"]);
        tmux.wait_for("E-PLAN-STALE");
        tmux.wait_for("> Look again");
        stand.capture("stale-1-out-of-date", &tmux);
        assert_eq!(stand.etcd.get_all("").len(), 1, "something was written");
        tmux.keys(&["Enter"]);
        tmux.wait_for("w writes all this");
        tmux.wait_for("~ Aliases");
        stand.capture("stale-2-review", &tmux);
        tmux.keys(&["w"]);
        tmux.wait_for("Prepared:");
        assert_ne!(stand.etcd.get_all(key)[key], "of somebody else");
    });
}

#[test]
fn another_size_and_back() {
    at_both_sizes(smaller_and_back);
}

fn smaller_and_back(columns: u16, rows: u16) {
    let stand = Stand::new();
    let tmux = stand.review(columns, rows, "directory");
    tmux.wait_for("w writes all this");
    tmux.wait_gone("checking");
    stand.capture("size-1-review", &tmux);
    tmux.resize(60, 16);
    tmux.wait_for("step 7 of 8");
    stand.capture("size-2-review", &tmux);
    tmux.resize(50, 10);
    tmux.wait_for("The window is 50x10");
    tmux.resize(columns, rows);
    tmux.wait_for("● Review");
    stand.capture("size-1-review", &tmux);
    tmux.keys(&["C-t"]);
    tmux.wait_for("[*] Review");
    stand.capture("size-3-plain-signs", &tmux);
    assert!(tmux.screen().is_ascii());
}

#[test]
fn without_colour_everything_still_reads() {
    let stand = Stand::new();
    stand.answers("directory");
    let arguments = ["--answers", "answers.yml", "--review"];
    let tmux = crate::tui::Tmux::start(80, 24, &stand.program, &arguments, &[("NO_COLOR", "1")]);
    tmux.wait_for("w writes all this");
    let colours = ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[36m", "38;5;"];
    assert!(!colours.iter().any(|colour| tmux.coloured().contains(colour)));
    drop(tmux);
    let tmux = stand.review(80, 24, "directory");
    tmux.wait_for("w writes all this");
    let green = ["\u{1b}[32m", "38;5;2m"].iter().any(|green| tmux.coloured().contains(green));
    assert!(green, "the signs have their colours: {:?}", tmux.coloured());
}

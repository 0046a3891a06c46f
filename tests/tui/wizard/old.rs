//! A database with a past: upgraded by way of either wizard, and one that drifted, looked at.

use std::fs;

use super::{Stand, write_private};
use crate::servers::Database;
use crate::stages::old::{Old, revision, rows, rows_at_head};
use crate::tui::plain::{Talk, Way};

/// Before the revision that makes texts of the numbers of owners.
const NUMBERS: usize = 12;

/// Own servers around a database with a past, and answers for them.
fn around(old: &Old) -> Stand {
    let stand = Stand::new();
    let path = stand.answers("directory");
    let lines = |it: &Database| {
        format!(
            "address: {}\n  name: {}\n  user: {}\n  password: '{}'\n",
            it.address, it.name, it.user, it.password
        )
    };
    let text = fs::read_to_string(&path).expect("the answers");
    assert!(text.contains(&lines(&stand.database)), "{text}");
    write_private(&path, &text.replace(&lines(&stand.database), &lines(&old.database)));
    fs::write(stand.program.work().join("users.txt"), "1 one@example.com\n7 seven@example.com\n")
        .expect("our folder");
    stand
}

fn upgraded(old: &Old) {
    assert_eq!(old.stamp(), revision(18).id);
    // The round has made keypairs of its own beside them.
    let (now, kept) = (old.rows(), rows_at_head(NUMBERS, "one@example.com", "seven@example.com"));
    assert!(kept.lines().all(|row| now.lines().any(|it| it == row)), "{now}");
}

#[test]
fn the_full_screen_upgrades() {
    let old = Old::at(NUMBERS, &rows(NUMBERS));
    let stand = around(&old);
    let tmux = stand.wizard(120, 40, &["--answers", "answers.yml", "--review"]);
    tmux.wait_for("E-DB-USER-IDS");
    tmux.keys(&["Enter"]);
    // The numbers that are found stand below the field.
    tmux.wait_for("> User ids");
    tmux.wait_for("2 numbers (1, 7)");
    tmux.text("map:users.txt");
    tmux.keys(&["Tab", "Escape"]);
    tmux.wait_for("stringify_userid: 2 numbers in `user_id` of `keypairs` become the names in");
    tmux.wait_for("Before the upgrade: pg_dump");
    assert_eq!(old.stamp(), revision(NUMBERS).id, "something was written before the word");
    tmux.keys(&["w"]);
    tmux.wait_for("Prepared:");
    upgraded(&old);
}

#[test]
fn line_prompts_upgrade() {
    for way in [Way::Prompts, Way::Lines] {
        let old = Old::at(NUMBERS, &rows(NUMBERS));
        let stand = around(&old);
        let mut talk = Talk::start(&stand, way, &["--answers", "answers.yml", "--review"]);
        talk.until("E-DB-USER-IDS");
        talk.choose("What now?", "Say what", 2);
        talk.answer("User ids", "map:users.txt");
        talk.until("Schema, by revisions:");
        talk.until("stringify_userid: 2 numbers in `user_id`");
        assert_eq!(old.stamp(), revision(NUMBERS).id, "something was written before the word");
        talk.choose("What now?", "Write", 1);
        talk.until("failed=0 skipped=0");
        upgraded(&old);
    }
}

/// A database at the head without an index, which the repair would put back.
fn drifted() -> (Old, Stand) {
    let old = Old::at(18, "DROP INDEX ix_agents_region;");
    let stand = around(&old);
    (old, stand)
}

#[test]
fn drift_is_a_page() {
    let (old, stand) = drifted();
    let before = old.everything();
    let tmux = stand.wizard(80, 24, &["--answers", "answers.yml", "--review"]);
    tmux.wait_for("E-DB-SHAPE");
    // First the failed check in full, then the differences.
    tmux.keys(&["Enter"]);
    tmux.wait_for("d differences");
    tmux.keys(&["d"]);
    tmux.wait_for("Breaks the manager");
    tmux.wait_for("backendai-setup schema repair --answers answers.yml");
    tmux.keys(&["Escape"]);
    tmux.wait_for("E-DB-SHAPE");
    assert_eq!(old.everything(), before, "a look leaves no trace");
}

#[test]
fn line_prompts_show_drift() {
    for way in [Way::Prompts, Way::Lines] {
        let (_old, stand) = drifted();
        let mut talk = Talk::start(&stand, way, &["--answers", "answers.yml", "--review"]);
        talk.until("E-DB-SHAPE");
        talk.choose("What now?", "Show how", 2);
        talk.until("Breaks the manager");
        talk.until("backendai-setup schema repair --answers answers.yml");
        talk.choose("What now?", "Leave", 6);
        talk.pty.wait();
    }
}

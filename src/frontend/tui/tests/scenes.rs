//! Every screen in every state, at every size that matters, in plain signs too.

use ratatui::crossterm::event::KeyCode::{self, BackTab, Char, Down, Enter, Esc, Tab};

use crate::{
    failure::{Code, Failure, Place},
    frontend::tui::app::Page,
    workflow::StageStatus,
};

use super::{Listed, Msg, Survey, Wizard, good, pending, refused, state, unmounted};

/// At 80x24, 120x40 and 60x16, and at 80x24 in plain signs.
pub(super) fn shown(name: &str, make: impl Fn(u16, u16) -> Wizard) {
    shown_at(&[(80, 24), (120, 40), (60, 16)], name, make);
}

/// The same at 200x60 too.
pub(super) fn shown_everywhere(name: &str, make: impl Fn(u16, u16) -> Wizard) {
    shown_at(&[(80, 24), (120, 40), (60, 16), (200, 60)], name, make);
}

fn shown_at(sizes: &[(u16, u16)], name: &str, make: impl Fn(u16, u16) -> Wizard) {
    let mut all = String::new();
    for (columns, rows) in sizes.iter().copied() {
        all += &format!("{columns}x{rows}\n{}", make(columns, rows).screen());
    }
    let mut plain = make(80, 24);
    plain.app.theme.ascii = true;
    let screen = plain.screen();
    assert!(screen.is_ascii(), "plain signs alone:\n{screen}");
    all += &format!("80x24 in plain signs\n{screen}");
    assert!(!all.contains("Canary"), "a secret is on the screen:\n{all}");
    insta::assert_snapshot!(name, all);
}

pub(super) fn section(at: usize, columns: u16, rows: u16, answered: bool) -> Wizard {
    let mut wizard = if answered { Wizard::answered(columns, rows) } else { Wizard::new(columns, rows) };
    wizard.app.go(Page::Section(at));
    wizard
}

#[test]
fn sections() {
    shown("etcd_empty", |columns, rows| section(0, columns, rows, false));
    shown("database_typing", |columns, rows| {
        let mut wizard = section(1, columns, rows, false);
        wizard.text("db-01:5432").keys(&[Tab, Tab]).text("bai").key(Tab).text("Canary!");
        wizard
    });
    shown("database_refused_value", |columns, rows| {
        let mut wizard = section(1, columns, rows, false);
        wizard.text("db-01:70000").keys(&[Tab, Tab, Enter]);
        wizard
    });
    shown("database_probing", |columns, rows| {
        let mut wizard = section(1, columns, rows, true);
        wizard.key(Tab).tick(3200);
        wizard
    });
    shown("database_good", |columns, rows| {
        let mut wizard = section(1, columns, rows, true);
        wizard.key(Tab).probed(1, good("db-01:5432"));
        wizard
    });
    shown("database_failed_rung", |columns, rows| {
        let mut wizard = section(1, columns, rows, true);
        wizard.key(Tab).probed(1, refused());
        wizard
    });
    shown("database_pasted", |columns, rows| {
        let mut wizard = section(1, columns, rows, false);
        wizard.tell(Msg::Paste("postgresql://bai%40x:Canary%21@db-02/main?sslmode=require".into()));
        wizard
    });
    shown("storage_unmounted", |columns, rows| {
        let mut wizard = section(2, columns, rows, true);
        wizard.key(Tab).probed(2, unmounted());
        wizard
    });
    shown("keypairs", |columns, rows| section(4, columns, rows, true));
    shown("keypairs_the_same", |columns, rows| {
        let mut wizard = section(4, columns, rows, true);
        wizard.text("a@b.c").key(Tab).text("a@b.c").keys(&[BackTab]);
        wizard
    });
    shown("files", |columns, rows| section(5, columns, rows, true));
    shown("failed_elsewhere", |columns, rows| {
        let mut wizard = section(1, columns, rows, true);
        wizard.keys(&[Enter]).probed(1, refused());
        wizard
    });
}

fn images(columns: u16, rows: u16) -> Wizard {
    let mut wizard = section(3, columns, rows, true);
    wizard.listed();
    wizard
}

fn compared(columns: u16, rows: u16) -> Wizard {
    let mut wizard = images(columns, rows);
    let key = |path: &str, old: Option<&str>, new: Option<&str>| crate::workflow::Change::Key {
        old_bytes: None,
        new_bytes: None,
        key: format!("/sorna/local/images/{path}"),
        old: old.map(Into::into),
        new: new.map(Into::into),
        revision: 0,
    };
    let changes = vec![
        key("python", None, Some("1")),
        key("julia/cpu", Some("1"), Some("2")),
        key("old-one", Some("1"), None),
        key("old-one/tags/x", Some("1"), None),
    ];
    let generation = wizard.app.images.survey.generation;
    let result = Ok(vec![
        state("load-images", StageStatus::Pending, changes),
        state("load-aliases", StageStatus::Done, Vec::new()),
    ]);
    wizard.tell(Msg::Surveyed { survey: Survey::Images, generation, result });
    wizard
}

#[test]
fn image_list() {
    shown("images_reading", |columns, rows| section(3, columns, rows, true));
    shown("images_not_compared", images);
    shown("images", compared);
    shown("images_tensorflow", |columns, rows| {
        let mut wizard = compared(columns, rows);
        wizard.keys(&[Down, Down]);
        wizard
    });
    shown("images_search", |columns, rows| {
        let mut wizard = compared(columns, rows);
        wizard.key(Char('/')).text("torch");
        wizard
    });
    shown("images_search_empty", |columns, rows| {
        let mut wizard = compared(columns, rows);
        wizard.key(Char('/')).text("tensr").key(Enter);
        wizard
    });
    shown("images_changed", |columns, rows| {
        let mut wizard = compared(columns, rows);
        wizard.key(Char('v')).key(KeyCode::End);
        wizard
    });
    shown("images_chosen", |columns, rows| {
        let mut wizard = compared(columns, rows);
        wizard.keys(&[Down, Char(' '), Down, Char(' ')]);
        wizard
    });
    shown("images_fields", |columns, rows| {
        let mut wizard = compared(columns, rows);
        wizard.key(Tab).text("lists/image-metadata.yml");
        wizard
    });
    shown("images_broken", |columns, rows| {
        let mut wizard = compared(columns, rows);
        wizard.key(Char('r'));
        let generation = wizard.app.images.generation;
        let place = Place { file: "image-metadata.yml".into(), line: 12, column: 10 };
        let problem = Failure::new(Code::ImagesValue, "`mem` of `r` is text: \"8g\"")
            .remedy("write GiB as a number: mem: 8")
            .at(place);
        let listed = Box::new(Listed { list: None, problems: vec![problem] });
        wizard.tell(Msg::Listed { generation, listed });
        wizard
    });
}

pub(super) fn review(columns: u16, rows: u16) -> Wizard {
    let mut wizard = Wizard::answered(columns, rows);
    wizard.app.go(Page::Review);
    wizard
}

fn conflict() -> Failure {
    Failure::new(Code::MountForeign, "etcd already names `/mnt/old` as the shared folder")
        .why("`/sorna/local/volumes/_mount` would become `/mnt/vfroot`; a running manager keeps the old one until it restarts")
        .remedy("set `storage.mount: /mnt/old`, or replace it with `--replace-mount`")
}

pub(super) fn with_conflict(columns: u16, rows: u16) -> Wizard {
    let mut wizard = review(columns, rows);
    let mut stages = pending();
    stages[2] = state("set-mount", StageStatus::Conflict, Vec::new());
    stages[2].failure = Some(conflict());
    stages[2].summary = conflict().what;
    wizard.all_probed().surveyed(Ok(stages));
    wizard
}

#[test]
fn reviews() {
    shown("review_looking", |columns, rows| {
        let mut wizard = review(columns, rows);
        wizard.tick(2500);
        wizard
    });
    shown("review", |columns, rows| {
        let mut wizard = review(columns, rows);
        wizard.all_probed().surveyed(Ok(pending()));
        wizard
    });
    shown("review_nothing_to_do", |columns, rows| {
        let mut wizard = review(columns, rows);
        let stages =
            pending().into_iter().map(|stage| state(stage.stage, StageStatus::Done, Vec::new())).collect();
        wizard.all_probed().surveyed(Ok(stages));
        wizard
    });
    shown("review_unmounted", |columns, rows| {
        let mut wizard = review(columns, rows);
        wizard.all_probed().probed(2, unmounted()).surveyed(Ok(pending())).key(Char('w'));
        wizard
    });
    shown("review_missing_answers", |columns, rows| {
        let mut wizard = Wizard::new(columns, rows);
        wizard.app.go(Page::Review);
        let missing = Failure::new(Code::AnswersMissing, "`etcd.namespace` has no value");
        wizard.surveyed(Err(vec![missing]));
        wizard
    });
    shown("review_conflict", with_conflict);
    shown("review_confirm", |columns, rows| {
        let mut wizard = with_conflict(columns, rows);
        wizard.key(Enter).text("repl");
        wizard
    });
    shown("review_stage_in_full", |columns, rows| {
        let mut wizard = review(columns, rows);
        wizard.all_probed().surveyed(Ok(pending())).keys(&[Down, Down, Down, Down, Down, Enter]);
        wizard
    });
    shown("review_keys_in_full", |columns, rows| {
        let mut wizard = review(columns, rows);
        wizard.all_probed().surveyed(Ok(pending())).keys(&[Enter, KeyCode::PageDown]);
        wizard
    });
    shown("review_answers", |columns, rows| {
        let mut wizard = review(columns, rows);
        wizard.all_probed().surveyed(Ok(pending())).keys(&[KeyCode::Up, Enter]);
        wizard
    });
    shown("review_verdict", |columns, rows| {
        let mut wizard = review(columns, rows);
        wizard.all_probed().probed(1, refused()).surveyed(Ok(pending())).key(Enter);
        wizard
    });
}

#[test]
fn menus() {
    shown("menu", |columns, rows| {
        let mut wizard = with_conflict(columns, rows);
        wizard.key(Char('m')).tell(Msg::Remembered(vec![
            ("load-images", "2 min ago".into()),
            ("install-schema", "failed 3 days ago".into()),
        ]));
        wizard.surveyed(Ok(with_conflict(80, 24).app.survey.stages().to_vec())).keys(&[Down, Down]);
        wizard
    });
    shown("menu_alone", |columns, rows| {
        let mut wizard = with_conflict(columns, rows);
        wizard.key(Char('m')).keys(&[Down, Down, Down, Down, Down, Enter]);
        let generation = wizard.app.alone.generation;
        let result = Ok(vec![pending()[5].clone()]);
        wizard.tell(Msg::Surveyed { survey: Survey::One("install-schema"), generation, result });
        wizard
    });
}

#[test]
fn help() {
    for (name, keys) in [("help_field", 'g'), ("help_review", 'g')] {
        shown(name, |columns, rows| {
            let mut wizard =
                if name == "help_field" { section(1, columns, rows, true) } else { review(columns, rows) };
            wizard.control(keys);
            wizard
        });
    }
}

#[test]
fn too_small() {
    let mut wizard = Wizard::new(50, 10);
    assert_eq!(wizard.screen().trim(), "The window is 50x10; 60x16 is the least that\nworks.");
    wizard.tell(Msg::Resize(80, 24));
    assert!(wizard.screen().contains("Servers you name"));
    wizard.key(Esc);
    assert!(wizard.screen().contains("This is the first page; q leaves"));
}

#[test]
fn a_menu_without_all_answers() {
    shown("menu_missing_answers", |columns, rows| {
        let mut wizard = Wizard::new(columns, rows);
        wizard.key(Char('m'));
        let missing = Failure::new(Code::AnswersMissing, "`database.user` has no value");
        wizard.surveyed(Err(vec![missing]));
        wizard
    });
}

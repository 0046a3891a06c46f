//! Several things to say at once: each of them can be read.

use std::time::Instant;

use ratatui::crossterm::event::KeyCode::{Char, Enter, Esc};

use crate::{
    failure::{Code, Failure},
    frontend::tui::{app::Page, reviewing::Item},
    workflow::{Rung, StageStatus, Verdict},
};

use super::{Listed, Msg, Wizard, pending, scenes};

fn remarks(code: Code) -> Vec<Failure> {
    let remark = |what| Failure::new(code, what).remedy("look at it");
    ["the first thing", "the second thing", "the third thing"].map(remark).into()
}

fn reads_all(wizard: &Wizard) {
    let screen = wizard.screen();
    for remark in remarks(Code::AnswersNote) {
        assert!(screen.contains(&remark.what), "{}\n{screen}", remark.what);
    }
}

#[test]
fn of_the_image_list() {
    for code in [Code::ImagesValue, Code::ImagesLeftover] {
        for (columns, rows) in [(80, 24), (60, 16)] {
            let mut wizard = scenes::section(3, columns, rows, true);
            let generation = wizard.app.images.generation;
            let listed = Box::new(Listed { list: None, problems: remarks(code) });
            wizard.tell(Msg::Listed { generation, listed });
            let screen = wizard.screen();
            assert!(screen.contains("The first thing"), "{screen}");
            assert!(screen.contains("and 2 more; p shows all"), "{screen}");
            reads_all(wizard.key(Char('p')));
            assert_eq!(wizard.key(Esc).app.page, Page::Section(3));
        }
    }
}

#[test]
fn of_a_target() {
    let mut wizard = scenes::review(80, 24);
    let rung = |failure| Rung::noted("rights", failure, Instant::now());
    let verdict: Verdict = remarks(Code::DbRights).into_iter().map(rung).collect();
    wizard.all_probed().surveyed(Ok(pending())).probed(1, verdict);
    let screen = wizard.screen();
    assert!(screen.contains("The first thing (and 2 more)"), "{screen}");
    assert!(screen.contains("2 more, Enter shows all"), "{screen}");
    reads_all(wizard.key(Enter));
}

#[test]
fn of_a_run_that_was_refused() {
    let mut wizard = scenes::review(80, 24);
    wizard.all_probed().surveyed(Ok(pending())).key(Char('w'));
    wizard.tell(Msg::NotRun(remarks(Code::AnswersValue)));
    let screen = wizard.screen();
    assert!(screen.contains("1 of 3 problems; p shows all"), "{screen}");
    reads_all(wizard.key(Char('p')));
}

#[test]
fn of_a_stage() {
    let mut wizard = scenes::review(80, 40);
    let mut stages = pending();
    stages[2].remarks = remarks(Code::EtcdManager);
    stages[2].state = StageStatus::Pending;
    wizard.all_probed().surveyed(Ok(stages));
    let is_stage = |item: &Item<'_>| matches!(item, Item::Stage(stage) if !stage.remarks.is_empty());
    wizard.app.review.cursor = wizard.app.review_items().iter().position(is_stage);
    reads_all(wizard.key(Enter));
}

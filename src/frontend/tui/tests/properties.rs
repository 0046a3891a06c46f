//! No size and no sequence of keys ends in a panic.

use proptest::prelude::*;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Msg, Survey, Wizard, connection_lost, development, home, pending, refused, runs, summary};

#[derive(Debug, Clone)]
enum Step {
    Key(KeyCode, KeyModifiers),
    Paste(String),
    Resize(u16, u16),
    Tick(u64),
    /// One of the things that work brings back.
    Arrives(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let code = prop_oneof![
        6 => prop::sample::select(vec![
            KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::BackTab, KeyCode::Up, KeyCode::Down,
            KeyCode::Left, KeyCode::Right, KeyCode::Home, KeyCode::End, KeyCode::PageUp, KeyCode::PageDown,
            KeyCode::Backspace, KeyCode::Delete, KeyCode::F(1),
        ]),
        4 => prop::sample::select("wqjkgGmrsvyetnNfup/? al:1漢é".chars().collect::<Vec<_>>())
            .prop_map(KeyCode::Char),
    ];
    let modifiers = prop_oneof![9 => Just(KeyModifiers::NONE), 2 => Just(KeyModifiers::CONTROL)];
    prop_oneof![
        12 => (code, modifiers).prop_map(|(code, modifiers)| Step::Key(code, modifiers)),
        1 => prop::sample::select(vec![
            "postgresql://u:p@h:1/d", "host:1\nmore", "\u{1b}[A", "漢字", "", "postgresql://", "a\tb",
        ]).prop_map(|text| Step::Paste(text.to_owned())),
        1 => (1u16..=300, 1u16..=100).prop_map(|(columns, rows)| Step::Resize(columns, rows)),
        1 => (0u64..100_000).prop_map(Step::Tick),
        3 => (0u8..15).prop_map(Step::Arrives),
    ]
}

fn arrives(wizard: &mut Wizard, which: u8) {
    match which {
        0 => drop(wizard.looked()),
        1 => drop(wizard.listed()),
        2 => drop(wizard.all_probed()),
        3 => drop(wizard.probed(1, refused())),
        4 => drop(wizard.surveyed(Ok(pending()))),
        5 => drop(wizard.surveyed(Err(vec![connection_lost()]))),
        6 => drop(wizard.ran(summary(0, Vec::new()))),
        7 => drop(wizard.ran(summary(7, vec![connection_lost()]))),
        8 => drop(wizard.tell(Msg::Keypairs(Ok("a: b".into())))),
        9 => drop(wizard.glanced()),
        10 => drop(wizard.tell(Msg::Home(Box::new(home::three())))),
        11 => drop(wizard.tell(Msg::Reached("lab:5432".into(), false))),
        12 => development::in_its_way(wizard),
        13 => home::asked(wizard, vec!["database.password"]),
        _ => {
            let generation = wizard.app.images.survey.generation;
            wizard.tell(Msg::Surveyed { survey: Survey::Images, generation, result: Ok(pending()) });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(
        size in (1u16..=300, 1u16..=100),
        begins in 0u8..5,
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut wizard = match begins {
            0 => Wizard::new(size.0, size.1),
            1 => runs::running(size.0, size.1),
            2 => home::with_three(size.0, size.1),
            _ => Wizard::answered(size.0, size.1),
        };
        for step in steps {
            match step {
                Step::Key(code, modifiers) => drop(wizard.tell(Msg::Key(KeyEvent::new(code, modifiers)))),
                Step::Paste(text) => drop(wizard.tell(Msg::Paste(text.into()))),
                Step::Resize(columns, rows) => drop(wizard.tell(Msg::Resize(columns, rows))),
                Step::Tick(ms) => drop(wizard.tick(ms)),
                Step::Arrives(which) => arrives(&mut wizard, which),
            }
            wizard.effects.clear();
            wizard.screen();
        }
        wizard.app.theme.ascii = true;
        prop_assert!(wizard.screen().is_ascii());
    }
}

#[test]
fn every_size_is_drawn() {
    for columns in (1..=300).step_by(7) {
        for rows in (1..=100).step_by(3) {
            let mut wizard = runs::running(columns, rows);
            wizard.screen();
            wizard.app.go(crate::frontend::tui::app::Page::Section(1));
            wizard.screen();
        }
    }
}

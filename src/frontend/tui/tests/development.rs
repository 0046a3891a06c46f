//! The development setup: straight to its review, and the page of what is in the way.

use ratatui::crossterm::event::KeyCode::{BackTab, Char, Down, Enter, Esc};

use crate::{
    devstack::{Beside, SeenState, Server, Stack},
    failure::{Code, Failure},
    frontend::{tui::app::Page, wizard::home::Choice},
};

use super::{Effect, Msg, Wizard, pending, scenes::shown_everywhere as shown};

fn obstructed(wizard: &mut Wizard, etcd: SeenState, beside: Beside) {
    let refuses = "refuses `postgres` with `develove`";
    let obstacle = Failure::new(
        Code::DevPort,
        format!("port 8100, meant for PostgreSQL, is taken by a process of another user, which {refuses}"),
    )
    .why("password authentication failed for user \"postgres\" (28P01)")
    .remedy("stop it and check again, or start PostgreSQL on port 8101 beside it, or give the one at localhost:8100 its own password");
    let postgres = SeenState::InTheWay { words: refuses.into(), has_own_sign_in: true };
    wizard.found([etcd, postgres], Some(obstacle), Some(beside));
}

/// PostgreSQL cannot be used as it is.
pub(super) fn in_its_way(wizard: &mut Wizard) {
    let beside = Beside { etcd_port: None, postgres_port: Some(8101) };
    obstructed(wizard, SeenState::Used { words: "3.4.15 answers".into() }, beside);
}

pub(super) fn in_the_way(columns: u16, rows: u16) -> Wizard {
    let mut wizard = Wizard::new(columns, rows);
    wizard.glanced().keys(&[Down, Enter]);
    in_its_way(&mut wizard);
    wizard
}

pub(super) fn stack() -> Stack {
    let server = |port| Server { port, pid: None, version: "1".into() };
    Stack { etcd: server(8120), postgres: server(8100), mount: "/srv/me/mount".into(), changed: false }
}

#[test]
fn development_in_two_keys() {
    let mut wizard = Wizard::new(80, 24);
    wizard.glanced();
    wizard.app.home.at = Choice::Development;
    wizard.effects.clear();
    wizard.key(Enter);
    assert!(matches!(&wizard.effects[..], [Effect::Look]), "{:?}", wizard.effects);
    wizard.looked();
    assert!(matches!(wizard.effects.last(), Some(Effect::StartStack(..))), "{:?}", wizard.effects);
    wizard.tell(Msg::StackUp(Box::new(Ok(stack()))));
    assert_eq!(wizard.app.page, Page::Review);
    wizard.all_probed().probed(4, super::good("-")).surveyed(Ok(pending())).key(Char('w'));
    assert_eq!(wizard.app.page, Page::Run, "{}", wizard.screen());
}

#[test]
fn what_is_in_the_way_has_a_page() {
    shown("development_in_the_way", in_the_way);
    shown("development_own_password", |columns, rows| {
        let mut wizard = in_the_way(columns, rows);
        wizard.key(Down).text("Canary").keys(&[BackTab, Down]);
        wizard
    });
    shown("development_both_in_the_way", |columns, rows| {
        let mut wizard = Wizard::new(columns, rows);
        wizard.glanced().keys(&[Down, Enter]);
        let etcd = SeenState::InTheWay { words: "is a web server".into(), has_own_sign_in: false };
        obstructed(&mut wizard, etcd, Beside { etcd_port: Some(8121), postgres_port: Some(8101) });
        wizard.key(Enter);
        wizard
    });
    shown("development_failed", |columns, rows| {
        let mut wizard = Wizard::new(columns, rows);
        let failure = Failure::new(Code::DevStart, "etcd ended right after its start").remedy("run it again");
        wizard.glanced().keys(&[Down, Enter]).looked().tell(Msg::StackUp(Box::new(Err(failure))));
        wizard
    });
    let mut wizard = in_the_way(80, 24);
    wizard.control('u').text("81x02").key(Enter);
    let Some(Effect::StartStack(beside, None)) = wizard.effects.last() else {
        panic!("{:?}", wizard.effects)
    };
    assert_eq!(beside.postgres_port, Some(8102));
    let mut wizard = in_the_way(80, 24);
    wizard.keys(&[Down, Enter]);
    assert!(wizard.screen().contains("Password is needed to go on"), "{}", wizard.screen());
    wizard.text("mine").key(Enter);
    let Some(Effect::StartStack(beside, Some(_))) = wizard.effects.last() else {
        panic!("{:?}", wizard.effects)
    };
    assert_eq!(*beside, Beside::default());
    wizard.tell(Msg::StackUp(Box::new(Ok(stack()))));
    assert!(wizard.app.answers.is("database.password", &"mine".into()));
    assert_eq!(wizard.app.page, Page::Review);
    let mut wizard = in_the_way(80, 24);
    wizard.keys(&[BackTab, BackTab, Down, Down, Enter]);
    assert!(matches!(wizard.effects.last(), Some(Effect::Look)), "{:?}", wizard.effects);
    wizard.key(Esc);
    assert_eq!(wizard.app.page, Page::Home);
}

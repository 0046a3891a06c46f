//! The first page: what was set up, what was left unfinished, and what else can be set up.

use jiff::{Timestamp, ToSpan};
use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{
        KeyCode::{Char, Down, End, Enter, Esc, Up},
        KeyEvent,
    },
    layout::Position,
};

use crate::{
    clock::Clock,
    failure::{Code, Failure, Place, Subject},
    frontend::{
        tui::{
            app::Page,
            keymap::{self, Action, BINDINGS},
        },
        wizard::{
            Unfinished,
            home::{Choice, Home, Opened, Wish},
            kept::KeptTarget,
        },
    },
    guide::{Answers, Origin},
    state::StateDir,
    surroundings::Surroundings,
};

use super::{
    Effect, Msg, SETUP, Wizard, answers,
    development::{in_the_way, stack},
    scenes::shown_everywhere as shown,
};

fn now() -> Timestamp {
    "2027-01-15T08:00:00Z".parse().unwrap()
}

/// A target of this name, with so many of seven stages done so long ago.
fn target(name: &str, database: &str, done: usize, hours: i64) -> KeptTarget {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::at(folder.path(), Surroundings::new(super::Environment::default()));
    let mut given = answers();
    let (address, db) = database.split_once('/').unwrap();
    let host = address.split(':').next().unwrap();
    for (key, value) in [
        ("name", name),
        ("database.address", address),
        ("database.name", db),
        ("etcd.endpoints", &format!("{host}:2379")),
    ] {
        given.set(key, value.into(), Origin::Typed).unwrap();
    }
    let kept = KeptTarget::of(&SETUP, &state.target(&given).unwrap()).unwrap();
    let last_run = (done > 0).then(|| now() - hours.hours());
    KeptTarget { id: name.into(), done, last_run, runs: 1, ..kept }
}

/// What was set up, and what was left unfinished.
pub(super) fn three() -> Home {
    Home { targets: of_the_sketch(), unfinished: Some(unfinished()), notices: Vec::new() }
}

fn of_the_sketch() -> Vec<KeptTarget> {
    let prod = target("prod", "db-07:5432/backend", 5, 0);
    let skipped = vec!["install-schema".into(), "populate-fixtures".into()];
    vec![
        KeptTarget { skipped, ..prod },
        target("seoul-03", "db-01:5432/backend", 7, 48),
        target("lab", "lab:5432/bai", 7, 21 * 24),
    ]
}

fn unfinished() -> Unfinished {
    let mut answers = Answers::new(SETUP.guide);
    answers.set("etcd.namespace", "local".into(), Origin::Draft).unwrap();
    answers.set("etcd.endpoints", "db-01:2379".into(), Origin::Draft).unwrap();
    Unfinished {
        answers,
        page: "etcd".into(),
        words: "etcd filled in, PostgreSQL next".into(),
        when: "1 min ago".into(),
    }
}

fn opened_on(columns: u16, rows: u16, targets: Vec<KeptTarget>, unfinished: Option<Unfinished>) -> Wizard {
    let mut wizard = Wizard::new(columns, rows);
    wizard.app.surroundings.clock = Clock::Fixed(now());
    wizard.app.home.take(Home { targets, unfinished, notices: Vec::new() });
    wizard.app.home.at = wizard.app.home.choices()[0].clone();
    wizard.glanced();
    wizard
}

pub(super) fn with_three(columns: u16, rows: u16) -> Wizard {
    opened_on(columns, rows, of_the_sketch(), Some(unfinished()))
}

fn many(columns: u16, rows: u16) -> Wizard {
    let name = |at: i64| target(&format!("site-{at:02}"), &format!("db-{at:02}:5432/backend"), 7, at * 24);
    opened_on(columns, rows, (1..=30).map(name).collect(), None)
}

fn reached(wizard: &mut Wizard, address: &str, accepts: bool) {
    wizard.tell(Msg::Reached(address.into(), accepts));
}

#[test]
fn first_starts() {
    shown("home_first", Wizard::new);
    shown("home_first_with_development", |columns, rows| {
        let mut wizard = Wizard::new(columns, rows);
        wizard.glanced();
        wizard.app.home.at = Choice::Development;
        wizard
    });
    shown("home_path", |columns, rows| {
        let mut wizard = Wizard::new(columns, rows);
        wizard.glanced().keys(&[Down, Down, Enter]);
        wizard
    });
    shown("home_file_refused", |columns, rows| {
        let mut wizard = Wizard::new(columns, rows);
        let place = Place { file: "answers.yml".into(), line: 3, column: 5 };
        let problem = Failure::new(Code::AnswersKey, "there is no key `etcd.namspace`")
            .remedy("did you mean `etcd.namespace`?")
            .at(place);
        wizard.glanced().keys(&[Down, Down, Enter, Enter]);
        wizard.tell(Msg::Loaded(Box::new(Err(vec![problem]))));
        wizard
    });
    shown("home_development_starting", |columns, rows| {
        let mut wizard = Wizard::new(columns, rows);
        wizard.glanced().keys(&[Down, Enter]).looked();
        wizard.tell(Msg::StackSaid("PostgreSQL data made in /srv/postgresql".into()));
        wizard
    });
}

#[test]
fn what_was_set_up() {
    shown("home", |columns, rows| {
        let mut wizard = with_three(columns, rows);
        reached(&mut wizard, "lab:5432", false);
        reached(&mut wizard, "lab:2379", true);
        wizard
    });
    shown("home_both_down", |columns, rows| {
        let mut wizard = with_three(columns, rows);
        wizard.keys(&[Down, Down, Down]);
        reached(&mut wizard, "lab:5432", false);
        reached(&mut wizard, "lab:2379", false);
        wizard
    });
    shown("home_many", |columns, rows| {
        let mut wizard = many(columns, rows);
        wizard.keys(&[Down; 14]);
        wizard
    });
    shown("home_search", |columns, rows| {
        let mut wizard = many(columns, rows);
        wizard.key(Char('/')).text("site-1");
        wizard
    });
    shown("home_search_empty", |columns, rows| {
        let mut wizard = many(columns, rows);
        wizard.key(Char('/')).text("tensr").key(Enter);
        wizard
    });
    shown("home_cut", |columns, rows| {
        let long =
            target("a-cluster-with-a-long-name", "database-of-the-cluster.example.org:5432/backend", 7, 48);
        let named = KeptTarget { name: "漢字".into(), ..target("b", "db:5432/x", 0, 0) };
        let failed =
            KeptTarget { failed: vec!["install-schema".into()], ..target("c", "db-02:5432/x", 3, 30) };
        opened_on(columns, rows, vec![long, named, failed], None)
    });
    shown("home_opening", |columns, rows| {
        let mut wizard = with_three(columns, rows);
        wizard.keys(&[Down, Enter]);
        wizard
    });
    shown("home_help", |columns, rows| {
        let mut wizard = with_three(columns, rows);
        wizard.key(Char('?'));
        wizard
    });
}

pub(super) fn asked(wizard: &mut Wizard, asks: Vec<&'static str>) {
    let mut answers = answers();
    asks.iter().for_each(|key| answers.unset(key));
    let note = Failure::new(Code::AnswersNote, "`database.password` is to be typed in: its source gave none")
        .why("`database.password`: the environment name `BACKEND_DB_PASSWORD` is not set")
        .about(Subject::Variable("database.password"));
    let opened = Opened { answers, notices: vec![note], asks };
    wizard.tell(Msg::Opened("seoul-03".into(), Box::new(Ok(opened))));
}

#[test]
fn what_is_kept_nowhere_is_asked_for() {
    let asking = |columns, rows| {
        let mut wizard = with_three(columns, rows);
        wizard.keys(&[Down, Down, Enter]);
        asked(&mut wizard, vec!["database.password"]);
        wizard
    };
    shown("home_ask", asking);
    shown("home_ask_typed", |columns, rows| {
        let mut wizard = asking(columns, rows);
        wizard.text("Canary!");
        wizard
    });
    let mut wizard = asking(80, 24);
    wizard.key(Enter);
    assert!(wizard.screen().contains("Password is needed to go on"), "{}", wizard.screen());
    wizard.text("p w").key(Enter);
    assert_eq!(wizard.app.page, Page::Review);
    assert!(wizard.app.answers.is("database.password", &"p w".into()));
    assert!(!wizard.app.round.changed, "nothing of it is left unfinished");
    wizard.key(Esc);
    assert_eq!(wizard.app.page, Page::Home);
}

#[test]
fn each_key_opens_what_it_is_for() {
    for (key, wish, page) in [
        (Enter, Wish::Review, Page::Review),
        (Char('m'), Wish::Stages, Page::Menu),
        (Char('u'), Wish::Undo, Page::Home),
    ] {
        let mut wizard = with_three(80, 24);
        wizard.keys(&[Down, Down]).effects.clear();
        wizard.key(key);
        assert!(matches!(&wizard.effects[..], [Effect::Open(id, ..)] if id == "seoul-03"), "{key:?}");
        assert_eq!(wizard.app.home.opening, Some(("seoul-03".into(), wish)));
        asked(&mut wizard, Vec::new());
        assert_eq!(wizard.app.page, page, "{key:?}");
        assert_eq!(wish == Wish::Undo, wizard.app.overlay.is_some());
    }
    // Whoever chose something else meanwhile is not interrupted.
    let mut wizard = with_three(80, 24);
    wizard.keys(&[Down, Down, Enter, End, Up, Up, Enter]);
    asked(&mut wizard, Vec::new());
    assert_eq!(wizard.app.page, Page::Section(0));
    assert!(!wizard.app.answers.is("database.address", &"db-01:5432".into()), "{}", wizard.screen());
}

/// Nothing is signed in to, no secret read and no program run before Enter.
#[test]
fn only_addresses_are_looked_at() {
    let mut wizard = many(80, 24);
    wizard.keys(&[Down, Up, Char('/'), Esc]);
    let is_look = |effect: &Effect| matches!(effect, Effect::Reach(_));
    assert!(wizard.effects.iter().all(is_look), "{:?}", wizard.effects);
    let looks = wizard.effects.len();
    wizard.key(Down);
    assert_eq!(wizard.effects.len(), looks, "each is looked at once");
    wizard.key(End);
    assert!(wizard.effects.len() > looks, "what comes onto the screen is looked at");
    let all = wizard.effects.len();
    assert!(all < 60, "what is not on the screen is not: {all}");
}

/// A file's paths, a target's servers: nothing of them is left when something else is set up.
#[test]
fn answers_do_not_mix() {
    let mut wizard = Wizard::new(80, 24);
    wizard.glanced().tell(Msg::Loaded(Box::new(Ok((answers(), Vec::new())))));
    assert_eq!(wizard.app.page, Page::Review);
    wizard.keys(&[Esc]).keys(&[Down, Enter]).looked().tell(Msg::StackUp(Box::new(Ok(stack()))));
    assert!(wizard.app.answers.is("storage.mount", &"/srv/me/mount".into()));
    assert!(wizard.app.answers.given("name").is_none_or(|given| given.origin == Origin::Development));
    wizard.keys(&[Esc]);
    wizard.app.home.at = Choice::Servers;
    wizard.key(Enter);
    assert!(wizard.app.answers.given("etcd.endpoints").is_none(), "{}", wizard.screen());
}

/// The review of `--review` leads back to a first page that knows what is there.
#[test]
fn from_a_review_back_to_the_first_page() {
    let mut wizard = Wizard::answered(80, 24);
    wizard.app.go(Page::Review);
    wizard.effects.clear();
    wizard.key(Esc);
    let looks = |wanted: fn(&Effect) -> bool| wizard.effects.iter().any(wanted);
    assert!(
        looks(|effect| matches!(effect, Effect::Glance))
            && looks(|effect| matches!(effect, Effect::ReadHome))
    );
}

#[test]
fn unfinished_answers_go_on_where_something_is_missing() {
    let mut wizard = with_three(80, 24);
    wizard.key(Enter);
    assert_eq!(wizard.app.page, Page::Section(1));
    wizard.tell(Msg::Paste("postgresql://me:x@db-01/backend".into()));
    wizard.app.go(Page::Section(0));
    wizard.keys(&[Enter]);
    assert_eq!(wizard.app.page, Page::Section(2), "what is answered is not walked through again");
    wizard.keys(&[Esc, Esc, Esc]);
}

/// The hardware cursor stands on the row in focus, whatever has it.
#[test]
fn the_cursor_stands_on_the_focus() {
    for (columns, rows) in [(80, 24), (60, 16), (200, 60)] {
        let mut wizard = many(columns, rows);
        for key in [Down, Down, End, Up, Up, Up, Up, Char('m')] {
            wizard.key(key);
            let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
            terminal.draw(|frame| wizard.app.view(frame)).unwrap();
            let Position { x, y } = terminal.get_cursor_position().unwrap();
            let screen = wizard.screen();
            let line = screen.lines().nth(usize::from(y)).unwrap();
            assert_eq!((x, line.chars().nth(1)), (1, Some('>')), "{screen}");
        }
    }
}

/// Every key of the footer does something there, and every bound key stands in its help.
#[test]
fn every_key_of_the_footer_does_something() {
    let quiet = |action: Action| matches!(action, Action::Help | Action::Quit | Action::Interrupt);
    let make: [fn(u16, u16) -> Wizard; 3] = [with_three, in_the_way, |columns, rows| {
        let mut wizard = with_three(columns, rows);
        wizard.keys(&[Down, Down, Enter]);
        asked(&mut wizard, vec!["database.password"]);
        wizard.text("x");
        wizard
    }];
    for make in make {
        let place = make(80, 24).app.place();
        for binding in keymap::footer(place).filter(|binding| !quiet(binding.action)) {
            let mut wizard = make(80, 24);
            if place == keymap::Place::Home {
                wizard.key(Down);
            }
            let (before, count) = (wizard.screen(), wizard.effects.len());
            let (code, modifiers) = binding.keys[binding.keys.len() - 1];
            wizard.tell(Msg::Key(KeyEvent::new(code, modifiers)));
            let is_changed = wizard.screen() != before || wizard.effects.len() > count;
            assert!(is_changed, "{} does nothing under {place:?}\n{before}", binding.shown);
        }
        let help = keymap::help(place);
        for binding in BINDINGS.iter().filter(|it| it.places.contains(&place) && !it.label.is_empty()) {
            let is_told = BINDINGS
                .iter()
                .any(|known| known.action == binding.action && help.contains(&(known.shown, known.label)));
            assert!(is_told, "{} is not in the help of {place:?}", binding.shown);
        }
    }
}

/// What is cut says so, and stands in full once the cursor is on it.
#[test]
fn what_is_cut_can_be_read() {
    let place = "database-of-the-cluster.example.org:5432/backend";
    for (columns, rows) in [(80, 24), (60, 16), (120, 40), (200, 60)] {
        let long = target("a-cluster-with-a-long-name", place, 7, 48);
        let screen = opened_on(columns, rows, vec![long], None).screen();
        let words: String = screen.split_whitespace().collect();
        assert!(words.contains(place), "{screen}");
        assert!(screen.contains("Servers you name") && screen.contains("From an answers file"), "{screen}");
    }
}

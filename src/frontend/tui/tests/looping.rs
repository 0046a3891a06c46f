//! The real loop on a test screen, with scripted input and a server that hangs.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
};
use tokio::sync::{mpsc, watch};

use crate::{
    failure::Failure,
    frontend::tui::{Errand, Executor, Exit, Input, Tty, run},
    guide::{Answers, Origin},
    session::RunOptions,
    state::StateDir,
};

use super::{App, Effect, SETUP, Wizard};

/// Somebody who presses the next key once the screen says what he waits for.
struct Scripted {
    steps: Vec<(&'static str, Vec<Input>)>,
    screen: watch::Receiver<String>,
    copied: Arc<Mutex<Vec<String>>>,
    typed: mpsc::UnboundedReceiver<Input>,
    hand: mpsc::UnboundedSender<Input>,
}

impl Tty for Scripted {
    async fn next(&mut self) -> Option<Input> {
        loop {
            if let Ok(input) = self.typed.try_recv() {
                return Some(input);
            }
            let Some((wanted, _)) = self.steps.first() else { return std::future::pending().await };
            if self.screen.borrow_and_update().contains(wanted) {
                let (_, inputs) = self.steps.remove(0);
                for input in inputs {
                    self.hand.send(input).ok()?;
                }
                continue;
            }
            self.screen.changed().await.ok()?;
        }
    }

    async fn forget_pending(&mut self) {
        while self.typed.try_recv().is_ok() {}
    }

    fn copy(&mut self, text: &str) {
        self.copied.lock().unwrap().push(text.to_owned());
    }

    fn title(&mut self, _: &str) {}

    async fn away(&mut self, _: &Errand, _: &[String]) -> Result<(), Failure> {
        Ok(())
    }
}

/// A screen that tells what it shows after each drawing.
struct Telling {
    inner: TestBackend,
    tell: watch::Sender<String>,
}

impl ratatui::backend::Backend for Telling {
    type Error = core::convert::Infallible;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Self::Error>
    where
        I: Iterator<Item = (u16, u16, &'a ratatui::buffer::Cell)>,
    {
        self.inner.draw(content)
    }
    fn hide_cursor(&mut self) -> Result<(), Self::Error> {
        self.inner.hide_cursor()
    }
    fn show_cursor(&mut self) -> Result<(), Self::Error> {
        self.inner.show_cursor()
    }
    fn get_cursor_position(&mut self) -> Result<ratatui::layout::Position, Self::Error> {
        self.inner.get_cursor_position()
    }
    fn set_cursor_position<P: Into<ratatui::layout::Position>>(
        &mut self,
        position: P,
    ) -> Result<(), Self::Error> {
        self.inner.set_cursor_position(position)
    }
    fn clear(&mut self) -> Result<(), Self::Error> {
        self.inner.clear()
    }
    fn clear_region(&mut self, region: ratatui::backend::ClearType) -> Result<(), Self::Error> {
        self.inner.clear_region(region)
    }
    fn size(&self) -> Result<ratatui::layout::Size, Self::Error> {
        self.inner.size()
    }
    fn window_size(&mut self) -> Result<ratatui::backend::WindowSize, Self::Error> {
        self.inner.window_size()
    }
    fn flush(&mut self) -> Result<(), Self::Error> {
        let buffer = self.inner.buffer();
        let columns = usize::from(buffer.area.width);
        let rows: Vec<String> = buffer
            .content
            .chunks(columns)
            .map(|row| row.iter().map(|cell| cell.symbol()).collect())
            .collect();
        let _ = self.tell.send(rows.join("\n"));
        self.inner.flush()
    }
}

fn key(code: KeyCode) -> Input {
    Input::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn text(text: &str) -> Vec<Input> {
    text.chars().map(|letter| key(KeyCode::Char(letter))).collect()
}

/// Runs the loop until the script is at its end.
fn play(mut app: App, first: Vec<Effect>, steps: Vec<(&'static str, Vec<Input>)>) -> (Exit, App) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (tell, screen) = watch::channel(String::new());
    let (hand, typed) = mpsc::unbounded_channel();
    let mut terminal = Terminal::new(Telling { inner: TestBackend::new(80, 24), tell }).unwrap();
    let mut tty = Scripted { steps, screen: screen.clone(), copied: Arc::default(), typed, hand };
    let folder = tempfile::tempdir().unwrap();
    let ended = runtime.block_on(async {
        let surroundings = app.surroundings.clone();
        let state_dir = StateDir::at(folder.path(), surroundings.clone());
        let mut executor = Executor::new(&SETUP, Ok(state_dir), RunOptions::new(surroundings));
        let played = run(&mut terminal, &mut tty, &mut executor, &mut app, first);
        tokio::time::timeout(Duration::from_secs(30), played).await
    });
    runtime.shutdown_background();
    let ended = ended.unwrap_or_else(|_| panic!("the script got stuck at:\n{}", screen.borrow().clone()));
    (ended, app)
}

/// A server that takes connections and never says a word.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

#[test]
fn keys_are_answered_while_a_server_hangs() {
    let (_listener, address) = silent();
    let mut answers = Answers::new(SETUP.guide);
    answers.set("etcd.namespace", "local".into(), Origin::Typed).unwrap();
    answers.set("etcd.endpoints", address.into(), Origin::Typed).unwrap();
    let Wizard { app, effects } = Wizard::with(answers, 80, 24);
    let mut steps = vec![
        ("> Servers you name", vec![key(KeyCode::Enter)]),
        ("checking; go on meanwhile", vec![key(KeyCode::Enter)]),
        ("> Address", text("db")),
        ("> Address    db", vec![key(KeyCode::Esc)]),
        // It counts the seconds, and still takes keys.
        ("1 s", vec![key(KeyCode::Tab)]),
        ("> Addresses", vec![Input::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL))]),
        ("Leave?", vec![key(KeyCode::Down), key(KeyCode::Enter)]),
    ];
    steps.retain(|(wanted, _)| !wanted.is_empty());
    let (ended, app) = play(app, effects, steps);
    assert_eq!(ended, Exit::Quit(0));
    assert!(app.round.changed);
}

#[test]
fn the_probe_of_a_field_that_changes_is_dropped() {
    let (_listener, address) = silent();
    let closed = {
        let (listener, address) = silent();
        drop(listener);
        address
    };
    let mut answers = Answers::new(SETUP.guide);
    answers.set("etcd.namespace", "local".into(), Origin::Typed).unwrap();
    answers.set("etcd.endpoints", address.into(), Origin::Typed).unwrap();
    let Wizard { app, effects } = Wizard::with(answers, 80, 24);
    let clear = Input::Key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
    let mut again = vec![clear];
    again.extend(text(&closed));
    let steps = vec![
        ("> Servers you name", vec![key(KeyCode::Enter)]),
        ("checking; go on meanwhile", vec![key(KeyCode::Tab)]),
        ("> Addresses", again),
        ("not checked since the last change", vec![key(KeyCode::Tab)]),
        // The first probe would have ended with a time limit, much later.
        ("E-ETCD", vec![key(KeyCode::Esc)]),
        ("Servers you name", vec![key(KeyCode::Char('q'))]),
        ("Leave?", vec![key(KeyCode::Down), key(KeyCode::Enter)]),
    ];
    let (ended, app) = play(app, effects, steps);
    assert_eq!(ended, Exit::Quit(0));
    let super::super::app::ProbeState::Found(verdict) = &app.probes[0].state else { panic!("a verdict") };
    let failure = verdict.failures().next().expect("nobody listens there");
    let port = closed.rsplit(':').next().unwrap();
    assert!(failure.what.ends_with(&format!("nothing listens on {port}")), "{}", failure.what);
}

#[test]
fn keys_for_another_page_are_dropped() {
    let Wizard { app, effects } = Wizard::answered(80, 24);
    // All at once: the second Enter was pressed before its page was drawn.
    let hasty = vec![key(KeyCode::Enter), key(KeyCode::Enter), key(KeyCode::Enter)];
    let steps = vec![
        ("Servers you name", hasty),
        ("> Namespace", vec![key(KeyCode::Esc)]),
        ("Servers you name", vec![key(KeyCode::Char('q'))]),
        ("Leave?", vec![key(KeyCode::Down), key(KeyCode::Enter)]),
    ];
    assert_eq!(play(app, effects, steps).0, Exit::Quit(0));
}

#[test]
fn a_terminal_that_is_gone_loses_no_answers() {
    let Wizard { app, effects } = Wizard::new(80, 24);
    let mut steps = vec![("> Servers you name", vec![key(KeyCode::Enter)])];
    let mut typed = text("mine");
    typed.push(Input::Signal(crate::failure::status::HANGUP));
    steps.push(("> Namespace", typed));
    let (ended, app) = play(app, effects, steps);
    assert_eq!(ended, Exit::Quit(129));
    assert!(app.answers.is("etcd.namespace", &"mine".into()));
}

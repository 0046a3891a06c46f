//! How long a person waits: from a key to the frame that shows it while a probe hangs, and for one frame
//! with a log of a million lines. `make bench` runs it.

#![allow(clippy::print_stdout, reason = "what was measured is for people to read")]

use std::{
    convert::Infallible,
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant},
};

use backendai_setup::{
    environment::Environment,
    failure::Failure,
    frontend::tui::{App, Errand, Executor, Input, Kept, Msg, Start, Survey, Theme, Tty, run},
    guide::{Answers, Origin},
    guides::september_2018::SETUP,
    session::{Overwrite, RunOptions},
    state::StateDir,
    surroundings::Surroundings,
    workflow::{Event, EventKind, Level, StageStatus},
};
use jiff::Timestamp;
use ratatui::{
    Terminal,
    backend::{Backend, ClearType, TestBackend, WindowSize},
    buffer::Cell,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    layout::{Position, Size},
};
use tokio::sync::watch;

const KEYS: usize = 500;
const FRAMES: usize = 500;
const LINES: usize = 1_000_000;

fn main() {
    let (key, frame) = (key_to_frame(), frame_with_log());
    println!("from key to frame while a probe hangs   {key}   aim: under 20 ms");
    println!("frame with a log of {LINES} lines       {frame}   aim: under 16 ms");
    println!("one frame is {:.2} of the wait for a key", frame.median / key.median);
}

/// Times in milliseconds.
struct Times {
    median: f64,
    most: f64,
    worst: f64,
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let ms = |at: usize| times[at.min(times.len() - 1)].as_secs_f64() * 1000.0;
        Self { median: ms(times.len() / 2), most: ms(times.len() * 99 / 100), worst: ms(times.len()) }
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "median {:.2} ms, 99 % {:.2} ms, worst {:.2} ms", self.median, self.most, self.worst)
    }
}

fn surroundings() -> Surroundings {
    Surroundings::new(Environment::default())
}

fn wizard(answers: Answers) -> App {
    let theme = Theme { ascii: false, color: true };
    let start = Start {
        setup: &SETUP,
        answers,
        review: false,
        notices: Vec::new(),
        home: Kept::default(),
        glance: None,
        overwrite: Overwrite::default(),
        theme,
        host: "root@bench".into(),
        size: (120, 40),
        zone: jiff::tz::TimeZone::UTC,
        surroundings: surroundings(),
    };
    App::new(start).0
}

fn key(code: KeyCode) -> Msg {
    Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

/// The real loop; a server takes the connection of the probe and never says a word.
fn key_to_frame() -> Times {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    let mut answers = Answers::new(SETUP.guide);
    for (key, value) in [("etcd.namespace", "local"), ("etcd.endpoints", &address)] {
        answers.set(key, value.into(), Origin::Typed).expect("a sound answer");
    }
    let mut app = wizard(answers);
    // On the page of etcd, then to the one of PostgreSQL: the probe of etcd hangs from now on.
    let mut effects = Vec::new();
    for code in [KeyCode::Down, KeyCode::Enter, KeyCode::Enter] {
        effects.extend(app.update(key(code)));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (drawn, frames) = watch::channel(0);
    let mut terminal = Terminal::new(Counting { inner: TestBackend::new(120, 40), drawn }).expect("a screen");
    let mut typist = Typist { frames, pressed: None, times: Vec::new() };
    runtime.block_on(async {
        let mut executor = Executor::new(
            &SETUP,
            Ok(StateDir::at(std::env::temp_dir(), surroundings())),
            RunOptions::new(surroundings()),
        );
        run(&mut terminal, &mut typist, &mut executor, &mut app, effects).await
    });
    runtime.shutdown_background();
    Times::of(typist.times)
}

/// Types one letter after the other, each once the one before is on the screen.
struct Typist {
    frames: watch::Receiver<usize>,
    pressed: Option<(Instant, usize)>,
    times: Vec<Duration>,
}

impl Tty for Typist {
    async fn next(&mut self) -> Option<Input> {
        if let Some((pressed, frame)) = self.pressed {
            self.frames.wait_for(|shown| *shown > frame).await.ok()?;
            self.times.push(pressed.elapsed());
        }
        if self.times.len() == KEYS {
            return Some(Input::Signal(143));
        }
        self.pressed = Some((Instant::now(), *self.frames.borrow()));
        let letter = if self.times.len() % 40 == 39 { KeyCode::Home } else { KeyCode::Char('a') };
        Some(Input::Key(KeyEvent::new(letter, KeyModifiers::NONE)))
    }

    async fn forget_pending(&mut self) {}

    fn copy(&mut self, _: &str) {}

    fn title(&mut self, _: &str) {}

    async fn away(&mut self, _: &Errand, _: &[String]) -> Result<(), Failure> {
        Ok(())
    }
}

/// Counts the frames that were finished.
struct Counting {
    inner: TestBackend,
    drawn: watch::Sender<usize>,
}

impl Backend for Counting {
    type Error = Infallible;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> Result<(), Infallible> {
        self.inner.draw(content)
    }
    fn hide_cursor(&mut self) -> Result<(), Infallible> {
        self.inner.hide_cursor()
    }
    fn show_cursor(&mut self) -> Result<(), Infallible> {
        self.inner.show_cursor()
    }
    fn get_cursor_position(&mut self) -> Result<Position, Infallible> {
        self.inner.get_cursor_position()
    }
    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Infallible> {
        self.inner.set_cursor_position(position)
    }
    fn clear(&mut self) -> Result<(), Infallible> {
        self.inner.clear()
    }
    fn clear_region(&mut self, region: ClearType) -> Result<(), Infallible> {
        self.inner.clear_region(region)
    }
    fn size(&self) -> Result<Size, Infallible> {
        self.inner.size()
    }
    fn window_size(&mut self) -> Result<WindowSize, Infallible> {
        self.inner.window_size()
    }
    fn flush(&mut self) -> Result<(), Infallible> {
        self.drawn.send_modify(|count| *count += 1);
        self.inner.flush()
    }
}

/// Drawing alone, with the log as long as it gets.
fn frame_with_log() -> Times {
    let mut answers = Answers::new(SETUP.guide);
    for (key, value) in [
        ("etcd.namespace", "local"),
        ("etcd.endpoints", "db:2379"),
        ("database.address", "db:5432"),
        ("database.user", "me"),
        ("database.password", "x"),
        ("storage.mount", "/mnt/x"),
    ] {
        answers.set(key, value.into(), Origin::Typed).expect("a sound answer");
    }
    let mut app = wizard(answers);
    app.update(key(KeyCode::Char('m')));
    app.update(key(KeyCode::Enter));
    let state = backendai_setup::workflow::StageState {
        stage: "load-images",
        title: "Image list",
        state: StageStatus::Pending,
        summary: String::new(),
        plan: backendai_setup::workflow::StagePlan::nothing("load-images").into(),
        remarks: Vec::new(),
        failure: None,
    };
    app.update(Msg::Surveyed { survey: Survey::One("load-images"), generation: 1, result: Ok(vec![state]) });
    app.update(key(KeyCode::Char('w')));
    let event = |kind| Msg::Ran(Arc::new(Event { time: Timestamp::UNIX_EPOCH, kind }));
    app.update(event(EventKind::StageStarted { stage: "load-images" }));
    for number in 0..LINES {
        let message =
            format!("line {number} of a very long log, with words that go beyond the edge of the screen");
        app.update(event(EventKind::Log { stage: "load-images", level: Level::Info, message }));
    }
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).expect("a screen");
    terminal.draw(|frame| app.view(frame)).expect("a frame");
    let last = format!("line {}", LINES - 1);
    let screen = terminal.backend().to_string();
    assert!(screen.contains(&last), "the log is on the screen:\n{screen}");
    let mut times = Vec::new();
    for number in 0..FRAMES {
        app.update(key(if number % 2 == 0 { KeyCode::PageUp } else { KeyCode::PageDown }));
        let since = Instant::now();
        terminal.draw(|frame| app.view(frame)).expect("a frame");
        times.push(since.elapsed());
    }
    Times::of(times)
}

//! The loop: draw, wait for one thing, take what has come meanwhile, draw again.

use std::time::{Duration, Instant};

use ratatui::{Terminal, backend::Backend, layout::Rect};

use super::{
    app::App,
    executor::Executor,
    input::Input,
    msg::{Effect, Errand, Msg},
    tty::Tty,
};

/// While something moves, the screen is drawn so often.
const BEAT: Duration = Duration::from_millis(100);
/// Messages are taken in for so long before they are shown.
const SHOWN_AFTER: Duration = Duration::from_millis(12);

/// Why the loop ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// With this exit status.
    Quit(u8),
    /// The terminal is gone.
    Lost,
}

/// Shows the application until it ends.
pub async fn run<B: Backend, S: Tty>(
    terminal: &mut Terminal<B>,
    tty: &mut S,
    executor: &mut Executor,
    app: &mut App,
    first: Vec<Effect>,
) -> Exit {
    let began = Instant::now();
    let mut screen = Screen { terminal, tty, executor, title: String::new() };
    if let Some(ended) = screen.perform(app, first).await {
        return ended;
    }
    loop {
        let was = app.whereabouts();
        if screen.terminal.draw(|frame| app.view(frame)).is_err() {
            return screen.end_of_terminal(app);
        }
        screen.retitle(app);
        let msg = tokio::select! {
            input = screen.tty.next() => match input {
                Some(input) => match screen.take(app, input) {
                    Some(msg) => msg,
                    None => continue,
                },
                None => return screen.end_of_terminal(app),
            },
            Some(msg) = screen.executor.messages.recv() => msg,
            () = tokio::time::sleep(BEAT), if app.is_busy() => Msg::Tick(began.elapsed()),
        };
        let mut next = Some(msg);
        let since = Instant::now();
        while let Some(msg) = next.take() {
            let mut effects = app.update(Msg::Tick(began.elapsed()));
            effects.extend(app.update(msg));
            if let Some(ended) = screen.perform(app, effects).await {
                return ended;
            }
            // Many messages make one picture.
            if since.elapsed() < SHOWN_AFTER {
                next = screen.executor.messages.try_recv().ok();
            }
        }
        if app.whereabouts() != was {
            // Keys that were pressed for another page are not meant for this one. Before it is drawn: whoever
            // sees the new page may type at once.
            screen.tty.forget_pending().await;
        }
    }
}

struct Screen<'a, B: Backend, S> {
    terminal: &'a mut Terminal<B>,
    tty: &'a mut S,
    executor: &'a mut Executor,
    title: String,
}

impl<B: Backend, S: Tty> Screen<'_, B, S> {
    fn take(&mut self, app: &mut App, input: Input) -> Option<Msg> {
        match input {
            Input::Key(key) => Some(Msg::Key(key)),
            Input::Paste(text) => Some(Msg::Paste(text)),
            // A terminal that does not report its size keeps the one that it was taken to have.
            Input::Resize(0, _) | Input::Resize(_, 0) => None,
            Input::Resize(columns, rows) => {
                let area = Rect::new(0, 0, columns, rows);
                if self.terminal.get_frame().area() != area {
                    let _ = self.terminal.resize(area);
                }
                Some(Msg::Resize(columns, rows))
            }
            Input::Signal(status) => Some(Msg::Signal(status)),
            Input::Stop => Some(Msg::Suspend),
            Input::Resumed => {
                self.redraw(app);
                None
            }
        }
    }

    fn redraw(&mut self, app: &mut App) {
        // Not `clear`: it asks the terminal where its cursor is, and nobody would read the answer.
        if let Ok(size) = self.terminal.size() {
            let is_known = size.width > 0 && size.height > 0;
            let (columns, rows) = if is_known { (size.width, size.height) } else { app.size };
            let _ = self.terminal.resize(Rect::new(0, 0, columns, rows));
            app.update(Msg::Resize(columns, rows));
        }
        self.title.clear();
    }

    fn retitle(&mut self, app: &App) {
        let title = app.title();
        if title != self.title {
            self.tty.title(&title);
            self.title = title;
        }
    }

    /// What belongs to the screen is done here, the rest by the executor.
    async fn perform(&mut self, app: &mut App, effects: Vec<Effect>) -> Option<Exit> {
        let mut ended = None;
        for effect in effects {
            match effect {
                Effect::Quit(status) => ended = Some(Exit::Quit(status)),
                Effect::Copy(text) => self.tty.copy(&text),
                Effect::Redraw => self.redraw(app),
                Effect::Away(errand) => {
                    let result = self.tty.away(&errand, &app.answers.secret_names()).await;
                    self.redraw(app);
                    if errand != Errand::Suspend || result.is_err() {
                        for effect in app.update(Msg::Back(result)) {
                            self.executor.perform(effect);
                        }
                    }
                }
                other => self.executor.perform(other),
            }
        }
        ended
    }

    /// Without a terminal nobody can be asked; the answers are kept.
    fn end_of_terminal(&mut self, app: &mut App) -> Exit {
        for effect in app.update(Msg::Signal(crate::failure::status::HANGUP)) {
            self.executor.perform(effect);
        }
        Exit::Lost
    }
}

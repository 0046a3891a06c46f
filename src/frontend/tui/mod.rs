//! The full-screen wizard: fills in answers, shows events, and does no work of its own.
//!
//! [`App`] is what is known; `update` takes a [`Msg`] and gives effects back, `view` draws. Both are pure.
//! The [`Executor`] turns effects into work, [`run`] is the loop, the [`Guard`] gives the terminal back.

mod app;
mod development;
mod executor;
mod form;
mod home;
mod images;
mod input;
mod keymap;
mod msg;
mod pages;
mod receipt;
mod reviewing;
mod running;
mod screen;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests;
mod text;
mod theme;
mod tty;
mod update;
mod view;

use std::{io, mem::ManuallyDrop, path::PathBuf, time::Duration};

use ratatui::{
    Terminal as Screen, TerminalOptions, Viewport, backend::CrosstermBackend, crossterm::terminal::size,
    layout::Rect,
};

use crate::{
    devstack::{Options, glance},
    environment::Environment,
    failure::{Code, Failure, status, words},
    session::Inputs,
    state::StateDir,
    workflow::RungState,
};

use super::{
    console::{Signals, Terminal},
    wizard::{home::Home, start::load},
};

pub use super::{
    console::guard::Guard,
    wizard::{Unfinished, home::Home as Kept},
};
pub use app::{App, Start};
pub use executor::Executor;
pub use input::Input;
pub use msg::{Effect, Errand, Listed, Msg, ProbeId, Survey};
pub use screen::{Exit, run};
pub use theme::Theme;
pub use tty::Tty;

/// How long the first picture waits for a look at this machine.
const GLANCE: Duration = Duration::from_millis(250);

/// Runs the wizard on this terminal.
pub fn serve(
    terminal: &Terminal,
    signals: &mut Signals,
    inputs: &Inputs,
    state: Option<PathBuf>,
    review: bool,
) -> u8 {
    if let Some(failure) = unfit(terminal) {
        return terminal.fail(&[failure]);
    }
    signals.draw();
    let (answers, mut notices) = match load(inputs) {
        Ok(loaded) => loaded,
        Err(problems) => return terminal.fail(&problems),
    };
    let folder = StateDir::find(state, inputs.surroundings().clone());
    let mut home = folder.as_ref().map(|folder| Home::read(inputs.setup, folder)).unwrap_or_default();
    notices.splice(0..0, std::mem::take(&mut home.notices));
    let start = Start {
        setup: inputs.setup,
        answers,
        review,
        notices: notices.clone(),
        home,
        glance: None,
        overwrite: inputs.run_options.overwrite,
        theme: Theme {
            ascii: terminal.style.ascii,
            color: anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
        },
        host: host(&terminal.surroundings.environment),
        size: known_size().unwrap_or_else(|| assumed_size(&terminal.surroundings.environment)),
        zone: jiff::tz::TimeZone::system(),
        surroundings: terminal.surroundings.clone(),
    };
    let work = async {
        // A look at this machine alone: it is there before the first picture, or it comes later.
        let options = Options::usual(start.surroundings.clone());
        let glance = tokio::time::timeout(GLANCE, glance(&options)).await.ok();
        let (mut app, mut effects) = App::new(Start { glance, ..start });
        effects.extend(glance.is_none().then_some(Effect::Glance));
        if let Some(notice) = notices.first() {
            // One line has room for one; on the ordinary screen all of them stand afterwards.
            let more = match notices.len() {
                1 => String::new(),
                count => format!(" (and {} more, shown on leaving)", count - 1),
            };
            app.notice = Some((theme::Sign::from(RungState::Warned), format!("{}{more}", notice.what)));
        }
        let mut executor = Executor::new(inputs.setup, folder, inputs.run_options.clone());
        let shown = show(&mut app, &mut executor, signals, effects).await;
        let status = farewell(terminal, &app, shown);
        if status != status::HANGUP {
            terminal.tell(&app.notices);
            terminal.tell(&app.lost);
        }
        status
    };
    super::drive::in_runtime(terminal, work)
}

/// Takes the screen, shows the application, and gives the screen back.
async fn show(
    app: &mut App,
    executor: &mut Executor,
    signals: &mut Signals,
    effects: Vec<Effect>,
) -> io::Result<(Exit, Vec<String>)> {
    let guard = Guard::new()?;
    // Never dropped: on a terminal that is gone it would say so to a stderr that is gone too, and panic. The guard
    // shows the cursor again.
    let (columns, rows) = app.size;
    let viewport = match known_size() {
        Some(_) => Viewport::Fullscreen,
        None => Viewport::Fixed(Rect::new(0, 0, columns, rows)),
    };
    let backend = CrosstermBackend::new(io::stdout());
    let mut screen = ManuallyDrop::new(Screen::with_options(backend, TerminalOptions { viewport })?);
    let mut tty = tty::ControllingTerminal::new(signals, app.surroundings.clone());
    let ended = run(&mut *screen, &mut tty, executor, app, effects).await;
    let broke = guard.broke();
    drop(guard);
    executor.settle().await;
    drop(tty);
    signals.stop_listening();
    Ok((ended, broke))
}

/// What stands on the ordinary screen afterwards, and the exit status.
fn farewell(terminal: &Terminal, app: &App, shown: io::Result<(Exit, Vec<String>)>) -> u8 {
    let (ended, broke) = match shown {
        Ok(shown) => shown,
        Err(error) => {
            let failure = Failure::new(Code::Internal, "the terminal could not be taken")
                .why(words(&error))
                .remedy("give the answers as `--answers FILE`, which needs no terminal");
            return terminal.fail(&[failure]);
        }
    };
    let status = match ended {
        Exit::Quit(status) => status,
        Exit::Lost => return status::HANGUP,
    };
    for line in broke {
        terminal.note(&line);
    }
    app.write_end_down();
    for line in app.farewell() {
        terminal.note(&line);
    }
    status
}

/// Columns and rows of this terminal, where it tells them: a serial console and `docker exec` may not.
fn known_size() -> Option<(u16, u16)> {
    size().ok().filter(|(columns, rows)| *columns > 0 && *rows > 0)
}

/// What stands for them: COLUMNS and LINES, else what every terminal has.
fn assumed_size(environment: &Environment) -> (u16, u16) {
    let number = |name: &str| environment.get(name)?.to_str()?.parse::<u16>().ok().filter(|it| *it > 0);
    (number("COLUMNS").unwrap_or(80), number("LINES").unwrap_or(24))
}

/// Why questions are asked line by line in the place of the full screen: the terminal does not tell its size, and is said
/// to have too little room.
pub fn too_small(terminal: &Terminal) -> Option<String> {
    let (columns, rows) = match known_size() {
        Some(_) => return None,
        None => assumed_size(&terminal.surroundings.environment),
    };
    let (least_columns, least_rows) = view::LEAST;
    (columns < least_columns || rows < least_rows).then(|| {
        format!(
            "The terminal does not report its size, and COLUMNS and LINES give {columns}x{rows}; the full screen \
             needs {least_columns}x{least_rows}. Asking line by line."
        )
    })
}

/// Why this terminal cannot show the wizard.
fn unfit(terminal: &Terminal) -> Option<Failure> {
    (!terminal.is_full()).then(|| {
        Failure::new(Code::NeedsAnswers, "the wizard needs a terminal, and there is none")
            .remedy("leave `--review` out, or start it at a terminal")
    })
}

/// Who works where: `root@gpu-01`.
fn host(environment: &Environment) -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| environment.get(name)?.to_str());
    let user = user.filter(|user| !user.is_empty()).map(str::to_owned);
    let user = user
        .unwrap_or_else(|| if rustix::process::geteuid().is_root() { "root".into() } else { "you".into() });
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{user}@{}", name.split('.').next().unwrap_or_default())
}

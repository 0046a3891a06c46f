//! The one place that knows which modes of the terminal were set, and undoes them: after leaving, an
//! error, a panic and signals.

use std::{
    io::{self, Write},
    panic,
    sync::{
        Mutex, Once,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, ThreadId},
};

use ratatui::crossterm::{
    cursor::Show,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute,
    style::Print,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};

/// Is the screen ours?
static OURS: AtomicBool = AtomicBool::new(false);
/// The thread that draws.
static DRAWS: Mutex<Option<ThreadId>> = Mutex::new(None);
/// What other threads had to say when they broke off.
static BROKE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps the window's title, and gives it back.
const KEEP_TITLE: &str = "\u{1b}[22;0t";
const TITLE_BACK: &str = "\u{1b}[23;0t";

/// Takes the screen; gives it back when dropped.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Raw mode, the alternate screen, bracketed paste.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub fn new() -> io::Result<Self> {
        hook();
        if let Ok(mut draws) = DRAWS.lock() {
            *draws = Some(thread::current().id());
        }
        enter()?;
        Ok(Self(()))
    }

    /// What broke off on other threads meanwhile; told after leaving.
    pub fn broke(&self) -> Vec<String> {
        BROKE.lock().map(|mut broke| std::mem::take(&mut *broke)).unwrap_or_default()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        leave();
    }
}

/// Takes the screen.
pub fn enter() -> io::Result<()> {
    OURS.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), Print(KEEP_TITLE), EnterAlternateScreen, EnableBracketedPaste)
}

/// Gives the screen back as it was; a second time nothing happens. A terminal that is gone is no fault.
pub fn leave() {
    if OURS.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show, Print(TITLE_BACK));
        let _ = disable_raw_mode();
        let _ = io::stdout().flush();
    }
}

/// A panic of the thread that draws gives the screen back first. One of another thread ends a stage, which
/// is told as such, and must not write over the screen.
fn hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let draws = DRAWS.lock().ok().and_then(|draws| *draws);
            if OURS.load(Ordering::SeqCst) && draws != Some(thread::current().id()) {
                if let Ok(mut broke) = BROKE.lock() {
                    broke.push(info.to_string());
                }
                return;
            }
            leave();
            before(info);
        }));
    });
}

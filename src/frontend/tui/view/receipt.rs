//! The receipt of a run, as it is drawn: the same page for done, skipped, failed, stopped and undone.
//!
//! ```text
//!  ✗ Stopped at Schema: 5 of 7 stages done                         14:03:22, 0.4 s
//!
//!    ✓ Image list      181 keys                                              31 ms
//!    ✗ Schema          6 of 8                                            E-DB-LOST
//!    – Keypairs        skipped: it comes after Schema
//!
//!    db-01:5432 closed the connection: terminating connection due to
//!    administrator command (57P01)
//!
//!  > Try again           what is done is not repeated
//!    Leave               backendai-setup offers to continue here
//! ```

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use crate::{
    failure::Failure,
    frontend::tui::{
        app::App,
        receipt::{FileLine, StageLine, what_and_why},
        running::{Focus, RunPage},
        text::{self, pad, width},
        theme::Sign,
    },
};

use super::{Canvas, canvas::duration, ladder::code};

impl App {
    /// How far what the receipt tells can be scrolled, and how many rows of it show at once.
    pub(in crate::frontend::tui) fn receipt_extent(&self) -> (usize, usize) {
        let Some(run) = &self.run else { return (0, 1) };
        let area = Rect { x: 0, y: 0, width: self.size.0, height: self.size.1.saturating_sub(5) };
        let mut buffer = Buffer::empty(area);
        let canvas = Canvas::new(&mut buffer, area, self.theme);
        let (room, is_folded) = room(self, run, &canvas, usize::from(area.height > 13));
        let used = canvas.measured(|canvas| told(self, run, canvas, is_folded));
        let seen = if used > room { room.saturating_sub(1) } else { used };
        (used.saturating_sub(seen), seen.max(1))
    }
}

/// The rows for everything between the heading and the choices, of which so many stay blank; and whether what went well
/// stands in one line there: where room is short, unless a person looks at it.
fn room(app: &App, run: &RunPage, canvas: &Canvas<'_>, blank: usize) -> (usize, bool) {
    let choices = app.receipt_choices().len();
    let room = canvas.left().saturating_sub(blank + choices + usize::from(canvas.rows() > 14));
    let on_stage = matches!(run.focus, Focus::Stage(_));
    (room, !on_stage && canvas.measured(|canvas| told(app, run, canvas, false)) > room)
}

pub(super) fn page(app: &App, run: &RunPage, canvas: &mut Canvas<'_>) {
    let choices = app.receipt_choices();
    canvas.blank_if(14);
    let (room, is_folded) = room(app, run, canvas, 0);
    canvas.window(room, run.receipt_scroll, |canvas| told(app, run, canvas, is_folded));
    canvas.bottom(choices.len());
    for (at, (title, words)) in choices.iter().enumerate() {
        let here = run.focus == Focus::Choice(at);
        let mark = canvas.mark(here, 3);
        canvas.line(Line::from(vec![
            mark,
            Span::styled(pad(title, 20, ""), canvas.theme.chosen(here)),
            Span::styled(canvas.theme.text(words), canvas.theme.dim()),
        ]));
    }
}

/// Everything between the heading and the choices.
fn told(app: &App, run: &RunPage, canvas: &mut Canvas<'_>, is_folded: bool) {
    let blank = |canvas: &mut Canvas<'_>| {
        if !is_folded {
            canvas.blank();
        }
    };
    if run.refused.is_empty() {
        stages(run, canvas, is_folded);
    }
    if run.has_failed() {
        failed(app, run, canvas);
    } else if !run.left_out().is_empty() {
        blank(canvas);
        let left = run.setup.titles_of(&run.left_out());
        canvas.words(
            3,
            &format!("Not done: {left}. `backendai-setup` offers to continue with it."),
            Style::new(),
        );
    }
    for warning in run.state.warnings() {
        blank(canvas);
        canvas.message(3, Sign::Warning, &what_and_why(warning), code(canvas.theme, warning));
        let indent = 4 + canvas.theme.sign_width();
        warning.remedy.iter().for_each(|words| canvas.words(indent, words, Style::new()));
    }
    // Where room is short, what comes next stands before where everything is.
    if is_folded {
        next(app, canvas, is_folded);
        file_lines(canvas, &app.files(), is_folded);
    } else {
        file_lines(canvas, &app.files(), is_folded);
        next(app, canvas, is_folded);
    }
}

/// The guide's next command, on one line.
fn next(app: &App, canvas: &mut Canvas<'_>, is_folded: bool) {
    let Some(command) = app.next_command() else { return };
    if !is_folded {
        canvas.blank();
    }
    canvas.line("   Next, in the manager's folder:");
    let is_cut = width(&command) + 3 > canvas.columns();
    canvas.line(Span::styled(format!("   {command}"), canvas.theme.accent()));
    if is_cut {
        canvas.words(3, "y copies it whole; it is printed on leaving too.", canvas.theme.dim());
    }
    app.before_next().iter().for_each(|words| canvas.words(3, words, Style::new()));
}

/// Each stage in a line, or those that went well in one.
fn stages(run: &RunPage, canvas: &mut Canvas<'_>, is_folded: bool) {
    let lines = run.stage_lines();
    let is_well = |line: &&StageLine| line.sign == Sign::Done;
    if is_folded {
        let well: Vec<&str> = lines.iter().filter(is_well).map(|line| line.title).collect();
        if !well.is_empty() {
            let words = format!("{} done: {}", well.len(), well.join(", "));
            canvas.message(3, Sign::Done, &words, Line::default());
        }
    }
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| !is_folded || line.sign != Sign::Done) {
        stage(canvas, line, run.focus == Focus::Stage(at));
    }
}

/// One stage: what it did, and how long it took or why it failed.
pub(super) fn stage(canvas: &mut Canvas<'_>, line: &StageLine, here: bool) {
    let theme = canvas.theme;
    let mark = canvas.mark(here, 3);
    let right = match (line.code, line.took_ms) {
        (Some(code), _) => Line::styled(code.to_string(), theme.painted(ratatui::style::Color::Red)),
        (None, Some(ms)) => Line::styled(duration(ms as f64), theme.dim()),
        (None, None) => Line::default(),
    };
    let left = Line::from(vec![
        mark,
        theme.sign(line.sign),
        Span::raw(" "),
        Span::styled(pad(line.title, 16, ""), theme.chosen(here)),
        Span::raw(line.words.clone()),
    ]);
    match right.width() {
        0 => canvas.line(left),
        _ => canvas.ends(left, right),
    }
}

/// What failed, why, in which state everything is, and what to do; the whole of it.
fn failed(app: &App, run: &RunPage, canvas: &mut Canvas<'_>) {
    let failures = run.failures();
    let Some(first) = failures.first() else { return };
    canvas.blank();
    // The row of a stage that failed has its code already.
    let has_row = run.state.failed().is_some_and(|(_, failure)| failure == first);
    let right = if has_row { Line::default() } else { code(canvas.theme, first) };
    paragraph(canvas, &what_and_why(first), right);
    if let Some((_, failure)) = run.state.failed() {
        watched(app, run, failure, canvas);
    }
    if run.refused.is_empty() {
        canvas.words(3, &sentence(&run.left()), Style::new());
    }
    first.remedy.iter().for_each(|words| canvas.words(3, words, canvas.theme.bold()));
    if failures.len() > 1 {
        let words = format!("1 of {} problems; p shows all", failures.len());
        canvas.words(3, &words, canvas.theme.dim());
    }
}

/// Words, wrapped, with something at the right end of the first line.
fn paragraph(canvas: &mut Canvas<'_>, words: &str, right: Line<'static>) {
    if right.width() == 0 {
        return canvas.words(3, words, Style::new());
    }
    let words = canvas.theme.text(words);
    let room = canvas.columns().saturating_sub(3 + right.width() + 4).max(1);
    let mut lines = text::wrap(&words, room).into_iter();
    canvas.ends(Line::raw(format!("   {}", lines.next().unwrap_or_default())), right);
    lines.for_each(|line| canvas.line(format!("   {line}")));
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Each file with what to do with it, beside it where there is room.
fn file_lines(canvas: &mut Canvas<'_>, files: &[FileLine], is_folded: bool) {
    if !files.is_empty() && !is_folded {
        canvas.blank();
    }
    let theme = canvas.theme;
    let shown = |file: &FileLine| theme.text(&file.path.display().to_string());
    let columns = canvas.columns();
    let fits = |wide: usize, file: &FileLine| 3 + wide + 3 + width(&file.what) < columns;
    // Those that fit stand in columns of their own.
    let beside =
        files.iter().map(|file| (width(&shown(file)), file)).filter(|(wide, file)| fits(*wide, file));
    let wide = beside.map(|(wide, _)| wide).max().unwrap_or(0);
    for file in files {
        let path = shown(file);
        if width(&path) <= wide && fits(wide, file) {
            let path = Span::styled(format!("   {}   ", pad(&path, wide, "")), theme.bold());
            canvas.line(Line::from(vec![path, Span::raw(theme.text(&file.what))]));
        } else {
            canvas.words(3, &path, theme.bold());
            canvas.words(5, &file.what, Style::new());
        }
    }
}

/// Is the server of the stage that failed back?
fn watched(app: &App, run: &RunPage, failure: &Failure, canvas: &mut Canvas<'_>) {
    let Some(title) = app.section_of_server(failure).map(|at| app.section_title(at)) else { return };
    let (sign, words) = match &run.watch.found {
        None => return,
        Some(Ok(since)) => {
            let seconds = app.now.saturating_sub(*since).as_secs();
            (Sign::Done, format!("{title} answers again, since {seconds} s"))
        }
        Some(Err(failure)) => (Sign::UnderWay, format!("asked again every 2 s: {}", failure.what)),
    };
    canvas.message(3, sign, &words, Line::default());
}

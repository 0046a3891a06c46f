//! The first page, as it is drawn.
//!
//! ```text
//!  Prepare etcd and PostgreSQL for the Backend.AI manager
//!
//!  Set up from this machine                              state as of the last run
//!  > seoul-03   db-01:5432/backend    7 of 7 done                      2 days ago
//!    lab        lab:5432/bai          7 of 7 done     ! lab:5432 down 3 weeks ago
//!
//!  Set up another
//!    Servers you name
//!    Development, this machine        etcd 8120 answers, PostgreSQL will start
//!    From an answers file
//!
//!  Checks leave no trace. Nothing is written until you press w.
//! ```

use ratatui::{
    layout::Position,
    text::{Line, Span},
};

use crate::frontend::{
    tui::{
        app::App,
        home::Rows,
        text::{self, cut, pad, width},
        theme::Sign,
    },
    wizard::{home::Choice, kept::KeptTarget},
};

use super::Canvas;

/// Columns of the cursor at the left of each row.
const MARK: usize = 3;
/// The title of the widest choice below, and a gap.
const OTHER: usize = 30;

impl App {
    /// How the rows of the page are given out.
    pub(in crate::frontend::tui) fn home_rows(&self) -> Rows {
        self.home.rows(usize::from(self.size.1.saturating_sub(4)), full(self).len())
    }
}

pub(super) fn page(app: &App, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let rows = app.home_rows();
    let blank = |canvas: &mut Canvas<'_>| {
        if rows.is_roomy {
            canvas.blank();
        }
    };
    canvas.line(Span::styled(" Prepare etcd and PostgreSQL for the Backend.AI manager", theme.bold()));
    blank(canvas);
    if rows.has_upper {
        upper(app, canvas, rows);
        blank(canvas);
    }
    let title = if app.home.is_first_start() { " Set up" } else { " Set up another" };
    canvas.line(Span::styled(title, theme.bold()));
    for choice in Choice::OTHERS {
        other(app, canvas, &choice);
    }
    blank(canvas);
    let short = "Nothing is written until you press w.";
    let words = format!("Checks leave no trace. {short}");
    let words = if width(&words) < canvas.columns().saturating_sub(1) { &words } else { short };
    canvas.words(1, words, theme.dim());
}

/// What was set up from here, and what was left unfinished.
fn upper(app: &App, canvas: &mut Canvas<'_>, rows: Rows) {
    let theme = canvas.theme;
    let home = &app.home;
    let shown = rows.shown();
    let wanted = theme.text(home.search.value());
    let is_filtered = home.search_open || !wanted.is_empty();
    let place = format!("{}-{} of {}", shown.start + 1, shown.end, rows.entries);
    let as_of = match (shown.len() < rows.entries, is_filtered) {
        (true, true) => place,
        (true, false) => format!("{place}, as of the last run"),
        (false, true) => String::new(),
        (false, false) => "state as of the last run".to_owned(),
    };
    if is_filtered {
        let title = format!(" Set up from this machine with / {wanted}");
        let (x, y) = canvas.at();
        canvas.title(&title, &as_of);
        if home.search_open {
            let column = width(" Set up from this machine with / ") + home.search.visual_cursor();
            canvas.cursor = Some(Position::new(x + u16::try_from(column).unwrap_or_default(), y));
        }
    } else {
        canvas.title(" Set up from this machine", &as_of);
    }
    if rows.entries == 0 {
        canvas.words(MARK, &format!("Nothing matches \"{wanted}\". Esc clears."), theme.dim());
        return;
    }
    let widths = Widths::of(app, canvas.columns());
    for choice in home.upper().get(shown).unwrap_or_default() {
        let here = home.at == *choice && home.path.is_none();
        let Some(row) = Row::of(app, choice) else { continue };
        let style = theme.chosen(here);
        let cursor = canvas.cursor;
        let mark = canvas.mark(here, MARK);
        if home.search_open {
            canvas.cursor = cursor;
        }
        let ellipsis = theme.ellipsis();
        let mut left = vec![
            mark,
            Span::styled(pad(&theme.text(&row.name), widths.name, ellipsis), style),
            Span::raw("  "),
            Span::styled(pad(&theme.text(&row.place), widths.place, ellipsis), style),
            Span::raw("  "),
        ];
        if row.is_opening {
            left.extend([theme.sign(Sign::UnderWay), Span::raw(" ")]);
        }
        left.push(Span::styled(theme.text(&row.state), style));
        canvas.ends(Line::from(left), row.right(app, widths.room(canvas.columns(), &row)));
    }
    for line in full(app) {
        canvas.line(Span::styled(format!("   {line}"), theme.dim()));
    }
}

/// One entry of the upper list.
struct Row {
    name: String,
    place: String,
    state: String,
    down: Vec<String>,
    when: String,
    is_opening: bool,
}

impl Row {
    fn of(app: &App, choice: &Choice) -> Option<Self> {
        let home = &app.home;
        let now = app.surroundings.clock.now();
        let target = |target: &KeptTarget| Self {
            name: target.name.clone(),
            place: target.place(),
            state: target.state(app.setup),
            down: home.down(target),
            when: target.when(now),
            is_opening: false,
        };
        match choice {
            Choice::Target(id) => {
                let row = home.target(id).map(target)?;
                let is_opening = home.opening.as_ref().is_some_and(|(wanted, _)| wanted == id);
                let state = if is_opening { "reading its answers".into() } else { row.state };
                Some(Self { state, is_opening, ..row })
            }
            Choice::Continue => home.unfinished.as_ref().map(|unfinished| Self {
                name: choice.title().into(),
                place: "unfinished answers".into(),
                state: unfinished.words.clone(),
                down: Vec::new(),
                when: unfinished.when.clone(),
                is_opening: false,
            }),
            _ => None,
        }
    }

    /// Which server is down, as far as these columns have room for it.
    fn down(&self, room: usize) -> Option<String> {
        let long = match self.down.as_slice() {
            [] => return None,
            [address] => format!("{address} down"),
            several => format!("{} addresses down", several.len()),
        };
        Some(if width(&long) <= room { long } else { "down".to_owned() })
    }

    /// Which server is down, and when it last ran; with so many columns for the first.
    fn right(&self, app: &App, room: usize) -> Line<'static> {
        let theme = app.theme;
        let mut spans = Vec::new();
        if let Some(down) = self.down(room) {
            spans.extend([theme.sign(Sign::Warning), Span::raw(format!(" {} ", theme.text(&down)))]);
        }
        spans.push(Span::styled(self.when.clone(), theme.dim()));
        Line::from(spans)
    }
}

/// Columns of the list.
struct Widths {
    name: usize,
    place: usize,
}

impl Widths {
    /// As wide as the longest, where that fits: the state and what stands at the right come first.
    fn of(app: &App, columns: usize) -> Self {
        let rows: Vec<Row> = app.home.upper().iter().filter_map(|choice| Row::of(app, choice)).collect();
        let name = rows.iter().map(|row| width(&row.name)).max().unwrap_or_default().min(columns / 5).max(8);
        let place = rows.iter().map(|row| width(&row.place)).max().unwrap_or_default();
        // Down addresses come later, and move nothing. How far unfinished answers are is told below, where it is cut.
        let targets = rows.iter().filter(|row| row.name != Choice::Continue.title() || rows.len() == 1);
        let end = targets.map(|row| width(&row.state) + width(&row.when) + 5).max().unwrap_or_default();
        let room = columns.saturating_sub(MARK + name + 4 + end).max(10);
        Self { name, place: place.min(room) }
    }

    /// Columns for the state and what stands at the right.
    fn rest(&self, columns: usize) -> usize {
        columns.saturating_sub(MARK + self.name + self.place + 4)
    }

    /// Columns for a word about a server that is down.
    fn room(&self, columns: usize, row: &Row) -> usize {
        // Gaps, a sign and blanks beside.
        self.rest(columns).saturating_sub(width(&row.state) + width(&row.when) + 9)
    }
}

/// The entry under the cursor in full, where its row has no room for all of it.
fn full(app: &App) -> Vec<String> {
    let columns = usize::from(app.size.0);
    let Some(row) = Row::of(app, &app.home.at) else { return Vec::new() };
    let widths = Widths::of(app, columns);
    let right = row.right(app, widths.room(columns, &row)).width() + 3;
    let room = widths.rest(columns).saturating_sub(right);
    let fits = width(&row.name) <= widths.name
        && width(&row.place) <= widths.place
        && width(&row.state) <= room
        && (row.down.is_empty()
            || row.down.len() == 1 && widths.room(columns, &row) >= width(&row.down[0]) + 5);
    if fits {
        return Vec::new();
    }
    let servers = app.home.focused().map_or(row.place.clone(), |target| target.servers.clone());
    let down = match row.down.as_slice() {
        [] => String::new(),
        down => format!("; down: {}", down.join(", ")),
    };
    let words = app.theme.text(&format!("{}: {servers}; {}{down}", row.name, row.state));
    let mut lines = text::wrap(&words, columns.saturating_sub(MARK + 1).max(1));
    // A list of many addresses must not push the list itself away.
    if lines.len() > 3 {
        lines.truncate(3);
        if let Some(last) = lines.last_mut() {
            let room = columns.saturating_sub(MARK + 1 + width(app.theme.ellipsis()));
            *last = cut(last, room, "") + app.theme.ellipsis();
        }
    }
    lines
}

/// One of the things that can be set up beside.
fn other(app: &App, canvas: &mut Canvas<'_>, choice: &Choice) {
    let theme = canvas.theme;
    let here = app.home.at == *choice && app.home.path.is_none();
    let cursor = canvas.cursor;
    let mark = canvas.mark(here, MARK);
    if app.home.search_open {
        canvas.cursor = cursor;
    }
    let title = Span::styled(pad(choice.title(), OTHER, ""), theme.chosen(here));
    let mut spans = vec![mark, title];
    if *choice == Choice::Development {
        spans.extend(development(app));
    }
    canvas.line(Line::from(spans));
    if let (Choice::File, Some(input)) = (choice, &app.home.path) {
        let at = canvas.input("     Path   ", input);
        canvas.cursor = Some(at);
    }
}

/// What is known of the development setup, or what is being done.
fn development(app: &App) -> Vec<Span<'static>> {
    let theme = app.theme;
    let words = match (&app.dev.starting, app.dev.is_looking, &app.home.glance) {
        (Some(lines), ..) => {
            let last = lines.last().map_or("starting etcd and PostgreSQL", String::as_str);
            return vec![theme.sign(Sign::UnderWay), Span::raw(format!(" {}", theme.text(last)))];
        }
        (None, true, _) => {
            return vec![theme.sign(Sign::UnderWay), Span::raw(" looking who answers")];
        }
        (None, false, Some(glance)) => {
            let words = glance.words();
            let fits = MARK + OTHER + width(&words) <= usize::from(app.size.0);
            if fits { words } else { glance.short().to_owned() }
        }
        (None, false, None) => return Vec::new(),
    };
    vec![Span::styled(words, theme.dim())]
}

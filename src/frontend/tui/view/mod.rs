//! The frame around every page: header, steps, footer, and what stands in front. What each page looks like in each
//! state stands in `tests/snapshots`.

mod canvas;
mod development;
mod help;
mod home;
mod images;
mod ladder;
mod menu;
mod overlay;
pub(super) mod reading;
mod receipt;
mod review;
mod run;
mod section;

use ratatui::{
    Frame,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{
    app::{App, Overlay, Page},
    keymap::{self, Action, Binding, Place},
    text::{self, both_ends},
    theme::{Sign, Theme},
};

pub(super) use canvas::{Canvas, duration};

/// Below this a page cannot be used.
pub(super) const LEAST: (u16, u16) = (60, 16);
/// From here on the steps stand at the left.
const STEPS: (u16, u16) = (80, 20);
/// Columns of the steps.
const STEP_COLUMNS: u16 = 16;
/// From here on a help column joins at the right.
const WIDE: u16 = 110;
/// Columns of the help column.
const HELP_COLUMNS: u16 = 36;

impl App {
    /// Draws everything.
    pub fn view(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        if area.width == 0 || area.height == 0 {
            return;
        }
        if area.width < LEAST.0 || area.height < LEAST.1 {
            let words = format!(
                "The window is {}x{}; {}x{} is the least that works.",
                area.width, area.height, LEAST.0, LEAST.1
            );
            let mut canvas = Canvas::new(frame.buffer_mut(), area, self.theme);
            for line in text::wrap(&words, usize::from(area.width)) {
                canvas.line(Line::raw(line));
            }
            return;
        }
        let body = Rect { x: 0, y: 2, width: area.width, height: area.height - 4 };
        let buffer = frame.buffer_mut();
        rule(buffer, area, 1, self.theme, None);
        Canvas::new(buffer, Rect { height: 1, ..area }, self.theme).line(self.header(area.width));
        let notice = self.notice.as_ref().map(|(sign, text)| (*sign, text.as_str()));
        rule(buffer, area, area.height - 2, self.theme, notice);
        let foot = Rect { y: area.height - 1, height: 1, ..area };
        Canvas::new(buffer, foot, self.theme).line(self.footer(area.width));
        let cursor = self.body(buffer, body);
        if self.theme.ascii {
            for cell in &mut buffer.content {
                if let Some(plain) = Theme::plain(cell.symbol()) {
                    cell.set_symbol(plain);
                }
            }
        }
        if let Some(cursor) = cursor.filter(|at| area.contains(*at)) {
            frame.set_cursor_position(cursor);
        }
    }

    /// Draws the page or what stands in front of it; gives the place of the cursor.
    fn body(&self, buffer: &mut ratatui::buffer::Buffer, body: Rect) -> Option<Position> {
        let mut page = body;
        let steps = matches!(self.page, Page::Section(_) | Page::Review);
        if steps && self.has_steps() && !matches!(self.overlay, Some(Overlay::Help)) {
            self.steps(buffer, Rect { width: STEP_COLUMNS, ..body });
            page.x += STEP_COLUMNS;
            page.width -= STEP_COLUMNS;
        }
        if page.width >= WIDE - STEP_COLUMNS
            && matches!(self.page, Page::Section(_))
            && self.overlay.is_none()
        {
            page.width -= HELP_COLUMNS + 2;
            let column = Rect { x: page.right() + 2, width: HELP_COLUMNS, ..page };
            help::column(self, buffer, column);
        }
        if steps && !self.has_steps() || matches!(self.overlay, Some(Overlay::Ask(_))) {
            page.x += 1;
            page.width -= 1;
        }
        let mut canvas = Canvas::new(buffer, page, self.theme);
        match &self.overlay {
            Some(Overlay::Help) => help::page(self, &mut canvas),
            Some(Overlay::Reading { scroll, .. }) => reading::page(self, &mut canvas, *scroll),
            Some(Overlay::Alone { stage, scroll }) => reading::alone(self, &mut canvas, stage, *scroll),
            Some(Overlay::Undo { scroll }) => reading::undo(self, &mut canvas, *scroll),
            Some(Overlay::Ask(ask)) => overlay::ask(self, &mut canvas, ask),
            Some(Overlay::Leave { cursor }) => overlay::leave(self, &mut canvas, *cursor),
            Some(Overlay::Confirm { failure, grants, input }) => {
                return Some(overlay::confirm(&mut canvas, failure, *grants, input));
            }
            None => match self.page {
                Page::Home => home::page(self, &mut canvas),
                Page::Development => development::page(self, &mut canvas),
                Page::Section(at) if at == self.image_list => {
                    return images::page(self, &mut canvas);
                }
                Page::Section(at) => return section::page(self, &mut canvas, at),
                Page::Review => review::page(self, &mut canvas),
                Page::Menu => menu::page(self, &mut canvas),
                Page::Run => run::page(self, &mut canvas),
            },
        }
        canvas.cursor
    }

    fn has_steps(&self) -> bool {
        self.size.0 >= STEPS.0 && self.size.1 >= STEPS.1
    }

    fn header(&self, columns: u16) -> Line<'static> {
        let mut left = vec![Span::styled(" backendai-setup", self.theme.bold())];
        if self.page == Page::Home {
            left.push(Span::raw(concat!(" ", env!("CARGO_PKG_VERSION"))));
        }
        let step = match self.page {
            Page::Section(at) => Some(at + 1),
            Page::Review => Some(self.sections().len() + 1),
            _ => None,
        };
        if let (Some(step), false) = (step, self.has_steps()) {
            let title = match self.page {
                Page::Section(at) => self.section_title(at),
                _ => "Review",
            };
            left.push(Span::raw(format!("   step {step} of {}: {title}", self.sections().len() + 2)));
        }
        let name = self.name();
        let is_of_nobody = matches!(self.page, Page::Home | Page::Development)
            && !matches!(self.overlay, Some(Overlay::Undo { .. } | Overlay::Ask(_)));
        let who = if name.is_empty() || is_of_nobody {
            self.host.clone()
        } else if !self.has_steps() {
            // Where one is matters more than on which machine.
            self.theme.text(&name)
        } else {
            let dot = if self.theme.ascii { "-" } else { "·" };
            format!("{} {dot} {}", self.theme.text(&name), self.host)
        };
        let right = Line::from(vec![Span::styled(who, self.theme.dim()), Span::raw(" ")]);
        both_ends(Line::from(left), right, usize::from(columns), self.theme.ellipsis())
    }

    /// What the keys do here, as many as fit.
    fn footer(&self, columns: u16) -> Line<'static> {
        let place = self.place();
        let off = place == Place::Review && self.obstacle().is_some();
        let problem = self.images.first_problem().and_then(|problem| problem.place.as_ref());
        let problem = problem.filter(|_| place == Place::Images);
        let label = |binding: &Binding| match (binding.action, problem) {
            (Action::Write, _) if off => "is off".to_owned(),
            (Action::Edit, Some(place)) => format!("edit line {}", place.line),
            _ => binding.label.to_owned(),
        };
        // What nothing can be done with on a first start is not named.
        let is_idle = |action: Action| {
            let of_targets = matches!(action, Action::Menu | Action::Undo | Action::Search);
            place == Place::Home && of_targets && self.home.targets.is_empty()
                || action == Action::Differences && !self.has_drifted(place)
        };
        let shown = |binding: &Binding| (binding.action, self.key_name(binding.shown), label(binding));
        let mut shown: Vec<(Action, String, String)> =
            keymap::footer(place).filter(|binding| !is_idle(binding.action)).map(shown).collect();
        let room = usize::from(columns).saturating_sub(1);
        let wide = |keys: &[(Action, String, String)]| {
            keys.iter().map(|(_, key, label)| text::width(key) + text::width(label) + 4).sum::<usize>()
        };
        while wide(&shown) > room + 3 {
            // The way on, the way out and the help stay.
            use Action::{Back, Edit, Help, Interrupt, Next, Quit, Write};
            let spare = |(action, ..): &(Action, String, String)| {
                let stays = matches!(action, Next | Write | Back | Help | Interrupt | Quit);
                !(stays || *action == Edit && problem.is_some())
            };
            match shown.iter().rposition(spare) {
                Some(at) => drop(shown.remove(at)),
                None => break,
            }
        }
        let mut spans = vec![Span::raw(" ")];
        for (at, (_, key, label)) in shown.into_iter().enumerate() {
            if at > 0 {
                spans.push(Span::raw("   "));
            }
            spans.push(Span::styled(key, self.theme.bold()));
            spans.push(Span::styled(format!(" {label}"), self.theme.dim()));
        }
        text::cut_line(Line::from(spans), usize::from(columns), self.theme.ellipsis())
    }

    /// A key as this terminal can show it.
    fn key_name(&self, key: &str) -> String {
        if !self.theme.ascii {
            return key.to_owned();
        }
        key.replace("↑↓", "Up Down").replace('↓', "Down").replace('↑', "Up").replace('→', "Right")
    }

    fn steps(&self, buffer: &mut ratatui::buffer::Buffer, area: Rect) {
        let mut canvas = Canvas::new(buffer, area, self.theme);
        let step = |here: bool, sign: Sign, title: &str| {
            let sign = if here { Sign::Here } else { sign };
            let style = if here { self.theme.bold() } else { Style::new() };
            Line::from(vec![
                Span::raw(" "),
                self.theme.sign(sign),
                Span::raw(" "),
                Span::styled(title.to_owned(), style),
            ])
        };
        for (at, section) in self.sections().iter().enumerate() {
            canvas.line(step(self.page == Page::Section(at), self.step_sign(at), section.title));
        }
        canvas.line(step(self.page == Page::Review, Sign::ToCome, "Review"));
        canvas.line(step(false, Sign::ToCome, "Run"));
    }
}

/// A line across the screen; a notice stands in it.
fn rule(
    buffer: &mut ratatui::buffer::Buffer,
    area: Rect,
    row: u16,
    theme: Theme,
    notice: Option<(Sign, &str)>,
) {
    let columns = usize::from(area.width);
    let line = match notice {
        None => Line::styled("─".repeat(columns), theme.dim()),
        Some((sign, notice)) => {
            let room = columns.saturating_sub(6 + theme.sign_width());
            let notice = text::cut(&theme.text(notice), room, theme.ellipsis());
            let used = 5 + theme.sign_width() + text::width(&notice);
            Line::from(vec![
                Span::styled("── ", theme.dim()),
                theme.sign(sign),
                Span::raw(" "),
                Span::raw(notice),
                Span::styled(format!(" {}", "─".repeat(columns.saturating_sub(used))), theme.dim()),
            ])
        }
    };
    Canvas::new(buffer, Rect { y: row, height: 1, ..area }, theme).line(line);
}

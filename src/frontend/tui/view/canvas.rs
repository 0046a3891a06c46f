//! A part of the screen that is written line by line, from the top.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};
use tui_input::Input;

use crate::frontend::tui::{
    text::{self, both_ends, cut_line},
    theme::{Sign, Theme},
};

/// What is drawn to be scrolled in is no longer than this, in rows.
const LONGEST: u16 = 400;

/// Writes lines into an area; what is below its end is dropped.
pub(in crate::frontend::tui) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
    row: u16,
    pub(super) theme: Theme,
    /// Where the focus is on the screen: there stands the hardware cursor, which braille and speech follow.
    pub(super) cursor: Option<Position>,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(buffer: &'a mut Buffer, area: Rect, theme: Theme) -> Self {
        let area = area.intersection(buffer.area);
        Self { buffer, area, row: 0, theme, cursor: None }
    }

    pub(super) fn columns(&self) -> usize {
        usize::from(self.area.width)
    }

    pub(super) fn rows(&self) -> usize {
        usize::from(self.area.height)
    }

    /// Rows that are still free.
    pub(super) fn left(&self) -> usize {
        usize::from(self.area.height.saturating_sub(self.row))
    }

    /// Where the next line goes on the screen.
    pub(super) fn at(&self) -> (u16, u16) {
        (self.area.x, self.area.y + self.row)
    }

    /// The mark of the next line in a list; where it is the one in focus, the cursor stands on it.
    pub(super) fn mark(&mut self, here: bool, columns: usize) -> Span<'static> {
        if here && self.left() > 0 {
            let (x, y) = self.at();
            let column = u16::try_from(columns.saturating_sub(2)).unwrap_or_default();
            self.cursor = Some(Position::new(x.saturating_add(column), y));
        }
        self.theme.cursor(here, columns)
    }

    /// The next rows as a canvas of their own: what is longer than that is cut off there.
    pub(super) fn part(&mut self, rows: usize, draw: impl FnOnce(&mut Canvas<'_>)) {
        let height = u16::try_from(rows.min(self.left())).unwrap_or(u16::MAX);
        let area = Rect { y: self.area.y + self.row, height, ..self.area };
        if self.left() > 0 {
            let mut part = Canvas::new(self.buffer, area, self.theme);
            draw(&mut part);
            self.cursor = part.cursor.or(self.cursor);
        }
        self.row = self.row.saturating_add(height);
    }

    /// How many rows this takes.
    pub(super) fn measured(&self, draw: impl FnOnce(&mut Canvas<'_>)) -> usize {
        let area = Rect { x: 0, y: 0, width: self.area.width, height: LONGEST };
        let mut buffer = Buffer::empty(area);
        let mut canvas = Canvas::new(&mut buffer, area, self.theme);
        draw(&mut canvas);
        usize::from(canvas.row)
    }

    /// The next rows, as a window on something that may be longer: scrolled so far, and so that its focus shows. What is
    /// below the window is counted in its last row.
    pub(super) fn window(&mut self, rows: usize, scroll: usize, draw: impl FnOnce(&mut Canvas<'_>)) {
        let area = Rect { x: 0, y: 0, width: self.area.width, height: LONGEST };
        let mut buffer = Buffer::empty(area);
        let mut canvas = Canvas::new(&mut buffer, area, self.theme);
        draw(&mut canvas);
        let (used, focus) = (usize::from(canvas.row.min(LONGEST)), canvas.cursor);
        let rows = rows.min(self.left());
        let is_long = used > rows;
        let seen = if is_long { rows.saturating_sub(1) } else { used };
        let mut top = scroll.min(used.saturating_sub(seen));
        if let Some(at) = focus.map(|at| usize::from(at.y)) {
            top = top.min(at).max((at + 1).saturating_sub(seen));
        }
        for row in 0..seen {
            let y = u16::try_from(top + row).unwrap_or_default();
            let at = self.area.y + self.row;
            for x in 0..self.area.width.min(area.width) {
                if let (Some(from), Some(to)) =
                    (buffer.cell((x, y)), self.buffer.cell_mut((self.area.x + x, at)))
                {
                    *to = from.clone();
                }
            }
            if let Some(focus) = focus.filter(|focus| focus.y == y) {
                self.cursor = Some(Position::new(self.area.x + focus.x, at));
            }
            self.row += 1;
        }
        if is_long && rows > 0 {
            let below = used.saturating_sub(top + seen);
            let words = match below {
                0 => format!("   lines {}-{used} of {used}; PgUp goes back", top + 1),
                1 => "   1 more line; PgDn".to_owned(),
                below => format!("   {below} more lines; PgDn"),
            };
            self.line(Line::styled(words, self.theme.dim()));
        }
    }

    /// Writes a line, cut to the width. The one place where text comes onto the screen: what a server or a file
    /// says is spelt out where nobody would see it, whichever way it came here.
    pub(super) fn line(&mut self, line: impl Into<Line<'static>>) {
        if self.left() > 0 {
            let line = cut_line(self.spelt_out(line.into()), self.columns(), self.theme.ellipsis());
            self.buffer.set_line(self.area.x, self.area.y + self.row, &line, self.area.width);
        }
        self.row = self.row.saturating_add(1);
    }

    /// Writes something at the left and something at the right end.
    pub(super) fn ends(&mut self, left: impl Into<Line<'static>>, right: impl Into<Line<'static>>) {
        let mut right = self.spelt_out(right.into());
        right.spans.push(Span::raw(" "));
        let line = both_ends(self.spelt_out(left.into()), right, self.columns(), self.theme.ellipsis());
        self.line(line);
    }

    /// The line with signs that the terminal has, and none that nobody sees.
    fn spelt_out(&self, mut line: Line<'static>) -> Line<'static> {
        for span in &mut line.spans {
            span.content = self.theme.text(&span.content).into();
        }
        line
    }

    pub(super) fn blank(&mut self) {
        self.row = self.row.saturating_add(1);
    }

    /// Leaves a line free when at least `needed` rows stay.
    pub(super) fn blank_if(&mut self, needed: usize) {
        if self.left() > needed {
            self.blank();
        }
    }

    /// Goes down so that exactly `rows` are left.
    pub(super) fn bottom(&mut self, rows: usize) {
        let rows = u16::try_from(rows).unwrap_or(u16::MAX);
        self.row = self.row.max(self.area.height.saturating_sub(rows));
    }

    /// A title with something at the right.
    pub(super) fn title(&mut self, title: &str, right: &str) {
        let (title, right) = (self.theme.text(title), self.theme.text(right));
        self.ends(Span::styled(title, self.theme.bold()), Span::styled(right, self.theme.dim()));
    }

    /// A thin line with a word in it.
    pub(super) fn rule(&mut self, word: &str) {
        let word = text::cut(&self.theme.text(word), self.columns().saturating_sub(6), self.theme.ellipsis());
        let rest = self.columns().saturating_sub(text::width(&word) + 5);
        let line = if word.is_empty() {
            "─".repeat(self.columns())
        } else {
            format!("── {word} {}", "─".repeat(rest))
        };
        self.line(Line::styled(line, self.theme.dim()));
    }

    /// One below the other, with the cursor on one of them.
    pub(super) fn choices(&mut self, choices: &[&'static str], cursor: usize) {
        for (at, choice) in choices.iter().enumerate() {
            let here = at == cursor;
            let text = Span::styled(*choice, self.theme.chosen(here));
            let mark = self.mark(here, 3);
            self.line(Line::from(vec![mark, text]));
        }
    }

    /// A line in which something is typed; gives the place of the cursor.
    pub(super) fn input(&mut self, label: &str, input: &Input) -> Position {
        let (x, y) = self.at();
        self.line(format!("{label}{}", input.value()));
        let column = u16::try_from(text::width(label) + input.visual_cursor()).unwrap_or(u16::MAX);
        Position::new(x.saturating_add(column), y)
    }

    /// A sign and words, wrapped below each other.
    pub(super) fn message(&mut self, indent: usize, sign: Sign, words: &str, right: Line<'static>) {
        let first = indent + self.theme.sign_width() + 1;
        let reserved = if right.width() > 0 { right.width() + 3 } else { 1 };
        let words = self.theme.text(words);
        let room = self.columns().saturating_sub(first + reserved).max(1);
        let mut lines = text::wrap(&words, room).into_iter();
        let head = Line::from(vec![
            Span::raw(" ".repeat(indent)),
            self.theme.sign(sign),
            Span::raw(" "),
            Span::raw(lines.next().unwrap_or_default()),
        ]);
        match right.width() {
            0 => self.line(head),
            _ => self.ends(head, right),
        }
        for line in lines {
            self.line(Line::raw(format!("{}{line}", " ".repeat(first))));
        }
    }

    /// Words, wrapped, all of them indented.
    pub(super) fn words(&mut self, indent: usize, words: &str, style: Style) {
        let words = self.theme.text(words);
        for line in text::wrap(&words, self.columns().saturating_sub(indent + 1).max(1)) {
            self.line(Line::styled(format!("{}{line}", " ".repeat(indent)), style));
        }
    }
}

/// `0.4 ms`, `0.2 s`, `2 min 05 s`.
pub(in crate::frontend::tui) fn duration(ms: f64) -> String {
    if ms < 100.0 {
        format!("{ms:.1} ms")
    } else if ms < 60_000.0 {
        format!("{:.1} s", ms / 1000.0)
    } else {
        let seconds = (ms / 1000.0) as u64;
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_that_nobody_made_visible_is_visible_all_the_same() {
        let area = Rect::new(0, 0, 40, 2);
        let mut buffer = Buffer::empty(area);
        let mut canvas = Canvas::new(&mut buffer, area, Theme { ascii: false, color: false });
        canvas.line(Line::from(vec![Span::raw("pyt\u{200b}hon"), Span::raw(" \u{202e}x\u{1b}[31m")]));
        canvas.ends(Span::raw("a\u{a0}b"), Span::raw("c\u{9b}"));
        let rows: Vec<String> =
            buffer.content.chunks(40).map(|row| row.iter().map(|cell| cell.symbol()).collect()).collect();
        assert_eq!(rows[0].trim_end(), "pyt\\u{200b}hon \\u{202e}x\\u{1b}[31m");
        assert!(rows[1].starts_with("a\\u{a0}b ") && rows[1].trim_end().ends_with(" c\\u{9b}"), "{rows:?}");
    }
}

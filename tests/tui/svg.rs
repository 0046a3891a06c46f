//! A screen as an SVG picture. Every piece of text is held in its cells, whatever font the reader has,
//! and lines and blocks are drawn, so that they join.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

use super::redact::Line;

/// A cell's width and height, a baseline in it, and the margin, in tenths of a pixel.
const CELL: (usize, usize) = (84, 180);
const BASELINE: usize = 134;
const MARGIN: usize = 120;

/// No seams between cells of one colour.
const CRISP: &str = r#" shape-rendering="crispEdges""#;

const FOREGROUND: &str = "#d4d7dd";
const BACKGROUND: &str = "#16191f";
const PALETTE: [&str; 16] = [
    "#2b303b", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf", //
    "#5c6370", "#ef8a92", "#b1d695", "#f0d399", "#83c3f7", "#d79bea", "#7accd6", "#f2f4f8",
];

/// How a cell looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Style {
    foreground: Option<String>,
    background: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    reverse: bool,
}

impl Style {
    /// Takes in the numbers of `CSI … m`.
    fn apply(&mut self, parameters: &str) {
        let mut numbers = parameters.split(';').map(|part| {
            let (main, sub) = part.split_once(':').unwrap_or((part, ""));
            (main.parse::<u8>().unwrap_or(0), sub)
        });
        while let Some((number, sub)) = numbers.next() {
            match number {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = sub != "0",
                7 => self.reverse = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                27 => self.reverse = false,
                30..=37 => self.foreground = Some(colour(number - 30)),
                40..=47 => self.background = Some(colour(number - 40)),
                90..=97 => self.foreground = Some(colour(number - 82)),
                100..=107 => self.background = Some(colour(number - 92)),
                39 => self.foreground = None,
                49 => self.background = None,
                38 | 48 => {
                    let mut next = || numbers.next().map_or(0, |(number, _)| number);
                    let colour = match next() {
                        5 => colour(next()),
                        _ => format!("#{:02x}{:02x}{:02x}", next(), next(), next()),
                    };
                    *(if number == 38 { &mut self.foreground } else { &mut self.background }) = Some(colour);
                }
                _ => {}
            }
        }
    }

    fn ink(&self) -> &str {
        let (own, other) = (self.foreground.as_deref(), self.background.as_deref());
        if self.reverse { other.unwrap_or(BACKGROUND) } else { own.unwrap_or(FOREGROUND) }
    }

    fn paper(&self) -> &str {
        let (own, other) = (self.background.as_deref(), self.foreground.as_deref());
        if self.reverse { other.unwrap_or(FOREGROUND) } else { own.unwrap_or(BACKGROUND) }
    }

    fn attributes(&self) -> String {
        let mut attributes = String::new();
        if self.ink() != FOREGROUND {
            let _ = write!(attributes, r#" fill="{}""#, self.ink());
        }
        for (on, attribute) in [
            (self.dim, r#" opacity="0.6""#),
            (self.bold, r#" font-weight="bold""#),
            (self.italic, r#" font-style="italic""#),
            (self.underline, r#" text-decoration="underline""#),
        ] {
            attributes.push_str(if on { attribute } else { "" });
        }
        attributes
    }
}

/// The terminal's 256 colours.
fn colour(index: u8) -> String {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match index {
        0..=15 => PALETTE[usize::from(index)].to_owned(),
        16..=231 => {
            let cube = index - 16;
            format!("#{:02x}{:02x}{:02x}", level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        _ => format!("#{0:02x}{0:02x}{0:02x}", 8 + 10 * (index - 232)),
    }
}

/// Reads what tmux captured: text and `CSI … m`; other sequences are passed over.
pub fn read(coloured: &str) -> Vec<Line<Style>> {
    let mut style = Style::default();
    let mut lines = Vec::new();
    for row in coloured.lines() {
        let mut line = Line::default();
        let mut rest = row;
        while let Some(character) = rest.chars().next() {
            if let Some(sequence) = rest.strip_prefix("\x1b[") {
                let end = sequence.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(sequence.len() - 1);
                if sequence[end..].starts_with('m') {
                    style.apply(&sequence[..end]);
                }
                rest = &sequence[end + 1..];
            } else if let Some(sequence) = rest.strip_prefix("\x1b]") {
                rest = sequence.split_once("\x1b\\").map_or("", |(_, rest)| rest);
            } else {
                rest = &rest[character.len_utf8()..];
                if !character.is_control() {
                    line.text.push(character);
                    line.styles.resize(line.text.len(), style.clone());
                }
            }
        }
        lines.push(line);
    }
    lines
}

/// Draws the screen.
pub fn draw(lines: &[Line<Style>], (columns, rows): (u16, u16)) -> String {
    let (width, height) = (
        usize::from(columns) * CELL.0 + 2 * MARGIN, //
        usize::from(rows) * CELL.1 + 2 * MARGIN,
    );
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}">
<rect width="100%" height="100%" rx="6" fill="{BACKGROUND}"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="{FOREGROUND}" xml:space="preserve">
"#,
        w = pixels(width),
        h = pixels(height),
    );
    for (number, line) in lines.iter().enumerate() {
        let runs = runs(line);
        let y = MARGIN + number * CELL.1;
        for run in runs.iter().filter(|run| run.style.paper() != BACKGROUND) {
            rectangle(
                &mut svg,
                run.x(),
                y,
                run.cells * CELL.0,
                CELL.1,
                &format!(r#" fill="{}"{CRISP}"#, run.style.paper()),
            );
        }
        for run in runs {
            run.draw(&mut svg, y);
        }
    }
    svg + "</g>\n</svg>\n"
}

/// Characters side by side that are drawn as one.
struct Run<'a> {
    text: String,
    column: usize,
    cells: usize,
    style: &'a Style,
}

fn runs(line: &Line<Style>) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    let mut column = 0;
    for (at, character) in line.text.char_indices() {
        let style = &line.styles[at];
        let cells = character.width().unwrap_or(0);
        match runs.last_mut() {
            // What changes a character belongs to it.
            Some(run) if cells == 0 => run.text.push(character),
            Some(run) if run.style == style && run.takes(character) => {
                run.text.push(character);
                run.cells += cells;
            }
            _ => runs.push(Run { text: character.into(), column, cells, style }),
        }
        column += cells;
    }
    runs
}

impl Run<'_> {
    /// Words of ASCII stay together, and equal lines and blocks; every other sign has cells of its own.
    fn takes(&self, next: char) -> bool {
        let last = self.text.chars().next_back().unwrap_or(' ');
        let spaces = last == ' ' && next == ' ';
        let words = last.is_ascii() && next.is_ascii() && !self.text.starts_with("  ");
        spaces && self.text.trim().is_empty()
            || words && !spaces
            || last == next && (arms(last).is_some() || shade(last).is_some())
    }

    fn x(&self) -> usize {
        MARGIN + self.column * CELL.0
    }

    fn draw(&self, svg: &mut String, y: usize) {
        let text = self.text.trim_end();
        let first = text.chars().next().unwrap_or(' ');
        let (x, width) = (self.x(), self.cells * CELL.0);
        if let Some(arms) = arms(first) {
            let fill = self.style.attributes();
            let (middle, half) = (y + CELL.1 / 2, CELL.0 / 2);
            let thick = 12;
            for cell in (x..x + width).step_by(CELL.0) {
                let up_down = cell + half - thick / 2;
                let vertical = [(arms.0, y, middle + thick / 2), (arms.2, middle - thick / 2, y + CELL.1)];
                let (true, from, to) = vertical.iter().fold((false, usize::MAX, 0), |all, (on, from, to)| {
                    if *on { (true, all.1.min(*from), all.2.max(*to)) } else { all }
                }) else {
                    continue;
                };
                rectangle(svg, up_down, from, thick, to - from, &fill);
            }
            let from = if arms.3 { x } else { x + half - thick / 2 };
            let to = if arms.1 { x + width } else { x + width - half + thick / 2 };
            if arms.1 || arms.3 {
                rectangle(svg, from, middle - thick / 2, to - from, thick, &fill);
            }
        } else if let Some((eighths, opacity)) = shade(first) {
            let width = width - CELL.0 + CELL.0 * eighths / 8;
            let opacity = if opacity == 4 {
                String::new()
            } else {
                format!(r#" fill-opacity="{}""#, [".25", ".5", ".75"][opacity - 1])
            };
            rectangle(svg, x, y, width, CELL.1, &(self.style.attributes() + &opacity + CRISP));
        } else if first != ' ' || !text.is_empty() {
            let lead = text.len() - text.trim_start().len();
            let text = text.trim_start();
            let cells = self.cells - lead - (self.text.len() - self.text.trim_end().len());
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let _ = writeln!(
                svg,
                r#"<text x="{}" y="{}" textLength="{}" lengthAdjust="spacingAndGlyphs"{}>{escaped}</text>"#,
                pixels(x + lead * CELL.0),
                pixels(y + BASELINE),
                pixels(cells * CELL.0),
                self.style.attributes(),
            );
        }
    }
}

fn rectangle(svg: &mut String, x: usize, y: usize, width: usize, height: usize, attributes: &str) {
    let [x, y, width, height] = [x, y, width, height].map(pixels);
    let _ = writeln!(svg, r#"<rect x="{x}" y="{y}" width="{width}" height="{height}"{attributes}/>"#);
}

fn pixels(tenths: usize) -> String {
    format!("{}.{}", tenths / 10, tenths % 10).trim_end_matches(".0").to_owned()
}

/// Where a line character goes: up, right, down, left.
fn arms(character: char) -> Option<(bool, bool, bool, bool)> {
    Some(match character {
        '─' | '━' => (false, true, false, true),
        '│' | '┃' => (true, false, true, false),
        '┌' | '╭' => (false, true, true, false),
        '┐' | '╮' => (false, false, true, true),
        '└' | '╰' => (true, true, false, false),
        '┘' | '╯' => (true, false, false, true),
        '├' => (true, true, true, false),
        '┤' => (true, false, true, true),
        '┬' => (false, true, true, true),
        '┴' => (true, true, false, true),
        '┼' => (true, true, true, true),
        _ => return None,
    })
}

/// How many eighths of its cell a block fills from the left, and how dark it is in quarters.
fn shade(character: char) -> Option<(usize, usize)> {
    Some(match character {
        '█' => (8, 4),
        '▉'..='▏' => (usize::try_from('▐' as u32 - character as u32).ok()?, 4),
        '░' => (8, 1),
        '▒' => (8, 2),
        '▓' => (8, 3),
        _ => return None,
    })
}

#[test]
fn colours_and_attributes() {
    let lines = read("a\x1b[1;36mb\x1b[0;2mc\x1b[7m d\x1b]8;;http://x\x1b\\e\n\x1b[0;38;5;208;48;2;1;2;3mf");
    assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["abc de", "f"]);
    let style = |at: usize| &lines[0].styles[at];
    assert_eq!(style(0), &Style::default());
    assert_eq!((style(1).ink(), style(1).bold), (PALETTE[6], true));
    assert!(style(2).dim && !style(2).reverse && style(2).ink() == FOREGROUND);
    assert_eq!((style(4).ink(), style(4).paper()), (BACKGROUND, FOREGROUND));
    assert_eq!((lines[1].styles[0].ink(), lines[1].styles[0].paper()), ("#ff8700", "#010203"));
    assert_eq!(
        (colour(232), colour(255), colour(16)),
        ("#080808".into(), "#eeeeee".into(), "#000000".into())
    );
}

#[test]
fn cells_are_kept() {
    let svg = draw(&read("─│<名>  x\n█▌░"), (8, 2));
    for part in [
        r#"width="91.2" height="60""#,
        r#"<rect x="12" y="20.4" width="8.4" height="1.2"/>"#,
        r#"<rect x="24" y="12" width="1.2" height="18"/>"#,
        r#"<text x="28.8" y="25.4" textLength="8.4" lengthAdjust="spacingAndGlyphs">&lt;</text>"#,
        r#"<text x="37.2" y="25.4" textLength="16.8" lengthAdjust="spacingAndGlyphs">名</text>"#,
        r#"<text x="79.2" y="25.4" textLength="8.4" lengthAdjust="spacingAndGlyphs">x</text>"#,
        r#"<rect x="12" y="30" width="8.4" height="18" shape-rendering="crispEdges"/>"#,
        r#"<rect x="20.4" y="30" width="4.2" height="18" shape"#,
        r#"<rect x="28.8" y="30" width="8.4" height="18" fill-opacity=".25" shape"#,
    ] {
        assert!(svg.contains(part), "{part}\n{svg}");
    }
}

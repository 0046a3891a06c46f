//! The image list, against what etcd holds.

use ratatui::{
    layout::Position,
    style::{Color, Style},
    text::{Line, Span},
};

use crate::{
    frontend::tui::{
        app::App,
        text::{self, cut, pad},
        theme::Sign,
    },
    report::{ComparedImage, InEtcd},
};

use super::{Canvas, ladder, section};

pub(super) fn page(app: &App, canvas: &mut Canvas<'_>) -> Option<Position> {
    let images = &app.images;
    canvas.title("Images", &counts(app));
    let mut cursor = None;
    if images.in_fields {
        cursor = section::fields(app, canvas, app.forms.get(app.image_list)?, true);
    } else {
        sources(app, canvas);
    }
    if images.search_open || !images.search.value().is_empty() {
        let at = canvas.input("/ ", &images.search);
        cursor = if images.search_open { Some(at) } else { cursor };
    }
    let remarks = app.image_remarks();
    // The first in full; of the others, how many there are.
    let told = [0, 4, 5][remarks.len().min(2)];
    let below = told + if canvas.rows() >= 16 { 5 } else { 0 };
    table(app, canvas, below);
    if canvas.rows() >= 16 {
        canvas.bottom(below);
        detail(app, canvas, told);
    }
    if let Some(first) = remarks.first() {
        canvas.bottom(told);
        canvas.part(4, |canvas| ladder::failed(canvas, 0, first));
    }
    if remarks.len() > 1 {
        let words = format!("and {} more; p shows all", remarks.len() - 1);
        canvas.words(canvas.theme.sign_width() + 1, &words, canvas.theme.dim());
    }
    cursor
}

fn counts(app: &App) -> String {
    let Some(list) = &app.images.listed.list else { return String::new() };
    let tags: usize = list.images.iter().map(|image| image.tags.len()).sum();
    let all = format!("{} images, {tags} tags, {} aliases", list.images.len(), list.aliases.len());
    match &app.images.only {
        Some(only) => format!("{} of {all}", only.len()),
        None => all,
    }
}

/// Where the list comes from, in one line.
fn sources(app: &App, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let images = app.answers.images();
    let name = |path: &Option<std::path::PathBuf>| match path {
        Some(path) => path
            .file_name()
            .map_or_else(|| path.display(), |name| std::path::Path::new(name).display())
            .to_string(),
        None => "built-in sample".to_owned(),
    };
    let words = format!("from {}, {}", name(&images.metadata), name(&images.aliases));
    let words = if images.metadata == images.aliases {
        "from the built-in samples; e copies them to be edited".to_owned()
    } else {
        words
    };
    let stale = app.images.outdated && app.images.listed.list.is_some();
    let words =
        if stale { "the table shows the last good list; r reads the file again".to_owned() } else { words };
    canvas.line(Line::styled(theme.text(&words), theme.dim()));
}

fn table(app: &App, canvas: &mut Canvas<'_>, below: usize) {
    let theme = canvas.theme;
    let images = &app.images;
    let shown = images.shown();
    if images.listed.list.is_none() {
        let (sign, words) = if images.listed.problems.is_empty() {
            (Sign::UnderWay, "the list is being read")
        } else {
            (Sign::Failed, "no list that can be read")
        };
        canvas.message(1, sign, words, Line::default());
        return;
    }
    if shown.is_empty() {
        let wanted = images.search.value();
        let words = if wanted.is_empty() {
            format!("No image is shown under \"{}\"; v shows others.", images.view.word())
        } else {
            format!("No image matches \"{wanted}\". Esc clears.")
        };
        canvas.line(format!("  {}", theme.text(&words)));
        return;
    }
    // What is left of the columns belongs to the name.
    let choice = if images.only.is_some() { theme.sign_width() + 1 } else { 0 };
    let name = canvas.columns().saturating_sub(46 + choice).clamp(8, 44);
    let head = format!(
        "  {}{} tags  cpu       mem   gpu  alias  in etcd",
        " ".repeat(choice),
        pad("image", name, "")
    );
    canvas.line(Line::styled(head, theme.dim()));
    let rows = canvas.left().saturating_sub(below).max(1);
    let first = (images.cursor + 1).saturating_sub(rows.max(1)).min(shown.len().saturating_sub(rows));
    let first = if images.cursor < rows { 0 } else { first };
    for (at, row) in shown.iter().enumerate().skip(first).take(rows) {
        let here = at == images.cursor && !images.in_fields;
        canvas.line(line(app, row, here, name));
    }
}

fn line(app: &App, row: &ComparedImage, here: bool, name: usize) -> Line<'static> {
    let theme = app.theme;
    let mark = theme.cursor(here, 2);
    let mut spans = vec![mark];
    let chosen = app.images.is_chosen(&row.name);
    if app.images.only.is_some() {
        spans.push(theme.sign(if chosen { Sign::Done } else { Sign::ToCome }));
        spans.push(Span::raw(" "));
    }
    let title = pad(&theme.text(&row.name), name, theme.ellipsis());
    let style = if here {
        theme.bold()
    } else if chosen {
        Style::new()
    } else {
        theme.dim()
    };
    spans.push(Span::styled(title, style));
    let numbers = if row.in_etcd == InEtcd::Left {
        " ".repeat(35)
    } else {
        let mem = format!("{} GiB", row.mem);
        format!(" {:>4} {:>4} {:>9} {:>5}  {:>5}  ", row.tags.len(), row.cpu, mem, row.gpu, row.aliases.len())
    };
    spans.push(Span::styled(numbers, if chosen { Style::new() } else { theme.dim() }));
    let (word, style) = match row.in_etcd {
        _ if !chosen => ("left out", theme.dim()),
        InEtcd::New => (InEtcd::New.word(), theme.painted(Color::Green)),
        InEtcd::Changed => (InEtcd::Changed.word(), theme.painted(Color::Yellow)),
        InEtcd::Left => (InEtcd::Left.word(), theme.painted(Color::Yellow)),
        other => (other.word(), theme.dim()),
    };
    spans.push(Span::styled(word, style));
    Line::from(spans)
}

/// Tags, digests, names to pull and aliases of the selected image, in the rows above `below`.
fn detail(app: &App, canvas: &mut Canvas<'_>, below: usize) {
    let theme = canvas.theme;
    let Some(row) = app.images.selected() else { return };
    canvas.rule(&row.name);
    if row.in_etcd == InEtcd::Left {
        canvas.words(2, "left from an older list; `--prune` removes it", theme.dim());
        return;
    }
    let room = canvas.left().saturating_sub(below + 1).max(1);
    let wide = row.tags.iter().map(|(tag, _)| text::width(tag)).max().unwrap_or(0).min(28);
    let mut tags = row.tags.iter();
    for (tag, digest) in tags.by_ref().take(if row.tags.len() > room { room - 1 } else { room }) {
        let what = match digest.strip_prefix(':') {
            Some(other) => format!("→ {other}"),
            None => {
                let short: String = digest.trim_start_matches("sha256:").chars().take(12).collect();
                format!("{short}  {}:{tag}", row.repository)
            }
        };
        canvas.line(format!("  {}  {}", pad(&theme.text(tag), wide, theme.ellipsis()), theme.text(&what)));
    }
    let more = tags.count();
    if more > 0 {
        canvas.line(Line::styled(format!("  and {more} more tags"), theme.dim()));
    }
    if !row.aliases.is_empty() {
        let names = format!("  also called {}", row.aliases.join(", "));
        canvas.line(cut(&theme.text(&names), canvas.columns().saturating_sub(1), theme.ellipsis()));
    }
}

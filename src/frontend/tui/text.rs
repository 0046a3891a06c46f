//! Text that fits: cut, padded and wrapped by columns, wide characters measured right.

use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a text.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The text, cut to `columns`; what does not fit ends in `ellipsis`.
pub(super) fn cut(text: &str, columns: usize, ellipsis: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(width(ellipsis));
    let mut cut = head(text, room);
    if columns >= width(ellipsis) {
        cut.push_str(ellipsis);
    }
    cut
}

/// As many characters from the front as fit into `columns`.
pub(super) fn head(text: &str, columns: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|character| {
            used += character.width().unwrap_or(0);
            used <= columns
        })
        .collect()
}

/// The text, cut or filled up with blanks to exactly `columns`.
pub(super) fn pad(text: &str, columns: usize, ellipsis: &str) -> String {
    let cut = cut(text, columns, ellipsis);
    let blanks = columns.saturating_sub(width(&cut));
    cut + &" ".repeat(blanks)
}

/// The text in lines of at most `columns`; at least one line.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    if columns == 0 {
        return vec![String::new()];
    }
    // Names, flags and addresses stay whole: people copy them.
    let options = textwrap::Options::new(columns).word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
}

/// The line, cut to `columns` across its spans.
pub(super) fn cut_line(line: Line<'static>, columns: usize, ellipsis: &str) -> Line<'static> {
    if line.width() <= columns {
        return line;
    }
    let mut room = columns.saturating_sub(width(ellipsis));
    let style = line.style;
    let mut spans = Vec::new();
    for span in line.spans {
        let wide = span.width();
        if wide <= room {
            room -= wide;
            spans.push(span);
        } else {
            spans.push(Span::styled(head(&span.content, room), span.style));
            break;
        }
    }
    if columns >= width(ellipsis) {
        spans.push(Span::raw(ellipsis.to_owned()));
    }
    Line::from(spans).style(style)
}

/// Something at the left and something at the right end of `columns`; the right one stays whole.
pub(super) fn both_ends(
    left: Line<'static>,
    right: Line<'static>,
    columns: usize,
    ellipsis: &str,
) -> Line<'static> {
    let right_width = right.width();
    if right_width == 0 {
        return cut_line(left, columns, ellipsis);
    }
    let room = columns.saturating_sub(right_width + 2);
    let mut line = cut_line(left, room, ellipsis);
    let blanks = columns.saturating_sub(line.width() + right_width);
    line.spans.push(Span::raw(" ".repeat(blanks)));
    // The line's own style goes along with its spans.
    let style = right.style;
    line.spans
        .extend(right.spans.into_iter().map(|span| Span::styled(span.content, style.patch(span.style))));
    cut_line(line, columns, ellipsis)
}

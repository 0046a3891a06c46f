//! Lines that fit.

use ratatui::text::{Line, Span};

pub(super) use crate::text::fit::{cut, head, pad, width, wrap};

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

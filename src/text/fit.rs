//! Text that fits: cut, padded and wrapped by columns, wide characters measured right.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a text.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text, cut to `columns`; what does not fit ends in `ellipsis`.
pub fn cut(text: &str, columns: usize, ellipsis: &str) -> String {
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
pub fn head(text: &str, columns: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|character| {
            used += character.width().unwrap_or(0);
            used <= columns
        })
        .collect()
}

/// The text, cut or filled up with blanks to exactly `columns`.
pub fn pad(text: &str, columns: usize, ellipsis: &str) -> String {
    let cut = cut(text, columns, ellipsis);
    let blanks = columns.saturating_sub(width(&cut));
    cut + &" ".repeat(blanks)
}

/// The text in lines of at most `columns`; at least one line.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    if columns == 0 {
        return vec![String::new()];
    }
    // Names, flags and addresses stay whole: people copy them.
    let options = textwrap::Options::new(columns).word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
}

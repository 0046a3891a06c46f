//! Lines that end where the terminal does, between words.

use std::io::{self, Write};

use rustix::termios::tcgetwinsize;
use textwrap::{Options, WordSplitter};

/// What a terminal has that does not say.
const COLUMNS: usize = 80;

/// Writes whole lines to a person at a terminal.
pub struct WrappingWriter<W: Write> {
    inner: W,
    line: Vec<u8>,
    breaks: bool,
}

/// Stderr. Lines are broken where somebody listens (`breaks`); who looks can copy a command that the terminal has broken.
pub fn wrapping_stderr(breaks: bool) -> WrappingWriter<anstream::AutoStream<io::Stderr>> {
    let inner = anstream::AutoStream::auto(io::stderr());
    WrappingWriter { inner, line: Vec::new(), breaks }
}

/// A line, broken between words where the terminal ends.
pub fn tell(line: &str) {
    let _ = writeln!(wrapping_stderr(true), "{line}");
}

/// One line, broken between words. What goes on is indented a little more than the line's begin.
fn fill(line: &str, columns: usize) -> String {
    let begin: String = line.chars().take_while(|character| *character == ' ').collect();
    let next = format!("{begin}  ");
    let options = Options::new(columns)
        .subsequent_indent(&next)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    textwrap::fill(line, options)
}

impl<W: Write> WrappingWriter<W> {
    fn put(&mut self) -> io::Result<()> {
        let columns = tcgetwinsize(io::stderr()).map_or(0, |size| usize::from(size.ws_col));
        let columns = if columns < 20 { COLUMNS } else { columns };
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        if self.breaks {
            writeln!(self.inner, "{}", fill(&line, columns))
        } else {
            writeln!(self.inner, "{line}")
        }
    }
}

impl<W: Write> Write for WrappingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            if *byte == b'\n' { self.put()? } else { self.line.push(*byte) }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole() {
        assert_eq!(
            fill("    do  mkdir -p /a/very/long/path", 20),
            "    do  mkdir -p\n      /a/very/long/path"
        );
        assert_eq!(fill("short", 20), "short");
        assert_eq!(fill("", 20), "");
        // Colours take no room.
        assert_eq!(
            fill("\u{1b}[32m✓\u{1b}[0m four words are here", 22),
            "\u{1b}[32m✓\u{1b}[0m four words are here"
        );
    }
}

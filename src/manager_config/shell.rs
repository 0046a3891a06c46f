//! The words of a shell file, read conservatively: what is not plain for sure is refused, never guessed.
//! After POSIX.1-2017, "Shell Command Language", 2.2 (quoting), 2.3 (tokens) and 2.9.1 (simple commands).

use std::ops::Range;

/// Why a shell file cannot be edited, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclear {
    /// Counted from 1.
    pub line: usize,
    /// What stands there.
    pub why: String,
    /// What to do about it.
    pub cure: Cure,
}

/// What makes a shell file one that can be edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cure {
    /// Write the line in the plain form.
    Plain,
    /// Keep one of two lines.
    KeepOne,
    /// End the lines without a carriage return.
    LineEnds,
}

pub(super) enum Token {
    Word(Range<usize>),
    /// A new line or an operator: whether a command just begins behind it without a condition.
    End {
        plain: bool,
    },
}

/// The words and the ends of commands.
///
/// # Errors
/// What cannot be understood.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Unclear> {
    Lexer { text, at: 0, documents: Vec::new() }.tokens()
}

pub(super) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The value of an assignment without its quotes, when nothing in it is expanded.
pub(super) fn plain(word: &str) -> Option<String> {
    let mut value = String::new();
    let mut letters = word.chars();
    let mut before = ':';
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => value.extend(letters.by_ref().take_while(|letter| *letter != '\'')),
            '"' => loop {
                match letters.next()? {
                    '"' => break,
                    '$' | '`' => return None,
                    '\\' => match letters.next()? {
                        '\n' => {}
                        escaped @ ('"' | '\\' | '$' | '`') => value.push(escaped),
                        other => value.extend(['\\', other]),
                    },
                    other => value.push(other),
                }
            },
            '\\' => match letters.next()? {
                '\n' => {}
                escaped => value.push(escaped),
            },
            // Somebody's home where a path may begin.
            '~' if matches!(before, ':' | '=') => return None,
            // Bash expands braces behind `export`; as a pattern the others match no file that begins `NAME=`.
            '$' | '`' | '{' | '}' => return None,
            letter => value.push(letter),
        }
        before = letter;
    }
    Some(value)
}

/// Is every expansion in a line of a here-document closed in it?
fn ends_with_the_line(line: &str) -> bool {
    let mut lexer = Lexer { text: line, at: 0, documents: Vec::new() };
    while let Some(letter) = lexer.rest().chars().next() {
        let rest = lexer.rest();
        if rest == "\\" {
            return false;
        }
        if letter == '\\' || letter == '`' || rest.starts_with("$(") || rest.starts_with("${") {
            if lexer.piece(0).is_err() {
                return false;
            }
        } else {
            lexer.at += letter.len_utf8();
        }
    }
    true
}

struct Document {
    /// The line that ends it.
    last: String,
    /// Tabs before that line do not count.
    is_indented: bool,
    /// Nothing in it is expanded.
    is_quoted: bool,
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// The here-documents that begin on the next line.
    documents: Vec<Document>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn unclear(&self, at: usize, why: &str) -> Unclear {
        Unclear { line: line_of(self.text, at), why: why.into(), cure: Cure::Plain }
    }

    fn carriage_return(&self) -> Unclear {
        let why = "a carriage return stands in it, which the shell takes into the value".into();
        Unclear { line: line_of(self.text, self.at), why, cure: Cure::LineEnds }
    }

    fn tokens(mut self) -> Result<Vec<Token>, Unclear> {
        let mut tokens = Vec::new();
        while let Some(letter) = self.rest().chars().next() {
            match letter {
                ' ' | '\t' => self.at += 1,
                '\\' if self.rest().starts_with("\\\n") => self.at += 2,
                '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                '\n' => {
                    self.at += 1;
                    tokens.push(Token::End { plain: true });
                    for document in std::mem::take(&mut self.documents) {
                        self.pass(&document)?;
                    }
                }
                ';' => {
                    self.at += 1;
                    tokens.push(Token::End { plain: true });
                }
                '&' | '|' => {
                    self.at += 1;
                    tokens.push(Token::End { plain: false });
                }
                '(' | ')' => {
                    // Each begins or ends a command of its own.
                    tokens.push(Token::End { plain: true });
                    tokens.push(Token::Word(self.at..self.at + 1));
                    self.at += 1;
                }
                '<' if self.rest().starts_with("<<<") => {
                    return Err(self.unclear(self.at, "`<<<` is not read by every shell"));
                }
                '<' if self.rest().starts_with("<<") => {
                    let start = self.at;
                    self.at += 2;
                    let is_indented = self.rest().starts_with('-');
                    self.at += usize::from(is_indented);
                    self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
                    let word = self.word()?;
                    let is_quoted = self.text[word.clone()].contains(['\'', '"', '\\']);
                    let last = plain(&self.text[word]).filter(|last| !last.is_empty());
                    let last = last
                        .ok_or_else(|| self.unclear(start, "the end of a here-document is not plain text"))?;
                    self.documents.push(Document { last, is_indented, is_quoted });
                    tokens.push(Token::Word(start..start + 2));
                }
                '\0' => return Err(self.unclear(self.at, "a NUL byte stands in it")),
                // A redirection is a word that no assignment looks like.
                '<' | '>' => {
                    tokens.push(Token::Word(self.at..self.at + 1));
                    self.at += 1;
                }
                _ => tokens.push(Token::Word(self.word()?)),
            }
        }
        if !self.documents.is_empty() {
            return Err(self.unclear(self.text.len(), "a here-document has no end"));
        }
        Ok(tokens)
    }

    /// Passes over the lines of a here-document.
    fn pass(&mut self, document: &Document) -> Result<(), Unclear> {
        let text = self.text;
        let start = self.at;
        while self.at < text.len() {
            let from = self.at;
            let line = text[from..].split_inclusive('\n').next().unwrap_or_default();
            self.at += line.len();
            let line = line.trim_end_matches('\n');
            let bare = if document.is_indented { line.trim_start_matches('\t') } else { line };
            if bare == document.last {
                return Ok(());
            }
            if !document.is_quoted && !ends_with_the_line(line) {
                return Err(
                    self.unclear(from, "what is expanded in a here-document goes on to the next line")
                );
            }
        }
        Err(self.unclear(start.saturating_sub(1), "a here-document has no end"))
    }

    fn word(&mut self) -> Result<Range<usize>, Unclear> {
        let start = self.at;
        while let Some(letter) = self.rest().chars().next() {
            match letter {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\r' => return Err(self.carriage_return()),
                _ => self.piece(start)?,
            }
        }
        Ok(start..self.at)
    }

    /// One letter, or all that quotes or a substitution hold together.
    fn piece(&mut self, start: usize) -> Result<(), Unclear> {
        let rest = self.rest();
        let Some(letter) = rest.chars().next() else { return Ok(()) };
        match letter {
            '\\' if rest[1..].starts_with('\r') => return Err(self.carriage_return()),
            '\\' => self.at += 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            '$' if rest.starts_with("$'") => {
                // Bash ends it at a quote without a backslash before it, a POSIX shell at the first one.
                let end = rest[2..].find('\'').map(|end| end + 3);
                let end = end.ok_or_else(|| self.unclear(start, "a quote is not closed"))?;
                if rest[2..end - 1].chars().rev().take_while(|letter| *letter == '\\').count() % 2 == 1 {
                    return Err(self.unclear(start, "shells differ on where `$'…'` ends"));
                }
                self.at += end;
            }
            '\'' => match rest[1..].find('\'') {
                Some(end) => self.at += end + 2,
                None => return Err(self.unclear(start, "a quote is not closed")),
            },
            '"' => self.within(start, 1, '"', "a quote is not closed")?,
            '`' => self.within(start, 1, '`', "a command substitution is not closed")?,
            '$' if rest.starts_with("$(") => {
                self.within(start, 2, ')', "a command substitution is not closed")?;
            }
            '$' if rest.starts_with("${") => self.within(start, 2, '}', "an expansion is not closed")?,
            letter => self.at += letter.len_utf8(),
        }
        Ok(())
    }

    fn within(&mut self, start: usize, opening: usize, end: char, why: &str) -> Result<(), Unclear> {
        // `$((1 << 2))` is arithmetic, and so is what stands in its parentheses.
        let is_sum = self.text[..self.at].ends_with('(') || self.rest().starts_with("$((");
        self.at += opening;
        loop {
            match self.rest().chars().next() {
                None => return Err(self.unclear(start, why)),
                Some(letter) if letter == end => {
                    self.at += 1;
                    return Ok(());
                }
                // Between double quotes a single one stands for itself.
                Some('\'') if end == '"' => self.at += 1,
                Some('$') if end == '"' && self.rest().starts_with("$'") => self.at += 2,
                Some('(') if end == ')' => self.within(start, 1, ')', why)?,
                Some('<') if end == ')' && self.rest().starts_with("<<") && !is_sum => {
                    return Err(self.unclear(self.at, "a here-document stands in a command substitution"));
                }
                Some(_) => self.piece(start)?,
            }
        }
    }
}

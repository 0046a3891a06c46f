//! The assignments of a shell file, read conservatively: what is not plain for sure is refused, never guessed.
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

/// An assignment of one of the names that were asked for. Not `Debug`: the value may be a secret.
pub(super) struct Assignment {
    /// Which of the names.
    pub name: &'static str,
    /// The value that the shell would take.
    pub value: String,
    /// The bytes of the whole word, `NAME=value`.
    pub span: Range<usize>,
    /// It stands behind `export`.
    pub exported: bool,
    /// Another word of the same command stands before it, or after it.
    pub neighbours: (bool, bool),
}

/// What a file does with the names.
pub(super) struct Found {
    /// In order.
    pub assignments: Vec<Assignment>,
    /// `export NAME` without a value.
    pub exports: Vec<&'static str>,
}

enum Token {
    Word(Range<usize>),
    /// A new line or an operator: whether a command just begins behind it without a condition.
    End {
        plain: bool,
    },
}

/// Reads the assignments of `names`.
///
/// # Errors
/// What cannot be understood, or would make an edit without effect.
pub(super) fn read(text: &str, names: &[&'static str]) -> Result<Found, Unclear> {
    let unclear = |at: usize, why: String| Unclear { line: line_of(text, at), why, cure: Cure::Plain };
    let tokens = Lexer { text, at: 0, documents: Vec::new() }.tokens()?;
    let mut found = Found { assignments: Vec::new(), exports: Vec::new() };
    // What is open: a command in it may not run, or not in this shell.
    let mut open: Vec<&str> = Vec::new();
    // Behind `&&`, `||`, `|` or before one of them, a command may not run, or not in this shell.
    let mut conditional = false;
    for command in tokens.chunk_by(|before, _| matches!(before, Token::Word(_))) {
        let (words, ends_plain) = match command {
            [words @ .., Token::End { plain }] => (words, *plain),
            words => (words, true),
        };
        let mut words: Vec<_> = words
            .iter()
            .filter_map(|token| match token {
                Token::Word(span) => Some(span.clone()),
                Token::End { .. } => None,
            })
            .collect();
        let raw = |span: &Range<usize>| &text[span.clone()];
        // A line may end behind `&&`, `||` or `|`: the condition counts for the next one.
        let is_empty = words.is_empty();
        while let Some(first) = words.first() {
            match raw(first) {
                word @ ("if" | "for" | "while" | "until" | "case" | "{" | "(") => open.push(word),
                "fi" | "done" | "esac" | "}" => drop(open.pop()),
                // Behind a pattern of `case` it closes nothing.
                ")" => drop(open.pop_if(|last| *last == "(")),
                "then" | "do" | "else" | "elif" | "!" => {}
                _ => break,
            }
            words.remove(0);
        }
        let certain = open.is_empty() && !conditional && ends_plain;
        conditional = !ends_plain || (is_empty && conditional);
        let Some(first) = words.first() else { continue };
        if open.is_empty() && matches!(raw(first), "return" | "exit" | "exec") {
            return Err(unclear(first.start, format!("`{}` ends the file early", raw(first))));
        }
        let exported = raw(first) == "export";
        let simple = words.iter().skip(usize::from(exported)).all(|word| {
            let (name, _) = raw(word).split_once('=').unwrap_or((if exported { raw(word) } else { "" }, ""));
            is_name(name)
        });
        let start = usize::from(exported);
        for (number, word) in words.iter().enumerate().skip(start) {
            let text_of = raw(word);
            let Some(&name) = names.iter().find(|name| {
                text_of.strip_prefix(**name).is_some_and(|rest| {
                    rest.is_empty()
                        || rest.starts_with('=')
                        || rest.starts_with("+=")
                        || rest.starts_with('[')
                })
            }) else {
                if !simple && raw(first) == "eval" && names.iter().any(|name| text_of.contains(name)) {
                    return Err(unclear(word.start, "`eval` may set a variable of the manager".into()));
                }
                continue;
            };
            if !simple || !certain {
                let why = format!("`{name}` is used in a command that this program does not understand");
                return Err(unclear(word.start, why));
            }
            match text_of[name.len()..].strip_prefix('=') {
                None => found.exports.push(name),
                Some(value) => found.assignments.push(Assignment {
                    name,
                    value: plain(value).ok_or_else(|| {
                        unclear(word.start, format!("the value of `{name}` is not plain text"))
                    })?,
                    span: word.clone(),
                    exported,
                    neighbours: (number > start, number + 1 < words.len()),
                }),
            }
        }
    }
    for (number, second) in found.assignments.iter().enumerate() {
        if let Some(first) = found.assignments[..number].iter().find(|first| first.name == second.name) {
            let lines = [first, second].map(|it| line_of(text, it.span.start));
            let place =
                if lines[0] == lines[1] { String::new() } else { format!(", on line {} too", lines[0]) };
            let why = format!("`{}` is set twice{place}", second.name);
            return Err(Unclear { line: lines[1], why, cure: Cure::KeepOne });
        }
    }
    Ok(found)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

pub(super) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The value of an assignment without its quotes, when nothing in it is expanded.
fn plain(word: &str) -> Option<String> {
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

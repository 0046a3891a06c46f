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
    let unclear = |at: usize, why: String| Unclear { line: line_of(text, at), why };
    let tokens = Lexer { text, at: 0 }.tokens()?;
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

/// A word without its quotes, when nothing in it is expanded.
fn plain(word: &str) -> Option<String> {
    let mut value = String::new();
    let mut letters = word.chars();
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
            letter if letter.is_ascii_alphanumeric() || "_./:@%+,=-".contains(letter) => value.push(letter),
            _ => return None,
        }
    }
    Some(value)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn unclear(&self, at: usize, why: &str) -> Unclear {
        Unclear { line: line_of(self.text, at), why: why.into() }
    }

    fn tokens(mut self) -> Result<Vec<Token>, Unclear> {
        let mut tokens = Vec::new();
        while let Some(letter) = self.rest().chars().next() {
            match letter {
                ' ' | '\t' => self.at += 1,
                '\\' if self.rest().starts_with("\\\n") => self.at += 2,
                '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                '\n' | ';' => {
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
                '<' if self.rest().starts_with("<<") => {
                    return Err(self.unclear(self.at, "a here-document stands in it"));
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
        Ok(tokens)
    }

    fn word(&mut self) -> Result<Range<usize>, Unclear> {
        let start = self.at;
        while let Some(letter) = self.rest().chars().next() {
            match letter {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
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
            '\\' => self.at += 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
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
                Some('(') if end == ')' => self.within(start, 1, ')', why)?,
                Some(_) => self.piece(start)?,
            }
        }
    }
}

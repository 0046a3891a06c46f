//! The assignments of a shell file, as far as they are plain and certain to take place.

use std::ops::Range;

use super::shell::{Cure, Token, Unclear, line_of, plain, tokens};

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

/// Reads the assignments of `names`.
///
/// # Errors
/// What cannot be understood, or would make an edit without effect.
pub(super) fn read(text: &str, names: &[&'static str]) -> Result<Found, Unclear> {
    let unclear = |at: usize, why: String| Unclear { line: line_of(text, at), why, cure: Cure::Plain };
    let tokens = tokens(text)?;
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
        skip_keywords(text, &mut words, &mut open);
        let certain = open.is_empty() && !conditional && ends_plain;
        conditional = !ends_plain || (is_empty && conditional);
        let Some(first) = words.first() else { continue };
        if open.is_empty() && matches!(raw(first), "return" | "exit" | "exec") {
            return Err(unclear(first.start, format!("`{}` ends the file early", raw(first))));
        }
        command_with(text, &words, names, certain, &mut found)?;
    }
    match set_twice(text, &found.assignments) {
        Some(unclear) => Err(unclear),
        None => Ok(found),
    }
}

/// Words before a command that open, close or part something.
fn skip_keywords<'t>(text: &'t str, words: &mut Vec<Range<usize>>, open: &mut Vec<&'t str>) {
    while let Some(first) = words.first() {
        match &text[first.clone()] {
            word @ ("if" | "for" | "while" | "until" | "case" | "{" | "(") => open.push(word),
            "fi" | "done" | "esac" | "}" => drop(open.pop()),
            // Behind a pattern of `case` it closes nothing.
            ")" => drop(open.pop_if(|last| *last == "(")),
            "then" | "do" | "else" | "elif" | "!" => {}
            _ => break,
        }
        words.remove(0);
    }
}

/// Takes from one command what it does with these names; it is `certain` when it runs in this shell whatever happens.
fn command_with(
    text: &str,
    words: &[Range<usize>],
    names: &[&'static str],
    certain: bool,
    found: &mut Found,
) -> Result<(), Unclear> {
    let unclear = |at: usize, why: String| Unclear { line: line_of(text, at), why, cure: Cure::Plain };
    let raw = |span: &Range<usize>| &text[span.clone()];
    let first = words.first().map_or("", raw);
    let exported = first == "export";
    let start = usize::from(exported);
    let simple = words.iter().skip(start).all(|word| {
        let (name, _) = raw(word).split_once('=').unwrap_or((if exported { raw(word) } else { "" }, ""));
        is_name(name)
    });
    for (number, word) in words.iter().enumerate().skip(start) {
        let text_of = raw(word);
        let is_used = |name: &&&str| {
            let rest = text_of.strip_prefix(**name);
            rest.is_some_and(|rest| rest.is_empty() || ["=", "+=", "["].iter().any(|it| rest.starts_with(it)))
        };
        let Some(&name) = names.iter().find(is_used) else {
            if !simple && first == "eval" && names.iter().any(|name| text_of.contains(name)) {
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
                value: plain(value)
                    .ok_or_else(|| unclear(word.start, format!("the value of `{name}` is not plain text")))?,
                span: word.clone(),
                exported,
                neighbours: (number > start, number + 1 < words.len()),
            }),
        }
    }
    Ok(())
}

/// A name that is set once more.
fn set_twice(text: &str, assignments: &[Assignment]) -> Option<Unclear> {
    assignments.iter().enumerate().find_map(|(number, second)| {
        let first = assignments[..number].iter().find(|first| first.name == second.name)?;
        let lines = [first, second].map(|it| line_of(text, it.span.start));
        let place = if lines[0] == lines[1] { String::new() } else { format!(", on line {} too", lines[0]) };
        let why = format!("`{}` is set twice{place}", second.name);
        Some(Unclear { line: lines[1], why, cure: Cure::KeepOne })
    })
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

//! A file as Python's strict ConfigParser reads it (`Lib/configparser.py`, `RawConfigParser._read` and
//! `BasicInterpolation`): what it would refuse is refused here, by its line, and nothing else. Where versions of
//! Python differ (3.6 to 3.13), the file is refused too.

use std::collections::BTreeMap;

/// Why a file cannot be read, or cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Counted from 1; none when it is about the whole file.
    pub line: Option<usize>,
    /// What ConfigParser would refuse.
    pub why: String,
}

impl Unfit {
    pub(super) fn at(line: usize, why: impl Into<String>) -> Self {
        Self { line: Some(line), why: why.into() }
    }

    pub(super) fn of_all(why: impl Into<String>) -> Self {
        Self { line: None, why: why.into() }
    }
}

/// The text of an option as it stands, and its lines.
#[derive(Clone, PartialEq)]
pub(super) struct Raw {
    pub text: String,
    /// The line that it begins in, counted from 1.
    pub line: usize,
    /// The lines that continue it, without comments and blank lines.
    pub below: Vec<usize>,
}

/// A section: where it begins, and its options by their names in small letters.
#[derive(Clone)]
pub(super) struct Section {
    pub line: usize,
    pub options: BTreeMap<String, Raw>,
}

/// The sections of a file; `[DEFAULT]` is one of them.
pub(super) struct Ini {
    pub sections: BTreeMap<String, Section>,
}

/// What `str.isspace` takes for white space.
fn is_space(letter: char) -> bool {
    letter.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&letter)
}

/// A text without white space around it.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// The white space that a line begins with.
pub(super) fn indent(line: &str) -> &str {
    let line = line.trim_end_matches(['\r', '\n']);
    &line[..line.len() - line.trim_start_matches(is_space).len()]
}

/// Nothing, or a comment.
pub(super) fn is_blank(line: &str) -> bool {
    let content = strip(line);
    content.is_empty() || content.starts_with(['#', ';'])
}

/// The lines with their ends, as Python opens a text: a carriage return alone ends one too.
pub(super) fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\r', '\n']) {
        let end = at + if rest[at..].starts_with("\r\n") { 2 } else { 1 };
        lines.push(&rest[..end]);
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

/// The name of a section when a line is the header of one.
fn header(content: &str) -> Result<Option<&str>, String> {
    let Some(rest) = content.strip_prefix('[') else { return Ok(None) };
    // Up to the first `]` until Python 3.9, up to the last one from 3.10 on.
    let name = |end: Option<usize>| end.map(|end| &rest[..end]).filter(|name| !name.is_empty());
    let (old, new) = (name(rest.find(']')), name(rest.rfind(']')));
    if old == new {
        return Ok(old);
    }
    Err("versions of Python differ on where the name of this section ends: `]` stands in it twice".into())
}

/// An option's name and its value. The text of a line without a key may be part of a secret.
fn key_and_value(content: &str) -> Result<(String, &str), &'static str> {
    let (key, value) =
        content.split_once(['=', ':']).ok_or("it is no option, with `=` or `:`, and continues none")?;
    match strip(key).to_lowercase() {
        key if key.is_empty() => Err("an option has no name"),
        key => Ok((key, strip(value))),
    }
}

impl Ini {
    /// Reads a file.
    ///
    /// # Errors
    /// The first line that ConfigParser would refuse.
    pub(super) fn parse(text: &str) -> Result<Self, Unfit> {
        let mut sections: BTreeMap<String, Section> = BTreeMap::new();
        let mut section: Option<String> = None;
        let mut option: Option<String> = None;
        let mut level = 0;
        for (number, line) in (1..).zip(lines(text)) {
            let refuse = |why: String| Err(Unfit::at(number, why));
            let content = strip(line);
            let current = section.as_ref().and_then(|name| sections.get_mut(name));
            let open = match (current, &option) {
                (Some(current), Some(name)) => current.options.get_mut(name),
                _ => None,
            };
            if is_blank(line) {
                // A blank line is part of a value that goes on below it, a comment is not.
                if let Some(value) = open.filter(|_| content.is_empty()) {
                    value.text.push('\n');
                }
                continue;
            }
            let depth = indent(line).chars().count();
            if let Some(value) = open.filter(|_| depth > level) {
                value.text.push('\n');
                value.text.push_str(content);
                value.below.push(number);
                continue;
            }
            level = depth;
            if let Some(name) = header(content).map_err(|why| Unfit::at(number, why))? {
                let new = Section { line: number, options: BTreeMap::new() };
                // `[DEFAULT]` is no section of its own to ConfigParser, so it may come back.
                if name != "DEFAULT" && sections.contains_key(name) {
                    return refuse(format!("the section `[{name}]` stands in it twice"));
                }
                sections.entry(name.to_owned()).or_insert(new);
                (section, option) = (Some(name.to_owned()), None);
                continue;
            }
            let Some((name, current)) =
                section.as_ref().and_then(|name| Some((name, sections.get_mut(name)?)))
            else {
                return refuse("it stands before the first section".into());
            };
            let (key, value) = key_and_value(content).map_err(|why| Unfit::at(number, why))?;
            let value = Raw { text: value.to_owned(), line: number, below: Vec::new() };
            if current.options.insert(key.clone(), value).is_some() {
                return refuse(format!("`{key}` stands twice in section `[{name}]`"));
            }
            option = Some(key);
        }
        for value in sections.values_mut().flat_map(|section| section.options.values_mut()) {
            value.text.truncate(value.text.trim_end_matches(is_space).len());
        }
        Ok(Self { sections })
    }

    /// Is there such a section?
    pub(super) fn has(&self, section: &str) -> bool {
        section != "DEFAULT" && self.sections.contains_key(section)
    }

    /// What stands for an option, in its section or in `[DEFAULT]`.
    pub(super) fn raw(&self, section: &str, key: &str) -> Option<&Raw> {
        [section, "DEFAULT"].iter().find_map(|name| self.sections.get(*name)?.options.get(key))
    }

    /// The value of an option with all `%` resolved, `given` being defaults that are handed in beside the file.
    ///
    /// # Errors
    /// The line of an option that cannot be resolved.
    pub(super) fn get(
        &self,
        section: &str,
        key: &str,
        given: &[(&str, &str)],
    ) -> Result<Option<String>, Unfit> {
        let lookup = |name: &str| {
            let handed = || given.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            self.raw(section, name).map(|raw| raw.text.as_str()).or_else(handed)
        };
        let Some(raw) = self.raw(section, key) else { return Ok(None) };
        let mut resolver = Resolver { lookup: &lookup, out: String::new(), steps: 0 };
        resolver.take(&raw.text, 1).ok_or_else(|| {
            let why = format!("a `%` in `{key}` is neither `%%` nor `%(NAME)s` with a name that is set");
            Unfit::at(raw.line, why)
        })?;
        Ok(Some(resolver.out))
    }
}

struct Resolver<'r, 't> {
    lookup: &'r dyn Fn(&str) -> Option<&'t str>,
    out: String,
    steps: usize,
}

impl Resolver<'_, '_> {
    fn take(&mut self, text: &str, depth: usize) -> Option<()> {
        self.steps += 1;
        // `configparser.MAX_INTERPOLATION_DEPTH`; ten levels of ten references each would never end.
        if depth > 10 || self.steps > 10_000 || self.out.len() > 100_000 {
            return None;
        }
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            self.out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('%') {
                self.out.push('%');
                rest = after;
                continue;
            }
            let (name, after) = rest.strip_prefix('(')?.split_once(")s")?;
            let value = (self.lookup)(&name.to_lowercase());
            self.take(value.filter(|_| !name.is_empty() && !name.contains(')'))?, depth + 1)?;
            rest = after;
        }
        self.out.push_str(rest);
        Some(())
    }
}

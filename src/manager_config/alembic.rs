//! `alembic.ini` as Python's strict ConfigParser reads it (`Lib/configparser.py`, `RawConfigParser._read` and
//! `BasicInterpolation`): what it would refuse is refused here, by its line.

use std::collections::BTreeMap;

/// Why an `alembic.ini` cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Counted from 1; none when it is about the whole file.
    pub line: Option<usize>,
    /// What ConfigParser would refuse.
    pub why: String,
}

/// The text of an option and the line that it begins in.
pub(super) struct Value {
    pub text: String,
    pub line: usize,
    /// The last line that belongs to it.
    pub last: usize,
}

/// A section: where it begins, and its options by their names in small letters.
pub(super) struct Section {
    pub line: usize,
    pub options: BTreeMap<String, Value>,
}

pub(super) type Sections = BTreeMap<String, Section>;

/// Reads the file.
///
/// # Errors
/// The first line that ConfigParser would refuse, or might.
pub(super) fn parse(text: &str) -> Result<Sections, Unfit> {
    let mut sections = Sections::new();
    let mut section: Option<String> = None;
    let mut option: Option<String> = None;
    let mut level = 0;
    for (number, line) in text.split('\n').enumerate() {
        let number = number + 1;
        let refuse = |why: String| Err(Unfit { line: Some(number), why });
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Some(control) = line.chars().find(|letter| letter.is_control() && *letter != '\t') {
            return refuse(format!("it has the control character U+{:04X}", u32::from(control)));
        }
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let indent = line.chars().take_while(|letter| letter.is_whitespace()).count();
        let current = section.as_ref().and_then(|name| sections.get_mut(name));
        if let (Some(current), Some(name)) = (current, &option)
            && indent > level
            && let Some(value) = current.options.get_mut(name)
        {
            value.text.push('\n');
            value.text.push_str(content);
            value.last = number;
            continue;
        }
        level = indent;
        if let Some(rest) = content.strip_prefix('[') {
            let Some(name) = rest.rfind(']').map(|end| &rest[..end]).filter(|name| !name.is_empty()) else {
                return refuse("the header of a section has no name or no `]`".into());
            };
            let new = Section { line: number, options: BTreeMap::new() };
            if sections.insert(name.to_owned(), new).is_some() {
                return refuse(format!("the section `[{name}]` stands in it twice"));
            }
            (section, option) = (Some(name.to_owned()), None);
            continue;
        }
        let Some((name, current)) = section.as_ref().and_then(|name| Some((name, sections.get_mut(name)?)))
        else {
            return refuse("it stands before the first section".into());
        };
        // The text of a line without a key may be part of a secret.
        let Some((key, value)) = content.split_once(['=', ':']) else {
            return refuse("it is no option, with `=` or `:`, and continues none".into());
        };
        let key = key.trim_end().to_lowercase();
        if key.is_empty() {
            return refuse("an option has no name".into());
        }
        let value = Value { text: value.trim_start().to_owned(), line: number, last: number };
        if current.options.insert(key.clone(), value).is_some() {
            return refuse(format!("`{key}` stands twice in section `[{name}]`"));
        }
        option = Some(key);
    }
    Ok(sections)
}

/// Checks the `%` of all that alembic and `logging.config.fileConfig` read.
///
/// # Errors
/// The option that ConfigParser could not interpolate.
pub(super) fn check_interpolation(sections: &Sections) -> Result<(), Unfit> {
    let defaults = sections.get("DEFAULT");
    for (name, section) in sections {
        let is_alembic = name == "alembic";
        let is_format = name.starts_with("formatter_");
        let of_logging = ["loggers", "handlers", "formatters"].contains(&name.as_str())
            || ["logger_", "handler_"].iter().any(|start| name.starts_with(start));
        if !is_alembic && !is_format && !of_logging {
            continue;
        }
        let inherited = defaults.filter(|_| is_alembic).into_iter().flat_map(|section| &section.options);
        for (key, value) in section.options.iter().chain(inherited) {
            // `logging` reads these as they stand.
            if is_format && ["format", "datefmt", "style"].contains(&key.as_str()) {
                continue;
            }
            let lookup = |name: &str| {
                let found = [Some(section), defaults].into_iter().flatten();
                let found = found.filter_map(|section| section.options.get(name)).next();
                // Alembic itself gives the file's folder.
                found.map(|value| value.text.as_str()).or((is_alembic && name == "here").then_some("."))
            };
            if !interpolates(&value.text, &lookup, 1) {
                let why = format!("a `%` in `{key}` is neither `%%` nor `%(NAME)s` with a name that is set");
                return Err(Unfit { line: Some(value.line), why });
            }
        }
    }
    Ok(())
}

fn interpolates<'t>(text: &str, lookup: &dyn Fn(&str) -> Option<&'t str>, depth: usize) -> bool {
    // `configparser.MAX_INTERPOLATION_DEPTH`.
    if depth > 10 {
        return false;
    }
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            rest = after;
            continue;
        }
        let Some((name, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(")s")) else {
            return false;
        };
        let is_name = !name.is_empty() && !name.contains(')');
        let value = lookup(&name.to_lowercase()).filter(|_| is_name);
        if !value.is_some_and(|value| !value.contains('%') || interpolates(value, lookup, depth + 1)) {
            return false;
        }
        rest = after;
    }
    true
}

//! The tree that [`read`](super::read) builds.

use crate::failure::{Code, Failure, Place};

/// A position in the file. Line and column count from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Mark {
    /// The position as a [`Place`] in `file`.
    pub fn place(self, file: &str) -> Place {
        Place { file: file.into(), line: self.line, column: self.column }
    }

    /// Two positions of one thing: "on line 2 and again on line 5", with columns on one line.
    pub(crate) fn and_again(self, second: Mark) -> String {
        if self.line == second.line {
            format!("on line {}, at column {} and again at column {}", self.line, self.column, second.column)
        } else {
            format!("on line {} and again on line {}", self.line, second.line)
        }
    }
}

/// One value with its position.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands. For an alias (`*name`) its own position, not the anchor's; what is inside
    /// keeps the positions at the anchor.
    pub mark: Mark,
    /// What it is.
    pub value: Value,
    /// A plain (unquoted) scalar as written; empty for collections and quoted or block text.
    pub plain: Box<str>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing: an empty value, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits 64 bits, signed or unsigned.
    Int(i128),
    /// A number with a decimal point; infinite and not-a-number are possible.
    Float(f64),
    /// Text: quoted, a block, or plain and nothing else to any reader.
    Text(String),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, merge keys resolved, each key once. Keys are text, numbers or booleans.
    Mapping(Vec<(Node, Node)>),
    /// A plain scalar that YAML 1.1 and 1.2 read differently. Only [`read_all`](super::read_all) hands
    /// it out, and has reported it then.
    Disputed,
}

impl Node {
    /// A node without a plain spelling.
    pub(super) fn new(mark: Mark, value: Value) -> Self {
        Self { mark, value, plain: "".into() }
    }

    /// Where it stands in `file`.
    pub fn place(&self, file: &str) -> Place {
        self.mark.place(file)
    }

    /// What it is, as a message says it: "a list", "text", "nothing".
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(_) => "text",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Disputed => "an unclear value",
        }
    }

    /// What it is, with a scalar's spelling: "the number `3.10`", "text: `\"8g\"`", "a list".
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Null if self.plain.is_empty() => "nothing".to_owned(),
            Value::Null => format!("nothing: `{}`", self.plain),
            Value::Bool(_) => format!("a boolean: `{}`", self.plain),
            Value::Int(_) | Value::Float(_) => format!("a number: `{}`", self.plain),
            Value::Text(text) => format!("text: `{}`", quoted(text)),
            Value::Sequence(items) if items.is_empty() => "an empty list".to_owned(),
            Value::Sequence(_) | Value::Mapping(_) => self.kind().to_owned(),
            Value::Disputed => format!("unclear: `{}`", self.plain),
        }
    }

    /// The value below a text key of a mapping; nothing for any other node.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|(name, _)| matches!(&name.value, Value::Text(text) if text == key))
            .map(|(_, value)| value)
    }

    /// The entries of a mapping; none for any other node.
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list.
    pub fn items(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A scalar as it is written, without quotes.
    pub(super) fn spelling(&self) -> &str {
        self.as_text().unwrap_or(&self.plain)
    }

    /// Text, or what to say instead: an unquoted number names the quotes it lacks.
    ///
    /// # Errors
    /// `E-YAML-SCALAR` for anything but text; `what` starts the sentence, for example "The tag".
    pub fn text(&self, file: &str, what: &str) -> Result<&str, Failure> {
        self.text_or(file, what, Code::YamlScalar)
    }

    /// Like [`text`](Self::text), with another code for what no quotes would fix: lists, mappings and nothing.
    ///
    /// # Errors
    /// `E-YAML-SCALAR` for numbers and booleans, `code` for the rest.
    pub fn text_or(&self, file: &str, what: &str, code: Code) -> Result<&str, Failure> {
        if let Value::Text(text) = &self.value {
            return Ok(text);
        }
        let scalar = matches!(self.value, Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Disputed);
        let code = if scalar { Code::YamlScalar } else { code };
        let failure = Failure::new(code, format!("{what} is {}", self.describe())).at(self.place(file));
        Err(if scalar || self.plain.starts_with(['n', 'N']) {
            failure
                .why("text is due, and without quotes YAML reads something else")
                .remedy(format!("if text is meant, quote it: `\"{}\"`", self.plain))
        } else {
            failure.why("text is due").remedy("write text, in quotes where in doubt")
        })
    }

    /// The judged tree for `serde_yaml::from_value`.
    pub fn to_serde(&self) -> serde_yaml::Value {
        use serde_yaml::{Number, Value as Serde};
        match &self.value {
            Value::Null => Serde::Null,
            Value::Bool(value) => Serde::Bool(*value),
            Value::Int(value) => match (u64::try_from(*value), i64::try_from(*value)) {
                (Ok(value), _) => Serde::Number(Number::from(value)),
                (_, Ok(value)) => Serde::Number(Number::from(value)),
                _ => Serde::String(self.plain.to_string()),
            },
            Value::Float(value) => Serde::Number(Number::from(*value)),
            Value::Text(text) => Serde::String(text.clone()),
            // `read` refuses these; the spelling is the least wrong answer to a caller of `read_all`.
            Value::Disputed => Serde::String(self.plain.to_string()),
            Value::Sequence(items) => Serde::Sequence(items.iter().map(Node::to_serde).collect()),
            Value::Mapping(entries) => Serde::Mapping(
                entries.iter().map(|(key, value)| (key.to_serde(), value.to_serde())).collect(),
            ),
        }
    }
}

/// Text in double quotes for a message, escaped and not too long.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

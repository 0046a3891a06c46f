//! Where a secret comes from.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};

/// Where a secret came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// An environment name.
    Env(String),
    /// A file; one trailing line break is taken off.
    File(String),
    /// The output of a program, started without a shell; one trailing line break is taken off.
    Command(Vec<String>),
    /// The whole of stdin; one trailing line break is taken off.
    Stdin,
    /// A person, who is asked.
    Prompt,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Env(name) => f.write_str(name),
            Reference::File(path) => write!(f, "the file {path}"),
            // Its arguments may be long, and are nobody's business on a screen.
            Reference::Command(words) => {
                write!(f, "the program {}", words.first().map_or("", String::as_str))
            }
            Reference::Stdin => f.write_str("stdin"),
            Reference::Prompt => f.write_str("a prompt"),
        }
    }
}

impl Serialize for Reference {
    /// As in an answers file, but for the arguments of a program.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Reference::Env(name) => map.serialize_entry("env", name)?,
            Reference::File(path) => map.serialize_entry("file", path)?,
            Reference::Command(words) => map.serialize_entry("command", &words.first())?,
            Reference::Stdin => map.serialize_entry("stdin", &true)?,
            Reference::Prompt => map.serialize_entry("prompt", &true)?,
        }
        map.end()
    }
}

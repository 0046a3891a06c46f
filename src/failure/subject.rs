//! What a failure is about: whoever decides by it looks here, and never into the words of a message.

use super::Excerpt;

/// What a failure is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The value of the variable with this key.
    Variable(&'static str),
    /// The variable with this key, which needs a value and has none.
    Unanswered(&'static str),
    /// The image of this name.
    Image(Box<str>),
    /// A slip of the pen in a file.
    Slip(Slip),
}

/// A slip of the pen in a file, by what its message repeats of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slip {
    /// The lines of a merge, or a tab: nothing is repeated.
    Marks,
    /// Two keys that do not line up are repeated.
    Keys(Box<str>, Box<str>),
    /// One sign is repeated.
    Sign,
}

/// What a failure carries for this program alone: no script reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    pub(super) subject: Option<Subject>,
    pub(super) excerpt: Option<Excerpt>,
}

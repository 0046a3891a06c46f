//! One object of the catalogs that belongs to the manager's tables, in words.

use serde::Serialize;

/// What kind of object it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The extension that makes ids.
    Extension,
    /// An enum type.
    Type,
    /// A table, or what stands in its place.
    Table,
    /// A column of a table.
    Column,
    /// A primary key.
    PrimaryKey,
    /// A unique constraint.
    Unique,
    /// A check constraint.
    Check,
    /// An exclusion constraint.
    Exclusion,
    /// A foreign key of one of the tables.
    ForeignKey,
    /// An index that no constraint made.
    Index,
    /// A trigger.
    Trigger,
    /// A rewrite rule.
    Rule,
    /// Row security is on.
    RowSecurity,
    /// A policy of row security.
    Policy,
    /// A table that shares rows with another one.
    Inheritance,
    /// A foreign key of a table of somebody else's that refers to one of the manager's.
    Reference,
}

impl Kind {
    /// In the words of the question, and of people.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Extension => "extension",
            Kind::Type => "type",
            Kind::Table => "table",
            Kind::Column => "column",
            Kind::PrimaryKey => "primary key",
            Kind::Unique => "unique constraint",
            Kind::Check => "check constraint",
            Kind::Exclusion => "exclusion constraint",
            Kind::ForeignKey => "foreign key",
            Kind::Index => "index",
            Kind::Trigger => "trigger",
            Kind::Rule => "rule",
            Kind::RowSecurity => "row security",
            Kind::Policy => "policy",
            Kind::Inheritance => "inheritance",
            Kind::Reference => "reference",
        }
    }

    const ALL: [Kind; 16] = [
        Kind::Extension,
        Kind::Type,
        Kind::Table,
        Kind::Column,
        Kind::PrimaryKey,
        Kind::Unique,
        Kind::Check,
        Kind::Exclusion,
        Kind::ForeignKey,
        Kind::Index,
        Kind::Trigger,
        Kind::Rule,
        Kind::RowSecurity,
        Kind::Policy,
        Kind::Inheritance,
        Kind::Reference,
    ];

    /// Is it a constraint of a table?
    pub fn is_constraint(self) -> bool {
        matches!(self, Kind::PrimaryKey | Kind::Unique | Kind::Check | Kind::Exclusion | Kind::ForeignKey)
    }
}

/// One object, as a server tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Part {
    /// What it is.
    pub kind: Kind,
    /// The table that it belongs to; empty for types and the extension, and for a table itself.
    pub of: String,
    /// Its name.
    pub name: String,
    /// Its definition: a column's type, the values of a type, all that follows the name of an index or constraint.
    pub is: String,
    /// A column is NOT NULL.
    pub required: bool,
    /// A column's default; empty where it has none.
    pub default: String,
}

impl Part {
    /// From the fields of one row of [`super::Schema::question`].
    pub fn from_fields(fields: impl IntoIterator<Item = String>) -> Option<Self> {
        let mut fields = fields.into_iter();
        let mut next = || fields.next();
        let words = next()?;
        Some(Self {
            kind: Kind::ALL.into_iter().find(|kind| kind.words() == words)?,
            of: next()?,
            name: next()?,
            is: next()?,
            required: next()? == "required",
            default: alike(next()?),
        })
    }

    /// From a line of the recorded shapes.
    pub(super) fn from_line(line: &str) -> Option<Self> {
        Self::from_fields(line.split('\t').map(str::to_owned))
    }

    /// The line that stands for it in the recorded shapes.
    pub fn line(&self) -> String {
        let required = if self.required { "required" } else { "" };
        [self.kind.words(), &self.of, &self.name, &self.is, required, &self.default].join("\t")
    }

    /// The table that it is part of, or is.
    pub fn table(&self) -> &str {
        if self.kind == Kind::Table { &self.name } else { &self.of }
    }

    /// What it is and what it is called, for people.
    pub(super) fn title(&self) -> String {
        let own = format!("{} `{}`", self.kind.words(), self.name);
        if self.of.is_empty() { own } else { format!("{own} of `{}`", self.of) }
    }

    /// Has it the same place, whatever it is?
    pub(super) fn is_named_as(&self, other: &Self) -> bool {
        (self.kind, &self.of, &self.name) == (other.kind, &other.of, &other.name)
    }

    /// Is it the same object, whatever it is called and whichever way it was written down?
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        self.kind == other.kind && self.of == other.of && plain(&self.is) == plain(&other.is)
    }
}

/// The function that makes ids may live in any schema; all are written alike.
fn alike(default: String) -> String {
    match default.strip_suffix("uuid_generate_v4()") {
        Some("") | None => default,
        Some(schema) if is_schema(schema) => "uuid_generate_v4()".into(),
        Some(_) => default,
    }
}

/// Is it the name of a schema and a dot, and nothing else?
fn is_schema(text: &str) -> bool {
    text.strip_suffix('.').is_some_and(|name| match name.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').is_some_and(|name| !name.replace("\"\"", "").contains('"')),
        None => !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$')),
    })
}

/// A definition without the storage parameters of an index, which change nothing of what it is.
fn plain(definition: &str) -> String {
    match definition.split_once(" WITH (") {
        Some((before, rest)) if definition.contains("USING ") => {
            let after = rest.split_once(')').map_or("", |(_, after)| after);
            format!("{before}{after}")
        }
        _ => definition.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::alike;

    #[test]
    fn the_function_may_live_in_any_schema() {
        for default in ["uuid_generate_v4()", "public.uuid_generate_v4()", "\"My ext\".uuid_generate_v4()"] {
            assert_eq!(alike(default.into()), "uuid_generate_v4()");
        }
        let other = "lower(public.uuid_generate_v4())";
        assert_eq!(alike(other.into()), other);
        assert_eq!(alike("f(x.uuid_generate_v4()".into()), "f(x.uuid_generate_v4()");
    }
}

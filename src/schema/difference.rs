//! One thing in which a database is otherwise than a revision, and what puts it right.

use serde::Serialize;

use super::{Kind, Part, quote_identifier};

/// How a part differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is not there.
    Missing,
    /// It is there, and is otherwise.
    Altered,
    /// It is there, and the revision does not have it.
    Extra,
}

impl State {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            State::Missing => "missing",
            State::Altered => "altered",
            State::Extra => "extra",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// How it differs.
    pub state: State,
    /// What it is a part of that kind.
    pub kind: Kind,
    /// The table it belongs to; empty for types and the extension.
    pub table: String,
    /// Its name.
    pub name: String,
    /// What it is; none where it is not there.
    pub is: Option<String>,
    /// What it should be; none where it should not be there.
    pub should_be: Option<String>,
    /// It breaks the manager, or lacks what the manager's schema has.
    pub breaks: bool,
    /// The difference in one sentence, without a full stop.
    pub what: String,
    /// What puts it right, or why nothing does.
    #[serde(serialize_with = "cure")]
    pub cure: Result<Cure, String>,
}

/// What puts a difference right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cure {
    /// The statement.
    pub sql: String,
    /// What must not be found in the rows before it is made; none where no row can be in its way.
    pub probe: Option<Probe>,
    /// Why a person has to do it; none where it loses nothing.
    pub by_hand: Option<&'static str>,
}

/// A question for the rows that are in the way of a cure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Counts them.
    pub sql: String,
    /// What they are, to be said after their number: `without a value in …`.
    pub what: String,
}

fn cure<S: serde::Serializer>(cure: &Result<Cure, String>, serializer: S) -> Result<S::Ok, S::Error> {
    cure.as_ref().ok().map(|cure| &cure.sql).serialize(serializer)
}

impl Cure {
    /// One that loses nothing, whatever the rows are.
    pub(super) fn safe(sql: String) -> Self {
        Self { sql, probe: None, by_hand: None }
    }

    /// One that loses nothing where no row is in its way.
    pub(super) fn probed(sql: String, probe: Probe) -> Self {
        Self { sql, probe: Some(probe), by_hand: None }
    }

    /// One that a person has to decide.
    pub(super) fn by_hand(sql: String, why: &'static str) -> Self {
        Self { sql, probe: None, by_hand: Some(why) }
    }
}

impl Difference {
    /// A part that is not there.
    pub(super) fn missing(part: &Part, what: String, cure: Result<Cure, String>) -> Self {
        Self::of(State::Missing, part, what, cure).should_be(part)
    }

    /// A part that is otherwise.
    pub(super) fn altered(part: &Part, there: &Part, what: String, cure: Result<Cure, String>) -> Self {
        Self { is: Some(there.definition()), ..Self::of(State::Altered, part, what, cure).should_be(part) }
    }

    /// A part that nobody wants.
    pub(super) fn extra(there: &Part, what: String, cure: Result<Cure, String>) -> Self {
        Self { is: Some(there.definition()), ..Self::of(State::Extra, there, what, cure) }
    }

    fn of(state: State, part: &Part, what: String, cure: Result<Cure, String>) -> Self {
        let (table, name) = (part.of.clone(), part.name.clone());
        Self { state, kind: part.kind, table, name, is: None, should_be: None, breaks: true, what, cure }
    }

    fn should_be(self, part: &Part) -> Self {
        Self { should_be: Some(part.definition()), ..self }
    }

    /// The same, which does the manager no harm.
    #[must_use]
    pub(super) fn harmless(self) -> Self {
        Self { breaks: false, cure: Err("it does the manager no harm".into()), ..self }
    }

    /// The statement that puts it right, unless rows that are there would need a value that nobody knows.
    pub fn statement(&self) -> Option<&str> {
        let cure = self.cure.as_ref().ok()?;
        let needs_values = self.kind == Kind::Column && self.state == State::Missing && cure.probe.is_some();
        (!needs_values).then_some(cure.sql.as_str())
    }

    /// Does something put it right that loses nothing, as far as no row is in its way?
    pub fn is_repairable(&self) -> bool {
        self.statement().is_some() && self.cure.as_ref().is_ok_and(|cure| cure.by_hand.is_none())
    }

    /// Is it a foreign key to this table?
    pub fn refers_to(&self, table: &str) -> bool {
        let target = self.should_be.as_deref().and_then(|text| text.split_once(" REFERENCES public."));
        target.is_some_and(|(_, rest)| rest.starts_with(&format!("{table}(")))
    }

    /// Does it rest on a column of this table by this name?
    pub fn rests_on(&self, table: &str, column: &str) -> bool {
        let is_word =
            |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == column);
        let there = self.should_be.as_deref().unwrap_or_default();
        let (own, other) = there.split_once(" REFERENCES ").unwrap_or((there, ""));
        let is_theirs = self.refers_to(table) && is_word(other);
        // What comes before it is the name of the thing itself.
        let own = own.split_once('(').map_or("", |(_, columns)| columns);
        is_theirs || (self.table == table && self.kind != Kind::Column && is_word(own))
    }

    /// `index ix_agents_region of agents`.
    pub fn label(&self) -> String {
        label(self.kind, &self.table, &self.name)
    }
}

/// What people call a part.
pub(super) fn label(kind: Kind, table: &str, name: &str) -> String {
    match (kind, table.is_empty()) {
        (Kind::RowSecurity, _) => format!("row security of `{table}`"),
        (Kind::Inheritance, _) => format!("inheritance of `{table}` and `{name}`"),
        (Kind::Reference, _) => format!("foreign key `{name}` on `{table}`"),
        (_, true) => format!("{} `{name}`", kind.words()),
        (_, false) => format!("{} `{name}` of `{table}`", kind.words()),
    }
}

impl Part {
    /// What people call it.
    pub(super) fn label(&self) -> String {
        label(self.kind, &self.of, &self.name)
    }

    /// What it is, much as a statement would say it.
    pub fn definition(&self) -> String {
        let (name, table) = (quoted(&self.name), quoted(&self.of));
        match self.kind {
            Kind::Column => {
                let required = if self.required { " NOT NULL" } else { "" };
                let default = match self.default.as_str() {
                    "" => String::new(),
                    default if default.starts_with("GENERATED ") => format!(" {default}"),
                    default => format!(" DEFAULT {default}"),
                };
                format!("{name} {}{required}{default}", self.is)
            }
            Kind::Index => match self.is.strip_prefix("UNIQUE ") {
                Some(rest) => format!("CREATE UNIQUE INDEX {name} ON public.{table} {rest}"),
                None => format!("CREATE INDEX {name} ON public.{table} {}", self.is),
            },
            kind if kind.is_constraint() => format!("CONSTRAINT {name} {}", self.is),
            Kind::Type => format!("ENUM ({})", self.is),
            _ => self.is.clone(),
        }
    }
}

/// A name as people write it: in quotes only where it needs them.
pub(super) fn quoted(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain && !RESERVED.contains(&name) { name.to_owned() } else { quote_identifier(name) }
}

/// Plain words that are no names without quotes, as far as somebody may call a column by them.
const RESERVED: &[&str] =
    &["user", "order", "group", "table", "column", "end", "limit", "default", "check", "desc", "all"];

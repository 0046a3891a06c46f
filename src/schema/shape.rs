//! What the head looks like in the catalogs, and what of that breaks the manager where it is otherwise.
//!
//! [`Schema::shape`] holds the answer to [`Schema::question`] for a database that was just made; a test asks a server
//! again.

use super::{Schema, quote_identifier};

/// One line of the catalogs: a column, a primary key, or a value of an enum type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// `column`, `key` or `value`.
    pub kind: String,
    /// The table or type it belongs to.
    pub of: String,
    /// Its name.
    pub name: String,
    /// A column's type, or the columns of a key.
    pub is: String,
    /// A column is NOT NULL.
    pub required: bool,
    /// A column's default; empty where it has none.
    pub default: String,
}

impl Part {
    /// From the fields of one row of [`Schema::question`].
    pub fn from_fields(fields: impl IntoIterator<Item = String>) -> Option<Self> {
        let mut fields = fields.into_iter();
        let mut next = || fields.next();
        Some(Self {
            kind: next()?,
            of: next()?,
            name: next()?,
            is: next()?.trim_start_matches("pg_catalog.").to_owned(),
            required: next()? == "required",
            default: next()?,
        })
    }
}

impl Schema {
    /// The question for all parts, in one statement. Types of the manager's own carry their schema whatever the search path
    /// is.
    pub fn question(&self) -> String {
        let list =
            |names: Vec<&str>| names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
        let tables = list(self.own_tables().collect());
        let types = list(self.types.to_vec());
        format!(
            "SELECT 'column', c.relname::text, a.attname::text, \
           CASE tn.nspname WHEN 'pg_catalog' THEN format_type(a.atttypid, a.atttypmod) \
             ELSE tn.nspname || '.' || t.typname END, \
           CASE WHEN a.attnotnull THEN 'required' ELSE '' END, \
           coalesce(pg_get_expr(d.adbin, d.adrelid), \
             CASE WHEN to_jsonb(a) ->> 'attidentity' IN ('a', 'd') THEN 'identity' ELSE '' END) \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace \
         LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname IN ({tables}) \
         AND a.attnum > 0 AND NOT a.attisdropped \
         UNION ALL \
         SELECT 'key', c.relname::text, k.conname::text, \
           (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY o.place) \
            FROM unnest(k.conkey) WITH ORDINALITY o(number, place) \
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = o.number), '', '' \
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = 'public' AND k.contype = 'p' AND c.relname IN ({tables}) \
         UNION ALL \
         SELECT 'value', t.typname::text, e.enumlabel::text, '', '', '' \
         FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace \
         WHERE n.nspname = 'public' AND t.typname IN ({types}) ORDER BY 1, 2, 3"
        )
    }

    /// The tables that the manager works with; `alembic_version` is alembic's.
    fn own_tables(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.head_tables().filter(|table| *table != "alembic_version")
    }

    /// The parts that the head has.
    fn parts(&self) -> Vec<Part> {
        let lines = self.shape.lines();
        lines.filter_map(|line| Part::from_fields(line.split('\t').map(str::to_owned))).collect()
    }

    /// What breaks the manager in a database that has these parts. Longer texts, further nullable columns and values, and
    /// other defaults do it no harm.
    pub fn drifts(&self, found: &[Part]) -> Vec<Drift> {
        let head = self.parts();
        let missing = |part: &Part| twin(found, part).is_none();
        let mut drifts = Vec::new();
        for part in &head {
            match (part.kind.as_str(), twin(found, part)) {
                ("column", None) => drifts.push(missing_column(part, found, &head)),
                ("column", Some(there)) => drifts.extend(altered_column(part, there)),
                ("key", there) => {
                    let gone =
                        |name: &str| head.iter().any(|it| is_column(it, &part.of, name) && missing(it));
                    if there.is_none_or(|there| there.is != part.is) && !part.is.split(", ").any(gone) {
                        drifts.push(other_key(part, there));
                    }
                }
                (_, None) => drifts.push(missing_value(part, found, &head)),
                _ => {}
            }
        }
        for part in found.iter().filter(|part| part.kind == "column" && part.required) {
            if part.default.is_empty() && twin(&head, part).is_none() {
                let (table, column) = (quote_identifier(&part.of), quote_identifier(&part.name));
                drifts.push(Drift {
                what: format!(
                    "column `{}` of `{}` is not the manager's, NOT NULL and without a default, so it can insert no row",
                    part.name, part.of
                ),
                cure: Some(format!("ALTER TABLE public.{table} ALTER COLUMN {column} DROP NOT NULL")),
            });
            }
        }
        drifts
    }
}

/// Something that breaks the manager.
#[derive(Debug, PartialEq, Eq)]
pub struct Drift {
    /// What is otherwise, and how it should be.
    pub what: String,
    /// The statements that put it right where that loses nothing.
    pub cure: Option<String>,
}

fn is_column(part: &Part, table: &str, name: &str) -> bool {
    part.kind == "column" && part.of == table && part.name == name
}

/// The same part on the other side. Keys go by their table: a table has one primary key at most.
fn twin<'a>(parts: &'a [Part], wanted: &Part) -> Option<&'a Part> {
    parts.iter().find(|part| {
        part.kind == wanted.kind && part.of == wanted.of && (part.kind == "key" || part.name == wanted.name)
    })
}

/// The only part of this kind that the head does not have, where only this one of the head's is missing: a new name.
fn renamed<'a>(part: &Part, found: &'a [Part], head: &[Part]) -> Option<&'a Part> {
    let alike = |it: &Part| it.kind == part.kind && it.of == part.of && it.is == part.is;
    let mut extra = found.iter().filter(|it| alike(it) && twin(head, it).is_none());
    let mut gone = head.iter().filter(|it| alike(it) && twin(found, it).is_none());
    let (only, more) = (extra.next()?, extra.next());
    (more.is_none() && gone.next().is_some() && gone.next().is_none()).then_some(only)
}

fn missing_column(part: &Part, found: &[Part], head: &[Part]) -> Drift {
    let (table, column) = (quote_identifier(&part.of), quote_identifier(&part.name));
    let what = format!("table `{}` has no column `{}`", part.of, part.name);
    if let Some(other) = renamed(part, found, head) {
        let old = quote_identifier(&other.name);
        return Drift {
            what: format!("{what}; it may be the one that is called `{}`", other.name),
            cure: Some(format!("ALTER TABLE public.{table} RENAME COLUMN {old} TO {column}")),
        };
    }
    let default = if part.default.is_empty() { String::new() } else { format!(" DEFAULT {}", part.default) };
    // Without a value for the rows that are there it cannot be put back.
    let cure = !part.required || !default.is_empty();
    let required = if part.required { " NOT NULL" } else { "" };
    let cure = cure
        .then(|| format!("ALTER TABLE public.{table} ADD COLUMN {column} {}{required}{default}", part.is))
        .filter(|_| !is_in_key(part, head));
    Drift { what, cure }
}

/// A key's values cannot be made up.
fn is_in_key(part: &Part, head: &[Part]) -> bool {
    let mut keys = head.iter().filter(|it| it.kind == "key" && it.of == part.of);
    keys.any(|key| key.is.split(", ").any(|name| name == part.name))
}

fn altered_column(part: &Part, there: &Part) -> Option<Drift> {
    let (table, column) = (quote_identifier(&part.of), quote_identifier(&part.name));
    let of = format!("column `{}` of `{}`", part.name, part.of);
    let alter = format!("ALTER TABLE public.{table} ALTER COLUMN {column}");
    if !holds(&there.is, &part.is) {
        // Between texts a cast would cut silently, and the assignment refuses what does not fit.
        let using = if length(&part.is).is_some() && length(&there.is).is_some() {
            String::new()
        } else {
            format!(" USING {column}::{}", part.is)
        };
        let change = format!("TYPE {}{using}", part.is);
        let cure = if there.default.is_empty() {
            format!("{alter} {change}")
        } else {
            let back = if part.default.is_empty() {
                String::new()
            } else {
                format!(", ALTER COLUMN {column} SET DEFAULT {}", part.default)
            };
            format!("{alter} DROP DEFAULT, ALTER COLUMN {column} {change}{back}")
        };
        // Fractions would be rounded.
        let keeps = !matches!(there.is.as_str(), "double precision" | "real" | "numeric");
        return Some(Drift {
            what: format!("{of} is of type {} instead of {}", there.is, part.is),
            cure: keeps.then_some(cure),
        });
    }
    if there.required && !part.required && there.default.is_empty() {
        return Some(Drift {
            what: format!("{of} is NOT NULL, and the manager leaves it empty"),
            cure: Some(format!("{alter} DROP NOT NULL")),
        });
    }
    (there.required && !part.default.is_empty() && there.default.is_empty()).then(|| Drift {
        what: format!("{of} has no default, and the manager leaves it to `{}`", part.default),
        cure: Some(format!("{alter} SET DEFAULT {}", part.default)),
    })
}

/// Does a column of the one type take all that the other does, and give it back as the manager reads it?
fn holds(there: &str, wanted: &str) -> bool {
    match (length(there), length(wanted)) {
        (Some(there), Some(wanted)) => there >= wanted,
        _ => there == wanted,
    }
}

/// How many characters a text may have; none when the type is no text.
fn length(kind: &str) -> Option<u32> {
    match kind {
        "text" | "character varying" => Some(u32::MAX),
        _ => kind.strip_prefix("character varying(")?.strip_suffix(')')?.parse().ok(),
    }
}

fn other_key(part: &Part, there: Option<&Part>) -> Drift {
    let (table, name) = (quote_identifier(&part.of), quote_identifier(&part.name));
    let add = format!("ADD CONSTRAINT {name} PRIMARY KEY ({})", part.is);
    match there {
        None => Drift {
            what: format!("table `{}` has no primary key, which is ({})", part.of, part.is),
            cure: Some(format!("ALTER TABLE public.{table} {add}")),
        },
        Some(there) => Drift {
            what: format!("the primary key of `{}` is ({}) instead of ({})", part.of, there.is, part.is),
            cure: None,
        },
    }
}

fn missing_value(part: &Part, found: &[Part], head: &[Part]) -> Drift {
    let kind = quote_identifier(&part.of);
    let what = format!("type `{}` has no value `{}`", part.of, part.name);
    match renamed(part, found, head) {
        Some(other) => Drift {
            what: format!("{what}; it may be the one that is called `{}`", other.name),
            cure: Some(format!(
                "ALTER TYPE public.{kind} RENAME VALUE '{}' TO '{}'",
                other.name.replace('\'', "''"),
                part.name
            )),
        },
        None => Drift { what, cure: Some(format!("ALTER TYPE public.{kind} ADD VALUE '{}'", part.name)) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guides::september_2018::GUIDE;

    #[test]
    fn the_head_is_as_it_should_be() {
        let head = GUIDE.schema.parts();
        assert!(GUIDE.schema.drifts(&head).is_empty());
        let columns = |table: &str| head.iter().filter(|it| it.kind == "column" && it.of == table).count();
        assert_eq!((columns("keypairs"), columns("kernels")), (12, 31));
        assert_eq!(head.iter().filter(|it| it.kind == "value").count(), 13);
        assert_eq!(GUIDE.schema.own_tables().filter(|table| columns(table) == 0).count(), 0);
    }

    #[test]
    fn what_does_no_harm() {
        let mut found = GUIDE.schema.parts();
        for part in &mut found {
            if part.is == "character varying(64)" {
                part.is = "text".into();
            }
        }
        let extra = |required, default: &str| Part {
            kind: "column".into(),
            of: "keypairs".into(),
            name: format!("extra{required}"),
            is: "text".into(),
            required,
            default: default.into(),
        };
        found.extend([extra(false, ""), extra(true, "''::text")]);
        assert_eq!(GUIDE.schema.drifts(&found), []);
    }
}

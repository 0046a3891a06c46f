//! The statements that put a difference right, each with the rows that would be in its way.

use super::{Cure, Kind, Part, Probe, quote_identifier};

/// `ALTER TABLE … ALTER COLUMN …`, to be gone on with.
pub(super) fn alter_column(part: &Part) -> String {
    format!("ALTER TABLE public.{} ALTER COLUMN {}", quote_identifier(&part.of), quote_identifier(&part.name))
}

/// Is the column part of the primary key?
pub(super) fn is_in_key(part: &Part, wanted: &[Part]) -> bool {
    let mut keys = wanted.iter().filter(|it| it.kind == Kind::PrimaryKey && it.of == part.of);
    keys.any(|key| columns_of(&key.is).split(", ").any(|name| name == part.name))
}

/// `(vfolder, kernel)`.
pub(super) fn key_columns(key: &Part) -> String {
    format!("({})", columns_of(&key.is))
}

/// What stands in the first parentheses of a definition.
fn columns_of(definition: &str) -> &str {
    let inside = definition.split_once('(').map_or("", |(_, rest)| rest);
    inside.split_once(')').map_or(inside, |(inside, _)| inside)
}

/// Puts a column back that is missing.
pub(super) fn add_column(part: &Part) -> Cure {
    let (table, column) = (quote_identifier(&part.of), quote_identifier(&part.name));
    let default = if part.default.is_empty() { String::new() } else { format!(" DEFAULT {}", part.default) };
    let required = if part.required { " NOT NULL" } else { "" };
    let sql = format!("ALTER TABLE public.{table} ADD COLUMN {column} {}{required}{default}", part.is);
    if part.required && part.default.is_empty() {
        let probe = Probe {
            sql: format!("SELECT count(*) FROM public.{table}"),
            what: format!("would need a value for `{}`", part.name),
        };
        return Cure::probed(sql, probe);
    }
    Cure::safe(sql)
}

pub(super) fn set_not_null(part: &Part) -> Cure {
    let (table, column) = (quote_identifier(&part.of), quote_identifier(&part.name));
    let probe = Probe {
        sql: format!("SELECT count(*) FROM public.{table} WHERE {column} IS NULL"),
        what: format!("without a value in `{}`", part.name),
    };
    Cure::probed(format!("{} SET NOT NULL", alter_column(part)), probe)
}

/// Changes the type back where every value survives the way there and back.
pub(super) fn change_type(part: &Part, there: &Part) -> Cure {
    let (table, column) = (quote_identifier(&part.of), quote_identifier(&part.name));
    let alter = alter_column(part);
    let (old, new) = (there.is.split(" COLLATE ").next().unwrap_or(&there.is), part.is.as_str());
    // Between texts a cast would cut silently, and the assignment refuses what does not fit.
    let is_text = length(new).is_some() && length(old).is_some();
    let using = if is_text { String::new() } else { format!(" USING {column}::{new}") };
    let collate = if old == there.is { "" } else { " COLLATE \"default\"" };
    let change = format!("TYPE {new}{collate}{using}");
    let sql = if there.default.is_empty() {
        format!("{alter} {change}")
    } else {
        let back = if part.default.is_empty() {
            String::new()
        } else {
            format!(", ALTER COLUMN {} SET DEFAULT {}", column, part.default)
        };
        format!("{alter} DROP DEFAULT, ALTER COLUMN {column} {change}{back}")
    };
    if length(new).zip(length(old)).is_some_and(|(new, old)| new >= old) {
        return Cure::safe(sql);
    }
    let probe = Probe {
        sql: format!(
            "SELECT count(*) FROM public.{table} WHERE {column}::{new}::{old} IS DISTINCT FROM {column}"
        ),
        what: format!("with a value in `{}` that {new} does not take as it is", part.name),
    };
    Cure::probed(sql, probe)
}

/// Puts a constraint or an index back that is missing.
pub(super) fn add(part: &Part) -> Cure {
    let table = quote_identifier(&part.of);
    let sql = if part.kind == Kind::Index {
        part.definition()
    } else {
        format!("ALTER TABLE public.{table} ADD {}", part.definition())
    };
    match probe(part) {
        Some(probe) => Cure::probed(sql, probe),
        None => Cure::safe(sql),
    }
}

/// Puts one in the place of another of that name.
pub(super) fn replace(part: &Part) -> Cure {
    let (table, name) = (quote_identifier(&part.of), quote_identifier(&part.name));
    let cure = add(part);
    let sql = match part.kind {
        Kind::Index => format!("DROP INDEX public.{name}; {}", cure.sql),
        _ => format!("ALTER TABLE public.{table} DROP CONSTRAINT {name}, ADD {}", part.definition()),
    };
    Cure { sql, ..cure }
}

/// The rows that do not satisfy a constraint or a unique index.
fn probe(part: &Part) -> Option<Probe> {
    let table = quote_identifier(&part.of);
    let columns = columns_of(&part.is);
    let several = |what: String, condition: String| Probe {
        sql: format!(
            "SELECT coalesce(sum(n), 0)::bigint FROM (SELECT count(*) AS n FROM public.{table}{condition} \
             GROUP BY {columns} HAVING count(*) > 1) AS alike"
        ),
        what,
    };
    match part.kind {
        Kind::PrimaryKey => {
            let nulls =
                columns.split(", ").map(|name| format!("{name} IS NULL")).collect::<Vec<_>>().join(" OR ");
            Some(Probe {
                sql: format!(
                    "SELECT (SELECT count(*) FROM public.{table} WHERE {nulls}) + ({})",
                    several(String::new(), String::new()).sql
                ),
                what: format!("alike in ({columns}), or without a value there"),
            })
        }
        Kind::Index if part.is.starts_with("UNIQUE ") => {
            let condition = part.is.split_once(" WHERE ").map_or("", |(_, condition)| condition);
            let condition = if condition.is_empty() { String::new() } else { format!(" WHERE {condition}") };
            // Rows with a NULL are never alike.
            let known = columns
                .split(", ")
                .map(|name| format!("{name} IS NOT NULL"))
                .collect::<Vec<_>>()
                .join(" AND ");
            let condition = match condition.as_str() {
                "" => format!(" WHERE {known}"),
                condition => format!("{condition} AND {known}"),
            };
            Some(several(format!("alike in ({columns})"), condition))
        }
        Kind::ForeignKey => {
            let (_, target) = part.is.split_once(" REFERENCES ")?;
            let (other, rest) = target.split_once('(')?;
            let theirs = rest.split_once(')')?.0;
            Some(Probe {
                sql: format!(
                    "SELECT count(*) FROM public.{table} AS a WHERE a.{columns} IS NOT NULL \
                     AND NOT EXISTS (SELECT FROM {other} AS b WHERE b.{theirs} = a.{columns})"
                ),
                what: format!("with a value in `{columns}` that {other} does not have"),
            })
        }
        _ => None,
    }
}

/// How many characters a text may have; none when the type is no text.
pub(super) fn length(kind: &str) -> Option<u32> {
    match kind {
        "text" | "character varying" => Some(u32::MAX),
        _ => kind.strip_prefix("character varying(")?.strip_suffix(')')?.parse().ok(),
    }
}

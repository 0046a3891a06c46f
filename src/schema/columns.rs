//! Columns held against those of a revision.

use super::{
    Cure, Difference, Kind, Part,
    cures::{self, is_in_key, length},
    difference::quoted,
    quote_identifier,
};

/// What the columns of a database have otherwise. What was renamed is called by its right name in `found` afterwards, so
/// that keys and indexes over it are not told as well.
pub(super) fn compare(wanted: &[Part], found: &mut [Part], out: &mut Vec<Difference>) {
    let is_column = |part: &&Part| part.kind == Kind::Column;
    for part in wanted.iter().filter(is_column) {
        if twin(found, part).is_some() {
            continue;
        }
        if let Some(other) = renamed(part, wanted, found).cloned() {
            out.push(rename(part, &other));
            call(found, part, &other.name);
        } else {
            let what = format!("table `{}` has no column `{}`", part.of, part.name);
            let cure = if is_in_key(part, wanted) {
                Err("its values told the rows apart, and cannot be made up".to_owned())
            } else {
                Ok(cures::add_column(part))
            };
            out.push(Difference::missing(part, what, cure));
        }
    }
    for part in wanted.iter().filter(is_column) {
        if let Some(there) = twin(found, part) {
            altered(part, there, out);
        }
    }
    for there in found.iter().filter(is_column) {
        if twin(wanted, there).is_none() {
            out.push(extra(there));
        }
    }
}

fn twin<'a>(parts: &'a [Part], of: &Part) -> Option<&'a Part> {
    parts.iter().find(|it| it.kind == Kind::Column && it.of == of.of && it.name == of.name)
}

/// The only column of this type that the revision does not have, where only this one of the revision's is missing: it may
/// be the same under a new name.
fn renamed<'a>(part: &Part, wanted: &[Part], found: &'a [Part]) -> Option<&'a Part> {
    let is_alike = |it: &&Part| it.kind == Kind::Column && it.of == part.of && it.is == part.is;
    let other = only(found.iter().filter(is_alike).filter(|it| twin(wanted, it).is_none()))?;
    only(wanted.iter().filter(is_alike).filter(|it| twin(found, it).is_none()))?;
    Some(other)
}

/// The one part, where there is no other.
fn only<'p>(mut parts: impl Iterator<Item = &'p Part>) -> Option<&'p Part> {
    let first = parts.next()?;
    parts.next().is_none().then_some(first)
}

fn rename(part: &Part, other: &Part) -> Difference {
    let (table, column) = (quote_identifier(&part.of), quote_identifier(&part.name));
    let sql =
        format!("ALTER TABLE public.{table} RENAME COLUMN {} TO {column}", quote_identifier(&other.name));
    let what = format!(
        "table `{}` has no column `{}`; it may be the one that is called `{}`",
        part.of, part.name, other.name
    );
    let why = "that it is the same column is only a guess";
    Difference::altered(part, other, what, Ok(Cure::by_hand(sql, why)))
}

/// Calls a column by its right name, in itself and in what is built on it.
fn call(found: &mut [Part], part: &Part, old: &str) {
    let (from, to) = (quoted(old), quoted(&part.name));
    for it in found.iter_mut().filter(|it| it.of == part.of) {
        match it.kind {
            Kind::Column if it.name == old => it.name.clone_from(&part.name),
            Kind::Column => {}
            _ => it.is = with_word(&it.is, &from, &to),
        }
    }
}

/// Replaces a name where it stands as a whole word.
fn with_word(text: &str, from: &str, to: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '"' || c == '\'';
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(from) {
        let (before, after) = (&rest[..at], &rest[at + from.len()..]);
        let is_word = !before.ends_with(is_part) && !after.starts_with(is_part);
        out += before;
        out += if is_word { to } else { from };
        rest = after;
    }
    out + rest
}

fn altered(part: &Part, there: &Part, out: &mut Vec<Difference>) {
    let of = format!("column `{}` of `{}`", part.name, part.of);
    let alter = cures::alter_column(part);
    if there.is != part.is {
        let what = format!("{of} is of type {} instead of {}", there.is, part.is);
        if holds(&there.is, &part.is) {
            out.push(Difference::altered(part, there, what, Err(String::new())).harmless());
        } else {
            out.push(Difference::altered(part, there, what, Ok(cures::change_type(part, there))));
            // The change of the type sets the default anew.
            if !there.default.is_empty() && !part.default.is_empty() {
                nullability(part, there, &of, &alter, out);
                return;
            }
        }
    }
    nullability(part, there, &of, &alter, out);
    default(part, there, &of, &alter, out);
}

fn nullability(part: &Part, there: &Part, of: &str, alter: &str, out: &mut Vec<Difference>) {
    match (there.required, part.required) {
        (true, false) => {
            let cure = Cure::safe(format!("{alter} DROP NOT NULL"));
            if there.default.is_empty() {
                let what = format!("{of} is NOT NULL, and the manager leaves it empty");
                out.push(Difference::altered(part, there, what, Ok(cure)));
            } else {
                let what = format!("{of} is NOT NULL, with a default");
                out.push(Difference::altered(part, there, what, Ok(cure)).harmless());
            }
        }
        (false, true) => {
            let what = format!("{of} may be NULL, and is NOT NULL in the manager's schema");
            out.push(Difference::altered(part, there, what, Ok(cures::set_not_null(part))));
        }
        _ => {}
    }
}

fn default(part: &Part, there: &Part, of: &str, alter: &str, out: &mut Vec<Difference>) {
    if there.default == part.default {
        return;
    }
    if there.default.starts_with("GENERATED ALWAYS") {
        let what = format!("{of} is {}, so the manager cannot write it", there.default);
        let sql = format!("{alter} DROP EXPRESSION");
        out.push(Difference::altered(
            part,
            there,
            what,
            Ok(Cure::by_hand(sql, "the server computes its values")),
        ));
        return;
    }
    if there.default.starts_with("GENERATED") {
        let what = format!("{of} is {}", there.default);
        let sql = format!("{alter} DROP IDENTITY");
        out.push(Difference::altered(
            part,
            there,
            what,
            Ok(Cure::by_hand(sql, "the server counts its values")),
        ));
        return;
    }
    if part.default.is_empty() {
        let what = format!("{of} has the default `{}`", there.default);
        out.push(Difference::altered(part, there, what, Err(String::new())).harmless());
        return;
    }
    let cure = Cure::safe(format!("{alter} SET DEFAULT {}", part.default));
    let what = if there.default.is_empty() {
        format!("{of} has no default, and the manager leaves it to `{}`", part.default)
    } else {
        format!("{of} has the default `{}` instead of `{}`", there.default, part.default)
    };
    out.push(Difference::altered(part, there, what, Ok(cure)));
}

fn extra(there: &Part) -> Difference {
    let of = format!("column `{}` of `{}`", there.name, there.of);
    if there.required && there.default.is_empty() {
        let sql = format!("{} DROP NOT NULL", cures::alter_column(there));
        let what =
            format!("{of} is not the manager's, NOT NULL and without a default, so it can insert no row");
        let why = "whether rows may be without a value is for whoever made the column to say";
        return Difference::extra(there, what, Ok(Cure::by_hand(sql, why)));
    }
    Difference::extra(there, format!("{of} is not the manager's"), Err(String::new())).harmless()
}

/// Does a column of the one type take all that the other does, and give it back as the manager reads it?
fn holds(there: &str, wanted: &str) -> bool {
    let plain = there.split(" COLLATE ").next().unwrap_or(there);
    if there.ends_with("(nondeterministic)") {
        return false;
    }
    match (length(plain), length(wanted)) {
        (Some(there), Some(wanted)) => there >= wanted,
        _ => plain == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::{holds, with_word};

    #[test]
    fn longer_texts_hold_shorter_ones() {
        assert!(holds("text", "character varying(64)"));
        assert!(holds("character varying(64) COLLATE \"C\"", "character varying(64)"));
        assert!(!holds("character varying(20)", "character varying(40)"));
        assert!(!holds("text COLLATE c (nondeterministic)", "text"));
        assert!(!holds("bigint", "integer"));
    }

    #[test]
    fn a_name_is_a_whole_word() {
        assert_eq!(with_word("USING btree (id, sess_id)", "id", "key"), "USING btree (key, sess_id)");
    }
}

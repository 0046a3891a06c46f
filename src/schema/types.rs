//! Enum types and the extension, held against those of a revision.

use super::{Cure, Difference, Kind, Part, State, quote_identifier};

pub(super) fn compare(wanted: &[Part], found: &[Part], out: &mut Vec<Difference>) {
    let there = |part: &Part| found.iter().find(|it| it.kind == part.kind && it.name == part.name);
    for part in wanted.iter().filter(|part| part.kind == Kind::Type) {
        match there(part) {
            Some(there) => values(part, there, out),
            None => {
                let what = format!("type `{}` is missing", part.name);
                let why = "the values of its columns are lost with it".to_owned();
                out.push(Difference::missing(part, what, Err(why)));
            }
        }
    }
    for there in found.iter().filter(|it| it.kind == Kind::Type) {
        if !wanted.iter().any(|part| part.kind == Kind::Type && part.name == there.name) {
            let what = format!("type `{}` does not belong to this revision", there.name);
            out.push(Difference::extra(there, what, Err(String::new())).harmless());
        }
    }
    for part in wanted.iter().filter(|part| part.kind == Kind::Extension) {
        match there(part) {
            Some(there) if there.is == part.is => {}
            Some(there) => {
                let what =
                    "`uuid_generate_v4()` is a function of somebody else's, without the extension".to_owned();
                out.push(Difference::altered(part, there, what, Err(String::new())).harmless());
            }
            None => {
                let what = format!("extension `{}` is missing", part.name);
                let sql = format!("CREATE EXTENSION {} WITH SCHEMA public", quote_identifier(&part.name));
                out.push(Difference::missing(part, what, Ok(Cure::safe(sql))));
            }
        }
    }
}

/// The labels of an enum type, as the server quotes them.
fn labels(definition: &str) -> Vec<String> {
    let inner = definition.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(definition);
    inner.split("', '").map(str::to_owned).collect()
}

fn values(part: &Part, there: &Part, out: &mut Vec<Difference>) {
    if part.is == there.is {
        return;
    }
    if there.is == "another type" {
        let what = format!("type `{}` is no enum type", part.name);
        let why = "what stands in its place has to go first".to_owned();
        out.push(Difference::altered(part, there, what, Err(why)));
        return;
    }
    let (wanted, found) = (labels(&part.is), labels(&there.is));
    let missing: Vec<&String> = wanted.iter().filter(|value| !found.contains(value)).collect();
    let extra: Vec<&String> = found.iter().filter(|value| !wanted.contains(value)).collect();
    let kind = quote_identifier(&part.name);
    if let ([gone], [other]) = (missing.as_slice(), extra.as_slice()) {
        let what =
            format!("type `{}` has no value `{gone}`; it may be the one that is called `{other}`", part.name);
        let sql = format!("ALTER TYPE public.{kind} RENAME VALUE '{other}' TO '{gone}'");
        let cure = Cure::by_hand(sql, "that it is the same value is only a guess");
        out.push(Difference::altered(part, there, what, Ok(cure)));
        return;
    }
    for value in missing {
        let what = format!("type `{}` has no value `{value}`", part.name);
        let sql = format!("ALTER TYPE public.{kind} ADD VALUE '{value}'{}", place(value, &wanted, &found));
        out.push(Difference {
            state: State::Missing,
            ..Difference::altered(part, there, what, Ok(Cure::safe(sql)))
        });
    }
    for value in extra {
        let what = format!("type `{}` has the value `{value}`, which is not the manager's", part.name);
        let difference = Difference::altered(part, there, what, Err(String::new())).harmless();
        out.push(Difference { state: State::Extra, ..difference });
    }
    let common: Vec<&String> = found.iter().filter(|value| wanted.contains(value)).collect();
    if !common.is_sorted_by_key(|value| wanted.iter().position(|known| known == *value)) {
        let what = format!("type `{}` has its values in another order", part.name);
        out.push(Difference::altered(part, there, what, Err(String::new())).harmless());
    }
}

/// Where a value belongs among those that are there.
fn place(value: &str, wanted: &[String], found: &[String]) -> String {
    let at = wanted.iter().position(|known| known == value).unwrap_or_default();
    let next = wanted[at..].iter().find(|known| found.contains(known));
    next.map(|next| format!(" BEFORE '{next}'")).unwrap_or_default()
}

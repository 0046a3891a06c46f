//! A database held against a revision: what is missing, otherwise, or in the way.

use std::collections::BTreeSet;

use super::{Cure, Difference, Kind, Part, columns, cures, quote_identifier, types};

/// alembic's own table: what it is like does the manager no harm, and where it is missing that is another matter.
const ALEMBIC: &str = "alembic_version";

/// Does the difference tell another revision, and not only a wider text or something beside the manager's?
pub(super) fn is_apart(difference: &Difference) -> bool {
    let is_own = matches!(difference.kind, Kind::Column | Kind::Table | Kind::Index | Kind::Type)
        || difference.kind.is_constraint();
    is_own && difference.table != ALEMBIC && difference.name != ALEMBIC
}

/// What a database with the parts `found` has otherwise than one with the parts `wanted`: what breaks the manager first,
/// in an order in which it can be put right.
pub(super) fn compare(wanted: &[Part], found: &[Part]) -> Vec<Difference> {
    let mut out = Vec::new();
    let apart = tables(wanted, found, &mut out);
    let is_judged = |part: &&Part| part.table().is_empty() || !apart.contains(part.table());
    let wanted: Vec<Part> = wanted.iter().filter(is_judged).cloned().collect();
    let mut found: Vec<Part> = found.iter().filter(is_judged).cloned().collect();
    columns::compare(&wanted, &mut found, &mut out);
    for kind in [Kind::PrimaryKey, Kind::Unique, Kind::Check, Kind::Exclusion, Kind::ForeignKey, Kind::Index]
    {
        objects(kind, &wanted, &found, &mut out);
    }
    types::compare(&wanted, &found, &mut out);
    out.extend(found.iter().filter_map(beside));
    for difference in &mut out {
        if difference.table == ALEMBIC || difference.name == ALEMBIC {
            difference.breaks = false;
        }
    }
    out.sort_by_key(|it| (!it.breaks, it.kind, it.state, it.table.clone(), it.name.clone()));
    out
}

/// The tables; gives back those whose parts tell nothing, because they are not there or nobody wants them.
fn tables(wanted: &[Part], found: &[Part], out: &mut Vec<Difference>) -> BTreeSet<String> {
    let is_table = |part: &&Part| part.kind == Kind::Table;
    let there = |name: &str| found.iter().find(|it| it.kind == Kind::Table && it.name == name);
    let mut apart = BTreeSet::new();
    for table in wanted.iter().filter(is_table) {
        match there(&table.name) {
            Some(there) if there.is == table.is => {}
            Some(there) if there.is == "unlogged table" => {
                let cure =
                    Cure::safe(format!("ALTER TABLE public.{} SET LOGGED", quote_identifier(&table.name)));
                let what = format!("table `{}` is unlogged, so a crash of the server empties it", table.name);
                out.push(Difference::altered(table, there, what, Ok(cure)));
            }
            Some(there) => {
                apart.insert(table.name.clone());
                let what = format!("`{}` is a {} instead of a table", table.name, there.is);
                let why = "what stands in its place has to go first".to_owned();
                out.push(Difference::altered(table, there, what, Err(why)));
            }
            None => {
                apart.insert(table.name.clone());
                if table.name != ALEMBIC {
                    let what = format!("table `{}` is missing", table.name);
                    let why = "its rows are lost, and an empty table would hide that".to_owned();
                    out.push(Difference::missing(table, what, Err(why)));
                }
            }
        }
    }
    for table in found.iter().filter(is_table) {
        if !wanted.iter().any(|it| it.kind == Kind::Table && it.name == table.name) {
            apart.insert(table.name.clone());
            let what = format!("table `{}` does not belong to this revision", table.name);
            out.push(Difference::extra(table, what, Err(String::new())).harmless());
        }
    }
    apart
}

/// Constraints and indexes of one kind. What is the same under another name is the same.
fn objects(kind: Kind, wanted: &[Part], found: &[Part], out: &mut Vec<Difference>) {
    let of_kind = |parts: &[Part]| parts.iter().filter(|it| it.kind == kind).cloned().collect::<Vec<_>>();
    let all = of_kind(wanted);
    let (mut wanted, mut found) = (all.clone(), of_kind(found));
    pair(&mut wanted, &mut found, |wanted, there| wanted.name == there.name && wanted.is_alike(there));
    for (part, there) in pair(&mut wanted, &mut found, Part::is_alike) {
        let what = format!("{} is called `{}`", part.label(), there.name);
        out.push(Difference::altered(&part, &there, what, Err(String::new())).harmless());
    }
    let is_same_place = |wanted: &Part, there: &Part| {
        wanted.of == there.of && (wanted.name == there.name || kind == Kind::PrimaryKey)
    };
    for (part, there) in pair(&mut wanted, &mut found, is_same_place) {
        out.push(altered(&part, &there));
    }
    for part in wanted {
        let what = match kind {
            Kind::PrimaryKey => {
                format!("table `{}` has no primary key, which is {}", part.of, cures::key_columns(&part))
            }
            _ => format!("{} is missing", part.label()),
        };
        let cure = cures::add(&part);
        out.push(Difference::missing(&part, what, Ok(cure)));
    }
    for there in found {
        let twin = all.iter().find(|wanted| wanted.is_alike(&there));
        out.push(match twin {
            Some(twin) => {
                let what = format!("{} is the same as `{}`", there.label(), twin.name);
                Difference::extra(&there, what, Err(String::new())).harmless()
            }
            None => extra(&there),
        });
    }
}

/// Takes out of both lists what belongs together, and gives it back.
fn pair(
    wanted: &mut Vec<Part>,
    found: &mut Vec<Part>,
    belong: impl Fn(&Part, &Part) -> bool,
) -> Vec<(Part, Part)> {
    let mut pairs = Vec::new();
    wanted.retain(|part| match found.iter().position(|there| belong(part, there)) {
        Some(at) => {
            pairs.push((part.clone(), found.remove(at)));
            false
        }
        None => true,
    });
    pairs
}

fn altered(part: &Part, there: &Part) -> Difference {
    let label = part.label();
    let (what, cure) = if part.kind == Kind::PrimaryKey {
        let (is, should_be) = (cures::key_columns(there), cures::key_columns(part));
        let what = format!("the primary key of `{}` is {is} instead of {should_be}", part.of);
        (what, Err("other tables may refer to the key that is there".to_owned()))
    } else if there.is.ends_with(" NOT VALID") && there.is.trim_end_matches(" NOT VALID") == part.is {
        let (table, name) = (quote_identifier(&part.of), quote_identifier(&part.name));
        let sql = format!("ALTER TABLE public.{table} VALIDATE CONSTRAINT {name}");
        let cure = Cure { sql, ..cures::add(part) };
        (format!("{label} was never compared with the rows that are there"), Ok(cure))
    } else if there.is.ends_with(" (switched off)") {
        let sql = format!("ALTER TABLE public.{} ENABLE TRIGGER ALL", quote_identifier(&part.of));
        let why = "only a superuser may switch it on, and rows that break it may have come meanwhile";
        (format!("{label} is switched off"), Ok(Cure::by_hand(sql, why)))
    } else {
        (format!("{label} is another one"), Ok(cures::replace(part)))
    };
    Difference::altered(part, there, what, cure)
}

const THEIRS: &str = "somebody made it for a purpose that is not known here";

/// A constraint or an index that the revision does not have.
fn extra(there: &Part) -> Difference {
    let label = there.label();
    let (table, name) = (quote_identifier(&there.of), quote_identifier(&there.name));
    if there.kind == Kind::Index {
        let cure = Cure::by_hand(format!("DROP INDEX public.{name}"), THEIRS);
        if !there.is.starts_with("UNIQUE ") {
            let what = format!("{label} is not the manager's");
            return Difference::extra(there, what, Ok(cure)).harmless();
        }
        let what = format!("{label} is not the manager's, and refuses rows that are alike in it");
        return Difference::extra(there, what, Ok(cure));
    }
    let effect = match there.kind {
        Kind::PrimaryKey | Kind::Unique | Kind::Exclusion => "refuses rows that are alike in it",
        Kind::ForeignKey => "refuses rows that refer to nothing",
        _ => "refuses rows that do not satisfy it",
    };
    let cure = Cure::by_hand(format!("ALTER TABLE public.{table} DROP CONSTRAINT {name}"), THEIRS);
    Difference::extra(there, format!("{label} is not the manager's, and {effect}"), Ok(cure))
}

/// What acts on the tables beside columns, constraints and indexes; none for what is judged elsewhere.
fn beside(there: &Part) -> Option<Difference> {
    let label = there.label();
    let (table, name) = (quote_identifier(&there.of), quote_identifier(&there.name));
    let by_hand = |sql: String| Ok(Cure::by_hand(sql, THEIRS));
    let is_off = there.is.ends_with(" (disabled)");
    let difference = match there.kind {
        Kind::Trigger => Difference::extra(
            there,
            format!("{label} is not the manager's, and acts on what it writes"),
            by_hand(format!("ALTER TABLE public.{table} DISABLE TRIGGER {name}")),
        ),
        Kind::Rule => Difference::extra(
            there,
            format!("{label} is not the manager's, and acts in the place of what it writes"),
            by_hand(format!("ALTER TABLE public.{table} DISABLE RULE {name}")),
        ),
        Kind::RowSecurity => Difference::extra(
            there,
            format!("row security is on for `{}`, and hides rows or refuses them", there.of),
            by_hand(format!("ALTER TABLE public.{table} DISABLE ROW LEVEL SECURITY")),
        ),
        Kind::Policy => {
            let what = format!("{label} is not the manager's; it counts while row security is on");
            Difference::extra(there, what, Err(String::new())).harmless()
        }
        Kind::Inheritance => {
            let what = format!("`{}` {} `{}`, which its keys do not cover", there.of, there.is, there.name);
            let why = "where these rows belong is not known here".to_owned();
            Difference::extra(there, what, Err(why))
        }
        Kind::Reference => {
            let what = format!("{label} belongs to another table; rows it refers to cannot be deleted");
            Difference::extra(there, what, Err(String::new())).harmless()
        }
        _ => return None,
    };
    if is_off {
        let what = format!("{label} is not the manager's, and is switched off");
        return Some(Difference { what, ..difference.harmless() });
    }
    Some(difference)
}

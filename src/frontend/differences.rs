//! In what a database is otherwise than its revision, in words: for the commands and for both wizards.

use crate::{schema::Difference, session::SchemaLook};

/// The rows of `alembic_version`.
pub fn stamps(look: &SchemaLook) -> Vec<&str> {
    let revisions = look.standing.revisions.as_deref().unwrap_or_default();
    revisions.iter().map(|revision| revision.as_deref().unwrap_or("NULL")).collect()
}

/// What it is compared with: its revision, or else the nearest.
pub fn against(look: &SchemaLook, nearest: &str) -> String {
    match (look.revision(), stamps(look).as_slice()) {
        (Some(revision), _) => format!("revision {}", revision.id),
        (None, []) => format!("revision {nearest}, the nearest; it has no stamp"),
        (None, stamps) => format!("revision {nearest}, the nearest; its stamp is {}", stamps.join(", ")),
    }
}

/// `2 differences break the manager, 1 does it no harm`.
pub fn counted(differences: &[Difference]) -> String {
    let breaking = differences.iter().filter(|it| it.breaks).count();
    let harmless = differences.len() - breaking;
    let differences = |count: usize| match count {
        1 => "1 difference".to_owned(),
        _ => format!("{count} differences"),
    };
    let (breaks, does) =
        (if breaking == 1 { "breaks" } else { "break" }, if harmless == 1 { "does" } else { "do" });
    match (breaking, harmless) {
        (0, 0) => "no difference".to_owned(),
        (_, 0) => format!("{} {breaks} the manager", differences(breaking)),
        (0, _) => format!("{} {does} the manager no harm", differences(harmless)),
        _ => format!("{} {breaks} the manager, {harmless} {does} it no harm", differences(breaking)),
    }
}

/// What it is and what it should be, line by line; the word stands before the first of each.
pub fn both_sides(difference: &Difference) -> Vec<(&'static str, &str)> {
    let sides = [("is", difference.is.as_deref()), ("should be", difference.should_be.as_deref())];
    sides
        .into_iter()
        .flat_map(|(word, text)| {
            let lines = text.unwrap_or_default().lines().enumerate();
            lines.map(move |(at, line)| (if at == 0 { word } else { "" }, line))
        })
        .collect()
}

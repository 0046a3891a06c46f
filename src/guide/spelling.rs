//! Words that are not known, and the known ones that may be meant.

use crate::text::{parting, skeleton};

/// The known key that is nearest to a misspelt one, if any is near.
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody misspells a page of text, and comparing takes as long as it is long.
    if given.len() > 200 {
        return None;
    }
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(twin) = known.iter().find(|candidate| only_looks_like(given, candidate)) {
        return Some(twin);
    }
    let given = given.to_lowercase();
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_lowercase();
    known
        .into_iter()
        .filter_map(|candidate| {
            let distance = strsim::osa_distance(&given, &candidate.to_lowercase());
            let (own, other) = (last(&given), last(candidate));
            // `username` for `user`, `pass` for `password`: cut short or gone on, whatever the distance.
            let begins =
                own.len().min(other.len()) > 2 && (own.starts_with(&other) || other.starts_with(&own));
            let is_sibling = given.rsplit_once('.').map(|it| it.0)
                == candidate.to_lowercase().rsplit_once('.').map(|it| it.0);
            let goes_on = begins && is_sibling;
            let is_near = distance <= 1 + candidate.len() / 4;
            (goes_on || is_near).then_some((goes_on, distance, candidate))
        })
        .min_by_key(|(goes_on, distance, _)| (!*goes_on, *distance))
        .map(|(.., candidate)| candidate)
}

/// The remedy for a misspelt word when this one is the nearest: one with letters of another script says which
/// they are, for nobody sees them.
pub fn meant(given: &str, near: &str) -> String {
    if only_looks_like(given, near) {
        return format!("write `{near}`: yours only looks like it, {}", parting(given, near));
    }
    format!("did you mean `{near}`?")
}

/// Is it the same to the eye, but written with other letters?
fn only_looks_like(given: &str, known: &str) -> bool {
    !given.is_ascii() && given != known && skeleton(given) == skeleton(known)
}

//! What each revision looks like in the catalogs, and which of them a database is most like.

use super::{
    Difference, Part, Revision, Schema,
    compare::{compare, is_apart},
};

/// One revision as a server tells of it.
#[derive(Debug)]
pub struct Shape {
    /// The revision.
    pub revision: &'static str,
    /// Its parts.
    pub parts: Vec<Part>,
}

/// A revision and what a database has otherwise.
#[derive(Debug)]
pub struct Likeness {
    /// The revision.
    pub revision: &'static str,
    /// What is otherwise; empty where nothing is.
    pub differences: Vec<Difference>,
}

impl Likeness {
    /// Is it this revision, but for what does no harm?
    pub fn fits(&self) -> bool {
        !self.differences.iter().any(|difference| difference.breaks)
    }

    /// How far it is away: what breaks the manager counts first.
    fn distance(&self) -> (usize, usize) {
        (self.differences.iter().filter(|difference| difference.breaks).count(), self.differences.len())
    }
}

impl Schema {
    /// The shapes of all revisions, oldest first; the head has that of a fresh installation after that of the chain.
    pub fn recorded(&self) -> Vec<Shape> {
        let mut shapes: Vec<Shape> = Vec::new();
        for line in self.shapes.lines() {
            if let Some(revision) = line.strip_prefix("= ") {
                let revision = revision.split(' ').next().unwrap_or(revision);
                let parts = shapes.last().map(|shape| shape.parts.clone()).unwrap_or_default();
                shapes.push(Shape { revision, parts });
                continue;
            }
            let Some(shape) = shapes.last_mut() else { continue };
            match (line.get(..1), line.get(1..).and_then(Part::from_line)) {
                (Some("-"), Some(part)) => shape.parts.retain(|known| *known != part),
                (Some("+"), Some(part)) => shape.parts.push(part),
                _ => {}
            }
        }
        shapes
    }

    /// What a database with these parts has otherwise than this revision; of the two shapes of the head the nearer one
    /// counts. None where the revision is not known.
    pub fn differences(&self, revision: &str, found: &[Part]) -> Option<Vec<Difference>> {
        let shapes = self.recorded().into_iter().filter(|shape| shape.revision == revision);
        shapes
            .map(|shape| likeness(&shape, found))
            .min_by_key(Likeness::distance)
            .map(|like| like.differences)
    }

    /// Of these parts, those that the way from this revision to the head makes: it finds their names taken.
    pub(super) fn early<'p>(&self, revision: &Revision, found: &'p [Part]) -> Vec<&'p Part> {
        let shapes = self.recorded();
        let place = shapes.iter().position(|shape| shape.revision == revision.id).unwrap_or_default();
        let (until, after) = shapes.split_at(place + 1);
        let own = until.last().map(|shape| shape.parts.as_slice()).unwrap_or_default();
        let later = |part: &Part| after.iter().any(|shape| shape.parts.iter().any(|it| it.is_named_as(part)));
        found.iter().filter(|part| !own.iter().any(|it| it.is_named_as(part)) && later(part)).collect()
    }

    /// The revision that a database with these parts is, or is most like; none where nothing is recorded.
    pub fn nearest(&self, found: &[Part]) -> Option<Likeness> {
        // Every difference counts alike: a later revision that lacks a table is not the earlier one with more in it.
        let shapes = self.recorded();
        let likenesses = shapes.iter().map(|shape| likeness(shape, found));
        likenesses
            .min_by_key(|like| (like.differences.iter().filter(|it| is_apart(it)).count(), like.distance()))
    }
}

fn likeness(shape: &Shape, found: &[Part]) -> Likeness {
    Likeness { revision: shape.revision, differences: compare(&shape.parts, found) }
}

/// The recorded shapes as they are kept: each revision by what it has otherwise than the one before.
pub fn written(shapes: &[(String, Vec<Part>)]) -> String {
    let mut text = String::new();
    let mut before: &[Part] = &[];
    for (title, parts) in shapes {
        text += &format!("= {title}\n");
        for gone in before.iter().filter(|part| !parts.contains(part)) {
            text += &format!("-{}\n", gone.line());
        }
        for new in parts.iter().filter(|part| !before.contains(part)) {
            text += &format!("+{}\n", new.line());
        }
        before = parts;
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::{
        guides::september_2018::GUIDE,
        schema::{Kind, Part},
    };

    #[test]
    fn every_revision_is_recorded_and_is_itself() {
        let shapes = GUIDE.schema.recorded();
        let ids: Vec<&str> = shapes.iter().map(|shape| shape.revision).collect();
        let chain = GUIDE.schema.chain.iter().map(|revision| revision.id).chain([GUIDE.schema.head]);
        assert_eq!(ids, chain.collect::<Vec<_>>());
        for shape in &shapes {
            let nearest = GUIDE.schema.nearest(&shape.parts).expect("some");
            assert_eq!(nearest.revision, shape.revision);
            assert_eq!(nearest.differences, [], "{}", shape.revision);
        }
        let head = &shapes.last().expect("the head").parts;
        let columns =
            |table: &str| head.iter().filter(|it| it.kind == Kind::Column && it.of == table).count();
        assert_eq!((columns("keypairs"), columns("kernels")), (12, 31));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let shapes = GUIDE.schema.recorded();
        let titled: Vec<(String, Vec<Part>)> =
            shapes.into_iter().map(|shape| (shape.revision.to_owned(), shape.parts)).collect();
        let text = super::written(&titled);
        assert_eq!(text.lines().count(), GUIDE.schema.shapes.lines().count());
    }
}

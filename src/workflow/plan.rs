//! The plan: what a look at the world has found to be written, as a value. What is shown is what is confirmed, guarded
//! and written; nothing is derived a second time.

use super::change::Change;

/// The id by which scripts know a stage, for example `load-images`.
pub type StageId = &'static str;

/// What one stage will write, and what must still hold when it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagePlan {
    /// The stage.
    pub stage: StageId,
    /// What it writes, in this order. Each change carries what was seen in its place.
    pub changes: Vec<Change>,
    /// What else was seen, and decided by.
    pub observed: Vec<Observed>,
}

/// Something that was seen and is not to be shown, for example a secret that will be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// What it is, for people: `secret of AKIA…`.
    pub what: String,
    /// Tells it from anything else that could be there; never the thing itself.
    pub fingerprint: String,
}

impl StagePlan {
    /// A plan in which each change carries all that it rests on.
    pub fn new(stage: StageId, changes: Vec<Change>) -> Self {
        Self { stage, changes, observed: Vec::new() }
    }

    /// The plan of a stage that has nothing to write.
    pub fn nothing(stage: StageId) -> Self {
        Self::new(stage, Vec::new())
    }

    /// The first thing in which another look at the same world differs; none when both would write the same over the
    /// same.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let length = self.changes.len().max(other.changes.len());
        let pair = |at| (self.changes.get(at), other.changes.get(at));
        let differs = |pair: &(Option<&Change>, Option<&Change>)| match pair {
            (Some(was), Some(is)) => !was.is_same(is),
            _ => true,
        };
        if let Some((was, is)) = (0..length).map(pair).find(differs) {
            let planned =
                |list: &[Change], change: &Change| list.iter().any(|it| it.resource() == change.resource());
            return Some(match (was, is) {
                // The guard alone is another one.
                (Some(was), Some(is)) if was.to_string() == is.to_string() => {
                    format!("`{}` has other content or another mode", was.resource().1)
                }
                (Some(was), Some(is)) if was.resource() == is.resource() => format!("`{was}` is now `{is}`"),
                (_, Some(is)) if !planned(&self.changes, is) => format!("`{is}` is new"),
                (Some(was), _) => format!("`{was}` is no longer needed"),
                (None, Some(is)) => format!("`{is}` is new"),
                (None, None) => return None,
            });
        }
        let lost = self.observed.iter().find(|seen| !other.observed.contains(seen));
        let found = other.observed.iter().find(|seen| !self.observed.contains(seen));
        lost.or(found).map(|seen| format!("the {} is another one", seen.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: &str, old: Option<&str>, new: &str, revision: i64) -> Change {
        Change::Key {
            key: key.into(),
            old: old.map(Into::into),
            old_bytes: None,
            new: Some(new.into()),
            new_bytes: None,
            revision,
        }
    }

    #[test]
    fn two_looks_differ_where_something_else_would_be_written() {
        let plan = |changes| StagePlan::new("toy", changes);
        let seen = plan(vec![key("/a", None, "1", 0), key("/b", Some("0"), "1", 7)]);
        assert_eq!(seen.difference(&seen), None);
        // Written anew with the same value: the same would be written over the same.
        assert_eq!(seen.difference(&plan(vec![key("/a", None, "1", 0), key("/b", Some("0"), "1", 9)])), None);
        for (other, said) in [
            (
                vec![key("/a", Some("x"), "1", 8), key("/b", Some("0"), "1", 7)],
                "`+ /a = 1` is now `~ /a  x → 1`",
            ),
            (vec![key("/a", None, "1", 0)], "`~ /b  0 → 1` is no longer needed"),
            (
                vec![key("/a", None, "1", 0), key("/b", Some("0"), "1", 7), key("/c", None, "1", 0)],
                "`+ /c = 1` is new",
            ),
            // Not what it pushed aside.
            (
                vec![key("/a", None, "1", 0), key("/aa", None, "1", 0), key("/b", Some("0"), "1", 7)],
                "`+ /aa = 1` is new",
            ),
            (vec![key("/b", Some("0"), "1", 7)], "`+ /a = 1` is no longer needed"),
        ] {
            assert_eq!(seen.difference(&plan(other)).as_deref(), Some(said));
        }
        let file = |seen: &str| {
            let (path, what) = ("/f".into(), "change".into());
            plan(vec![Change::File { path, what, is_new: false, is_removed: false, seen: Some(seen.into()) }])
        };
        assert_eq!(file("1").difference(&file("1")), None);
        assert_eq!(
            file("1").difference(&file("2")).as_deref(),
            Some("`/f` has other content or another mode")
        );
        let secret = |fingerprint: &str| StagePlan {
            observed: vec![Observed { what: "secret of `A`".into(), fingerprint: fingerprint.into() }],
            ..StagePlan::nothing("toy")
        };
        assert_eq!(secret("1").difference(&secret("1")), None);
        assert_eq!(secret("1").difference(&secret("2")).as_deref(), Some("the secret of `A` is another one"));
    }
}

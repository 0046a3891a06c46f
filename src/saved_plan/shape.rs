//! How the plan of a stage stands in a file: whole, with the guards that events leave out.

use serde::{Deserialize, Serialize};

use crate::{
    guides::Setup,
    workflow::{Change, Observed, StagePlan},
};

/// All of a change. A field that is missing here does not compile.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Change", tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum WholeChange {
    Key {
        key: String,
        old: Option<String>,
        old_bytes: Option<Vec<u8>>,
        new: Option<String>,
        new_bytes: Option<Vec<u8>>,
        revision: i64,
    },
    Database {
        name: String,
        is_removed: bool,
    },
    Statement {
        what: String,
        sql: String,
    },
    Row {
        table: String,
        what: String,
        is_new: bool,
        is_removed: bool,
    },
    File {
        path: String,
        what: String,
        is_new: bool,
        is_removed: bool,
        seen: Option<String>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct SavedChange(#[serde(with = "WholeChange")] Change);

/// All of what was seen.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Observed", deny_unknown_fields)]
struct WholeObserved {
    what: String,
    fingerprint: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct SavedObserved(#[serde(with = "WholeObserved")] Observed);

/// The plan of one stage.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedStage {
    pub(super) stage: String,
    changes: Vec<SavedChange>,
    observed: Vec<SavedObserved>,
}

impl SavedStage {
    pub(super) fn of(plan: &StagePlan) -> Self {
        Self {
            stage: plan.stage.to_owned(),
            changes: plan.changes.iter().cloned().map(SavedChange).collect(),
            observed: plan.observed.iter().cloned().map(SavedObserved).collect(),
        }
    }

    /// The plan again; none when this setup has no such stage.
    pub(super) fn plan(self, setup: &Setup) -> Option<StagePlan> {
        let about = setup.stage_abouts().into_iter().find(|about| about.id == self.stage)?;
        Some(StagePlan {
            stage: about.id,
            changes: self.changes.into_iter().map(|SavedChange(change)| change).collect(),
            observed: self.observed.into_iter().map(|SavedObserved(observed)| observed).collect(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use super::*;
    use crate::guides::september_2018::SETUP;

    #[test]
    fn a_plan_comes_back_whole() {
        let changes = vec![
            Change::Key {
                key: "/a".into(),
                old: None,
                old_bytes: None,
                new: Some("1".into()),
                new_bytes: None,
                revision: 0,
            },
            Change::Key {
                key: "/b".into(),
                old: Some("\u{0} \"".into()),
                old_bytes: Some(vec![0xff, 0]),
                new: None,
                new_bytes: None,
                revision: i64::MAX,
            },
            Change::Database { name: "backend".into(), is_removed: false },
            Change::Statement { what: "table x".into(), sql: "CREATE TABLE x ()".into() },
            Change::Row { table: "keypairs".into(), what: "a row".into(), is_new: true, is_removed: false },
            Change::File {
                path: "/f".into(),
                what: "new".into(),
                is_new: true,
                is_removed: false,
                seen: None,
            },
            Change::File {
                path: "/g".into(),
                what: "change".into(),
                is_new: false,
                is_removed: false,
                seen: Some("0f".into()),
            },
        ];
        let observed = vec![Observed { what: "secret of `A`".into(), fingerprint: "1e".into() }];
        let plan = StagePlan { stage: "set-mount", changes, observed };
        let text = serde_json::to_string(&SavedStage::of(&plan)).unwrap();
        let again = |text: &str| serde_json::from_str::<SavedStage>(text).map(|saved| saved.plan(&SETUP));
        assert_eq!(again(&text).unwrap(), Some(plan));
        assert_eq!(again(&text.replace("set-mount", "set-mounts")).unwrap(), None);
        for (what, other) in [
            ("\"revision\":0", "\"revision\":\"0\""),
            (",\"revision\":0", ""),
            ("\"revision\":0", "\"revision\":0,\"more\":1"),
            ("\"revision\":0", "\"revision\":0,\"revision\":1"),
            ("\"kind\":\"database\"", "\"kind\":\"cluster\""),
            ("\"fingerprint\"", "\"print\""),
        ] {
            assert!(text.contains(what) && again(&text.replacen(what, other, 1)).is_err(), "{other}");
        }
    }
}

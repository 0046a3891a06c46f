//! Undo: what would be put back, and what is said of it.

use std::sync::Arc;

use ratatui::crossterm::event::KeyCode::Char;

use crate::{
    failure::{Code, Failure},
    workflow::{StagePlan, StageState, StageStatus},
};

use super::{
    Effect, Msg, Survey, finished, pending,
    scenes::{shown_everywhere as shown, with_conflict},
    summary,
};

#[test]
fn undoing() {
    let looking = |columns, rows| {
        let mut wizard = with_conflict(columns, rows);
        wizard.key(Char('m')).key(Char('u'));
        wizard
    };
    shown("undo_looking", looking);
    let found = |columns, rows, states: Vec<StageState>| {
        let mut wizard = looking(columns, rows);
        let generation = wizard.app.alone.generation;
        wizard.tell(Msg::Surveyed { survey: Survey::Undo, generation, result: Ok(states) });
        wizard
    };
    let states = || {
        let kept = Failure::new(
            Code::UndoKept,
            "keypair `AKIAX` of `a@b` is kept: it is in use by 1 row of table vfolders",
        );
        let mut states = pending();
        states.truncate(3);
        states[2].remarks = vec![kept];
        states
    };
    shown("undo", |columns, rows| found(columns, rows, states()));
    let mut wizard = found(80, 24, states());
    let effects = &wizard.key(Char('w')).effects;
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::Undo(confirmed, _) if *confirmed == states())),
        "{effects:?}"
    );
    // With nothing left of it there is nothing to press.
    let nothing = || {
        pending().into_iter().map(|state| StageState {
            state: StageStatus::Done,
            plan: Arc::new(StagePlan::nothing(state.stage)),
            ..state
        })
    };
    let mut wizard = found(80, 24, nothing().collect());
    let effects = &wizard.key(Char('w')).effects;
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Undo(..))), "{effects:?}");
    shown("undo_nothing", |columns, rows| {
        let mut wizard = found(columns, rows, nothing().collect());
        wizard.key(Char('w'));
        wizard
    });
    let refused = |columns, rows| {
        let mut wizard = looking(columns, rows);
        let generation = wizard.app.alone.generation;
        let failure = Failure::new(Code::UndoNothing, "there is no run to undo")
            .why("no run that is written down in `/srv/state` has changed these servers");
        wizard.tell(Msg::Surveyed { survey: Survey::Undo, generation, result: Err(vec![failure]) });
        wizard
    };
    shown("undo_refused", refused);
    shown("undone", |columns, rows| {
        let mut wizard = found(columns, rows, states());
        wizard.key(Char('w'));
        for (stage, changes) in [("load-images", 181), ("load-aliases", 117), ("set-mount", 1)] {
            wizard.ran_at(100, finished(stage, changes));
        }
        wizard.ran_at(150, summary(0, Vec::new()));
        wizard
    });
}

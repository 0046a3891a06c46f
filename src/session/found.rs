//! What a look finds of one stage, as far as the whole run decides about it.

use std::sync::Arc;

use crate::{
    failure::{Code, Failure},
    workflow::{About, StagePlan, StageState, StageStatus},
    world::World,
};

/// With `--strict` a remark is a conflict.
pub(super) fn with_tolerance(world: &World, mut state: StageState) -> StageState {
    state.remarks = state.remarks.into_iter().map(|remark| world.tolerance.apply(remark)).collect();
    if state.failure.is_none()
        && let Some(at) = state.remarks.iter().position(|remark| !remark.is_warning())
    {
        let failure = state.remarks.swap_remove(at);
        state = StageState {
            state: StageStatus::Conflict,
            summary: failure.what.clone(),
            failure: Some(failure),
            ..state
        };
    }
    state
}

/// A stage that cannot go on, or would not help.
pub(super) fn stuck(about: &About, state: StageStatus, failure: Failure) -> StageState {
    StageState {
        stage: about.id,
        title: about.title,
        state,
        summary: failure.what.clone(),
        plan: Arc::new(StagePlan::nothing(about.id)),
        remarks: Vec::new(),
        failure: Some(failure),
    }
}

/// What a check tells early, and one stage of several finds again: the others may be done.
pub(super) fn is_found_by_stages(failure: &Failure) -> bool {
    matches!(
        failure.code,
        Code::DbUnmanaged
            | Code::DbRevision
            | Code::DbRevisions
            | Code::DbRevisionNull
            | Code::DbShape
            | Code::FileParent
            | Code::FileSymlink
            | Code::FileOwner
            | Code::FileMount
            | Code::FileForeign
            | Code::FileAlembic
            | Code::FileLogging
    )
}

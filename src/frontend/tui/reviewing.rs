//! What the review lists, in order, and whether anything is in the way of writing.

use crate::{
    failure::{Code, Failure},
    frontend::wizard::{
        first_of,
        upgrade::{Climbed, upgrade},
    },
    workflow::{RungState, StageState, StageStatus},
};

use super::app::{App, View};

/// One entry of the review.
pub(super) enum Item<'a> {
    /// A target with what its check found.
    Target(usize),
    /// All answers.
    Answers,
    /// A stage with its changes.
    Stage(&'a StageState),
    /// A revision that a stage climbs.
    Revision(Climbed),
    /// What a person should hear about the answers, or about what a stage found.
    Note(Failure),
    /// Something that keeps the stages from being looked at.
    Problem(Failure),
}

impl App {
    /// Everything that the review lists.
    pub(super) fn review_items(&self) -> Vec<Item<'_>> {
        let mut items = Vec::new();
        for at in 0..self.forms.len() {
            // etcd, PostgreSQL and storage are always told; the others when there is something to tell.
            if (self.has_check(at) && at < self.image_list)
                || !self.is_complete(at)
                || matches!(self.found(at), Some(RungState::Failed | RungState::Warned))
            {
                items.push(Item::Target(at));
            }
        }
        items.push(Item::Answers);
        items.extend(self.notes().into_iter().map(Item::Note));
        match &self.survey.result {
            Some(Ok(stages)) => {
                for stage in stages {
                    items.push(Item::Stage(stage));
                    let climbed = upgrade(&self.setup.guide.schema, stage);
                    items.extend(climbed.into_iter().map(Item::Revision));
                    items.extend(stage.remarks.iter().cloned().map(Item::Note));
                }
            }
            Some(Err(problems)) => {
                let told = |problem: &&Failure| problem.code != Code::AnswersMissing;
                items.extend(problems.iter().filter(told).cloned().map(Item::Problem));
            }
            None => {}
        }
        items.retain(|item| match self.review.view {
            View::All => true,
            View::Changed => match item {
                Item::Stage(stage) => stage.state != StageStatus::Done,
                Item::Revision(_) => true,
                _ => false,
            },
            View::Problems => self.is_problem(item),
        });
        items
    }

    /// Does this entry keep anything from being written?
    pub(super) fn is_problem(&self, item: &Item<'_>) -> bool {
        match item {
            Item::Target(at) => self.found(*at) == Some(RungState::Failed) || !self.is_complete(*at),
            Item::Answers | Item::Note(_) | Item::Revision(_) => false,
            Item::Stage(stage) => stage.failure.is_some(),
            Item::Problem(_) => true,
        }
    }

    /// Where the cursor of the review stands: where it was put, else at the first problem, else at the
    /// first change.
    pub(super) fn review_cursor(&self) -> usize {
        let items = self.review_items();
        if let Some(cursor) = self.review.cursor {
            return cursor.min(items.len().saturating_sub(1));
        }
        let problem = items.iter().position(|item| self.is_problem(item));
        let change = items
            .iter()
            .position(|item| matches!(item, Item::Stage(stage) if stage.state == StageStatus::Pending));
        let stage = items.iter().position(|item| matches!(item, Item::Stage(_)));
        problem.or(change).or(stage).unwrap_or(0)
    }

    /// Why nothing can be written yet; none when it can.
    pub(super) fn obstacle(&self) -> Option<String> {
        // `v` must not hide what is in the way.
        let missing = (0..self.forms.len()).find(|at| !self.is_complete(*at));
        if let Some(at) = missing {
            return Some(format!("answers are missing under {}", self.forms[at].section.title));
        }
        let broken = (0..self.forms.len()).find(|at| self.is_problem(&Item::Target(*at)));
        if let Some(at) = broken {
            return Some(format!("the check of {} failed", self.forms[at].section.title));
        }
        match &self.survey.result {
            None => Some("the servers are still being looked at".into()),
            Some(Err(problems)) => Some(first_of(problems).unwrap_or_default()),
            Some(Ok(stages)) => stages.iter().find_map(|stage| {
                stage.failure.as_ref().map(|failure| format!("{}: {}", stage.title, failure.what))
            }),
        }
    }
}

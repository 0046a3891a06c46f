//! The page of the image list: rows with what etcd holds, search, choice.

use std::collections::BTreeSet;

use tui_input::Input;

use crate::{
    failure::{Failure, Subject},
    report::{ComparedImage, InEtcd, compared_images},
};

use super::{
    msg::Listed,
    pages::{Surveyed, View},
};

/// The page.
#[derive(Default)]
pub(super) struct ImagesPage {
    /// The last good list, and what is wrong with the one that was read last.
    pub(super) listed: Listed,
    /// The list shown is older than the problems.
    pub(super) outdated: bool,
    pub(super) generation: u64,
    pub(super) survey: Surveyed,
    pub(super) rows: Vec<ComparedImage>,
    pub(super) cursor: usize,
    pub(super) search: Input,
    pub(super) search_open: bool,
    pub(super) in_fields: bool,
    pub(super) view: View,
    /// Only these are loaded; none means all.
    pub(super) only: Option<BTreeSet<String>>,
}

impl ImagesPage {
    /// Takes a list that was read; one that does not read keeps the last good one.
    pub(super) fn take(&mut self, listed: Listed) {
        self.outdated = listed.list.is_none();
        self.listed.problems = listed.problems;
        if let Some(list) = listed.list {
            self.listed.list = Some(list);
            self.compare();
        }
    }

    /// Makes the rows anew from the list and the survey.
    pub(super) fn compare(&mut self) {
        let Some(list) = &self.listed.list else { return };
        let states = self.survey.result.as_ref().and_then(|result| result.as_deref().ok());
        self.rows = compared_images(list, states, self.only.as_ref());
        self.cursor = self.cursor.min(self.shown().len().saturating_sub(1));
    }

    /// The rows that search and view leave.
    pub(super) fn shown(&self) -> Vec<&ComparedImage> {
        let wanted = self.search.value().to_lowercase();
        let matches = |row: &&ComparedImage| {
            let view = match self.view {
                View::All => true,
                View::Changed => matches!(row.in_etcd, InEtcd::New | InEtcd::Changed | InEtcd::Left),
                View::Problems => self.listed.problems.iter().any(|problem| {
                    let line = problem.place.as_ref().map_or(0, |place| place.line);
                    let is_own =
                        matches!(problem.subject(), Some(Subject::Image(name)) if **name == *row.name);
                    is_own || (line > 0 && line == row.line)
                }),
            };
            let found = wanted.is_empty()
                || row.name.to_lowercase().contains(&wanted)
                || row.aliases.iter().any(|alias| alias.to_lowercase().contains(&wanted));
            view && found
        };
        self.rows.iter().filter(matches).collect()
    }

    pub(super) fn selected(&self) -> Option<&ComparedImage> {
        self.shown().get(self.cursor).copied()
    }

    /// The first problem that is no mere warning, else the first.
    pub(super) fn first_problem(&self) -> Option<&Failure> {
        let problems = &self.listed.problems;
        problems.iter().find(|problem| !problem.is_warning()).or(problems.first())
    }

    /// Takes an image in or out; all of them again means no choice at all.
    pub(super) fn toggle(&mut self, name: &str) {
        let Some(list) = &self.listed.list else { return };
        let all: BTreeSet<String> = list.images.iter().map(|image| image.name.clone()).collect();
        let mut only = self.only.clone().unwrap_or_else(|| all.clone());
        if !only.remove(name) && all.contains(name) {
            only.insert(name.to_owned());
        }
        self.only = (only != all).then_some(only);
    }

    pub(super) fn is_chosen(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(name))
    }
}

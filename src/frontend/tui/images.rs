//! The page of the image list: rows with what etcd holds, search, choice.

use std::collections::{BTreeMap, BTreeSet};

use tui_input::Input;

use crate::{
    failure::{Failure, Subject},
    images::ImageList,
    workflow::{Change, StageState, StageStatus},
};

use super::{
    msg::Listed,
    pages::{Surveyed, View},
};

/// How an image compares with what etcd holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InEtcd {
    /// etcd was not asked, or did not answer.
    Unknown,
    New,
    Changed,
    Unchanged,
    /// etcd has it from an older list.
    Left,
}

impl InEtcd {
    pub(super) fn word(self) -> &'static str {
        match self {
            InEtcd::Unknown => "not asked",
            InEtcd::New => "new",
            InEtcd::Changed => "changed",
            InEtcd::Unchanged => "unchanged",
            InEtcd::Left => "left over",
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) tags: Vec<(String, String)>,
    pub(super) cpu: u64,
    pub(super) mem: String,
    pub(super) gpu: String,
    pub(super) aliases: Vec<String>,
    pub(super) line: usize,
    pub(super) repository: String,
    pub(super) in_etcd: InEtcd,
}

/// The page.
#[derive(Default)]
pub(super) struct ImagesPage {
    /// The last good list, and what is wrong with the one that was read last.
    pub(super) listed: Listed,
    /// The list shown is older than the problems.
    pub(super) outdated: bool,
    pub(super) generation: u64,
    pub(super) survey: Surveyed,
    pub(super) rows: Vec<Row>,
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
        let states = self.survey.result.as_ref().and_then(|result| result.as_ref().ok());
        let changed = states.map(|stages| Touched::read(stages));
        let mut rows = rows(list);
        for row in &mut rows {
            let chosen = self.only.as_ref().is_none_or(|only| only.contains(&row.name));
            row.in_etcd = match &changed {
                Some(touched) if touched.asked && chosen => touched.state(row),
                _ => InEtcd::Unknown,
            };
        }
        if let Some(touched) = &changed {
            let known: BTreeSet<&str> = list.images.iter().map(|image| image.name.as_str()).collect();
            rows.extend(touched.left.iter().filter(|name| !known.contains(name.as_str())).map(|name| Row {
                name: name.clone(),
                tags: Vec::new(),
                cpu: 0,
                mem: String::new(),
                gpu: String::new(),
                aliases: Vec::new(),
                line: 0,
                repository: String::new(),
                in_etcd: InEtcd::Left,
            }));
        }
        self.rows = rows;
        self.cursor = self.cursor.min(self.shown().len().saturating_sub(1));
    }

    /// The rows that search and view leave.
    pub(super) fn shown(&self) -> Vec<&Row> {
        let wanted = self.search.value().to_lowercase();
        let matches = |row: &&Row| {
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

    pub(super) fn selected(&self) -> Option<&Row> {
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

fn rows(list: &ImageList) -> Vec<Row> {
    let preview = list.rows();
    list.images
        .iter()
        .zip(preview)
        .map(|(image, row)| Row {
            name: row.name,
            tags: image.tags.iter().map(|tag| (tag.tag.clone(), tag.digest.clone())).collect(),
            cpu: row.cpu,
            mem: row.mem_gib,
            gpu: row.gpu,
            aliases: row.aliases,
            line: image.mark.line,
            repository: image.repository(),
            in_etcd: InEtcd::Unknown,
        })
        .collect()
}

/// What the survey would write, by image.
struct Touched {
    asked: bool,
    new: BTreeSet<String>,
    changed: BTreeMap<String, usize>,
    left: BTreeSet<String>,
    aliases: BTreeSet<String>,
}

impl Touched {
    fn read(stages: &[StageState]) -> Self {
        let asked = stages.iter().all(|stage| stage.state != StageStatus::Failed);
        let mut touched = Self {
            asked,
            new: BTreeSet::new(),
            changed: BTreeMap::new(),
            left: BTreeSet::new(),
            aliases: BTreeSet::new(),
        };
        for change in stages.iter().flat_map(|stage| stage.changes()) {
            let Change::Key { key, old, new, .. } = change else { continue };
            let Some((_, path)) = key.split_once("/images/") else { continue };
            if let Some(alias) = path.strip_prefix("_aliases/") {
                touched.aliases.insert(alias.to_owned());
                continue;
            }
            // An image's name may have a slash; its slots and tags follow it.
            let name = path
                .split_once("/tags/")
                .map(|(name, _)| name)
                .or_else(|| ["/cpu", "/mem", "/gpu"].iter().find_map(|slot| path.strip_suffix(slot)))
                .unwrap_or(path);
            if path == name && new.is_none() {
                touched.left.insert(name.to_owned());
            } else if path == name && old.is_none() {
                touched.new.insert(name.to_owned());
            }
            *touched.changed.entry(name.to_owned()).or_default() += 1;
        }
        touched
    }

    fn state(&self, row: &Row) -> InEtcd {
        let tag_alias = |tag: &str| self.aliases.contains(&format!("{}:{tag}", row.name));
        if self.new.contains(&row.name) {
            InEtcd::New
        } else if self.changed.contains_key(&row.name)
            || row.aliases.iter().any(|alias| self.aliases.contains(alias))
            || row.tags.iter().any(|(tag, _)| tag_alias(tag))
        {
            InEtcd::Changed
        } else {
            InEtcd::Unchanged
        }
    }
}

//! What is set up: a guide of the manager with the checks and stages that do what it asks for. One file or folder for each
//! release of the manager, which takes sections, checks and stages from the rooms below, and may have its own beside them.

pub mod september_2018;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    checks::{Check, CheckAbout},
    guide::{Guide, Section},
    stages::SetupStage,
    workflow::{About, StageId},
};

/// A guide, and what does its work.
#[derive(Debug)]
pub struct Setup {
    /// What it asks.
    pub guide: &'static Guide,
    /// Makes its checks, in the order in which they are shown.
    pub checks: fn() -> Vec<Arc<dyn Check>>,
    /// Makes its stages, in the order of the guide.
    pub stages: fn() -> Vec<SetupStage>,
}

impl Setup {
    /// Every check as data, for menus and help.
    pub fn check_abouts(&self) -> Vec<&'static CheckAbout> {
        (self.checks)().iter().map(|check| check.about()).collect()
    }

    /// Every stage as data, for menus and help.
    pub fn stage_abouts(&self) -> Vec<&'static About> {
        (self.stages)().iter().map(|stage| stage.about()).collect()
    }

    /// The secrets by which servers are signed in to.
    pub fn server_secrets(&self) -> Vec<&'static str> {
        let servers: Vec<&str> = (self.checks)()
            .iter()
            .filter(|check| check.about().is_server)
            .flat_map(|check| check.about().sections.iter().copied())
            .collect();
        let sections = self.guide.sections.iter().filter(|section| servers.contains(&section.id));
        let variables = sections.flat_map(|section| section.variables.iter());
        variables.filter(|variable| variable.is_secret()).map(|variable| variable.key).collect()
    }

    /// What people call a stage.
    pub fn stage_title(&self, id: &str) -> &'static str {
        self.stage_abouts().into_iter().find(|about| about.id == id).map_or("", |about| about.title)
    }

    /// What people call each stage.
    pub fn stage_titles(&self) -> BTreeMap<StageId, &'static str> {
        self.stage_abouts().into_iter().map(|about| (about.id, about.title)).collect()
    }

    /// What people call these stages, as a list.
    pub fn titles_of(&self, stages: &[StageId]) -> String {
        stages.iter().map(|id| self.stage_title(id)).collect::<Vec<_>>().join(", ")
    }

    /// The variables that name the files which these stages write.
    pub fn files_of(&self, stages: &[StageId]) -> Vec<&'static str> {
        let abouts = self.stage_abouts().into_iter().filter(|about| stages.contains(&about.id));
        abouts.flat_map(|about| about.files.iter().copied()).collect()
    }

    /// The stages that read the answers of this section.
    pub fn stages_of(&self, section: &Section) -> Vec<StageId> {
        let abouts = self.stage_abouts().into_iter().filter(|about| about.sections.contains(&section.id));
        abouts.map(|about| about.id).collect()
    }

    /// This stage, and those of this run that need it, near and far.
    pub fn with_dependents(&self, id: StageId, order: &[StageId]) -> Vec<StageId> {
        let mut found = vec![id];
        // The guide's order is one in which every stage comes after those that it needs.
        for about in self.stage_abouts() {
            if about.after.iter().any(|before| found.contains(before)) && order.contains(&about.id) {
                found.push(about.id);
            }
        }
        found
    }

    /// The checks that are made once a section is answered: those that need it, and no later one.
    pub fn checks_of(&self, section: &Section) -> Vec<&'static str> {
        let is_last = |about: &&CheckAbout| {
            let mut sections = self.guide.sections.iter().rev();
            sections.find(|it| about.sections.contains(&it.id)).is_some_and(|last| last.id == section.id)
        };
        self.check_abouts().into_iter().filter(is_last).map(|about| about.id).collect()
    }
}

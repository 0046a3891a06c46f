//! The page of the image list.

use std::path::PathBuf;

use crate::{
    frontend::tui::{
        app::{App, IMAGES, Overlay, Page, Reading, View},
        keymap::Action,
        msg::{Effect, Errand, Survey},
        theme::Sign,
    },
    guide::{Origin, images},
};

use super::moved;

impl App {
    /// Reads the list again, and asks etcd what it holds.
    pub(super) fn read_images(&mut self) -> Vec<Effect> {
        self.images.generation += 1;
        self.images.only = self.answers.images().only.map(|only| only.into_iter().collect());
        vec![Effect::List { generation: self.images.generation, answers: Box::new(self.answers.clone()) }]
    }

    /// Compares the list with what etcd holds, once it is known where that is.
    pub(super) fn survey_images(&mut self) -> Vec<Effect> {
        if !self.is_complete(0) || !self.problems_of(0).is_empty() {
            return Vec::new();
        }
        let now = self.now;
        let survey = &mut self.images.survey;
        survey.generation += 1;
        survey.since = Some(now);
        vec![Effect::Survey {
            survey: Survey::Images,
            generation: survey.generation,
            answers: Box::new(self.answers.clone()),
            // Only to see what is left over; nothing is written here.
            overwrite: crate::session::Overwrite { leftovers: true, ..Default::default() },
        }]
    }

    pub(super) fn images_key(&mut self, action: Action) -> Vec<Effect> {
        if self.images.search_open {
            return self.image_search_key(action);
        }
        let shown = self.images.shown().len();
        match action {
            Action::Next => {
                let mut effects = self.probe(IMAGES, false);
                effects.extend(self.go(Page::Section(IMAGES + 1)));
                effects
            }
            Action::Back if !self.images.search.value().is_empty() => {
                self.images.search.reset();
                Vec::new()
            }
            Action::Back => self.back(),
            Action::Forward | Action::Backward => {
                self.images.in_fields = true;
                if let Some(form) = self.forms.get_mut(IMAGES) {
                    form.focus =
                        if action == Action::Forward { 0 } else { form.fields.len().saturating_sub(1) };
                }
                Vec::new()
            }
            Action::Search => {
                self.images.search_open = true;
                Vec::new()
            }
            Action::View => {
                self.images.view = self.images.view.next();
                self.images.cursor = 0;
                let word = self.images.view.word();
                self.say(Sign::Here, format!("Shown: {word}"));
                Vec::new()
            }
            Action::Details => {
                if let Some(row) = self.images.selected() {
                    let what = Reading::Image(row.name.clone());
                    self.overlay = Some(Overlay::Reading { what, scroll: 0 });
                }
                Vec::new()
            }
            Action::Choose => self.choose_image(),
            Action::Edit => self.edit_list(),
            Action::CheckAgain => self.read_images(),
            Action::Copy => self.copy_pull(),
            _ => {
                self.images.cursor = moved(self.images.cursor, shown, action, 8);
                Vec::new()
            }
        }
    }

    fn image_search_key(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Next => self.images.search_open = false,
            Action::Back => {
                self.images.search_open = false;
                self.images.search.reset();
            }
            _ => {}
        }
        self.images.cursor = 0;
        Vec::new()
    }

    fn choose_image(&mut self) -> Vec<Effect> {
        let Some(name) = self.images.selected().map(|row| row.name.clone()) else { return Vec::new() };
        self.images.toggle(&name);
        if self.images.only.as_ref().is_some_and(std::collections::BTreeSet::is_empty) {
            self.images.toggle(&name);
            self.say(Sign::Warning, "One image at least must stay");
            return Vec::new();
        }
        match &self.images.only {
            None => self.answers.unset(images::ONLY),
            Some(only) => {
                let list = only.iter().cloned().collect::<Vec<_>>().join(",");
                if let Err(failure) = self.answers.set(images::ONLY, list.into(), Origin::Typed) {
                    self.say(Sign::Failed, failure.what);
                    return Vec::new();
                }
            }
        }
        if let Some(form) = self.forms.get_mut(IMAGES) {
            *form = crate::frontend::tui::form::Form::new(form.section, &self.answers);
        }
        self.images.compare();
        if let Some(probe) = self.probes.get_mut(IMAGES) {
            probe.generation += 1;
            probe.state = crate::frontend::tui::app::ProbeState::Idle;
        }
        self.answers_changed(usize::MAX);
        self.survey_images()
    }

    fn copy_pull(&mut self) -> Vec<Effect> {
        let Some(row) = self.images.selected() else { return Vec::new() };
        let wanted = row.name.clone();
        let lines: Vec<String> = self
            .images
            .listed
            .list
            .iter()
            .flat_map(|list| list.images.iter().filter(|image| image.name == wanted))
            .flat_map(crate::images::Image::pull_commands)
            .collect();
        self.say(Sign::Done, format!("The `docker pull` lines of {wanted} were sent to your terminal"));
        vec![Effect::Copy(lines.join("\n"))]
    }

    /// Opens the editor at the first problem's or the selected image's line. The samples are copied first.
    fn edit_list(&mut self) -> Vec<Effect> {
        let images = self.answers.images();
        if images.metadata.is_none() || images.aliases.is_none() {
            return vec![Effect::CopySamples];
        }
        let (file, line) = self.where_to_edit(&images);
        file.map(|file| vec![Effect::Away(Errand::Edit(file, line))]).unwrap_or_default()
    }

    fn where_to_edit(&self, images: &crate::guide::Images) -> (Option<PathBuf>, usize) {
        let wrong = self.images.first_problem();
        if let (Some(place), false) =
            (wrong.and_then(|problem| problem.place.as_ref()), self.images.view == View::Changed)
        {
            return (Some(PathBuf::from(&*place.file)), place.line);
        }
        (images.metadata.clone(), self.images.selected().map_or(1, |row| row.line.max(1)))
    }

    /// The samples lie in the working folder now, and the answers point there.
    pub(super) fn samples_copied(&mut self, metadata: &PathBuf, aliases: &PathBuf) -> Vec<Effect> {
        for (key, path) in [(images::METADATA, metadata), (images::ALIASES, aliases)] {
            // A file that the user named stays the one that counts.
            if self.answers.given(key).is_none() {
                let text = path.display().to_string();
                if let Err(failure) = self.answers.set(key, text.into(), Origin::Typed) {
                    self.say(Sign::Failed, failure.what);
                    return Vec::new();
                }
            }
        }
        self.refill();
        let mut effects = self.answers_changed(IMAGES);
        let (file, line) = self.where_to_edit(&self.answers.images());
        effects.extend(file.map(|file| Effect::Away(Errand::Edit(file, line))));
        effects
    }
}

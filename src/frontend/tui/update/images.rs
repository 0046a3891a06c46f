//! The page of the image list.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::{
    failure::Failure,
    frontend::tui::{
        app::{App, Probe, Reading, View},
        form::Form,
        keymap::Action,
        msg::{Effect, Errand, Survey},
        theme::Sign,
    },
    guide::{Images, Origin, images},
    images::Image,
    session::Overwrite,
};

use super::moved;

impl App {
    /// Reads the list again, and asks etcd what it holds.
    pub(super) fn read_images(&mut self) {
        self.images.generation += 1;
        self.images.only = self.answers.images().only.map(|only| only.into_iter().collect());
        let answers = Box::new(self.answers.clone());
        self.want(Effect::List { generation: self.images.generation, answers });
    }

    /// Compares the list with what etcd holds, once it is known where that is.
    pub(super) fn survey_images(&mut self) {
        if self.is_complete(0) {
            // Only to see what is left over; nothing is written here.
            self.look_at(Survey::Images, Overwrite { stale_keys: true, ..Overwrite::default() });
        }
    }

    pub(super) fn images_key(&mut self, action: Action) {
        if self.images.search_open {
            return self.image_search_key(action);
        }
        let shown = self.images.shown().len();
        match action {
            Action::Next => {
                self.probe(self.image_list, false);
                self.go(self.page_after(self.image_list));
            }
            Action::Back if !self.images.search.value().is_empty() => self.images.search.reset(),
            Action::Back => self.back(),
            Action::Forward | Action::Backward => {
                self.images.in_fields = true;
                if let Some(form) = self.forms.get_mut(self.image_list) {
                    let last = form.fields.len().saturating_sub(1);
                    form.focus = if action == Action::Forward { 0 } else { last };
                }
            }
            Action::Search => self.images.search_open = true,
            Action::View => {
                self.images.view = self.images.view.next();
                self.images.cursor = 0;
                self.say(Sign::Here, format!("Shown: {}", self.images.view.word()));
            }
            Action::Details => {
                if let Some(row) = self.images.selected() {
                    self.read(Reading::Image(row.name.clone()));
                }
            }
            Action::Choose => self.choose_image(),
            Action::Edit => self.edit_list(),
            Action::CheckAgain => self.read_images(),
            Action::Remarks => self.read(Reading::Problems(self.image_remarks())),
            Action::Copy => self.copy_pull(),
            _ => self.images.cursor = moved(self.images.cursor, shown, action, 8),
        }
    }

    /// What is wrong with the list or worth saying of it, the worst first.
    pub(in crate::frontend::tui) fn image_remarks(&self) -> Vec<Failure> {
        let mut remarks = self.images.listed.problems.clone();
        remarks.extend(self.notes_of(self.image_list));
        remarks.sort_by_key(Failure::is_warning);
        remarks
    }

    fn image_search_key(&mut self, action: Action) {
        self.images.search_open &= !matches!(action, Action::Next | Action::Back);
        if action == Action::Back {
            self.images.search.reset();
        }
        self.images.cursor = 0;
    }

    fn choose_image(&mut self) {
        let Some(name) = self.images.selected().map(|row| row.name.clone()) else { return };
        self.images.toggle(&name);
        if self.images.only.as_ref().is_some_and(BTreeSet::is_empty) {
            self.images.toggle(&name);
            return self.say(Sign::Warning, "One image at least must stay");
        }
        match &self.images.only {
            None => self.answers.unset(images::ONLY),
            Some(only) => {
                let list = only.iter().cloned().collect::<Vec<_>>().join(",");
                if let Err(failure) = self.answers.set(images::ONLY, list.into(), Origin::Typed) {
                    return self.say(Sign::Failed, failure.what);
                }
            }
        }
        if let Some(form) = self.forms.get_mut(self.image_list) {
            *form = Form::new(form.section, &self.answers);
        }
        self.images.compare();
        self.probes.get_mut(self.image_list).into_iter().for_each(Probe::forget);
        self.answers_changed(usize::MAX);
        self.survey_images();
    }

    fn copy_pull(&mut self) {
        let Some(wanted) = self.images.selected().map(|row| row.name.clone()) else { return };
        let images = self.images.listed.list.iter().flat_map(|list| &list.images);
        let lines: Vec<String> =
            images.filter(|image| image.name == wanted).flat_map(Image::pull_commands).collect();
        self.say(Sign::Done, format!("The `docker pull` lines of {wanted} were sent to your terminal"));
        self.want(Effect::Copy(lines.join("\n")));
    }

    /// Opens the editor at the first problem's or the selected image's line. The samples are copied first.
    fn edit_list(&mut self) {
        let images = self.answers.images();
        if images.metadata.is_none() || images.aliases.is_none() {
            return self.want(Effect::CopySamples);
        }
        self.edit(&images);
    }

    fn edit(&mut self, images: &Images) {
        if let (Some(file), line) = self.where_to_edit(images) {
            self.want(Effect::Away(Errand::Edit(file, line)));
        }
    }

    fn where_to_edit(&self, images: &Images) -> (Option<PathBuf>, usize) {
        let wrong = self.images.first_problem();
        if let (Some(place), false) =
            (wrong.and_then(|problem| problem.place.as_ref()), self.images.view == View::Changed)
        {
            return (Some(PathBuf::from(&*place.file)), place.line);
        }
        (images.metadata.clone(), self.images.selected().map_or(1, |row| row.line.max(1)))
    }

    /// The samples lie in the working folder now, and the answers point there.
    pub(super) fn samples_copied(&mut self, metadata: &Path, aliases: &Path) {
        for (key, path) in [(images::METADATA, metadata), (images::ALIASES, aliases)] {
            // A file that the user named stays the one that counts.
            if self.answers.given(key).is_none()
                && let Err(failure) = self.answers.set(key, path.display().to_string().into(), Origin::Typed)
            {
                return self.say(Sign::Failed, failure.what);
            }
        }
        self.refill();
        self.answers_changed(self.image_list);
        self.edit(&self.answers.images());
    }
}

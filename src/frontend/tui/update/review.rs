//! The review and the menu: what would change, and the word that lets something foreign be overwritten.

use tui_input::Input;

use crate::{
    failure::Failure,
    frontend::{
        tui::{
            app::{App, Grant, Overlay, Page, Reading, surveyed},
            keymap::Action,
            msg::{Effect, Survey},
            reviewing::Item,
            theme::Sign,
        },
        wizard::{drift::is_drift, first_of, review::asks_for_owners},
    },
    guide::database,
    session::Overwrite,
    workflow::{StageId, StageState},
};

use super::moved;

impl App {
    pub(super) fn survey_all(&mut self) {
        if self.survey.since.is_none() {
            self.look_at(Survey::All, self.overwrite);
        }
    }

    /// Asks what would change.
    pub(super) fn look_at(&mut self, survey: Survey, overwrite: Overwrite) {
        let now = self.now;
        let known = surveyed(self, survey);
        known.generation += 1;
        known.since = Some(now);
        let generation = known.generation;
        let answers = Box::new(self.answers.clone());
        self.want(Effect::Survey { survey, generation, answers, overwrite });
    }

    /// Looks at everything anew.
    pub(super) fn check_again(&mut self) {
        self.survey.since = None;
        (0..self.forms.len()).for_each(|at| self.probe(at, true));
        self.survey_all();
    }

    pub(super) fn review_key(&mut self, action: Action) {
        match action {
            Action::Write => self.write(),
            Action::Next => self.open(),
            Action::Back => self.back(),
            Action::CheckAgain => self.check_again(),
            Action::View => {
                self.review.view = self.review.view.next();
                self.review.cursor = None;
                self.say(Sign::Here, format!("Shown: {}", self.review.view.word()));
            }
            _ => {
                let count = self.review_items().len();
                self.review.cursor = Some(moved(self.review_cursor(), count, action, 8));
            }
        }
    }

    fn write(&mut self) {
        match self.obstacle() {
            Some(obstacle) => self.say(Sign::Warning, format!("w is off: {obstacle}")),
            None => {
                let confirmed = self.survey.stages().to_vec();
                self.start_run(Vec::new(), Vec::new(), Some(confirmed));
            }
        }
    }

    /// Opens what the cursor is on: the page to fix, or everything in full.
    fn open(&mut self) {
        match self.review_items().get(self.review_cursor()) {
            Some(Item::Target(at)) if !self.is_complete(*at) => {
                let page = Page::Section(*at);
                self.go(page);
                self.focus_wanting();
            }
            Some(Item::Target(at)) => self.read(Reading::Verdict(*at)),
            Some(Item::Answers) => self.read(Reading::Answers),
            Some(Item::Stage(StageState { stage, failure: None, .. })) => self.read(Reading::Stage(stage)),
            Some(Item::Stage(StageState { failure: Some(failure), .. })) => {
                self.confirm_or_show(failure.clone());
            }
            Some(Item::Revision(climbed)) => self.read(Reading::Revision(climbed.clone())),
            Some(Item::Note(told) | Item::Problem(told)) => self.read(Reading::Problems(vec![told.clone()])),
            None => {}
        }
    }

    fn confirm_or_show(&mut self, failure: Failure) {
        if asks_for_owners(&failure) {
            return self.ask_for_owners(&failure);
        }
        if is_drift(&failure) {
            return self.look_at_drift();
        }
        match Grant::of(&failure) {
            Some(grants) => {
                self.overlay = Some(Overlay::Confirm { failure, grants, input: Input::default() })
            }
            None => self.read(Reading::Problems(vec![failure])),
        }
    }

    /// The page of what the database is otherwise than its revision, where that is what is wrong.
    pub(super) fn look_at_drift(&mut self) {
        self.drift.generation += 1;
        (self.drift.since, self.drift.result) = (Some(self.now), None);
        self.read(Reading::Drift);
        self.want(Effect::LookAtDrift(self.drift.generation, Box::new(self.answers.clone())));
    }

    /// The question that is asked where it matters alone: the numbers found stand below its field.
    fn ask_for_owners(&mut self, failure: &Failure) {
        let (forms, answers) = (&mut self.forms, &self.answers);
        let Some(at) = forms.iter_mut().position(|form| form.ask_for(database::USER_IDS, answers)) else {
            return;
        };
        self.overlay = None;
        self.go(Page::Section(at));
        self.say(Sign::Here, failure.why.clone().unwrap_or_default());
    }

    pub(super) fn confirm_key(&mut self, action: Action) {
        let Some(Overlay::Confirm { grants, input, .. }) = &self.overlay else { return };
        match action {
            Action::Back => self.overlay = None,
            Action::Next if input.value() == grants.word() => {
                grants.allow(&mut self.overwrite);
                self.overlay = None;
                self.say(Sign::Done, "Allowed for this round; nothing is written yet");
                self.survey.since = None;
                match self.page {
                    Page::Menu => self.look_at_one(),
                    _ => self.survey_all(),
                }
            }
            Action::Next => {
                let word = grants.word();
                self.say(Sign::Warning, format!("Type {word} to allow it, or Esc to leave it"));
            }
            _ => {}
        }
    }

    pub(super) fn menu_key(&mut self, action: Action) {
        match action {
            Action::Next => self.look_at_one(),
            Action::Back => self.back(),
            Action::CheckAgain => self.check_again(),
            Action::Undo => self.look_at_undo(),
            _ => self.menu_cursor = moved(self.menu_cursor, self.setup.stage_abouts().len(), action, 7),
        }
    }

    /// Shows what one stage would change if it ran alone.
    fn look_at_one(&mut self) {
        let Some(about) = self.setup.stage_abouts().get(self.menu_cursor).copied() else { return };
        self.alone.result = None;
        self.overlay = Some(Overlay::Alone { stage: about.id, scroll: 0 });
        self.look_at(Survey::One(about.id), self.overwrite);
    }

    /// Runs the one stage whose changes are on the screen.
    pub(super) fn write_alone(&mut self, stage: StageId) {
        let found = self.alone.stages().iter().find(|state| state.stage == stage);
        let obstacle = match (found.map(|state| &state.failure), &self.alone.result) {
            (Some(None), _) => {
                self.overlay = None;
                let confirmed = self.alone.stages().to_vec();
                return self.start_run(vec![stage], Vec::new(), Some(confirmed));
            }
            (Some(Some(failure)), _) if Grant::of(failure).is_some() => {
                return self.confirm_or_show(failure.clone());
            }
            (Some(Some(failure)), _) => failure.what.clone(),
            (None, Some(Err(problems))) => first_of(problems).unwrap_or_default(),
            (None, _) => "the servers are still being looked at".to_owned(),
        };
        self.say(Sign::Warning, format!("w is off: {obstacle}"));
    }
}

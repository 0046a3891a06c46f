//! The review and the menu: what would change, and the word that lets something foreign be overwritten.

use tui_input::Input;

use crate::{
    failure::Failure,
    frontend::tui::{
        app::{App, Grant, Overlay, Page, Reading},
        keymap::Action,
        msg::{Effect, Survey},
        reviewing::Item,
        theme::Sign,
    },
    workflow::StageId,
};

use super::moved;

impl App {
    pub(super) fn survey_all(&mut self) -> Vec<Effect> {
        if self.survey.since.is_some() {
            return Vec::new();
        }
        let now = self.now;
        self.survey.generation += 1;
        self.survey.since = Some(now);
        vec![Effect::Survey {
            survey: Survey::All,
            generation: self.survey.generation,
            answers: Box::new(self.answers.clone()),
            overwrite: self.overwrite,
        }]
    }

    /// Looks at everything anew.
    pub(super) fn check_again(&mut self) -> Vec<Effect> {
        self.survey.since = None;
        let mut effects: Vec<Effect> = (0..self.forms.len()).flat_map(|at| self.probe(at, true)).collect();
        effects.extend(self.survey_all());
        effects
    }

    pub(super) fn review_key(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Write => self.write(),
            Action::Next => self.open(),
            Action::Back => self.back(),
            Action::CheckAgain => self.check_again(),
            Action::View => {
                self.review.view = self.review.view.next();
                self.review.cursor = None;
                let word = self.review.view.word();
                self.say(Sign::Here, format!("Shown: {word}"));
                Vec::new()
            }
            _ => {
                let count = self.review_items().len();
                self.review.cursor = Some(moved(self.review_cursor(), count, action, 8));
                Vec::new()
            }
        }
    }

    fn write(&mut self) -> Vec<Effect> {
        if let Some(obstacle) = self.obstacle() {
            self.say(Sign::Warning, format!("w is off: {obstacle}"));
            return Vec::new();
        }
        self.start_run(Vec::new(), Vec::new())
    }

    /// Opens what the cursor is on: the page to fix, or everything in full.
    fn open(&mut self) -> Vec<Effect> {
        enum Opens {
            Page(usize),
            Reading(Reading),
            Confirm(Failure, Grant),
        }
        let items = self.review_items();
        let opens = match items.get(self.review_cursor()) {
            Some(Item::Target(at)) if !self.is_complete(*at) => Opens::Page(*at),
            Some(Item::Target(at)) => Opens::Reading(Reading::Verdict(*at)),
            Some(Item::Answers) => Opens::Reading(Reading::Answers),
            Some(Item::Stage(stage)) => match &stage.failure {
                Some(failure) => match Grant::of(failure) {
                    Some(grants) => Opens::Confirm(failure.clone(), grants),
                    None => Opens::Reading(Reading::Problems(vec![failure.clone()])),
                },
                None => Opens::Reading(Reading::Stage(stage.stage)),
            },
            Some(Item::Note(told) | Item::Problem(told)) => {
                Opens::Reading(Reading::Problems(vec![told.clone()]))
            }
            None => return Vec::new(),
        };
        match opens {
            Opens::Page(at) => {
                let effects = self.go(Page::Section(at));
                self.focus_wanting();
                return effects;
            }
            Opens::Reading(what) => self.overlay = Some(Overlay::Reading { what, scroll: 0 }),
            Opens::Confirm(failure, grants) => {
                self.overlay = Some(Overlay::Confirm { failure, grants, input: Input::default() });
            }
        }
        Vec::new()
    }

    pub(super) fn confirm_key(&mut self, action: Action) -> Vec<Effect> {
        let Some(Overlay::Confirm { grants, input, .. }) = &self.overlay else { return Vec::new() };
        match action {
            Action::Back => self.overlay = None,
            Action::Next if input.value() == grants.word() => {
                grants.allow(&mut self.overwrite);
                self.overlay = None;
                self.say(Sign::Done, "Allowed for this round; nothing is written yet");
                self.survey.since = None;
                return match self.page {
                    Page::Menu => self.look_at_one(),
                    _ => self.survey_all(),
                };
            }
            Action::Next => {
                let word = grants.word();
                self.say(Sign::Warning, format!("Type {word} to allow it, or Esc to leave it"));
            }
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn menu_key(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Next => self.look_at_one(),
            Action::Back => self.back(),
            Action::CheckAgain => self.check_again(),
            _ => {
                self.menu_cursor = moved(self.menu_cursor, self.setup.stage_abouts().len(), action, 7);
                Vec::new()
            }
        }
    }

    /// Shows what one stage would change if it ran alone.
    fn look_at_one(&mut self) -> Vec<Effect> {
        let Some(about) = self.setup.stage_abouts().get(self.menu_cursor).copied() else { return Vec::new() };
        let now = self.now;
        self.alone.generation += 1;
        self.alone.result = None;
        self.alone.since = Some(now);
        self.overlay = Some(Overlay::Alone { stage: about.id, scroll: 0 });
        vec![Effect::Survey {
            survey: Survey::One(about.id),
            generation: self.alone.generation,
            answers: Box::new(self.answers.clone()),
            overwrite: self.overwrite,
        }]
    }

    /// Runs the one stage whose Changes are on the screen.
    pub(super) fn write_alone(&mut self, stage: StageId) -> Vec<Effect> {
        let found = self.alone.stages().iter().find(|state| state.stage == stage);
        match (found, &self.alone.result) {
            (Some(state), _) => match &state.failure {
                None => {}
                Some(failure) => {
                    match Grant::of(failure) {
                        Some(grants) => {
                            let failure = failure.clone();
                            self.overlay =
                                Some(Overlay::Confirm { failure, grants, input: Input::default() });
                        }
                        None => {
                            let what = failure.what.clone();
                            self.say(Sign::Warning, format!("w is off: {what}"));
                        }
                    }
                    return Vec::new();
                }
            },
            (None, Some(Err(problems))) => {
                let what = problems.first().map_or_else(String::new, |problem| problem.what.clone());
                self.say(Sign::Warning, format!("w is off: {what}"));
                return Vec::new();
            }
            (None, _) => {
                self.say(Sign::Warning, "w is off: the servers are still being looked at");
                return Vec::new();
            }
        }
        self.overlay = None;
        self.start_run(vec![stage.to_owned()], Vec::new())
    }
}

//! The questions of a section, and what stands at its end: contradictions, the image list, the live check.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::{
    failure::{Code, Failure},
    frontend::{
        console::{questions::Question, wrapping::wrapping_stderr},
        wizard::{drift::is_drift, notes, problems_of, review::Step},
    },
    guide::{Default, Origin, Refused, Section, Shape, Variable, database, database_url, etcd},
    report::{write_checks, write_images},
    session::{Operation, Scope},
};

use super::{Answered, Page, Wizard};

/// How many aliases of an image are shown; the command `images` shows them all.
const ALIASES_SHOWN: usize = 3;

/// What leaves an answer empty that had a value.
const NOTHING: &str = "-";

impl Wizard<'_> {
    /// Asks for one variable.
    pub(super) async fn ask(&mut self, at: usize) -> Answered<Page> {
        let Some((own, variable)) = self.questions.get(at).copied() else { return Ok(Page::Review) };
        let section = self.sections()[own];
        self.left_on = section.id;
        if self.is_section_start(at) {
            self.say("");
            self.say(&format!("{}. {}", section.title, section.intro));
        }
        if self.is_idle(variable) {
            self.answers.unset(variable.key);
        } else {
            self.ask_for(variable).await?;
        }
        let next = at + 1;
        if next == self.questions.len() || self.is_section_start(next) {
            return Ok(Page::Judge(own));
        }
        Ok(Page::Ask(next))
    }

    pub(super) async fn ask_for(&mut self, variable: &'static Variable) -> Answered<()> {
        let given = self.answers.given(variable.key);
        let kept = given.map(|given| given.words(variable));
        let has_value = given.is_some();
        let default = kept.or(match variable.default {
            Default::Value(value) => Some(value.to_owned()),
            Default::Unset(_) | Default::Required => None,
        });
        if let (Shape::Choice(words), false) = (variable.shape, variable.is_secret()) {
            let cursor = words.iter().position(|word| Some(*word) == default.as_deref()).unwrap_or(0);
            let title = format!("{}: {}", variable.title, variable.help);
            let chosen = self.choose(&title, words, cursor).await?;
            self.set(variable, words[chosen].into());
            return Ok(());
        }
        let question = Question {
            title: variable.title.to_owned(),
            help: help(variable, has_value),
            empty: match variable.default {
                Default::Unset(meaning) if default.is_none() => Some(meaning),
                _ => None,
            },
            default,
            secret: variable.is_secret(),
            judge: Arc::new(move |text| judge(variable, text, has_value)),
        };
        let text = self.text(&question).await?;
        match text.expose_secret() {
            // Enter at a secret that is set.
            "" if has_value && variable.is_secret() => {}
            NOTHING if !matches!(variable.default, Default::Required) => self.set(variable, "".into()),
            url if variable.key == database::ADDRESS && database_url(url).is_some() => self.split(url),
            _ => self.set(variable, text),
        }
        Ok(())
    }

    fn set(&mut self, variable: &Variable, value: SecretString) {
        let is_default =
            matches!(variable.default, Default::Value(value_of) if value_of == value.expose_secret());
        if !is_default || self.answers.given(variable.key).is_some() {
            let (changed, refused) = self.answers.type_in(variable, value);
            self.round.changed |= changed;
            self.tell(&refused.map(Refused::failure).into_iter().collect::<Vec<_>>());
        }
    }

    /// A pasted URL is split into its answers.
    fn split(&mut self, url: &str) {
        let parts = database_url(url).unwrap_or_default();
        for (key, value) in parts {
            if let Err(failure) = self.answers.set(key, value.into(), Origin::Typed) {
                self.tell(&[failure]);
            }
        }
        self.round.changed = true;
        self.say("The URL was split into its answers; Enter takes each of them.");
    }

    /// The end of a section: its answers together, and what the world says to them.
    pub(super) async fn judge(&mut self, at: usize) -> Answered<Page> {
        let Some(section) = self.sections().get(at).copied() else { return Ok(Page::Review) };
        let problems = problems_of(section, &self.answers);
        if !problems.is_empty() {
            self.tell(&problems);
            return Ok(Page::Ask(self.first_of(at)));
        }
        self.tell(&section.own(notes(&self.answers, &[])));
        self.keep_draft();
        let next = if self.from_review || at + 1 == self.sections().len() {
            Page::Review
        } else {
            Page::Ask(self.first_of(at + 1))
        };
        if self.setup.checks_of(section).is_empty() {
            return Ok(next);
        }
        loop {
            let failures = self.probe(section).await?;
            if failures.as_ref().is_some_and(Vec::is_empty) {
                return Ok(next);
            }
            let mut options =
                vec!["Change these answers", "Check again", "Go on; writing stays off until it is fixed"];
            options.extend(failures.iter().flatten().any(is_drift).then_some(Step::Drift.words()));
            match self.choose("What now?", &options, 0).await? {
                0 => return Ok(Page::Ask(self.first_of(at))),
                1 => {}
                3 => self.show_drift().await?,
                _ => return Ok(next),
            }
        }
    }

    /// Makes the live checks of a section and prints their ladders. What failed; nothing is known where they could not
    /// be made.
    async fn probe(&mut self, section: &'static Section) -> Answered<Option<Vec<Failure>>> {
        let scope = Ok(Scope::section(self.setup, section));
        let Some(session) = self.open(scope, Operation::Check).await? else { return Ok(None) };
        if let Some(list) = session.images() {
            let mut err = wrapping_stderr(self.asker.is_lines());
            let _ = write_images(&mut err, self.style, list, ALIASES_SHOWN);
        }
        self.say("Checking…");
        let state = self.look(&session, Operation::Check).await?;
        let mut err = wrapping_stderr(self.asker.is_lines());
        let _ = write_checks(&mut err, self.style, &state);
        Ok(Some(state.checks.iter().flat_map(|(.., verdict)| verdict.failures().cloned()).collect()))
    }

    /// Asks for the required answers that are missing, and for nothing else.
    pub(super) async fn ask_for_missing(&mut self) -> Answered<()> {
        if self.wanting().is_some() {
            self.say("Some answers are missing.");
        }
        while let Some((section, variable)) = self.wanting().and_then(|at| self.questions.get(at).copied()) {
            let section = self.sections()[section];
            self.say(&format!("{}. {}", section.title, section.intro));
            self.ask_for(variable).await?;
        }
        Ok(())
    }

    /// The password of nobody is not asked for, nor a way around a sign-in that there is not.
    fn is_idle(&self, variable: &Variable) -> bool {
        match variable.key {
            etcd::PASSWORD => self.answers.given(etcd::USER).is_none(),
            etcd::MANAGER_ENDPOINT => {
                self.answers.given(etcd::USER).is_none() && self.answers.given(variable.key).is_none()
            }
            _ => !variable.is_always_asked() && self.answers.given(variable.key).is_none(),
        }
    }

    fn is_section_start(&self, at: usize) -> bool {
        at == 0 || self.questions[at].0 != self.questions[at - 1].0
    }

    pub(super) fn first_of(&self, section: usize) -> usize {
        self.questions.iter().position(|(own, _)| *own == section).unwrap_or(0)
    }

    pub(super) fn last_of(&self, section: usize) -> usize {
        let count = self.questions.iter().filter(|(own, _)| *own == section).count();
        self.before_index(self.first_of(section) + count.max(1)).unwrap_or(0)
    }

    /// The question that came before this one.
    pub(super) fn before(&self, at: usize) -> Page {
        self.before_index(at).map_or(Page::Home, Page::Ask)
    }

    fn before_index(&self, at: usize) -> Option<usize> {
        (0..at.min(self.questions.len())).rev().find(|earlier| !self.is_idle(self.questions[*earlier].1))
    }

    /// The first required answer that is missing.
    pub(super) fn wanting(&self) -> Option<usize> {
        self.questions.iter().position(|(_, variable)| {
            matches!(variable.default, Default::Required) && self.answers.given(variable.key).is_none()
        })
    }
}

fn help(variable: &Variable, has_value: bool) -> String {
    match variable.default {
        Default::Unset(_) if has_value => format!("{} {NOTHING} takes it out.", variable.help),
        Default::Unset(what) => format!("{} Left empty: {what}.", variable.help),
        Default::Value(value) if has_value => format!("{} {NOTHING} goes back to {value}.", variable.help),
        _ => variable.help.to_owned(),
    }
}

/// Why a text cannot be taken for a variable, in one line.
fn judge(variable: &Variable, text: &str, has_value: bool) -> Result<(), String> {
    let is_url = variable.key == database::ADDRESS && database_url(text).is_some();
    match (text, variable.default) {
        ("", Default::Required) if has_value && variable.is_secret() => Ok(()),
        ("" | NOTHING, Default::Required) => Err(format!("{} is needed to go on.", variable.title)),
        ("", _) | (NOTHING, Default::Unset(_) | Default::Value(_)) => Ok(()),
        _ if is_url => Ok(()),
        _ => (variable.validate)(text).map_err(|refused| {
            // The answer itself stands above.
            let failure = Failure::new(Code::AnswersValue, refused.why);
            format!("{}: {}.", failure.what, refused.remedy)
        }),
    }
}

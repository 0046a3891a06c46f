//! The review: what every target says, what would change, and the word that writes it.

use std::sync::Arc;

use crate::{
    frontend::{
        console::{questions::Question, wrapping::wrapping_stderr},
        wizard::{drift::lines, review::Step, run::Ending, upgrade::upgrade},
    },
    guide::database,
    report::{RunState, write_answers, write_plan, write_status, write_verdicts},
    session::{Grant, Operation, Scope},
};

use super::{Answered, Away, Page, Wizard};

impl Wizard<'_> {
    /// Looks at everything and asks what to do.
    pub(super) async fn review(&mut self) -> Answered<Page> {
        self.from_review = false;
        self.left_on = "review";
        self.ask_for_missing().await?;
        self.say("");
        self.say(if self.round.wrote { "Review." } else { "Review. Nothing is written yet." });
        let everything = Scope::stages(self.setup, &[], None, &[]);
        let state = match self.open(everything, Operation::Preview).await? {
            Some(session) => self.look(&session, Operation::Preview).await?,
            None => RunState::default(),
        };
        let mut err = wrapping_stderr(self.asker.is_lines());
        let _ = write_verdicts(&mut err, self.style, &state);
        let _ = write_status(&mut err, self.style, &state);
        drop(err);
        self.tell_revisions(&state);
        self.tell(&state.failures_beside_checks());
        let steps = Step::all(&state);
        // One Enter too many must not write.
        let first = steps.iter().position(|step| *step != Step::Write).unwrap_or(0);
        let options: Vec<&str> = steps.iter().map(|step| step.words()).collect();
        self.asker.forget_pending();
        loop {
            match steps[self.choose("What now?", &options, first).await?] {
                Step::Write => return self.write(&[], state.plan).await,
                Step::Allow(grant) => {
                    if or_back(self.allow(grant).await, false)? {
                        return Ok(Page::Review);
                    }
                }
                Step::Owners => {
                    self.ask_for_owners().await?;
                    return Ok(Page::Review);
                }
                Step::Drift => self.show_drift().await?,
                Step::Changes => {
                    let _ = write_plan(&mut wrapping_stderr(self.asker.is_lines()), self.style, &state);
                }
                Step::Answers => self.show_answers(),
                Step::Change => return or_back(self.change().await, Page::Review),
                Step::Again => return Ok(Page::Review),
                Step::Menu => return Ok(Page::Menu),
                Step::Leave => return Err(Away::Leave(self.round.status)),
            }
        }
    }

    /// The revisions of an upgrade, each with what happens to rows.
    fn tell_revisions(&self, state: &RunState) {
        for stage in &state.plan {
            let climbed = upgrade(&self.setup.guide.schema, stage);
            if !climbed.is_empty() {
                self.say(&format!("{}, by revisions:", stage.title));
            }
            climbed.iter().for_each(|revision| self.say(&format!("  {}", revision.words())));
        }
    }

    /// A typed word allows to overwrite something foreign; true when it was typed.
    pub(super) async fn allow(&mut self, grant: Grant) -> Answered<bool> {
        let word = grant.word();
        let question = Question {
            title: format!("Type {word} to allow it"),
            help: "Nothing is written yet; what is there is overwritten once you write.".into(),
            default: None,
            empty: Some("leave it as it is"),
            secret: false,
            judge: Arc::new(move |text| match text {
                "" => Ok(()),
                text if text == word => Ok(()),
                _ => Err(format!("Type {word}, or nothing to leave it as it is.")),
            }),
        };
        if self.plain_text(&question).await?.is_empty() {
            return Ok(false);
        }
        grant.allow(&mut self.run_options.overwrite);
        Ok(true)
    }

    /// What becomes of the numbers of owners? It is asked where it matters alone.
    async fn ask_for_owners(&mut self) -> Answered<()> {
        if let Some(variable) = self.setup.guide.variable(database::USER_IDS) {
            or_back(self.ask_for(variable).await, ())?;
            self.keep_draft();
        }
        Ok(())
    }

    /// In what the database is otherwise than its revision, and what can be done about it.
    pub(super) async fn show_drift(&mut self) -> Answered<()> {
        let scope = Ok(Scope::section(self.setup, &database::SECTION));
        let Some(session) = self.open(scope, Operation::Status).await? else { return Ok(()) };
        let looked = tokio::select! {
            looked = session.look_at_drift() => looked,
            status = self.signals.next() => return Err(Away::Leave(status)),
        };
        match looked {
            Ok(look) => lines(&look, &self.answers).iter().for_each(|line| self.say(line)),
            Err(failure) => self.tell(&[failure]),
        }
        Ok(())
    }

    fn show_answers(&self) {
        let _ =
            write_answers(&mut wrapping_stderr(self.asker.is_lines()), self.style, &self.answers.filled());
    }

    /// Which answers?
    pub(super) async fn change(&mut self) -> Answered<Page> {
        let titles: Vec<&str> = self.sections().iter().map(|section| section.title).collect();
        let chosen = self.choose("Which answers?", &titles, 0).await?;
        self.from_review = true;
        Ok(Page::Ask(self.first_of(chosen)))
    }

    /// Every stage with its live state; any of them can run alone.
    pub(super) async fn menu(&mut self) -> Answered<Page> {
        let operation = Operation::Plan { detailed: false };
        let Some(session) = self.open(Scope::stages(self.setup, &[], None, &[]), operation).await? else {
            return Ok(Page::Review);
        };
        let state = self.look(&session, operation).await?;
        let told = |id: &str| state.plan.iter().find(|stage| stage.stage == id);
        let stages = self.setup.stage_abouts();
        let mut options: Vec<String> = stages
            .iter()
            .map(|about| match told(about.id) {
                Some(stage) => format!("{}: {}, {}", about.title, stage.state.word(), stage.summary),
                None => about.title.to_owned(),
            })
            .enumerate()
            // Lines number whatever can be chosen.
            .map(|(at, words)| if self.asker.is_lines() { words } else { format!("{}. {words}", at + 1) })
            .collect();
        options.extend([Ending::Undo.title(), Ending::Review.title()].map(str::to_owned));
        let chosen = self.choose("Which stage?", &options, 0).await?;
        if chosen == stages.len() {
            return or_back(self.undo().await, Page::Menu);
        }
        let Some(about) = stages.get(chosen).copied() else { return Ok(Page::Review) };
        or_back(self.alone(about.id).await, Page::Menu)
    }

    /// Shows what one stage would change if it ran alone, and runs it.
    async fn alone(&mut self, id: &'static str) -> Answered<Page> {
        loop {
            let scope = Scope::stages(self.setup, &[id], None, &[]);
            let Some(session) = self.open(scope, Operation::Preview).await? else { return Ok(Page::Menu) };
            let state = self.look(&session, Operation::Preview).await?;
            let _ = write_plan(&mut wrapping_stderr(self.asker.is_lines()), self.style, &state);
            self.tell(state.failures());
            let steps = Step::alone(state.failures());
            let words = |step: &Step| match step {
                Step::Menu => "Back to the stages",
                Step::Write => "Run this stage",
                step => step.words(),
            };
            let options: Vec<&str> = steps.iter().map(words).collect();
            self.asker.forget_pending();
            match steps[self.choose("What now?", &options, 0).await?] {
                Step::Write => return self.write(&[id], state.plan).await,
                Step::Allow(grant) => drop(or_back(self.allow(grant).await, false)?),
                Step::Owners => self.ask_for_owners().await?,
                Step::Drift => self.show_drift().await?,
                _ => return Ok(Page::Menu),
            }
        }
    }
}

/// One thing back is here, and no further.
fn or_back<T>(answered: Answered<T>, here: T) -> Answered<T> {
    match answered {
        Err(Away::Back) => Ok(here),
        answered => answered,
    }
}

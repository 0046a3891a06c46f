//! The door between the faces and the work: load answers, then check, survey or run.

mod confirmed;
mod found;
mod grant;
mod inspection;
mod judge;
mod keep;
mod lines;
mod load;
mod locks;
mod meeting;
mod names;
mod options;
mod reach;
mod recognise;
mod redact;
mod samples;
mod schema;
mod scope;
mod secret;
mod stopped;
mod undo;
mod wait;
mod work;

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use crate::{
    checks,
    failure::{Code, Failure, Subject, shortened},
    guide::{
        Answers,
        files::{ALEMBIC_INI, CREDENTIALS, ENVIRONMENT},
    },
    images::ImageList,
    journal::Journal,
    rendezvous::{self, Rendezvous},
    state::RunRecord,
    workflow::{Context, Deadline, EVENTS_AHEAD, Run, StageState, Stop},
    world::World,
};

pub use crate::{
    guides::Setup,
    rendezvous::OfferLimits,
    saved_plan::{PlanFile, SavedPlan},
    world::Overwrite,
};
use confirmed::Confirmed;
pub use grant::Grant;
pub use inspection::{Inspection, broke};
pub use keep::{
    Draft, draft, forget_draft, read_credentials, save_answers, save_answers_of, save_draft, save_text,
};
pub use load::{Inputs, LoadedAnswers, load_answers, load_answers_with, load_given_answers};
pub use options::{Operation, RunOptions};
pub use reach::accepts;
pub use samples::{copy_samples, put_new, samples_to_edit};
pub use schema::SchemaLook;
pub use scope::{Judging, Scope, stray_value};
pub use stopped::{broken_off, stopped};
pub use undo::undo_scope;

/// Loaded answers and what is to be done with them.
pub struct Session {
    world: Arc<World>,
    scope: Scope,
    notices: Vec<Failure>,
    wait: Option<Duration>,
    confirmed: Option<Confirmed>,
    /// Where the plan is saved.
    save: Option<PlanFile>,
}

impl Session {
    /// Reads and judges every answer and every input file that the scope needs; touches nothing.
    ///
    /// # Errors
    /// Every problem of all sources at once.
    pub fn load(inputs: &Inputs, scope: Scope, operation: Operation) -> Result<Self, Vec<Failure>> {
        let loaded = Self::load_answers(inputs, &scope)?;
        Self::of_answers(loaded, &inputs.run_options, scope, operation)
    }

    /// The first half of [`Session::load`]: the answers, with the secrets that the scope uses. Whoever can ask a person
    /// does so before the second half.
    ///
    /// # Errors
    /// Flags that none of the stages looks at.
    pub fn load_answers(inputs: &Inputs, scope: &Scope) -> Result<LoadedAnswers, Vec<Failure>> {
        let idle = scope.idle_flags(&inputs.run_options);
        if !idle.is_empty() {
            return Err(idle);
        }
        Ok(load_answers_with(inputs, &scope.secrets()))
    }

    /// As [`Session::load`], for work that only the answers tell: with these secrets, whatever it is.
    ///
    /// # Errors
    /// Every problem of all sources at once, else what is in the way of the choice.
    pub fn load_for(
        inputs: &Inputs,
        secrets: &[&'static str],
        choose: impl FnOnce(&Answers) -> Result<Scope, Failure>,
        operation: Operation,
    ) -> Result<Self, Vec<Failure>> {
        let mut loaded = load_answers_with(inputs, secrets);
        match choose(&loaded.answers) {
            Ok(scope) => Self::of_answers(loaded, &inputs.run_options, scope, operation),
            Err(failure) => {
                loaded.problems.extend(loaded.to_ask.into_iter().map(|(_, failure)| failure));
                Err(if loaded.problems.is_empty() { vec![failure] } else { shortened(loaded.problems) })
            }
        }
    }

    /// The second half: judges these answers, with every input file that the scope needs.
    ///
    /// # Errors
    /// Every problem of all sources at once.
    pub fn of_answers(
        loaded: LoadedAnswers,
        run_options: &RunOptions,
        scope: Scope,
        operation: Operation,
    ) -> Result<Self, Vec<Failure>> {
        let LoadedAnswers { answers, mut problems, mut notices, to_ask, tried, unread } = loaded;
        problems.extend(to_ask.into_iter().map(|(_, failure)| failure));
        notices = notices.into_iter().map(|notice| run_options.tolerance.apply(notice)).collect();
        match Self::new(&answers, run_options, scope, operation) {
            Ok(session) if problems.is_empty() => {
                notices.extend(session.notices);
                Ok(Self { notices, ..session })
            }
            Ok(_) => Err(shortened(problems)),
            Err(missing) => {
                // A value that was refused, or stands in a file that did not read, is no missing value.
                let refused = |failure: &Failure| match failure.subject() {
                    Some(Subject::Unanswered(key)) => {
                        tried.contains(key) || (unread && failure.code == Code::AnswersMissing)
                    }
                    _ => false,
                };
                problems.extend(missing.into_iter().filter(|failure| !refused(failure)));
                Err(shortened(problems))
            }
        }
    }

    /// Judges answers that a face has filled in, with all that the scope needs; touches nothing.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn new(
        answers: &Answers,
        run_options: &RunOptions,
        scope: Scope,
        operation: Operation,
    ) -> Result<Self, Vec<Failure>> {
        let (mut world, notices) = judge::judge(answers, run_options, &scope)?;
        world.thorough = operation == Operation::Check;
        if !scope.stages.is_empty() {
            // A file that no stage of this work writes is none of its business.
            let files = &mut world.settings.files;
            files.credentials = files.credentials.take().filter(|_| scope.writes(CREDENTIALS));
            files.alembic_ini = files.alembic_ini.take().filter(|_| scope.writes(ALEMBIC_INI));
            files.environment = files.environment.take().filter(|_| scope.writes(ENVIRONMENT));
        }
        let notices = notices.into_iter().map(|notice| run_options.tolerance.apply(notice)).collect();
        // A check tells what is wrong with the list beside the other verdicts; nothing else goes on with it.
        if operation != Operation::Check
            && let Some(Err(problems)) = world.judged_images()
        {
            return Err(problems.clone());
        }
        let (wait, confirmed, save) = (run_options.wait, None, None);
        let mut session = Self { world: Arc::new(world), scope, notices, wait, confirmed, save };
        if let Some(Rendezvous::Offer(_)) = session.scope.rendezvous {
            session.prepare_offer();
        }
        Ok(session)
    }

    /// What an offer says and checks beyond what it needs.
    fn prepare_offer(&mut self) {
        let World { settings, tolerance, .. } = &*self.world;
        let notes =
            settings.etcd().map(|etcd| rendezvous::notes(self.setup().guide, etcd)).unwrap_or_default();
        self.notices.extend(notes.into_iter().map(|note| tolerance.apply(note)));
        if settings.storage().is_ok() {
            self.scope.checks.push(checks::storage());
        }
    }

    /// What is set up.
    pub fn setup(&self) -> &'static Setup {
        self.scope.setup
    }

    /// Does no other command show what it would write? Then it is shown before it is confirmed.
    pub fn shows_all(&self) -> bool {
        self.scope.shows_all
    }

    /// The run that it puts back, where it does that.
    pub fn undoes(&self) -> Option<&str> {
        self.scope.undoes.as_deref()
    }

    /// The answers that it works with.
    pub fn answers(&self) -> &Answers {
        &self.world.answers
    }

    /// What the cluster is called.
    pub fn name(&self) -> &str {
        &self.world.settings.name
    }

    /// Remarks about the answers: warnings, unless `--strict` makes failures of them.
    pub fn notices(&self) -> &[Failure] {
        &self.notices
    }

    /// The remarks that are warnings.
    ///
    /// # Errors
    /// Those that `--strict` makes failures, when there are any.
    pub fn warnings(&self) -> Result<Vec<Failure>, Vec<Failure>> {
        let (warnings, failures): (Vec<Failure>, Vec<Failure>) =
            self.notices.iter().cloned().partition(Failure::is_warning);
        if failures.is_empty() { Ok(warnings) } else { Err(failures) }
    }

    /// The judged image list.
    pub fn images(&self) -> Option<&ImageList> {
        self.world.judged_images().and_then(|judged| judged.as_ref().ok())
    }

    /// The files that the stages of this session write, each with its key.
    pub fn files_to_write(&self) -> Vec<(&'static str, String)> {
        let files = self.world.settings.files.named().into_iter();
        files.map(|(key, path)| (key, path.display().to_string())).collect()
    }

    /// True when all stages of the guide run, so that the manager can be started afterwards.
    pub fn runs_all(&self) -> bool {
        self.scope.stages.len() == (self.setup().stages)().len()
    }

    /// [`Settings::local_addresses`] of this session.
    pub fn local_addresses(&self) -> Option<String> {
        self.world.settings.local_addresses()
    }

    /// The same, for work that a person has confirmed, if one has: what was found then is written as it is, or not at all.
    #[must_use]
    pub fn confirmed(self, states: Option<Vec<StageState>>) -> Self {
        Self { confirmed: states.map(|states| Confirmed { states, file: None }), ..self }
    }

    /// The same, for a plan that was saved: it is written as it is, or not at all.
    ///
    /// # Errors
    /// `E-PLAN-STALE` for each answer, and for image list and fixture, where it has changed since the plan was made.
    pub fn applying(self, plan: SavedPlan) -> Result<Self, Vec<Failure>> {
        plan.fits(&self.world)?;
        Ok(Self { confirmed: Some(Confirmed { states: plan.states, file: Some(plan.path) }), ..self })
    }

    /// The same, saving the plan that is made, unless something is in its way.
    #[must_use]
    pub fn saving(self, file: Option<PlanFile>) -> Self {
        Self { save: file, ..self }
    }

    /// Starts the work; everything that happens comes as events, a summary last.
    pub fn start(&self, operation: Operation, record: Option<RunRecord>) -> Run {
        let (sender, events) = mpsc::channel(EVENTS_AHEAD);
        let stop = Stop::default();
        let clock = self.world.surroundings.clock;
        let record = record.filter(|_| operation == Operation::Run);
        let journal = record.as_ref().map(|record| {
            let RunRecord { id, target, undoes, .. } = record;
            Arc::new(Journal::new(target.disk().clone(), clock, target.folder(), id, undoes.clone()))
        });
        let cx = Context::new(Arc::clone(&self.world), sender, stop.clone());
        let deadline = self.wait.map(|wait| Deadline::after(clock, wait));
        let cx = cx.with_clock(clock).with_deadline(deadline).with_journal(journal.clone());
        let work = work::Work {
            stages: self.scope.stages.clone(),
            asked: self.scope.asked.clone(),
            checks: self.scope.checks.clone(),
            rendezvous: self.scope.rendezvous.clone(),
            left_out: self.scope.left_out.clone(),
            notices: self.notices.clone(),
            confirmed: self.confirmed.clone().filter(|_| operation == Operation::Run),
            save: self.save.clone(),
            operation,
            record,
            journal,
        };
        let (name, reports) = (self.name().to_owned(), cx.clone());
        let run = tokio::spawn(work.run(cx, stop.clone()));
        tokio::spawn(async move {
            // Whatever happens, a summary comes.
            if run.await.is_err() {
                reports.send(work::broke(&name)).await;
            }
        });
        Run { events, stop }
    }
}

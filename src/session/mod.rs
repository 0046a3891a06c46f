//! The door between the faces and the work: load answers, then check, survey or run.

mod hush;
mod judge;
mod keep;
mod lines;
mod load;
mod names;
mod samples;
mod scope;
mod secret;
mod terms;
mod wait;
mod work;

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use crate::{
    checks,
    failure::{Code, Failure, Subject, shortened},
    guide::Answers,
    images::ImageList,
    meeting::{self, Meeting},
    workflow::{Context, Deadline, EVENTS_AHEAD, Run, Stop},
    world::World,
};

pub use crate::{guides::Setup, meeting::Offering, services::limit_operations, world::Overwrite};
pub use keep::{Draft, draft, forget_draft, read_credentials, save_answers, save_draft, save_text};
pub use load::{Gathered, Inputs, gather, gather_given, gather_with};
pub use samples::{copy_samples, put_new, samples_to_edit};
pub use scope::{Judging, Scope, stray_value};
pub use secret::forsake_secrets;
pub use terms::{Intent, Terms};
pub use work::stopped;

/// Loaded answers and what is to be done with them.
pub struct Session {
    world: Arc<World>,
    scope: Scope,
    notices: Vec<Failure>,
    wait: Option<Duration>,
}

impl Session {
    /// Reads and judges every answer and every input file that the scope needs; touches nothing.
    ///
    /// # Errors
    /// Every problem of all sources at once.
    pub fn load(inputs: &Inputs, scope: Scope, intent: Intent) -> Result<Self, Vec<Failure>> {
        let idle = scope.idle_flags(&inputs.terms);
        if !idle.is_empty() {
            return Err(idle);
        }
        let Gathered { answers, mut problems, mut notices, to_ask, tried, unread } =
            gather_with(inputs, &scope.secrets());
        problems.extend(to_ask.into_iter().map(|(_, failure)| failure));
        notices = notices.into_iter().map(|notice| inputs.terms.tolerance.weigh(notice)).collect();
        match Self::new(&answers, &inputs.terms, scope, intent) {
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
    pub fn new(answers: &Answers, terms: &Terms, scope: Scope, intent: Intent) -> Result<Self, Vec<Failure>> {
        let (mut world, notices) = judge::judge(answers, terms, &scope)?;
        world.thorough = intent == Intent::Check;
        if !scope.stages.is_empty() {
            // A file that no stage of this work writes is none of its business.
            let files = &mut world.settings.files;
            files.credentials = files.credentials.take().filter(|_| scope.runs("populate-fixtures"));
            files.alembic_ini = files.alembic_ini.take().filter(|_| scope.runs("write-config"));
            files.environment = files.environment.take().filter(|_| scope.runs("write-config"));
        }
        let notices = notices.into_iter().map(|notice| terms.tolerance.weigh(notice)).collect();
        // A check tells what is wrong with the list beside the other verdicts; nothing else goes on with it.
        if intent != Intent::Check
            && let Some(Err(problems)) = world.judged_images()
        {
            return Err(problems.clone());
        }
        let mut session = Self { world: Arc::new(world), scope, notices, wait: terms.wait };
        if let Some(Meeting::Offer(_)) = session.scope.meeting {
            session.prepare_offer();
        }
        Ok(session)
    }

    /// What an offer says and checks beyond what it needs.
    fn prepare_offer(&mut self) {
        let World { settings, tolerance, .. } = &*self.world;
        let notes = settings.etcd().map(|etcd| meeting::notes(self.setup().guide, etcd)).unwrap_or_default();
        self.notices.extend(notes.into_iter().map(|note| tolerance.weigh(note)));
        if settings.storage().is_ok() {
            self.scope.checks.push(checks::storage());
        }
    }

    /// What is set up.
    pub fn setup(&self) -> &'static Setup {
        self.scope.setup
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

    /// Starts the work; everything that happens comes as events, a summary last.
    pub fn start(&self, intent: Intent, transcript: Option<String>) -> Run {
        let (sender, events) = mpsc::channel(EVENTS_AHEAD);
        let stop = Stop::default();
        let cx = Context::new(Arc::clone(&self.world), sender, stop.clone());
        let work = work::Work {
            stages: self.scope.stages.clone(),
            asked: self.scope.asked.clone(),
            checks: self.scope.checks.clone(),
            meeting: self.scope.meeting.clone(),
            left_out: self.scope.left_out.clone(),
            notices: self.notices.clone(),
            deadline: self.wait.map(Deadline::after),
            intent,
            transcript,
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

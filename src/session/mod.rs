//! The door between the faces and the work: load answers, then check, survey or run.

mod judge;
mod keep;
mod lines;
mod load;
mod names;
mod secret;
mod terms;
mod wait;
mod work;

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use crate::{
    checks::{self, Check, CheckAbout},
    failure::{Code, Failure, shortened},
    guide::{self, Answers, GUIDE, Section},
    images::ImageList,
    meeting::{self, Meeting},
    stages::{self, SetupStage},
    workflow::{About, Context, Deadline, EVENTS_AHEAD, Run, StageId, Stop},
    world::World,
};

pub use crate::{meeting::Offering, services::limit_operations, world::Overwrite};
pub use keep::{Draft, draft, forget_draft, read_credentials, save_answers, save_draft, save_text};
pub use load::{Gathered, Inputs, gather, gather_given};
pub use secret::forsake_secrets;
pub use terms::Terms;
pub use work::stopped;

/// What is to be done with the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// Live checks alone.
    Check,
    /// What would change; `detailed` gives status 9 when something would.
    Plan {
        /// Tell by the exit status whether there are changes.
        detailed: bool,
    },
    /// What is done, pending or in conflict.
    Status,
    /// What a run would do, with every check that it makes; writes nothing.
    Preview,
    /// Do it.
    Run,
    /// Meet other nodes at the shared folder.
    Meet,
}

/// Stages and checks of one piece of work.
pub struct Scope {
    stages: Vec<SetupStage>,
    checks: Vec<Arc<dyn Check>>,
    meeting: Option<Meeting>,
}

impl Scope {
    /// These stages, in the guide's order, and every check that they need.
    ///
    /// # Errors
    /// `E-USAGE` for a stage that is not known, with the nearest one that is.
    pub fn stages(chosen: &[String], from: Option<&str>, skip: &[String]) -> Result<Self, Failure> {
        let all = stages::all();
        let ids: Vec<StageId> = all.iter().map(|stage| stage.about().id).collect();
        for given in chosen.iter().map(String::as_str).chain(from).chain(skip.iter().map(String::as_str)) {
            known("stage", given, &ids)?;
        }
        let start = from.and_then(|from| ids.iter().position(|id| *id == from)).unwrap_or(0);
        let stages: Vec<SetupStage> = all
            .into_iter()
            .enumerate()
            .filter(|(at, stage)| {
                let id = stage.about().id;
                *at >= start
                    && (chosen.is_empty() || chosen.iter().any(|wanted| wanted == id))
                    && !skip.iter().any(|unwanted| unwanted == id)
            })
            .map(|(_, stage)| stage)
            .collect();
        if stages.is_empty() {
            return Err(Failure::new(Code::Usage, "no stage is left to run")
                .remedy("name other stages, or fewer under `--skip` and an earlier one under `--from`"));
        }
        let needed: Vec<&str> =
            stages.iter().flat_map(|stage| stage.about().checks.iter().copied()).collect();
        let checks = checks::all().into_iter().filter(|check| needed.contains(&check.about().id)).collect();
        Ok(Self { stages, checks, meeting: None })
    }

    /// These checks, or all.
    ///
    /// # Errors
    /// `E-USAGE` for a check that is not known, with the nearest one that is.
    pub fn checks(chosen: &[String]) -> Result<Self, Failure> {
        let all = checks::all();
        let ids: Vec<&str> = all.iter().map(|check| check.about().id).collect();
        for given in chosen {
            known("check", given, &ids)?;
        }
        let checks = all
            .into_iter()
            .filter(|check| chosen.is_empty() || chosen.iter().any(|wanted| wanted == check.about().id))
            .collect();
        Ok(Self { stages: Vec::new(), checks, meeting: None })
    }

    /// Every stage's answers, judged without a run.
    pub fn everything() -> Self {
        Self { stages: stages::all(), checks: checks::all(), meeting: None }
    }

    /// Offers the shared folder to other nodes; the folder is checked when the answers name it.
    pub fn offer(offering: Offering) -> Self {
        Self::meeting(Meeting::Offer(offering))
    }

    /// Looks whether this node has the folder that is offered, under this name or the host's own.
    ///
    /// # Errors
    /// `E-USAGE` when the host's name could be any host's.
    pub fn verify(node: Option<String>) -> Result<Self, Failure> {
        Meeting::verify_as(node).map(Self::meeting)
    }

    fn meeting(meeting: Meeting) -> Self {
        Self { stages: Vec::new(), checks: vec![checks::etcd_answers()], meeting: Some(meeting) }
    }

    /// Is this stage one of them?
    pub fn runs(&self, stage: &str) -> bool {
        self.stages.iter().any(|chosen| chosen.about().id == stage)
    }

    /// Flags that none of these stages looks at: ignoring them would mislead.
    fn idle_flags(&self, terms: &Terms) -> Vec<Failure> {
        let runs = |stage| self.runs(stage);
        let overwrite = terms.overwrite;
        let idle = [
            (overwrite.mount && !runs("set-mount"), "--replace-mount", "set-mount"),
            // It removes what is left last of all.
            (overwrite.leftovers && !runs("load-aliases"), "--prune", "load-aliases"),
            (overwrite.keypairs && !runs("populate-fixtures"), "--rotate-keypairs", "populate-fixtures"),
            (
                overwrite.published && !runs("populate-fixtures"),
                "--replace-published-keys",
                "populate-fixtures",
            ),
            (terms.fixture.is_some() && !runs("populate-fixtures"), "--fixture", "populate-fixtures"),
        ];
        idle.into_iter()
            .filter(|(idle, ..)| *idle)
            .map(|(_, flag, stage)| {
                Failure::new(
                    Code::Usage,
                    format!("`{flag}` goes with the stage `{stage}`, which does not run"),
                )
                .remedy("take the flag out, or run that stage")
            })
            .collect()
    }

    /// The sections whose answers are needed.
    fn sections(&self) -> Vec<&'static Section> {
        let needed: Vec<&str> = self
            .stages
            .iter()
            .flat_map(|stage| stage.about().sections.iter().copied())
            .chain(self.checks.iter().flat_map(|check| check.about().sections.iter().copied()))
            .collect();
        GUIDE.iter().copied().filter(|section| needed.contains(&section.id)).collect()
    }

    /// Is there anything that nobody can guess?
    pub fn needs_answers(&self) -> bool {
        let required = |section: &&Section| {
            section.variables.iter().any(|variable| matches!(variable.default, guide::Default::Required))
        };
        self.sections().iter().any(required)
    }

    fn needs(&self, section: &str) -> bool {
        self.sections().iter().any(|needed| needed.id == section)
    }
}

fn known(kind: &str, given: &str, ids: &[&str]) -> Result<(), Failure> {
    if ids.contains(&given) {
        return Ok(());
    }
    let failure = Failure::new(Code::Usage, format!("there is no {kind} `{}`", given.escape_debug()));
    Err(match guide::did_you_mean(given, ids.iter().copied()) {
        Some(near) => failure.remedy(format!("did you mean `{near}`?")),
        None => failure.remedy(format!("the {kind}s are {}", ids.join(", "))),
    })
}

/// Every stage as data, for menus and help.
pub fn stage_abouts() -> Vec<&'static About> {
    stages::abouts()
}

/// Every check as data, for menus and help.
pub fn check_abouts() -> Vec<&'static CheckAbout> {
    checks::abouts()
}

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
        let Gathered { answers, mut problems, mut notices, to_ask, tried, unread } = gather(inputs);
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
                let refused = |failure: &Failure| {
                    let about = |key: &&str| failure.what.starts_with(&format!("`{key}` "));
                    let lacks = |key: &&str| failure.what.ends_with(&format!(" `{key}` is not"));
                    match failure.code {
                        Code::AnswersMissing => unread || tried.iter().any(about),
                        _ => tried.iter().any(lacks),
                    }
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
        let (world, notices) = judge::judge(answers, terms, &scope)?;
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
        let notes = settings.etcd().map(meeting::notes).unwrap_or_default();
        self.notices.extend(notes.into_iter().map(|note| tolerance.weigh(note)));
        if settings.storage().is_ok() {
            self.scope.checks.push(checks::storage());
        }
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
        let writes = |stage| self.scope.runs(stage);
        let files = self.world.settings.files.named().into_iter();
        files
            .filter(|(key, _)| match *key {
                "files.credentials" => writes("populate-fixtures"),
                _ => writes("write-config"),
            })
            .map(|(key, path)| (key, path.display().to_string()))
            .collect()
    }

    /// Starts the work; everything that happens comes as events, a summary last.
    pub fn start(&self, intent: Intent, transcript: Option<String>) -> Run {
        let (sender, events) = mpsc::channel(EVENTS_AHEAD);
        let stop = Stop::default();
        let cx = Context::new(Arc::clone(&self.world), sender, stop.clone());
        let work = work::Work {
            stages: self.scope.stages.clone(),
            checks: self.scope.checks.clone(),
            meeting: self.scope.meeting.clone(),
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

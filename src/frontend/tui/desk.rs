//! Where effects become work. Everything runs beside the screen and comes back as a message; nothing
//! here waits for a server.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::sync::mpsc;

use crate::{
    devstack::{self, Beside, Options},
    disk,
    failure::{Code, Failure},
    frontend::{
        console::Teller,
        drive::titles,
        offline::samples_to_edit,
        wizard::{Drafts, ago, name, to_be_asked},
    },
    guide::{Answers, images},
    report::{History, Sink, Transcript, history, lost_record},
    session::{self, Gathered, Inputs, Intent, Overwrite, Scope, Session, Setup, Terms},
    workflow::{Event, EventKind, StageState, Stop, Verdict},
};

use super::msg::{Effect, Listed, Msg, Survey};

/// Messages that may wait for the screen; a run that is ahead waits for it.
const AHEAD: usize = 1024;

/// Does the work and hands the results in.
pub struct Desk {
    sender: mpsc::Sender<Msg>,
    /// What comes back.
    pub(super) messages: mpsc::Receiver<Msg>,
    probes: HashMap<usize, Stop>,
    surveys: HashMap<&'static str, Stop>,
    run: Option<Stop>,
    drafts: Drafts,
    state_dir: Result<PathBuf, Failure>,
    terms: Terms,
    setup: &'static Setup,
}

impl Desk {
    /// A desk that keeps drafts, transcripts and history there.
    pub fn new(setup: &'static Setup, state_dir: Result<PathBuf, Failure>, terms: Terms) -> Self {
        let (sender, messages) = mpsc::channel(AHEAD);
        Self {
            sender,
            messages,
            probes: HashMap::new(),
            surveys: HashMap::new(),
            run: None,
            drafts: Drafts::new(state_dir.clone().ok()),
            state_dir,
            terms,
            setup,
        }
    }

    /// Hands messages in from outside.
    pub fn sender(&self) -> mpsc::Sender<Msg> {
        self.sender.clone()
    }

    /// Begins what an effect asks for. What belongs to the screen is not done here.
    pub(super) fn perform(&mut self, effect: Effect) {
        let setup = self.setup;
        match effect {
            Effect::Look => {
                let options = Options::in_wizard(Beside::default());
                self.later(async move { Msg::Looked(Box::new(devstack::look(&options).await)) });
            }
            Effect::StartStack(beside) => self.start_stack(Options::in_wizard(beside)),
            Effect::Load(path) => self.blocking(move || {
                let answers = vec![path.display().to_string()];
                let gathered = session::gather(&Inputs { answers, ..Inputs::new(setup) });
                let Gathered { answers, problems, mut notices, to_ask, .. } = gathered;
                notices.extend(to_be_asked(to_ask));
                Msg::Loaded { answers: Box::new(answers), problems, notices }
            }),
            Effect::Probe { section, generation, answers } => self.probe(section, generation, *answers),
            Effect::CancelProbe(section) => {
                if let Some(stop) = self.probes.remove(&section) {
                    stop.now(0);
                }
            }
            Effect::List { generation, answers } => self.blocking(move || {
                let listed = Box::new(list(setup, &answers));
                Msg::Listed { generation, listed }
            }),
            Effect::Survey { survey, generation, answers, overwrite } => {
                self.survey(survey, generation, *answers, overwrite);
            }
            Effect::Run { stages, skip, answers, overwrite } => self.run(&stages, &skip, *answers, overwrite),
            Effect::StopRun(status) => {
                if let Some(stop) = &self.run {
                    stop.now(status);
                }
            }
            Effect::Watch(section, answers) => {
                let terms = self.terms.clone();
                self.later(async move { Msg::Watched(watch(setup, section, *answers, terms).await) });
            }
            Effect::Remember(answers) => self.remember(*answers),
            Effect::SaveDraft(page, answers) => self.drafts.save(page, answers),
            Effect::ForgetDraft => self.drafts.forget(),
            Effect::SaveAnswers(answers) => {
                let folder = self.state_dir.clone();
                self.blocking(move || {
                    let name = name(&answers);
                    Msg::Saved(
                        "answers",
                        folder.and_then(|folder| session::save_answers(&folder, &name, &answers)),
                    )
                });
            }
            Effect::SaveLog(stage, text) => self.blocking(move || {
                let path = PathBuf::from(format!("backendai-setup-{stage}.log"));
                Msg::Saved("Log", session::save_text(&path, &text))
            }),
            Effect::CopySamples => self.blocking(move || {
                let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
                Msg::Samples(samples_to_edit(setup.guide, &here))
            }),
            Effect::ReadKeypairs(path) => {
                self.blocking(move || Msg::Keypairs(session::read_credentials(&path)))
            }
            // These belong to the screen.
            Effect::Copy(_) | Effect::Away(_) | Effect::Redraw | Effect::Quit(_) => {}
        }
    }

    /// Waits until the draft is as it was asked for.
    pub(super) async fn settle(&mut self) {
        self.drafts.settle().await;
    }

    fn later(&self, work: impl Future<Output = Msg> + Send + 'static) {
        let sender = self.sender.clone();
        tokio::spawn(async move {
            let _ = sender.send(work.await).await;
        });
    }

    /// Reads files: a mount that hangs holds a thread, never the screen.
    fn blocking(&self, work: impl FnOnce() -> Msg + Send + 'static) {
        self.later(async { disk::beside(work).await.unwrap_or_else(|| Msg::Back(Err(broke()))) });
    }

    fn start_stack(&self, options: Options) {
        let sender = self.sender.clone();
        tokio::spawn(async move {
            let (lines, mut said) = mpsc::unbounded_channel::<String>();
            let telling = sender.clone();
            let teller = tokio::spawn(async move {
                while let Some(line) = said.recv().await {
                    let _ = telling.send(Msg::StackSaid(line)).await;
                }
            });
            let up = {
                let mut say = move |line: &str| drop(lines.send(line.to_owned()));
                devstack::up(&options, &mut say).await
            };
            let _ = teller.await;
            let _ = sender.send(Msg::StackUp(Box::new(up))).await;
        });
    }

    fn probe(&mut self, section: usize, generation: u64, answers: Answers) {
        let stop = Stop::default();
        if let Some(older) = self.probes.insert(section, stop.clone()) {
            older.now(0);
        }
        let (setup, sender, mut terms) = (self.setup, self.sender.clone(), self.terms.clone());
        // What an older list left in the way is for the review, where it can be allowed to go.
        terms.overwrite.leftovers = true;
        tokio::spawn(async move {
            let climbs = Some((&sender, generation));
            let result = tokio::select! {
                result = check(setup, section, answers, terms, climbs) => result,
                () = stop.asked() => return,
            };
            let _ = sender.send(Msg::Probed { section, generation, result }).await;
        });
    }

    fn survey(&mut self, survey: Survey, generation: u64, answers: Answers, overwrite: Overwrite) {
        let kind = match survey {
            Survey::Images => "images",
            Survey::All => "all",
            Survey::One(_) => "one",
        };
        let stop = Stop::default();
        if let Some(older) = self.surveys.insert(kind, stop.clone()) {
            older.now(0);
        }
        let (setup, sender) = (self.setup, self.sender.clone());
        let terms = Terms { overwrite, ..self.terms.clone() };
        tokio::spawn(async move {
            let result = tokio::select! {
                result = look(setup, survey, answers, terms) => result,
                () = stop.asked() => return,
            };
            let _ = sender.send(Msg::Surveyed { survey, generation, result }).await;
        });
    }

    fn run(&mut self, stages: &[String], skip: &[String], answers: Answers, overwrite: Overwrite) {
        let (setup, sender) = (self.setup, self.sender.clone());
        let terms = Terms { overwrite, ..self.terms.clone() };
        let scope = Scope::stages(setup, stages, None, skip).map_err(|failure| vec![failure]);
        let state_dir = self.state_dir.clone();
        let stop = Stop::default();
        self.run = Some(stop.clone());
        tokio::spawn(async move {
            let opened = match scope {
                Ok(scope) => open(answers, terms, scope, Intent::Run).await,
                Err(failures) => Err(failures),
            };
            let begin = move || {
                let session = opened?;
                let records = state_dir.and_then(|folder| {
                    let transcript = Transcript::create(&folder, session.name(), titles(setup))?;
                    Ok((transcript, History::create(&folder, session.name())))
                });
                let (transcript, history) = records.map_err(|failure| vec![failure])?;
                Ok((session, transcript, history))
            };
            let begun = disk::beside(begin).await.unwrap_or_else(|| Err(vec![broke()]));
            let (session, transcript, history) = match begun {
                Ok(begun) => begun,
                Err(failures) => return drop(sender.send(Msg::NotRun(failures)).await),
            };
            let path = transcript.path().display().to_string();
            let mut records = [Teller::new(Box::new(transcript)), Teller::new(Box::new(history))];
            let _ = sender.send(Msg::Began(path.clone())).await;
            let mut run = session.start(Intent::Run, Some(path));
            let mut asked = false;
            let mut lost = BTreeSet::new();
            loop {
                let event = tokio::select! {
                    event = run.events.recv() => event,
                    () = stop.asked(), if !asked => {
                        asked = true;
                        run.stop.now(stop.status());
                        continue;
                    }
                };
                let Some(event) = event.map(Arc::new) else { return };
                // A lost record must not stop the work.
                for record in &mut records {
                    let failure = recorded(record, &event).await;
                    if let Some(failure) = failure.filter(|failure| lost.insert(failure.what.clone())) {
                        let _ = sender.send(Msg::Lost(failure)).await;
                    }
                }
                let _ = sender.send(Msg::Ran(event)).await;
            }
        });
    }

    fn remember(&self, answers: Answers) {
        let Ok(folder) = self.state_dir.clone() else { return };
        let setup = self.setup;
        self.blocking(move || {
            let ran = history(&folder, &name(&answers));
            let words = |id| {
                let last: &crate::report::LastRun = ran.get(id)?;
                let what = if matches!(last.outcome.as_str(), "changed" | "unchanged") {
                    ""
                } else {
                    last.outcome.as_str()
                };
                Some((id, format!("{what} {}", ago(last.at)).trim().to_owned()))
            };
            let stages = setup.stage_abouts().into_iter();
            Msg::Remembered(stages.filter_map(|about| words(about.id)).collect())
        });
    }
}

fn broke() -> Failure {
    Failure::new(Code::Internal, "a piece of work stopped because of a bug in this program")
        .remedy("try again; keep the transcript for a report")
}

async fn open(answers: Answers, terms: Terms, scope: Scope, intent: Intent) -> Result<Session, Vec<Failure>> {
    let opened = disk::beside(move || Session::new(&answers, &terms, scope, intent));
    opened.await.unwrap_or_else(|| Err(vec![broke()]))
}

/// Makes the checks of one section; several are told as one. Tells each rung as it is passed, where somebody looks at
/// this probe.
async fn check(
    setup: &'static Setup,
    section: usize,
    answers: Answers,
    terms: Terms,
    climbs: Option<(&mpsc::Sender<Msg>, u64)>,
) -> Result<Verdict, Vec<Failure>> {
    let sections = setup.guide.asked();
    let ids = sections.get(section).map(|section| setup.checks_of(section)).unwrap_or_default();
    let scope = Scope::checks(setup, &ids).map_err(|failure| vec![failure])?;
    let session = open(answers, terms, scope, Intent::Check).await?;
    let mut run = session.start(Intent::Check, None);
    let _stop = StopOnDrop(run.stop.clone());
    let mut found = BTreeMap::new();
    while let Some(event) = run.events.recv().await {
        let (check, verdict) = match (event.kind, climbs) {
            (EventKind::Check { check, verdict, .. }, _) => (check, verdict),
            (EventKind::Rung { rung, .. }, Some((sender, generation))) => {
                let _ = sender.send(Msg::Climbed { section, generation, rung }).await;
                continue;
            }
            _ => continue,
        };
        found.insert(ids.iter().position(|id| id == check), verdict);
        if found.len() == ids.len() {
            return Ok(found.into_values().flat_map(|verdict| verdict.rungs).collect());
        }
    }
    Err(vec![broke()])
}

async fn watch(setup: &'static Setup, section: usize, answers: Answers, terms: Terms) -> Result<(), Failure> {
    // No longer than until the next question.
    let checked = check(setup, section, answers, terms, None);
    let asked = tokio::time::timeout(Duration::from_secs(10), checked).await;
    match asked {
        Ok(Ok(verdict)) => verdict.failures().next().cloned().map_or(Ok(()), Err),
        Ok(Err(failures)) => failures.into_iter().next().map_or(Ok(()), Err),
        Err(_) => Err(Failure::new(Code::EtcdTimeout, "no answer within 10 s")),
    }
}

async fn look(
    setup: &'static Setup,
    survey: Survey,
    answers: Answers,
    terms: Terms,
) -> Result<Vec<StageState>, Vec<Failure>> {
    let stages: Vec<String> = match survey {
        Survey::Images => vec!["load-images".into(), "load-aliases".into()],
        Survey::All => Vec::new(),
        Survey::One(id) => vec![id.to_owned()],
    };
    let scope = Scope::stages(setup, &stages, None, &[]).map_err(|failure| vec![failure])?;
    let intent = Intent::Plan { detailed: false };
    let session = open(answers, terms, scope, intent).await?;
    let mut run = session.start(intent, None);
    let _stop = StopOnDrop(run.stop.clone());
    let mut failures = Vec::new();
    while let Some(event) = run.events.recv().await {
        match event.kind {
            EventKind::Plan { stages } => return Ok(stages),
            EventKind::Summary(summary) => failures = summary.failures,
            _ => {}
        }
    }
    Err(failures)
}

fn list(setup: &'static Setup, answers: &Answers) -> Listed {
    let scope = Scope::checks(setup, &["images".to_owned()]).map_err(|failure| vec![failure]);
    let intent = Intent::Plan { detailed: false };
    // The page shows the whole list, also what is left out.
    let mut answers = answers.clone();
    answers.unset(images::ONLY);
    match scope.and_then(|scope| Session::new(&answers, &Terms::default(), scope, intent)) {
        Ok(session) => {
            let list = session.images().cloned();
            let problems = list.as_ref().map(|list| list.warnings.clone()).unwrap_or_default();
            Listed { list, problems }
        }
        Err(problems) => Listed { list: None, problems },
    }
}

/// Writes an event into a record of ours; the failure when that does not work.
async fn recorded(record: &mut Teller, event: &Arc<Event>) -> Option<Failure> {
    let error = record.tell(event).await?.err()?;
    match record.sink() {
        Sink::Own(path) | Sink::Asked(path) => Some(lost_record(path, &error)),
        Sink::Stdout => None,
    }
}

/// Work whose result nobody wants any more is stopped.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.now(0);
    }
}

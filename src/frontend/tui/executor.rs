//! Where effects become work. Everything runs beside the screen and comes back as a message; nothing
//! here waits for a server.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::sync::mpsc;

use crate::{
    devstack::{self, Beside, Options},
    disk,
    failure::{Code, Failure},
    frontend::wizard::{
        Drafts, name,
        recorder::{Recorder, Records},
        to_be_asked,
        work::{broke, first, open},
    },
    guide::{Answers, images},
    report::history,
    session::{self, Inputs, LoadedAnswers, Operation, Overwrite, RunOptions, Scope, Session, Setup},
    state::StateDir,
    surroundings::Surroundings,
    workflow::{EventKind, StageState, Stop, Verdict},
};

use super::msg::{Effect, Listed, Msg, Survey};

/// Messages that may wait for the screen; a run that is ahead waits for it.
const AHEAD: usize = 1024;

/// Work of which only the latest result is wanted.
#[derive(PartialEq, Eq, Hash)]
enum Kind {
    Probe(usize),
    Images,
    All,
    One,
}

/// Does the work and hands the results in.
pub struct Executor {
    sender: mpsc::Sender<Msg>,
    /// What comes back.
    pub(super) messages: mpsc::Receiver<Msg>,
    under_way: HashMap<Kind, Stop>,
    run: Option<Stop>,
    drafts: Drafts,
    state_dir: Result<StateDir, Failure>,
    run_options: RunOptions,
    setup: &'static Setup,
}

impl Executor {
    /// A executor that keeps drafts, transcripts and history there.
    pub fn new(setup: &'static Setup, state_dir: Result<StateDir, Failure>, run_options: RunOptions) -> Self {
        let (sender, messages) = mpsc::channel(AHEAD);
        Self {
            sender,
            messages,
            under_way: HashMap::new(),
            run: None,
            drafts: Drafts::new(state_dir.clone().ok()),
            state_dir,
            run_options,
            setup,
        }
    }

    /// Hands messages in from outside.
    pub fn sender(&self) -> mpsc::Sender<Msg> {
        self.sender.clone()
    }

    /// Begins what an effect asks for. What belongs to the screen is not done here.
    pub(super) fn perform(&mut self, effect: Effect) {
        let (setup, surroundings) = (self.setup, self.run_options.surroundings.clone());
        match effect {
            Effect::Look => {
                let options = Options::in_wizard(Beside::default(), surroundings);
                self.later(async move { Msg::Looked(Box::new(devstack::look(&options).await)) });
            }
            Effect::StartStack(beside) => self.start_stack(Options::in_wizard(beside, surroundings)),
            Effect::Load(path) => self.blocking(move || load(setup, surroundings, &path)),
            Effect::Probe { section, generation, answers } => self.probe(section, generation, *answers),
            Effect::CancelProbe(section) => {
                self.under_way.remove(&Kind::Probe(section)).into_iter().for_each(|stop| stop.now(0));
            }
            Effect::List { generation, answers } => self.blocking(move || {
                let listed = Box::new(list(setup, surroundings, &answers));
                Msg::Listed { generation, listed }
            }),
            Effect::Survey { survey, generation, answers, overwrite } => {
                self.survey(survey, generation, *answers, overwrite);
            }
            Effect::Run { stages, skip, answers, overwrite } => self.run(&stages, &skip, *answers, overwrite),
            Effect::StopRun(status) => {
                self.run.iter().for_each(|stop| stop.now(status));
            }
            Effect::Watch(section, answers) => {
                let run_options = self.run_options.clone();
                self.later(async move { Msg::Watched(watch(setup, section, *answers, run_options).await) });
            }
            Effect::Remember(answers) => self.remember(*answers),
            Effect::SaveDraft(page, answers) => self.drafts.save(page, answers),
            Effect::ForgetDraft => self.drafts.forget(),
            Effect::SaveAnswers(answers) => {
                let folder = self.state_dir.clone();
                let save = move || session::save_answers(&folder?, &name(&answers), &answers);
                self.blocking(move || Msg::AnswersSaved(save()));
            }
            Effect::SaveLog(stage, text) => self.blocking(move || {
                let path = PathBuf::from(format!("backendai-setup-{stage}.log"));
                Msg::LogSaved(session::save_text(&surroundings.disk, &path, &text))
            }),
            Effect::CopySamples => self.blocking(move || {
                let here = surroundings.environment.working_directory().unwrap_or(Path::new("."));
                Msg::Samples(session::samples_to_edit(&surroundings.disk, setup.guide, here))
            }),
            Effect::ReadKeypairs(path) => {
                self.blocking(move || Msg::Keypairs(session::read_credentials(&surroundings.disk, &path)))
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

    /// Work whose result comes as one message; an older one of its kind is stopped, and its result dropped.
    fn replaceable(&mut self, kind: Kind, work: impl Future<Output = Msg> + Send + 'static) {
        let stop = Stop::default();
        if let Some(older) = self.under_way.insert(kind, stop.clone()) {
            older.now(0);
        }
        let sender = self.sender.clone();
        tokio::spawn(async move {
            tokio::select! {
                msg = work => drop(sender.send(msg).await),
                () = stop.asked() => {}
            }
        });
    }

    fn probe(&mut self, section: usize, generation: u64, answers: Answers) {
        let (setup, sender, mut run_options) = (self.setup, self.sender.clone(), self.run_options.clone());
        // What an older list left in the way is for the review, where it can be allowed to go.
        run_options.overwrite.stale_keys = true;
        self.replaceable(Kind::Probe(section), async move {
            let climbs = Some((&sender, generation));
            let result = check(setup, section, answers, run_options, climbs).await;
            Msg::Probed { section, generation, result }
        });
    }

    fn survey(&mut self, survey: Survey, generation: u64, answers: Answers, overwrite: Overwrite) {
        let kind = match survey {
            Survey::Images => Kind::Images,
            Survey::All => Kind::All,
            Survey::One(_) => Kind::One,
        };
        let (setup, run_options) = (self.setup, RunOptions { overwrite, ..self.run_options.clone() });
        self.replaceable(kind, async move {
            Msg::Surveyed { survey, generation, result: look(setup, survey, answers, run_options).await }
        });
    }

    fn run(&mut self, stages: &[String], skip: &[String], answers: Answers, overwrite: Overwrite) {
        let (setup, sender) = (self.setup, self.sender.clone());
        let run_options = RunOptions { overwrite, ..self.run_options.clone() };
        let scope = Scope::stages(setup, stages, None, skip);
        let (state_dir, limits) = (self.state_dir.clone(), run_options.surroundings.limits);
        let stop = Stop::default();
        self.run = Some(stop.clone());
        tokio::spawn(async move {
            let opened = open(answers, run_options, scope, Operation::Run).await;
            let begin = move || {
                let session = opened?;
                let recorder = Recorder::open(setup, state_dir, session.name(), None);
                Ok((session, recorder.map_err(|failure| vec![failure])?))
            };
            let begun = disk::beside(begin).await.unwrap_or_else(|| Err(vec![broke()]));
            let (session, Recorder { path, reporters }) = match begun {
                Ok(begun) => begun,
                Err(failures) => return drop(sender.send(Msg::NotRun(failures)).await),
            };
            let mut records = Records::new(reporters, limits);
            let _ = sender.send(Msg::Began(path.clone())).await;
            let mut run = session.start(Operation::Run, Some(path));
            let mut asked = false;
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
                for failure in records.write(&event).await {
                    let _ = sender.send(Msg::Lost(failure)).await;
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
            let now = folder.surroundings.clock.now();
            let words = |id| Some((id, ran.get(id)?.words(now)));
            Msg::Remembered(setup.stage_abouts().into_iter().filter_map(|about| words(about.id)).collect())
        });
    }
}

/// Reads an answers file.
fn load(setup: &'static Setup, surroundings: Surroundings, path: &Path) -> Msg {
    let answers = vec![path.display().to_string()];
    let loaded = session::load_answers(&Inputs { answers, ..Inputs::new(setup, surroundings) });
    let LoadedAnswers { answers, problems, mut notices, to_ask, .. } = loaded;
    notices.extend(to_be_asked(to_ask));
    Msg::Loaded { answers: Box::new(answers), problems, notices }
}

/// Makes the checks of one section; several are reported as one. Reports each rung as it is passed, where somebody looks at
/// this probe.
async fn check(
    setup: &'static Setup,
    section: usize,
    answers: Answers,
    run_options: RunOptions,
    climbs: Option<(&mpsc::Sender<Msg>, u64)>,
) -> Result<Verdict, Vec<Failure>> {
    let sections = setup.guide.asked();
    let ids = sections.get(section).map(|section| setup.checks_of(section)).unwrap_or_default();
    let session = open(answers, run_options, Scope::checks(setup, &ids), Operation::Check).await?;
    let mut found = BTreeMap::new();
    let all = |kind| {
        match (kind, climbs) {
            (EventKind::Check { check, verdict, .. }, _) => {
                found.insert(ids.iter().position(|id| id == check), verdict);
            }
            // The verdict has it too, for a screen that is too busy for it now.
            (EventKind::Rung { rung, .. }, Some((sender, generation))) => {
                let _ = sender.try_send(Msg::Climbed { section, generation, rung });
            }
            _ => {}
        }
        let all = (found.len() == ids.len()).then(|| std::mem::take(&mut found));
        all.map(|all| all.into_values().flat_map(|verdict| verdict.rungs).collect())
    };
    first(&session, Operation::Check, all).await
}

async fn watch(
    setup: &'static Setup,
    section: usize,
    answers: Answers,
    run_options: RunOptions,
) -> Result<(), Failure> {
    // No longer than until the next question.
    let checked = check(setup, section, answers, run_options, None);
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
    run_options: RunOptions,
) -> Result<Vec<StageState>, Vec<Failure>> {
    let stages: Vec<String> = match survey {
        Survey::Images => vec!["load-images".into(), "load-aliases".into()],
        Survey::All => Vec::new(),
        Survey::One(id) => vec![id.to_owned()],
    };
    let operation = Operation::Plan { detailed: false };
    let session = open(answers, run_options, Scope::stages(setup, &stages, None, &[]), operation).await?;
    let plan = |kind| if let EventKind::Plan { stages } = kind { Some(stages) } else { None };
    first(&session, operation, plan).await
}

fn list(setup: &'static Setup, surroundings: Surroundings, answers: &Answers) -> Listed {
    let scope = Scope::checks(setup, &["images".to_owned()]).map_err(|failure| vec![failure]);
    let operation = Operation::Plan { detailed: false };
    // The page shows the whole list, also what is left out.
    let mut answers = answers.clone();
    answers.unset(images::ONLY);
    match scope.and_then(|scope| Session::new(&answers, &RunOptions::new(surroundings), scope, operation)) {
        Ok(session) => {
            let list = session.images().cloned();
            let problems = list.as_ref().map(|list| list.warnings.clone()).unwrap_or_default();
            Listed { list, problems }
        }
        Err(problems) => Listed { list: None, problems },
    }
}

//! Where effects become work. Everything runs beside the screen and comes back as a message; nothing
//! here waits for a server.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::mpsc;

use crate::{
    devstack::{self, Beside, Options},
    disk,
    failure::Failure,
    frontend::wizard::{
        Drafts,
        home::{Home, open},
        start::load_file,
    },
    guide::{Answers, Section, images},
    report::{Recorder, Records, history},
    session::{self, Inputs, Inspection, Operation, Overwrite, RunOptions, Scope, Setup, broke, undo_scope},
    state::StateDir,
    workflow::{StageState, Stop},
};

use super::msg::{Effect, Listed, Msg, ProbeId, Survey};

/// Messages that may wait for the screen; a run that is ahead waits for it.
const AHEAD: usize = 1024;

/// Work of which only the latest result is wanted.
#[derive(PartialEq, Eq, Hash)]
enum Kind {
    Probe(usize),
    Images,
    All,
    One,
    Drift,
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
    /// An executor that keeps drafts, transcripts and history there.
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
            Effect::ReadHome | Effect::Glance | Effect::Reach(_) | Effect::Open(..) | Effect::Load(_) => {
                self.perform_at_home(effect);
            }
            Effect::Look | Effect::StartStack(..) => self.perform_at_home(effect),
            Effect::Probe(id, answers) => self.probe(id, *answers),
            Effect::CancelProbe(section) => {
                self.under_way.remove(&Kind::Probe(section)).into_iter().for_each(|stop| stop.now(0));
            }
            Effect::List { generation, answers } => self.list(generation, *answers),
            Effect::Survey { survey, generation, answers, overwrite } => {
                self.survey(survey, generation, *answers, overwrite);
            }
            Effect::LookAtDrift(generation, answers) => {
                let inspection = self.inspection(*answers, Overwrite::default());
                self.replaceable(Kind::Drift, async move {
                    Msg::Drifted(generation, inspection.drift().await.map(Box::new))
                });
            }
            Effect::Run { stages, skip, confirmed, answers, overwrite } => {
                let scope = Scope::stages(self.setup, &stages, None, &skip);
                self.run(move || scope, confirmed, *answers, overwrite);
            }
            Effect::Undo(confirmed, answers) => {
                let scope = self.undo(&answers);
                self.run(scope, Some(confirmed), *answers, Overwrite::default());
            }
            Effect::StopRun(status) => {
                self.run.iter().for_each(|stop| stop.now(status));
            }
            Effect::Watch(section, answers) => {
                let inspection = self.inspection(*answers, self.run_options.overwrite);
                let section = self.section(section);
                self.later(async move { Msg::Watched(inspection.is_back(section).await) });
            }
            Effect::Remember(answers) => self.remember(*answers),
            Effect::SaveDraft(page, answers) => self.drafts.save(page, answers),
            Effect::ForgetDraft => self.drafts.forget(),
            Effect::SaveAnswers(answers) => {
                let folder = self.state_dir.clone();
                let save = move || session::save_answers(&folder?, &answers);
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

    /// What the first page asks for.
    fn perform_at_home(&self, effect: Effect) {
        let (setup, surroundings) = (self.setup, self.run_options.surroundings.clone());
        match effect {
            Effect::ReadHome => {
                if let Ok(folder) = self.state_dir.clone() {
                    self.blocking(move || Msg::Home(Box::new(Home::read(setup, &folder))));
                }
            }
            Effect::Glance => {
                let options = Options::usual(surroundings);
                self.later(async move { Msg::Glanced(devstack::glance(&options).await) });
            }
            Effect::Reach(address) => {
                let limits = surroundings.limits;
                self.later(async move {
                    let accepts = session::accepts(&address, limits).await;
                    Msg::Reached(address, accepts)
                });
            }
            Effect::Look => {
                let options = Options::in_wizard(Beside::default(), surroundings);
                self.later(async move { Msg::Looked(Box::new(devstack::look(&options).await)) });
            }
            Effect::StartStack(beside, password) => {
                self.start_stack(Options { password, ..Options::in_wizard(beside, surroundings) });
            }
            Effect::Load(path) => self.blocking(move || {
                let inputs = Inputs::new(setup, surroundings);
                Msg::Loaded(Box::new(load_file(inputs, path.display().to_string())))
            }),
            Effect::Open(id, target, flags) => {
                self.blocking(move || Msg::Opened(id, Box::new(open(setup, &surroundings, &target, &flags))))
            }
            _ => {}
        }
    }

    fn list(&mut self, generation: u64, answers: Answers) {
        let inspection = self.inspection(answers, Overwrite::default());
        self.blocking(move || {
            let (list, problems) = inspection.image_list();
            Msg::Listed { generation, listed: Box::new(Listed { list, problems }) }
        });
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

    fn inspection(&self, answers: Answers, overwrite: Overwrite) -> Inspection {
        let run_options = RunOptions { overwrite, ..self.run_options.clone() };
        Inspection { setup: self.setup, answers, run_options }
    }

    fn section(&self, at: usize) -> &'static Section {
        self.setup.guide.asked()[at]
    }

    fn probe(&mut self, id: ProbeId, answers: Answers) {
        // What an older list left in the way is for the review, where it can be allowed to go.
        let overwrite = Overwrite { stale_keys: true, ..self.run_options.overwrite };
        let (inspection, of) = (self.inspection(answers, overwrite), self.section(id.section));
        let sender = self.sender.clone();
        self.replaceable(Kind::Probe(id.section), async move {
            // The verdict has it too, for a screen that is too busy for it now.
            let climbed = |rung| drop(sender.try_send(Msg::Climbed(id, rung)));
            Msg::Probed(id, inspection.check(of, climbed).await)
        });
    }

    fn survey(&mut self, survey: Survey, generation: u64, answers: Answers, overwrite: Overwrite) {
        let (kind, stages) = match survey {
            Survey::Images => (Kind::Images, self.setup.stages_of(&images::SECTION)),
            Survey::All => (Kind::All, Vec::new()),
            Survey::One(id) => (Kind::One, vec![id]),
            Survey::Undo => {
                let scope = self.undo(&answers);
                let inspection = self.inspection(answers, overwrite);
                return self.replaceable(Kind::One, async move {
                    Msg::Surveyed { survey, generation, result: inspection.survey_scope(scope).await }
                });
            }
        };
        let inspection = self.inspection(answers, overwrite);
        self.replaceable(kind, async move {
            Msg::Surveyed { survey, generation, result: inspection.survey(&stages).await }
        });
    }

    /// The last run on these servers, to be put back. It reads the state directory.
    fn undo(&self, answers: &Answers) -> impl FnOnce() -> Result<Scope, Failure> + Send + 'static {
        let (setup, state_dir, answers) = (self.setup, self.state_dir.clone(), answers.clone());
        move || undo_scope(setup, &state_dir?, &answers, None, &[])
    }

    fn run(
        &mut self,
        scope: impl FnOnce() -> Result<Scope, Failure> + Send + 'static,
        confirmed: Option<Vec<StageState>>,
        answers: Answers,
        overwrite: Overwrite,
    ) {
        let (setup, sender) = (self.setup, self.sender.clone());
        let inspection = self.inspection(answers, overwrite);
        let (state_dir, limits) = (self.state_dir.clone(), self.run_options.surroundings.limits);
        let stop = Stop::default();
        self.run = Some(stop.clone());
        tokio::spawn(async move {
            let begin = move || {
                let session = inspection.session(scope(), Operation::Run)?.confirmed(confirmed);
                let undoes = session.undoes().map(str::to_owned);
                let recorder =
                    Recorder::open(setup.stage_titles(), state_dir, session.answers(), undoes, None);
                Ok((session, recorder.map_err(|failure| vec![failure])?))
            };
            let begun = disk::beside(begin).await.unwrap_or_else(|| Err(vec![broke()]));
            let (session, Recorder { record, reporters }) = match begun {
                Ok(begun) => begun,
                Err(failures) => return drop(sender.send(Msg::NotRun(failures)).await),
            };
            let mut records = Records::new(reporters, limits);
            let _ = sender.send(Msg::Began(record.transcript.clone())).await;
            let mut run = session.start(Operation::Run, Some(record));
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
            let known = folder.known_target(&answers).ok().flatten();
            let ran = known.as_ref().map(history).unwrap_or_default();
            let now = folder.surroundings.clock.now();
            let words = |id| Some((id, ran.get(id)?.words(now)));
            Msg::Remembered(setup.stage_abouts().into_iter().filter_map(|about| words(about.id)).collect())
        });
    }
}

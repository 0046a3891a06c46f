//! The run, told by the plain reporter, and what there is to do after it.

use secrecy::ExposeSecret;

use crate::{
    failure::status,
    frontend::{
        console::wrapping::wrapping_stderr,
        drive::{drive, titles, what_next},
        wizard::{credentials, name, recorder::Recorder},
    },
    report::{Plain, Reporter, RunState},
    session::{self, Operation, Scope},
    workflow::{Outcome, StageId},
};

use super::{Answered, Away, Page, Wizard};

impl Wizard<'_> {
    /// Runs these stages, or all.
    pub(super) async fn write(&mut self, stages: &[String], skip: &[String]) -> Answered<Page> {
        let mut skip = skip.to_vec();
        self.round.passed_over = None;
        loop {
            let Some(state) = self.run(stages, &skip).await? else { return Ok(Page::Review) };
            self.ran = true;
            match &state.summary {
                Some(summary) => self.round.ended(summary),
                None => self.round.status = status::INTERNAL,
            }
            if self.round.status == status::SUCCESS {
                if self.round.passed_over.is_some() {
                    return Ok(self.passed_over(&skip));
                }
                return if stages.is_empty() { self.finished().await } else { Ok(Page::Menu) };
            }
            if matches!(self.round.status, status::INTERRUPTED | status::TERMINATED | status::HANGUP) {
                return Err(Away::Leave(self.round.status));
            }
            let failed =
                state.stages.iter().find(|stage| matches!(stage.outcome, Some(Outcome::Failed { .. })));
            let order: Vec<StageId> = state.stages.iter().map(|stage| stage.stage).collect();
            let left_out = failed.map(|failed| {
                let every: Vec<StageId> = self.setup.stage_abouts().iter().map(|about| about.id).collect();
                let later = self.setup.dependents(failed.stage, &every);
                std::iter::once(failed.stage).chain(later).collect::<Vec<_>>()
            });
            // Skipping must leave something to do.
            let left_out = left_out.filter(|_| stages.is_empty() && order.len() > 1);
            let mut options = vec!["Try again".to_owned(), "Change an answer".to_owned()];
            options.extend(left_out.as_ref().map(|ids| {
                let titles: Vec<&str> = ids.iter().map(|id| self.setup.stage_title(id)).collect();
                format!("Go on without {}", titles.join(", "))
            }));
            options.push("Leave".to_owned());
            match self.choose("What now?", &options, 0).await? {
                0 => {}
                1 => return self.change().await,
                2 if left_out.is_some() => {
                    self.round.passed_over = Some(self.round.status);
                    skip.extend(left_out.into_iter().flatten().map(str::to_owned));
                }
                _ => return Err(Away::Leave(self.round.status)),
            }
        }
    }

    async fn run(&mut self, stages: &[String], skip: &[String]) -> Answered<Option<RunState>> {
        let Some(session) = self.open(Scope::stages(self.setup, stages, None, skip), Operation::Run).await?
        else {
            return Ok(None);
        };
        let (setup, folder, name) = (self.setup, self.state_dir.clone(), session.name().to_owned());
        let Recorder { path, reporters } =
            match self.beside(move || Recorder::open(setup, folder, &name, None)).await? {
                Ok(recorder) => recorder,
                Err(failure) => {
                    self.tell(&[failure]);
                    return Ok(None);
                }
            };
        let plain = Plain::new(wrapping_stderr(self.asker.is_lines()), self.style, titles(setup))
            .closing_with(Some(what_next(&session)));
        let mut all: Vec<Box<dyn Reporter + Send>> = vec![Box::new(plain)];
        all.extend(reporters);
        Ok(Some(drive(self.terminal, self.signals, &session, Operation::Run, Some(path), all).await))
    }

    /// Everything is done: the answers are kept for the next time, the draft is not.
    async fn finished(&mut self) -> Answered<Page> {
        self.round.changed = false;
        if let Ok(folder) = self.state_dir.clone() {
            let answers = self.answers.clone();
            let save = move || {
                session::forget_draft(&folder);
                session::save_answers(&folder, &name(&answers), &answers)
            };
            match self.beside(save).await? {
                Ok(path) => {
                    self.say("These answers repeat it, without the secrets:");
                    self.say(&format!("  {}", path.display()));
                }
                Err(failure) => self.tell(&[failure]),
            }
        }
        Ok(Page::Done)
    }

    /// Some of it is done: what was passed over is not, so the draft stays.
    fn passed_over(&mut self, skip: &[String]) -> Page {
        self.round.ended_without_all();
        let left: Vec<&str> = skip.iter().map(|id| self.setup.stage_title(id)).collect();
        self.say(&format!("Not done: {}. `backendai-setup` offers to continue with it.", left.join(", ")));
        self.round.changed = true;
        self.left_on = "review";
        Page::Done
    }

    /// What can be done at the end.
    pub(super) async fn done(&mut self) -> Answered<Page> {
        let mut options = vec!["Leave".to_owned(), "Run a single stage".to_owned()];
        let credentials = credentials(&self.answers);
        options.extend(credentials.as_ref().map(|_| "Show the keypairs".to_owned()));
        loop {
            match (self.choose("What now?", &options, 0).await?, &credentials) {
                (0, _) => return Err(Away::Leave(self.round.status)),
                (1, _) => return Ok(Page::Menu),
                (_, Some(path)) => {
                    let path = path.clone();
                    let disk = self.terminal.surroundings.disk.clone();
                    match self.beside(move || session::read_credentials(&disk, &path)).await? {
                        Ok(text) => text.expose_secret().lines().for_each(|line| self.say(line)),
                        Err(failure) => self.tell(&[failure]),
                    }
                }
                _ => {}
            }
        }
    }
}

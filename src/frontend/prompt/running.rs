//! The run, told by the plain reporter, and what there is to do after it.

use secrecy::ExposeSecret;

use crate::{
    failure::{Failure, status},
    frontend::{
        console::wrapping::wrapping_stderr,
        drive::{drive, status_of, what_next},
        wizard::{
            credentials,
            run::{Ending, Remedy, passed_over},
        },
    },
    report::{Plain, Recorder, Reporter, RunState},
    session::{self, Operation, Scope},
    workflow::{StageId, StageState},
};

use super::{Answered, Away, Page, Wizard};

impl Wizard<'_> {
    /// Runs these stages, or all, as a person has confirmed it.
    pub(super) async fn write(&mut self, stages: &[StageId], confirmed: Vec<StageState>) -> Answered<Page> {
        let mut confirmed = Some(confirmed);
        let mut skip: Vec<StageId> = Vec::new();
        self.round.passed_over = None;
        loop {
            let scope = Scope::stages(self.setup, stages, None, &skip);
            let Some(state) = self.run(scope, confirmed.clone()).await? else {
                return Ok(Page::Review);
            };
            self.ran = true;
            match &state.summary {
                Some(summary) => {
                    self.round.ended(summary);
                    // What is left of a half-written plan is planned anew.
                    confirmed = confirmed.filter(|_| !summary.wrote());
                }
                None => self.round.status = status_of(&state),
            }
            match self.round.status {
                status::SUCCESS if self.round.passed_over.is_some() => return Ok(self.ended_without(&skip)),
                status::SUCCESS if stages.is_empty() => return self.finished().await,
                status::SUCCESS => return Ok(Page::Menu),
                status::INTERRUPTED | status::TERMINATED | status::HANGUP => {
                    return Err(Away::Leave(self.round.status));
                }
                _ => {}
            }
            let every: Vec<StageId> = self.setup.stage_abouts().iter().map(|about| about.id).collect();
            let order = if stages.is_empty() { &every[..] } else { stages };
            let left_out = passed_over(self.setup, &state, order, &skip);
            let remedies = Remedy::all(&state, left_out.is_some());
            let words = |remedy: &Remedy| match (remedy, &left_out) {
                (Remedy::Skip, Some(ids)) => format!("Go on without {}", self.setup.titles_of(ids)),
                _ => remedy.title().to_owned(),
            };
            let options: Vec<String> = remedies.iter().map(words).collect();
            match remedies[self.choose("What now?", &options, 0).await?] {
                Remedy::Again => {}
                Remedy::Look if !stages.is_empty() => return Ok(Page::Menu),
                Remedy::Look => return Ok(Page::Review),
                Remedy::Change => return self.change().await,
                Remedy::Skip => {
                    self.round.passed_over = Some(self.round.status);
                    skip.extend(left_out.into_iter().flatten());
                }
                Remedy::Leave => return Err(Away::Leave(self.round.status)),
            }
        }
    }

    /// Runs it as it was confirmed, written down; none when it could not even begin.
    pub(super) async fn run(
        &mut self,
        scope: Result<Scope, Failure>,
        confirmed: Option<Vec<StageState>>,
    ) -> Answered<Option<RunState>> {
        let Some(session) = self.open(scope, Operation::Run).await? else { return Ok(None) };
        let session = session.confirmed(confirmed);
        let (setup, folder, answers) = (self.setup, self.state_dir.clone(), session.answers().clone());
        let undoes = session.undoes().map(str::to_owned);
        let closing = undoes.is_none().then(|| what_next(&session));
        let open = move || Recorder::open(setup.stage_titles(), folder, &answers, undoes, None);
        let Recorder { record, reporters } = match self.beside(open).await? {
            Ok(recorder) => recorder,
            Err(failure) => {
                self.tell(&[failure]);
                return Ok(None);
            }
        };
        let plain = Plain::new(wrapping_stderr(self.asker.is_lines()), self.style, setup.stage_titles())
            .closing_with(closing);
        let mut all: Vec<Box<dyn Reporter + Send>> = vec![Box::new(plain)];
        all.extend(reporters);
        Ok(Some(drive(self.terminal, self.signals, &session, Operation::Run, Some(record), all).await))
    }

    /// Everything is done: the answers are kept for the next time, the draft is not.
    async fn finished(&mut self) -> Answered<Page> {
        self.round.changed = false;
        // What was left unfinished may be of other servers.
        if self.own.is_none() || self.round.drafted {
            self.drafts.forget();
        }
        if let Ok(folder) = self.state_dir.clone() {
            let answers = self.answers.clone();
            let save = move || session::save_answers(&folder, &answers);
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
    fn ended_without(&mut self, skip: &[StageId]) -> Page {
        self.round.ended_without_all();
        let left = self.setup.titles_of(skip);
        self.say(&format!("Not done: {left}. `backendai-setup` offers to continue with it."));
        self.round.changed = true;
        self.left_on = "review";
        Page::Done
    }

    /// What can be done at the end.
    pub(super) async fn done(&mut self) -> Answered<Page> {
        let credentials = credentials(&self.answers);
        let keypairs = credentials.as_ref().map(|_| Ending::Keypairs);
        let endings: Vec<Ending> =
            [Ending::Leave, Ending::Stage, Ending::Undo].into_iter().chain(keypairs).collect();
        let options: Vec<&str> = endings.iter().map(|ending| ending.title()).collect();
        loop {
            match (endings[self.choose("What now?", &options, 0).await?], credentials.clone()) {
                (Ending::Keypairs, Some(path)) => {
                    let disk = self.terminal.surroundings.disk.clone();
                    match self.beside(move || session::read_credentials(&disk, &path)).await? {
                        Ok(text) => text.expose_secret().lines().for_each(|line| self.say(line)),
                        Err(failure) => self.tell(&[failure]),
                    }
                }
                (Ending::Stage, _) => return Ok(Page::Menu),
                (Ending::Undo, _) => return self.undo().await,
                _ => return Err(Away::Leave(self.round.status)),
            }
        }
    }
}

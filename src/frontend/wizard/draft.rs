//! The draft: kept beside the screen, so that a disk that hangs holds nobody up, and taken up again.

use tokio::{sync::mpsc, task::JoinHandle};

use crate::{
    disk,
    failure::Failure,
    guide::{Answers, Section},
    report::{LastOutcome, ago, history},
    session::{self, Setup},
    state::StateDir,
};

use super::problems_of;

/// What is to become of the unfinished answers.
enum DraftRequest {
    Save(&'static str, Box<Answers>),
    Forget,
}

impl DraftRequest {
    /// A draft that cannot be kept is no reason to bother anyone; a run will tell.
    fn done(self, folder: &StateDir) {
        match self {
            Self::Save(page, answers) => drop(session::save_draft(folder, page, &answers)),
            Self::Forget => session::forget_draft(folder),
        }
    }
}

/// Does what was asked for in order, and only the last of it.
pub struct Drafts {
    folder: Option<StateDir>,
    /// Where it is asked for, and who does it; from the first time on.
    keeper: Option<(mpsc::UnboundedSender<DraftRequest>, JoinHandle<()>)>,
}

impl Drafts {
    /// Drafts in this state directory, or none.
    pub fn new(folder: Option<StateDir>) -> Self {
        Self { folder, keeper: None }
    }

    /// Keeps unfinished answers, with the page they were left on.
    pub fn save(&mut self, page: &'static str, answers: Box<Answers>) {
        self.ask(DraftRequest::Save(page, answers));
    }

    /// Lets go of them.
    pub fn forget(&mut self) {
        self.ask(DraftRequest::Forget);
    }

    fn ask(&mut self, draft: DraftRequest) {
        let Some(folder) = self.folder.clone() else { return };
        let (drafts, _) = self.keeper.get_or_insert_with(|| {
            let (sender, drafts) = mpsc::unbounded_channel();
            (sender, tokio::spawn(keep(folder, drafts)))
        });
        let _ = drafts.send(draft);
    }

    /// Waits until all that was asked for is done.
    pub async fn settle(&mut self) {
        if let Some((drafts, kept)) = self.keeper.take() {
            drop(drafts);
            let _ = kept.await;
        }
    }
}

async fn keep(folder: StateDir, mut drafts: mpsc::UnboundedReceiver<DraftRequest>) {
    while let Some(mut draft) = drafts.recv().await {
        while let Ok(later) = drafts.try_recv() {
            draft = later;
        }
        let folder = folder.clone();
        let _ = disk::beside(move || draft.done(&folder)).await;
    }
}

/// What is offered as "Continue".
#[derive(Debug)]
pub struct Unfinished {
    /// The answers so far.
    pub answers: Answers,
    /// The page they were left on.
    pub page: String,
    /// What was done: `etcd filled in, PostgreSQL next`, `4 of 7 done, Schema failed`.
    pub words: String,
    /// How long ago that was.
    pub when: String,
}

impl Unfinished {
    /// Takes this round up; what was said at the start counts.
    pub fn answers(&self, flags: &Answers) -> Answers {
        let mut answers = self.answers.clone();
        answers.take_flags_of(flags);
        answers.state_version();
        answers
    }

    /// The section where it goes on; none for the review. A secret is not kept, so a section that misses something comes
    /// first.
    pub fn section(&self, sections: &[&Section], missing: Option<usize>) -> Option<usize> {
        let left = sections.iter().position(|section| section.id == self.page);
        left.into_iter().chain(missing).min()
    }
}

/// What an earlier round left, if it left anything.
///
/// # Errors
/// `E-FILE-READ` for a draft that does not read.
pub fn unfinished(setup: &'static Setup, state_dir: &StateDir) -> Result<Option<Unfinished>, Failure> {
    let Some(draft) = session::draft(setup.guide, state_dir)? else { return Ok(None) };
    let ran = state_dir.known_target(&draft.answers)?.as_ref().map(history).unwrap_or_default();
    let total = setup.stage_abouts().len();
    let done = ran.values().filter(|last| last.outcome.is_well()).count();
    let now = state_dir.surroundings.clock.now();
    let failed = ran.iter().find(|(_, last)| !last.outcome.is_well());
    let (words, at) = match failed {
        Some((id, last)) => {
            let how = if last.outcome == LastOutcome::Failed { "failed" } else { "skipped" };
            (format!("{done} of {total} done, {} {how}", setup.stage_title(id)), last.at)
        }
        None => (filled_in(setup, &draft.answers, &draft.page), draft.saved),
    };
    Ok(Some(Unfinished { answers: draft.answers, page: draft.page, words, when: ago(at, now) }))
}

/// `etcd filled in, PostgreSQL next`.
fn filled_in(setup: &Setup, answers: &Answers, page: &str) -> String {
    let sections = setup.guide.asked();
    let missing = sections.iter().position(|section| !problems_of(section, answers).is_empty());
    let left = sections.iter().position(|section| section.id == page);
    let next = missing.into_iter().chain(left).min();
    let title = next.and_then(|at| sections.get(at)).map_or("Review", |section| section.title);
    let given =
        |section: &&&Section| section.variables.iter().any(|variable| answers.given(variable.key).is_some());
    let filled: Vec<&str> =
        sections[..next.unwrap_or(sections.len())].iter().filter(given).map(|it| it.title).collect();
    match filled.as_slice() {
        [] => format!("{title} next"),
        [.., last] if filled.len() > 2 => format!("filled in up to {last}, {title} next"),
        filled => format!("{} filled in, {title} next", filled.join(" and ")),
    }
}

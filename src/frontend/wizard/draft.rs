//! The draft, kept beside the screen: a disk that hangs holds nobody up.

use tokio::{sync::mpsc, task::JoinHandle};

use crate::{disk, guide::Answers, session, state::StateDir};

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

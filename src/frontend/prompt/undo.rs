//! What the last run wrote, put back.

use crate::{
    frontend::{console::wrapping::wrapping_stderr, drive::status_of},
    report::write_plan,
    session::{Operation, undo_scope},
};

use super::{Answered, Page, Wizard};

impl Wizard<'_> {
    /// Shows what would be put back, and does it when a person wants that.
    pub(super) async fn undo(&mut self) -> Answered<Page> {
        let (setup, folder, answers) = (self.setup, self.state_dir.clone(), self.answers.clone());
        let (there, given) = (folder.clone(), answers.clone());
        let scope = self.beside(move || undo_scope(setup, &there?, &given, None, &[])).await?;
        let Some(session) = self.open(scope, Operation::Preview).await? else { return Ok(Page::Menu) };
        let state = self.look(&session, Operation::Preview).await?;
        let _ = write_plan(&mut wrapping_stderr(self.asker.is_lines()), self.style, &state);
        self.tell(state.failures());
        let is_off =
            !state.failures().is_empty() || state.plan.iter().all(|stage| stage.changes().is_empty());
        if is_off {
            return Ok(Page::Menu);
        }
        self.asker.forget_pending();
        if self.choose("What now?", &["Back to the stages", "Undo these"], 0).await? == 0 {
            return Ok(Page::Menu);
        }
        let scope = self.beside(move || undo_scope(setup, &folder?, &answers, None, &[])).await?;
        if let Some(done) = self.run(scope, Some(state.plan)).await? {
            match &done.summary {
                Some(summary) => {
                    self.round.ended(summary);
                    self.round.undid = summary.status == 0;
                }
                None => self.round.status = status_of(&done),
            }
        }
        Ok(Page::Menu)
    }
}

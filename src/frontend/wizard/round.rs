//! How far a round came.

use crate::{failure::status, workflow::Summary};

/// What was answered, written and left out since the wizard began.
#[derive(Debug, Default)]
pub struct Round {
    /// The exit status on leaving.
    pub status: u8,
    /// What a draft would keep was changed.
    pub changed: bool,
    /// The answers at hand were kept as a draft.
    pub drafted: bool,
    /// A run has written something.
    pub wrote: bool,
    /// The last run put back what an earlier one had written.
    pub undid: bool,
    /// The status of the run whose failed stage a person chose to pass over.
    pub passed_over: Option<u8>,
}

impl Round {
    /// A run has ended.
    pub fn ended(&mut self, summary: &Summary) {
        self.status = summary.status;
        self.wrote |= summary.wrote();
        self.undid = false;
    }

    /// What a person passed over is not done, however well the rest went.
    pub fn ended_without_all(&mut self) {
        let earlier = self.passed_over.unwrap_or(status::NOT_AS_WANTED);
        self.status = if self.wrote { status::PARTIAL } else { earlier };
    }

    /// What a person reads on leaving: what was written, by a run under way too; whether all that was run is done; and
    /// what was answered since.
    pub fn leaving(&self, writes: Option<bool>) -> &'static str {
        let is_done = writes.is_none() && self.status == status::SUCCESS;
        if self.undid && is_done {
            return "What was undone stays undone.";
        }
        match (self.wrote || writes == Some(true), is_done, self.changed) {
            (true, true, _) => "What was written stays.",
            (true, false, _) => "What was written stays; run the program again to go on.",
            (false, _, true) => "Nothing was written. Answers are kept, passwords are not.",
            (false, _, false) => "Nothing was written.",
        }
    }
}

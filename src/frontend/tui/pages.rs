//! What the pages hold: where a person is, what stands in front, what is known of each target.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;
use tui_input::Input;

use crate::{
    failure::Failure,
    frontend::wizard::{home::Wish, upgrade::Climbed},
    guide::Guide,
    session::{Grant, SchemaLook},
    workflow::{Rung, StageId, StageState, Verdict},
};

use super::form::Field;

/// Where a person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// What was set up from here, and what else can be.
    Home,
    /// What is in the way of the development setup.
    Development,
    /// One section of variables, by its place among the pages.
    Section(usize),
    Review,
    Menu,
    /// A run, and its receipt.
    Run,
}

impl Page {
    /// What the draft calls it.
    pub(super) fn id(self, guide: &Guide) -> &'static str {
        match self {
            Page::Home | Page::Development => "welcome",
            Page::Section(at) => guide.asked().get(at).map_or("review", |section| section.id),
            Page::Review | Page::Run | Page::Menu => "review",
        }
    }
}

/// Something in front of the page.
pub(super) enum Overlay {
    Help,
    /// A secret of a target that is kept nowhere.
    Ask(Ask),
    /// A question on leaving; the choice stands first on staying.
    Leave {
        cursor: usize,
    },
    /// Something in full.
    Reading {
        what: Reading,
        scroll: usize,
    },
    /// One stage alone: its Changes, then `w`.
    Alone {
        stage: StageId,
        scroll: usize,
    },
    /// What the last run wrote, to be put back.
    Undo {
        scroll: usize,
    },
    /// A word to be typed before something foreign is overwritten.
    Confirm {
        failure: Failure,
        grants: Grant,
        input: Input,
    },
}

/// What is shown in full.
pub(super) enum Reading {
    Answers,
    Verdict(usize),
    Stage(StageId),
    /// One revision of an upgrade, with its statements.
    Revision(Climbed),
    /// In what the database is otherwise than its revision.
    Drift,
    Problems(Vec<Failure>),
    /// One image with all its tags and aliases.
    Image(String),
    Keypairs(PathBuf, SecretString),
}

/// The live check of one section.
#[derive(Default)]
pub(super) struct Probe {
    pub(super) generation: u64,
    pub(super) state: ProbeState,
}

impl Probe {
    /// What it found is no longer true.
    pub(super) fn forget(&mut self) {
        self.generation += 1;
        self.state = ProbeState::Idle;
    }
}

#[derive(Default)]
pub(super) enum ProbeState {
    /// Nothing was asked since the last change.
    #[default]
    Idle,
    Running {
        since: Duration,
        /// Those that are passed already.
        rungs: Vec<Rung>,
    },
    Found(Verdict),
    Refused(Vec<Failure>),
}

/// What a look at the tables found.
#[derive(Default)]
pub(super) struct Drifted {
    pub(super) generation: u64,
    pub(super) since: Option<Duration>,
    pub(super) result: Option<Result<Box<SchemaLook>, Vec<Failure>>>,
}

/// What a survey found.
#[derive(Default)]
pub(super) struct Surveyed {
    pub(super) generation: u64,
    pub(super) since: Option<Duration>,
    pub(super) result: Option<Result<Vec<StageState>, Vec<Failure>>>,
}

impl Surveyed {
    pub(super) fn stages(&self) -> &[StageState] {
        match &self.result {
            Some(Ok(stages)) => stages,
            _ => &[],
        }
    }
}

/// A question for one secret, and what is wanted once it is known.
pub(super) struct Ask {
    pub(super) wish: Wish,
    /// What is asked for after it.
    pub(super) later: Vec<&'static str>,
    pub(super) field: Field,
}

/// The review.
#[derive(Default)]
pub(super) struct ReviewPage {
    /// Where a person put the cursor; until then it stands where it matters.
    pub(super) cursor: Option<usize>,
    pub(super) view: View,
}

/// What of a list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum View {
    #[default]
    All,
    Changed,
    Problems,
}

impl View {
    pub(super) fn next(self) -> Self {
        match self {
            View::All => View::Changed,
            View::Changed => View::Problems,
            View::Problems => View::All,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            View::All => "all",
            View::Changed => "changed",
            View::Problems => "problems",
        }
    }
}

//! What the application is told, and what it asks for. It does nothing by itself.

use std::{path::PathBuf, sync::Arc, time::Duration};

use ratatui::crossterm::event::KeyEvent;
use secrecy::SecretString;

use crate::{
    devstack::{Beside, Glance, Look, Stack},
    failure::Failure,
    frontend::wizard::{
        home::{Home, Opened},
        start::Loaded,
    },
    guide::Answers,
    images::ImageList,
    session::{Overwrite, SchemaLook},
    state::Target,
    workflow::{Event, Rung, StageId, StageState, Verdict},
};

/// What a survey is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survey {
    /// The image list against what etcd holds.
    Images,
    /// All stages.
    All,
    /// One stage as it would run alone.
    One(StageId),
    /// What the last run wrote, to be put back.
    Undo,
}

/// One probe of a section; what older ones bring is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeId {
    /// The section's place among the pages.
    pub section: usize,
    /// Which of its probes.
    pub generation: u64,
}

/// The image list as it was read.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// The whole list, when it is sound.
    pub list: Option<ImageList>,
    /// What is wrong with it, or worth saying.
    pub problems: Vec<Failure>,
}

/// What the application is told.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(SecretString),
    /// The window has this size now.
    Resize(u16, u16),
    /// Time went on: so long since the start.
    Tick(Duration),
    /// What the state directory tells by now.
    Home(Box<Home>),
    /// The development setup, as it looks from outside.
    Glanced(Glance),
    /// Does anything accept connections at this address?
    Reached(String, bool),
    /// The answers of the target of this id, as far as they are kept; or why they cannot be used.
    Opened(String, Box<Result<Opened, Vec<Failure>>>),
    /// What is there on this machine.
    Looked(Box<Look>),
    /// The development stack says what it does.
    StackSaid(String),
    /// The development stack is up, or not.
    StackUp(Box<Result<Stack, Failure>>),
    /// An answers file was read: the answers with what a person should hear, or why they cannot be used.
    Loaded(Box<Loaded>),
    /// A probe passed a rung.
    Climbed(ProbeId, Rung),
    /// A probe ended: what it found, or why it could not begin.
    Probed(ProbeId, Result<Verdict, Vec<Failure>>),
    /// The image list was read.
    Listed {
        /// Which reading it was.
        generation: u64,
        /// What was read.
        listed: Box<Listed>,
    },
    /// A survey ended.
    Surveyed {
        /// What it was for.
        survey: Survey,
        /// Which survey it was.
        generation: u64,
        /// The state of each stage, or every problem.
        result: Result<Vec<StageState>, Vec<Failure>>,
    },
    /// A look at the tables ended: which one it was, and what it found or why nobody knows.
    Drifted(u64, Result<Box<SchemaLook>, Vec<Failure>>),
    /// Something happened in the run.
    Ran(Arc<Event>),
    /// The run could not begin.
    NotRun(Vec<Failure>),
    /// The server of a failed stage was asked again.
    Watched(Result<(), Failure>),
    /// When each stage last ran, in words.
    Remembered(Vec<(StageId, String)>),
    /// The run has begun; it is written down here.
    Began(String),
    /// A record of the run is lost.
    Lost(Failure),
    /// The answers were kept: where, or why not.
    AnswersSaved(Result<PathBuf, Failure>),
    /// A log was saved: where, or why not.
    LogSaved(Result<PathBuf, Failure>),
    /// The samples were copied, to be edited.
    Samples(Result<(PathBuf, PathBuf), Failure>),
    /// A person came back from an editor or a pager.
    Back(Result<(), Failure>),
    /// The keypairs were read.
    Keypairs(Result<SecretString, Failure>),
    /// A signal with this exit status asks to end.
    Signal(u8),
    /// A signal asks to stop for a while.
    Suspend,
}

/// Where a person goes for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Into the editor, at a line.
    Edit(PathBuf, usize),
    /// Into the pager.
    Read(PathBuf),
    /// To the shell, until called back.
    Suspend,
}

/// What the application asks for.
#[derive(Debug)]
pub enum Effect {
    /// Read what was set up from this machine.
    ReadHome,
    /// Look at the development setup from outside.
    Glance,
    /// See whether anything accepts connections at this address.
    Reach(String),
    /// Read the answers of a target, with what was given at the start.
    Open(String, Box<Target>, Box<Answers>),
    /// Look at this machine.
    Look,
    /// Start the development stack, with the password of a PostgreSQL that is not its own.
    StartStack(Beside, Option<SecretString>),
    /// Read an answers file.
    Load(PathBuf),
    /// Probe a section with these answers.
    Probe(ProbeId, Box<Answers>),
    /// Break the probe of this section off.
    CancelProbe(usize),
    /// Read the image list.
    List {
        /// Which reading it is.
        generation: u64,
        /// Where it is.
        answers: Box<Answers>,
    },
    /// See what would change.
    Survey {
        /// What for.
        survey: Survey,
        /// Which survey it is.
        generation: u64,
        /// With these answers.
        answers: Box<Answers>,
        /// What may be overwritten.
        overwrite: Overwrite,
    },
    /// Look at what the database is otherwise than its revision: which look it is, with these answers.
    LookAtDrift(u64, Box<Answers>),
    /// Run stages.
    Run {
        /// These, or all.
        stages: Vec<StageId>,
        /// But not these.
        skip: Vec<StageId>,
        /// What a person has confirmed, where one has.
        confirmed: Option<Vec<StageState>>,
        /// With these answers.
        answers: Box<Answers>,
        /// What may be overwritten.
        overwrite: Overwrite,
    },
    /// Put back what the last run wrote, as a person has confirmed it.
    Undo(Vec<StageState>, Box<Answers>),
    /// Stop the run after the unit under way.
    StopRun(u8),
    /// Ask the server of this section once.
    Watch(usize, Box<Answers>),
    /// Look up when each stage last ran.
    Remember(Box<Answers>),
    /// Keep the unfinished answers.
    SaveDraft(&'static str, Box<Answers>),
    /// Let go of the unfinished answers.
    ForgetDraft,
    /// Write the answers file that repeats this.
    SaveAnswers(Box<Answers>),
    /// Write a log down.
    SaveLog(StageId, String),
    /// Copy the samples into the working folder, to be edited.
    CopySamples,
    /// Read the keypairs.
    ReadKeypairs(PathBuf),
    /// Copy text by way of the terminal.
    Copy(String),
    /// Go somewhere and come back.
    Away(Errand),
    /// Draw everything anew.
    Redraw,
    /// End with this exit status.
    Quit(u8),
}

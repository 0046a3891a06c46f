//! Line prompts: the wizard for plain terminals and screen readers.
//!
//! It asks the same variables as the full-screen wizard, in the same order and with the same judgement, makes the
//! same checks and starts the same runs. Everything that it says are whole lines on stderr.

mod development;
mod home;
mod review;
mod running;
mod section;
mod undo;

use std::{io::Write, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::{
    failure::{Code, Failure, status},
    guide::{Answers, Section, Variable},
    report::{RunState, Style, write_failure},
    session::{Inputs, Inspection, Operation, Overwrite, RunOptions, Scope, Session, Setup},
    state::StateDir,
};

use super::{
    console::{
        Signals, Terminal,
        asker::Asker,
        questions::{Question, Reply},
        wrapping::wrapping_stderr,
    },
    drive::{drive, run_until_signal},
    wizard::{Drafts, round::Round, start::load},
};

/// Why a question was left without an answer.
enum Away {
    /// One thing back.
    Back,
    /// Out of the wizard, with this exit status.
    Leave(u8),
}

type Answered<T> = Result<T, Away>;

/// Where a person is.
enum Page {
    Home,
    /// One variable, by its place in the order of the guide.
    Ask(usize),
    /// The end of a section: contradictions, the list of images, the live check.
    Judge(usize),
    Review,
    Menu,
    /// Everything is done.
    Done,
}

struct Wizard<'a> {
    terminal: &'a Terminal,
    setup: &'static Setup,
    style: Style,
    asker: Asker,
    /// From the begin to the end: none is lost between two questions.
    signals: &'a mut Signals,
    /// Each with the place of its section.
    questions: Vec<(usize, &'static Variable)>,
    answers: Answers,
    /// What was given at the start.
    flags: Answers,
    /// The answers that stand aside while those of a target, a file or the development setup are at hand.
    own: Option<Answers>,
    state_dir: Result<StateDir, Failure>,
    drafts: Drafts,
    run_options: RunOptions,
    /// What the command line allows to overwrite.
    given_overwrite: Overwrite,
    /// Where an unfinished round goes on, as the draft calls it.
    left_on: &'static str,
    /// A section was chosen in the review: back there when it is answered.
    from_review: bool,
    /// Something was run.
    ran: bool,
    round: Round,
}

/// Runs the wizard as line prompts.
pub fn serve(
    terminal: &Terminal,
    signals: &mut Signals,
    inputs: &Inputs,
    state: Option<PathBuf>,
    review: bool,
) -> u8 {
    if !terminal.can_ask() {
        let failure = Failure::new(Code::NeedsAnswers, "line prompts need a terminal, and there is none");
        let remedy = "give the answers as `--answers FILE`, or start it at a terminal";
        return terminal.fail(&[failure.remedy(remedy)]);
    }
    let (answers, notices) = match load(inputs) {
        Ok(loaded) => loaded,
        Err(problems) => return terminal.fail(&problems),
    };
    let variables = |(at, section): (usize, &'static Section)| {
        section.variables.iter().map(move |variable| (at, variable))
    };
    signals.listen();
    let state_dir = StateDir::find(state, inputs.surroundings().clone());
    let asker = Asker::detect(&terminal.surroundings.environment);
    let mut wizard = Wizard {
        terminal,
        style: terminal.style.spoken(asker.is_lines()),
        asker,
        signals,
        setup: inputs.setup,
        questions: inputs.setup.guide.asked().into_iter().enumerate().flat_map(variables).collect(),
        flags: answers.clone(),
        own: None,
        answers,
        drafts: Drafts::new(state_dir.clone().ok()),
        state_dir,
        run_options: inputs.run_options.clone(),
        given_overwrite: inputs.run_options.overwrite,
        left_on: "review",
        from_review: false,
        ran: false,
        round: Round::default(),
    };
    super::drive::in_runtime(terminal, async {
        wizard.say("Prepares etcd and PostgreSQL for the Backend.AI manager.");
        wizard.say("Checks leave no trace. Nothing is written to a server until you say so.");
        wizard.say(wizard.asker.keys());
        wizard.tell(&notices);
        let status = wizard.walk(if review { Page::Review } else { Page::Home }).await;
        wizard.keep_draft();
        wizard.drafts.settle().await;
        status
    })
}

impl Wizard<'_> {
    /// From page to page until somebody leaves.
    async fn walk(&mut self, mut page: Page) -> u8 {
        loop {
            let (next, back) = match page {
                Page::Home => (self.home().await, Page::Home),
                Page::Ask(at) => (self.ask(at).await, self.before(at)),
                Page::Judge(section) => (self.judge(section).await, Page::Ask(self.last_of(section))),
                Page::Review => (self.review().await, self.before(self.questions.len())),
                Page::Menu => (self.menu().await, Page::Review),
                Page::Done => (self.done().await, Page::Review),
            };
            page = match next {
                Ok(next) => next,
                Err(Away::Back) => back,
                Err(Away::Leave(status)) => return status,
            };
        }
    }

    /// The sections that are asked.
    fn sections(&self) -> Vec<&'static Section> {
        self.setup.guide.asked()
    }

    /// Asks for a text; Ctrl-C asks whether to leave.
    async fn text(&mut self, question: &Question) -> Answered<SecretString> {
        loop {
            match self.asker.text(self.signals, question).await {
                Reply::Is(text) => return Ok(text),
                other => self.away(other).await?,
            }
        }
    }

    /// Asks for a text that is no secret.
    async fn plain_text(&mut self, question: &Question) -> Answered<String> {
        Ok(self.text(question).await?.expose_secret().to_owned())
    }

    /// Asks for one of several things; Ctrl-C asks whether to leave.
    async fn choose(&mut self, title: &str, options: &[impl AsRef<str>], cursor: usize) -> Answered<usize> {
        // Where nobody would see what a server says, it is spelt out.
        let options: Vec<String> = options.iter().map(|option| self.style.text(option.as_ref())).collect();
        loop {
            match self.asker.choose(self.signals, title, &options, cursor).await {
                Reply::Is(chosen) => return Ok(chosen),
                other => self.away(other).await?,
            }
        }
    }

    /// What a reply without an answer means; nothing when the question is to be asked again.
    async fn away<T>(&mut self, reply: Reply<T>) -> Answered<()> {
        match reply {
            Reply::Back => Err(Away::Back),
            Reply::Interrupted => self.leave().await,
            Reply::Stopped(status) => Err(Away::Leave(status)),
            Reply::Is(_) => Ok(()),
            // Something was run: whoever ends the input leaves with how that ended.
            Reply::Nothing if self.ran => Err(Away::Leave(self.round.status)),
            Reply::Nothing => {
                let failure = Failure::new(Code::NeedsAnswers, "the terminal gave no answer");
                let status = self.terminal.fail(&[failure.remedy("give the answers as `--answers FILE`")]);
                Err(Away::Leave(status))
            }
        }
    }

    /// Asks whether to leave.
    async fn leave(&mut self) -> Answered<()> {
        self.say(self.round.leaving(None));
        let options = ["Stay".to_owned(), "Leave".to_owned()];
        match self.asker.choose(self.signals, "Leave?", &options, 0).await {
            Reply::Is(0) | Reply::Back => Ok(()),
            Reply::Stopped(status) => Err(Away::Leave(status)),
            // Ctrl-C twice leaves.
            _ => Err(Away::Leave(self.round.status)),
        }
    }

    /// Keeps what was answered so far, without secrets.
    fn keep_draft(&mut self) {
        if self.round.changed {
            self.round.drafted = true;
            self.drafts.save(self.left_on, Box::new(self.answers.clone()));
        }
    }

    /// Work on the disk, which may hang; a signal meanwhile leaves.
    async fn beside<T: Send + 'static>(&mut self, work: impl FnOnce() -> T + Send + 'static) -> Answered<T> {
        run_until_signal(self.terminal, self.signals, work).await.map_err(Away::Leave)
    }

    /// The answers as a session, with these stages or checks; what is in the way is told.
    async fn open(
        &mut self,
        scope: Result<Scope, Failure>,
        operation: Operation,
    ) -> Answered<Option<Session>> {
        let (answers, run_options) = (self.answers.clone(), self.run_options.clone());
        let inspection = Inspection { setup: self.setup, answers, run_options };
        let opened = self.beside(move || inspection.session(scope, operation)).await?;
        Ok(opened.map_err(|failures| self.tell(&failures)).ok())
    }

    /// Starts work that writes nothing and gives back what it found; a signal meanwhile asks whether to leave.
    async fn look(&mut self, session: &Session, operation: Operation) -> Answered<RunState> {
        loop {
            let state = drive(self.terminal, self.signals, session, operation, None, Vec::new()).await;
            match state.summary.as_ref().map(|summary| summary.status) {
                Some(status::INTERRUPTED) => self.leave().await?,
                Some(status @ (status::TERMINATED | status::HANGUP)) => return Err(Away::Leave(status)),
                _ => return Ok(state),
            }
        }
    }

    fn say(&self, line: &str) {
        let _ = writeln!(wrapping_stderr(self.asker.is_lines()), "{}", self.style.text(line));
    }

    fn tell(&self, failures: &[Failure]) {
        let mut err = wrapping_stderr(self.asker.is_lines());
        for failure in failures {
            let _ = write_failure(&mut err, self.style, failure);
        }
    }
}

//! With which answers a wizard begins, and where it goes on.

use crate::{
    devstack::Beside,
    failure::{Code, Failure, Subject},
    guide::Answers,
    session::{self, Inputs, LoadedAnswers},
};

use super::Unfinished;

/// The answers of a round, with what a person should hear about where they come from.
pub type Loaded = Result<(Answers, Vec<Failure>), Vec<Failure>>;

/// Gathers answers. A secret that could not be looked up is no problem: it is asked for on its page.
///
/// # Errors
/// Every problem at once.
pub fn load(inputs: &Inputs) -> Loaded {
    let LoadedAnswers { mut answers, problems, notices, to_ask, .. } = session::load_answers(inputs);
    let to_be_asked = |(key, failure): (&'static str, Failure)| {
        let note =
            Failure::new(Code::AnswersNote, format!("`{key}` is to be typed in: its source gave none"));
        let note = note.why(failure.what).remedy(format!("type `{key}` when it is asked for"));
        Failure { place: failure.place, ..note.about(Subject::Variable(key)) }
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    answers.state_version();
    Ok((answers, to_ask.into_iter().map(to_be_asked).chain(notices).collect()))
}

/// The answers of a file that a person names.
///
/// # Errors
/// Every problem at once.
pub fn load_file(inputs: Inputs, path: String) -> Loaded {
    load(&Inputs { answers: vec![path], ..inputs })
}

/// Where the servers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    Continue,
    Development,
    /// The same, on other ports where the usual ones cannot be had.
    Beside(Beside),
    Servers,
    File,
}

impl Choice {
    /// Those that there are.
    pub fn all(has_unfinished: bool, beside: Option<Beside>) -> Vec<Self> {
        let first = has_unfinished.then_some(Self::Continue).into_iter();
        let development = [Self::Development].into_iter().chain(beside.map(Self::Beside));
        first.chain(development).chain([Self::Servers, Self::File]).collect()
    }

    pub fn words(self, unfinished: Option<&Unfinished>) -> String {
        match self {
            Self::Continue => {
                format!("Continue: {}", unfinished.map_or("", |unfinished| &unfinished.words))
            }
            Self::Development => "On this machine, for development".to_owned(),
            Self::Beside(beside) => beside.choice(),
            Self::Servers => "On servers I name".to_owned(),
            Self::File => "As an answers file says".to_owned(),
        }
    }
}

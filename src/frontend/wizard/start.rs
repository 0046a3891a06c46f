//! With which answers a wizard begins.

use crate::{
    failure::{Code, Failure, Subject},
    guide::Answers,
    session::{self, Inputs, LoadedAnswers},
};

/// The answers of a round, with what a person should hear about where they come from.
pub type Loaded = Result<(Answers, Vec<Failure>), Vec<Failure>>;

/// Answers as they were gathered.
#[derive(Debug)]
pub struct Gathered {
    /// The answers.
    pub answers: Answers,
    /// What a person should hear of them.
    pub notices: Vec<Failure>,
    /// The secrets that could not be looked up, by key.
    pub to_ask: Vec<&'static str>,
}

/// Gathers answers. A secret that could not be looked up is no problem: a person is asked for it.
///
/// # Errors
/// Every problem at once.
pub fn gather(inputs: &Inputs) -> Result<Gathered, Vec<Failure>> {
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
    let keys = to_ask.iter().map(|(key, _)| *key).collect();
    let notices = to_ask.into_iter().map(to_be_asked).chain(notices).collect();
    Ok(Gathered { answers, notices, to_ask: keys })
}

/// The same, for who asks on the page of each secret.
///
/// # Errors
/// Every problem at once.
pub fn load(inputs: &Inputs) -> Loaded {
    gather(inputs).map(|gathered| (gathered.answers, gathered.notices))
}

/// The answers of a file that a person names.
///
/// # Errors
/// Every problem at once.
pub fn load_file(inputs: Inputs, path: String) -> Loaded {
    load(&Inputs { answers: vec![path], ..inputs })
}

//! From flags, files and environment to answers; every problem in one list.

use std::{
    collections::{BTreeSet, VecDeque},
    io::Read,
    path::Path,
};

use secrecy::SecretString;

use crate::{
    disk::{Disk, INPUT_LIMIT},
    failure::{Code, Failure, Place, Subject, shell_word, shortened, with_excerpts, words},
    guide::{
        Answers, FileValue, FileValues, Guide, Origin, Reference, SecretSource, Variable, etcd, file_values,
    },
    guides::Setup,
    surroundings::Surroundings,
    yaml,
};

use super::{
    RunOptions,
    lines::{FileContent, Lines},
    names::{Named, named, strange_names},
    redact::redacted,
    secret::{Sources, nobody_to_ask},
};

/// Everything that the command line gives.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// What is set up.
    pub setup: &'static Setup,
    /// Answers files in order; `-` is stdin.
    pub answers: Vec<String>,
    /// `KEY=VALUE`, in order.
    pub set: Vec<String>,
    /// Fill in the guide's development values.
    pub development: bool,
    /// How the work is done.
    pub run_options: RunOptions,
}

impl Inputs {
    /// Nothing yet for this setup.
    pub fn new(setup: &'static Setup, surroundings: Surroundings) -> Self {
        Self {
            setup,
            answers: Vec::new(),
            set: Vec::new(),
            development: false,
            run_options: RunOptions::new(surroundings),
        }
    }

    /// By what the answers are reached.
    pub fn surroundings(&self) -> &Surroundings {
        &self.run_options.surroundings
    }

    /// Does anything say which servers are meant?
    pub fn say_something(&self) -> bool {
        let is_set = |name: String| self.surroundings().environment.text(&name).is_some();
        !self.answers.is_empty()
            || !self.set.is_empty()
            || self.development
            || self.setup.guide.environment_names().any(is_set)
    }
}

/// Answers as loaded from every source.
#[derive(Debug)]
pub struct LoadedAnswers {
    /// What was given; defaults are not filled in.
    pub answers: Answers,
    /// What cannot be used, with its place.
    pub problems: Vec<Failure>,
    /// What a person should hear.
    pub notices: Vec<Failure>,
    /// Secrets that a person is to be asked for, by key: failures where nobody can be.
    pub to_ask: Vec<(&'static str, Failure)>,
    /// Keys for which a value was given, sound or not: a refused value is no missing one.
    pub(super) tried: BTreeSet<&'static str>,
    /// A file did not read: what is missing may stand in it.
    pub(super) unread: bool,
}

/// Gathers answers from flags, files, `--development` and the environment, judges each, and looks every
/// secret up.
pub fn load_answers(inputs: &Inputs) -> LoadedAnswers {
    let secrets = inputs.setup.guide.variables().filter(|variable| variable.is_secret());
    load_answers_with(inputs, &secrets.map(|variable| variable.key).collect::<Vec<_>>())
}

/// As [`load_answers`], but only the secrets of these keys are looked up: of the others only the place is known. No
/// program is started for them, and no file of theirs is read.
pub fn load_answers_with(inputs: &Inputs, secrets: &[&'static str]) -> LoadedAnswers {
    collect(inputs, Some(Sources::new(inputs.setup.guide, inputs.surroundings().clone())), secrets)
}

/// As [`load_answers`], from what was given by hand alone: the environment is left out, and secrets stay where
/// they are, for they are not needed.
pub fn load_given_answers(inputs: &Inputs) -> LoadedAnswers {
    collect(inputs, None, &[])
}

fn collect(inputs: &Inputs, sources: Option<Sources>, secrets: &[&'static str]) -> LoadedAnswers {
    let mut loader = AnswersLoader {
        surroundings: inputs.surroundings(),
        answers: Answers::new(inputs.setup.guide),
        tried: BTreeSet::new(),
        problems: Vec::new(),
        notices: Vec::new(),
        flagged: BTreeSet::new(),
        unread: false,
        to_ask: Vec::new(),
        texts: Vec::new(),
        sources,
        secrets,
    };
    loader.flags(&inputs.set);
    loader.files(&inputs.answers);
    loader.development(inputs.development);
    if loader.sources.is_some() {
        loader.environment();
    }
    let AnswersLoader { answers, tried, mut problems, mut notices, unread, to_ask, texts, .. } = loader;
    let guide = inputs.setup.guide;
    for (file, text) in &texts {
        let shown = |failures| with_excerpts(failures, file, text, Lines::of(FileContent::Answers(guide)));
        (problems, notices) = (shown(shortened(problems)), shown(shortened(notices)));
    }
    LoadedAnswers { answers, problems, notices, to_ask, tried, unread }
}

/// Answers as they come in: flags first, then files, development values, environment.
struct AnswersLoader<'a> {
    surroundings: &'a Surroundings,
    answers: Answers,
    tried: BTreeSet<&'static str>,
    problems: Vec<Failure>,
    notices: Vec<Failure>,
    flagged: BTreeSet<&'static str>,
    unread: bool,
    to_ask: Vec<(&'static str, Failure)>,
    /// The files as they were read, each with its name, for as long as problems are found.
    texts: Vec<(String, String)>,
    /// Where secrets are looked up, unless the answers are only copied.
    sources: Option<Sources>,
    /// The secrets that are looked up.
    secrets: &'a [&'static str],
}

impl AnswersLoader<'_> {
    fn guide(&self) -> &'static Guide {
        self.answers.guide()
    }

    fn set(&mut self, key: &str, value: SecretString, origin: Origin) {
        if let Some(variable) = self.guide().variable(key) {
            self.tried.insert(variable.key);
        }
        if let Err(failure) = self.answers.set(key, value, origin) {
            self.problems.push(failure);
        }
    }

    fn flags(&mut self, set: &[String]) {
        for pair in set {
            let Some((key, value)) = pair.split_once('=') else {
                // The text may be a secret that was meant as a value.
                self.problems.push(
                    Failure::new(Code::Usage, "`--set` takes `KEY=VALUE`")
                        .why("there is no `=` in what it was given")
                        .remedy("write `--set etcd.namespace=local`"),
                );
                continue;
            };
            match self.guide().variable(key) {
                Some(variable) if variable.is_secret() => {
                    self.tried.insert(variable.key);
                    self.problems.push(
                        Failure::new(Code::AnswersSecret, format!("`--set {key}=…` is refused"))
                            .why("others see the command line in the process list")
                            .remedy(format!(
                                "write `{{env: NAME}}` or `{{file: PATH}}` in an answers file, or set `{}`",
                                variable.env()
                            )),
                    );
                }
                Some(variable) => {
                    self.flagged.insert(variable.key);
                    self.set(key, value.into(), Origin::Flag);
                }
                None => self.set(key, value.into(), Origin::Flag),
            }
        }
    }

    fn files(&mut self, names: &[String]) {
        if names.iter().filter(|name| *name == "-").count() > 1 {
            self.problems.push(
                Failure::new(Code::Usage, "`--answers -` is given twice").remedy("stdin can be read once"),
            );
            // What is missing may stand in it.
            self.unread = true;
            return;
        }
        let mut read: VecDeque<(&String, FileValues)> =
            names.iter().filter_map(|name| Some((name, self.read(name)?))).collect();
        if let Some(sources) = &mut self.sources {
            if names.iter().any(|name| name == "-") {
                sources.stdin_is_taken("`--answers -`");
            }
            // Before the first program is started for a secret: it gets none of the others.
            for given in read.iter().flat_map(|(_, found)| &found.values) {
                if let SecretSource::At(Reference::Env(name)) = &given.value {
                    sources.hide(name);
                }
            }
        }
        while let Some((name, FileValues { values, refused, problems, .. })) = read.pop_front() {
            let before = self.problems.len();
            self.tried.extend(refused);
            self.problems.extend(problems);
            let open = name != "-" && self.surroundings.disk.others_can_read(Path::new(name));
            for given in values {
                let mut later = read.iter().flat_map(|(_, found)| &found.values);
                let is_overruled = later.any(|other| other.variable.key == given.variable.key);
                self.take(given, open, is_overruled, name);
            }
            // In the order in which they are fixed.
            self.problems[before..].sort_by_key(|failure| failure.place.clone());
        }
    }

    /// Takes one file apart; none when it does not read.
    fn read(&mut self, name: &str) -> Option<FileValues> {
        let (file, bytes) = match read_answers(&self.surroundings.disk, name) {
            Ok(read) => read,
            Err(failure) => {
                self.unread = true;
                self.problems.push(failure);
                return None;
            }
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let found = match yaml::read(&file, &bytes) {
            Ok(root) => {
                self.unread |= !matches!(root.value, yaml::Value::Mapping(_));
                let found = file_values(self.guide(), &file, &root);
                self.notices.extend(found.values.iter().filter_map(|given| given.cut_off(&text)));
                self.notices.extend(found.doubts.iter().cloned());
                Some(found)
            }
            Err(failures) => {
                self.unread = true;
                self.problems.extend(redacted(self.guide(), failures, &bytes));
                None
            }
        };
        self.texts.push((file, text));
        found
    }

    /// One value of a file. One that is overruled is judged all the same, since a wrong line is a trap for the
    /// next run; but no secret is looked up for it.
    fn take(&mut self, given: FileValue, open: bool, is_overruled: bool, name: &str) {
        let published = given.is_published();
        self.notices.extend(given.doubtful());
        let FileValue { variable, place, value } = given;
        self.tried.insert(variable.key);
        let origin = Origin::File(place.clone());
        let text = match value {
            SecretSource::Text(text) => text,
            SecretSource::At(reference) if !is_overruled => return self.look_up(variable, reference, place),
            SecretSource::At(_) => return,
        };
        if variable.is_secret() && open && !published {
            let what = format!("`{}` is in a file that other users can read", variable.key);
            let remedy = format!("chmod 600 {}", shell_word(name));
            self.problems.push(Failure::new(Code::AnswersSecret, what).remedy(remedy).at(place));
        } else if is_overruled || self.flagged.contains(variable.key) {
            self.problems.extend(Answers::new(self.guide()).set(variable.key, text, origin).err());
        } else {
            self.set(variable.key, text, origin);
        }
    }

    fn look_up(&mut self, variable: &'static Variable, reference: Reference, place: Place) {
        let key = variable.key;
        let Some(sources) = &mut self.sources else {
            return self.answers.set_reference(key, reference, Origin::File(place));
        };
        // Known without a look: two readers of stdin.
        if reference == Reference::Stdin
            && let Err(failure) = sources.claim_stdin(variable)
        {
            return self.to_ask.push((key, failure.at(place)));
        }
        if !self.secrets.contains(&key) {
            return self.answers.set_reference(key, reference, Origin::File(place));
        }
        match sources.look_up(key, &reference) {
            Ok(Some(text)) => {
                if let Err(failure) = self.answers.set(key, text, Origin::File(place)) {
                    self.problems.push(failure.why(format!("it was taken from {reference}")));
                }
                self.answers.refer(key, reference);
            }
            Ok(None) => self.to_ask.push((key, nobody_to_ask(key, &variable.env()).at(place))),
            // Whoever can be asked is asked: a failure where nobody can be.
            Err(failure) => self.to_ask.push((key, failure.at(place))),
        }
    }

    fn development(&mut self, wanted: bool) {
        if !wanted {
            return;
        }
        for variable in self.guide().variables() {
            if let (Some(development), false) = (variable.development, self.tried.contains(variable.key)) {
                let value = development.value(&self.surroundings.environment);
                self.set(variable.key, value.into(), Origin::Development);
            }
        }
    }

    /// A sourced `manager.env` of another cluster never redirects a run: it fills gaps, no more.
    fn environment(&mut self) {
        self.problems.extend(strange_names(&self.surroundings.environment, self.guide()));
        for variable in self.guide().variables() {
            let is_read = !variable.is_secret() || self.secrets.contains(&variable.key);
            let is_tried = self.tried.contains(variable.key);
            let found = match named(self.surroundings, variable, is_read, is_tried) {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(failure) => {
                    self.tried.insert(variable.key);
                    self.problems.push(failure);
                    continue;
                }
            };
            let Named { name, reference, value } = found;
            let Some(given) = self.answers.given(variable.key) else {
                if !is_tried && !variable.is_version() {
                    self.fill(variable, Origin::Environment(name), reference, value);
                }
                continue;
            };
            let Some(value) = value else { continue };
            // What `manager.env` of this very cluster says is no other cluster.
            let is_own = variable.key == etcd::ENDPOINTS && self.answers.is_managers_endpoint(&value);
            if !self.answers.is(variable.key, &value) && !is_own {
                let (key, origin) = (variable.key, &given.origin);
                self.notices.push(
                    Failure::new(
                        Code::EnvironmentDiffers,
                        format!("`{name}` in the environment differs from `{key}`"),
                    )
                    .why(format!("the value from {origin} counts"))
                    .remedy(format!("unset {name}, or fix `{key}`"))
                    .about(Subject::Variable(key)),
                );
            }
        }
    }

    /// A value that the environment gives; of a secret that is not looked up only the place.
    fn fill(
        &mut self,
        variable: &Variable,
        origin: Origin,
        reference: Reference,
        value: Option<SecretString>,
    ) {
        match value {
            None => self.answers.set_reference(variable.key, reference, origin),
            Some(value) => {
                self.set(variable.key, value, origin);
                if variable.is_secret() {
                    self.answers.refer(variable.key, reference);
                }
            }
        }
    }
}

fn read_answers(disk: &Disk, name: &str) -> Result<(String, Vec<u8>), Failure> {
    if name != "-" {
        return Ok((name.to_owned(), disk.read_input(Path::new(name))?));
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(INPUT_LIMIT + 1).read_to_end(&mut bytes).map_err(|error| {
        Failure::new(Code::FileRead, "stdin cannot be read").why(words(&error)).remedy("name a file")
    })?;
    Ok(("stdin".into(), bytes))
}

//! Settings: the answers parsed once, then typed.

use crate::{
    failure::{Code, Failure, Subject},
    limits::Limits,
    text::skeleton,
};

use super::{
    answers::Answers, database, database::Database, etcd, etcd::Etcd, files::Files, general,
    identity::Identity, images::Images, keypairs, keypairs::Keypairs, storage::Storage,
};

/// The typed answers. A section is there when its required answers are.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the cluster is called: given, else the host of the database.
    pub name: String,
    /// Which servers are meant.
    pub identity: Identity,
    etcd: Option<Etcd>,
    database: Option<Database>,
    storage: Option<Storage>,
    /// Where the image list comes from.
    pub images: Images,
    keypairs: Option<Keypairs>,
    /// The files to write.
    pub files: Files,
}

impl Settings {
    /// Parses answers; [`Answers::problems`] tells what they lack.
    pub fn new(answers: &Answers) -> Self {
        let etcd = Etcd::from_answers(answers);
        let database = Database::from_answers(answers);
        let name = answers
            .text(general::NAME)
            .or_else(|| database.as_ref().map(|database| database.address.host.clone()))
            .or_else(|| etcd.as_ref().and_then(|etcd| Some(etcd.endpoints.first()?.host.clone())))
            .unwrap_or_else(|| "unnamed".into());
        Self {
            name,
            identity: Identity::from_answers(answers),
            etcd,
            database,
            storage: Storage::from_answers(answers),
            images: Images::from_answers(answers),
            keypairs: Keypairs::from_answers(answers),
            files: Files::from_answers(answers),
        }
    }

    /// The same, with these limits for the servers.
    #[must_use]
    pub fn within(mut self, limits: Limits) -> Self {
        self.etcd.iter_mut().for_each(|etcd| etcd.limits = limits);
        self.database.iter_mut().for_each(|database| database.limits = limits);
        self
    }

    /// What the answers mean, but a person should hear; each is about a variable.
    pub fn notes(answers: &Answers) -> Vec<Failure> {
        let endpoints = answers.text(etcd::ENDPOINTS).unwrap_or_default();
        let notes = etcd::notes(&endpoints).into_iter();
        let about = Subject::Variable(etcd::ENDPOINTS);
        let notes = notes.map(|note| Failure::new(Code::AnswersNote, note).about(about.clone()));
        let owners = [keypairs::ADMIN, keypairs::USER].into_iter();
        let alike = owners.filter_map(|key| looks_ascii(key, &answers.text(key)?));
        notes.chain(alike).collect()
    }

    /// What to know where the addresses of servers that the manager gets mean the host it runs on.
    pub fn local_addresses(&self) -> Option<String> {
        let etcd = self.etcd.as_ref().and_then(Etcd::for_manager);
        let database = self.database.as_ref().map(|database| &database.address);
        let named = [(etcd, etcd::MANAGER_ENDPOINT), (database, database::ADDRESS)];
        let local = named.into_iter().filter_map(|(address, key)| Some((address?, key)));
        let local: Vec<_> = local.filter(|(address, _)| address.is_loopback()).collect();
        let join = |words: Vec<String>| words.join(" and ");
        let addresses = join(local.iter().map(|(address, _)| address.to_string()).collect());
        let keys = join(local.iter().map(|(_, key)| format!("`{key}`")).collect());
        (!local.is_empty()).then(|| {
            let mean = if local.len() > 1 { "mean" } else { "means" };
            format!("{addresses} {mean} the host that the manager runs on: for a manager on another host, set {keys}.")
        })
    }

    /// etcd as answered.
    pub fn etcd(&self) -> Result<&Etcd, Failure> {
        self.etcd.as_ref().ok_or_else(|| unasked("etcd"))
    }

    /// PostgreSQL as answered.
    pub fn database(&self) -> Result<&Database, Failure> {
        self.database.as_ref().ok_or_else(|| unasked("database"))
    }

    /// The shared folder as answered.
    pub fn storage(&self) -> Result<&Storage, Failure> {
        self.storage.as_ref().ok_or_else(|| unasked("storage"))
    }

    /// The owners of the keypairs as answered.
    pub fn keypairs(&self) -> Result<&Keypairs, Failure> {
        self.keypairs.as_ref().ok_or_else(|| unasked("keypairs"))
    }
}

/// A remark on a text whose letters of other scripts look like plain ones: whoever types it types another.
fn looks_ascii(key: &'static str, text: &str) -> Option<Failure> {
    let picture = skeleton(text);
    if text.is_ascii() || !picture.is_ascii() {
        return None;
    }
    let (at, sign) = text.chars().enumerate().find(|(_, c)| !c.is_ascii())?;
    let what =
        format!("`{key}` only looks like plain letters: character {} is U+{:04X}", at + 1, u32::from(sign));
    let failure = Failure::new(Code::AnswersNote, what).about(Subject::Variable(key));
    let failure = failure.why("whoever types the address types another one");
    Some(failure.remedy(format!("retype `{key}` if plain letters are meant")))
}

/// A stage or check used a section that its `needs` does not name.
fn unasked(section: &str) -> Failure {
    Failure::new(Code::Internal, format!("the answers of section `{section}` were not asked for"))
        .remedy("report this with the transcript")
}

//! Answers that do not go together.

use crate::failure::{Code, Failure, Subject};

use super::{
    answers::{Answers, Origin},
    etcd, files, keypairs,
};

impl Answers {
    /// A sign-in to etcd of which one half is missing.
    pub(super) fn halves(&self) -> Vec<Failure> {
        let pairs = [(etcd::USER, etcd::PASSWORD), (etcd::PASSWORD, etcd::USER)];
        let halves =
            pairs.into_iter().filter(|(one, other)| self.given(one).is_some() && self.given(other).is_none());
        halves
            .map(|(one, other)| {
                let what = format!("`{one}` is given, `{other}` is not");
                let clash = self.clash(&[one], what, format!("give both, or remove `{one}`"));
                clash.about(Subject::Unanswered(other))
            })
            .collect()
    }

    /// Answers that contradict each other, whatever is missing.
    pub fn contradictions(&self) -> Vec<Failure> {
        let mut problems = Vec::new();
        let (admin, user) = (keypairs::ADMIN, keypairs::USER);
        if self.same(admin, user) {
            problems.push(self.clash(
                &[user, admin],
                format!("`{admin}` and `{user}` are the same"),
                "give each an address of its own".into(),
            ));
        }
        let files = [files::ALEMBIC_INI, files::ENVIRONMENT, files::CREDENTIALS];
        for (at, one) in files.iter().enumerate() {
            for other in &files[at + 1..] {
                if self.path(one).is_some()
                    && self.path(one) == self.path(other)
                    && !self.is(one, &"none".into())
                {
                    problems.push(self.clash(
                        &[*other, *one],
                        format!("`{one}` and `{other}` are the same file"),
                        "name two files".into(),
                    ));
                }
            }
        }
        problems
    }

    fn same(&self, one: &str, other: &str) -> bool {
        self.text(one).is_some() && self.text(one) == self.text(other)
    }

    /// About the first of these keys, at the first that stands in a file.
    fn clash(&self, keys: &[&'static str], what: String, remedy: String) -> Failure {
        let failure = Failure::new(Code::AnswersValue, what).remedy(remedy);
        let mut places = keys.iter().filter_map(|key| match &self.given(key)?.origin {
            Origin::File(place) => Some(place.clone()),
            _ => None,
        });
        let failure = match places.next() {
            Some(place) => failure.at(place),
            None => failure,
        };
        match keys {
            [first, ..] => failure.about(Subject::Variable(first)),
            [] => failure,
        }
    }
}

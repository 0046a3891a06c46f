//! Questions that a server answers by rows, several in one message: what needs no answer in between costs one round trip.

use std::{time::Duration, vec};

use futures::{Stream, TryStreamExt, stream};
use sqlx::{AssertSqlSafe, Either, PgConnection, postgres::PgRow};

use crate::{failure::Failure, guide::Database};

use super::asking::{Unanswered, request};
use super::quote_literal;

/// One statement, and what its rows mean.
pub struct Question<T> {
    what: &'static str,
    sql: String,
    read: fn(&[PgRow]) -> Result<T, sqlx::Error>,
}

impl<T> Question<T> {
    /// `what` names it in messages, for example `the question for its version`.
    pub fn new(
        what: &'static str,
        sql: impl Into<String>,
        read: fn(&[PgRow]) -> Result<T, sqlx::Error>,
    ) -> Self {
        Self { what, sql: sql.into(), read }
    }
}

/// A statement whose rows do not matter.
pub fn statement(what: &'static str, sql: impl Into<String>) -> Question<()> {
    Question::new(what, sql, |_| Ok(()))
}

/// The row that is always there.
pub(super) fn one(rows: &[PgRow]) -> Result<&PgRow, sqlx::Error> {
    rows.first().ok_or(sqlx::Error::RowNotFound)
}

/// Which question failed, and how.
type Unread = (&'static str, sqlx::Error);

/// Questions that go together: one, several, or one that is not asked now.
pub trait Questions {
    /// What they bring back, in the same form.
    type Answers;

    /// Appends what each is called and its statement.
    fn list<'a>(&'a self, statements: &mut Vec<(&'static str, &'a str)>);

    /// Takes its answers from the front.
    ///
    /// # Errors
    /// When an answer has not the form that was asked for, with what the question is called.
    fn read(&self, answers: &mut vec::IntoIter<Vec<PgRow>>) -> Result<Self::Answers, Unread>;

    /// The same, with their answers made into something else.
    fn made<T>(self, make: fn(Self::Answers) -> T) -> Made<Self, T>
    where
        Self: Sized,
    {
        Made { questions: self, make }
    }
}

/// See [`Questions::made`].
pub struct Made<Q: Questions, T> {
    questions: Q,
    make: fn(Q::Answers) -> T,
}

impl<Q: Questions, T> Questions for Made<Q, T> {
    type Answers = T;

    fn list<'a>(&'a self, statements: &mut Vec<(&'static str, &'a str)>) {
        self.questions.list(statements);
    }

    fn read(&self, answers: &mut vec::IntoIter<Vec<PgRow>>) -> Result<T, Unread> {
        self.questions.read(answers).map(self.make)
    }
}

impl<T> Questions for Question<T> {
    type Answers = T;

    fn list<'a>(&'a self, statements: &mut Vec<(&'static str, &'a str)>) {
        statements.push((self.what, &self.sql));
    }

    fn read(&self, answers: &mut vec::IntoIter<Vec<PgRow>>) -> Result<T, Unread> {
        (self.read)(&answers.next().unwrap_or_default()).map_err(|error| (self.what, error))
    }
}

impl<Q: Questions> Questions for Option<Q> {
    type Answers = Option<Q::Answers>;

    fn list<'a>(&'a self, statements: &mut Vec<(&'static str, &'a str)>) {
        if let Some(questions) = self {
            questions.list(statements);
        }
    }

    fn read(&self, answers: &mut vec::IntoIter<Vec<PgRow>>) -> Result<Self::Answers, Unread> {
        self.as_ref().map(|questions| questions.read(answers)).transpose()
    }
}

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<$($name: Questions),+> Questions for ($($name,)+) {
            type Answers = ($($name::Answers,)+);

            #[allow(non_snake_case, reason = "one name for a type and its value")]
            fn list<'a>(&'a self, statements: &mut Vec<(&'static str, &'a str)>) {
                let ($($name,)+) = self;
                $($name.list(statements);)+
            }

            #[allow(non_snake_case, reason = "one name for a type and its value")]
            fn read(&self, answers: &mut vec::IntoIter<Vec<PgRow>>) -> Result<Self::Answers, Unread> {
                let ($($name,)+) = self;
                Ok(($($name.read(answers)?,)+))
            }
        }
    };
}

tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);

/// Asks all of them in one message. The first that fails ends it.
///
/// # Errors
/// As [`super::ask`], of the question that failed.
pub async fn together<Q: Questions>(
    connection: &mut PgConnection,
    database: &Database,
    questions: Q,
) -> Result<Q::Answers, Failure> {
    let answers = attempted(connection, database, questions).await;
    answers.map_err(|(what, unanswered)| unanswered.explained(database, what))
}

/// As [`together`], for whom the cause tells more than its explanation.
pub(super) async fn attempted<Q: Questions>(
    connection: &mut PgConnection,
    database: &Database,
    questions: Q,
) -> Result<Q::Answers, (&'static str, Unanswered)> {
    let mut statements = Vec::new();
    questions.list(&mut statements);
    let script = statements.iter().map(|(_, sql)| *sql).collect::<Vec<_>>().join(";\n");
    let mut answers: Vec<Vec<PgRow>> = Vec::new();
    let asking = async {
        let mut rows = Vec::new();
        let mut stream = sqlx::raw_sql(AssertSqlSafe(script)).fetch_many(connection);
        while let Some(next) = stream.try_next().await? {
            match next {
                Either::Right(row) => rows.push(row),
                Either::Left(_) => answers.push(std::mem::take(&mut rows)),
            }
        }
        Ok(())
    };
    if let Err(unanswered) = request(database.limits.answer(), asking).await {
        let (what, _) = statements.get(answers.len()).or(statements.last()).copied().unwrap_or_default();
        return Err((what, unanswered));
    }
    let read = questions.read(&mut answers.into_iter());
    read.map_err(|(what, error)| (what, Unanswered::Refused(error)))
}

/// Runs statements, each called something, in one message: how many rows each touched, as it comes to its end, with a time
/// limit for each. The first that fails ends it.
pub fn script<'c>(
    connection: &'c mut PgConnection,
    database: &'c Database,
    limit: Duration,
    statements: &'c [(&'c str, &'c str)],
) -> impl Stream<Item = Result<u64, Failure>> + Send + 'c {
    let text = statements.iter().map(|(_, sql)| *sql).collect::<Vec<_>>().join(";\n");
    let results = sqlx::raw_sql(AssertSqlSafe(text)).fetch_many(connection);
    stream::unfold(Some((results, 0)), move |state| async move {
        let (mut results, ended) = state?;
        let next = async {
            while let Some(result) = results.try_next().await? {
                if let Either::Left(done) = result {
                    return Ok(Some(done.rows_affected()));
                }
            }
            Ok(None)
        };
        match request(limit, next).await {
            Ok(None) => None,
            Ok(Some(rows)) => Some((Ok(rows), Some((results, ended + 1)))),
            Err(unanswered) => {
                let what = statements.get(ended).or(statements.last()).map_or("", |(what, _)| what);
                Some((Err(unanswered.explained(database, what)), None))
            }
        }
    })
}

/// Texts as SQL takes them, as an array.
pub fn literals(texts: &[&str]) -> String {
    let all: Vec<String> = texts.iter().map(|text| quote_literal(text)).collect();
    format!("ARRAY[{}]::text[]", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::literals;

    #[test]
    fn literals_hold_whatever_is_in_them() {
        assert_eq!(literals(&["a", "it's", r"\'"]), r"ARRAY['a', 'it''s', E'\\''']::text[]");
        assert_eq!(literals(&[]), "ARRAY[]::text[]");
    }
}

//! Every remedy leads on: what the message says is done, word for word, and the command is run again. The
//! snapshots are the table: what failed, what to do, what was done, what came.

mod answers;
mod coverage;
mod lists;
mod mount;
mod servers;
mod work;

use std::process::Command;

use super::Case;
use super::told::side_by_side;
use crate::servers::Postgres;

/// What a person does who reads this remedy; gives back what is right now, and the words for it.
type Step<'a> = Box<dyn FnOnce(Case<'a>, &str) -> (Case<'a>, String) + Send + 'a>;

/// One row: what fails, with which code and status, what is done, and how it ends then.
struct Row<'a> {
    name: &'static str,
    code: &'static str,
    status: i32,
    case: Box<dyn FnOnce() -> Case<'a> + Send + 'a>,
    step: Step<'a>,
    /// The status afterwards, and the code of the next problem where there is one.
    came: (i32, &'static str),
}

/// A row whose remedy solves it.
fn solved<'a>(
    name: &'static str,
    (status, code): (i32, &'static str),
    case: impl FnOnce() -> Case<'a> + Send + 'a,
    step: Step<'a>,
) -> Row<'a> {
    Row { name, code, status, case: Box::new(case), step, came: (0, "") }
}

impl Row<'_> {
    /// The next problem, or the next status, instead.
    fn then(mut self, status: i32, code: &'static str) -> Self {
        self.came = (status, code);
        self
    }

    fn follow(self) -> String {
        let case = (self.case)();
        let told = case.run().expect(self.code);
        assert_eq!(told.status, self.status, "{}: {:#?}", self.name, told.failures);
        let remedy = told.remedy();
        let before = told.redact;
        let (case, did) = (self.step)(case, &remedy);
        let after = case.run();
        let next: Vec<_> = after.failures.iter().filter_map(|it| it["code"].as_str()).collect();
        let (status, code) = self.came;
        assert_eq!(
            (after.status, *next.first().unwrap_or(&"")),
            (status, code),
            "{}: {remedy}\n{did}\n{:#?}",
            self.name,
            after.failures
        );
        let again = after.warnings.iter().any(|it| it["code"] == self.code && code.is_empty());
        assert!(!again || status != 0, "{}: it is still said: {:#?}", self.name, after.warnings);
        let (mut remedy, mut did) = (remedy, did);
        for (what, shown) in before.iter().chain(&case.redactions()) {
            remedy = remedy.replace(what, shown);
            did = did.replace(what, shown);
        }
        let came = format!("{status} {code}");
        format!(
            "## {}: {}\n    do    {remedy}\n    did   {did}\n    came  {}",
            self.code,
            self.name,
            came.trim()
        )
    }
}

/// Follows them all, side by side.
fn all(rows: Vec<Row>) -> String {
    side_by_side(rows.into_iter().map(|row| (row.name, move || row.follow())).collect())
}

/// What stands in backticks.
fn literals(remedy: &str) -> Vec<&str> {
    remedy.split('`').skip(1).step_by(2).collect()
}

/// The first literal of which this is true.
fn literal(remedy: &str, fits: impl Fn(&str) -> bool) -> &str {
    literals(remedy).into_iter().find(|it| fits(it)).unwrap_or_else(|| panic!("not named in: {remedy}"))
}

/// Sets the answer that is written out, `key: value`; placeholders are filled in.
fn answer<'a>(filled: &'static [(&'static str, &'static str)]) -> Step<'a> {
    Box::new(move |case, remedy| {
        let mut text = literal(remedy, |it| it.contains(": ")).to_owned();
        for (placeholder, value) in filled {
            text = text.replace(placeholder, value);
        }
        let (key, value) = text.split_once(": ").expect("a key and a value");
        (case.set(key, value), format!("`{text}`"))
    })
}

/// Gives this key the value that is written out; the literal is the one that fits.
fn value_of<'a>(key: &'static str, fits: fn(&str) -> bool) -> Step<'a> {
    Box::new(move |case, remedy| {
        let value = literal(remedy, fits);
        (case.set(key, value), format!("`{key}: {value}`"))
    })
}

/// Gives the key that is named the value that only a person knows.
fn fix<'a>(key: &'static str, right: impl Fn(&Case<'a>) -> String + Send + 'a) -> Step<'a> {
    Box::new(move |case, remedy| {
        assert!(remedy.contains(&format!("`{key}`")), "`{key}` is not named in: {remedy}");
        let right = right(&case);
        (case.set(key, right), format!("fixed `{key}`"))
    })
}

/// Takes the keys out that are named.
fn out<'a>(keys: &'static [&'static str]) -> Step<'a> {
    Box::new(move |mut case, remedy| {
        for key in keys {
            assert!(remedy.contains(&format!("`{key}`")), "`{key}` is not named in: {remedy}");
            case = case.unset(key);
        }
        (case, format!("took `{}` out", keys.join("` and `")))
    })
}

/// Adds the flag that is written out, with its placeholders filled in.
fn flag<'a>(
    which: &'static str,
    filled: impl Fn(&Case<'a>) -> Vec<(&'static str, String)> + Send + 'a,
) -> Step<'a> {
    Box::new(move |case, remedy| {
        let mut text = literal(remedy, |it| it.starts_with(which)).to_owned();
        for (placeholder, value) in filled(&case) {
            text = text.replace(placeholder, &value);
        }
        (text.split_whitespace().fold(case, |case, word| case.also(word)), format!("`{text}`"))
    })
}

/// Nothing to fill in.
fn as_it_is(_: &Case) -> Vec<(&'static str, String)> {
    Vec::new()
}

/// Runs the SQL that stands behind these words, as the superuser, in this database of the case.
fn sql<'a>(words: &'static str, database: &'static str) -> Step<'a> {
    Box::new(move |case, remedy| {
        let (_, rest) = remedy.split_once(words).unwrap_or_else(|| panic!("no `{words}` in: {remedy}"));
        // Other ways, and what comes after it, begin with a word of prose.
        let ends = [", or ", "; or ", "; in it", ", then "].iter().filter_map(|end| rest.find(end)).min();
        let sql = rest[..ends.unwrap_or(rest.len())].to_owned();
        let database = database.replace("{name}", &case.database.name);
        Postgres::shared().psql(&database, &sql);
        (case, sql)
    })
}

/// Runs a command that is written out, by a shell in the working folder: the literal that begins so, or all of it.
fn shell<'a>(begins: &'static str) -> Step<'a> {
    Box::new(move |case, remedy| {
        let command = if remedy.starts_with(begins) {
            remedy
        } else if let Some((_, command)) = remedy.split_once(&format!(": {begins}")) {
            return by_shell(case, &format!("{begins}{command}"));
        } else {
            literal(remedy, |it| it.starts_with(begins))
        };
        by_shell(case, command)
    })
}

fn by_shell<'a>(case: Case<'a>, command: &str) -> (Case<'a>, String) {
    let shell = Command::new("sh").args(["-c", command]).current_dir(case.work()).output().expect("a shell");
    assert!(shell.status.success(), "{command}: {}", String::from_utf8_lossy(&shell.stderr));
    (case, format!("$ {command}"))
}

/// Does what the remedy says in words; these must stand there.
fn by_hand<'a>(words: &'static str, does: impl FnOnce(Case<'a>) -> Case<'a> + Send + 'a) -> Step<'a> {
    Box::new(move |case, remedy| {
        assert!(remedy.contains(words), "`{words}` is not said in: {remedy}");
        (does(case), format!("by hand: {words}"))
    })
}

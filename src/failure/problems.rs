//! Problems as they are found: the first ones are reported, the rest is counted.

use super::{Code, Excerpt, Failure, Severity, excerpt::lines};
use crate::text::grouped;

/// How many problems of one file are reported one by one: whoever has fixed these runs again.
const PER_FILE: usize = 20;
/// How many are reported in all.
const IN_ALL: usize = 50;

/// A list of problems that stays short whatever a file holds. Whoever finds a problem pushes it; past the limit only
/// its code is kept, with the place of the first.
#[derive(Debug, Default)]
pub struct Problems {
    kept: Vec<Failure>,
    /// One for each code and file, standing for many.
    rest: Vec<Failure>,
}

impl Problems {
    /// Takes a problem in.
    pub fn push(&mut self, problem: Failure) {
        if problem.more == 0 && self.has_room(problem.file()) {
            self.kept.push(problem);
            return;
        }
        let more = problem.stands_for();
        let alike = |rest: &&mut Failure| {
            (rest.code, rest.severity, rest.file()) == (problem.code, problem.severity, problem.file())
        };
        match self.rest.iter_mut().find(alike) {
            Some(rest) => {
                rest.more = rest.more.saturating_add(more);
                if problem.place < rest.place {
                    rest.place = problem.place;
                }
            }
            None => self.rest.push(Failure { more, ..problem }),
        }
    }

    /// Takes in a problem that takes long to describe: `describe` runs only where it will be told.
    pub fn push_with(&mut self, code: Code, place: super::Place, describe: impl FnOnce() -> Failure) {
        if self.has_room(Some(&place.file)) {
            self.push(describe().at(place));
        } else {
            self.push(Failure::new(code, "").at(place));
        }
    }

    fn has_room(&self, file: Option<&str>) -> bool {
        let of_file = || self.kept.iter().filter(|kept| kept.file() == file).count();
        self.kept.len() < IN_ALL && (file.is_none() || of_file() < PER_FILE)
    }

    /// Sorts what is reported one by one by its place.
    pub fn sort(&mut self) {
        self.kept.sort_by(|one, other| one.place.cmp(&other.place));
    }

    /// Was nothing found?
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// How many were found that are reported one by one.
    pub fn told(&self) -> usize {
        self.kept.len()
    }

    /// The first problems in order, then one line for each code and file that has more: its exit status counts
    /// too.
    pub fn into_vec(self) -> Vec<Failure> {
        let mut told = self.kept;
        told.extend(self.rest.into_iter().map(|rest| {
            let what = format!("{} more of these", grouped(rest.more as usize));
            let failure = Failure::new(rest.code, what).with_severity(rest.severity);
            let failure = failure.remedy(match rest.severity {
                Severity::Failure => "fix what is listed above, then run again to see the next ones",
                Severity::Warning => "change what is listed above, then run again to see the next ones",
            });
            Failure { more: rest.more, place: rest.place, ..failure }
        }));
        told
    }
}

impl Extend<Failure> for Problems {
    fn extend<I: IntoIterator<Item = Failure>>(&mut self, problems: I) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }
}

impl FromIterator<Failure> for Problems {
    fn from_iter<I: IntoIterator<Item = Failure>>(problems: I) -> Self {
        let mut list = Self::default();
        list.extend(problems);
        list
    }
}

/// The list, short enough to be told.
pub fn shortened(problems: impl IntoIterator<Item = Failure>) -> Vec<Failure> {
    Problems::from_iter(problems).into_vec()
}

/// How many problems a list stands for.
pub fn count(problems: &[Failure]) -> usize {
    problems.iter().map(|problem| problem.stands_for() as usize).sum()
}

/// The failures, each with the line that it is about. `may_show` is asked for every line in order, up to the last
/// that is wanted, and gives what may be shown of it: nothing where a secret stands.
pub fn with_excerpts(
    mut failures: Vec<Failure>,
    file: &str,
    text: &str,
    mut may_show: impl FnMut(&str) -> Option<String>,
) -> Vec<Failure> {
    let wanted = |failure: &Failure| {
        let place = failure.place.as_ref().filter(|place| &*place.file == file && failure.more == 0)?;
        Some((place.line, place.column))
    };
    let last = failures.iter().filter_map(wanted).map(|(line, _)| line).max().unwrap_or(0);
    for (at, line) in lines(text.trim_start_matches('\u{feff}')).take(last).enumerate() {
        let shown = may_show(line);
        for failure in &mut failures {
            if let Some((_, column)) = wanted(failure).filter(|(line, _)| *line == at + 1) {
                let excerpt = shown.as_deref().and_then(|shown| Excerpt::of(at + 1, shown, column));
                if excerpt.is_some() {
                    failure.aside.get_or_insert_default().excerpt = excerpt;
                }
            }
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::super::{Place, status};
    use super::*;

    fn at(file: &str, line: usize, code: Code) -> Failure {
        Failure::new(code, "wrong").at(Place { file: file.into(), line, column: 1 })
    }

    #[test]
    fn a_long_list_tells_the_first_and_counts_the_rest() {
        let found = (1..=10_000).map(|line| at("a.yml", line, Code::ImagesValue));
        let found =
            found.chain([at("b.yml", 1, Code::YamlScalar), Failure::new(Code::NeedsAnswers, "missing")]);
        let found = found.chain((10_001..=10_005).map(|line| at("a.yml", line, Code::ImagesShape)));
        let told = shortened(found);
        assert_eq!(count(&told), 10_007);
        assert_eq!(told.len(), 20 + 2 + 2);
        assert_eq!(told[22].what, "9,980 more of these");
        assert_eq!(told[22].place.as_ref().map(|place| place.line), Some(21));
        assert_eq!((told[23].more, told[23].code), (5, Code::ImagesShape));
        // Shortened again it is the same, and the status is that of the whole.
        assert_eq!(shortened(told.clone()), told);
        assert_eq!(status::first_of(told.iter().map(Failure::status)), Some(3));
    }

    #[test]
    fn many_files_are_bounded_together() {
        let found = (0..30)
            .flat_map(|file| (1..=30).map(move |line| at(&format!("{file}.yml"), line, Code::YamlScalar)));
        let told = shortened(found);
        assert_eq!(told.iter().filter(|failure| failure.more == 0).count(), 50);
        assert_eq!(count(&told), 900);
    }
}

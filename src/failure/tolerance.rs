//! What counts as a failure in this run: `--strict` and `--accept`.

use super::{Code, Failure, Severity};

/// How strictly warnings and failed checks are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tolerance {
    /// `--strict`: a warning counts as a failure.
    pub strict: bool,
    /// `--accept CODE`: with this code a failed check, or a warning under `--strict`, is only a warning.
    pub accept: Vec<Code>,
}

impl Tolerance {
    /// Only what a check finds, or what is said as a warning, can be accepted: anything else would be ignored.
    pub fn can_accept(code: Code) -> bool {
        code.is_warning() || code.is_found_by_checks()
    }

    /// The same failure, mattering as much as it does here.
    #[must_use]
    pub fn apply(&self, failure: Failure) -> Failure {
        if self.accept.contains(&failure.code) {
            failure.with_severity(Severity::Warning)
        } else if self.strict {
            failure.with_severity(Severity::Failure)
        } else {
            failure
        }
    }
}

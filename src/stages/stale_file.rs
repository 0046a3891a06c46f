//! A file that was fit to be written when the plan was made, and is so no longer.

use crate::failure::{Code, Failure};

/// What a look would call a conflict is a plan that is out of date; anything else stays what it is.
pub(super) fn stale_file(failure: Failure, what: &str) -> Failure {
    match failure.code {
        Code::FileParent
        | Code::FileSymlink
        | Code::FileOwner
        | Code::FileMount
        | Code::FileForeign
        | Code::FileAlembic
        | Code::FileLogging => Failure::stale(what, failure.what),
        _ => failure,
    }
}

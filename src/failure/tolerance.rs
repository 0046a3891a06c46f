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
        code.is_warning() || FOUND_BY_CHECKS.contains(&code)
    }

    /// The same failure, mattering as much as it does here.
    #[must_use]
    pub fn weigh(&self, failure: Failure) -> Failure {
        if self.accept.contains(&failure.code) {
            failure.weighed(Severity::Warning)
        } else if self.strict {
            failure.weighed(Severity::Failure)
        } else {
            failure
        }
    }
}

/// The failures that a rung of a check can have.
const FOUND_BY_CHECKS: &[Code] = &[
    Code::ImagesHidden,
    Code::EtcdResolve,
    Code::EtcdConnect,
    Code::EtcdTimeout,
    Code::EtcdProtocol,
    Code::EtcdAlarm,
    Code::EtcdLeader,
    Code::EtcdNotReady,
    Code::EtcdLearner,
    Code::EtcdAuth,
    Code::EtcdRights,
    Code::EtcdLost,
    Code::EtcdRefused,
    Code::EtcdOther,
    Code::DbResolve,
    Code::DbConnect,
    Code::DbTimeout,
    Code::DbProtocol,
    Code::DbTls,
    Code::DbStarting,
    Code::DbFull,
    Code::DbAuth,
    Code::DbMissing,
    Code::DbRights,
    Code::DbVersion,
    Code::DbEncoding,
    Code::DbExtension,
    Code::DbShape,
    Code::DbLost,
    Code::DbRefused,
    Code::DbOther,
    Code::DbReadOnly,
    Code::DbPooler,
    Code::DbClash,
    Code::DbSearchPath,
    Code::DbCollation,
    Code::DbUnmanaged,
    Code::DbRevision,
    Code::DbOld,
    Code::MountPath,
    Code::MountMissing,
    Code::MountKind,
    Code::MountUnmounted,
    Code::MountReadOnly,
    Code::MountWrite,
    Code::MountHung,
    Code::FileParent,
    Code::FileSymlink,
    Code::FileOwner,
    Code::FileMount,
    Code::FileForeign,
    Code::FileHung,
];

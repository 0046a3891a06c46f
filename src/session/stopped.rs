//! Work that a signal has ended.

use crate::failure::{Code, Failure, status};

use super::Operation;

/// Which signal it was, by its exit status, and what state it left.
pub fn stopped(status: u8, left: &str) -> Failure {
    let signal = match status {
        status::HANGUP => "SIGHUP",
        status::TERMINATED => "SIGTERM",
        _ => "SIGINT",
    };
    Failure::new(Code::Cancelled, format!("stopped by {signal}"))
        .why(left)
        .remedy("run the same command again to go on")
}

/// Why a run has not come to its end that is not waited for any more.
pub fn broken_off(operation: Operation) -> Failure {
    let (left, remedy) = match operation {
        Operation::Rendezvous => (
            "the file of an offer may still be in the shared folder, and its keys in etcd for 15 s",
            "remove a file `.backendai-setup-mount-…` of yours, or leave that to a later `mount offer`",
        ),
        _ => (
            "what was under way may be written or not",
            "run `status` to see what was done, then the same command again to go on",
        ),
    };
    Failure::new(Code::Cancelled, "left without waiting for the work under way")
        .why(format!("a second signal came; {left}"))
        .remedy(remedy)
}

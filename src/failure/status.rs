//! Exit statuses of the program, as promised to scripts.

/// Changed or unchanged, all is well.
pub const SUCCESS: u8 = 0;
/// A bug in this program.
pub const INTERNAL: u8 = 1;
/// The command line does not parse.
pub const USAGE: u8 = 2;
/// Answers or input files are invalid or incomplete; nothing was touched.
pub const INPUT: u8 = 3;
/// A target is reachable but not fit: a failed check or a conflict.
pub const UNFIT: u8 = 4;
/// A target is unreachable or did not answer in time.
pub const UNREACHABLE: u8 = 5;
/// Sign-in or a needed right was refused.
pub const REFUSED: u8 = 6;
/// A stage failed after something was written; run again to go on.
pub const PARTIAL: u8 = 7;
/// Another run holds a lock that this one needs, or has taken it over; nothing was written.
pub const LOCKED: u8 = 8;
/// Not as wanted: something is pending or in conflict.
pub const NOT_AS_WANTED: u8 = 9;
/// An answer or a confirmation is needed and nobody can give it.
pub const NEEDS_INPUT: u8 = 10;
/// Stopped by SIGHUP.
pub const HANGUP: u8 = 129;
/// Stopped by SIGINT.
pub const INTERRUPTED: u8 = 130;
/// Stopped by SIGTERM.
pub const TERMINATED: u8 = 143;

/// Every status with its meaning, in the order of the README's table.
pub const ALL: &[(u8, &str)] = &[
    (SUCCESS, "success, changed or unchanged; or left before anything was written"),
    (INTERNAL, "internal error"),
    (USAGE, "usage"),
    (INPUT, "answers or input files invalid or incomplete; nothing touched"),
    (UNFIT, "a check failed or a conflict: the target is reachable but not fit"),
    (UNREACHABLE, "a target is unreachable or timed out"),
    (REFUSED, "sign-in or a needed right refused"),
    (PARTIAL, "a stage failed after something was written; run again to go on"),
    (LOCKED, "another run holds a lock that this one needs; nothing written"),
    (
        NOT_AS_WANTED,
        "not as wanted: `status` found pending or conflict, `plan --detailed-exitcode` has changes, what was confirmed or saved changed before anything was written",
    ),
    (NEEDS_INPUT, "an answer or a confirmation is needed and nobody can give it"),
    (HANGUP, "stopped by SIGHUP, after an orderly stop"),
    (INTERRUPTED, "stopped by SIGINT, after an orderly stop"),
    (TERMINATED, "stopped by SIGTERM, after an orderly stop"),
];

/// Of several failures before the first write, the status that counts: the earliest of
/// 3, 10, 8, 5, 6, 4. Anything else ranks before those.
pub fn first_of(statuses: impl IntoIterator<Item = u8>) -> Option<u8> {
    const ORDER: [u8; 6] = [INPUT, NEEDS_INPUT, LOCKED, UNREACHABLE, REFUSED, UNFIT];
    statuses
        .into_iter()
        .min_by_key(|status| ORDER.iter().position(|known| known == status).map_or(0, |at| at + 1))
}

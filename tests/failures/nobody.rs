//! The program as an ordinary user, for whom the kernel's rights count.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::process::Command;

use super::{Case, case::walk};

/// Who the program is when we are root.
pub const NOBODY: u32 = 65534;

/// As root the program is run as `nobody`, who owns its folders and cannot reach ours; else as it is.
pub fn as_nobody(case: Case<'_>) -> Case<'_> {
    as_nobody_by(case, &[])
}

/// The same, by way of another program, for example `prlimit --nproc=1`.
pub fn as_nobody_by<'a>(case: Case<'a>, prefix: &[&str]) -> Case<'a> {
    if !rustix::process::geteuid().is_root() {
        return if prefix.is_empty() { case } else { case.under(prefix.iter().copied()) };
    }
    let folder = case.started().folder().to_owned();
    let program = folder.join("program");
    // The target folder may lie in a home that nobody may enter.
    // By a process of its own: a file that we hold open for writing, in a child that another test
    // forks just now as well, could not be started.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_backendai-setup")).arg(&program).status();
    assert!(copied.is_ok_and(|status| status.success()), "there is room for the program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    let answers = case.save();
    for path in walk(&folder).into_iter().chain([folder.clone(), answers]) {
        lchown(&path, Some(NOBODY), Some(NOBODY)).expect("root may do that");
    }
    let script = format!(r#"exec {} {} "$@""#, prefix.join(" "), program.display());
    case.under(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", &script])
}

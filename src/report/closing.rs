//! Where things are once all is done, and the guide's next command.

use std::path::Path;

use crate::{
    failure::{Code, shell_word},
    guide::{Guide, files},
};

/// Lines to say at the end, from the codes of what the checks warned of.
pub type Closing = Box<dyn Fn(&[Code]) -> Vec<String> + Send>;

/// What stands above the command that starts the manager, at the end of a run.
pub(super) const NEXT: &str = "Next, in the manager's folder:";

/// The guide's next command, with the environment file that was written.
pub fn next_command(guide: &Guide, environment: &Path) -> String {
    let environment = shell_word(&environment.display().to_string());
    format!(". {environment} && {}", guide.start)
}

/// What to do with a file that was written, by its key and what the checks warned of: `alembic.ini` is moved only where it
/// is not beside the manager's scripts already.
pub fn about_file(key: &str, mut warned: impl Iterator<Item = Code>) -> &'static str {
    match key {
        files::ALEMBIC_INI if warned.any(|code| code == Code::FileAlembic) => {
            "belongs beside the manager's alembic/ folder"
        }
        files::ALEMBIC_INI => "the manager's alembic reads it",
        files::ENVIRONMENT => "source it before you start the manager",
        _ => "the keypairs, only you can read them",
    }
}

/// Where these files are, each with its key; and the next command after a whole run, with what to know of addresses
/// that mean this host.
pub fn closing(
    guide: &'static Guide,
    files: Vec<(&'static str, String)>,
    whole: bool,
    local: Option<String>,
) -> Closing {
    Box::new(move |warned| {
        let mut lines = vec![String::new()];
        let mut next = None;
        for (key, path) in &files {
            if *key == files::ENVIRONMENT {
                next = Some(format!("  {}", next_command(guide, path.as_ref())));
            }
            let what = about_file(key, warned.iter().copied());
            lines.push(format!("{:46} {path}", format!("{what}:")));
        }
        // Without one of the stages the manager would not start, or not serve.
        if let Some(next) = next.filter(|_| whole) {
            lines.extend([NEXT.to_owned(), next, guide.needs.to_owned()]);
            lines.extend(local.clone());
        }
        if lines.len() == 1 { Vec::new() } else { lines }
    })
}

//! What is kept between two rounds: unfinished answers, the answers that repeat a run, saved texts.
//! Never a secret.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    disk::Disk,
    failure::{Code, Failure, words},
    guide::{Answers, Guide, Origin, Reference},
    state::{StateDir, Target},
};

/// The version of the draft.
const VERSION: u32 = 1;

/// Unfinished answers.
#[derive(Debug)]
pub struct Draft {
    /// When they were kept.
    pub saved: Timestamp,
    /// The page they were left on.
    pub page: String,
    /// The answers; secrets are not among them, but for those that can be looked up again.
    pub answers: Answers,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    version: u32,
    saved: Timestamp,
    page: String,
    answers: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
}

fn draft_path(state_dir: &StateDir) -> PathBuf {
    state_dir.path().join("draft.json")
}

/// Keeps unfinished answers, without secrets.
///
/// # Errors
/// `E-STATE-DIR` or `E-FILE-WRITE` when they cannot be kept.
pub fn save_draft(state_dir: &StateDir, page: &str, answers: &Answers) -> Result<PathBuf, Failure> {
    let mut kept = Kept {
        version: VERSION,
        saved: state_dir.surroundings.clock.now(),
        page: page.to_owned(),
        answers: BTreeMap::new(),
        environment: BTreeMap::new(),
        files: BTreeMap::new(),
    };
    for variable in answers.guide().variables() {
        let Some(given) = answers.given(variable.key) else { continue };
        let key = variable.key.to_owned();
        match (given.shown(variable), given.reference()) {
            (Some(text), _) if given.origin != Origin::Default => {
                drop(kept.answers.insert(key, text.to_owned()))
            }
            (None, Some(Reference::Env(name))) => drop(kept.environment.insert(key, name.clone())),
            (None, Some(Reference::File(path))) => drop(kept.files.insert(key, path.clone())),
            _ => {}
        }
    }
    let path = draft_path(state_dir);
    let text = serde_json::to_string_pretty(&kept).unwrap_or_default() + "\n";
    let disk = &state_dir.surroundings.disk;
    disk.make_folder(state_dir.path())?;
    disk.replace(&path, text.as_bytes(), None)?;
    Ok(path)
}

/// The unfinished answers, if there are any. A value that is refused by now is left out; a secret that can
/// no longer be looked up is missing.
///
/// # Errors
/// `E-FILE-READ` for a draft that cannot be read, `E-FILE-HUNG` when nothing answers.
pub fn draft(guide: &'static Guide, state_dir: &StateDir) -> Result<Option<Draft>, Failure> {
    let (disk, path) = (&state_dir.surroundings.disk, draft_path(state_dir));
    if !disk.is_there(&path)? {
        return Ok(None);
    }
    let bytes = disk.read_input(&path)?;
    let kept: Kept = serde_json::from_slice(&bytes)
        .ok()
        .filter(|kept: &Kept| kept.version == VERSION)
        .ok_or_else(|| {
            Failure::new(Code::FileRead, "the draft of unfinished answers cannot be read")
                .why("it is damaged, or of another version")
                .remedy(format!("remove it: rm {}", crate::failure::shell_word(&path.to_string_lossy())))
        })?;
    let mut answers = Answers::new(guide);
    for (key, value) in kept.answers {
        let _ = answers.set(&key, value.into(), Origin::Draft);
    }
    let references = kept
        .environment
        .into_iter()
        .map(|(key, name)| (key, Reference::Env(name)))
        .chain(kept.files.into_iter().map(|(key, path)| (key, Reference::File(path))));
    for (key, reference) in references {
        let value: Option<SecretString> = match &reference {
            Reference::Env(name) => {
                let value = state_dir.surroundings.environment.get(name).and_then(OsStr::to_str);
                value.map(|value| value.to_owned().into())
            }
            Reference::File(path) => super::secret::read_file(disk, Path::new(path)).ok(),
            // A program is not started, and nobody asked, before the person says so.
            Reference::Command(_) | Reference::Stdin | Reference::Prompt => None,
        };
        if let Some(value) = value
            && answers.set(&key, value, Origin::Draft).is_ok()
        {
            answers.refer(&key, reference);
        }
    }
    Ok(Some(Draft { saved: kept.saved, page: kept.page, answers }))
}

/// Lets go of the unfinished answers.
pub fn forget_draft(state_dir: &StateDir) {
    state_dir.surroundings.disk.forget(&draft_path(state_dir));
}

/// Writes the answers file that would repeat a run, into the target's folder.
///
/// # Errors
/// `E-STATE-DIR` or `E-FILE-WRITE` when it cannot be written.
pub fn save_answers(state_dir: &StateDir, answers: &Answers) -> Result<PathBuf, Failure> {
    save_answers_of(&state_dir.target(answers)?, answers)
}

/// The same for a target that is known.
///
/// # Errors
/// `E-STATE-DIR` or `E-FILE-WRITE` when it cannot be written.
pub fn save_answers_of(target: &Target, answers: &Answers) -> Result<PathBuf, Failure> {
    let disk = target.disk();
    let path = target.folder().join("answers.yml");
    disk.replace(&path, answers.repeatable()?.as_bytes(), None)?;
    Ok(path)
}

/// Writes text that a person wants to keep, never over a file that is there.
///
/// # Errors
/// `E-FILE-WRITE`.
pub fn save_text(disk: &Disk, path: &Path, text: &str) -> Result<PathBuf, Failure> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let end = path.extension().map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
    for number in 1.. {
        let name = if number == 1 { format!("{stem}{end}") } else { format!("{stem}-{number}{end}") };
        let path = path.with_file_name(name);
        return match disk.put_new(&path, text.as_bytes(), 0o600)? {
            Ok(()) => Ok(std::path::absolute(&path).unwrap_or(path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => {
                Err(Failure::new(Code::FileWrite, format!("`{}` could not be written", path.display()))
                    .why(words(&error))
                    .remedy("make room or fix the folder"))
            }
        };
    }
    unreachable!("an endless range ended")
}

/// The keypairs that were written, to be shown to a person who asks for them.
///
/// # Errors
/// `E-FILE-READ` when they cannot be read.
pub fn read_credentials(disk: &Disk, path: &Path) -> Result<SecretString, Failure> {
    let bytes = disk.read_input(path)?;
    String::from_utf8(bytes).map(Into::into).map_err(|_| {
        Failure::new(Code::FileRead, format!("`{}` is not UTF-8 text", path.display()))
            .remedy("run `populate-fixtures` with another file for the credentials")
    })
}

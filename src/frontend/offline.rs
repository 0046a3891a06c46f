//! Commands that need no server: images, explain.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    failure::{Code, Failure, shell_word, status, words},
    guide::{Guide, did_you_mean, meant},
    report::{write_images, write_pull_commands},
    session::{self, Inputs, Intent, Scope},
};

use super::{
    console::{Signals, Terminal},
    drive::{headless, load},
};

/// Shows the image list; without answers the built-in samples.
pub fn images(terminal: &Terminal, inputs: &Inputs, pull_commands: bool) -> u8 {
    headless(terminal, async {
        let mut signals = Signals::new();
        let scope = Scope::checks(inputs.setup, &["images".to_owned()]);
        let session =
            match load(terminal, &mut signals, inputs, scope, Intent::Plan { detailed: false }).await {
                Ok(session) => session,
                Err(status) => return status,
            };
        let Some(list) = session.images() else { return status::INTERNAL };
        let warnings = match session.warnings() {
            Ok(warnings) => warnings,
            Err(failures) => return terminal.fail(&failures),
        };
        let result = json!({
            "images": list.rows(),
            "pull_commands": list.pull_commands(),
            "warnings": warnings,
        });
        terminal.answer("images", result, status::SUCCESS, || {
            if pull_commands {
                terminal.result(|mut out| write_pull_commands(&mut out, list));
            } else {
                terminal.result(|mut out| write_images(&mut out, terminal.style, list, usize::MAX));
            }
            terminal.tell(&warnings);
        })
    })
}

/// The samples, each with the name of its file.
fn samples(guide: &Guide) -> [(&'static str, &'static str); 2] {
    [("image-metadata.yml", guide.samples.image_metadata), ("image-aliases.yml", guide.samples.image_aliases)]
}

/// Copies the samples, never over a file that is there.
pub fn copy_samples(terminal: &Terminal, guide: &Guide, folder: &Path) -> u8 {
    let find = |(name, _): &(&str, &str)| {
        let path = folder.join(name);
        let taken = || taken(&path).remedy("move it away, or name another folder");
        session::is_there(&path).map_or_else(Some, |is_there| is_there.then(taken))
    };
    let taken: Vec<Failure> = samples(guide).iter().filter_map(find).collect();
    if !taken.is_empty() {
        return terminal.fail(&taken);
    }
    for (name, text) in samples(guide) {
        let path = folder.join(name);
        if let Err(failure) = put_new(&path, text, SAMPLE_MODE) {
            return terminal.fail(&[failure]);
        }
    }
    let paths = samples(guide).map(|(name, _)| folder.join(name).display().to_string());
    terminal.answer("written", json!({ "paths": paths }), status::SUCCESS, || {
        for path in &paths {
            terminal.note(&format!("copied:  {path}"));
        }
        terminal.note("name them as `images.metadata` and `images.aliases` in your answers");
    })
}

/// Copies the samples that a person is about to edit; a copy that was made before is as good.
///
/// # Errors
/// When another file has the name, or nothing can be written there.
pub fn samples_to_edit(guide: &Guide, folder: &Path) -> Result<(PathBuf, PathBuf), Failure> {
    let copy = |(name, text): (&str, &str)| {
        let path = folder.join(name);
        match session::read_input(&path) {
            Ok(bytes) if bytes == text.as_bytes() => Ok(path),
            Ok(_) => Err(taken(&path).remedy("name it as your list, or move it away")),
            Err(_) => put_new(&path, text, SAMPLE_MODE).map(|()| path),
        }
    };
    let [metadata, aliases] = samples(guide);
    Ok((copy(metadata)?, copy(aliases)?))
}

/// To be edited like any file of the user's: readable for others.
const SAMPLE_MODE: u32 = 0o644;

pub(super) fn taken(path: &Path) -> Failure {
    Failure::new(Code::FileForeign, format!("`{}` is there already", path.display()))
}

/// Writes a file of the user's, whole or not at all, and never over one that is there.
pub(super) fn put_new(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    session::put_new(path, text.as_bytes(), mode)?.map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return taken(path).remedy("move it away, or name another file");
        }
        let failure = Failure::new(Code::FileWrite, format!("`{}` could not be written", path.display()))
            .why(words(&error));
        match error.kind() {
            io::ErrorKind::NotFound => {
                failure.remedy(format!("mkdir -p {}", shell_word(&folder.to_string_lossy())))
            }
            _ => failure.remedy("make room or fix the folder, then try again"),
        }
    })
}

/// The code of this name.
///
/// # Errors
/// `E-USAGE` with the nearest code that there is.
pub fn known_code(given: &str) -> Result<Code, Failure> {
    given.parse().map_err(|()| {
        let failure = Failure::new(Code::Usage, format!("there is no code `{}`", given.escape_debug()));
        let upper = given.to_ascii_uppercase();
        match did_you_mean(&upper, Code::ALL.iter().map(|code| code.as_str())) {
            Some(near) => failure.remedy(meant(&upper, near)),
            None => failure.remedy("`backendai-setup explain` lists them all"),
        }
    })
}

/// Prints the page of a code, or the list of all.
pub fn explain(terminal: &Terminal, code: Option<&str>) -> u8 {
    let Some(given) = code else {
        let codes: Vec<Value> = Code::ALL.iter().map(|code| page(*code)).collect();
        return terminal.answer("codes", json!({ "codes": codes }), status::SUCCESS, || {
            terminal.result(|out| {
                Code::ALL.iter().try_for_each(|code| writeln!(out, "{:<20} {}", code.as_str(), code.title()))
            });
        });
    };
    let code = match known_code(given) {
        Ok(code) => code,
        Err(failure) => return terminal.fail(&[failure]),
    };
    terminal.answer("code", page(code), status::SUCCESS, || {
        terminal.result(|out| {
            writeln!(out, "{}  {}", code.as_str(), code.title())?;
            if code.is_warning() {
                writeln!(out, "A warning; with `--strict` a failure with exit status {}.\n", code.status())?;
            } else {
                writeln!(out, "Exit status {}.\n", code.status())?;
            }
            writeln!(out, "{}", wrap(code.page(), 80))
        });
    })
}

/// What scripts are told of a code.
fn page(code: Code) -> Value {
    let severity = Failure::new(code, "").severity;
    json!({
        "code": code, "severity": severity, "status": code.status(), "title": code.title(), "page": code.page(),
    })
}

/// Breaks a paragraph into lines.
fn wrap(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + word.len() < width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

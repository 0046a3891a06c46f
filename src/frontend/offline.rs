//! Commands that need no server: images, explain.

use std::path::Path;

use serde_json::{Value, json};
use textwrap::{Options, WordSplitter};

use crate::{
    failure::{Code, Failure, status},
    guide::{Guide, did_you_mean, images, meant},
    report::{write_images, write_pull_commands},
    session::{self, Inputs, Operation, Scope},
};

use super::{
    console::{Signals, Terminal},
    drive::{headless, load},
};

/// Shows the image list; without answers the built-in samples.
pub fn images(terminal: &Terminal, signals: &mut Signals, inputs: &Inputs, pull_commands: bool) -> u8 {
    headless(terminal, signals, async |signals| {
        let scope = Ok(Scope::section(inputs.setup, &images::SECTION));
        let session = load(terminal, signals, inputs, scope, Operation::Plan { detailed: false }).await?;
        let list = session.images().ok_or(status::INTERNAL)?;
        let warnings = session.warnings().map_err(|failures| terminal.fail(&failures))?;
        let result = json!({
            "images": list.rows(),
            "pull_commands": list.pull_commands(),
            "warnings": warnings,
        });
        Ok(terminal.answer("images", result, status::SUCCESS, || {
            if pull_commands {
                terminal.result(|mut out| write_pull_commands(&mut out, list));
            } else {
                terminal.result(|mut out| write_images(&mut out, terminal.style, list, usize::MAX));
            }
            terminal.tell(&warnings);
        }))
    })
}

/// Copies the samples, never over a file that is there.
pub fn copy_samples(terminal: &Terminal, guide: &Guide, folder: &Path) -> u8 {
    let paths = match session::copy_samples(&terminal.surroundings.disk, guide, folder) {
        Ok(paths) => paths.map(|path| path.display().to_string()),
        Err(failures) => return terminal.fail(&failures),
    };
    terminal.answer("written", json!({ "paths": paths }), status::SUCCESS, || {
        for path in &paths {
            terminal.note(&format!("copied:  {path}"));
        }
        terminal.note("name them as `images.metadata` and `images.aliases` in your answers");
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
            let columns = Options::new(80).word_splitter(WordSplitter::NoHyphenation).break_words(false);
            writeln!(out, "{}", textwrap::fill(code.page(), columns))
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

//! Commands that work on answers files.

use std::{io, path::Path};

use serde_json::json;

use crate::{
    failure::{Code, Failure, shell_word, status},
    guide::{self, Origin},
    report::{write_answers, write_failure},
    session::{self, Gathered, Inputs, Intent, Scope, Session},
};

use super::{Terminal, offline::put_new};

/// Reports every problem of the answers and of the files that they name.
pub fn validate(terminal: &Terminal, inputs: &Inputs) -> u8 {
    if inputs.answers.is_empty() {
        let failure = Failure::new(Code::NeedsAnswers, "no answers file is named")
            .remedy("give `answers validate FILE`; `-` is stdin");
        return terminal.fail(&[failure]);
    }
    match Session::load(inputs, Scope::everything(), Intent::Plan { detailed: false }) {
        Err(failures) => terminal.fail(&failures),
        Ok(session) => {
            let mut err = anstream::AutoStream::auto(io::stderr()).lock();
            for warning in session.notices() {
                let _ = write_failure(&mut err, terminal.style, warning);
            }
            if terminal.is_json() {
                terminal.result(|out| {
                    let valid =
                        json!({"type": "answers", "name": session.name(), "warnings": session.notices()});
                    writeln!(out, "{valid}")
                });
            } else {
                terminal
                    .result(|out| writeln!(out, "{}: the answers are complete and valid", session.name()));
            }
            status::SUCCESS
        }
    }
}

/// Writes a new answers file, filled in from flags and files.
pub fn init(terminal: &Terminal, inputs: &Inputs, file: &str, minimal: bool) -> u8 {
    // What the environment says today is no answer to keep.
    let Gathered { mut answers, problems, .. } = session::gather_given(inputs);
    if !problems.is_empty() {
        return terminal.fail(&problems);
    }
    let _ = answers.set("version", "1".into(), Origin::Default);
    let name = if file == "-" { "answers.yml".into() } else { shell_word(file) };
    let text = match answers.to_fill_in(&name, minimal) {
        Ok(text) => text,
        Err(failure) => return terminal.fail(&[failure]),
    };
    if file == "-" {
        terminal.result(|out| out.write_all(text.as_bytes()));
        return status::SUCCESS;
    }
    // Passwords may stand in it.
    if let Err(failure) = put_new(Path::new(file), &text, 0o600) {
        return terminal.fail(&[failure]);
    }
    if terminal.is_json() {
        terminal.result(|out| writeln!(out, "{}", json!({"type": "written", "path": file})));
    } else {
        terminal.note(&format!("written, only you can read it:  {file}"));
        terminal.note(&format!("next:  backendai-setup answers validate {}", shell_word(file)));
    }
    status::SUCCESS
}

/// Prints the JSON Schema of answers files.
pub fn schema(terminal: &Terminal) -> u8 {
    terminal.result(|out| {
        serde_json::to_writer_pretty(&mut *out, &guide::json_schema())?;
        writeln!(out)
    });
    status::SUCCESS
}

/// Shows the merged answers, each with its origin; secrets stay hidden. What cannot be used is told after
/// what can.
pub fn show(terminal: &Terminal, inputs: &Inputs) -> u8 {
    if !inputs.say_something() {
        let failure = Failure::new(Code::NeedsAnswers, "there are no answers to show")
            .remedy("give `answers show FILE`; `-` is stdin");
        return terminal.fail(&[failure]);
    }
    let Gathered { mut answers, mut problems, notices, to_ask, .. } = session::gather(inputs);
    problems.extend(to_ask);
    answers.fill_defaults();
    if terminal.is_json() {
        if !problems.is_empty() {
            return terminal.fail(&problems);
        }
        let shown: Vec<_> = guide::variables()
            .filter_map(|variable| Some((variable, answers.given(variable.key)?)))
            .map(|(variable, given)| {
                let place = match &given.origin {
                    Origin::File(place) => Some(place),
                    _ => None,
                };
                json!({
                    "key": variable.key,
                    "value": given.shown(variable).map(|text| variable.json(text)),
                    "secret": variable.is_secret(),
                    "origin": given.origin.kind(),
                    "place": place,
                    "reference": given.reference().map(ToString::to_string),
                })
            })
            .collect();
        terminal.result(|out| {
            writeln!(out, "{}", json!({"type": "answers", "answers": shown, "warnings": notices}))
        });
        return status::SUCCESS;
    }
    terminal.result(|mut out| write_answers(&mut out, terminal.style, &answers));
    let mut err = anstream::AutoStream::auto(io::stderr()).lock();
    for warning in &notices {
        let _ = write_failure(&mut err, terminal.style, warning);
    }
    drop(err);
    if problems.is_empty() { status::SUCCESS } else { terminal.fail(&problems) }
}

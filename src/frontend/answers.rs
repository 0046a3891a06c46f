//! Commands that work on answers files.

use std::path::Path;

use serde_json::json;

use crate::{
    failure::{Code, Failure, shell_word, status},
    guide::{Guide, Origin, Reference},
    report::{answers_json, write_answers},
    session::{self, Inputs, Judging, LoadedAnswers, Operation, Scope},
};

use super::{
    console::{Signals, Terminal, Volume},
    drive::{headless, load, run_until_signal},
};

/// Reports every problem of the answers and of the files that they name. No server is asked, and no secret is
/// looked up unless that is asked for.
pub fn validate(terminal: &Terminal, signals: &mut Signals, inputs: &Inputs, judging: Judging) -> u8 {
    if inputs.answers.is_empty() {
        let failure = Failure::new(Code::NeedsAnswers, "no answers file is named")
            .remedy("give `answers validate FILE`; `-` is stdin");
        return terminal.fail(&[failure]);
    }
    headless(terminal, signals, async |signals| {
        let (scope, operation) =
            (Scope::everything(inputs.setup, judging), Operation::Plan { detailed: false });
        let session = load(terminal, signals, inputs, Ok(scope), operation).await?;
        let warnings = session.warnings().map_err(|failures| terminal.fail(&failures))?;
        let Judging { with_secrets, partial } = judging;
        let result = json!({
            "name": session.name(), "partial": partial, "secrets_looked_up": with_secrets, "warnings": warnings,
        });
        Ok(terminal.answer("valid", result, status::SUCCESS, || {
            if terminal.volume == Volume::Quiet {
                return;
            }
            terminal.tell(&warnings);
            let whole = if partial { "are valid as a part" } else { "are complete and valid" };
            let secrets =
                if with_secrets { "" } else { "; no secret was looked up, `--with-secrets` does that" };
            terminal.result(|out| writeln!(out, "{}: the answers {whole}{secrets}", session.name()));
        }))
    })
}

/// Writes a new answers file, filled in from flags and files.
pub fn init(terminal: &Terminal, signals: &mut Signals, inputs: &Inputs, file: &str, minimal: bool) -> u8 {
    // What the environment says today is no answer to keep.
    let given = inputs.clone();
    let LoadedAnswers { mut answers, problems, .. } =
        match in_order(terminal, signals, move || session::load_given_answers(&given)) {
            Ok(loaded) => loaded,
            Err(status) => return status,
        };
    if !problems.is_empty() {
        return terminal.fail(&problems);
    }
    answers.state_version();
    let name = if file == "-" { "answers.yml".into() } else { shell_word(file) };
    let text = match answers.to_fill_in(&name, minimal) {
        Ok(text) => text,
        Err(failure) => return terminal.fail(&[failure]),
    };
    if file == "-" {
        return terminal.answer("file", json!({ "text": text }), status::SUCCESS, || {
            terminal.result(|out| out.write_all(text.as_bytes()));
        });
    }
    // Passwords may stand in it.
    if let Err(failure) = session::put_new(&terminal.surroundings.disk, Path::new(file), &text, 0o600) {
        return terminal.fail(&[failure]);
    }
    terminal.answer("written", json!({ "paths": [file] }), status::SUCCESS, || {
        terminal.note(&format!("written, only you can read it:  {file}"));
        for name in answers.secrets_left_out() {
            terminal.note(&format!(
                "a password is not copied: the new file takes it from the environment name {name}"
            ));
        }
        terminal.note(&format!("next:  backendai-setup answers validate {}", shell_word(file)));
    })
}

/// Prints the JSON Schema of answers files.
pub fn schema(terminal: &Terminal, guide: &Guide) -> u8 {
    terminal.result(|out| {
        serde_json::to_writer_pretty(&mut *out, &guide.json_schema())?;
        writeln!(out)
    });
    status::SUCCESS
}

/// Shows the merged answers, each with its origin; secrets stay where they are. What cannot be used comes after
/// what can.
pub fn show(terminal: &Terminal, signals: &mut Signals, inputs: &Inputs) -> u8 {
    if !inputs.say_something() {
        let failure = Failure::new(Code::NeedsAnswers, "there are no answers to show")
            .remedy("give `answers show FILE`; `-` is stdin");
        return terminal.fail(&[failure]);
    }
    let given = inputs.clone();
    let LoadedAnswers { mut answers, mut problems, notices, to_ask, .. } =
        match in_order(terminal, signals, move || session::load_answers_with(&given, &[])) {
            Ok(loaded) => loaded,
            Err(status) => return status,
        };
    for (key, failure) in to_ask {
        let origin = failure.place.clone().map_or(Origin::Typed, Origin::File);
        answers.set_reference(key, Reference::Stdin, origin);
        problems.push(failure);
    }
    answers.fill_defaults();
    let result = json!({"answers": answers_json(&answers), "warnings": notices});
    let text = || {
        terminal.result(|mut out| write_answers(&mut out, terminal.style, &answers));
        terminal.tell(&notices);
    };
    if problems.is_empty() {
        terminal.answer("answers", result, status::SUCCESS, text)
    } else {
        terminal.answer_and_fail("answers", result, &problems, text)
    }
}

/// Gathers answers; a signal meanwhile ends the program in order.
fn in_order(
    terminal: &Terminal,
    signals: &mut Signals,
    load_answers: impl FnOnce() -> LoadedAnswers + Send + 'static,
) -> Result<LoadedAnswers, u8> {
    let mut loaded = Err(status::INTERNAL);
    let _ = headless(terminal, signals, async |signals| {
        loaded = run_until_signal(terminal, signals, load_answers).await;
        Ok(status::SUCCESS)
    });
    loaded
}

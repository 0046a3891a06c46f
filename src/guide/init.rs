//! A new answers file with a comment at every key, for somebody to fill in.

use std::fmt::Write as _;

use serde_yaml::{Mapping, Value};
use textwrap::{Options, WordSplitter};

use crate::{failure::Failure, yaml};

use super::{
    Answers, Origin, Variable, repeat,
    variable::{Default, Development},
};

/// The name by which the file names its schema; `answers schema` prints what belongs into it.
pub const SCHEMA_FILE: &str = "answers.schema.json";

impl Answers {
    /// An answers file with these answers filled in. Other keys are commented out with their default; those
    /// that are required have nothing behind them, and `answers validate` says so. `minimal` leaves out what
    /// has a default.
    ///
    /// # Errors
    /// `E-INTERNAL` when a value cannot be written as YAML.
    pub fn to_fill_in(&self, name: &str, minimal: bool) -> Result<String, Failure> {
        let mut text =
            format!("# yaml-language-server: $schema={SCHEMA_FILE}\n# Answers for backendai-setup.\n#\n");
        for (command, meaning) in [
            (format!("answers validate {name}"), "tells what is missing, offline"),
            (format!("--answers {name} check"), "probes every target, writes nothing"),
            (format!("--answers {name}"), "does it"),
            (format!("answers schema >{SCHEMA_FILE}"), "lets editors complete this file"),
        ] {
            let _ = writeln!(text, "#   {:<54} {meaning}", format!("backendai-setup {command}"));
        }
        text.push_str(if minimal { "\n" } else { "" });
        for section in self.guide().sections {
            let wanted = |variable: &&Variable| {
                let is_required = matches!(variable.default, Default::Required);
                self.given(variable.key).is_some() || is_required || !minimal
            };
            let mut open = String::new();
            for variable in section.variables.iter().filter(wanted) {
                let (above, _) = variable.key.rsplit_once('.').unwrap_or_default();
                if above != open {
                    open = above.to_owned();
                    let mark = self.mark_of(section.variables, minimal);
                    let _ = write!(text, "\n# {}\n{mark}{above}:\n", section.intro);
                }
                self.entry(&mut text, variable, minimal)?;
            }
        }
        Ok(text)
    }

    /// A mapping in which everything is commented out is commented out itself.
    fn mark_of(&self, variables: &[Variable], minimal: bool) -> &'static str {
        let stands = |variable: &Variable| {
            self.given(variable.key).is_some() || matches!(variable.default, Default::Required)
        };
        if minimal || variables.iter().any(stands) { "" } else { "#" }
    }

    fn entry(&self, text: &mut String, variable: &Variable, minimal: bool) -> Result<(), Failure> {
        let indent = "  ".repeat(variable.key.matches('.').count());
        let name = variable.key.rsplit('.').next().unwrap_or(variable.key);
        let needed = match variable.default {
            Default::Required => REQUIRED.to_owned(),
            Default::Unset(what) => format!("Default: {what}."),
            Default::Value(_) => String::new(),
        };
        if !minimal {
            if indent.is_empty() {
                text.push('\n');
            }
            let lead = format!("{indent}# ");
            let meaning = [variable.help, &needed].join(" ");
            let comment = Options::new(90)
                .word_splitter(WordSplitter::NoHyphenation)
                .initial_indent(&lead)
                .subsequent_indent(&lead);
            let _ = writeln!(text, "{}", textwrap::fill(meaning.trim_end(), comment));
            // Told once, where one is sure to be needed.
            if variable.is_secret() && needed == REQUIRED {
                for (form, meaning) in SECRET_FORMS {
                    let _ = writeln!(text, "{lead}  {name}: {form:<30}{meaning}");
                }
            }
        }
        let (mark, value) = match (self.given(variable.key), variable.default) {
            // Published, so hiding it protects nobody.
            (Some(given), _) => match variable.development {
                Some(Development::Value(value)) if given.origin == Origin::Development => {
                    ("", repeat::shaped(variable, value))
                }
                _ => ("", repeat::value(variable, given)),
            },
            (None, Default::Required) => {
                let meaning =
                    if minimal { format!("   # required: {}", variable.help) } else { String::new() };
                let _ = writeln!(text, "{indent}{name}:{meaning}");
                return Ok(());
            }
            (None, Default::Value(value)) => ("#", repeat::shaped(variable, value)),
            (None, Default::Unset(_)) => {
                let env = variable.env();
                let example = if variable.is_secret() { format!(" {{env: {env}}}") } else { String::new() };
                let _ = writeln!(text, "{indent}#{name}:{example}");
                return Ok(());
            }
        };
        let entry: Mapping = [(name.into(), value)].into_iter().collect();
        for line in yaml::write(&Value::Mapping(entry))?.lines() {
            let _ = writeln!(text, "{indent}{mark}{line}");
        }
        Ok(())
    }
}

const REQUIRED: &str = "Required.";

/// Where a secret may be.
const SECRET_FORMS: [(&str, &str); 6] = [
    ("TEXT", "itself, in a file that only you can read"),
    ("{env: NAME}", "an environment name"),
    ("{file: PATH}", "a file; one line break at its end is taken off"),
    ("{command: [pass, show, db]}", "a program, started without a shell"),
    ("{stdin: true}", "the whole of stdin"),
    ("{prompt: true}", "a person is asked, in the wizard or by `apply`"),
];

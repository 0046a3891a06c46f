//! Names of the environment.

use std::path::Path;

use secrecy::SecretString;

use crate::{
    environment::Environment,
    failure::{Code, Failure},
    guide::{DEVELOPMENT_HOME, Guide, Reference, Variable, did_you_mean, environment_name, meant},
    surroundings::Surroundings,
};

use super::secret;

/// What the environment gives for a variable.
pub(super) struct Named {
    /// The name that gives it: the variable's own, or its twin that names a file.
    pub(super) name: String,
    /// The same as a secret in an answers file would say it.
    pub(super) reference: Reference,
    /// The value; none when it was not to be read.
    pub(super) value: Option<SecretString>,
}

/// Names with our prefix that nothing reads: a misspelt or unbuilt one must not be ignored.
pub(super) fn strange_names(environment: &Environment, guide: &Guide) -> Vec<Failure> {
    let known: Vec<String> = guide
        .environment_names()
        .chain(["BACKENDAI_SETUP_STATE_DIR", DEVELOPMENT_HOME].map(str::to_owned))
        .collect();
    environment
        .names()
        .filter(|name| name.starts_with("BACKENDAI_SETUP_") && !known.iter().any(|known| known == name))
        .enumerate()
        .map(|(at, name)| {
            let failure = Failure::new(Code::AnswersKey, format!("there is no environment name `{name}`"));
            let unbuilt = guide.unbuilt.iter().find(|key| environment_name(key) == name);
            if let Some(key) = unbuilt {
                return Failure::new(
                    Code::AnswersUnbuilt,
                    format!("`{key}` is not supported in this version"),
                )
                .remedy(format!("unset {name}"));
            }
            // Past the first ones nothing is reported one by one.
            let near = (at < 20).then(|| did_you_mean(name, known.iter().map(String::as_str)));
            match near.flatten() {
                Some(near) => failure.remedy(meant(name, near)),
                None => failure.remedy(format!("unset {name}; the README lists every name")),
            }
        })
        .collect()
}

/// The value that the environment gives: by the variable's own name or, for a secret, by the twin that names a
/// file. Nothing is read unless `is_read`; the twin counts only where nothing else was tried.
///
/// # Errors
/// When both are set, or what is named cannot be read.
pub(super) fn named(
    surroundings: &Surroundings,
    variable: &Variable,
    is_read: bool,
    is_tried: bool,
) -> Result<Option<Named>, Failure> {
    let (environment, name) = (&surroundings.environment, variable.env());
    let value = match environment.get(&name) {
        Some(value) if value.to_str().is_none() => {
            return Err(Failure::new(
                Code::AnswersValue,
                format!("`{name}` in the environment is not UTF-8 text"),
            )
            .remedy("set it in UTF-8, or unset it"));
        }
        _ => environment.text(&name),
    };
    let twin = variable.env_file().and_then(|twin| Some((environment.text(&twin)?.to_owned(), twin)));
    match (value, twin) {
        (Some(_), Some((_, twin))) => {
            Err(Failure::new(Code::AnswersSecret, format!("`{name}` and `{twin}` are both set"))
                .why("each gives the same secret, and one of them would be ignored")
                .remedy(format!("unset {name}, or unset {twin}")))
        }
        (Some(value), None) => {
            let value = is_read.then(|| value.to_owned().into());
            Ok(Some(Named { reference: Reference::Env(name.clone()), name, value }))
        }
        // A file is not read where something else has given the secret: it may be meant for others.
        (None, Some(_)) if is_tried => Ok(None),
        (None, Some((path, twin))) if !is_read => {
            Ok(Some(Named { name: twin, reference: Reference::File(path), value: None }))
        }
        (None, Some((path, twin))) => match secret::read_file(&surroundings.disk, Path::new(&path)) {
            Ok(value) => Ok(Some(Named { name: twin, reference: Reference::File(path), value: Some(value) })),
            Err(failure) => Err(Failure {
                code: Code::AnswersSecret,
                what: format!("`{twin}`: {}", failure.what),
                ..failure
            }),
        },
        (None, None) => Ok(None),
    }
}

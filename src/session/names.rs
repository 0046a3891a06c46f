//! Names of the environment.

use crate::{
    failure::{Code, Failure},
    guide,
};

/// The value of a name; an empty one is none.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Names with our prefix that nothing reads: a misspelt or unbuilt one must not be ignored.
pub(super) fn strange_names() -> Vec<Failure> {
    let known: Vec<String> = guide::variables()
        .flat_map(|variable| [Some(variable.env()), variable.env_file()])
        .flatten()
        .chain(["BACKENDAI_SETUP_STATE_DIR", guide::DEVELOPMENT_HOME].map(str::to_owned))
        .collect();
    std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("BACKENDAI_SETUP_") && !known.contains(name))
        .enumerate()
        .map(|(at, name)| {
            let failure = Failure::new(Code::AnswersKey, format!("there is no environment name `{name}`"));
            let unbuilt = guide::UNBUILT.iter().find(|key| guide::environment_name(key) == name);
            if let Some(key) = unbuilt {
                return Failure::new(Code::AnswersUnbuilt, format!("`{key}` is not built in this version"))
                    .remedy(format!("unset {name}"));
            }
            // Past the first ones nothing is told one by one.
            let near = (at < 20).then(|| guide::did_you_mean(&name, known.iter().map(String::as_str)));
            match near.flatten() {
                Some(near) => failure.remedy(format!("did you mean `{near}`?")),
                None => failure.remedy(format!("unset {name}; the README lists every name")),
            }
        })
        .collect()
}

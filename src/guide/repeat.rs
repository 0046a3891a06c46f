//! The answers file that would repeat a run: secrets by reference alone.

use std::path::absolute;

use secrecy::ExposeSecret;
use serde_yaml::{Mapping, Value};

use crate::{failure::Failure, yaml};

use super::{
    answers::{Answers, Given, Origin},
    etcd,
    reference::Reference,
    variable::{Default, Shape, Variable, map_file, map_text},
};

impl Answers {
    /// These answers as an answers file: each where it belongs, in the order of the guide, paths made
    /// absolute, secrets by reference. Defaults that nobody gave are left out.
    ///
    /// # Errors
    /// `E-INTERNAL` when the text would not be read back as it was written.
    pub fn repeatable(&self) -> Result<String, Failure> {
        let mut root = Mapping::new();
        let mut names = Vec::new();
        for variable in self.guide().variables() {
            let is_path = variable.shape == Shape::Path;
            let Some(given) = self.given(variable.key) else {
                // A relative default means this folder, the next time too.
                if let (true, Default::Value(path)) = (is_path, variable.default) {
                    put(&mut root, variable.key, absolute_text(path).into());
                }
                continue;
            };
            if given.origin == Origin::Default && !variable.is_version() && !is_path {
                continue;
            }
            if let (true, Reference::Env(name)) = (variable.is_secret(), reference(variable, given)) {
                names.push(name);
            }
            put(&mut root, variable.key, value(variable, given));
        }
        let text = yaml::write(&root)?;
        let mut head = String::from("# Repeats the setup:  backendai-setup --answers THIS-FILE\n");
        match names.as_slice() {
            [] => {}
            names => head.push_str(&format!("# Secrets are not in here. Set first:  {}\n", names.join(", "))),
        }
        Ok(head + &text)
    }
}

/// What stands behind a key: a secret by reference, a path made absolute.
pub(super) fn value(variable: &Variable, given: &Given) -> Value {
    if variable.is_secret() {
        return source(&reference(variable, given));
    }
    let text = given.value().expose_secret();
    if variable.shape == Shape::Path && text != "none" {
        return absolute_text(text).into();
    }
    if let (Shape::DirectOrMap, Some(file)) = (variable.shape, map_file(text)) {
        return shaped(variable, &map_text(&absolute_text(file)));
    }
    if variable.shape == Shape::Addresses {
        // As they are meant: without `http://`, with their port.
        return shaped(variable, &etcd::addresses(text).join(","));
    }
    shaped(variable, text)
}

fn absolute_text(path: &str) -> String {
    absolute(path).map_or(path.into(), |path| path.display().to_string())
}

/// Where a secret is looked up the next time: there, else under the variable's own name.
fn reference(variable: &Variable, given: &Given) -> Reference {
    given.reference().cloned().unwrap_or_else(|| Reference::Env(variable.env()))
}

fn source(reference: &Reference) -> Value {
    let (kind, target) = match reference {
        Reference::Env(name) => ("env", name.as_str().into()),
        Reference::File(path) => {
            ("file", absolute(path).map_or(path.clone(), |path| path.display().to_string()).into())
        }
        Reference::Command(words) => {
            ("command", Value::Sequence(words.iter().map(|word| word.as_str().into()).collect()))
        }
        Reference::Stdin => ("stdin", true.into()),
        Reference::Prompt => ("prompt", true.into()),
    };
    Value::Mapping([(kind.into(), target)].into_iter().collect())
}

/// A value in the shape that the file has for it.
pub(super) fn shaped(variable: &Variable, text: &str) -> Value {
    serde_yaml::to_value(variable.json(text)).unwrap_or_else(|_| text.into())
}

fn put(root: &mut Mapping, key: &str, value: Value) {
    match key.split_once('.') {
        None => drop(root.insert(key.into(), value)),
        Some((section, rest)) => {
            let entry = root.entry(section.into()).or_insert_with(|| Value::Mapping(Mapping::new()));
            if let Value::Mapping(below) = entry {
                put(below, rest, value);
            }
        }
    }
}

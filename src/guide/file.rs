//! An answers file taken apart: every known key that it has, and every problem.

use std::cell::RefCell;

use secrecy::SecretString;

use crate::{
    failure::{Code, Failure, Problems},
    text::first_unseen,
    yaml::{Node, Value, stray},
};

use super::{
    Guide, Reference, Variable,
    answers::unknown_key,
    command, did_you_mean,
    file_value::{FileValue, SecretSource},
    general, meant,
    variable::{Default, Shape, map_text},
};

/// What an answers file holds.
#[derive(Debug, Default)]
pub struct FileValues {
    /// Each known key that has a value.
    pub values: Vec<FileValue>,
    /// Known keys whose value cannot be read: they are wrong, not missing.
    pub refused: Vec<&'static str>,
    /// Every problem, with its place.
    pub problems: Vec<Failure>,
    /// Remarks on what was hardly meant as it stands.
    pub doubts: Vec<Failure>,
}

/// Takes an answers file apart; all problems at once, nothing is dropped without a word.
pub fn file_values(guide: &'static Guide, file: &str, root: &Node) -> FileValues {
    let mut walk = Walk {
        guide,
        file,
        values: Vec::new(),
        refused: Vec::new(),
        problems: Problems::default(),
        doubts: RefCell::default(),
    };
    match &root.value {
        Value::Mapping(_) => walk.mapping("", root),
        Value::Null => walk.problems.push(
            Failure::new(Code::AnswersValue, "the answers file is empty")
                .remedy("write `version: 1` and the answers; the README lists every key")
                .at(root.place(file)),
        ),
        _ => walk.problems.push(walk.expects(root, "the answers", "a mapping", "write `key: value` lines")),
    }
    if let Value::Mapping(entries) = &root.value
        && !entries.iter().any(|(key, _)| matches!(&key.value, Value::Text(text) if text == general::VERSION))
    {
        walk.problems.push(
            Failure::new(Code::AnswersVersion, "the answers file does not say its version")
                .remedy("write `version: 1` in its first line")
                .at(root.place(file)),
        );
    }
    FileValues {
        values: walk.values,
        refused: walk.refused,
        problems: walk.problems.into_vec(),
        doubts: walk.doubts.into_inner(),
    }
}

struct Walk<'a> {
    guide: &'static Guide,
    file: &'a str,
    values: Vec<FileValue>,
    refused: Vec<&'static str>,
    problems: Problems,
    doubts: RefCell<Vec<Failure>>,
}

impl Walk<'_> {
    fn mapping(&mut self, prefix: &str, node: &Node) {
        let Value::Mapping(entries) = &node.value else { return };
        for (key, value) in entries {
            let Value::Text(name) = &key.value else {
                self.problems.push(self.expects(key, "a key", "text", "write `key: value` lines"));
                continue;
            };
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            if let Some(variable) = self.guide.variable(&path) {
                self.take(variable, value);
            } else if is_section(self.guide, &path) {
                match &value.value {
                    Value::Mapping(_) => self.mapping(&path, value),
                    _ => {
                        let below = format!("{path}.");
                        let keys = self.guide.variables().map(|variable| variable.key);
                        self.refused.extend(keys.filter(|key| key.starts_with(&below)));
                        let what = format!("`{path}`");
                        self.problems.push(self.expects(
                            value,
                            &what,
                            "a mapping",
                            "write its keys below it, indented, or remove it",
                        ));
                    }
                }
            } else {
                let (guide, refused) = (self.guide, &mut self.refused);
                self.problems.push_with(Code::AnswersKey, key.place(self.file), || {
                    let (near, failure) = unknown(guide, prefix, &path);
                    // What is misspelt is not missing too.
                    refused.extend(near.and_then(|near| Some(guide.variable(&near)?.key)));
                    failure
                });
            }
        }
    }

    fn take(&mut self, variable: &'static Variable, node: &Node) {
        match self.value(variable, node) {
            Ok(value) => self.values.push(FileValue { variable, place: node.place(self.file), value }),
            Err(failure) => {
                self.refused.push(variable.key);
                self.problems.push(*failure);
            }
        }
    }

    fn value(&self, variable: &Variable, node: &Node) -> Result<SecretSource, Box<Failure>> {
        let what = format!("`{}`", variable.key);
        if matches!(node.value, Value::Null) {
            let why = match variable.default {
                Default::Required => "give a value",
                _ => "give a value, or remove the line for the default",
            };
            let what = match &*node.plain {
                "" => format!("{what} has no value"),
                plain => format!("{what} is `{plain}`, which is not a value"),
            };
            let failure = Failure::new(Code::AnswersValue, what).remedy(why);
            return Err(failure.at(node.place(self.file)).into());
        }
        match (variable.shape, &node.value) {
            (Shape::Secret, Value::Text(text)) => Ok(SecretSource::Text(SecretString::from(text.as_str()))),
            (Shape::Number | Shape::Version, Value::Int(number)) => {
                Ok(SecretSource::Text(SecretString::from(number.to_string())))
            }
            (Shape::Number | Shape::Version, _) => Err(self.no_number(variable, node).into()),
            (Shape::List | Shape::Addresses, Value::Sequence(items)) => self.items(variable, node, items),
            (Shape::List | Shape::Addresses, Value::Text(text)) => {
                let remedy = format!("write `[{text}]`");
                Err(self.expects(node, &what, "a list", &remedy).into())
            }
            (Shape::List | Shape::Addresses, _) => {
                Err(self.expects(node, &what, "a list", list(variable)).into())
            }
            (Shape::Secret, Value::Mapping(entries)) => self.reference(variable, node, entries),
            (Shape::DirectOrMap, Value::Mapping(entries)) => match entries.as_slice() {
                [(kind, file)] if kind.as_text() == Some("map") => {
                    let file = file.text(self.file, &format!("`{}.map`", variable.key)).map_err(Box::new)?;
                    Ok(SecretSource::Text(map_text(file).into()))
                }
                _ => Err(self.expects(node, &what, "a word or the name of a file", DIRECT_OR_MAP).into()),
            },
            (Shape::DirectOrMap, Value::Sequence(_)) => {
                Err(self.expects(node, &what, "a word or the name of a file", DIRECT_OR_MAP).into())
            }
            // The value must not be repeated here, so the reader's own message does not serve.
            (Shape::Secret, _) => Err(Failure::new(
                Code::YamlScalar,
                format!("{what} is not text: without quotes it is {}", node.kind()),
            )
            .remedy("put quotes around the password")
            .at(node.place(self.file))
            .into()),
            (
                Shape::Text | Shape::Path | Shape::Address | Shape::Choice(_),
                Value::Sequence(_) | Value::Mapping(_),
            ) => Err(self.expects(node, &what, "text", "write one value behind the key").into()),
            (Shape::Text | Shape::Path | Shape::Address | Shape::Choice(_) | Shape::DirectOrMap, _) => {
                let text = node.text(self.file, &what).map_err(Box::new)?;
                Ok(SecretSource::Text(SecretString::from(text)))
            }
        }
    }

    fn items(&self, variable: &Variable, node: &Node, items: &[Node]) -> Result<SecretSource, Box<Failure>> {
        let what = format!("`{}`", variable.key);
        let mut texts = Vec::new();
        for item in items {
            let text = item.text(self.file, &what).map_err(Box::new)?.to_owned();
            if text.contains(',') {
                return Err(self
                    .expects(item, &what, "one value an item", "write each as an item of its own")
                    .into());
            }
            texts.push(text);
        }
        if texts.is_empty() {
            let failure = Failure::new(Code::AnswersValue, format!("{what} has no item"));
            return Err(failure.remedy(list(variable)).at(node.place(self.file)).into());
        }
        Ok(SecretSource::Text(SecretString::from(texts.join(","))))
    }

    fn no_number(&self, variable: &Variable, node: &Node) -> Failure {
        let what = format!("`{}` is not a whole number", variable.key);
        let (code, example) = match variable.is_version() {
            true => (Code::AnswersVersion, "1"),
            false => (Code::AnswersValue, "NUMBER"),
        };
        let remedy = format!("write `{}: {example}`", variable.key);
        Failure::new(code, what).remedy(remedy).at(node.place(self.file))
    }

    fn reference(
        &self,
        variable: &Variable,
        node: &Node,
        entries: &[(Node, Node)],
    ) -> Result<SecretSource, Box<Failure>> {
        let key = variable.key;
        let refuse = |what: String| {
            let form = format!(
                "write `{{env: NAME}}`, `{{file: PATH}}`, `{{command: [PROGRAM, ARGUMENT]}}`, `{{stdin: true}}` or \
                 `{{prompt: true}}` behind `{key}:`"
            );
            Box::new(Failure::new(Code::AnswersSecret, what).remedy(form).at(node.place(self.file)))
        };
        let [(kind, target)] = entries else {
            return Err(refuse(format!("`{key}` must name one source of the secret")));
        };
        if let Some(wrong) = looks_like_none(kind, target) {
            return Err(refuse(wrong.replace("KEY", &format!("`{key}`"))));
        }
        let reference = match (&kind.value, &target.value) {
            (Value::Text(kind), Value::Text(target)) if kind == "env" => Reference::Env(target.clone()),
            (Value::Text(kind), Value::Text(target)) if kind == "file" => Reference::File(target.clone()),
            (Value::Text(kind), Value::Sequence(words)) if kind == "command" && !words.is_empty() => {
                let (words, doubts) = command::words(key, words, self.file)?;
                self.doubts.borrow_mut().extend(doubts);
                Reference::Command(words)
            }
            (Value::Text(kind), Value::Bool(true)) if kind == "stdin" => Reference::Stdin,
            (Value::Text(kind), Value::Bool(true)) if kind == "prompt" => Reference::Prompt,
            (Value::Text(kind), _) if kind == "command" => {
                return Err(refuse(format!("the command of `{key}` must be a list of words")));
            }
            (Value::Text(kind), _) if SOURCES.contains(&kind.as_str()) => {
                return Err(refuse(format!("`{kind}` of `{key}` has a value of another kind")));
            }
            (Value::Text(kind), _) => {
                // Its own word is not repeated: it may be the secret.
                let near = did_you_mean(kind, SOURCES.iter().copied());
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(refuse(format!("`{key}` names no known source of a secret{near}")));
            }
            _ => return Err(refuse(format!("`{key}` names no known source of a secret"))),
        };
        Ok(SecretSource::At(reference))
    }

    fn expects(&self, node: &Node, what: &str, expected: &str, remedy: &str) -> Failure {
        let failure =
            Failure::new(Code::AnswersValue, format!("{what} must be {expected}, not {}", node.kind()));
        // `a：b` is one word to YAML, not a key and its value.
        let failure = match node.as_text().and_then(stray) {
            Some(why) if expected == "a mapping" || expected == "a list" => failure.why(why),
            _ => failure,
        };
        failure.remedy(remedy).at(node.place(self.file))
    }
}

/// Why a name or path looks like none: it may be the secret itself, and is not repeated.
fn looks_like_none(kind: &Node, target: &Node) -> Option<&'static str> {
    let is_name = |text: &str| {
        let mut bytes = text.bytes();
        bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    match (&kind.value, &target.value) {
        (Value::Text(kind), Value::Text(target)) if kind == "env" && !is_name(target) => {
            Some("`env` of KEY names no environment name: letters, digits and `_` make one")
        }
        (Value::Text(kind), Value::Text(target))
            if kind == "file" && (target.is_empty() || first_unseen(target).is_some()) =>
        {
            Some("`file` of KEY is no path: it is empty, or holds an invisible character")
        }
        _ => None,
    }
}

/// How a list is written.
fn list(variable: &Variable) -> &'static str {
    if variable.is_address() { "write `[host:port]`" } else { "write `[one, another]`" }
}

/// How a word or a file is written.
const DIRECT_OR_MAP: &str = "write `direct`, or `{map: FILE}`";

/// Where a secret may be.
const SOURCES: &[&str] = &["env", "file", "command", "stdin", "prompt"];

fn is_section(guide: &Guide, path: &str) -> bool {
    let prefix = format!("{path}.");
    guide.variables().any(|variable| variable.key.starts_with(&prefix))
        || guide.unbuilt.iter().any(|key| key.starts_with(&prefix) && guide.variable(path).is_none())
}

/// Siblings are the likeliest meaning of a misspelt key; then a section's name.
fn unknown(guide: &Guide, prefix: &str, path: &str) -> (Option<String>, Failure) {
    if guide.unbuilt.contains(&path) {
        return (None, unknown_key(guide, path));
    }
    let depth = path.split('.').count();
    let siblings: Vec<String> = guide
        .variables()
        .map(|variable| variable.key.split('.').take(depth).collect::<Vec<_>>().join("."))
        .filter(|key| key.starts_with(prefix) && key.split('.').count() == depth)
        .collect();
    let last = path.rsplit('.').next();
    let is_address = |key: &&String| guide.variable(key).is_some_and(Variable::is_address);
    let near = match last {
        // What addresses are called elsewhere.
        Some("host" | "hosts" | "port" | "addr" | "address" | "addresses" | "url") => {
            siblings.iter().find(is_address).cloned()
        }
        _ => None,
    };
    let elsewhere = || guide.variables().map(|it| it.key).find(|key| key.rsplit('.').next() == last);
    let near = near
        .or_else(|| elsewhere().map(str::to_owned))
        .or_else(|| did_you_mean(path, siblings.iter().map(String::as_str)).map(str::to_owned));
    let failure = match &near {
        Some(near) => Failure::new(Code::AnswersKey, format!("there is no key `{}`", path.escape_debug()))
            .remedy(meant(path, near)),
        None => unknown_key(guide, path),
    };
    (near, failure)
}

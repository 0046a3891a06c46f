//! The answers file as a JSON Schema, for editors that complete and check while somebody types.
//!
//! Draft 7, which the language servers for YAML know best. It says what stands where; whether a value can be
//! right is judged by the program alone.

use serde_json::{Map, Value, json};

use super::{
    Guide, Shape, Variable, general,
    variable::{Default, Development},
};

impl Guide {
    /// The schema of one answers file. Only `version` is required in each: what is left out may stand in another
    /// file, in the environment or behind `--set`.
    pub fn json_schema(&self) -> Value {
        let mut root = object("Answers for backendai-setup.");
        for section in self.sections {
            for variable in section.variables {
                put(&mut root, section.intro, variable.key, shape(variable));
            }
        }
        root["$schema"] = "http://json-schema.org/draft-07/schema#".into();
        root["title"] = "Answers for backendai-setup".into();
        root["required"] = json!([general::VERSION]);
        root["definitions"] = json!({ "secret": secret() });
        root
    }
}

fn object(description: &str) -> Value {
    json!({ "type": "object", "description": description, "properties": {}, "additionalProperties": false })
}

/// Puts a variable where its key says, making the mappings above it.
fn put(below: &mut Value, intro: &str, key: &str, schema: Value) {
    let properties = below["properties"].as_object_mut();
    let Some(properties) = properties else { return };
    match key.split_once('.') {
        None => drop(properties.insert(key.to_owned(), schema)),
        Some((section, rest)) => {
            let entry = properties.entry(section).or_insert_with(|| object(intro));
            put(entry, intro, rest, schema);
        }
    }
}

fn shape(variable: &Variable) -> Value {
    let mut schema = match variable.shape {
        Shape::Text | Shape::Path | Shape::Address => json!({ "type": "string", "minLength": 1 }),
        Shape::Number => json!({ "type": "integer", "minimum": 0 }),
        Shape::Version => json!({ "type": "integer", "const": 1 }),
        Shape::Choice(words) => json!({ "type": "string", "enum": words }),
        Shape::List | Shape::Addresses => json!({
            "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1, "uniqueItems": true,
        }),
        Shape::DirectOrMap => json!({ "oneOf": [
            { "const": "direct" },
            {
                "type": "object", "properties": { "map": { "type": "string", "minLength": 1 } },
                "required": ["map"], "additionalProperties": false,
            },
        ] }),
        // Draft 7 looks at nothing beside a reference.
        Shape::Secret => json!({ "allOf": [{ "$ref": "#/definitions/secret" }] }),
    };
    let meaning = match variable.default {
        Default::Required => format!("{} Required.", variable.help),
        Default::Unset(what) => format!("{} Default: {what}.", variable.help),
        Default::Value(value) => {
            schema["default"] = variable.json(value);
            variable.help.to_owned()
        }
    };
    schema["title"] = variable.title.into();
    schema["description"] = match variable.is_version() {
        true => meaning,
        false => format!("{meaning} Environment: {}.", variable.env()),
    }
    .into();
    if let Some(Development::Value(value)) = variable.development {
        schema["examples"] = json!([variable.json(value)]);
    }
    schema
}

fn secret() -> Value {
    let source = |name: &str, target: Value, description: &str| {
        let mut properties = Map::new();
        properties.insert(name.to_owned(), target);
        json!({
            "type": "object", "description": description, "properties": properties,
            "required": [name], "additionalProperties": false,
        })
    };
    let text = || json!({ "type": "string", "minLength": 1 });
    let yes = || json!({ "const": true });
    let words = json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 });
    json!({ "oneOf": [
        { "type": "string", "minLength": 1, "description": "The secret itself, in a file that only you can read." },
        source("env", text(), "An environment name that holds it."),
        source("file", text(), "A file that holds it; one line break at its end is taken off."),
        source("command", words, "A program that prints it, started without a shell."),
        source("stdin", yes(), "The whole of stdin."),
        source("prompt", yes(), "A person is asked, in the wizard or by `plan --out` and `apply`."),
    ]})
}

//! Writes YAML that every reader reads alike, this one included.
//!
//! serde_yaml's own writer leaves `yes`, `on`, `1:30`, `1_000` and `2018-07-13` without quotes, and writes
//! 1e20 as no YAML 1.1 reader takes it. So it gives the tree here, and the text is written below:
//! whatever is not plainly text gets double quotes.

use std::fmt::Write as _;

use serde::Serialize;
use serde_yaml::Value;

use super::{
    read,
    scalar::{Reading, resolve},
};
use crate::failure::{Code, Failure};

/// A value as a block of YAML. What is written has been read back and compared.
///
/// # Errors
/// `E-INTERNAL` for what YAML cannot hold alike for all readers: tags, keys that are not scalars.
pub fn write<T: Serialize + ?Sized>(value: &T) -> Result<String, Failure> {
    let value = serde_yaml::to_value(value).map_err(|error| {
        Failure::new(Code::Internal, "A value cannot be written as YAML").why(error.to_string())
    })?;
    let mut out = String::new();
    block(&mut out, &value, 0, Start::Line);
    match read("", out.as_bytes()) {
        Ok(node) if same(&node.to_serde(), &value) => Ok(out),
        _ => Err(Failure::new(Code::Internal, "A value would not be read back as it was written")),
    }
}

/// Where a block begins.
#[derive(Clone, Copy, PartialEq)]
enum Start {
    /// At the start of a line.
    Line,
    /// After `key:`.
    Key,
    /// After `-`.
    Dash,
}

fn block(out: &mut String, value: &Value, indent: usize, start: Start) {
    let pad = |out: &mut String, first: bool| {
        if first && start == Start::Dash {
            out.push(' ');
        } else {
            if first && start == Start::Key {
                out.push('\n');
            }
            out.extend(std::iter::repeat_n(' ', indent));
        }
    };
    match value {
        Value::Mapping(entries) if !entries.is_empty() => {
            for (at, (key, value)) in entries.iter().enumerate() {
                pad(out, at == 0);
                scalar(out, key);
                out.push(':');
                block(out, value, indent + 2, Start::Key);
            }
        }
        Value::Sequence(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                pad(out, at == 0);
                out.push('-');
                block(out, item, indent + 2, Start::Dash);
            }
        }
        other => {
            if start != Start::Line {
                out.push(' ');
            }
            scalar(out, other);
            out.push('\n');
        }
    }
}

fn scalar(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => out.push_str(&spelt(float)),
            None => out.push_str(&number.to_string()),
        },
        Value::String(text) => quote(out, text),
        Value::Sequence(_) => out.push_str("[]"),
        Value::Mapping(_) | Value::Tagged(_) => out.push_str("{}"),
    }
}

/// A double with a point, and a sign in its exponent, as YAML 1.1 wants them.
fn spelt(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf".to_owned() } else { "-.inf".to_owned() };
    }
    let text = format!("{value:?}");
    match text.split_once('e') {
        None => text,
        Some((mantissa, exponent)) => {
            let point = if mantissa.contains('.') { "" } else { ".0" };
            let sign = if exponent.starts_with('-') { "" } else { "+" };
            format!("{mantissa}{point}e{sign}{exponent}")
        }
    }
}

fn quote(out: &mut String, text: &str) {
    let plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/@:+".contains(&b))
        && !text.ends_with(':')
        && resolve(text) == Ok(Reading::Text);
    if plain {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(c),
            '\u{a1}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' => out.push(c),
            '\u{ff00}'..='\u{fffd}' | '\u{10000}'.. => out.push(c),
            // Writing to a String cannot fail.
            _ => _ = write!(out, "\\u{:04X}", c as u32),
        }
    }
    out.push('"');
}

/// Equal, where two not-a-numbers are.
fn same(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Sequence(one), Value::Sequence(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(one, two))
        }
        (Value::Mapping(one), Value::Mapping(two)) => {
            one.len() == two.len()
                && one.iter().all(|(key, value)| two.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == two,
    }
}

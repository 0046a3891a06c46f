//! `slots`: cpu, mem and gpu, and how the manager spells them in etcd.

use crate::{
    failure::{Code, Failure},
    yaml::{Node, Value},
};

/// More cores or GPUs than any one container gets.
const MAX_UNITS: u64 = 1 << 16;
/// More memory than any one container gets, in GiB: a pebibyte.
const MAX_GIB: u64 = 1 << 20;

/// The `cpu` slot: an integer.
pub(super) fn cpu(node: &Node, file: &str, image: &str) -> Result<u64, Failure> {
    let what = format!("`cpu` of {image}");
    match node.value {
        Value::Int(value) => {
            u64::try_from(bounded(node, file, &what, value as f64, MAX_UNITS).map(|_| value)?)
                .map_err(|_| wrong(node, file, &what))
        }
        _ => Err(wrong(node, file, &what)
            .why("the manager reads cpu as a whole number of cores")
            .remedy("write a whole number without quotes: `cpu: 1`")),
    }
}

/// The `mem` slot: MiB for etcd, and GiB as a person reads it.
pub(super) fn mem(node: &Node, file: &str, image: &str) -> Result<(u64, String), Failure> {
    let what = format!("`mem` of {image}");
    let gib = number(node, file, &what, MAX_GIB, |wanted| format!("write GiB as a number: `mem: {wanted}`"))?;
    // Python's `int(gib * 1024)`: truncated, not rounded. Exact for a whole number, and bounded.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ..= 2^30")]
    let mib = (gib * 1024.0) as u64;
    Ok((mib, gib.to_string()))
}

/// The `gpu` slot with two decimals.
pub(super) fn gpu(node: &Node, file: &str, image: &str) -> Result<String, Failure> {
    let what = format!("`gpu` of {image}");
    let gpu = number(node, file, &what, MAX_UNITS, |wanted| format!("write a number: `gpu: {wanted}`"))?;
    Ok(two_decimals(gpu))
}

/// As C's `%.2f`: the exact value of the double, ties to even.
pub(super) fn two_decimals(value: f64) -> String {
    format!("{value:.2}")
}

fn number(
    node: &Node,
    file: &str,
    what: &str,
    most: u64,
    remedy: impl Fn(&str) -> String,
) -> Result<f64, Failure> {
    match &node.value {
        Value::Int(value) => bounded(node, file, what, *value as f64, most),
        Value::Float(value) => bounded(node, file, what, *value, most),
        Value::Text(text) => {
            let digits: String = text.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            let wanted = if digits.parse::<f64>().is_ok() { digits.as_str() } else { "1.0" };
            Err(wrong(node, file, what)
                .why("the manager reads a number here, not text")
                .remedy(remedy(wanted)))
        }
        _ => Err(wrong(node, file, what).why("the manager reads a number here").remedy(remedy("1.0"))),
    }
}

fn bounded(node: &Node, file: &str, what: &str, value: f64, most: u64) -> Result<f64, Failure> {
    let problem = if value.is_nan() {
        "not a number"
    } else if value.is_sign_negative() {
        "negative"
    } else if value > most as f64 {
        "larger than any machine"
    } else {
        return Ok(value);
    };
    Err(Failure::new(Code::ImagesValue, format!("{what} is {problem}: `{}`", node.plain))
        .why("it is what a container of the image gets")
        .remedy(format!("write a number from 0 to {most}"))
        .at(node.place(file)))
}

fn wrong(node: &Node, file: &str, what: &str) -> Failure {
    Failure::new(Code::ImagesValue, format!("{what} is {}", node.describe())).at(node.place(file))
}

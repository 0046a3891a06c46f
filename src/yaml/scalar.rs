//! What a plain scalar is: to PyYAML's safe loader (YAML 1.1) and to YAML 1.2's core schema.
//!
//! The two sets of patterns are PyYAML's `resolver.py` and chapter 10.3.2 of the YAML 1.2.2
//! specification. Only where both give one type and value does [`resolve`] name it.

/// What one of the two readers makes of a plain scalar.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A number with a decimal point.
    Float(f64),
    /// A whole number beyond 64 bits, or a number that PyYAML fails on: nobody agrees on these.
    Unreadable,
    /// A date, known to YAML 1.1 only.
    Date,
    /// `=` and `<<`: of a meaning of their own in YAML 1.1, which PyYAML cannot load as values.
    Special,
    /// Text.
    Text,
}

impl Reading {
    /// As a message says it.
    pub fn describe(&self) -> String {
        match self {
            Reading::Null => "nothing".into(),
            Reading::Bool(value) => format!("the boolean {value}"),
            Reading::Int(value) => format!("the number {value}"),
            Reading::Float(value) => format!("the number {value}"),
            Reading::Unreadable => "a number that cannot be held".into(),
            Reading::Date => "a date".into(),
            Reading::Special => "a sign of its own".into(),
            Reading::Text => "text".into(),
        }
    }

    fn same(&self, other: &Reading) -> bool {
        match (self, other) {
            (Reading::Unreadable, _) | (_, Reading::Unreadable) => false,
            (Reading::Float(one), Reading::Float(two)) => {
                one.to_bits() == two.to_bits() || (one.is_nan() && two.is_nan())
            }
            _ => self == other,
        }
    }
}

/// The one reading of a plain scalar, or the two that differ: YAML 1.1 first.
///
/// # Errors
/// Both readings, where they differ or neither can be held.
pub fn resolve(text: &str) -> Result<Reading, (Reading, Reading)> {
    let (old, new) = (yaml_1_1(text), yaml_1_2(text));
    if old.same(&new) { Ok(old) } else { Err((old, new)) }
}

/// YAML 1.1 as PyYAML's `SafeLoader` reads it.
pub fn yaml_1_1(text: &str) -> Reading {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Reading::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Reading::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Reading::Bool(false);
        }
        "=" | "<<" => return Reading::Special,
        _ => {}
    }
    old_float(text)
        .or_else(|| old_int(text))
        .unwrap_or_else(|| if is_timestamp(text) { Reading::Date } else { Reading::Text })
}

/// YAML 1.2's core schema.
pub fn yaml_1_2(text: &str) -> Reading {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Reading::Null,
        "true" | "True" | "TRUE" => return Reading::Bool(true),
        "false" | "False" | "FALSE" => return Reading::Bool(false),
        _ => {}
    }
    if let Some(digits) = text.strip_prefix("0o").filter(|digits| all(digits, is_octal)) {
        return int(digits, 8, false);
    }
    if let Some(digits) = text.strip_prefix("0x").filter(|digits| all(digits, |b| b.is_ascii_hexdigit())) {
        return int(digits, 16, false);
    }
    let (negative, bare) = sign(text);
    if all(bare, |b| b.is_ascii_digit()) {
        return int(bare, 10, negative);
    }
    if let Some(special) = special_float(text) {
        return special;
    }
    let (mantissa, exponent) = match bare.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (bare, None),
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let mantissa = match mantissa.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty()),
        None => all(mantissa, |b| b.is_ascii_digit()),
    };
    let exponent = exponent.is_none_or(|exponent| all(sign(exponent).1, |b| b.is_ascii_digit()));
    if mantissa && exponent { float(bare, negative) } else { Reading::Text }
}

fn old_int(text: &str) -> Option<Reading> {
    let (negative, bare) = sign(text);
    let underscored = |rest: &str, kind: fn(u8) -> bool| all(rest, |b| kind(b) || b == b'_');
    if let Some(rest) = bare.strip_prefix("0b").filter(|rest| underscored(rest, |b| matches!(b, b'0' | b'1')))
    {
        return Some(int(rest, 2, negative));
    }
    if let Some(rest) = bare.strip_prefix("0x").filter(|rest| underscored(rest, |b| b.is_ascii_hexdigit())) {
        return Some(int(rest, 16, negative));
    }
    if bare == "0" {
        return Some(Reading::Int(0));
    }
    if let Some(rest) = bare.strip_prefix('0').filter(|rest| underscored(rest, is_octal)) {
        // `0_` is 0 to PyYAML: it takes the underscores out first.
        let rest = if rest.bytes().all(|b| b == b'_') { "0" } else { rest };
        return Some(int(rest, 8, negative));
    }
    if !bare.starts_with(|c: char| matches!(c, '1'..='9')) {
        return None;
    }
    if underscored(bare, |b| b.is_ascii_digit()) {
        return Some(int(bare, 10, negative));
    }
    sexagesimal(bare).map(|value| match value {
        Some(value) => Reading::Int(if negative { -value } else { value }),
        None => Reading::Unreadable,
    })
}

fn old_float(text: &str) -> Option<Reading> {
    if let Some(special) = special_float(text) {
        return Some(special);
    }
    let (negative, bare) = sign(text);
    let (whole, rest) = bare.split_once('.')?;
    let signed = bare.len() < text.len();
    if let Some(minutes) = whole.contains(':').then(|| sexagesimal_any(whole)) {
        return (minutes && all_or_empty(rest, |b| b.is_ascii_digit() || b == b'_'))
            .then_some(Reading::Unreadable);
    }
    let (part, exponent) = match rest.split_once(['e', 'E']) {
        Some((part, exponent)) => (part, Some(exponent)),
        None => (rest, None),
    };
    let under = |b: u8| b.is_ascii_digit() || b == b'_';
    let shape = if whole.is_empty() {
        // Only newer releases want a digit after the point; `._` is a number to older ones.
        !signed && all(part, under)
    } else {
        whole.starts_with(|c: char| c.is_ascii_digit()) && all(whole, under) && all_or_empty(part, under)
    };
    let exponent = exponent.is_none_or(|exponent| {
        exponent.starts_with(['+', '-']) && all(exponent.get(1..).unwrap_or_default(), |b| b.is_ascii_digit())
    });
    (shape && exponent).then(|| float(&bare.replace('_', ""), negative))
}

/// `1:30`, base 60: digits, then parts from 0 to 59. The value, or nothing where it is too large.
fn sexagesimal(bare: &str) -> Option<Option<i128>> {
    if !bare.contains(':') || !sexagesimal_any(bare) {
        return None;
    }
    let mut value: Option<i128> = Some(0);
    for part in bare.replace('_', "").split(':') {
        let part: Option<i128> = part.parse().ok();
        value = value
            .and_then(|value| value.checked_mul(60))
            .and_then(|value| part.and_then(|part| value.checked_add(part)));
    }
    Some(value)
}

fn sexagesimal_any(bare: &str) -> bool {
    let mut parts = bare.split(':');
    let first = parts.next().unwrap_or_default();
    first.starts_with(|c: char| c.is_ascii_digit())
        && all(first, |b| b.is_ascii_digit() || b == b'_')
        && parts.all(|part| {
            matches!(part.as_bytes(), [b'0'..=b'9']) || matches!(part.as_bytes(), [b'0'..=b'5', b'0'..=b'9'])
        })
}

fn special_float(text: &str) -> Option<Reading> {
    let (negative, bare) = sign(text);
    match bare {
        ".inf" | ".Inf" | ".INF" => {
            Some(Reading::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY }))
        }
        ".nan" | ".NaN" | ".NAN" if bare.len() == text.len() => Some(Reading::Float(f64::NAN)),
        _ => None,
    }
}

/// PyYAML's `timestamp` pattern: `2018-07-13`, or with a time.
fn is_timestamp(text: &str) -> bool {
    let mut rest = text;
    let Some(date) = take(&mut rest, 4, 4)
        .and_then(|()| skip(&mut rest, "-"))
        .and_then(|()| digits(&mut rest, 1, 2))
        .and_then(|month| skip(&mut rest, "-").map(|()| month))
        .and_then(|month| digits(&mut rest, 1, 2).map(|day| (month, day)))
    else {
        return false;
    };
    if rest.is_empty() {
        return date == (2, 2);
    }
    let blank = rest.trim_start_matches([' ', '\t']);
    rest = match rest.strip_prefix(['T', 't']) {
        Some(time) => time,
        None if blank.len() < rest.len() => blank,
        None => return false,
    };
    let time = digits(&mut rest, 1, 2)
        .and_then(|_| skip(&mut rest, ":"))
        .and_then(|()| take(&mut rest, 2, 2))
        .and_then(|()| skip(&mut rest, ":"))
        .and_then(|()| take(&mut rest, 2, 2));
    if time.is_none() {
        return false;
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    rest = rest.trim_start_matches([' ', '\t']);
    if rest.is_empty() || rest == "Z" {
        // Blanks at the end cannot come from a plain scalar.
        return true;
    }
    let Some(zone) = rest.strip_prefix(['+', '-']) else { return false };
    rest = zone;
    if digits(&mut rest, 1, 2).is_none() {
        return false;
    }
    rest.is_empty()
        || (skip(&mut rest, ":").and_then(|()| take(&mut rest, 2, 2)).is_some() && rest.is_empty())
}

/// Takes between `least` and `most` digits off the front: how many.
fn digits(rest: &mut &str, least: usize, most: usize) -> Option<usize> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    *rest = rest.get(count..).unwrap_or_default();
    (count >= least).then_some(count)
}

fn take(rest: &mut &str, least: usize, most: usize) -> Option<()> {
    digits(rest, least, most).map(|_| ())
}

fn skip(rest: &mut &str, prefix: &str) -> Option<()> {
    *rest = rest.strip_prefix(prefix)?;
    Some(())
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(bare) => (true, bare),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn all(text: &str, kind: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(kind)
}

fn all_or_empty(text: &str, kind: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(kind)
}

fn is_octal(byte: u8) -> bool {
    matches!(byte, b'0'..=b'7')
}

/// A whole number of 64 bits; beyond that the readers part ways.
fn int(digits: &str, radix: u32, negative: bool) -> Reading {
    let value = i128::from_str_radix(&digits.replace('_', ""), radix).ok();
    match value.map(|value| if negative { -value } else { value }) {
        Some(value) if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value) => Reading::Int(value),
        _ => Reading::Unreadable,
    }
}

fn float(bare: &str, negative: bool) -> Reading {
    match bare.parse::<f64>() {
        Ok(value) => Reading::Float(if negative { -value } else { value }),
        Err(_) => Reading::Unreadable,
    }
}

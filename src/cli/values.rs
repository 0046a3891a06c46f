//! Values of flags: what is taken, and what completions offer.

use std::{ffi::OsStr, path::PathBuf, time::Duration};

use clap::{
    Arg,
    builder::{PossibleValue, StringValueParser, TypedValueParser},
};

use crate::{
    failure::{Code, Tolerance},
    guides::{Setup, september_2018},
};

/// What this program sets up: there is one guide, and here alone is it chosen.
pub(super) const SETUP: &Setup = &september_2018::SETUP;

/// A name and what it stands for.
pub(super) type Named = (&'static str, &'static str);

/// Takes any text, and tells completions which names there are: judging is not the parser's work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names(pub(super) fn() -> Vec<Named>);

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let named = (self.0)().into_iter();
        let value = |(name, about)| match PossibleValue::new(name) {
            value if about == name => value,
            value => value.help(about),
        };
        Some(Box::new(named.map(value)))
    }
}

/// The names alone.
pub(super) fn names(named: fn() -> Vec<Named>) -> Vec<&'static str> {
    named().into_iter().map(|(name, _)| name).collect()
}

pub(super) fn stages() -> Vec<Named> {
    SETUP.stage_abouts().into_iter().map(|about| (about.id, about.title)).collect()
}

pub(super) fn checks() -> Vec<Named> {
    SETUP.check_abouts().into_iter().map(|about| (about.id, about.title)).collect()
}

pub(super) fn revisions() -> Vec<Named> {
    SETUP.guide.schema.chain.iter().map(|revision| (revision.id, revision.title)).collect()
}

pub(super) fn acceptable() -> Vec<Named> {
    Code::ALL.iter().filter(|code| Tolerance::can_accept(**code)).map(titled).collect()
}

pub(super) fn codes() -> Vec<Named> {
    Code::ALL.iter().map(titled).collect()
}

fn titled(code: &Code) -> Named {
    (code.as_str(), code.title())
}

/// `500ms`, `30s`, `2 min`; nothing below a millisecond would ever be met.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let given = text.parse::<jiff::SignedDuration>().ok();
    match given.map(Duration::try_from) {
        Some(Ok(given)) if (MILLISECOND..=DAY).contains(&given) => Ok(given),
        Some(_) => Err("it must be at least 1 ms and at most 24 h, for example `30s`".into()),
        None => Err("write a number with its unit, for example `30s` or `2m`".into()),
    }
}

/// A file or folder; where a stream makes no sense, `-` is a slip.
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    match text {
        "-" => Err("it takes no stream; write `./-` for a file of that name".into()),
        "" => Err("write a path".into()),
        _ => Ok(text.into()),
    }
}

/// A part of a key in etcd, and a word in lists.
pub(super) fn node(text: &str) -> Result<String, String> {
    let fits = (1..=253).contains(&text.len());
    if fits && !text.chars().any(|c| c == '/' || c.is_whitespace() || c.is_control()) {
        Ok(text.to_owned())
    } else {
        Err("write a name of at most 253 characters, without a slash or white space".into())
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

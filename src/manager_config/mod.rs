//! The two files that the manager reads at its start: `alembic.ini` and an environment file.
//! Pure: text in, text out. Each spells a password its own way.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    failure::{Code, Failure, Place},
    guide::Database,
};

mod alembic;
mod environment;
mod shell;

pub use alembic::Unfit;
pub use environment::{Unclear, environment};

/// Everything but `A-Z a-z 0-9 _ . ~ -` is percent-encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'~').remove(b'-');

/// The first line of an environment file of ours; a file without it is somebody else's.
const HEADER: &str = "# Written by backendai-setup";

/// The text of an environment file of ours that can be edited.
///
/// # Errors
/// `E-FILE-FOREIGN` when it is somebody else's, or holds what cannot be understood.
pub fn own_environment<'b>(path: &Path, bytes: &'b [u8]) -> Result<&'b str, Failure> {
    if !bytes.starts_with(HEADER.as_bytes()) {
        return Err(Failure::new(
            Code::FileForeign,
            format!("`{}` was not written by this program", path.display()),
        )
        .why(format!("its first line does not begin with `{HEADER}`"))
        .remedy("move it away, or name another path: `files.environment`"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        unclear_environment(path, &Unclear { line, why: "it is not UTF-8 text".into() })
    })?;
    environment::is_editable(text).map_err(|unclear| unclear_environment(path, &unclear))?;
    Ok(text)
}

/// The failure for an environment file with a line that cannot be understood.
pub fn unclear_environment(path: &Path, unclear: &Unclear) -> Failure {
    Failure::new(
        Code::FileForeign,
        format!("`{}` cannot be understood", path.display()),
    )
    .at(Place { file: path.display().to_string().into(), line: unclear.line, column: 1 })
    .why(unclear.why.as_str())
    .remedy("write `export NAME='value'` there or move the file away, or name another path: `files.environment`")
}

/// The value of `sqlalchemy.url`: user and password percent-encoded for the URL parser, then every `%`
/// doubled for ConfigParser. SQLAlchemy decodes these two and takes the database's name as it stands.
pub fn alembic_url(database: &Database) -> SecretString {
    let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let url = format!(
        "postgresql://{}:{}@{}/{}",
        encode(&database.user),
        encode(database.password.expose_secret()),
        database.address,
        database.name
    );
    url.replace('%', "%%").into()
}

/// Puts a URL into an `alembic.ini`, keeping every other line as it is.
///
/// # Errors
/// When the manager could not read the file: `alembic` is as strict as ConfigParser.
pub fn set_alembic_url(text: &str, url: &SecretString) -> Result<SecretString, Unfit> {
    const KEY: &str = "sqlalchemy.url";
    let url = url.expose_secret();
    let about_all = |why: &str| Unfit { line: None, why: why.to_owned() };
    let mut sections = alembic::parse(text)?;
    let has_scripts = ["alembic", "DEFAULT"].iter().any(|name| {
        sections.get(*name).is_some_and(|section| section.options.contains_key("script_location"))
    });
    let section = sections.get_mut("alembic").ok_or_else(|| about_all("it has no section `[alembic]`"))?;
    if !has_scripts {
        let why = "section `[alembic]` has no `script_location`".to_owned();
        return Err(Unfit { line: Some(section.line), why });
    }
    let header = section.line;
    let key = section.options.get(KEY).map(|old| (old.line, old.last));
    let is_set = section.options.get(KEY).is_some_and(|old| old.text == url);
    let new = alembic::Value { text: url.to_owned(), line: header, last: header };
    section.options.insert(KEY.to_owned(), new);
    alembic::check_interpolation(&sections)?;
    if is_set {
        return Ok(text.into());
    }
    let ending = |line: &str| if line.ends_with("\r\n") { "\r\n" } else { "\n" };
    let indent =
        |line: &str| line[..line.len() - line.trim_start().len()].trim_end_matches(['\r', '\n']).to_owned();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut out = String::with_capacity(text.len() + url.len());
    for (number, line) in (1..).zip(&lines) {
        match key {
            Some((first, _)) if number == first => {
                let name = line.split(['=', ':']).next().unwrap_or_default().trim();
                out.push_str(&format!("{}{name} = {url}{}", indent(line), ending(line)));
            }
            Some((first, last)) if number > first && number <= last => {}
            None if number == header => {
                out.push_str(line);
                if !line.ends_with('\n') {
                    out.push('\n');
                }
                // As deep as what follows, which would continue our value otherwise.
                let mut below = lines[number..].iter().map(|line| (line, line.trim()));
                let next = below.find(|(_, text)| !text.is_empty() && !text.starts_with(['#', ';', '[']));
                let depth = next.map(|(line, _)| indent(line)).unwrap_or_default();
                out.push_str(&format!("{depth}{KEY} = {url}{}", ending(line)));
            }
            _ => out.push_str(line),
        }
    }
    // What is left behind must hold together for ConfigParser, whatever stood there.
    let after = alembic::parse(&out)?;
    let left = after.get("alembic").and_then(|section| section.options.get(KEY));
    if left.is_none_or(|left| left.text != url) {
        return Err(about_all("the lines around `sqlalchemy.url` would run into it"));
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Result<String, Unfit> {
        set_alembic_url(text, &"URL".into()).map(|text| text.expose_secret().to_owned())
    }

    #[test]
    fn one_line_changes_and_the_rest_stays() {
        let head = "# c\n[alembic]\nscript_location = alembic\n";
        let tail = "# sqlalchemy.url = not this\n\n[loggers]\nsqlalchemy.url = nor this\n";
        for line in [
            "sqlalchemy.url = old\n",
            "SQLAlchemy.URL: old\n",
            "sqlalchemy.url=old\n  more\n",
            "sqlalchemy.url =\n",
        ] {
            let name = &line[.."sqlalchemy.url".len()];
            assert_eq!(
                set(&format!("{head}{line}{tail}")),
                Ok(format!("{head}{name} = URL\n{tail}")),
                "{line:?}"
            );
        }
        let same = format!("{head}sqlalchemy.url=URL\n{tail}");
        assert_eq!(set(&same), Ok(same));
        assert_eq!(
            set("[alembic]\r\nscript_location = b\r\n"),
            Ok("[alembic]\r\nsqlalchemy.url = URL\r\nscript_location = b\r\n".into())
        );
        assert_eq!(
            set("[DEFAULT]\nscript_location = a\n[alembic]"),
            Ok("[DEFAULT]\nscript_location = a\n[alembic]\nsqlalchemy.url = URL\n".into())
        );
        assert_eq!(
            set("[alembic]\n  script_location = a\n"),
            Ok("[alembic]\n  sqlalchemy.url = URL\n  script_location = a\n".into())
        );
        // A deeper line continues the value above it, whatever it looks like.
        assert_eq!(
            set("[alembic]\nscript_location = 1\n  sqlalchemy.url = 2\n"),
            Ok("[alembic]\nsqlalchemy.url = URL\nscript_location = 1\n  sqlalchemy.url = 2\n".into())
        );
    }

    #[test]
    fn files_that_the_manager_could_not_read() {
        for (text, line) in [
            ("", None),
            ("[other]\n", None),
            ("[alembic]\n", Some(1)),
            ("[alembic]\nscript_location = a\n[alembic]\n", Some(3)),
            ("[alembic]\nsqlalchemy.url = a\nSQLALCHEMY.URL = b\n", Some(3)),
            ("[alembic]\nscript_location = a\n[x]\na = 1\nA : 2\n", Some(5)),
            ("[alembic]\nscript_location = a\n[x]\n[x]\n", Some(4)),
            ("[alembic]\nword\n", Some(2)),
            ("a = b\n[alembic]\n", Some(1)),
            ("[alembic\n", Some(1)),
            ("[]\n", Some(1)),
            ("[alembic]\n= a\n", Some(2)),
            ("[alembic]\nscript_location = a\0b\n", Some(2)),
            ("[alembic]\nscript_location = 100%\n", Some(2)),
            ("[alembic]\nscript_location = %(nowhere)s\n", Some(2)),
            ("[alembic]\nscript_location = %(script_location)s\n", Some(2)),
            ("[alembic]\nscript_location = a\n[loggers]\nkeys = %x\n", Some(4)),
        ] {
            assert_eq!(set(text).map_err(|unfit| unfit.line), Err(line), "{text:?}");
        }
    }
}

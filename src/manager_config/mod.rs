//! The two files that the manager reads at its start: `alembic.ini` and an environment file.
//! Pure: text in, text out. What must stand in them is in `upstream.md`, "Passwords, three spellings".

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    failure::{Code, Failure},
    guide::Database,
};

mod environment;
mod shell;

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
        format!("`{}:{}` cannot be understood", path.display(), unclear.line),
    )
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

/// Why an `alembic.ini` cannot be edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// There is no section `[alembic]`.
    NoSection,
    /// The section stands in it twice; ConfigParser would refuse the file.
    TwoSections,
    /// The key stands in the section twice; ConfigParser would refuse the file.
    TwoKeys,
}

/// Puts a URL into an `alembic.ini`, keeping every other line as it is.
///
/// Lines are read as ConfigParser reads them: keys in any case, `=` or `:`, deeper lines continue a value.
///
/// # Errors
/// When the manager could not read the file either.
pub fn set_alembic_url(text: &str, url: &SecretString) -> Result<SecretString, Unfit> {
    let url = url.expose_secret();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut section: Option<usize> = None;
    let mut inside = false;
    let mut key: Option<(usize, usize)> = None;
    let mut option_indent: Option<usize> = None;
    let mut continues_key = false;
    for (at, line) in lines.iter().enumerate() {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if option_indent.is_some_and(|option| indent > option) {
            if let (true, Some((_, end))) = (continues_key, key.as_mut()) {
                *end = at;
            }
            continue;
        }
        continues_key = false;
        if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.rfind(']').map(|end| &rest[..end]))
        {
            option_indent = None;
            inside = name == "alembic";
            if inside && section.replace(at).is_some() {
                return Err(Unfit::TwoSections);
            }
            continue;
        }
        option_indent = Some(indent);
        let name = content.split(['=', ':']).next().unwrap_or_default().trim_end();
        if inside && name.eq_ignore_ascii_case("sqlalchemy.url") {
            if key.replace((at, at)).is_some() {
                return Err(Unfit::TwoKeys);
            }
            continues_key = true;
        }
    }
    let section = section.ok_or(Unfit::NoSection)?;
    let ending = |line: &str| if line.ends_with("\r\n") { "\r\n" } else { "\n" };
    let mut out = String::with_capacity(text.len() + url.len());
    for (at, line) in lines.iter().enumerate() {
        match key {
            Some((first, last)) if at == first => {
                let value = line.split_once(['=', ':']).map(|(_, value)| value.trim()).unwrap_or_default();
                if value == url && first == last {
                    out.push_str(line);
                } else {
                    let name = line.split(['=', ':']).next().unwrap_or_default().trim();
                    out.push_str(&format!("{name} = {url}{}", ending(line)));
                }
            }
            Some((first, last)) if at > first && at <= last => {}
            None if at == section => {
                out.push_str(line);
                if !line.ends_with('\n') {
                    out.push('\n');
                }
                out.push_str(&format!("sqlalchemy.url = {url}{}", ending(line)));
            }
            _ => out.push_str(line),
        }
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
            set("[alembic]\r\na = b\r\n"),
            Ok("[alembic]\r\nsqlalchemy.url = URL\r\na = b\r\n".into())
        );
        assert_eq!(set("[alembic]"), Ok("[alembic]\nsqlalchemy.url = URL\n".into()));
        // A deeper line continues the value above it, whatever it looks like.
        assert_eq!(
            set("[alembic]\nx = 1\n  sqlalchemy.url = 2\n"),
            Ok("[alembic]\nsqlalchemy.url = URL\nx = 1\n  sqlalchemy.url = 2\n".into())
        );
    }

    #[test]
    fn files_that_the_manager_could_not_read() {
        assert_eq!(set(""), Err(Unfit::NoSection));
        assert_eq!(set("[other]\n"), Err(Unfit::NoSection));
        assert_eq!(set("[alembic]\n[alembic]\n"), Err(Unfit::TwoSections));
        assert_eq!(set("[alembic]\nsqlalchemy.url = a\nsqlalchemy.url = b\n"), Err(Unfit::TwoKeys));
    }
}

//! PostgreSQL: `{DBADDR}`, `{DBUSER}` and `{DBPASS}` of the guide.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

use crate::limits::Limits;

use super::{
    answers::Answers,
    validate::{self, Address, Refused, parse_address},
    variable::{Default, Development, Section, Shape, Variable, map_file},
};

/// Where PostgreSQL listens.
pub const ADDRESS: &str = "database.address";
/// The manager's database.
pub const NAME: &str = "database.name";
/// Who signs in to PostgreSQL.
pub const USER: &str = "database.user";
/// The password of that user.
pub const PASSWORD: &str = "database.password";
/// Whether the connection is encrypted.
pub const SSLMODE: &str = "database.sslmode";
/// What the numbers of owners become in an upgrade of an old database.
pub const USER_IDS: &str = "database.user-ids";

/// PostgreSQL's usual port.
const PORT: u16 = 5432;

/// Whether the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Never.
    Disable,
    /// When the server offers it.
    Prefer,
    /// Always, without looking at the certificate.
    Require,
}

/// The words for it that are built.
const SSLMODES: &[&str] = &["disable", "prefer", "require"];

/// What the numbers of owners of keypairs become in an upgrade of an old database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserIds {
    /// The same numbers, as texts.
    Direct,
    /// The names that this file has for them.
    Map(PathBuf),
}

impl Answers {
    /// What somebody said about the numbers of owners.
    pub fn user_ids(&self) -> Option<UserIds> {
        UserIds::of(self.guide().variable(USER_IDS)?, &self.text(USER_IDS)?)
    }
}

impl UserIds {
    /// What the text of a variable says, where it is that one; a relative path means the working directory.
    pub fn of(variable: &Variable, text: &str) -> Option<Self> {
        (variable.shape == Shape::DirectOrMap).then(|| match map_file(text) {
            Some(file) => Self::Map(std::path::absolute(file).unwrap_or_else(|_| PathBuf::from(file))),
            None => Self::Direct,
        })
    }
}

/// PostgreSQL as answered.
#[derive(Debug, Clone)]
pub struct Database {
    /// Where the server listens.
    pub address: Address,
    /// The database of the manager.
    pub name: String,
    /// The role that signs in.
    pub user: String,
    /// Its password, raw.
    pub password: SecretString,
    /// Whether the connection is encrypted.
    pub sslmode: SslMode,
    /// How long the server may take.
    pub limits: Limits,
}

impl Database {
    pub(super) fn from_answers(answers: &Answers) -> Option<Self> {
        Some(Self {
            address: parse_address(&answers.text(ADDRESS)?, PORT).ok()?,
            name: answers.text(NAME)?,
            user: answers.text(USER)?,
            password: answers.secret(PASSWORD)?,
            sslmode: match answers.text(SSLMODE)?.as_str() {
                "disable" => SslMode::Disable,
                "require" => SslMode::Require,
                _ => SslMode::Prefer,
            },
            limits: Limits::default(),
        })
    }
}

fn address(text: &str) -> Result<(), Refused> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Err(Refused::new(
            "it is a URL",
            "write `host:port` here, and the rest under `database.user`, `database.password` and `database.name`",
        ));
    }
    parse_address(text, PORT).map(drop)
}

/// PostgreSQL cuts longer names off without a word.
fn identifier(text: &str) -> Result<(), Refused> {
    validate::plain_text(text, 63)
}

/// The manager's URL parser takes the name as it stands, so some signs cannot stand in it.
fn name(text: &str) -> Result<(), Refused> {
    identifier(text)?;
    if text.contains(['@', '?']) || text.trim() != text {
        return Err(Refused::new(
            "it has `@` or `?` in it or a blank at an end, and the manager could not read it from alembic.ini",
            "use letters, digits and `_`",
        ));
    }
    Ok(())
}

fn password(text: &str) -> Result<(), Refused> {
    if text.contains(['\n', '\r']) {
        return Err(Refused::new("it has a line break", "remove the line break"));
    }
    validate::secret(text, 4096)
}

fn sslmode(text: &str) -> Result<(), Refused> {
    if matches!(text, "verify-ca" | "verify-full") {
        return Err(Refused::new(
            "checking the server's certificate is not supported in this version",
            "write one of `disable`, `prefer`, `require`",
        ));
    }
    validate::one_of(text, SSLMODES)
}

fn user_ids(text: &str) -> Result<(), Refused> {
    match map_file(text) {
        Some(file) => validate::path(file),
        None if text == "direct" => Ok(()),
        None => {
            Err(Refused::new("it is neither `direct` nor a file with names", "write `direct`, or `map:FILE`")
                .or_in_yaml("write `direct`, or `{map: FILE}`"))
        }
    }
}

/// The fields of a `postgresql://user:password@host:port/database?sslmode=…` URL.
pub fn database_url(text: &str) -> Option<Vec<(&'static str, String)>> {
    let url = Url::parse(text).ok()?;
    if !matches!(url.scheme(), "postgresql" | "postgres") {
        return None;
    }
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut parts = Vec::new();
    if let Some(host) = url.host_str() {
        let port = url.port().unwrap_or(5432);
        parts.push((ADDRESS, format!("{}:{port}", plain(host))));
    }
    if !url.username().is_empty() {
        parts.push((USER, plain(url.username())));
    }
    if let Some(password) = url.password() {
        parts.push((PASSWORD, plain(password)));
    }
    let name = plain(url.path().trim_start_matches('/'));
    if !name.is_empty() {
        parts.push((NAME, name));
    }
    for (key, value) in url.query_pairs() {
        if key == "sslmode" && sslmode(&value).is_ok() {
            parts.push((SSLMODE, value.into_owned()));
        }
    }
    Some(parts)
}

/// The variables of this service.
pub static SECTION: Section = Section {
    id: "database",
    title: "PostgreSQL",
    intro: "Keeps users, keypairs, sessions and virtual folders.",
    is_asked: true,
    variables: &[
        Variable {
            key: ADDRESS,
            title: "Address",
            help: "host:port of the PostgreSQL server.",
            shape: Shape::Address,
            default: Default::Required,
            development: Some(Development::Value("localhost:8100")),
            manager_env: Some("BACKEND_DB_ADDR"),
            validate: address,
        },
        Variable {
            key: NAME,
            title: "Database",
            help: "The database of the manager; created when it is not there.",
            shape: Shape::Text,
            default: Default::Value("backend"),
            development: Some(Development::Value("backend")),
            manager_env: Some("BACKEND_DB_NAME"),
            validate: name,
        },
        Variable {
            key: USER,
            title: "User",
            help: "The user that owns the database; it needs CREATEDB once.",
            shape: Shape::Text,
            default: Default::Required,
            development: Some(Development::Value("postgres")),
            manager_env: Some("BACKEND_DB_USER"),
            validate: identifier,
        },
        Variable {
            key: PASSWORD,
            title: "Password",
            help: "The password as it is; it is escaped for alembic.ini and the shell.",
            shape: Shape::Secret,
            default: Default::Required,
            development: Some(Development::Value("develove")),
            manager_env: Some("BACKEND_DB_PASSWORD"),
            validate: password,
        },
        Variable {
            key: SSLMODE,
            title: "TLS",
            help: "disable, prefer or require.",
            shape: Shape::Choice(SSLMODES),
            default: Default::Value("prefer"),
            development: None,
            manager_env: None,
            validate: sslmode,
        },
        Variable {
            key: USER_IDS,
            title: "User ids",
            help: "direct keeps owners' numbers; map:FILE has lines NUMBER NAME.",
            shape: Shape::DirectOrMap,
            default: Default::Unset("needed only in an upgrade"),
            development: None,
            manager_env: None,
            validate: user_ids,
        },
    ],
};

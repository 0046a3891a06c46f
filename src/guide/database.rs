//! PostgreSQL: `{DBADDR}`, `{DBUSER}` and `{DBPASS}` of the guide.

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

use super::{
    accept::{self, Address, Refused, parse_address},
    answers::Answers,
    variable::{Default, Section, Shape, Variable},
};

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
const SSLMODE: &[&str] = &["disable", "prefer", "require"];

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
}

impl Database {
    pub(super) fn from_answers(answers: &Answers) -> Option<Self> {
        Some(Self {
            address: parse_address(&answers.text("database.address")?, PORT).ok()?,
            name: answers.text("database.name")?,
            user: answers.text("database.user")?,
            password: answers.secret("database.password")?,
            sslmode: match answers.text("database.sslmode")?.as_str() {
                "disable" => SslMode::Disable,
                "require" => SslMode::Require,
                _ => SslMode::Prefer,
            },
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
    accept::plain_text(text, 63)
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
    accept::secret(text, 4096)
}

fn sslmode(text: &str) -> Result<(), Refused> {
    if matches!(text, "verify-ca" | "verify-full") {
        return Err(Refused::new(
            "checking the server's certificate is not supported in this version",
            "write one of `disable`, `prefer`, `require`",
        ));
    }
    accept::one_of(text, SSLMODE)
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
        parts.push(("database.address", format!("{}:{port}", plain(host))));
    }
    if !url.username().is_empty() {
        parts.push(("database.user", plain(url.username())));
    }
    if let Some(password) = url.password() {
        parts.push(("database.password", plain(password)));
    }
    let name = plain(url.path().trim_start_matches('/'));
    if !name.is_empty() {
        parts.push(("database.name", name));
    }
    for (key, value) in url.query_pairs() {
        if key == "sslmode" && sslmode(&value).is_ok() {
            parts.push(("database.sslmode", value.into_owned()));
        }
    }
    Some(parts)
}

pub(super) static SECTION: Section = Section {
    id: "database",
    title: "PostgreSQL",
    intro: "Keeps users, keypairs, sessions and virtual folders.",
    variables: &[
        Variable {
            key: "database.address",
            title: "Address",
            help: "host:port of the PostgreSQL server.",
            shape: Shape::Text,
            default: Default::Required,
            development: Some(|| "localhost:8100".into()),
            manager_env: Some("BACKEND_DB_ADDR"),
            accept: address,
        },
        Variable {
            key: "database.name",
            title: "Database",
            help: "The database of the manager; created when it is not there.",
            shape: Shape::Text,
            default: Default::Value("backend"),
            development: Some(|| "backend".into()),
            manager_env: Some("BACKEND_DB_NAME"),
            accept: name,
        },
        Variable {
            key: "database.user",
            title: "User",
            help: "The user that owns the database; it needs CREATEDB once.",
            shape: Shape::Text,
            default: Default::Required,
            development: Some(|| "postgres".into()),
            manager_env: Some("BACKEND_DB_USER"),
            accept: identifier,
        },
        Variable {
            key: "database.password",
            title: "Password",
            help: "The password as it is; it is escaped for alembic.ini and the shell.",
            shape: Shape::Secret,
            default: Default::Required,
            development: Some(|| "develove".into()),
            manager_env: Some("BACKEND_DB_PASSWORD"),
            accept: password,
        },
        Variable {
            key: "database.sslmode",
            title: "TLS",
            help: "disable, prefer or require.",
            shape: Shape::Choice(SSLMODE),
            default: Default::Value("prefer"),
            development: None,
            manager_env: None,
            accept: sslmode,
        },
    ],
};

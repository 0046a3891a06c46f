//! The files that are written: `alembic.ini` and an environment file, which the manager reads at its start and which
//! spell a password each its own way, and the credentials file. Pure: text in, text out. What people wrote stays.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    failure::{Code, Failure, Place, shell_word},
    guide::Database,
};

mod alembic;
mod assignments;
mod environment;
mod ini;
mod keypairs;
mod logging;
mod shell;

pub use alembic::{Edited, set_alembic_url};
use environment::HEADER;
pub use environment::{Cure, Unclear, environment};
pub use ini::Unfit;
pub use keypairs::{Entry, own_keypairs, splice};

/// Everything but `A-Z a-z 0-9 _ . ~ -` is percent-encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'~').remove(b'-');

/// The text of an environment file of ours that can be edited.
///
/// # Errors
/// `E-FILE-FOREIGN` when it is somebody else's, or holds what cannot be understood.
pub fn own_environment<'b>(path: &Path, bytes: &'b [u8]) -> Result<&'b str, Failure> {
    let mut above = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_start);
    let head =
        above.find(|line| line.starts_with(HEADER.as_bytes()) || !matches!(line.first(), None | Some(b'#')));
    if !head.is_some_and(|line| line.starts_with(HEADER.as_bytes())) {
        return Err(Failure::new(
            Code::FileForeign,
            format!("`{}` was not written by this program", path.display()),
        )
        .why(format!("no line above its first command begins with `{HEADER}`"))
        .remedy("move it away, or name another path: `files.environment`"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        unclear_environment(path, &Unclear { line, why: "it is not UTF-8 text".into(), cure: Cure::Plain })
    })?;
    environment::is_editable(text).map_err(|unclear| unclear_environment(path, &unclear))?;
    Ok(text)
}

/// The failure for an environment file with a line that cannot be understood.
pub fn unclear_environment(path: &Path, unclear: &Unclear) -> Failure {
    let other = "or name another path: `files.environment`";
    let remedy = match unclear.cure {
        Cure::Plain => format!("write `export NAME='value'` there or move the file away, {other}"),
        Cure::KeepOne => format!("keep one of the two, {other}"),
        Cure::LineEnds => {
            format!("end its lines without one: sed -i 's/\\r$//' {}", shell_word(&path.to_string_lossy()))
        }
    };
    Failure::new(Code::FileForeign, format!("`{}` cannot be understood", path.display()))
        .at(Place { file: path.display().to_string().into(), line: unclear.line, column: 1 })
        .why(unclear.why.as_str())
        .remedy(remedy)
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

/// An `alembic.ini` with this URL in it.
///
/// # Errors
/// `E-FILE-FOREIGN`, with its line, when the manager could not read it.
pub fn alembic_ini(path: &Path, bytes: &[u8], url: &SecretString) -> Result<Edited, Failure> {
    let refuse = |unfit: Unfit| {
        let what = format!("`{}` is not an alembic configuration that can be read", path.display());
        let failure = Failure::new(Code::FileForeign, what)
            .why(unfit.why)
            .remedy("fix it or move it away, or name another path: `files.alembic-ini`");
        placed(failure, path, unfit.line)
    };
    let text = std::str::from_utf8(bytes).map_err(|_| refuse(Unfit::of_all("it is not UTF-8 text")))?;
    let here = path.parent().unwrap_or(Path::new("")).to_string_lossy();
    set_alembic_url(text, url, &here).map_err(refuse)
}

/// The remark on an `alembic.ini` by which alembic could not set up its logging.
pub fn logging_remark(path: &Path, unfit: Unfit) -> Failure {
    let what = format!("`{}` lacks what alembic sets up its logging from", path.display());
    let failure = Failure::new(Code::FileLogging, what).why(unfit.why).remedy(
        "write a new file by `--set files.alembic-ini=PATH`, and copy what it has from `[loggers]` on",
    );
    placed(failure, path, unfit.line)
}

fn placed(failure: Failure, path: &Path, line: Option<usize>) -> Failure {
    match line {
        Some(line) => failure.at(Place { file: path.display().to_string().into(), line, column: 1 }),
        None => failure,
    }
}

//! The opening of a session, read before the library speaks: whether PostgreSQL answers, and how it wants a user
//! to sign in.
//!
//! Nothing is answered. PostgreSQL takes a client that leaves then for one that asks a person first, so it neither
//! logs a failed sign-in nor counts one. Only plain connections are read: where TLS is used, the library speaks
//! first.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    failure::{Failure, words},
    guide::{Database, SslMode},
    services::net::{self, Greeting},
};

use super::explain::{self, Method, Opening, Said, strange};

/// What libpq takes at most before the sign-in: a request, and the words of a server.
const LONGEST_REQUEST: usize = 2_000;
const LONGEST_WORDS: usize = 30_000;
/// Notices that may come before.
const MOST_NOTICES: usize = 8;
/// How long a server may take to end a session that came to nothing.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why there is nothing to learn.
pub(super) enum NoOpening {
    /// The server refuses already.
    Refused(Said, Opening),
    /// The network, or a stranger.
    Failed(Failure),
}

/// Asks on a connection of its own; nothing where TLS would be used.
pub(super) async fn ask(database: &Database, name: &str) -> Option<Result<Opening, NoOpening>> {
    let limits = database.limits;
    let found = net::resolve(&net::POSTGRES, &database.address, limits).await.ok()?;
    let (mut stream, _) = net::connect(&net::POSTGRES, &database.address, &found, limits).await.ok()?;
    let is_plain = database.sslmode == SslMode::Disable
        || net::greet_postgres(&mut stream, limits).await == Greeting::PostgresPlain;
    if is_plain { Some(open(stream, database, name).await) } else { None }
}

/// Opens a session on a connection that stays plain, reads the first answer and leaves.
///
/// # Errors
/// What the server says instead, or what is wrong with its answer.
pub(super) async fn open(
    mut stream: TcpStream,
    database: &Database,
    name: &str,
) -> Result<Opening, NoOpening> {
    let lost = |error: io::Error| {
        NoOpening::Failed(explain::connection_lost(database, "the sign-in", words(&error)))
    };
    let from = stream.local_addr().map_err(lost)?.ip();
    let opening = async {
        stream.write_all(&startup(&database.user, name)).await?;
        first_answer(&mut stream).await
    };
    let answer = match timeout(database.limits.sign_in(), opening).await {
        Err(_) => {
            return Err(NoOpening::Failed(explain::silent(
                database,
                "the sign-in",
                database.limits.sign_in(),
            )));
        }
        Ok(answer) => answer.map_err(lost)?,
    };
    let opening = |method| Opening { method, from };
    match answer {
        Answer::Request(method) => {
            leave(stream, method == Method::Nothing).await;
            Ok(opening(method))
        }
        Answer::Refusal(said) => Err(NoOpening::Refused(said, opening(Method::Nothing))),
        Answer::Strange(why) => Err(NoOpening::Failed(strange(database).why(why))),
    }
}

/// A server that lets us in has begun a session; others wait for a password. Its place among the connections is
/// free when it has closed.
async fn leave(mut stream: TcpStream, is_in: bool) {
    const TERMINATE: &[u8] = b"X\0\0\0\x04";
    let farewell = async {
        if is_in {
            stream.write_all(TERMINATE).await?;
        }
        stream.shutdown().await?;
        let mut rest = [0; 4096];
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = timeout(FAREWELL, farewell).await;
}

/// The startup message of protocol 3.0.
fn startup(user: &str, name: &str) -> Vec<u8> {
    let mut body = 196_608_u32.to_be_bytes().to_vec();
    let application = ("application_name", env!("CARGO_PKG_NAME"));
    for (key, value) in [("user", user), ("database", name), ("client_encoding", "UTF8"), application] {
        for text in [key, value] {
            body.extend(text.bytes());
            body.push(0);
        }
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [length.to_be_bytes().to_vec(), body].concat()
}

enum Answer {
    Request(Method),
    Refusal(Said),
    Strange(String),
}

/// Reads the first message that counts; never more than libpq would take.
async fn first_answer(stream: &mut TcpStream) -> io::Result<Answer> {
    for _ in 0..=MOST_NOTICES {
        let mut head = [0; 5];
        stream.read_exact(&mut head).await?;
        let (kind, rest) = (head[0], [head[1], head[2], head[3], head[4]]);
        let length = u32::from_be_bytes(rest) as usize;
        let (least, most) = match kind {
            b'R' => (8, LONGEST_REQUEST),
            b'E' | b'N' => (5, LONGEST_WORDS),
            _ => return Ok(Answer::Strange(format!("its first message begins with `{}`", hex(&head)))),
        };
        if !(least..=most).contains(&length) {
            return Ok(Answer::Strange(format!(
                "its first message begins with `{}`, which declares {length} bytes",
                hex(&head)
            )));
        }
        let mut body = vec![0; length - 4];
        stream.read_exact(&mut body).await?;
        match kind {
            b'R' => return Ok(Answer::Request(method(&body))),
            b'E' => return Ok(Answer::Refusal(Said::read(&body))),
            _ => {}
        }
    }
    Ok(Answer::Strange("it sends notices and nothing else".into()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// The numbers stand in the protocol's message formats.
fn method(body: &[u8]) -> Method {
    let (number, rest) = body.split_at(4);
    match number[3] {
        _ if number[..3] != [0; 3] => Method::Other(hex(number)),
        0 => Method::Nothing,
        3 => Method::ClearText,
        5 => Method::Md5,
        7 => Method::Gss,
        9 => Method::Sspi,
        10 => {
            let mut names = rest.split(|byte| *byte == 0).filter(|name| !name.is_empty());
            if names.clone().any(|name| name.starts_with(b"SCRAM-SHA-256")) {
                return Method::Scram;
            }
            let first = names.next().unwrap_or(b"SASL");
            Method::Other(String::from_utf8_lossy(&first[..first.len().min(40)]).into_owned())
        }
        other => Method::Other(format!("method {other}")),
    }
}

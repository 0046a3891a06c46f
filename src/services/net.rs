//! The first rungs of every ladder: resolve a name, connect, and look who is there.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, lookup_host},
    time::timeout,
};

use crate::{
    failure::{Code, Failure, words},
    guide::{Address, database, etcd},
    limits::{Limits, seconds},
};

/// How long the look who it is may take, once it is not whom we want.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// What a target is called in messages, and the codes of its first rungs.
#[derive(Debug)]
pub struct Target {
    /// `etcd` or `PostgreSQL`.
    pub title: &'static str,
    /// The answer that names it, for remedies.
    pub key: &'static str,
    /// What makes it listen on other addresses.
    pub listen: &'static str,
    /// Unknown host.
    pub resolve: Code,
    /// Nothing accepts.
    pub connect: Code,
    /// No answer in time.
    pub timeout: Code,
}

/// etcd in messages.
pub static ETCD: Target = Target {
    title: "etcd",
    key: etcd::ENDPOINTS,
    listen: "--listen-client-urls",
    resolve: Code::EtcdResolve,
    connect: Code::EtcdConnect,
    timeout: Code::EtcdTimeout,
};

/// PostgreSQL in messages.
pub static POSTGRES: Target = Target {
    title: "PostgreSQL",
    key: database::ADDRESS,
    listen: "listen_addresses",
    resolve: Code::DbResolve,
    connect: Code::DbConnect,
    timeout: Code::DbTimeout,
};

/// Finds the addresses of a host.
///
/// # Errors
/// When the resolver knows none, or does not answer.
pub async fn resolve(target: &Target, address: &Address, limits: Limits) -> Result<Vec<SocketAddr>, Failure> {
    let host = address.host.as_str();
    let unknown = |why: String| {
        Failure::new(target.resolve, format!("the host name `{host}` is unknown here"))
            .why(why)
            .remedy(format!("check the spelling of `{}`, DNS and /etc/hosts", target.key))
    };
    match timeout(limits.connect(), lookup_host((host, address.port))).await {
        Err(_) => Err(Failure::new(
            target.timeout,
            format!("the resolver did not answer for `{host}` in {}", seconds(limits.connect())),
        )
        .remedy("look at DNS, or give an address instead of a name")),
        Ok(Err(error)) => Err(unknown(words(&error))),
        Ok(Ok(found)) => {
            let found: Vec<_> = found.collect();
            if found.is_empty() {
                Err(unknown("the resolver has no address for it".into()))
            } else {
                Ok(found)
            }
        }
    }
}

/// Connects to the first address that accepts.
///
/// # Errors
/// When none accepts; tells a closed port from a host that is not there.
pub async fn connect(
    target: &Target,
    address: &Address,
    found: &[SocketAddr],
    limits: Limits,
) -> Result<(TcpStream, SocketAddr), Failure> {
    let mut last = None;
    for socket in found {
        match timeout(limits.connect(), TcpStream::connect(socket)).await {
            Ok(Ok(stream)) => return Ok((stream, *socket)),
            Ok(Err(error)) => last = Some(refused(target, address, &error)),
            Err(_) => {
                last = Some(
                    Failure::new(
                        target.timeout,
                        format!("no answer from {address} in {}", seconds(limits.connect())),
                    )
                    .why("the host is down, or a firewall drops the packets")
                    .remedy(format!("look at host and firewall, or fix `{}`", target.key)),
                );
            }
        }
    }
    Err(last.unwrap_or_else(|| Failure::new(target.resolve, format!("`{}` has no address", address.host))))
}

fn refused(target: &Target, address: &Address, error: &io::Error) -> Failure {
    if error.kind() == ErrorKind::ConnectionRefused {
        let failure = Failure::new(
            target.connect,
            format!("`{}` is up, nothing listens on {}", address.host, address.port),
        )
        .why(format!("{address} refused the connection"));
        let Target { title, listen, key, .. } = target;
        // Whatever it listens on, it would be reached there; and it may run on another host.
        return failure.remedy(if address.is_loopback() {
            format!(
                "is {title} running on this host? Else fix `{key}`, where `{}` means this host alone",
                address.host
            )
        } else {
            format!("is {title} running, and listening beyond localhost ({listen})? Else fix `{key}`")
        });
    }
    Failure::new(target.connect, format!("{address} cannot be reached"))
        .why(words(error))
        .remedy(format!("look at network and firewall, or fix `{}`", target.key))
}

/// Who answers on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Greeting {
    /// HTTP/2, as etcd's clients speak it.
    Http2,
    /// PostgreSQL that offers TLS.
    PostgresTls,
    /// PostgreSQL without TLS.
    PostgresPlain,
    /// A web server.
    Http1,
    /// Something that wants TLS.
    Tls,
    /// Something else; what it sent first.
    Other(String),
    /// It closed the connection without a word.
    Closed,
    /// It accepted and said nothing.
    Silent,
}

/// Opens as an etcd client would: the preface of HTTP/2 and empty settings.
pub async fn greet_etcd(mut stream: TcpStream, limits: Limits) -> Greeting {
    const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    match first_bytes(&mut stream, HELLO, limits).await {
        // A frame of type 4 (settings) on stream 0 opens every HTTP/2 connection.
        Ok(bytes) if bytes.len() >= 9 && bytes[3] == 4 && bytes[5..9] == [0; 4] => Greeting::Http2,
        Ok(bytes) => other(&bytes),
        Err(greeting) => greeting,
    }
}

/// Opens as a PostgreSQL client would: the question whether TLS is offered. A server without it goes on with a
/// plain session on the same connection.
pub async fn greet_postgres(stream: &mut TcpStream, limits: Limits) -> Greeting {
    const HELLO: &[u8] = &[0, 0, 0, 8, 4, 210, 22, 47];
    match first_bytes(stream, HELLO, limits).await {
        Ok(bytes) if bytes == b"S" => Greeting::PostgresTls,
        Ok(bytes) if bytes == b"N" => Greeting::PostgresPlain,
        Ok(bytes) => other(&bytes),
        Err(greeting) => greeting,
    }
}

/// Does etcd answer here, or another server that speaks HTTP/2? It waits for ever for a client of
/// PostgreSQL to say more.
pub async fn speaks_http2(address: SocketAddr, limits: Limits) -> bool {
    let look = async { Some(greet_etcd(TcpStream::connect(address).await.ok()?, limits).await) };
    matches!(timeout(SECOND_LOOK, look).await, Ok(Some(Greeting::Http2)))
}

/// Does PostgreSQL answer here? It hangs up on a client of etcd without a word.
pub async fn speaks_postgres(address: SocketAddr, limits: Limits) -> bool {
    let look = async { Some(greet_postgres(&mut TcpStream::connect(address).await.ok()?, limits).await) };
    matches!(timeout(SECOND_LOOK, look).await, Ok(Some(Greeting::PostgresTls | Greeting::PostgresPlain)))
}

/// Does a server that wants TLS listen here? It hangs up on a client of etcd that speaks plainly, often without
/// a word. Whatever it makes of this hello, it answers in TLS.
pub async fn speaks_tls(address: SocketAddr, limits: Limits) -> bool {
    // TLS 1.2 with one cipher suite and no extension; 32 bytes that should be random are not, since nothing
    // comes of it.
    const HEAD: &[u8] = &[0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3];
    const TAIL: &[u8] = &[0, 0, 2, 0xc0, 0x2f, 1, 0];
    let hello = [HEAD, &[b'?'; 32], TAIL].concat();
    let look =
        async { Some(first_bytes(&mut TcpStream::connect(address).await.ok()?, &hello, limits).await) };
    match timeout(SECOND_LOOK, look).await {
        Ok(Some(Ok(bytes))) => other(&bytes) == Greeting::Tls,
        _ => false,
    }
}

fn other(bytes: &[u8]) -> Greeting {
    if bytes.starts_with(b"HTTP/1") {
        Greeting::Http1
    } else if bytes.starts_with(&[0x15, 3]) || bytes.starts_with(&[0x16, 3]) {
        Greeting::Tls
    } else {
        let seen = &bytes[..bytes.len().min(24)];
        Greeting::Other(match std::str::from_utf8(seen) {
            Ok(text) => text.escape_debug().to_string(),
            Err(_) => seen.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "),
        })
    }
}

async fn first_bytes(stream: &mut TcpStream, hello: &[u8], limits: Limits) -> Result<Vec<u8>, Greeting> {
    let exchange = async {
        stream.write_all(hello).await?;
        let mut bytes = vec![0; 64];
        let mut have = 0;
        // One byte decides for PostgreSQL; HTTP/2 needs a frame's head.
        loop {
            let more = stream.read(&mut bytes[have..]).await?;
            have += more;
            if more == 0 || have >= 9 || hello.len() == 8 {
                bytes.truncate(have);
                return io::Result::Ok(bytes);
            }
        }
    };
    match timeout(limits.greeting(), exchange).await {
        Err(_) => Err(Greeting::Silent),
        Ok(Err(_)) => Err(Greeting::Closed),
        Ok(Ok(bytes)) if bytes.is_empty() => Err(Greeting::Closed),
        Ok(Ok(bytes)) => Ok(bytes),
    }
}

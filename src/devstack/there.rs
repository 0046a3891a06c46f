//! Who answers on a port of localhost, and whether the guide's development values work there.
//!
//! Whoever started it: a server that answers as the guide's own does is as good as one of ours. Nothing is
//! written, and a stranger is not spoken to by a library before its greeting was judged.

use std::net::SocketAddr;
use std::time::Instant;

use secrecy::SecretString;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::ports::localhost;
use super::{PASSWORD, USER};
use crate::failure::{Code, Failure};
use crate::guide::{Address, Database, Etcd, KeySpace, SslMode};
use crate::limits::{Limits, seconds};
use crate::services::etcd::Store;
use crate::services::net::{self, Greeting, Target};
use crate::services::postgres::{self, Transaction};

/// The databases of the guide's development setup: the manager's, and one that every server has.
const DATABASE: &str = "backend";
const MAINTENANCE: &str = "postgres";

/// Who answers on a port.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum There {
    /// Nothing accepts connections.
    Nobody,
    /// The server that is meant, and it takes the development values.
    Fits {
        /// Its version.
        version: String,
    },
    /// Something that cannot be used.
    Unfit(Unfit),
}

/// Why something cannot be used.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unfit {
    /// What it does, to stand after its name: `wants a sign-in`.
    pub words: String,
    /// Its own words.
    pub why: Option<String>,
    /// It is what is meant, and about to come up or to go.
    pub is_passing: bool,
    /// It is what is meant, with a sign-in of its own.
    pub has_own_sign_in: bool,
}

impl Unfit {
    pub fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), why: None, is_passing: false, has_own_sign_in: false }
    }

    fn passing(words: &str) -> Self {
        Self { is_passing: true, ..Self::new(words) }
    }
}

impl From<Unfit> for There {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

/// Who answers where the stack's etcd would be, and how long a connection took, in milliseconds.
pub(super) async fn etcd(port: u16, limits: Limits) -> (There, f64) {
    bounded(&net::ETCD, port, limits, async |stream, address| {
        let place = Address { host: "localhost".into(), port };
        let unfit = match net::greet_etcd(stream, limits).await {
            Greeting::Http2 => return ask_etcd(place, limits).await,
            Greeting::Closed if net::speaks_postgres(address, limits).await => {
                Unfit::new("is PostgreSQL, not etcd")
            }
            Greeting::Closed if net::speaks_tls(address, limits).await => Unfit::new("wants TLS"),
            greeting => stranger(&greeting),
        };
        unfit.into()
    })
    .await
}

/// Keys of nobody: the stack's etcd lets everybody write everywhere.
static ANY: KeySpace = KeySpace { root: "/backendai-setup-dev/", mount: "mount", written: &["mount"] };

async fn ask_etcd(endpoint: Address, limits: Limits) -> There {
    let etcd = Etcd {
        keys: &ANY,
        namespace: "local".into(),
        endpoints: vec![endpoint.clone()],
        manager_endpoint: None,
        user: None,
        limits,
    };
    let ask = async {
        let mut store = Store::connect(&etcd, &endpoint).await?;
        // The right first: an etcd that wants a sign-in may refuse the other question without a word of it.
        store.may_write().await?;
        let member = store.member().await?;
        member.unusable(&endpoint).map_or(Ok(member.version), Err)
    };
    match ask.await {
        Ok(version) => There::Fits { version },
        Err(failure) => judged(failure, "wants a sign-in"),
    }
}

/// Who answers where the stack's PostgreSQL would be, and how long a connection took, in milliseconds.
///
/// With a password of somebody's own in the place of the guide's, if one is given.
pub(super) async fn postgres(port: u16, password: Option<&SecretString>, limits: Limits) -> (There, f64) {
    bounded(&net::POSTGRES, port, limits, async |mut stream, address| {
        match net::greet_postgres(&mut stream, limits).await {
            Greeting::PostgresPlain => ask_postgres(port, password, Some(stream), limits).await,
            Greeting::PostgresTls => ask_postgres(port, password, None, limits).await,
            Greeting::Closed | Greeting::Silent if net::speaks_http2(address, limits).await => {
                Unfit::new("is etcd, not PostgreSQL").into()
            }
            greeting => stranger(&greeting).into(),
        }
    })
    .await
}

async fn ask_postgres(
    port: u16,
    password: Option<&SecretString>,
    plain: Option<TcpStream>,
    limits: Limits,
) -> There {
    let mut database = Database {
        address: Address { host: "localhost".into(), port },
        name: MAINTENANCE.into(),
        user: USER.into(),
        password: password.cloned().unwrap_or_else(|| PASSWORD.into()),
        sslmode: SslMode::Prefer,
        limits,
    };
    let ask = async {
        let connected = match plain {
            Some(stream) => postgres::connect_judged(&database, stream).await,
            None => postgres::connect(&database, MAINTENANCE).await,
        };
        let connection = match connected {
            Ok(connection) => connection,
            // Let in, but not there: another database may do.
            Err(refused) if refused.is_of_database && refused.failure.code != Code::DbAuth => {
                DATABASE.clone_into(&mut database.name);
                postgres::connect_elsewhere(&database).await?.0
            }
            Err(refused) => return Err(refused.failure),
        };
        let (look, server) = Transaction::begin_with(connection, &database, postgres::server()).await?;
        look.end().await;
        Ok(server.version)
    };
    match ask.await {
        Ok(version) => There::Fits { version },
        Err(failure) if password.is_some() => judged(failure, &format!("refuses that password of `{USER}`")),
        Err(failure) => judged(failure, &format!("refuses `{USER}` with `{PASSWORD}`")),
    }
}

/// A failure of the server that is meant, in words that stand after its name.
fn judged(failure: Failure, refusal: &str) -> There {
    let unfit = match failure.code {
        Code::EtcdAuth | Code::EtcdRights => {
            let why = Some("the manager cannot sign in to etcd".into());
            return Unfit { why, ..Unfit::new(refusal) }.into();
        }
        Code::DbAuth => Unfit { has_own_sign_in: true, ..Unfit::new(refusal) },
        Code::DbStarting => Unfit::passing("is starting up or shutting down"),
        Code::EtcdNotReady => Unfit::passing("is not ready yet"),
        Code::EtcdAlarm => Unfit::new("has no space left and refuses writes"),
        _ => {
            let why = [Some(failure.what), failure.why].into_iter().flatten().collect::<Vec<_>>();
            return Unfit { why: Some(why.join("\n")), ..Unfit::new("cannot be used") }.into();
        }
    };
    Unfit { why: failure.why, ..unfit }.into()
}

fn stranger(greeting: &Greeting) -> Unfit {
    match greeting {
        Greeting::Http1 => Unfit::new("is a web server"),
        Greeting::Tls => Unfit::new("wants TLS"),
        Greeting::PostgresPlain | Greeting::PostgresTls => Unfit::new("is PostgreSQL"),
        Greeting::Http2 => Unfit::new("speaks HTTP/2"),
        Greeting::Silent => Unfit::new("accepts connections and does not answer"),
        // So does a port forward whose server is not up yet.
        Greeting::Closed => Unfit::passing("accepts connections and closes them without answering"),
        // Python's answers a request that it does not know without a head.
        Greeting::Other(seen) if seen.trim_start().to_ascii_lowercase().starts_with("<!doctype html") => {
            Unfit::new("is a web server")
        }
        Greeting::Other(seen) => {
            Unfit { why: Some(format!("it begins with `{seen}`")), ..Unfit::new("speaks another protocol") }
        }
    }
}

/// How long ago, to a tenth of a millisecond.
pub(super) fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 10_000.0).round() / 10.0
}

/// Connects, and asks on; somebody is watching, so all of it has one limit.
async fn bounded(
    target: &Target,
    port: u16,
    limits: Limits,
    ask: impl AsyncFnOnce(TcpStream, SocketAddr) -> There,
) -> (There, f64) {
    let (place, whole) = (Address { host: "localhost".into(), port }, limits.look());
    let since = Instant::now();
    let found = net::resolve(target, &place, limits)
        .await
        .unwrap_or_else(|_| localhost().into_iter().map(|address| SocketAddr::new(address, port)).collect());
    match net::connect(target, &place, &found, limits).await {
        Err(failure) if failure.code == target.timeout => {
            (Unfit::new("does not accept connections").into(), milliseconds(since))
        }
        Err(_) => (There::Nobody, milliseconds(since)),
        Ok((stream, address)) => {
            let latency = milliseconds(since);
            let silent = || Unfit::new(format!("did not answer in {}", seconds(whole))).into();
            let there = timeout(whole, ask(stream, address)).await.unwrap_or_else(|_| silent());
            (there, latency)
        }
    }
}

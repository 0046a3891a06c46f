//! One member of etcd, as far as every check of it goes.

use std::time::Instant;

use crate::{
    failure::{Code, Failure},
    guide::{Address, Etcd},
    services::{
        etcd::{Member, Store},
        net::{self, Greeting},
    },
    workflow::{Ladder, Rung},
};

use super::check::{FailedRung, reach};

/// One endpoint: resolve, connect, protocol, sign in, version and leader.
pub(super) async fn member(
    ladder: &Ladder,
    etcd: &Etcd,
    endpoint: &Address,
) -> Result<(Member, Store), FailedRung> {
    let (stream, address) = reach(ladder, &net::ETCD, endpoint, etcd.limits).await?;

    let since = Instant::now();
    match net::greet_etcd(stream, etcd.limits).await {
        Greeting::Http2 => ladder.not_needed("TLS", "plain, as the manager speaks it"),
        Greeting::Closed if net::speaks_postgres(address, etcd.limits).await => {
            return Err(("server", stranger(endpoint, &Greeting::PostgresPlain), since));
        }
        Greeting::Closed if net::speaks_tls(address, etcd.limits).await => {
            return Err(("server", stranger(endpoint, &Greeting::Tls), since));
        }
        other => return Err(("server", stranger(endpoint, &other), since)),
    }

    let since = Instant::now();
    let mut store = Store::connect(etcd, endpoint).await.map_err(|failure| ("sign in", failure, since))?;
    let member = store.member().await.map_err(|failure| ("server", failure, since))?;
    if let Some(failure) = member.unusable(endpoint) {
        return Err(("server", failure, since));
    }
    let rung = Rung::passed("server", format!("etcd {}, has a leader", member.version), since);
    ladder.tell(rung.telling(format!("{endpoint}, etcd {}", member.version)));
    Ok((member, store))
}

/// Something else than etcd answers.
fn stranger(endpoint: &Address, greeting: &Greeting) -> Failure {
    let at = |what: &str| Failure::new(Code::EtcdProtocol, format!("{endpoint} is not etcd: {what}"));
    let port = if endpoint.port == 2380 {
        "2380 is etcd's peer port; clients use 2379"
    } else {
        "fix the port in `etcd.endpoints`; etcd's clients use 2379, the development setup 8120"
    };
    match greeting {
        Greeting::Silent => {
            Failure::new(Code::EtcdTimeout, format!("{endpoint} accepts connections but does not answer"))
                .why("a stopped process, or a program that waits for something else")
                .remedy(format!("check what listens there (`ss -ltnp`), and {port}"))
        }
        // A server that starts or stops does so, and a forwarder whose server is not up yet.
        Greeting::Closed => {
            let what = format!("{endpoint} accepts connections and closes them without answering");
            Failure::new(Code::EtcdNotReady, what)
                .why("an etcd that starts or stops, or a proxy or port forward without an etcd behind it")
                .remedy(format!(
                    "wait for it with `--wait 60s`; if it stays so, check what listens there (`ss -ltnp`), and {port}"
                ))
        }
        Greeting::Tls => at("it wants TLS")
            .why("an etcd with TLS, or a web server (https); the manager speaks plain etcd")
            .remedy(format!(
                "give an address that takes plain connections, of a proxy if need be, or {port}"
            )),
        Greeting::Http1 => at("a web server answers").remedy(port),
        Greeting::Other(seen) => {
            at("another protocol answers").why(format!("it begins with `{seen}`")).remedy(port)
        }
        Greeting::PostgresPlain | Greeting::PostgresTls => at("PostgreSQL answers").remedy(port),
        Greeting::Http2 => at("another protocol answers").remedy(port),
    }
}

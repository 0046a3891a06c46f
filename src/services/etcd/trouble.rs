//! What can go wrong with a request to etcd, what it means, and what to do about it.

use std::{error::Error as _, future::Future, time::Duration};

use etcd_client::Error;
use tokio::time::timeout;

use crate::{
    failure::{Code, Failure, shell_word},
    guide::Address,
    limits::{Limits, seconds},
};

use crate::services::caught;

/// The gRPC codes that matter here.
const CANCELLED: i32 = 1;
const UNKNOWN: i32 = 2;
const DEADLINE_EXCEEDED: i32 = 4;
const OUT_OF_RANGE: i32 = 11;
const UNIMPLEMENTED: i32 = 12;
const INTERNAL: i32 = 13;
const UNAVAILABLE: i32 = 14;

/// What can go wrong with a request: an error, or nothing at all for too long.
pub(super) enum Trouble {
    Error(Error),
    /// Within this time.
    Silent(Duration),
    /// The library panicked over the answer.
    Broke(String),
}

/// A request that gets as long as an operation may take.
pub(super) async fn bounded<T>(
    limits: Limits,
    request: impl Future<Output = Result<T, Error>>,
) -> Result<T, Trouble> {
    match timeout(limits.answer(), caught(request)).await {
        Ok(Ok(answer)) => answer.map_err(Trouble::Error),
        Ok(Err(panic)) => Err(Trouble::Broke(panic)),
        Err(_) => Err(Trouble::Silent(limits.answer())),
    }
}

impl Trouble {
    /// What etcd or the transport said, with the code of it.
    fn said(&self) -> Option<(i32, &str)> {
        match self {
            Trouble::Error(Error::GRpcStatus(status)) => Some((status.code().into(), status.message())),
            _ => None,
        }
    }

    /// What else than etcd has answered, where that shows: a web server gives a status of HTTP alone, and another
    /// service knows none of etcd's methods.
    fn stranger(&self) -> Option<String> {
        let (code, said) = self.said()?;
        // The library's own words, for an answer without a status of gRPC.
        if let Some(status) = said.strip_prefix("grpc-status header missing, mapped from HTTP status code ") {
            // A proxy says so while etcd is away.
            return (code != UNAVAILABLE).then(|| {
                format!("it is a web server that speaks HTTP/2: it answered with HTTP status {status}")
            });
        }
        match code {
            UNIMPLEMENTED => Some(format!("it speaks HTTP/2, and has no such request: {said}")),
            INTERNAL
                if said.starts_with("Missing response message") || said.starts_with("protocol error") =>
            {
                Some("it is a web server that speaks HTTP/2: its answer is no message of gRPC".to_owned())
            }
            _ => None,
        }
    }

    /// The connection is no more, or came to nothing: no etcd has answered this.
    pub(super) fn is_gone(&self) -> bool {
        if self.stranger().is_some() {
            return false;
        }
        match self {
            Trouble::Silent(_) | Trouble::Broke(_) => false,
            Trouble::Error(Error::GRpcStatus(status)) => {
                // What etcd itself answers comes as a bare status; the transport's errors have a source.
                let from_etcd =
                    ["etcdserver:", "raft", "auth:"].iter().any(|it| status.message().starts_with(it));
                let code = i32::from(status.code());
                let is_end = matches!(code, CANCELLED | UNKNOWN | DEADLINE_EXCEEDED | UNAVAILABLE);
                !from_etcd && (status.source().is_some() || is_end)
            }
            Trouble::Error(error) => matches!(error, Error::TransportError(_) | Error::IoError(_)),
        }
    }

    /// etcd is starting, stopping, overloaded or between two leaders.
    fn is_unready(&self, signs_in: bool) -> bool {
        let Some((code, said)) = self.said() else { return false };
        let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
        // A token does not outlive the server that gave it, nor a change of users.
        let is_stale = signs_in && has(&["invalid auth token", "auth store is old"]);
        // etcd's own word for what passes by itself; a learner has it too.
        let is_unavailable = code == UNAVAILABLE && said.starts_with("etcdserver:") && !is_learner(said);
        is_stale || is_unavailable || said.starts_with("raft") || has(&["too many requests", "not leader"])
    }

    /// The answer is larger than we take: fewer keys at a time are smaller.
    pub(super) fn is_too_large(&self) -> bool {
        // The library's own words; etcd has the code for other things too.
        self.said()
            .is_some_and(|(code, said)| code == OUT_OF_RANGE && said.contains("message length too large"))
    }

    /// Passes by itself, so it is worth asking again.
    pub(super) fn may_pass(&self, signs_in: bool) -> bool {
        self.is_gone() || self.is_unready(signs_in)
    }
}

fn is_learner(said: &str) -> bool {
    said.contains("not supported for learner")
}

/// etcd's own tool, asking this endpoint; as root where etcd wants a sign-in.
pub(super) fn etcdctl(endpoint: &Address, user: Option<&str>) -> String {
    let root = if user.is_some() { " --user root" } else { "" };
    format!("etcdctl --endpoints={endpoint}{root}")
}

/// How the members of a cluster are looked at.
fn members(endpoint: &Address) -> String {
    format!("`etcdctl --endpoints={endpoint} endpoint status --cluster` shows which members answer")
}

/// How the right to a range is granted.
pub(super) fn grant(endpoint: &Address, user: Option<&str>, role: Option<&str>, range: &str) -> String {
    let etcdctl = etcdctl(endpoint, user);
    let range = shell_word(range);
    let grant = |role: &str| {
        format!("grant it: `{etcdctl} role grant-permission {role} --prefix=true readwrite {range}`")
    };
    match (role, user) {
        (Some(role), _) => grant(&shell_word(role)),
        (None, Some(user)) => format!(
            "{}, where ROLE is one of those that `{etcdctl} user get {}` lists",
            grant("ROLE"),
            shell_word(user)
        ),
        (None, None) => grant("ROLE"),
    }
}

fn broke(endpoint: &Address) -> Failure {
    Failure::new(Code::EtcdLost, format!("the connection to {endpoint} broke"))
        .remedy("is etcd still running there? Run again when it is back, or wait for it with `--wait 60s`")
}

/// A member that copies data and has no vote yet.
pub(super) fn learner(endpoint: &Address, id: Option<u64>) -> Failure {
    let id = id.map_or("ID".to_owned(), |id| format!("{id:x}"));
    Failure::new(Code::EtcdLearner, format!("{endpoint} is a learner, which refuses requests"))
        .why("it copies the data of the other members and has no vote until it is promoted")
        .remedy(format!(
            "name a voting member in `etcd.endpoints` instead, or promote this one through a voting member: `etcdctl --endpoints=HOST:PORT member promote {id}`"
        ))
}

/// A member that knows no leader.
pub(super) fn leaderless(endpoint: &Address) -> Failure {
    Failure::new(Code::EtcdLeader, format!("the cluster of {endpoint} has no leader"))
        .why("without a majority of its members it answers no reads and does not accept writes")
        .remedy(format!("start the missing members: {}", members(endpoint)))
}

fn not_ready(endpoint: &Address, what: &str) -> Failure {
    Failure::new(Code::EtcdNotReady, format!("{endpoint} is not ready: {what}"))
        .remedy("wait for it with `--wait 60s`, or run again in a moment")
}

/// etcd tells its errors apart by their text; these are the ones that people can do something about.
pub(super) fn explain(
    error: Trouble,
    endpoint: &Address,
    user: Option<&str>,
    what: &str,
    range: &str,
) -> Failure {
    let who = user.map_or_else(|| "without a user".to_owned(), |user| format!("user `{user}`"));
    let Some((_, said)) = error.said() else { return unsaid(&error, endpoint, what) };
    if let Some(why) = error.stranger() {
        return Failure::new(Code::EtcdProtocol, format!("{endpoint} answers, but not as etcd")).why(why).remedy(
            "fix the port in `etcd.endpoints`; etcd's clients use 2379, the development setup 8120; or take out a proxy that lies between",
        );
    }
    let has = |words: &str| said.contains(words);
    let failure = if is_learner(said) {
        return learner(endpoint, None);
    } else if has("permission denied") {
        Failure::new(Code::EtcdRights, format!("{endpoint} refused {what} below {range} ({who})"))
            .remedy(grant(endpoint, user, None, range))
    } else if has("authentication is not enabled") {
        Failure::new(Code::EtcdAuth, format!("{endpoint} wants no sign-in, and one is given ({who})"))
            .remedy("remove `etcd.user` and `etcd.password` from the answers")
    } else if has("authentication failed") {
        Failure::new(Code::EtcdAuth, format!("{endpoint} refused the sign-in ({who})"))
            .remedy("fix `etcd.user` and `etcd.password`")
    } else if has("user name is empty") || (user.is_none() && has("invalid auth token")) {
        Failure::new(Code::EtcdAuth, format!("{endpoint} wants a sign-in, and none is given"))
            .remedy("set `etcd.user` and `etcd.password`; the manager itself cannot sign in to etcd")
    } else if has("database space exceeded") {
        Failure::new(Code::EtcdAlarm, format!("{endpoint} has no space left and refuses writes"))
            .remedy("compact and defragment, then disarm the alarm")
    } else if has("no leader") {
        leaderless(endpoint)
    } else if has("request timed out") {
        Failure::new(Code::EtcdTimeout, format!("{endpoint} gave up on {what}")).remedy(format!(
            "wait for it with `--wait 60s`; if it stays so, a member is missing or a disk too slow: {}",
            members(endpoint)
        ))
    } else if error.is_unready(user.is_some()) {
        let words = said.trim_start_matches("etcdserver: ");
        return not_ready(endpoint, words)
            .why(format!("it refused {what}: starting, stopping, overloaded or electing a leader"));
    } else if error.is_gone() {
        return broke(endpoint);
    } else {
        let remedy = remedy_of_others(said, &etcdctl(endpoint, user));
        Failure::new(Code::EtcdRefused, format!("{endpoint} refused {what} ({who})")).remedy(remedy)
    };
    failure.why(said)
}

/// What it means that etcd said nothing.
fn unsaid(error: &Trouble, endpoint: &Address, what: &str) -> Failure {
    match error {
        Trouble::Silent(limit) => {
            let limit = seconds(*limit);
            Failure::new(Code::EtcdTimeout, format!("{endpoint} did not answer {what} in {limit}"))
                .why("it is stopped or overloaded, or has lost the other members")
                .remedy(format!("{}; `--timeout 30s` gives each answer longer", members(endpoint)))
        }
        Trouble::Broke(panic) => Failure::new(
            Code::EtcdProtocol,
            format!("{endpoint} answers {what} with something that no etcd would say"),
        )
        .why(format!("the etcd library broke off over its answer: {panic}"))
        .remedy("fix `etcd.endpoints`, or take out a proxy that lies between"),
        Trouble::Error(_) => broke(endpoint),
    }
}

fn remedy_of_others(said: &str, etcdctl: &str) -> String {
    if said.contains("too many operations") {
        "start etcd with `--max-txn-ops=128`, its default, or more".to_owned()
    } else if said.contains("request is too large") {
        "start etcd with `--max-request-bytes=1572864`, its default, or more".to_owned()
    } else {
        format!("`{etcdctl} endpoint health --cluster` asks each member; the log of this one has more")
    }
}

//! Judges of single values, and the address form that etcd and PostgreSQL share.

use std::{fmt, net::Ipv6Addr};

use crate::{
    failure::{Code, Failure},
    text,
};

/// Why a value is refused and what would be accepted. Never repeats a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong with it.
    pub why: String,
    /// What to write instead.
    pub remedy: String,
    /// What to write into a YAML file, where that is something else.
    in_yaml: Option<String>,
}

impl Refused {
    /// For where key and value stand beside it.
    pub fn failure(self) -> Failure {
        Failure::new(Code::AnswersValue, self.why).remedy(self.remedy)
    }

    /// Says both.
    pub fn new(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { why: why.into(), remedy: remedy.into(), in_yaml: None }
    }

    /// The same, with another form in YAML files.
    pub(super) fn or_in_yaml(self, remedy: impl Into<String>) -> Self {
        Self { in_yaml: Some(remedy.into()), ..self }
    }

    /// What to write into a YAML file.
    pub(super) fn remedy_in_yaml(self) -> String {
        self.in_yaml.unwrap_or(self.remedy)
    }
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Host name or address; IPv6 without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Address {
    /// True for an IPv6 address, which needs brackets before a port.
    pub fn is_ipv6(&self) -> bool {
        self.host.contains(':')
    }

    /// Means the host alone on which it is used.
    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_ipv6() {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Reads `host`, `host:port` or `[ipv6]:port`.
///
/// # Errors
/// When it is empty, a URL, or the port is not a number from 1 to 65535.
pub fn parse_address(text: &str, default_port: u16) -> Result<Address, Refused> {
    all_seen(text)?;
    let form = || format!("write `host:port`, for example `db-01:{default_port}`; IPv6 in brackets");
    if text.contains("://") || text.contains('@') || text.contains('/') {
        return Err(Refused::new("it is a URL, not an address", form()));
    }
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, tail) =
            rest.split_once(']').ok_or_else(|| Refused::new("the bracket `[` is left open", form()))?;
        if host.parse::<Ipv6Addr>().is_err() {
            return Err(Refused::new("what stands in the brackets is not an IPv6 address", form()));
        }
        match tail {
            "" => (host, None),
            _ => (
                host,
                Some(
                    tail.strip_prefix(':')
                        .ok_or_else(|| Refused::new("after the bracket only `:port` may follow", form()))?,
                ),
            ),
        }
    } else if text.matches(':').count() > 1 {
        let host = text.parse().unwrap_or(Ipv6Addr::LOCALHOST);
        let remedy = format!("write `[{host}]:{default_port}`");
        // In brackets alone it would be a list there.
        let in_yaml = Some(format!("write `\"[{host}]:{default_port}\"`"));
        return Err(Refused { in_yaml, ..Refused::new("an IPv6 address needs brackets", remedy) });
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(sound) {
        return Err(Refused::new("the host name is empty or has a character that no host name has", form()));
    }
    let port = match port {
        None => default_port,
        Some(port) => port
            .parse::<u16>()
            .ok()
            .filter(|number| *number != 0 && !port.starts_with('+'))
            .ok_or_else(|| Refused::new("the port is not a number from 1 to 65535", form()))?,
    };
    Ok(Address { host: host.to_owned(), port })
}

/// Nothing in it that nobody sees.
fn all_seen(text: &str) -> Result<(), Refused> {
    match text::first_unseen(text) {
        Some(unseen) => {
            Err(Refused::new(format!("it holds the invisible {unseen}"), "retype it without that character"))
        }
        None => Ok(()),
    }
}

/// Not empty, no character that nobody sees; `max` bytes at most.
pub fn plain_text(text: &str, max: usize) -> Result<(), Refused> {
    secret(text, max)?;
    all_seen(text)
}

/// As [`plain_text`] for a secret, in which any character but a control one may be meant.
pub fn secret(text: &str, max: usize) -> Result<(), Refused> {
    if text.is_empty() {
        return Err(Refused::new("it is empty", "give a value, or leave the key out"));
    }
    if text.len() > max {
        return Err(Refused::new(format!("it is longer than {max} bytes"), "shorten it"));
    }
    if let Some(at) = text.chars().position(char::is_control) {
        return Err(Refused::new(
            format!("it has a control character at column {}", at + 1),
            "remove the character",
        ));
    }
    Ok(())
}

/// One of a few words.
pub fn one_of(text: &str, words: &[&str]) -> Result<(), Refused> {
    if words.contains(&text) {
        return Ok(());
    }
    let list = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    Err(Refused::new("it is not one of the known words", format!("write one of {list}")))
}

/// A path; relative ones mean the working directory.
pub fn path(text: &str) -> Result<(), Refused> {
    plain_text(text, 4095)
}

/// A path, or `none`.
pub fn path_or_none(text: &str) -> Result<(), Refused> {
    path(text)?;
    if text.ends_with('/') {
        return Err(Refused::new("it names a folder", "name a file, or write `none`"));
    }
    Ok(())
}

/// An e-mail address, as `keypairs.user_id` takes it: 256 characters at most.
pub fn email(text: &str) -> Result<(), Refused> {
    let form = "write an address such as `admin@example.com`";
    plain_text(text, 1024)?;
    if text.chars().count() > 256 {
        return Err(Refused::new("it is longer than 256 characters", form));
    }
    match text.split_once('@') {
        Some((local, domain))
            if !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && !text.chars().any(char::is_whitespace) =>
        {
            Ok(())
        }
        _ => Err(Refused::new("it is not an e-mail address", form)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> Option<(String, u16)> {
        parse_address(text, 2379).ok().map(|address| (address.host, address.port))
    }

    #[test]
    fn addresses() {
        assert_eq!(address("etcd-1"), Some(("etcd-1".into(), 2379)));
        assert_eq!(address("10.0.0.7:8120"), Some(("10.0.0.7".into(), 8120)));
        assert_eq!(address("[::1]"), Some(("::1".into(), 2379)));
        assert_eq!(address("[fe80::1]:1"), Some(("fe80::1".into(), 1)));
        for wrong in [
            "",
            ":",
            ":2379",
            "h:",
            "h:0",
            "h:65536",
            "h:+1",
            "h:x",
            "::1",
            "[::1",
            "[::1]x",
            "[h]:1",
            "a b",
            "http://h:1",
            "u@h",
            "h:1/db",
            "höst:1",
        ] {
            assert_eq!(address(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn an_address_prints_as_it_is_read(text in "\\PC{0,40}") {
            if let Ok(address) = parse_address(&text, 5432) {
                prop_assert_eq!(parse_address(&address.to_string(), 1), Ok(address));
            }
        }
    }
}

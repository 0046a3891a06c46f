//! etcd: `{NS}` and `{ETCDADDR}` of the guide.

use secrecy::{ExposeSecret, SecretString};

use crate::limits::Limits;

use super::{
    answers::Answers,
    key_space::KeySpace,
    validate::{self, Address, Refused, parse_address},
    variable::{Default, Development, Section, Shape, Variable},
};

/// The part of etcd that is this cluster's.
pub const NAMESPACE: &str = "etcd.namespace";
/// The members' addresses.
pub const ENDPOINTS: &str = "etcd.endpoints";
/// Who signs in to etcd.
pub const USER: &str = "etcd.user";
/// The password of that user.
pub const PASSWORD: &str = "etcd.password";
/// Another address for the manager.
pub const MANAGER_ENDPOINT: &str = "etcd.manager-endpoint";

/// etcd's usual client port.
const CLIENT_PORT: u16 = 2379;

/// etcd as answered.
#[derive(Debug, Clone)]
pub struct Etcd {
    /// Which keys the manager has.
    pub keys: &'static KeySpace,
    /// The part between their root and the rest that tells clusters apart.
    pub namespace: String,
    /// Client addresses; the manager takes the first.
    pub endpoints: Vec<Address>,
    /// Another address for the manager, a proxy for example.
    pub manager_endpoint: Option<Address>,
    /// Sign-in, for clusters that want one.
    pub user: Option<(String, SecretString)>,
    /// How long each member may take.
    pub limits: Limits,
}

impl Answers {
    /// True for the etcd address that `manager.env` gives the manager.
    pub fn is_managers_endpoint(&self, value: &SecretString) -> bool {
        let etcd = Etcd::from_answers(self);
        etcd.and_then(|etcd| etcd.for_manager().map(ToString::to_string)).as_deref()
            == Some(value.expose_secret())
    }
}

impl Etcd {
    /// The prefix of every key, as the manager writes it.
    pub fn prefix(&self) -> String {
        format!("{}{}/", self.keys.root, self.namespace)
    }

    /// The one address that the manager takes.
    pub fn for_manager(&self) -> Option<&Address> {
        self.manager_endpoint.as_ref().or(self.endpoints.first())
    }

    /// The prefix of the keys by which nodes meet: the manager knows nothing of them.
    pub fn rendezvous_prefix(&self) -> String {
        format!("/backendai-setup/{}/", self.namespace)
    }

    pub(super) fn from_answers(answers: &Answers) -> Option<Self> {
        Some(Self {
            keys: &answers.guide().keys,
            namespace: answers.text(NAMESPACE)?,
            endpoints: parse_all(&answers.text(ENDPOINTS)?),
            manager_endpoint: answers
                .text(MANAGER_ENDPOINT)
                .and_then(|endpoint| parse_address(plain(&endpoint), CLIENT_PORT).ok()),
            user: match (answers.text(USER), answers.secret(PASSWORD)) {
                (Some(user), Some(password)) => Some((user, password)),
                _ => None,
            },
            limits: Limits::default(),
        })
    }
}

fn parse_all(endpoints: &str) -> Vec<Address> {
    endpoints.split(',').filter_map(|endpoint| parse_address(plain(endpoint), CLIENT_PORT).ok()).collect()
}

/// The addresses as they are understood.
pub(super) fn addresses(endpoints: &str) -> Vec<String> {
    parse_all(endpoints).iter().map(ToString::to_string).collect()
}

/// What the answers mean but a person should hear: `http://` is taken off, 2380 is a peer port.
pub(super) fn notes(endpoints: &str) -> Vec<String> {
    let mut notes = Vec::new();
    for endpoint in endpoints.split(',') {
        if endpoint.trim().starts_with("http://") {
            notes.push(format!(
                "`{}` is read as `{}`: the manager takes an address without `http://`",
                endpoint.trim(),
                plain(endpoint)
            ));
        }
        if parse_address(plain(endpoint), CLIENT_PORT).is_ok_and(|address| address.port == 2380) {
            notes.push(format!("`{}`: 2380 is etcd's peer port; clients use 2379", plain(endpoint)));
        }
    }
    notes
}

fn plain(endpoint: &str) -> &str {
    let endpoint = endpoint.trim();
    endpoint.strip_prefix("http://").map_or(endpoint, |rest| rest.trim_end_matches('/'))
}

fn endpoints(text: &str) -> Result<(), Refused> {
    let mut seen = Vec::new();
    for endpoint in text.split(',') {
        if endpoint.trim().starts_with("https://") {
            return Err(Refused::new(
                "`https://` is not supported in this version, and the manager speaks plain etcd",
                "give a plain address `host:port`, of a proxy if need be",
            ));
        }
        let address = parse_address(plain(endpoint), CLIENT_PORT)?;
        if seen.contains(&address) {
            return Err(Refused::new(format!("`{address}` stands in it twice"), "keep one of them"));
        }
        seen.push(address);
    }
    Ok(())
}

fn manager_endpoint(text: &str) -> Result<(), Refused> {
    if text.contains(',') {
        return Err(Refused::new("it is more than one address", "give one: the manager takes no more"));
    }
    endpoints(text)?;
    let address = parse_address(plain(text), CLIENT_PORT)?;
    if address.is_ipv6() {
        return Err(Refused::new(
            "the manager takes no IPv6 address: its etcd client joins host and port without brackets",
            format!("give a host name that resolves to {}: `NAME:{}`", address.host, address.port),
        ));
    }
    Ok(())
}

/// The manager checks nothing; a namespace with a slash or a blank would go astray.
fn namespace(text: &str) -> Result<(), Refused> {
    validate::plain_text(text, 255)?;
    if text.chars().any(|c| c == '/' || c.is_whitespace()) {
        return Err(Refused::new("it has a slash or white space", "use letters, digits, `-` and `_`"));
    }
    Ok(())
}

/// The variables of this service.
pub static SECTION: Section = Section {
    id: "etcd",
    title: "etcd",
    intro: "Holds the image list, its aliases and the path of the shared folder.",
    is_asked: true,
    variables: &[
        Variable {
            key: NAMESPACE,
            title: "Namespace",
            help: "Keeps clusters apart that share one etcd; every key is below /sorna/NAMESPACE/.",
            shape: Shape::Text,
            default: Default::Required,
            development: Some(Development::Value("local")),
            manager_env: Some("BACKEND_NAMESPACE"),
            validate: namespace,
        },
        Variable {
            key: ENDPOINTS,
            title: "Addresses",
            help: "host:port of each member; the manager uses the first.",
            shape: Shape::Addresses,
            default: Default::Required,
            development: Some(Development::Value("localhost:8120")),
            manager_env: Some("BACKEND_ETCD_ADDR"),
            validate: endpoints,
        },
        Variable {
            key: USER,
            title: "User",
            help: "Only when etcd wants a sign-in; the manager itself cannot sign in.",
            shape: Shape::Text,
            default: Default::Unset("no sign-in"),
            development: None,
            manager_env: None,
            validate: |text| validate::plain_text(text, 255),
        },
        Variable {
            key: PASSWORD,
            title: "Password",
            help: "The password of the etcd user.",
            shape: Shape::Secret,
            default: Default::Unset("no sign-in"),
            development: None,
            manager_env: None,
            validate: |text| validate::secret(text, 4096),
        },
        Variable {
            key: MANAGER_ENDPOINT,
            title: "Manager uses",
            help: "Another host:port for the manager, such as a proxy: it knows one plain address.",
            shape: Shape::Address,
            default: Default::Unset("the first address"),
            development: None,
            manager_env: None,
            validate: manager_endpoint,
        },
    ],
};

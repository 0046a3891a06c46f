//! Fixtures: the rows for table `keypairs`, and new keys for rows that come without.

mod written;

use std::collections::HashMap;

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use rand::{TryRng, rngs::SysRng};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    failure::{Code, Failure, Problems},
    guide::Keypairs,
    text::is_unseen,
    yaml::{self, Node, Value},
};

/// Access keys of example keypairs that everybody can read in the manager's repository or its documents.
pub const PUBLISHED: &[&str] = &[
    "AKIAIOSFODNN7EXAMPLE",
    "AKIANABBDUSEREXAMPLE",
    "AKIANOTADMIN7EXAMPLE",
    "AKIANATWOUSEREXAMPLE",
    "AKIAHUKCHDEZGEXAMPLE",
    "AKIANAMONITOREXAMPLE",
];

/// Secret keys that are published, whatever access key they stand beside.
pub const PUBLISHED_SECRETS: &[&str] = &[
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "C8qnIo29EZvXkPK_MXcuAakYTy4NYrxwmCEyNPlf",
    "C8qnIo29EZvXkPkUNkqtstRxzLBH08MzGDtzTDBGn",
    "P7oxTDdzHbEpUSs5v7r7EWj9yKstp8VpZ7SEyA-g",
    "cWbsM_vBB4CzTW7JdORRMx8SjGI3-wEXAMPLEKEY",
    "7tuEwF1J7FfK41vOM4uSSyWCUWjPBolpVwvgkSBu",
];

/// Sessions at a time, unless a fixture says otherwise.
pub const CONCURRENCY_LIMIT: i32 = 30;

/// Requests in 15 minutes, unless a fixture says otherwise.
pub const RATE_LIMIT: i32 = 1000;

/// An access key and its secret.
#[derive(Debug, Clone)]
pub struct Keys {
    /// `AKIA` and 16 of `A-Z2-7`.
    pub access: String,
    /// 40 of `A-Za-z0-9_-`.
    pub secret: SecretString,
}

impl Keys {
    /// New keys, from the operating system's randomness: 10 and 30 random bytes.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn generate() -> Result<Self, Failure> {
        let (mut access, mut secret) = ([0; 10], [0; 30]);
        SysRng.try_fill_bytes(&mut access).and_then(|()| SysRng.try_fill_bytes(&mut secret)).map_err(
            |error| {
                Failure::new(Code::Internal, "the operating system gave no randomness for new keys")
                    .why(error.to_string())
                    .remedy("run again")
            },
        )?;
        Ok(Self {
            access: format!("AKIA{}", BASE32_NOPAD.encode(&access)),
            secret: BASE64URL_NOPAD.encode(&secret).into(),
        })
    }

    /// Does everybody know them?
    pub fn are_published(&self) -> bool {
        is_published(&self.access, self.secret.expose_secret())
    }
}

/// Can anybody sign in who knows the access key, which is no secret? So with a secret that is published,
/// empty, blank, or the access key itself. The gateway takes an empty one for what it is.
pub fn is_guessable(access: &str, secret: &SecretString) -> bool {
    let secret = secret.expose_secret();
    let seen = secret.trim_matches(|c: char| c.is_whitespace() || is_unseen(c));
    seen.is_empty() || seen == access || PUBLISHED_SECRETS.contains(&seen)
}

/// Does everybody know one of these keys?
pub fn is_published(access: &str, secret: &str) -> bool {
    PUBLISHED.contains(&access) || PUBLISHED_SECRETS.contains(&secret)
}

/// A row for table `keypairs`, with the columns that the manager reads.
#[derive(Debug, Clone)]
pub struct Row {
    /// An e-mail address.
    pub user_id: String,
    /// Administrator or user.
    pub is_admin: bool,
    /// Keys that the fixture brings; none means new ones.
    pub keys: Option<Keys>,
    /// May sign in.
    pub is_active: bool,
    /// Name of a resource policy.
    pub resource_policy: Option<String>,
    /// Sessions at a time.
    pub concurrency_limit: i32,
    /// Sessions now.
    pub concurrency_used: i32,
    /// Requests in 15 minutes.
    pub rate_limit: i32,
    /// Requests so far.
    pub num_queries: i32,
}

impl Row {
    /// What people call the row: `administrator admin@localhost`.
    pub fn title(&self) -> String {
        format!("{} {}", if self.is_admin { "administrator" } else { "user" }, self.user_id)
    }
}

/// The rows of a fixture.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// In the order of the file.
    pub rows: Vec<Row>,
}

impl Fixture {
    /// The sample of the guide for these owners.
    ///
    /// # Errors
    /// Never, as long as the sample is sound; a test sees to that.
    pub fn example(sample: &str, owners: &Keypairs) -> Result<Self, Vec<Failure>> {
        let mut fixture = Self::read("example_keypair.json", sample.as_bytes())?;
        for row in &mut fixture.rows {
            row.user_id = if row.is_admin { owners.admin.clone() } else { owners.user.clone() };
        }
        Ok(fixture)
    }

    /// Reads a fixture: JSON, which is YAML, or a `keypairs.yml`.
    ///
    /// # Errors
    /// Every problem with its position.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Self, Vec<Failure>> {
        let root = yaml::read(file, bytes)?;
        let problem = |node: &Node, what: String, remedy: &str| {
            Failure::new(Code::Fixture, what).remedy(remedy).at(node.place(file))
        };
        let Value::Mapping(tables) = &root.value else {
            return Err(vec![problem(
                &root,
                "the fixture is not a mapping".into(),
                "write `keypairs:` and a list",
            )]);
        };
        let mut problems = Problems::default();
        let mut rows: Vec<(Row, &Node)> = Vec::new();
        for (table, content) in tables {
            match (&table.value, &content.value) {
                (Value::Text(name), Value::Sequence(items)) if name == "keypairs" => {
                    for (at, item) in items.iter().enumerate() {
                        match written::row(item, at + 1) {
                            Ok(row) => rows.push((row, item)),
                            Err(faults) => {
                                for fault in faults {
                                    problems.push(problem(fault.node, fault.what, &fault.remedy));
                                }
                            }
                        }
                    }
                }
                (Value::Text(name), _) if name == "keypairs" => {
                    problems.push(problem(
                        content,
                        "`keypairs` is not a list".into(),
                        "write a list of rows",
                    ));
                }
                _ => problems.push(problem(
                    table,
                    "the fixture has a table other than `keypairs`".into(),
                    "remove it; a fixture holds keypairs only",
                )),
            }
        }
        let mut first_of = Seen::default();
        for (row, item) in &rows {
            if let Some(first) = first_of.twin(row, item) {
                let what = format!("`{}` has a row here and one on line {}", row.user_id, first.mark.line);
                problems.push(problem(item, what, "keep one of them"));
            }
        }
        if problems.is_empty() && rows.is_empty() {
            problems.push(problem(
                &root,
                "the fixture has no rows".into(),
                "write `keypairs:` and a list of rows",
            ));
        }
        if problems.is_empty() {
            Ok(Self { rows: rows.into_iter().map(|(row, _)| row).collect() })
        } else {
            Err(problems.into_vec())
        }
    }
}

/// The rows before, each by what must not come twice.
#[derive(Default)]
struct Seen<'a> {
    keys: HashMap<&'a str, &'a Node>,
    /// The first row of each owner, and the first one without keys.
    owners: HashMap<(&'a str, bool), (&'a Node, Option<&'a Node>)>,
}

impl<'a> Seen<'a> {
    /// The first row before this one that is the same, after which this one counts as seen.
    fn twin(&mut self, row: &'a Row, node: &'a Node) -> Option<&'a Node> {
        let owner = (row.user_id.as_str(), row.is_admin);
        let earlier = self.owners.get(&owner).copied();
        let (same, without) = match &row.keys {
            Some(keys) => {
                let same = self.keys.get(keys.access.as_str()).copied();
                self.keys.entry(&keys.access).or_insert(node);
                // Which of them a new pair would be for could not be told on the next run.
                (same.or(earlier.and_then(|(_, without)| without)), None)
            }
            None => (earlier.map(|(first, _)| first), Some(node)),
        };
        let (_, first_without) = self.owners.entry(owner).or_insert((node, None));
        *first_without = first_without.or(without);
        same
    }
}

//! Fixtures: the rows for table `keypairs`, and new keys for rows that come without.

mod row;
mod written;

use std::collections::HashMap;

use crate::{
    failure::{Code, Failure, Problems},
    guide::Keypairs,
    yaml::{self, Node, Value},
};

pub use row::{
    CONCURRENCY_LIMIT, Keys, PUBLISHED, PUBLISHED_SECRETS, RATE_LIMIT, Row, is_guessable, is_published,
};

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
                            Err(faults) => faults.into_iter().for_each(|fault| {
                                problems.push(problem(fault.node, fault.what, &fault.remedy));
                            }),
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

//! An upgrade: the steps from an older revision to the head, what they do to rows, and which rows are in their way.

use crate::failure::{Code, Failure};

use super::{
    Revision, Rows, Schema,
    owners::{Owners, listed},
};

/// One statement of an upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The revision that it belongs to.
    pub revision: &'static str,
    /// What it does.
    pub what: String,
    /// The statement, without its semicolon.
    pub sql: String,
}

/// What a question about rows is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The revision that does something to them.
    pub revision: &'static Revision,
    /// What it does.
    pub rows: Rows,
}

/// What the tables hold of what matters to an upgrade.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The answers that are not 0: how many rows, or groups of rows.
    pub counts: Vec<(Question, i64)>,
    /// The numbers of the owners of keypairs, where they become texts; in their order.
    pub user_ids: Vec<i32>,
}

/// An upgrade from an older revision to the head, with what was decided about it.
#[derive(Debug, Clone, Copy)]
pub struct Upgrade<'a> {
    /// The schema whose head is its end.
    pub schema: &'static Schema,
    /// The revision at which it begins.
    pub from: &'static Revision,
    /// What is to become of the numbers of owners, where somebody has said so.
    pub owners: Option<&'a Owners>,
    /// Rows in tables that are dropped may go.
    pub drops: bool,
}

impl Question {
    /// The question in SQL: its answer is one number.
    pub fn sql(&self) -> Option<String> {
        match self.rows {
            Rows::Stop { table, .. } | Rows::Dropped { table } => {
                Some(format!("SELECT count(*) FROM public.{table}"))
            }
            Rows::Alike { table, columns, living, .. } => {
                let named = columns.split(", ").map(|column| format!(" AND {column} IS NOT NULL"));
                let named: String = named.collect();
                Some(format!(
                    "SELECT count(*) FROM (SELECT FROM public.{table} WHERE {living}{named} \
                     GROUP BY {columns} HAVING count(*) > 1) AS alike"
                ))
            }
            Rows::UserIds | Rows::Remark(_) => None,
        }
    }
}

/// The question for the numbers of owners, while they are numbers.
pub const USER_IDS: &str =
    "SELECT DISTINCT user_id::int4 FROM public.keypairs WHERE user_id IS NOT NULL ORDER BY 1";

impl Upgrade<'_> {
    /// What is to be asked beforehand: about each table once, where it stands at the beginning.
    pub fn questions(&self) -> Vec<Question> {
        let tables = self.schema.tables_at(self.from);
        let mut stopped = Vec::new();
        let mut questions = Vec::new();
        for revision in self.schema.way_from(self.from) {
            for rows in revision.rows {
                let matters = match rows {
                    Rows::Stop { table, .. } => {
                        let is_first = !stopped.contains(table);
                        stopped.push(*table);
                        is_first && tables.contains(table)
                    }
                    Rows::Dropped { table } => tables.contains(table),
                    Rows::Alike { table, since, .. } => tables.contains(table) && self.from.number >= *since,
                    Rows::UserIds | Rows::Remark(_) => false,
                };
                if matters {
                    questions.push(Question { revision, rows: *rows });
                }
            }
        }
        questions
    }

    /// Are there numbers of owners that become texts?
    pub fn renames_owners(&self) -> bool {
        self.schema.way_from(self.from).iter().any(|revision| revision.rows.contains(&Rows::UserIds))
    }

    /// Its statements, in order.
    ///
    /// # Errors
    /// What stands in its way in a database of this name, all at once: `E-DB-ROWS`, `E-DB-USAGE` or `E-DB-USER-IDS`.
    pub fn steps(&self, name: &str, facts: &Facts) -> Result<Vec<Step>, Failure> {
        if let Some(failure) = self.in_the_way(name, facts) {
            return Err(failure);
        }
        let mut steps = Vec::new();
        for revision in self.schema.way_from(self.from) {
            let step = |what: String, sql: &str| Step { revision: revision.id, what, sql: sql.to_owned() };
            for statement in revision.statements() {
                let what = match statement.named("DROP TABLE ") {
                    Some(table) => format!("table {table}, {}", rows_of(facts.dropped(table))),
                    None => statement.what.to_owned(),
                };
                steps.push(step(what, statement.sql));
            }
            if revision.rows.contains(&Rows::UserIds)
                && let Some(sql) = self.owners.and_then(|owners| owners.statement(&facts.user_ids))
            {
                let count = counted(facts.user_ids.len() as i64, "number");
                steps.push(step(format!("column user_id of keypairs: names for {count}"), &sql));
            }
        }
        Ok(steps)
    }

    /// What happens to rows on the way, in words; the revision first.
    pub fn consequences(&self, facts: &Facts) -> Vec<String> {
        let tables = self.schema.tables_at(self.from);
        let mut told = Vec::new();
        for revision in self.schema.way_from(self.from) {
            let mut words: Vec<String> = Vec::new();
            for rows in revision.rows {
                match rows {
                    Rows::Dropped { table } if tables.contains(table) => {
                        words.push(format!("table `{table}` is dropped, {}", rows_of(facts.dropped(table))));
                    }
                    Rows::UserIds if !facts.user_ids.is_empty() => {
                        let count = counted(facts.user_ids.len() as i64, "number");
                        let becomes = match self.owners {
                            Some(Owners::Named { file, .. }) => format!("the names in `{file}`"),
                            _ => "text".to_owned(),
                        };
                        words.push(format!("{count} in `user_id` of `keypairs` become {becomes}"));
                    }
                    Rows::Remark(text) => words.push((*text).to_owned()),
                    _ => {}
                }
            }
            if !words.is_empty() {
                told.push(format!("{}: {}", revision.id, words.join(", ")));
            }
        }
        told
    }

    fn in_the_way(&self, name: &str, facts: &Facts) -> Option<Failure> {
        let mut found: Vec<Hindrance> = facts
            .counts
            .iter()
            .filter_map(|(question, count)| self.rows_in_the_way(question, *count))
            .collect();
        // One remedy for rows that refer to each other.
        let stopped: Vec<&str> = found.iter().filter_map(|hindrance| hindrance.empties).collect();
        let emptied = self.emptied(&stopped);
        found.extend(self.owners_in_the_way(facts));
        let first = found.first()?;
        let mut remedies: Vec<String> = emptied.into_iter().collect();
        remedies.extend(found.iter().filter_map(|hindrance| hindrance.remedy.clone()));
        let why: Vec<&str> = found.iter().map(|hindrance| hindrance.why.as_str()).collect();
        let what = format!(
            "rows in database `{name}` are in the way of its upgrade from {} to {}",
            self.from.id, self.schema.head
        );
        Some(Failure::new(first.code, what).why(why.join("; ")).remedy(remedies.join("; ")))
    }

    fn rows_in_the_way(&self, Question { revision, rows }: &Question, count: i64) -> Option<Hindrance> {
        let id = revision.id;
        Some(match rows {
            Rows::Stop { table, column } => {
                let verb = if count == 1 { "has" } else { "have" };
                Hindrance {
                    code: Code::DbRows,
                    why: format!(
                        "{} of table `{table}` {verb} no value for the new column `{column}` of revision {id}",
                        counted(count, "row")
                    ),
                    remedy: None,
                    empties: Some(table),
                }
            }
            Rows::Alike { table, columns, living, .. } => Hindrance {
                code: Code::DbRows,
                why: format!(
                    "{} of rows in table `{table}` {} alike in {columns}, and revision {id} allows one living row of each",
                    counted(count, "group"),
                    if count == 1 { "is" } else { "are" }
                ),
                remedy: Some(format!(
                    "see them with SELECT {columns}, count(*) FROM public.{table} WHERE {living} GROUP BY {columns} \
                     HAVING count(*) > 1, and set the status of all but one of each to 'TERMINATED'"
                )),
                empties: None,
            },
            Rows::Dropped { table } if !self.drops => Hindrance {
                code: Code::DbUsage,
                why: format!("table `{table}` has {}, and revision {id} drops it", counted(count, "row")),
                remedy: Some(format!(
                    "if the rows of `{table}` may go, run again with `--drop-{table}`, otherwise copy them first"
                )),
                empties: None,
            },
            _ => return None,
        })
    }

    /// What to do about rows that have no value for a new column: what refers to them goes first.
    fn emptied(&self, tables: &[&str]) -> Option<String> {
        const ORDER: [&str; 3] = ["vfolder_attachment", "kernels", "agents"];
        if tables.is_empty() {
            return None;
        }
        let there = self.schema.tables_at(self.from);
        let refers = |table: &str| table == "vfolder_attachment" && tables.contains(&"kernels");
        let goes = |table: &&str| there.contains(table) && (tables.contains(table) || refers(table));
        let deletes: Vec<_> = ORDER
            .iter()
            .filter(|table| goes(table))
            .map(|table| format!("DELETE FROM public.{table};"))
            .collect();
        Some(format!(
            "stop the manager, keep a dump, and remove the rows of sessions and agents that are gone: {}",
            deletes.join(" ")
        ))
    }

    fn owners_in_the_way(&self, facts: &Facts) -> Option<Hindrance> {
        let numbers = &facts.user_ids;
        let count = counted(numbers.len() as i64, "number");
        let (why, remedy) = match self.owners {
            _ if numbers.is_empty() => return None,
            None => (
                format!(
                    "{count} ({}) in `user_id` of `keypairs` become texts, and it is not said which",
                    listed(numbers)
                ),
                "set `database.user-ids: direct` to keep each number as text, or `database.user-ids: {map: FILE}` \
                 with a line `NUMBER NAME` for each"
                    .to_owned(),
            ),
            Some(owners) => {
                let missing: Vec<i32> =
                    numbers.iter().copied().filter(|number| owners.text(*number).is_none()).collect();
                let Owners::Named { file, .. } = owners else { return None };
                if missing.is_empty() {
                    return None;
                }
                (
                    format!("`{file}` has no name for {} in `user_id` of `keypairs`: {}",
                        counted(missing.len() as i64, "number"), listed(&missing)),
                    format!("add a line `NUMBER NAME` for each to `{file}`"),
                )
            }
        };
        Some(Hindrance { code: Code::DbUserIds, why, remedy: Some(remedy), empties: None })
    }
}

/// Something that stands in the way.
struct Hindrance {
    code: Code,
    why: String,
    remedy: Option<String>,
    /// The table whose rows are in the way.
    empties: Option<&'static str>,
}

impl Facts {
    /// How many rows of a table are dropped with it.
    fn dropped(&self, table: &str) -> i64 {
        let of_table = |(question, _): &&(Question, i64)| matches!(question.rows, Rows::Dropped { table: dropped } if dropped == table);
        self.counts.iter().find(of_table).map_or(0, |(_, count)| *count)
    }
}

fn rows_of(count: i64) -> String {
    if count == 0 { "which has no rows".to_owned() } else { format!("with its {}", counted(count, "row")) }
}

fn counted(count: i64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guides::september_2018::GUIDE;

    fn from(number: usize) -> Upgrade<'static> {
        Upgrade { schema: &GUIDE.schema, from: &GUIDE.schema.chain[number - 1], owners: None, drops: false }
    }

    #[test]
    fn a_condition_counts_where_its_revision_is_on_the_way() {
        let asked = |number| -> Vec<String> {
            let questions = from(number).questions();
            questions.iter().map(|it| format!("{} {:?}", it.revision.number, it.sql().is_some())).collect()
        };
        let tables = |number| -> Vec<&str> {
            let questions = from(number).questions().into_iter();
            questions
                .filter_map(|it| match it.rows {
                    Rows::Stop { table, .. } | Rows::Dropped { table } | Rows::Alike { table, .. } => {
                        Some(table)
                    }
                    _ => None,
                })
                .collect()
        };
        assert_eq!(tables(1), ["usage", "kernels"], "agents is not there yet");
        assert_eq!(tables(2), ["agents", "kernels"]);
        assert_eq!(tables(3), ["kernels"]);
        assert_eq!(asked(3), ["4 true"]);
        for number in 4..12 {
            assert_eq!(asked(number), ["12 true"], "{number}");
        }
        for number in 12..=18 {
            assert!(asked(number).is_empty(), "{number}");
        }
        let renames: Vec<_> = (1..=18).filter(|number| from(*number).renames_owners()).collect();
        assert_eq!(renames, (1..=13).collect::<Vec<_>>());
    }

    #[test]
    fn everything_in_the_way_is_told_at_once() {
        let upgrade = from(1);
        let counts = upgrade.questions().into_iter().map(|question| (question, 3)).collect();
        let facts = Facts { counts, user_ids: vec![1, 7] };
        let failure = upgrade.steps("backend", &facts).expect_err("rows are in the way");
        let told = format!("{:?}", failure);
        for part in ["usage", "--drop-usage", "kernels", "agent_addr", "1, 7", "database.user-ids: direct"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        let names = Owners::read("users.txt", b"1 a").expect("a good file");
        let some = Upgrade { owners: Some(&names), drops: true, ..upgrade };
        let counts = some.questions().into_iter().take(1).map(|question| (question, 3)).collect();
        let facts = Facts { counts, user_ids: vec![1, 7] };
        let failure = some.steps("backend", &facts).expect_err("7 has no name");
        assert_eq!(failure.code, Code::DbUserIds);
        let facts = Facts { user_ids: vec![1], ..facts };
        let steps = some.steps("backend", &facts).expect("nothing is in the way");
        let own: usize = GUIDE.schema.way_from(some.from).iter().map(|it| it.statements().count()).sum();
        assert_eq!(steps.len(), own + 1);
        assert!(steps.iter().any(|step| step.what == "table usage, with its 3 rows"), "{steps:#?}");
    }

    #[test]
    fn the_tables_of_each_revision_follow_from_the_chain() {
        let schema = &GUIDE.schema;
        let at = |number: usize| schema.tables_at(&schema.chain[number - 1]);
        assert_eq!(at(1), ["keypairs", "kernels", "usage", "alembic_version"]);
        assert!(at(2).contains(&"vfolders") && !at(2).contains(&"usage"));
        let mut last = at(18);
        let mut head: Vec<_> = schema.head_tables().collect();
        last.sort_unstable();
        head.sort_unstable();
        assert_eq!(last, head);
        assert_eq!(schema.types_at(&schema.chain[1]), Vec::<&str>::new());
        assert_eq!(schema.types_at(&schema.chain[2]), schema.types);
    }
}

//! The way from one revision to another as a script for `psql`, for those who may not let a tool write.

use crate::failure::{Code, Failure};

use super::{Revision, Rows, Schema, Statement};

/// The number of the lock that a run holds: "backend" on a telephone's keys.
pub const RUN_LOCK: i64 = 2_225_363;
/// The number of the lock under which a transaction of a run writes: one that has lost the other without knowing it is
/// still kept apart from the next run.
pub const WORK_LOCK: i64 = 2_225_364;

/// What an empty database is called among revisions.
const BASE: &str = "base";

/// From where to where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The revision it begins at; none for an empty database.
    pub from: Option<&'static Revision>,
    /// The revision it ends at.
    pub to: &'static Revision,
}

impl Schema {
    /// The revision that is meant: its id, the beginning of it that no other has, or `head`.
    ///
    /// # Errors
    /// `E-USAGE` with the revisions that there are.
    pub fn meant(&self, given: &str) -> Result<&'static Revision, Failure> {
        let id = if given == "head" { self.head } else { given };
        let found: Vec<&'static Revision> =
            self.chain.iter().filter(|revision| !id.is_empty() && revision.id.starts_with(id)).collect();
        match found.as_slice() {
            [only] => Ok(only),
            [] => {
                let known: Vec<&str> = self.chain.iter().map(|revision| revision.id).collect();
                Err(Failure::new(Code::Usage, format!("there is no revision `{}`", given.escape_debug()))
                    .remedy(format!("the revisions are {}, oldest first", known.join(", "))))
            }
            several => {
                let ids: Vec<&str> = several.iter().map(|revision| revision.id).collect();
                Err(Failure::new(Code::Usage, format!("several revisions begin with `{id}`"))
                    .remedy(format!("they are {}", ids.join(", "))))
            }
        }
    }

    /// Reads `FROM:TO`, where both may be left out: from an empty database to the head.
    ///
    /// # Errors
    /// `E-USAGE` for revisions that are not known, and where FROM does not come before TO.
    pub fn span(&self, given: Option<&str>) -> Result<Span, Failure> {
        let (from, to) = given.unwrap_or_default().split_once(':').unwrap_or((given.unwrap_or_default(), ""));
        let from = match from {
            "" | BASE => None,
            from => Some(self.meant(from)?),
        };
        let to = self.meant(if to.is_empty() { "head" } else { to })?;
        match from {
            Some(from) if from.number == to.number => {
                Err(Failure::new(Code::Usage, format!("nothing lies between {} and {}", from.id, to.id))
                    .remedy("name an earlier revision as FROM, or a later one as TO"))
            }
            Some(from) if from.number > to.number => {
                let what = format!("revision {} comes after {}", from.id, to.id);
                Err(Failure::new(Code::Usage, what)
                    .why("an upgrade cannot be undone by a script: what it dropped is not in it")
                    .remedy(format!(
                        "for the way up write `{}:{}`; for the way back restore a backup",
                        to.id, from.id
                    )))
            }
            _ => Ok(Span { from, to }),
        }
    }

    /// The script of this way: it runs with `psql -1`, and stops before it changes anything where the database is not at
    /// its beginning.
    pub fn script(&self, span: Span) -> String {
        let Span { from, to } = span;
        let total = self.chain.len();
        let start =
            from.map_or_else(|| "an empty database".to_owned(), |from| format!("revision {}", from.id));
        let mut text = format!(
            "-- The schema of the Backend.AI manager: from {start} to revision {}, {} of {total}.\n\
             -- To be run in one transaction: psql -1 -f FILE DATABASE\n\
             \\set ON_ERROR_STOP on\n\
             SET LOCAL backendai_setup.script = 'on';\n\n{}\n",
            to.id,
            to.number,
            self.start_check(span)
        );
        if from.is_none() && to.id == self.head {
            text += "\n-- As a fresh installation makes it.\n";
            self.statements().for_each(|statement| add(&mut text, statement));
        } else {
            let first = from.map_or(0, |from| from.number);
            for revision in &self.chain[first..to.number] {
                let Revision { id, number, title, .. } = revision;
                text += &format!("\n-- Revision {id}, {number} of {total}: {title}.\n");
                revision.statements().for_each(|statement| add(&mut text, statement));
            }
        }
        let stamp = match from {
            None => format!("INSERT INTO public.alembic_version (version_num) VALUES ('{}')", to.id),
            Some(_) => format!("UPDATE public.alembic_version SET version_num = '{}'", to.id),
        };
        text + &format!("\n-- The stamp of the revision.\n{stamp};\n")
    }

    /// The block that looks whether the database is at the beginning of the way.
    fn start_check(&self, span: Span) -> String {
        let begins = match span.from {
            None => "and this script is for an empty one".to_owned(),
            Some(from) => format!("and this script begins at {}", from.id),
        };
        let checks = match span.from {
            None => format!(
                "    IF found IS NOT NULL THEN\n        \
                     RAISE EXCEPTION 'database % is at revision %, {begins}', current_database(), found;\n    \
                 END IF;\n    \
                 SELECT string_agg(name, ', ' ORDER BY name) INTO found FROM (\n        \
                     SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace\n        \
                     WHERE n.nspname = 'public' AND c.relname IN ({})\n        \
                     UNION SELECT t.typname::text FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace\n        \
                     WHERE n.nspname = 'public' AND t.typname IN ({})) AS there (name);\n    \
                 IF found IS NOT NULL THEN\n        \
                     RAISE EXCEPTION 'database % has %, {begins}', current_database(), found;\n    \
                 END IF;\n",
                list(self.tables),
                list(self.types)
            ),
            Some(from) => {
                let stops =
                    self.chain[from.number..span.to.number].iter().flat_map(row_checks).collect::<String>();
                format!(
                    "    IF found IS DISTINCT FROM '{}' THEN\n        \
                         RAISE EXCEPTION 'database % is %, {begins}', current_database(), coalesce('at revision ' || found, 'without a revision');\n    \
                     END IF;\n{stops}",
                    from.id
                )
            }
        };
        format!(
            "DO $check$\n\
             DECLARE\n    found text;\n    rows bigint;\n\
             BEGIN\n    \
                 IF coalesce(current_setting('backendai_setup.script', true), '') <> 'on' THEN\n        \
                     RAISE EXCEPTION 'this script has to run in one transaction: psql -1 -f FILE DATABASE';\n    \
                 END IF;\n    \
                 IF NOT (pg_try_advisory_xact_lock({RUN_LOCK}) AND pg_try_advisory_xact_lock({WORK_LOCK})) THEN\n        \
                     RAISE EXCEPTION 'another run works on database %; start again after its end', current_database();\n    \
                 END IF;\n    \
                 IF to_regclass('public.alembic_version') IS NOT NULL THEN\n        \
                     EXECUTE 'SELECT string_agg(coalesce(version_num, ''NULL''), '', '') FROM public.alembic_version' INTO found;\n    \
                 END IF;\n\
             {checks}END\n$check$;"
        )
    }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

/// What looks for rows that a revision cannot keep.
fn row_checks(revision: &Revision) -> Vec<String> {
    let tables = revision.rows.iter().filter_map(|rows| match rows {
        Rows::Stop { table, column } => Some((*table, format!("which have no value for column {column} of"))),
        Rows::Dropped { table } => Some((*table, "which would be dropped by".to_owned())),
        _ => None,
    });
    let check = |(table, why): (&str, String)| {
        format!(
            "    IF to_regclass('public.{table}') IS NOT NULL THEN\n        \
                 EXECUTE 'SELECT count(*) FROM public.{table}' INTO rows;\n        \
                 IF rows > 0 THEN\n            \
                     RAISE EXCEPTION 'table {table} has rows (%), {why} revision {}; copy them elsewhere and empty the table', rows;\n        \
                 END IF;\n    \
             END IF;\n",
            revision.id
        )
    };
    tables.map(check).collect()
}

fn add(text: &mut String, statement: Statement) {
    *text += &format!("\n-- {}\n{};\n", statement.what, statement.sql);
}

#[cfg(test)]
mod tests {
    use crate::{failure::Code, guides::september_2018::GUIDE};

    #[test]
    fn spans() {
        let schema = &GUIDE.schema;
        let span =
            |given| schema.span(given).map(|span| (span.from.map_or(0, |from| from.number), span.to.number));
        let code = |given| schema.span(Some(given)).map_err(|failure| failure.code);
        for (given, wanted) in [
            (None, (0, 18)),
            (Some("base"), (0, 18)),
            (Some("5de06"), (1, 18)),
            (Some("5de06da3c2b5:"), (1, 18)),
            (Some(":7ea"), (0, 2)),
            (Some("7ea324d0535b:head"), (2, 18)),
        ] {
            assert_eq!(span(given), Ok(wanted), "{given:?}");
        }
        for given in ["head:7ea", "head:head", "0123456789ab", "base:x", "1"] {
            assert_eq!(code(given).err(), Some(Code::Usage), "{given}");
        }
    }
}

//! What a database is, as far as the manager's schema is concerned: fresh, at the head, older, or in the way.

use crate::failure::{Code, Failure};

use super::{Difference, Part, Revision, Schema, quote_identifier};

/// More than these nobody reads at once.
const NAMED: usize = 10;

/// What stands in schema public.
#[derive(Debug)]
pub struct Standing {
    /// What should stand there.
    pub schema: &'static Schema,
    /// The rows of `alembic_version`, NULL among them; none when there is no such table, or it is unreadable.
    pub revisions: Option<Vec<Option<String>>>,
    /// `alembic_version` is there, and the user may not read it.
    pub unreadable: bool,
    /// Which of the manager's tables are there.
    pub tables: Vec<String>,
    /// Which of the two enum types are there.
    pub types: Vec<String>,
    /// All that belongs to them, where there is any of them.
    pub parts: Option<Vec<Part>>,
}

/// What is to be done with a database.
#[derive(Debug)]
pub enum Found {
    /// The schema can be installed.
    Fresh,
    /// Nothing is to do.
    Head,
    /// It is at this older revision, and can be upgraded.
    Older(&'static Revision),
    /// Nothing may be done; names the choices.
    Conflict(Failure),
}

impl Standing {
    /// An empty database.
    pub fn of(schema: &'static Schema) -> Self {
        Self {
            schema,
            revisions: None,
            unreadable: false,
            tables: Vec::new(),
            types: Vec::new(),
            parts: None,
        }
    }

    /// The one revision is the head, and nothing of it is missing.
    pub fn is_at_head(&self) -> bool {
        matches!(self.judge("", ""), Found::Head)
    }

    /// Does the one row of `alembic_version` hold this revision?
    pub fn is_stamped(&self, revision: &str) -> bool {
        matches!(self.revisions.as_deref(), Some([Some(stamp)]) if stamp == revision)
    }

    /// The older revision from which it can be upgraded; none where it is anything else.
    pub fn older(&self) -> Option<&'static Revision> {
        match self.judge("", "") {
            Found::Older(revision) => Some(revision),
            _ => None,
        }
    }

    /// Judges the database of this name, for the user who signs in.
    pub fn judge(&self, name: &str, user: &str) -> Found {
        let revisions = self.revisions.as_deref().unwrap_or_default();
        let there: Vec<&str> = self.tables.iter().chain(&self.types).map(String::as_str).collect();
        if self.unreadable {
            return Found::Conflict(self.may_not_read(name, user));
        }
        match revisions {
            [] if there.is_empty() => Found::Fresh,
            [] => Found::Conflict(self.unmanaged(name, &there)),
            [Some(revision)] if revision == self.schema.head => self.at_head(name, &there),
            [Some(revision)] => self.at_another(name, revision),
            [None] => Found::Conflict(
                Failure::new(
                    Code::DbRevisionNull,
                    format!("database `{name}` has no revision in its table alembic_version"),
                )
                .why(self.likely("the one row there holds NULL"))
                .remedy(self.stamp_or(
                    "put the revision there with the alembic that made the schema, or set another `database.name`",
                )),
            ),
            several => {
                let told: Vec<_> =
                    several.iter().map(|revision| revision.as_deref().unwrap_or("NULL")).collect();
                Found::Conflict(
                    Failure::new(
                        Code::DbRevisions,
                        format!("database `{name}` is at {} revisions at once", several.len()),
                    )
                    .why(self.likely(&format!("alembic_version holds {}", told.join(", "))))
                    .remedy(self.stamp_or("fix `alembic_version` with the alembic that made it, or set another `database.name`")),
                )
            }
        }
    }

    /// The revision whose shape the tables have, whatever the stamp says.
    fn fitting(&self) -> Option<&'static str> {
        let like = self.schema.nearest(self.parts.as_deref()?)?;
        like.fits().then_some(like.revision)
    }

    /// What is known, with what the tables tell.
    fn likely(&self, known: &str) -> String {
        match self.fitting() {
            Some(revision) => format!("{known}; the tables are those of {revision}"),
            None => known.to_owned(),
        }
    }

    /// The way out by a stamp, where the tables are those of a revision; and the other one.
    fn stamp_or(&self, otherwise: &str) -> String {
        match self.fitting() {
            Some(revision) => {
                format!(
                    "`backendai-setup schema stamp {revision}` writes that revision alone; or {otherwise}"
                )
            }
            None => otherwise.to_owned(),
        }
    }

    fn at_head(&self, name: &str, there: &[&str]) -> Found {
        let Schema { head, types, .. } = *self.schema;
        let missing: Vec<_> = self
            .schema
            .head_tables()
            .filter(|table| *table != "alembic_version" && !there.contains(table))
            .chain(types.iter().copied().filter(|kind| !there.contains(kind)))
            .collect();
        if missing.is_empty() {
            return self.drifted(name).map_or(Found::Head, Found::Conflict);
        }
        conflict(
            Code::DbShape,
            format!("database `{name}` is at revision {head}, but parts of it are missing"),
            format!("it lacks {}", missing.join(", ")),
            "restore a backup, or set another `database.name`",
        )
    }

    /// At a revision that is not the head.
    fn at_another(&self, name: &str, revision: &str) -> Found {
        let head = self.schema.head;
        match self.schema.revision(revision) {
            Some(old) => match self.unlike(old).as_slice() {
                [] => Found::Older(old),
                differences => conflict(
                    Code::DbShape,
                    format!("database `{name}` is at revision {revision}, but its schema is another one"),
                    differences.join("; "),
                    "`backendai-setup schema diff` shows every difference; restore a backup, or set another `database.name`",
                ),
            },
            None => Found::Conflict(
                Failure::new(
                    Code::DbRevision,
                    format!("database `{name}` is at revision {revision}, which is not known here"),
                )
                .why(self.likely(&format!(
                    "the schema belongs to another program or a newer manager; the head is {head}"
                )))
                .remedy(self.stamp_or("set another `database.name`, or use the alembic that made it")),
            ),
        }
    }

    /// In what the schema is not that of an older revision, as far as the manager or the way to the head minds.
    fn unlike(&self, old: &Revision) -> Vec<String> {
        let Some(found) = &self.parts else {
            let tables = self.schema.tables_at(old).into_iter().filter(|table| *table != "alembic_version");
            let lacks: Vec<&str> = tables.chain(self.schema.types_at(old)).collect();
            return vec![format!("it lacks {}", lacks.join(", "))];
        };
        let differences = self.schema.differences(old.id, found).unwrap_or_default();
        let breaking: Vec<&Difference> = differences.iter().filter(|it| it.breaks).collect();
        let early: Vec<_> = self.schema.early(old, found).iter().map(|part| part.title()).collect();
        let mut unlike = Vec::new();
        if !breaking.is_empty() {
            unlike.push(told(&breaking));
        }
        if !early.is_empty() {
            unlike.push(format!("it has {}, which later revisions make", early.join(", ")));
        }
        unlike
    }

    /// The revision cannot be read. The grant is all that the manager needs on these tables, or the next right would be the
    /// next thing to be missing.
    fn may_not_read(&self, name: &str, user: &str) -> Failure {
        let (role, base) = (quote_identifier(user), quote_identifier(name));
        let tables: Vec<_> = std::iter::once("alembic_version")
            .chain(self.tables.iter().map(String::as_str))
            .map(|table| format!("public.{}", quote_identifier(table)))
            .collect();
        Failure::new(Code::DbRights, format!("table alembic_version of database `{name}` may not be read"))
            .why("which revision the schema is at cannot be known without it")
            .remedy(format!(
                "in database {base}, as the owner of the tables or a superuser: GRANT USAGE ON SCHEMA public TO {role}; GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {role}",
                tables.join(", ")
            ))
    }

    /// What is otherwise than at this revision; none where nothing is known of the one or the other.
    pub fn differences(&self, revision: &str) -> Option<Vec<Difference>> {
        self.schema.differences(revision, self.parts.as_deref()?)
    }

    /// Tables or types without a revision: which one they are, or are most like.
    fn unmanaged(&self, name: &str, there: &[&str]) -> Failure {
        let failure = Failure::new(
            Code::DbUnmanaged,
            format!("database `{name}` has the manager's tables or types, but no revision"),
        );
        let has = format!("it has {}", there.join(", "));
        let elsewhere = "set another `database.name`, or drop what a failed try left";
        let Some(like) = self.parts.as_deref().and_then(|parts| self.schema.nearest(parts)) else {
            return failure.why(has).remedy(elsewhere);
        };
        let revision = like.revision;
        let place = self.schema.revision(revision).map_or(0, |known| known.number);
        let place = format!("{revision}, number {place} of {}", self.schema.chain.len());
        if like.fits() {
            return failure.why(format!("{has}; this is the schema of {place}, without its stamp")).remedy(
                format!("`backendai-setup schema stamp {revision}` writes the stamp; or {elsewhere}"),
            );
        }
        let breaking: Vec<&Difference> = like.differences.iter().filter(|it| it.breaks).collect();
        failure
            .why(format!("{has}; the nearest revision is {place}, but {}", told(&breaking)))
            .remedy(format!("`backendai-setup schema diff` shows every difference; {elsewhere}"))
    }

    /// The tables are there, but not as the manager needs them.
    fn drifted(&self, name: &str) -> Option<Failure> {
        let differences = self.differences(self.schema.head)?;
        let breaking: Vec<&Difference> = differences.iter().filter(|it| it.breaks).collect();
        if breaking.is_empty() {
            return None;
        }
        let cures: Option<Vec<&str>> = breaking.iter().map(|difference| difference.statement()).collect();
        let base = quote_identifier(name);
        Some(
            Failure::new(
                Code::DbShape,
                format!(
                    "database `{name}` is at revision {}, but its tables are not as the manager needs them",
                    self.schema.head
                ),
            )
            .why(told(&breaking))
            .remedy(match (cures, breaking.iter().any(|difference| difference.is_repairable())) {
                (Some(cures), is_repairable) => format!(
                    "{}in database {base}, as the owner of the tables or a superuser: {}",
                    if is_repairable { "`backendai-setup schema repair`; or " } else { "" },
                    cures.join("; ")
                ),
                (None, true) => "`backendai-setup schema repair` puts back what loses nothing; for the rest restore a backup, or set another `database.name`".to_owned(),
                (None, false) => "restore a backup, or set another `database.name`".to_owned(),
            }),
        )
    }
}

/// The first of several differences, and how many more there are.
fn told(differences: &[&Difference]) -> String {
    let more = differences.len().saturating_sub(NAMED);
    let mut told: Vec<_> = differences.iter().take(NAMED).map(|difference| difference.what.clone()).collect();
    told.extend((more > 0).then(|| format!("and {more} more")));
    told.join("; ")
}

fn conflict(code: Code, what: String, why: String, remedy: &str) -> Found {
    Found::Conflict(Failure::new(code, what).why(why).remedy(remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guides::september_2018::GUIDE;

    fn standing(revisions: Option<&[&str]>, tables: &[&str], types: &[&str]) -> Standing {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let revisions = revisions.map(|ids| ids.iter().map(|id| Some((*id).to_owned())).collect());
        Standing { revisions, tables: own(tables), types: own(types), ..Standing::of(&GUIDE.schema) }
    }

    fn code(standing: &Standing) -> &'static str {
        match standing.judge("backend", "manager") {
            Found::Fresh => "fresh",
            Found::Head => "head",
            Found::Older(_) => "older",
            Found::Conflict(failure) => failure.code.as_str(),
        }
    }

    #[test]
    fn what_a_database_is() {
        let schema = &GUIDE.schema;
        let head: Vec<_> = schema.head_tables().filter(|table| *table != "alembic_version").collect();
        assert_eq!(code(&standing(None, &[], &[])), "fresh");
        assert_eq!(code(&standing(Some(&[]), &[], &[])), "fresh");
        assert_eq!(code(&standing(None, &["agents"], &[])), "E-DB-UNMANAGED");
        assert_eq!(code(&standing(Some(&[]), &[], &["kernelstatus"])), "E-DB-UNMANAGED");
        assert_eq!(code(&standing(Some(&[schema.head]), &head, schema.types)), "head");
        assert_eq!(code(&standing(Some(&[schema.head]), &head[1..], schema.types)), "E-DB-SHAPE");
        let shaped = |stamp: &str, like: &str| {
            let shape = schema.recorded().into_iter().find(|shape| shape.revision == like).expect("recorded");
            Standing { parts: Some(shape.parts), ..standing(Some(&[stamp]), &[], &[]) }
        };
        for revision in schema.chain.iter().take(17) {
            assert_eq!(code(&shaped(revision.id, revision.id)), "older", "{}", revision.id);
            let next = schema.chain[revision.number].id;
            assert_eq!(code(&shaped(revision.id, next)), "E-DB-SHAPE", "{next} stamped {}", revision.id);
            assert_eq!(code(&shaped(next, revision.id)), "E-DB-SHAPE", "{} stamped {next}", revision.id);
        }
        assert_eq!(code(&standing(Some(&["185852ff9872"]), &[], &[])), "E-DB-SHAPE");
        assert_eq!(code(&standing(Some(&["0123456789ab"]), &[], &[])), "E-DB-REVISION");
        assert_eq!(code(&standing(Some(&[schema.head, "185852ff9872"]), &head, &[])), "E-DB-REVISIONS");
        let null = Standing { revisions: Some(vec![None]), ..Standing::of(schema) };
        assert_eq!(code(&null), "E-DB-REVISION-NULL");
        assert_eq!(code(&Standing { unreadable: true, ..Standing::of(schema) }), "E-DB-RIGHTS");
    }
}

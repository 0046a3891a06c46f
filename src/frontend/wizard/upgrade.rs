//! An upgrade of the schema as people think of it: revisions, each with what happens to rows.

use crate::{
    failure::Code,
    schema::Schema,
    workflow::{Change, StageState},
};

/// One revision on the way to the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Climbed {
    /// alembic's id.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What happens to rows that are there; none where nothing does.
    pub rows: Option<String>,
    /// Its statements.
    pub statements: Vec<Change>,
}

impl Climbed {
    /// Id, title, and what happens to rows, in one line.
    pub fn words(&self) -> String {
        match &self.rows {
            Some(rows) => format!("{}  {}: {rows}", self.id, self.title),
            None => format!("{}  {}", self.id, self.title),
        }
    }
}

/// The revisions that a stage climbs, in order; none where it is no upgrade.
pub fn upgrade(schema: &Schema, stage: &StageState) -> Vec<Climbed> {
    let Some(remark) = stage.remarks.iter().find(|remark| remark.code == Code::DbUpgrade) else {
        return Vec::new();
    };
    let told = remark.why.as_deref().unwrap_or_default();
    let of = |change: &Change, id: &str| match change {
        Change::Statement { what, .. } => what.split_once(": ").is_some_and(|(revision, _)| revision == id),
        _ => false,
    };
    let climbed = |revision: &crate::schema::Revision| {
        let statements: Vec<Change> =
            stage.changes().iter().filter(|change| of(change, revision.id)).cloned().collect();
        let rows = consequence(schema, told, revision.id);
        let (id, title) = (revision.id, revision.title);
        (!statements.is_empty() || rows.is_some()).then_some(Climbed { id, title, rows, statements })
    };
    schema.chain.iter().filter_map(climbed).collect()
}

/// What is told of one revision among all that is told: its id stands before it, and that of the next one after it.
fn consequence(schema: &Schema, told: &str, id: &str) -> Option<String> {
    let begins = |id: &str| match told.strip_prefix(id).is_some_and(|rest| rest.starts_with(": ")) {
        true => Some(0),
        false => told.find(&format!("; {id}: ")).map(|at| at + 2),
    };
    let text = told.get(begins(id)? + id.len() + 2..)?;
    let next = schema.chain.iter().filter_map(|other| text.find(&format!("; {}: ", other.id))).min();
    text.get(..next.unwrap_or(text.len())).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::consequence;
    use crate::guides::september_2018::GUIDE;

    #[test]
    fn each_revision_has_what_is_told_of_it() {
        let told = "7ea324d0535b: table `usage` is dropped, with its 3 rows, and more; f8a71c3bffa2: 2 numbers become the \
            names in `a; b: c`; bf4bae8f942e: nothing";
        let of = |id| consequence(&GUIDE.schema, told, id);
        assert_eq!(
            of("7ea324d0535b").as_deref(),
            Some("table `usage` is dropped, with its 3 rows, and more")
        );
        assert_eq!(of("f8a71c3bffa2").as_deref(), Some("2 numbers become the names in `a; b: c`"));
        assert_eq!(of("bf4bae8f942e").as_deref(), Some("nothing"));
        assert_eq!(of("26d0c387e764"), None);
    }
}

//! The schema of a database, looked at.

use crate::{
    failure::{Code, Failure},
    guide::Database,
    schema::{Difference, Likeness, Revision, Standing},
    services::postgres::{self, TableSize},
    stages,
};

use super::Session;

/// What a database has of the schema.
#[derive(Debug)]
pub struct SchemaLook {
    /// `host:port`.
    pub address: String,
    /// Its name.
    pub database: String,
    /// What stands in it.
    pub standing: Standing,
    /// How large the manager's tables are.
    pub sizes: Vec<TableSize>,
    /// Why it is no schema at the head; none where it is, or where the database is fresh.
    pub conflict: Option<Failure>,
    /// What breaks the manager at the head, each with the reason why `schema repair` does not put it back; where that was
    /// asked for.
    pub repairs: Vec<(Difference, Option<String>)>,
}

/// What a look is for, beside the shape.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Shape,
    Sizes,
    Repairs,
}

impl SchemaLook {
    /// The one revision that it is stamped with, where it is known.
    pub fn revision(&self) -> Option<&'static Revision> {
        match self.standing.revisions.as_deref() {
            Some([Some(id)]) => self.standing.schema.revision(id),
            _ => None,
        }
    }

    /// Is there anything of the schema?
    pub fn is_fresh(&self) -> bool {
        self.standing.parts.is_none()
    }

    /// The revision that it is compared with, the stamped one or else the nearest, and what is otherwise.
    pub fn likeness(&self) -> Option<Likeness> {
        let parts = self.standing.parts.as_deref()?;
        let schema = self.standing.schema;
        match self.revision() {
            Some(revision) => {
                let differences: Vec<Difference> = schema.differences(revision.id, parts)?;
                Some(Likeness { revision: revision.id, differences })
            }
            None => schema.nearest(parts),
        }
    }
}

impl Session {
    /// Looks at the schema; with the sizes of its tables where they are wanted.
    ///
    /// # Errors
    /// Whatever keeps the database from being asked.
    pub async fn look_at_schema(&self, with_sizes: bool) -> Result<SchemaLook, Failure> {
        self.look_for(if with_sizes { Wanted::Sizes } else { Wanted::Shape }).await
    }

    /// Looks at what is otherwise, and what `schema repair` would do about it.
    ///
    /// # Errors
    /// Whatever keeps the database from being asked.
    pub async fn look_at_drift(&self) -> Result<SchemaLook, Failure> {
        self.look_for(Wanted::Repairs).await
    }

    async fn look_for(&self, wanted: Wanted) -> Result<SchemaLook, Failure> {
        let database = self.world.settings.database()?;
        let limits = self.world.surroundings.limits;
        let looked = postgres::repeated(limits, usize::MAX, || self.look_once(database, wanted)).await;
        self.world.hang_up().await;
        looked
    }

    async fn look_once(&self, database: &Database, wanted: Wanted) -> Result<SchemaLook, Failure> {
        let schema = &self.world.guide().schema;
        let mut look = match self.world.transaction().await {
            Err(failure) if failure.code == Code::DbMissing => {
                return Err(failure.remedy("`backendai-setup run create-database install-schema` makes it"));
            }
            look => look?,
        };
        let looked = async {
            let standing = postgres::standing(&mut look, database, schema).await?;
            let sizes = match wanted {
                Wanted::Sizes => postgres::sizes(&mut look, database, schema.tables).await?,
                _ => Vec::new(),
            };
            let differences = match wanted {
                Wanted::Repairs if standing.is_stamped(schema.head) => standing.differences(schema.head),
                _ => None,
            };
            let differences = differences.unwrap_or_default();
            let repairs = stages::judged_for_repair(&mut look, database, differences).await?;
            Ok((standing, sizes, repairs))
        };
        let looked = looked.await;
        let (standing, sizes, repairs) = look.ended(looked).await?;
        let conflict = match standing.judge(&database.name, &database.user) {
            crate::schema::Found::Conflict(failure) => Some(failure),
            _ => None,
        };
        let (address, name) = (database.address.to_string(), database.name.clone());
        Ok(SchemaLook { address, database: name, standing, sizes, conflict, repairs })
    }
}

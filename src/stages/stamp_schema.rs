//! `schema stamp`: the stamp of a revision, for a database whose tables are those of that revision.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    failure::{Code, Failure},
    guide::Database,
    journal::Entry,
    schema::{self, Difference, Revision, Standing},
    services::postgres::{self, ask, unnamed},
    workflow::{About, Certainty, Change, Context, Done, Found, Stage, StagePlan, Written},
    world::World,
};

use super::{LOOKS, install_schema, worked};

static ABOUT: About = About {
    id: install_schema::ABOUT.id,
    title: install_schema::ABOUT.title,
    summary: "the stamp of a revision",
    sections: &["database"],
    checks: &["database"],
    after: &[],
    files: &[],
    flags: &[],
};

/// The table in which alembic keeps its revision.
const TABLE: &str = "CREATE TABLE public.alembic_version (version_num varchar(32) NOT NULL \
                     CONSTRAINT alembic_version_pkc PRIMARY KEY)";

/// The stage.
pub struct StampSchema {
    /// The revision that is stamped.
    pub revision: &'static Revision,
}

impl StampSchema {
    /// What is to be written into a database that stands so.
    fn judge(&self, standing: &Standing, database: &Database) -> Result<Found, Failure> {
        let (id, schema) = (self.revision.id, standing.schema);
        if standing.unreadable
            && let schema::Found::Conflict(failure) = standing.judge(&database.name, &database.user)
        {
            return Err(failure);
        }
        let Some(parts) = standing.parts.as_deref() else {
            let what = format!("database `{}` has none of the manager's tables", database.name);
            return Ok(Found::Conflict(
                Failure::new(Code::DbShape, what)
                    .why("a stamp would say that they are there")
                    .remedy(format!("`backendai-setup run {}` makes them", ABOUT.id)),
            ));
        };
        let differences = schema.differences(id, parts).unwrap_or_default();
        let nearest = schema.nearest(parts);
        let another = nearest.as_ref().filter(|like| like.revision != id && like.fits());
        if let (Some(like), true) =
            (another, another.is_some_and(|it| it.differences.len() < differences.len()))
        {
            return Ok(Found::Conflict(other_revision(database, id, like.revision, &differences)));
        }
        if differences.iter().any(|difference| difference.breaks) {
            return Ok(Found::Conflict(otherwise(database, id, &differences)));
        }
        let old = standing.revisions.as_deref().unwrap_or_default();
        if old == [Some(id.to_owned())] {
            return Ok(Found::Done(format!("at revision {id} already")));
        }
        let row = |what: &str, is_new: bool| Change::Row {
            table: "alembic_version".into(),
            what: what.to_owned(),
            is_new,
            is_removed: !is_new,
        };
        let mut changes = Vec::new();
        if standing.revisions.is_none() {
            changes.push(Change::Statement { what: "table alembic_version".into(), sql: TABLE.into() });
        }
        changes.extend(old.iter().map(|revision| row(revision.as_deref().unwrap_or("NULL"), false)));
        changes.push(row(id, true));
        Ok(Found::Pending(StagePlan::new(ABOUT.id, changes)))
    }

    async fn look(&self, cx: &Context<World>) -> Result<Found, Failure> {
        let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
        let mut look = cx.world.transaction().await?;
        let standing = postgres::standing(&mut look, database, schema).await;
        let standing = look.ended(standing).await?;
        self.judge(&standing, database)
    }

    async fn stamp(&self, cx: &Context<World>, plan: &StagePlan) -> Result<Done, Failure> {
        let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
        cx.wait(cx.world.locks.hold_database()).await??;
        let mut transaction = cx.world.transaction().await?;
        cx.wait(postgres::exclude_others(&mut transaction, database)).await??;
        let standing = postgres::standing(&mut transaction, database, schema).await?;
        let done = Done { summary: format!("at revision {}", self.revision.id), changes: plan.changes.len() };
        match self.judge(&standing, database)? {
            Found::Pending(now) if now.changes == plan.changes => {}
            // The attempt before was committed, or another run did the same.
            Found::Done(_) => return Ok(done),
            _ => return Err(stale(database)),
        }
        write(&mut transaction, database, &standing, self.revision).await?;
        cx.log(format!("revision {} stamped", self.revision.id)).await;
        cx.checkpoint()?;
        let entry = Entry::Stamp {
            database: database.name.clone(),
            revision: self.revision.id.to_owned(),
            old: standing.revisions.unwrap_or_default(),
        };
        let intent = cx.intend(vec![entry]).await?;
        cx.world.locks.stand(&mut transaction).await?;
        cx.write(&intent, 0..1, transaction.commit(database)).await?;
        Ok(done)
    }
}

async fn write(
    transaction: &mut PgConnection,
    database: &Database,
    standing: &Standing,
    revision: &Revision,
) -> Result<(), Failure> {
    let what = "the stamp of the revision";
    let clear = if standing.revisions.is_none() { TABLE } else { "DELETE FROM public.alembic_version" };
    ask(database, what, sqlx::raw_sql(AssertSqlSafe(clear)).execute(&mut *transaction)).await?;
    let stamp = unnamed("INSERT INTO public.alembic_version (version_num) VALUES ($1)").bind(revision.id);
    ask(database, what, stamp.execute(transaction)).await.map(drop)
}

fn stale(database: &Database) -> Failure {
    let what = format!("database `{}` changed after the plan was made", database.name);
    Failure::stale(what, "its tables or its stamp are not as they were seen".to_owned())
}

/// The first of the differences, in words.
fn first(differences: &[Difference]) -> String {
    let told: Vec<&str> = differences.iter().map(|difference| difference.what.as_str()).collect();
    let more = told.len().saturating_sub(3);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{more}", told.iter().take(3).copied().collect::<Vec<_>>().join("; "))
}

fn other_revision(database: &Database, id: &str, nearest: &str, differences: &[Difference]) -> Failure {
    Failure::new(
        Code::DbShape,
        format!("the tables of database `{}` are not those of revision {id}", database.name),
    )
    .why(format!("they are those of {nearest}; against {id} {}", first(differences)))
    .remedy(format!("`backendai-setup schema stamp {nearest}`"))
}

fn otherwise(database: &Database, id: &str, differences: &[Difference]) -> Failure {
    Failure::new(Code::DbShape, format!("the tables of database `{}` are not those of revision {id}", database.name))
        .why(first(differences))
        .remedy("`backendai-setup schema diff` compares them with the nearest revision; put right what it names, then stamp that one")
}

#[async_trait]
impl Stage<World> for StampSchema {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<Found, Failure> {
        postgres::repeated(cx.world.surroundings.limits, LOOKS, || self.look(cx)).await
    }

    async fn apply(&self, cx: &Context<World>, plan: &StagePlan) -> Result<Done, Failure> {
        worked(cx, |_| self.stamp(cx, plan)).await
    }

    fn left(&self, written: Written) -> String {
        match written.sure {
            Certainty::Nothing => "the stamp is as before: nothing was committed",
            Certainty::Something => "the stamp was committed, and stays",
            Certainty::Unknown => "whether the commit of the stamp arrived is not known",
        }
        .to_owned()
    }
}

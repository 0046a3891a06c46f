//! `populate-fixtures`: the keypairs and their credentials file.

mod credentials;
mod rows;

use async_trait::async_trait;
use sqlx::{Connection, PgConnection};

use crate::{
    failure::{Code, Failure},
    schema::{self, HEAD},
    services::postgres::{self, ask},
    workflow::{About, Change, Context, Done, Lane, Stage, State},
    world::World,
};

use super::{install_schema, keys::count};

use rows::{Pair, Standing};

pub(super) static ABOUT: About = About {
    id: "populate-fixtures",
    title: "Keypairs",
    summary: "a new admin and user keypair, and a credentials file",
    sections: &["database", "keypairs", "files"],
    checks: &["database", "files"],
    lane: Lane::Database,
};

pub(super) struct PopulateFixtures;

/// The database as this stage needs it: at the head. None when an earlier stage will bring it there.
async fn connect(cx: &Context<World>) -> Result<Option<PgConnection>, Failure> {
    let database = cx.world.settings.database()?;
    let missing = match cx.world.database().await {
        Ok(mut connection) => {
            let standing = postgres::standing(&mut connection, database, schema::TABLES, &[]).await?;
            if standing.revisions.as_deref() == Some(&[HEAD.to_owned()])
                && standing.tables.iter().any(|table| table == "keypairs")
            {
                return Ok(Some(connection));
            }
            format!("database `{}` is not at revision {HEAD}", database.name)
        }
        Err(failure) if failure.code == Code::DbMissing => {
            format!("database `{}` is not there yet", database.name)
        }
        Err(failure) => return Err(failure),
    };
    if cx.expects(install_schema::ABOUT.id) {
        return Ok(None);
    }
    Err(Failure::new(Code::StageNeeds, missing)
        .remedy(format!("run `{}` first, or all stages", install_schema::ABOUT.id)))
}

fn row_change(pair: &Pair) -> Option<Change> {
    let what = match &pair.standing {
        Standing::Kept(_) => return None,
        Standing::New { replaces: 0 } => format!("{}, new keys", pair.row.title()),
        Standing::New { replaces } => {
            format!("{}, new keys; {} deactivated", pair.row.title(), count(*replaces, "old pair"))
        }
    };
    Some(Change::Row { table: "keypairs".into(), what })
}

#[async_trait]
impl Stage<World> for PopulateFixtures {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<State, Failure> {
        let fixture = cx.world.fixture()?;
        let path = cx.world.settings.files.credentials.as_deref();
        let (pairs, known) = match connect(cx).await? {
            None => (fixture.rows.iter().map(Pair::new).collect(), Vec::new()),
            Some(mut connection) => match rows::look(&cx.world, &mut connection).await {
                Ok(pairs) => (pairs, rows::all_keys(&cx.world, &mut connection).await?),
                Err(failure) if matches!(failure.code, Code::KeysPublished | Code::KeysConflict) => {
                    return Ok(State::Conflict(failure));
                }
                Err(failure) => return Err(failure),
            },
        };
        let file = match path {
            None => None,
            Some(path) => match credentials::look(path, &pairs, &known).await {
                Ok(file) => file,
                Err(failure) => return Ok(State::Conflict(failure)),
            },
        };
        let mut changes: Vec<Change> = pairs.iter().filter_map(row_change).collect();
        changes.extend(file);
        if changes.is_empty() {
            return Ok(State::Done(format!("{} kept", count(pairs.len(), "keypair"))));
        }
        Ok(State::Pending(changes))
    }

    async fn run(&self, cx: &Context<World>) -> Result<Done, Failure> {
        let database = cx.world.settings.database()?;
        let Some(mut connection) = connect(cx).await? else {
            return Err(Failure::new(Code::Internal, "the keypairs were started before the schema"));
        };
        cx.log(format!("connected to {} as {}", database.address, database.user)).await;
        let mut transaction = connection
            .begin()
            .await
            .map_err(|error| postgres::explain(&error, database, "the beginning of the transaction"))?;
        install_schema::lock(cx, &mut transaction, database).await?;
        let mut pairs = rows::look(&cx.world, &mut transaction).await?;
        let mut made = 0;
        for pair in &mut pairs {
            cx.checkpoint()?;
            if rows::insert(&cx.world, &mut transaction, pair).await? {
                made += 1;
                cx.log(format!("keypair for {}", pair.row.title())).await;
            }
        }
        let known = rows::all_keys(&cx.world, &mut transaction).await?;
        let path = cx.world.settings.files.credentials.as_deref();
        let file = match path {
            None => None,
            Some(path) => credentials::look(path, &pairs, &known).await?,
        };
        cx.checkpoint()?;
        cx.written(ask(database, "the commit", transaction.commit()).await)?;
        cx.world.rotated();
        let wrote_file = file.is_some();
        if let (Some(path), true) = (path, wrote_file) {
            credentials::write(path, &pairs).map_err(|failure| {
                let why = failure.why.clone().unwrap_or_default();
                failure.why(format!(
                    "{why}; the keypairs are in the table, a new run writes the file from there"
                ))
            })?;
            cx.log(format!("written with mode 0600: {}", path.display())).await;
        }
        if path.is_none() && made > 0 {
            cx.warn("no file keeps the new keys, since `files.credentials` is `none`: they stand in table keypairs alone").await;
        }
        let kept = pairs.len() - made;
        let mut parts = Vec::new();
        if made > 0 {
            parts.push(format!("{} made", count(made, "keypair")));
        }
        if kept > 0 {
            parts.push(format!("{} kept", count(kept, "keypair")));
        }
        if let (Some(path), true) = (path, wrote_file) {
            parts.push(path.display().to_string());
        }
        Ok(Done { summary: parts.join(", "), changes: made + usize::from(wrote_file) })
    }
}

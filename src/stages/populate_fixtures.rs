//! `populate-fixtures`: the keypairs and their credentials file.

mod credentials;
mod found;
pub(in crate::stages) mod noted;
mod planned;
mod remarks;
mod rows;

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use secrecy::ExposeSecret;
use sqlx::PgConnection;

use crate::{
    failure::{Code, Failure},
    fixture::Keys,
    guide::{Database, files::CREDENTIALS},
    journal::Entry,
    schema::{self, Revision},
    services::postgres::{self, Transaction},
    workflow::{About, Certainty, Context, Done, Found, Stage, StagePlan, Written},
    world::World,
};

use super::{LOOKS, file, install_schema, keys::count, worked};

use credentials::Held;
use found::TableRow;
use rows::{Pair, Plan, Standing};

pub(super) static ABOUT: About = About {
    id: "populate-fixtures",
    title: "Keypairs",
    summary: "a new admin and user keypair, and a credentials file",
    sections: &["database", "keypairs", "files"],
    checks: &["database", "files"],
    after: &[install_schema::ABOUT.id],
    files: &[CREDENTIALS],
    flags: &["--rotate-keypairs", "--replace-published-keys", "--fixture"],
};

/// The stage.
pub struct PopulateFixtures;

/// The database as this stage needs it: at the head, or at an older revision that an earlier stage will upgrade. None when
/// an earlier stage will make it.
async fn connect(cx: &Context<World>) -> Result<Option<(Transaction, Option<&'static Revision>)>, Failure> {
    let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
    let missing = match cx.world.transaction_if_there().await? {
        Some(mut look) => {
            // What the tables are is looked at by the check and by the stage before this one.
            let stamped = postgres::stamped(&mut look, database, schema).await;
            if stamped.as_ref().is_ok_and(|standing| standing.is_at_head()) {
                return Ok(Some((look, None)));
            }
            let standing = match stamped {
                Ok(_) => postgres::standing(&mut look, database, schema).await,
                Err(failure) => Err(failure),
            };
            let older = standing.as_ref().ok().and_then(schema::Standing::older);
            if older.is_some() && cx.expects(install_schema::ABOUT.id) {
                return Ok(Some((look, older)));
            }
            look.ended(standing).await?;
            format!("database `{}` is not at revision {}", database.name, schema.head)
        }
        None => format!("database `{}` is not there yet", database.name),
    };
    if cx.expects(install_schema::ABOUT.id) {
        return Ok(None);
    }
    Err(Failure::new(Code::StageNeeds, missing)
        .remedy(format!("run `{}` first, or all stages", install_schema::ABOUT.id)))
}

/// What was written.
#[derive(Default, Clone, Copy)]
struct Tally {
    made: usize,
    poured: usize,
    renewed: usize,
    filled: usize,
    kept: usize,
}

impl Tally {
    fn parts(&self) -> Vec<String> {
        let told = [
            (self.made, "made"),
            (self.poured, "loaded"),
            (self.renewed, "given a new secret"),
            (self.filled, "completed"),
            (self.kept, "kept"),
        ];
        let told = told.into_iter().filter(|(some, _)| *some > 0);
        told.map(|(some, what)| format!("{} {what}", count(some, "keypair"))).collect()
    }

    fn rows(&self) -> usize {
        self.made + self.poured + self.renewed + self.filled
    }
}

/// The rows that the stage keeps or writes, and what it does with them.
struct Rows {
    held: Vec<Held>,
    tally: Tally,
    /// For the journal.
    entries: Vec<Entry>,
}

/// What the attempt before wrote: after a lost connection nobody knows whether its commit arrived.
#[derive(Default)]
struct Attempts(Mutex<Option<Rows>>);

impl Attempts {
    fn take(&self) -> Option<Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, held: &[Held], tally: Tally) {
        let rows = Rows { held: held.to_vec(), tally, entries: Vec::new() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(rows);
    }
}

/// Writes the rows, and reads them back.
async fn write(
    cx: &Context<World>,
    database: &Database,
    connection: &mut PgConnection,
    plan: &Plan,
    table: &[TableRow],
) -> Result<Rows, Failure> {
    let (mut held, mut tally, mut entries) = (Vec::new(), Tally::default(), Vec::new());
    let found = |access: &str| table.iter().find(|row| row.access == access);
    for Pair { row, standing } in &plan.pairs {
        cx.checkpoint()?;
        let mut hold = |keys| held.push(Held { user_id: row.user_id.clone(), is_admin: row.is_admin, keys });
        match standing {
            Standing::Kept(keys, nulls) => {
                if nulls.is_empty() {
                    tally.kept += 1;
                } else {
                    entries.extend(found(&keys.access).map(|row| noted::changed(row, None)));
                    rows::fill(database, connection, &keys.access).await?;
                    tally.filled += 1;
                }
                hold(keys.clone());
            }
            Standing::New => {
                let keys = match &row.keys {
                    Some(keys) => keys.clone(),
                    None => Keys::generate()?,
                };
                entries.push(noted::made(row, &keys));
                rows::insert(database, connection, row, &keys).await?;
                *if row.keys.is_some() { &mut tally.poured } else { &mut tally.made } += 1;
                hold(keys);
                cx.log(format!("keypair for {}", row.title())).await;
            }
            Standing::Renewed(all) => {
                for access in all {
                    let keys = Keys { access: access.clone(), ..Keys::generate()? };
                    entries.extend(found(access).map(|row| noted::changed(row, Some(&keys))));
                    rows::renew(database, connection, &keys).await?;
                    rows::fill(database, connection, access).await?;
                    tally.renewed += 1;
                    hold(keys);
                }
                cx.log(format!("new secret for {}", row.title())).await;
            }
        }
    }
    for row in plan.closed_in(table) {
        let keys = Keys { access: row.access.clone(), ..Keys::generate()? };
        entries.push(noted::renewed(row, &keys));
        rows::renew(database, connection, &keys).await?;
        tally.renewed += 1;
        held.push(row.held(keys));
    }
    if !are_there(&held, &found::read(database, connection).await?) {
        return Err(rows::altered(database, connection).await);
    }
    Ok(Rows { held, tally, entries })
}

fn are_there(held: &[Held], table: &[TableRow]) -> bool {
    held.iter().all(|pair| {
        table.iter().any(|found| {
            found.access == pair.keys.access
                && found.has(&pair.keys.secret)
                && found.user_id.as_deref().unwrap_or_default() == pair.user_id
                && (found.is_admin == Some(true)) == pair.is_admin
        })
    })
}

/// Writes the credentials file; gives back its path where there was something to write. By now the rows count: what others
/// wrote into the file since the look stays in it.
async fn write_file<'p>(
    cx: &Context<World>,
    path: &'p Path,
    held: &[Held],
) -> Result<Option<&'p Path>, Failure> {
    let Some((_, text, existing)) = credentials::look(&cx.world, path, held).await? else { return Ok(None) };
    let put = file::put(cx, path, text.expose_secret().as_bytes(), existing.as_ref(), false).await;
    let put = put.map_err(|failure| {
        let why = failure.why.clone().unwrap_or_default();
        failure.why(format!("{why}; the keypairs are in the table, a new run writes the file from there"))
    })?;
    cx.log(format!("written with mode {:04o}: {}", put.mode, path.display())).await;
    Ok(Some(path))
}

fn changed(world: &World) -> Failure {
    let remedy = if world.overwrite.keypairs {
        "run again without `--rotate-keypairs`: it writes the credentials file from the table"
    } else {
        "run again: it replaces only secrets that are still published, empty or blank"
    };
    Failure::new(Code::KeysChanged, "another program changed the keypairs meanwhile")
        .why("the rows are not as this run saw or wrote them; the secrets of the other program count")
        .remedy(remedy)
}

impl PopulateFixtures {
    async fn look(cx: &Context<World>) -> Result<Found, Failure> {
        let database = cx.world.settings.database()?;
        let table = match connect(cx).await? {
            None => Vec::new(),
            Some((mut look, older)) => {
                let table = match older {
                    None => found::read(database, &mut look).await,
                    Some(from) => found::foreseen(&cx.world, &mut look, from).await,
                };
                look.ended(table).await?
            }
        };
        let plan = match rows::plan(&cx.world, &table) {
            Ok(plan) => plan,
            Err(failure) if matches!(failure.code, Code::KeysPublished | Code::KeysConflict) => {
                return Ok(Found::Conflict(failure));
            }
            Err(failure) => return Err(failure),
        };
        let replaced = plan.replaced(&table);
        let first = cx.world.replaces(|| plan.replaced(&table));
        if !replaced.is_empty() && !rows::is_as_seen(first, &replaced) {
            return Ok(Found::Conflict(changed(&cx.world)));
        }
        for remark in &plan.remarks {
            cx.remark(remark.clone());
        }
        let file = match cx.world.settings.files.credentials.as_deref() {
            None => None,
            Some(path) => {
                match credentials::look(&cx.world, path, &planned::foreseen(&plan, &table)?).await {
                    Ok(file) => file.map(|(change, ..)| change),
                    Err(failure) => return Ok(Found::Conflict(failure)),
                }
            }
        };
        let mut found = planned::rows(ABOUT.id, &cx.world, &plan, &table)?;
        found.changes.extend(file);
        if found.changes.is_empty() {
            return Ok(Found::Done(format!("{} kept", count(plan.pairs.len(), "keypair"))));
        }
        Ok(Found::Pending(found))
    }

    /// Once. The inner failure is one after which nobody knows whether the new secrets count: repeated, it would look
    /// like the work of another run.
    async fn populate(
        cx: &Context<World>,
        planned: &StagePlan,
        attempts: &Attempts,
        again: bool,
    ) -> Result<Result<Done, Failure>, Failure> {
        let database = cx.world.settings.database()?;
        cx.wait(cx.world.locks.hold_database()).await??;
        let Some((mut transaction, None)) = connect(cx).await? else {
            return Err(Failure::new(Code::Internal, "the keypairs were started before the schema"));
        };
        cx.log(format!("connected to {} as {}", database.address, database.user)).await;
        cx.wait(postgres::exclude_others(&mut transaction, database)).await??;
        let table = found::read(database, &mut transaction).await?;
        let earlier = attempts.take().filter(|written| are_there(&written.held, &table));
        let Rows { held, tally, entries } = if let Some(earlier) = earlier {
            // The commit of the attempt before arrived, its confirmation did not.
            earlier
        } else {
            let plan = planned::still(&cx.world, &table, planned, again)?;
            // A file that cannot take the keys is found before they are made.
            planned::file(cx, &planned::foreseen(&plan, &table)?, planned).await?;
            write(cx, database, &mut transaction, &plan, &table).await?
        };
        attempts.keep(&held, tally);
        cx.checkpoint()?;
        let intent = cx.intend(entries).await?;
        cx.world.locks.stand(&mut transaction).await?;
        match cx.write(&intent, 0..intent.count(), transaction.commit(database)).await {
            Err(failure) if cx.world.rotation_is_due() => return Ok(Err(failure)),
            committed => committed?,
        }
        cx.world.rotated();

        // The file is written under the lock too, or an older one could replace a newer one.
        let mut transaction = cx.world.transaction().await?;
        cx.wait(postgres::exclude_others(&mut transaction, database)).await??;
        if !are_there(&held, &found::read(database, &mut transaction).await?) {
            return Err(changed(&cx.world));
        }
        let path = cx.world.settings.files.credentials.as_deref();
        let file = match path {
            Some(path) => write_file(cx, path, &held).await?,
            None => None,
        };
        transaction.end().await;
        if path.is_none() && tally.made + tally.renewed > 0 {
            cx.warn("no file keeps the new keys, since `files.credentials` is `none`: they stand in table keypairs alone").await;
        }
        if tally.renewed > 0 {
            cx.warn("the old secrets no longer work; web sockets that are already open stay open until they close").await;
        }
        let mut parts = tally.parts();
        parts.extend(file.map(|path| path.display().to_string()));
        Ok(Ok(Done { summary: parts.join(", "), changes: tally.rows() + usize::from(file.is_some()) }))
    }
}

#[async_trait]
impl Stage<World> for PopulateFixtures {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<Found, Failure> {
        postgres::repeated(cx.world.surroundings.limits, LOOKS, || Self::look(cx)).await
    }

    async fn apply(&self, cx: &Context<World>, plan: &StagePlan) -> Result<Done, Failure> {
        let attempts = Attempts::default();
        worked(cx, |again| Self::populate(cx, plan, &attempts, again)).await?
    }

    fn left(&self, written: Written) -> String {
        match written.sure {
            Certainty::Nothing => "table keypairs is as before: nothing was committed",
            Certainty::Something => {
                "the rows were committed, and stay; a new run writes the credentials file from them"
            }
            Certainty::Unknown => "whether the commit arrived is not known: all rows are there, or none",
        }
        .to_owned()
    }
}

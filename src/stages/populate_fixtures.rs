//! `populate-fixtures`: the keypairs and their credentials file.

mod credentials;
mod found;
mod remarks;
mod rows;

use async_trait::async_trait;
use sqlx::PgConnection;

use secrecy::ExposeSecret;

use crate::{
    failure::{Code, Failure},
    fixture::Keys,
    guide::{Database, files::CREDENTIALS},
    services::postgres::{self, Transaction},
    workflow::{About, Certainty, Change, Context, Done, Stage, State, Written},
    world::World,
};

use super::{LOOKS, install_schema, keys::count, worked};

use credentials::Held;
use found::Found;
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

/// The database as this stage needs it: at the head. None when an earlier stage will bring it there.
async fn connect(cx: &Context<World>) -> Result<Option<Transaction>, Failure> {
    let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
    let missing = match cx.world.database().await {
        Ok(connection) => {
            let mut look = Transaction::begin(connection, database).await?;
            let standing = postgres::standing(&mut look, database, schema).await;
            if standing.as_ref().is_ok_and(|standing| standing.is_at_head()) {
                return Ok(Some(look));
            }
            look.end().await;
            standing?;
            format!("database `{}` is not at revision {}", database.name, schema.head)
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

fn row_changes(plan: &Plan) -> Vec<Change> {
    let pairs = plan.pairs.iter().filter_map(|pair| {
        let title = pair.row.title();
        match &pair.standing {
            Standing::Kept(_, nulls) if nulls.is_empty() => None,
            Standing::Kept(_, nulls) => {
                let set: Vec<_> = nulls.iter().map(|(column, to)| format!("{column} NULL → {to}")).collect();
                Some((format!("{title}, {}", set.join(", ")), false))
            }
            Standing::New if pair.row.keys.is_some() => Some((format!("{title}, the given keys"), true)),
            Standing::New => Some((format!("{title}, new keys"), true)),
            Standing::Renewed(access) if access.len() == 1 => Some((format!("{title}, a new secret"), false)),
            Standing::Renewed(access) => {
                Some((format!("{title}, new secrets for {} rows", access.len()), false))
            }
        }
    });
    let closed =
        plan.closed.iter().map(|(user, access)| (format!("`{access}` of `{user}`, a new secret"), false));
    let row = |(what, is_new)| Change::Row { table: "keypairs".into(), what, is_new };
    pairs.chain(closed).map(row).collect()
}

/// The pairs for the credentials file; keys that are still to be made get a place holder.
fn foreseen(plan: &Plan) -> Result<Vec<Held>, Failure> {
    let mut held = Vec::new();
    let renewed = |access: &str| Keys::generate().map(|keys| Keys { access: access.to_owned(), ..keys });
    for Pair { row, standing } in &plan.pairs {
        let keys = match standing {
            Standing::Kept(keys, _) => vec![keys.clone()],
            Standing::New => vec![row.keys.clone().map_or_else(Keys::generate, Ok)?],
            Standing::Renewed(access) => access.iter().map(|it| renewed(it)).collect::<Result<_, _>>()?,
        };
        let pair = |keys| Held { user_id: row.user_id.clone(), is_admin: row.is_admin, keys };
        held.extend(keys.into_iter().map(pair));
    }
    Ok(held)
}

/// What was written.
#[derive(Default)]
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

/// Writes the rows, and reads them back.
async fn write(
    cx: &Context<World>,
    database: &Database,
    connection: &mut PgConnection,
    plan: &Plan,
) -> Result<(Vec<Held>, Tally), Failure> {
    let (mut held, mut tally) = (Vec::new(), Tally::default());
    for Pair { row, standing } in &plan.pairs {
        cx.checkpoint()?;
        let mut hold = |keys| held.push(Held { user_id: row.user_id.clone(), is_admin: row.is_admin, keys });
        match standing {
            Standing::Kept(keys, nulls) => {
                if nulls.is_empty() {
                    tally.kept += 1;
                } else {
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
                rows::insert(database, connection, row, &keys).await?;
                *if row.keys.is_some() { &mut tally.poured } else { &mut tally.made } += 1;
                hold(keys);
                cx.log(format!("keypair for {}", row.title())).await;
            }
            Standing::Renewed(all) => {
                for access in all {
                    let keys = Keys { access: access.clone(), ..Keys::generate()? };
                    rows::renew(database, connection, &keys).await?;
                    rows::fill(database, connection, access).await?;
                    tally.renewed += 1;
                    hold(keys);
                }
                cx.log(format!("new secret for {}", row.title())).await;
            }
        }
    }
    for found in &found::read(database, connection).await? {
        if !plan.closed.iter().any(|(_, access)| *access == found.access) {
            continue;
        }
        let keys = Keys { access: found.access.clone(), ..Keys::generate()? };
        rows::renew(database, connection, &keys).await?;
        tally.renewed += 1;
        let user_id = found.user_id.clone().unwrap_or_default();
        held.push(Held { user_id, is_admin: found.is_admin == Some(true), keys });
    }
    if !are_there(&held, &found::read(database, connection).await?) {
        return Err(rows::altered(database, connection).await);
    }
    Ok((held, tally))
}

fn are_there(held: &[Held], table: &[Found]) -> bool {
    held.iter().all(|pair| {
        table.iter().any(|found| {
            found.access == pair.keys.access
                && found.has(&pair.keys.secret)
                && found.user_id.as_deref().unwrap_or_default() == pair.user_id
                && (found.is_admin == Some(true)) == pair.is_admin
        })
    })
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
    async fn look(cx: &Context<World>) -> Result<State, Failure> {
        let database = cx.world.settings.database()?;
        let table = match connect(cx).await? {
            None => Vec::new(),
            Some(mut look) => {
                let table = found::read(database, &mut look).await;
                look.end().await;
                table?
            }
        };
        let plan = match rows::plan(&cx.world, &table) {
            Ok(plan) => plan,
            Err(failure) if matches!(failure.code, Code::KeysPublished | Code::KeysConflict) => {
                return Ok(State::Conflict(failure));
            }
            Err(failure) => return Err(failure),
        };
        cx.world.replaces(|| plan.replaced(&table));
        for remark in &plan.remarks {
            cx.remark(remark.clone());
        }
        let disk = &cx.world.surroundings.disk;
        let file = match cx.world.settings.files.credentials.as_deref() {
            None => None,
            Some(path) => match credentials::look(disk, path, &foreseen(&plan)?).await {
                Ok(file) => file.map(|(change, _)| change),
                Err(failure) => return Ok(State::Conflict(failure)),
            },
        };
        let mut changes = row_changes(&plan);
        changes.extend(file);
        if changes.is_empty() {
            return Ok(State::Done(format!("{} kept", count(plan.pairs.len(), "keypair"))));
        }
        Ok(State::Pending(changes))
    }

    /// Once. The inner failure is one after which nobody knows whether the new secrets count: repeated, it would look
    /// like the work of another run.
    async fn populate(cx: &Context<World>) -> Result<Result<Done, Failure>, Failure> {
        let database = cx.world.settings.database()?;
        let Some(mut transaction) = connect(cx).await? else {
            return Err(Failure::new(Code::Internal, "the keypairs were started before the schema"));
        };
        cx.log(format!("connected to {} as {}", database.address, database.user)).await;
        install_schema::lock(cx, &mut transaction, database).await?;
        let table = found::read(database, &mut transaction).await?;
        let plan = rows::plan(&cx.world, &table)?;
        if !rows::is_as_seen(cx.world.replaces(Vec::new), &plan.replaced(&table)) {
            return Err(changed(&cx.world));
        }
        let disk = &cx.world.surroundings.disk;
        let path = cx.world.settings.files.credentials.as_deref();
        if let Some(path) = path {
            // A file that cannot take the keys is found before they are made.
            credentials::look(disk, path, &foreseen(&plan)?).await?;
        }
        let (held, tally) = write(cx, database, &mut transaction, &plan).await?;
        cx.checkpoint()?;
        let connection = match cx.written(transaction.commit(database).await) {
            Err(failure) if cx.world.rotation_is_due() => return Ok(Err(failure)),
            committed => committed?,
        };
        cx.world.rotated();

        // The file is written under the lock too, or an older one could replace a newer one.
        let mut transaction = Transaction::begin(connection, database).await?;
        install_schema::lock(cx, &mut transaction, database).await?;
        if !are_there(&held, &found::read(database, &mut transaction).await?) {
            return Err(changed(&cx.world));
        }
        let file = match path {
            None => None,
            Some(path) => credentials::look(disk, path, &held).await?.map(|(_, text)| (path, text)),
        };
        if let Some((path, text)) = &file {
            let put = disk.patient_replace(path, text.expose_secret().as_bytes(), None).await;
            let put = put.map_err(|failure| {
                let why = failure.why.clone().unwrap_or_default();
                failure.why(format!(
                    "{why}; the keypairs are in the table, a new run writes the file from there"
                ))
            })?;
            cx.log(format!("written with mode {:04o}: {}", put.mode, path.display())).await;
        }
        transaction.end().await;
        if path.is_none() && tally.made + tally.renewed > 0 {
            cx.warn("no file keeps the new keys, since `files.credentials` is `none`: they stand in table keypairs alone").await;
        }
        if tally.renewed > 0 {
            cx.warn("the old secrets no longer work; web sockets that are already open stay open until they close").await;
        }
        let mut parts = tally.parts();
        parts.extend(file.as_ref().map(|(path, _)| path.display().to_string()));
        Ok(Ok(Done { summary: parts.join(", "), changes: tally.rows() + usize::from(file.is_some()) }))
    }
}

#[async_trait]
impl Stage<World> for PopulateFixtures {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<State, Failure> {
        postgres::repeated(cx.world.surroundings.limits, LOOKS, || Self::look(cx)).await
    }

    async fn run(&self, cx: &Context<World>) -> Result<Done, Failure> {
        worked(cx, |_| Self::populate(cx)).await?
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

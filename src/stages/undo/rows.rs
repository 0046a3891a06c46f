//! Rows of table keypairs: those that were made go, where nothing refers to them; those that were changed get their
//! former secret back, unless anybody can guess it.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use sqlx::{PgConnection, Row as _};

use crate::{
    failure::Failure,
    fingerprint::digest,
    fixture,
    guide::Database,
    journal::{Content, Entry, Intent},
    services::postgres::{self, Transaction, ask, unnamed},
    stages::{keys::count, populate_fixtures::noted::of_columns},
    workflow::{Change, Context, StagePlan},
    world::World,
};

use super::looked::Looked;

/// A row as it stands.
struct TableRow {
    secret: Option<secrecy::SecretString>,
    columns: String,
    filled: BTreeMap<&'static str, Option<i32>>,
    /// What refers to it: tables with how many rows.
    references: Vec<(String, i64)>,
}

/// What is to be done with one row.
enum Verdict<'e> {
    Remove,
    PutBack {
        secret: Option<&'e Content>,
        nulls: Vec<&'e str>,
    },
    /// It is as before.
    Nothing,
    Keep(String),
}

/// Every row that the run made or changed, with what is to be done; the last one first.
fn judge<'e>(
    entries: &'e [Entry],
    table: &BTreeMap<String, TableRow>,
) -> Vec<(&'e str, &'e str, Verdict<'e>)> {
    let judged = entries.iter().rev().filter_map(|entry| match entry {
        Entry::Keypair { access, user, is_new, secret, old_secret, filled, row } => {
            let found = table.get(access);
            let verdict = match (found, is_new) {
                (None, true) => Verdict::Nothing,
                (None, false) => Verdict::Keep("the row has been removed since".into()),
                (Some(found), true) => made(found, secret.as_deref(), row.as_deref()),
                (Some(found), false) => {
                    changed(found, secret.as_deref(), old_secret.as_ref(), filled, access)
                }
            };
            Some((access.as_str(), user.as_str(), verdict))
        }
        _ => None,
    });
    judged.collect()
}

fn has(found: &TableRow, secret: &str) -> bool {
    found.secret.as_ref().is_some_and(|held| digest(&[held.expose_secret().as_bytes()]) == secret)
}

fn made<'e>(found: &TableRow, secret: Option<&str>, row: Option<&str>) -> Verdict<'e> {
    if !secret.is_some_and(|secret| has(found, secret)) || row != Some(&found.columns) {
        return Verdict::Keep("the row has been changed since".into());
    }
    let refers = |(table, rows): &(String, i64)| {
        format!("{} of table {table}", count(usize::try_from(*rows).unwrap_or_default(), "row"))
    };
    match found.references.iter().map(refers).collect::<Vec<_>>().as_slice() {
        [] => Verdict::Remove,
        all => Verdict::Keep(format!("it is in use by {}", all.join(" and "))),
    }
}

fn changed<'e>(
    found: &TableRow,
    secret: Option<&str>,
    old: Option<&'e Content>,
    filled: &'e [String],
    access: &str,
) -> Verdict<'e> {
    let held = found.secret.as_ref().map(|held| held.expose_secret().as_bytes());
    let is_old = secret.is_some() && held == old.map(Content::bytes);
    if !is_old && secret.is_some_and(|secret| !has(found, secret)) {
        return Verdict::Keep("its secret has been changed since".into());
    }
    if secret.is_some() && !is_old {
        let Some(old) = old.and_then(Content::text) else {
            return Verdict::Keep("it had no secret before, and the manager fails on such a row".into());
        };
        if fixture::is_guessable(access, &old.to_owned().into()) {
            return Verdict::Keep(
                "its former secret is published, empty or blank: anybody could use it".into(),
            );
        }
    }
    let still = |column: &&String| {
        let now = found.filled.get(column.as_str()).copied().flatten();
        now.is_some() && now == value_of(column)
    };
    let nulls: Vec<&str> = filled.iter().filter(still).map(String::as_str).collect();
    let secret = old.filter(|_| secret.is_some() && !is_old);
    if secret.is_none() && nulls.is_empty() { Verdict::Nothing } else { Verdict::PutBack { secret, nulls } }
}

/// What a column was given in the place of NULL.
fn value_of(column: &str) -> Option<i32> {
    match column {
        "concurrency_limit" => Some(fixture::CONCURRENCY_LIMIT),
        "concurrency_used" => Some(0),
        "rate_limit" => Some(fixture::RATE_LIMIT),
        _ => None,
    }
}

async fn read(
    database: &Database,
    connection: &mut PgConnection,
    entries: &[Entry],
    is_locked: bool,
) -> Result<BTreeMap<String, TableRow>, Failure> {
    let access: Vec<String> = entries.iter().filter_map(access_of).collect();
    let sql = "SELECT access_key::text, user_id::text, secret_key::text, is_active, is_admin, \
               resource_policy::text, concurrency_limit, concurrency_used, rate_limit \
               FROM public.keypairs WHERE access_key = ANY($1)";
    // Whoever refers to a row from now on waits.
    let sql = if is_locked { format!("{sql} FOR UPDATE") } else { sql.to_owned() };
    let asked = unnamed(&sql).bind(&access).fetch_all(&mut *connection);
    let rows = ask(database, "the search for keypairs", asked).await?;
    let references = references(database, connection, &access).await?;
    let row = |row: &sqlx::postgres::PgRow| {
        let access: String = row.get(0);
        let (limit, used, rate): (Option<i32>, Option<i32>, Option<i32>) =
            (row.get(6), row.get(7), row.get(8));
        let (user, policy): (Option<String>, Option<String>) = (row.get(1), row.get(5));
        let columns = of_columns(user.as_deref(), row.get(3), row.get(4), policy.as_deref(), limit, rate);
        let of_it = references.iter().filter(|(of, ..)| *of == access);
        let found = TableRow {
            secret: row.get::<Option<String>, _>(2).map(Into::into),
            columns,
            filled: [("concurrency_limit", limit), ("concurrency_used", used), ("rate_limit", rate)].into(),
            references: of_it.map(|(_, table, rows)| (table.clone(), *rows)).collect(),
        };
        (access, found)
    };
    Ok(rows.iter().map(row).collect())
}

fn access_of(entry: &Entry) -> Option<String> {
    match entry {
        Entry::Keypair { access, .. } => Some(access.clone()),
        _ => None,
    }
}

/// Rows of other tables that refer to these keypairs, by the foreign keys that the catalogs know.
async fn references(
    database: &Database,
    connection: &mut PgConnection,
    access: &[String],
) -> Result<Vec<(String, String, i64)>, Failure> {
    let what = "the search for what refers to keypairs";
    let sql = "SELECT format('%I.%I', n.nspname, c.relname), format('%I', a.attname), c.relname::text \
               FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
               JOIN pg_namespace n ON n.oid = c.relnamespace \
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1] \
               WHERE k.contype = 'f' AND k.confrelid = 'public.keypairs'::regclass ORDER BY 1, 2";
    let keys = ask(database, what, unnamed(sql).fetch_all(&mut *connection)).await?;
    let mut found = Vec::new();
    for key in &keys {
        let (table, column, name): (String, String, String) = (key.get(0), key.get(1), key.get(2));
        let sql = format!(
            "SELECT {column}::text, count(*) FROM {table} WHERE {column}::text = ANY($1) GROUP BY 1 ORDER BY 1"
        );
        let rows = ask(database, what, unnamed(&sql).bind(access).fetch_all(&mut *connection)).await?;
        found.extend(rows.iter().map(|row| (row.get(0), name.clone(), row.get(1))));
    }
    Ok(found)
}

fn looked(entries: &[Entry], table: &BTreeMap<String, TableRow>) -> Looked {
    let mut looked = Looked::default();
    for (access, user, verdict) in judge(entries, table) {
        let (what, is_removed) = match verdict {
            Verdict::Nothing => continue,
            Verdict::Keep(why) => {
                looked.keep(format!("keypair `{access}` of `{user}` is kept"), why);
                continue;
            }
            Verdict::Remove => (format!("`{access}` of `{user}`"), true),
            Verdict::PutBack { secret, nulls } => {
                let secret = secret.map(|_| "its former secret".to_owned());
                let nulls = nulls.iter().map(|column| format!("{column} → NULL"));
                let parts: Vec<String> = secret.into_iter().chain(nulls).collect();
                (format!("`{access}` of `{user}`, {}", parts.join(", ")), false)
            }
        };
        looked.changes.push(Change::Row { table: "keypairs".into(), what, is_new: false, is_removed });
    }
    looked
}

/// The table, when it is there in a form that is known.
async fn open(cx: &Context<World>) -> Result<Option<Transaction>, Failure> {
    let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
    let Some(mut look) = cx.world.transaction_if_there().await? else { return Ok(None) };
    match postgres::standing(&mut look, database, schema).await {
        Ok(standing) if standing.is_at_head() => Ok(Some(look)),
        other => look.ended(other).await.map(|_| None),
    }
}

pub(super) async fn look(cx: &Context<World>, entries: &[Entry]) -> Result<Looked, Failure> {
    if !entries.iter().any(|entry| matches!(entry, Entry::Keypair { .. })) {
        return Ok(Looked::default());
    }
    let database = cx.world.settings.database()?;
    let Some(mut look) = open(cx).await? else { return Ok(Looked::default()) };
    let table = read(database, &mut look, entries, false).await;
    Ok(looked(entries, &look.ended(table).await?))
}

/// The access keys of the rows that undo would remove now.
pub(super) async fn removable(
    database: &Database,
    connection: &mut PgConnection,
    entries: &[Entry],
) -> Result<Vec<String>, Failure> {
    let table = read(database, connection, entries, false).await?;
    let judged = judge(entries, &table).into_iter();
    let removed = judged.filter(|(.., verdict)| matches!(verdict, Verdict::Remove));
    Ok(removed.map(|(access, ..)| access.to_owned()).collect())
}

pub(super) async fn apply(cx: &Context<World>, plan: &StagePlan, entries: &[Entry]) -> Result<(), Failure> {
    let is_row = |change: &&Change| matches!(change, Change::Row { .. });
    let planned: Vec<Change> = plan.changes.iter().filter(is_row).cloned().collect();
    if planned.is_empty() {
        return Ok(());
    }
    let database = cx.world.settings.database()?;
    let what = "table keypairs changed after the plan was made";
    let Some(mut transaction) = open(cx).await? else {
        return Err(Failure::stale(what, "it is not there any more"));
    };
    cx.wait(postgres::exclude_others(&mut transaction, database)).await??;
    let table = read(database, &mut transaction, entries, true).await?;
    let planned = StagePlan::new(plan.stage, planned);
    if let Some(difference) = planned.difference(&StagePlan::new(plan.stage, looked(entries, &table).changes))
    {
        return Err(Failure::stale(what, difference));
    }
    for (access, user, verdict) in judge(entries, &table) {
        cx.checkpoint()?;
        put_back(database, &mut transaction, access, &verdict).await?;
        if matches!(verdict, Verdict::Remove | Verdict::PutBack { .. }) {
            cx.log(format!("keypair `{access}` of `{user}`")).await;
        }
    }
    cx.world.locks.stand(&mut transaction).await?;
    cx.write(&Intent::unrecorded(), 0..0, transaction.commit(database)).await
}

async fn put_back(
    database: &Database,
    connection: &mut PgConnection,
    access: &str,
    verdict: &Verdict<'_>,
) -> Result<(), Failure> {
    let what = "a row of table keypairs";
    match verdict {
        Verdict::Nothing | Verdict::Keep(_) => {}
        Verdict::Remove => {
            let sql = "DELETE FROM public.keypairs WHERE access_key = $1";
            ask(database, what, unnamed(sql).bind(access).execute(&mut *connection)).await?;
        }
        Verdict::PutBack { secret, nulls } => {
            if let Some(secret) = secret.and_then(Content::text) {
                let sql = "UPDATE public.keypairs SET secret_key = $1 WHERE access_key = $2";
                ask(database, what, unnamed(sql).bind(secret).bind(access).execute(&mut *connection)).await?;
            }
            for column in nulls {
                let sql = format!("UPDATE public.keypairs SET {column} = NULL WHERE access_key = $1");
                ask(database, what, unnamed(&sql).bind(access).execute(&mut *connection)).await?;
            }
        }
    }
    Ok(())
}
